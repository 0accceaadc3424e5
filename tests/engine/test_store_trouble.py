"""A store that refuses, or that does what it was told and cannot say so: nothing is lost and nothing
is there twice, what an NPC remembers is what the store holds, and the client hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
import pytest
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    ActionResult,
    Error,
    Event,
    History,
    Interrupt,
    Load,
    Noted,
    Open,
    Opened,
    Player,
    Regenerate,
    Save,
    Saved,
    Say,
    Script,
    Transcript,
    Turn,
    TurnEnd,
)

from dialogue_server.backends.scripted import ScriptedBackend
from dialogue_server.domain.conversation import ConversationKey, Node, Snapshot
from dialogue_server.domain.persona import Action, Parameter
from dialogue_server.engine import answers
from dialogue_server.engine.observer import Failure
from dialogue_server.errors import StoreError
from dialogue_server.stores.base import Store
from dialogue_server.stores.memory import MemoryStore
from dialogue_server.stores.sqlite import SQLiteStore
from tests.fakes.steered import SteeredBackend
from tests.harness import MIRA, Answer, Client, Served, serving

KEY = ConversationKey("ann", "c")
GREETING = "Come in, mind the step."
POURING = msgspec.structs.replace(
    MIRA,
    actions=[Action("pour", "Pours.", {"drink": Parameter(values=["ale"])}, awaits=True)],
)


class Troubled:
    """A real store whose appends of what is new, and cuts, fail as a test says: before they are
    done, or after."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.fails: Literal["", "before", "after"] = ""
        self.kinds = {"player", "npc", "event"}
        self.unnamed = False
        """Whether only what has no line id fails."""

    async def append(self, key: ConversationKey, node: Node) -> Node:
        meant = node.kind in self.kinds and not (self.unnamed and node.line)
        fails = self.fails if meant else ""
        if fails == "before":
            raise StoreError("The disk is full.")
        stored = await self.inner.append(key, node)
        if fails == "after" and stored.id == node.id:
            raise StoreError("The connection broke.")
        return stored

    async def amend(self, node: str, text: str, reason: str) -> None:
        if self.fails != "before":
            await self.inner.amend(node, text, reason)
        if self.fails:
            raise StoreError("The disk is full.")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def store(self) -> Store:
        return cast("Store", self)


@pytest.fixture(params=["memory", "sqlite"])
async def troubled(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Troubled]:
    yield Troubled(MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "t.db"))


async def agree(served: Served, store: Troubled) -> list[str]:
    """What the NPC remembers is what the store holds; the texts."""
    remembered = served.context.conversations[KEY].nodes
    held = (await store.load(KEY)).nodes
    assert list(held) == remembered
    return [node.text for node in remembered]


async def answered(client: Client, backend: SteeredBackend, text: str) -> Answer:
    call = await backend.call()
    call.say(text)
    call.finish()
    return await client.answer()


async def refused(client: Client, line: str) -> None:
    error = await client.expect(Error)
    assert (error.code, error.line, error.retryable) == (ErrorCode.STORE_FAILED, line, True)


