"""What a session owes its client when things happen at the same time, or in an unusual order."""

from __future__ import annotations

import asyncio

import pytest
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    Close,
    Closed,
    Delta,
    Error,
    Event,
    Interrupt,
    Open,
    Opened,
    Player,
    Say,
    Suggest,
    Suggestions,
    Turn,
    TurnEnd,
)

from dialogue_server.domain.conversation import ConversationKey, Snapshot
from dialogue_server.domain.stream import TextStream
from dialogue_server.engine import answers
from dialogue_server.engine.charging import Charge
from dialogue_server.engine.context import EngineLimits
from dialogue_server.engine.direction import Direction
from dialogue_server.engine.metering import Meter
from dialogue_server.engine.observer import Failure, Record, TurnStarted
from dialogue_server.engine.session import MAX_WAITING
from dialogue_server.stores.memory import MemoryStore
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, serving


async def test_no_event_that_was_taken_is_refused_when_its_time_comes() -> None:
    """Each of those that wait is answered by a turn, so the last waits through all of them."""
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        await client.expect(Turn)
        for number in range(MAX_WAITING):
            await client.send(Event("c", f"e{number}", f"A bell rings {number}.", "must"))
        await client.send(Event("c", "one too many", "A bell rings."))
        refused = await client.expect(Error)
        assert (refused.line, refused.code) == ("one too many", ErrorCode.BUSY)
        told = []
        for _ in range(MAX_WAITING + 1):
            call = await backend.call()
            call.say("Yes.")
            call.finish()
            await client.expect(TurnEnd)
        told = [message.line for message in client.received if isinstance(message, Turn)]
        assert told == ["1", *(f"e{number}" for number in range(MAX_WAITING))]
        await client.leave()


async def test_conversations_that_another_connection_took_over_make_room() -> None:
    async with serving(SteeredBackend(), limits=EngineLimits(conversations=1)) as served:
        first, second = await Client.connect(served.url), await Client.connect(served.url)
        await first.open()
        await second.open()
        await first.open("another")
        await first.leave()
        await second.leave()


async def test_a_late_interrupt_holds_for_a_conversation_that_was_opened_again() -> None:
    """The player has seen three letters, so the NPC has said three letters."""
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Yes, it is I.")
        call.finish()
        answer = await client.answer()
        await client.send(Close("c"))
        await client.expect(Closed)
        await client.open()
        await client.send(Interrupt(answer.turn.turn, 3))
        await client.send(Say("c", "2", "And?"))
        prompt = (await backend.call()).request.messages
        assert all("it is I" not in message.content for message in prompt)
        await client.leave()


async def test_a_turn_that_cannot_be_prepared_leaves_the_conversation_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One end for the line, and no turn without an end."""
    backend = SteeredBackend()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        with monkeypatch.context() as patch:
            patch.setattr(answers, "answer_stream", broken)
            await client.send(Say("c", "1", "Hello?"))
            assert (await client.expect(Error)).code == ErrorCode.INTERNAL
        assert not any(isinstance(message, Turn) for message in client.received)
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Yes.")
        call.finish()
        assert (await client.answer()).text == "Yes."
        await client.leave()


async def test_a_turn_that_cannot_be_announced_leaves_the_conversation_free() -> None:
    backend = SteeredBackend()

    def broken(record: Record) -> None:
        if isinstance(record, TurnStarted):
            raise ZeroDivisionError

    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        observe, served.context.observe = served.context.observe, broken
        await client.send(Say("c", "1", "Hello?"))
        await client.expect(Turn)
        served.context.observe = observe
        assert (await client.expect(Error)).code == ErrorCode.INTERNAL
        assert not next(iter(served.context.conversations.values())).answers.busy
        await client.send(Say("c", "2", "Hello?"))
        (await backend.call()).finish()
        await client.answer()
        await client.send(Suggest("c", "s"))
        (await backend.call()).finish()
        await client.expect(Suggestions)
        await client.leave()


async def test_an_open_with_an_npc_that_is_not_there_leaves_the_talk_alone() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        await client.send(Open("c", ["nobody"], Player("ann", "Ann")))
        assert (await client.expect(Error)).code == ErrorCode.UNKNOWN_NPC
        call = await backend.call()
        call.say("Yes.")
        call.finish()
        assert (await client.expect(TurnEnd)).reason == "complete"
        assert len([m for m in client.received if isinstance(m, Opened)]) == 1
        await client.leave()


class SlowToLoad(MemoryStore):
    """Loads when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.loading = asyncio.Semaphore(0)
        self.may = asyncio.Event()

    async def load(self, key: ConversationKey) -> Snapshot:
        found = await super().load(key)
        self.loading.release()
        await self.may.wait()
        return found


async def test_of_two_that_open_a_conversation_at_once_the_newer_has_it_and_one_greets() -> None:
    store = SlowToLoad()
    async with serving(SteeredBackend(), store=store) as served:
        first, second = await Client.connect(served.url), await Client.connect(served.url)
        await first.send(Open("c", ["mira"], Player("ann", "Ann")))
        await store.loading.acquire()
        await second.send(Open("c", ["mira"], Player("ann", "Ann")))
        (old,) = served.context.conversations.values()
        while not old.talk.closed:
            await asyncio.sleep(0)
        store.may.set()
        assert (await first.expect(Error)).code == ErrorCode.UNKNOWN_CONVERSATION
        assert (await second.expect(Opened)).greeting == ""
        archive = await store.export(ConversationKey("ann", "c"))
        assert archive is not None
        assert len(archive.nodes) == 1
        await first.leave()
        await second.leave()


async def test_a_close_answers_every_suggestion_that_is_open_and_asks_no_model_any_more() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        await client.expect(Turn)
        for line in ("s1", "s2", "s3"):
            await client.send(Suggest("c", line))
        await client.send(Close("c"))
        lines: list[tuple[str, str]] = []
        while len(lines) < 3:
            message = await client.next()
            if isinstance(message, Error):
                lines.append((message.line, message.code))
        assert lines == [(line, ErrorCode.UNKNOWN_CONVERSATION) for line in ("s1", "s2", "s3")]
        await client.expect(Closed)
        await backend.call()  # of the turn; no other was made
        assert backend.calls.empty()
        await client.leave()


@pytest.mark.parametrize("broken", ["finish", "tell", "conclude"])
async def test_whatever_fails_at_a_turns_end_it_ends_once_and_the_next_line_is_answered(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LookupError("a mistake in the server")

    settled: list[Meter | None] = []
    settle = Charge.settle

    async def settling(charge: Charge, meter: Meter | None = None) -> None:
        settled.append(meter)
        await settle(charge, meter)

    monkeypatch.setattr(Charge, "settle", settling)
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        with monkeypatch.context() as patch:
            patch.setattr(TextStream if broken == "finish" else Direction, broken, fail)
            await client.send(Say("c", "1", "Hello?"))
            call = await backend.call()
            call.say("Good day.")
            call.finish()
            end = await client.expect(TurnEnd)
        shown = "".join(each.text for each in client.received if isinstance(each, Delta))
        assert end.length == len(shown)
        assert shown == "Good day." or broken == "finish"
        assert (end.code == "") == (broken == "tell")
        await client.send(Say("c", "2", "And now?"))
        call = await backend.call()
        call.say("Well.")
        call.finish()
        assert (await client.expect(TurnEnd)).code == ""
        await client.leave()
        ends = [message.turn for message in client.received if isinstance(message, TurnEnd)]
        assert ends == [1, 2]
    assert [meter.spent.output_tokens for meter in settled if meter] == [10, 10]
    assert served.seen(Failure)
