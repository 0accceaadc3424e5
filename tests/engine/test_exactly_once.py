"""A line repeated at any moment, and messages that cross a change of sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dialogue_protocol.codec import MSGPACK
from dialogue_protocol.messages import (
    Delta,
    Error,
    History,
    Open,
    Player,
    Say,
    Transcript,
    Turn,
)

from dialogue_server.domain.conversation import ConversationKey, Node, Snapshot
from dialogue_server.engine.retelling import MAX_TRANSCRIPT_BYTES, transcript
from dialogue_server.stores.memory import MemoryStore
from dialogue_server.stores.sqlite import SQLiteStore
from tests.fakes.steered import SteeredBackend
from tests.harness import Answer, Client, serving

KEY = ConversationKey("ann", "c")


class SlowStore(MemoryStore):
    """Loads when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def load(self, key: ConversationKey) -> Snapshot:
        self.asked.set()
        await self.go.wait()
        return await super().load(key)


async def test_what_a_new_socket_sends_waits_for_what_the_old_one_began() -> None:
    backend, store = SteeredBackend(), SlowStore()
    async with serving(backend, store=store) as served:
        client = await Client.connect(served.url)
        await client.send(Open("c", ["mira"], Player("ann", "Ann")))
        await store.asked.wait()
        client.socket.abort()
        again = await client.resume(served.url)
        assert again.welcome is not None
        assert again.welcome.received == 1  # the open has arrived: it is not sent again
        await again.send(Say("c", "1", "Hello?"))
        await asyncio.sleep(0.05)  # long enough to be handled too early
        store.go.set()
        call = await backend.call()
        call.say("Good day.")
        call.finish()
        assert (await again.answer()).text == "Good day."


async def test_an_answered_line_is_told_again_even_while_another_is_being_answered() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Good day.")
        call.finish()
        first = await client.answer()
        await client.send(Say("c", "2", "And?"))
        call = await backend.call()
        running = await client.expect(Turn)
        again = await client.say("Hello?", line="1")
        assert (again.turn.id, again.text) == (first.turn.id, "Good day.")
        await client.send(Say("c", "3", "Now?"))
        assert (await client.expect(Error)).code == "busy"
        call.say("And what?")
        call.finish()
        assert (await client.rest_of(Answer(running))).text == "And what?"


async def test_a_line_whose_answer_died_with_the_server_is_asked_once_more_and_only_once(
    tmp_path: Path,
) -> None:
    store = SQLiteStore(tmp_path / "talk.db")
    await store.start()
    await store.append(KEY, Node("n1", "", "npc", "mira", "Come in.", 1.0, reason="complete"))
    await store.append(KEY, Node("n2", "n1", "player", "Ann", "Who lit it?", 2.0, line="1"))
    backend = SteeredBackend()
    async with serving(backend, store=store) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Who lit it?"))
        call = await backend.call()
        prompt = "\n".join(message.content for message in call.request.messages)
        assert prompt.count("Who lit it?") == 1
        call.say("I did.")
        call.finish()
        await client.answer()
        await client.send(History("c"))
        told = (await client.expect(Transcript)).lines
        assert [line.text for line in told] == ["Come in.", "Who lit it?", "I did."]


def test_a_transcript_weighs_less_than_what_makes_a_reader_slow() -> None:
    nodes = [Node(f"{n:032}", "", "npc", "mira", "é" * 500, 1.0) for n in range(1000)]
    lines = transcript(nodes, 1000)
    assert 50 < len(lines) < 1000
    assert lines[-1].id == nodes[-1].id
    weight = len(MSGPACK.encode(Transcript("c", lines)))
    assert MAX_TRANSCRIPT_BYTES / 2 < weight <= MAX_TRANSCRIPT_BYTES + 100


def test_one_line_is_told_whatever_it_weighs() -> None:
    huge = Node("n", "", "npc", "mira", "x" * 2 * MAX_TRANSCRIPT_BYTES, 1.0)
    assert [line.id for line in transcript([huge], 5)] == ["n"]
    assert transcript([], 5) == []
    few = [Node(str(n), "", "npc", "mira", "x", 1.0) for n in range(9)]
    assert [line.id for line in transcript(few, 2)] == ["7", "8"]
    assert len(transcript(few, 0)) == 1


async def test_a_dropped_client_may_send_while_the_old_socket_is_still_attached() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Good ")
        await client.expect(Delta)
        again = await client.resume(served.url)
        await again.send(Say("c", "1", "Hello?"))  # in doubt
        call.say("day.")
        call.finish()
        rest = await again.rest_of(Answer(Turn(1, "", "c", "mira")))
        assert rest.ended.length == len("Good day.")
        assert backend.calls.empty()