async def test_a_regenerate_that_cannot_be_prepared_takes_nothing_back(
    troubled: Troubled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    backend = SteeredBackend()
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        first = await answered(client, backend, "Good day.")
        await client.send(Say("c", "2", "And?"))
        await answered(client, backend, "And what?")
        with monkeypatch.context() as patch:
            patch.setattr(answers, "answer_stream", broken)
            await client.send(Regenerate("c", first.turn.id, "r"))
            assert (await client.expect(Error)).code == ErrorCode.INTERNAL
        assert await agree(served, troubled) == [
            GREETING,
            *("Hello?", "Good day.", "And?", "And what?"),
        ]
        await client.send(Regenerate("c", first.turn.id, "r"))
        await answered(client, backend, "Well met.")
        assert await agree(served, troubled) == [GREETING, "Hello?", "Well met."]


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_a_line_that_failed_is_answered_when_it_is_sent_again(
    troubled: Troubled, fails: Literal["before", "after"]
) -> None:
    backend = SteeredBackend()
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        troubled.fails = fails
        await client.send(Say("c", "1", "Hello?"))
        await refused(client, "1")
        troubled.fails = ""
        await client.send(Say("c", "1", "Hello?"))
        first = await answered(client, backend, "Good day.")
        assert await agree(served, troubled) == [GREETING, "Hello?", "Good day."]
        again = await client.say("Hello?", line="1")
        assert (again.turn.id, again.text) == (first.turn.id, "Good day.")
        assert backend.calls.empty()


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_a_line_sent_again_after_a_newer_one_was_answered_takes_nothing_back(
    troubled: Troubled, fails: Literal["before", "after"]
) -> None:
    backend = SteeredBackend()
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        troubled.fails = fails
        await client.send(Say("c", "1", "Hello?"))
        await refused(client, "1")
        troubled.fails = ""
        await client.send(Say("c", "2", "And?"))
        await answered(client, backend, "And what?")
        await client.send(Say("c", "1", "Hello?"))
        first = await answered(client, backend, "Good day.")
        assert first.turn.line == "1"
        whole = [GREETING, "And?", "And what?", "Hello?", "Good day."]
        assert await agree(served, troubled) == whole
        again = await client.say("Hello?", line="1")
        assert (again.turn.id, again.text) == (first.turn.id, "Good day.")
        await client.send(History("c"))
        told = (await client.expect(Transcript)).lines
        assert [(line.text, line.line) for line in told[1:]] == [
            *(("And?", "2"), ("And what?", "2"), ("Hello?", "1"), ("Good day.", "1")),
        ]
        await client.send(Regenerate("c", first.turn.id, "r"))
        await answered(client, backend, "Well met.")
        assert await agree(served, troubled) == [*whole[:-1], "Well met."]
        assert backend.calls.empty()


async def test_a_line_sent_again_and_again_is_remembered_once_whatever_fails(
    troubled: Troubled,
) -> None:
    """It was stored and could not be answered, twice: where it was, and behind the newer line."""
    backend = SteeredBackend()
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        troubled.fails = "after"
        await client.send(Say("c", "1", "Hello?"))
        await refused(client, "1")
        troubled.fails = ""
        await client.send(Say("c", "2", "And?"))
        await answered(client, backend, "And what?")
        troubled.fails, troubled.unnamed = "after", True
        for _ in range(2):
            await client.send(Say("c", "1", "Hello?"))
            await refused(client, "1")
        troubled.fails = ""
        await client.open()  # what the store holds is read again
        await client.send(Say("c", "1", "Hello?"))
        first = await answered(client, backend, "Good day.")
        assert (await agree(served, troubled))[-3:] == ["And what?", "Hello?", "Good day."]
        assert (await client.say("Hello?", line="1")).turn.id == first.turn.id


async def test_a_line_is_not_sent_again_into_a_past_that_was_left(troubled: Troubled) -> None:
    """The game has gone back to a save slot since: the line is answered there."""
    backend = SteeredBackend()
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Save("c"))
        saved = await client.expect(Saved)
        await client.send(Say("c", "1", "Hello?"))
        await answered(client, backend, "Good day.")
        troubled.fails = "after"
        await client.send(Say("c", "2", "And?"))
        await refused(client, "2")
        troubled.fails = ""
        await client.send(Load("c", saved.checkpoint))
        await client.expect(Opened)
        await client.send(Say("c", "2", "And?"))
        await answered(client, backend, "And what?")
        assert await agree(served, troubled) == [GREETING, "And?", "And what?"]


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("fails", ["before", "after"])
@pytest.mark.parametrize(
    "message", [Event("c", "e", "A cart goes by.", "never"), Script("c", "e", "A cart goes by.")]
)
async def test_what_happened_is_remembered_once_it_is_noted(
    troubled: Troubled, fails: Literal["before", "after"], message: Event | Script, newer: bool
) -> None:
    backend = SteeredBackend()
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        troubled.fails = fails
        await client.send(message)
        await refused(client, "e")
        troubled.fails = ""
        if newer:
            await client.send(Say("c", "1", "Hello?"))
            await answered(client, backend, "Good day.")
        for _ in range(2):
            await client.send(message)
            assert await client.expect(Noted) == Noted("c", "e")
        texts = await agree(served, troubled)
        assert texts[-1] == "A cart goes by."
        assert texts.count("A cart goes by.") == 1
        await client.send(Say("c", "2", "What was that?"))
        await answered(client, backend, "A cart.")
        assert len(await agree(served, troubled)) == (6 if newer else 4)


async def test_a_result_whose_answer_died_with_the_server_is_answered(tmp_path: Path) -> None:
    backend = SteeredBackend()
    async with serving(
        backend, store=SQLiteStore(tmp_path / "t.db"), personas=(POURING,)
    ) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Ale!"))
        turn = await answered(client, backend, "Here. [action: pour drink=ale]")
    result = ActionResult("c", "x", turn.turn.id, 1, accepted=True)
    store = SQLiteStore(tmp_path / "t.db")
    await store.start()
    nodes = (await store.load(KEY)).nodes
    told = {"result": [turn.turn.id, 1], "to": "mira", "heard": ["mira"]}
    text = "Mira tries to pour (drink: ale): done."
    await store.append(KEY, Node("n", nodes[-1].id, "event", "", text, 1.0, line="x", meta=told))
    async with serving(backend, store=store, personas=(POURING,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(result)
        first = await answered(client, backend, "So it is.")
        await client.send(result)
        assert (await client.answer()).turn.id == first.turn.id
        texts = [node.text for node in served.context.conversations[KEY].nodes]
        assert texts[-2:] == [text, "So it is."]
        await client.send(msgspec.structs.replace(result, line="y"))
        assert (await client.expect(Error)).code == ErrorCode.UNKNOWN_ACTION


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_an_answer_that_was_not_stored_is_stored_before_the_next_line(
    troubled: Troubled, fails: Literal["before", "after"]
) -> None:
    """Whoever reads the conversation anew finds all of it, not what came after the trouble."""
    backend = SteeredBackend()
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        troubled.fails, troubled.kinds = fails, {"npc"}
        await client.send(Say("c", "1", "Hello?"))
        first = await answered(client, backend, "Good day.")
        assert first.ended.code == ErrorCode.STORE_FAILED
        await client.send(Say("c", "2", "And?"))
        await refused(client, "2")
        troubled.fails = ""
        again = await client.say("Hello?", line="1")
        assert (again.turn.id, again.text) == (first.turn.id, "Good day.")
        await client.send(Say("c", "2", "And?"))
        await answered(client, backend, "And what?")
        whole = [GREETING, "Hello?", "Good day.", "And?", "And what?"]
        assert await agree(served, troubled) == whole
        other = await Client.connect(served.url)
        assert (await other.open()).history == 3


async def test_an_answer_that_was_not_stored_can_be_saved_cut_read_and_left(
    troubled: Troubled,
) -> None:
    backend = SteeredBackend()
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)

        async def unstored(line: str) -> Turn:
            troubled.fails = "before"
            await client.send(Say("c", line, "Hello?"))
            answer = await answered(client, backend, "Good day.")
            assert answer.ended.code == ErrorCode.STORE_FAILED
            return answer.turn

        troubled.kinds = {"npc"}
        await client.open()
        await unstored("1")
        await client.send(Save("c"))
        assert (await client.expect(Error)).code == ErrorCode.STORE_FAILED
        troubled.fails = ""
        await client.send(Save("c"))
        saved = await client.expect(Saved)
        turn = await unstored("2")
        troubled.fails = ""
        await client.send(Interrupt(turn.turn, 4))
        await client.send(History("c", 1, turn.id))
        assert [line.text for line in (await client.expect(Transcript)).lines] == ["Good"]
        left = await unstored("3")
        await client.send(Load("c", saved.checkpoint))
        assert (await client.expect(Error)).code == ErrorCode.STORE_FAILED
        assert served.context.conversations[KEY].nodes[-1].id == left.id
        troubled.fails = ""
        await client.send(Load("c", saved.checkpoint))
        assert (await client.expect(Opened)).history == 2
        assert await agree(served, troubled) == [GREETING, "Hello?", "Good day."]
        await client.send(History("c", 1, left.id))
        assert [line.text for line in (await client.expect(Transcript)).lines] == ["Good day."]


async def test_an_answer_that_was_not_stored_is_not_lost_with_its_connection(
    troubled: Troubled,
) -> None:
    backend = SteeredBackend()
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        troubled.fails, troubled.kinds = "before", {"npc"}
        await client.send(Say("c", "1", "Hello?"))
        await answered(client, backend, "Good day.")
        troubled.fails = ""
        other = await Client.connect(served.url)
        assert (await other.open()).history == 2
        assert await agree(served, troubled) == [GREETING, "Hello?", "Good day."]


async def test_of_two_that_failed_neither_is_forgotten_nor_remembered_twice(
    troubled: Troubled,
) -> None:
    """The store has taken both, and holds the second as the newest; then the game comes anew."""
    backend = SteeredBackend()
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        troubled.fails = "after"
        for number in (1, 2):
            await client.send(Event("c", f"e{number}", f"Bell {number}.", "never"))
            await refused(client, f"e{number}")
        troubled.fails = ""
        await client.send(Event("c", "e1", "Bell 1.", "never"))
        await client.expect(Noted)
        assert await agree(served, troubled) == [GREETING, "Bell 1."]
        troubled.fails = "after"
        for number in (1, 2):
            await client.send(Say("c", f"{number}", f"Line {number}."))
            await refused(client, f"{number}")
        troubled.fails = ""
        client = await Client.connect(served.url)
        await client.open()
        for number in (1, 2):
            await client.send(Say("c", f"{number}", f"Line {number}."))
            await answered(client, backend, "Yes.")
        whole = [GREETING, "Bell 1.", "Line 1.", "Yes.", "Line 2.", "Yes."]
        assert await agree(served, troubled) == whole


async def test_a_moment_that_was_saved_in_mid_turn_comes_back_whole(tmp_path: Path) -> None:
    """The line was said; its answer died with the server and comes when the line is repeated."""
    backend, troubled = SteeredBackend(), Troubled(SQLiteStore(tmp_path / "t.db"))
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        await client.expect(Turn)
        await client.send(Save("c"))
        saved = await client.expect(Saved)
        troubled.fails, troubled.kinds = "before", {"npc"}
        (await backend.call()).finish()
        await client.expect(TurnEnd)
    troubled = Troubled(SQLiteStore(tmp_path / "t.db"))
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open(checkpoint=saved.checkpoint)
        assert await agree(served, troubled) == [GREETING, "Hello?"]
        await client.send(Say("c", "1", "Hello?"))
        await answered(client, backend, "Good day.")
        assert await agree(served, troubled) == [GREETING, "Hello?", "Good day."]


async def test_a_greeting_that_was_not_stored_is_told_and_stored_before_the_first_line(
    troubled: Troubled,
) -> None:
    backend = SteeredBackend()
    for fails in ("before", "after"):
        async with serving(backend, store=troubled.store) as served:
            client = await Client.connect(served.url)
            troubled.fails = cast("Any", fails)
            assert (await client.open(fails)).greeting == GREETING
            assert len(served.seen(Failure)) == 1
            await client.send(Say(fails, "1", "Hello?"))
            await refused(client, "1")
            troubled.fails = ""
            await client.send(Say(fails, "1", "Hello?"))
            await answered(client, backend, "Good day.")
            held = (await troubled.load(ConversationKey("ann", fails))).nodes
            assert [node.text for node in held] == [GREETING, "Hello?", "Good day."]
        troubled.inner = MemoryStore()


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_what_the_player_did_not_see_is_cut_at_once_and_stored_later(
    troubled: Troubled, fails: Literal["before", "after"]
) -> None:
    backend = SteeredBackend()
    async with serving(backend, store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        first = await answered(client, backend, "[mood: wary]Good day.")
        troubled.fails = fails
        await client.send(Interrupt(first.turn.turn, 4))
        error = await client.expect(Error)
        assert (error.code, error.turn) == (ErrorCode.STORE_FAILED, first.turn.turn)
        assert served.context.conversations[KEY].nodes[-1].text == "Good"
        troubled.fails = ""
        await client.send(Say("c", "2", "And?"))
        await answered(client, backend, "And what?")
        assert await agree(served, troubled) == [GREETING, "Hello?", "Good", "And?", "And what?"]


@pytest.mark.parametrize("takers", [1, 2])
async def test_whoever_takes_a_conversation_over_waits_for_the_line_that_is_being_stored(
    troubled: Troubled, takers: int
) -> None:
    """Else that line would be the newest in the store, in the place of what came after."""
    begun, go = asyncio.Event(), asyncio.Event()
    append = troubled.append

    async def slow(key: ConversationKey, node: Node) -> Node:
        if node.line == "1" and not begun.is_set():
            begun.set()
            await go.wait()
        return await append(key, node)

    async with serving(ScriptedBackend(), store=troubled.store) as served:
        old, new = await Client.connect(served.url), await Client.connect(served.url)
        await old.open()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(troubled, "append", slow)
            await old.send(Say("c", "1", "Hello?"))
            await begun.wait()
            for _ in range(1, takers):
                other, held = await Client.connect(served.url), served.context.conversations[KEY]
                await other.send(Open("c", ["mira"], Player("ann", "Ann")))
                while served.context.conversations[KEY] is held:
                    await asyncio.sleep(0)
            await new.send(Open("c", ["mira"], Player("ann", "Ann")))
            await new.send(Say("c", "2", "And?"))
            await asyncio.sleep(0.1)  # long enough to be answered too early
            go.set()
            assert (await old.expect(Error)).code == ErrorCode.UNKNOWN_CONVERSATION
            await new.answer()
        texts = await agree(served, troubled)
        assert texts[1] == "And?"
        await new.say("Hello?", line="1")
        assert (await agree(served, troubled))[:4] == [*texts, "Hello?"]


async def test_a_conversation_that_could_not_be_opened_again_is_not_said_to_be_anothers(
    troubled: Troubled,
) -> None:
    async def broken(_: ConversationKey) -> Snapshot:
        raise StoreError("The disk is gone.")

    async with serving(SteeredBackend(), store=troubled.store) as served:
        client = await Client.connect(served.url)
        await client.open()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(troubled, "load", broken, raising=False)
            await client.send(Open("c", ["mira"], Player("ann", "Ann")))
            assert (await client.expect(Error)).code == ErrorCode.STORE_FAILED
        await client.send(Say("c", "1", "Hello?"))
        error = await client.expect(Error)
        assert error.code == ErrorCode.UNKNOWN_CONVERSATION
        assert error.detail.endswith("send `open` first.")
