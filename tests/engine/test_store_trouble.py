"""A store that refuses, or that does what it was told and cannot say so: nothing is lost and nothing
is there twice, what an NPC remembers is what the store holds, and the client hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
import pytest
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    ActionResult,
    ClientMessage,
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


@dataclass
class Talk:
    """One game that talks to Mira, over a store in trouble."""

    served: Served
    store: Troubled
    backend: SteeredBackend
    client: Client

    async def answered(self, message: ClientMessage, text: str) -> Answer:
        """Send what the model answers with a text."""
        await self.client.send(message)
        call = await self.backend.call()
        call.say(text)
        call.finish()
        return await self.client.answer()

    async def said(self, line: str, text: str, answer: str) -> Answer:
        return await self.answered(Say("c", line, text), answer)

    async def refused(self, message: Say | Event | Script) -> None:
        """Send what the store does not take."""
        await self.client.send(message)
        error = await self.client.expect(Error)
        found = (error.code, error.line, error.retryable)
        assert found == (ErrorCode.STORE_FAILED, message.line, True)

    async def agree(self) -> list[str]:
        """What the NPC remembers is what the store holds; the texts."""
        remembered = self.served.context.conversations[KEY].talk.nodes
        held = (await self.store.load(KEY)).nodes
        assert list(held) == remembered
        return [node.text for node in remembered]


@asynccontextmanager
async def talking(store: Troubled, **more: Any) -> AsyncIterator[Talk]:
    backend = SteeredBackend()
    async with serving(backend, store=store.store, **more) as served:
        yield Talk(served, store, backend, await Client.connect(served.url))


@pytest.fixture
async def talk(troubled: Troubled) -> AsyncIterator[Talk]:
    async with talking(troubled) as talk:
        await talk.client.open()
        yield talk


async def test_a_regenerate_that_cannot_be_prepared_takes_nothing_back(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    first = await talk.said("1", "Hello?", "Good day.")
    await talk.said("2", "And?", "And what?")
    with monkeypatch.context() as patch:
        patch.setattr(answers, "answer_stream", broken)
        await talk.client.send(Regenerate("c", first.turn.id, "r"))
        assert (await talk.client.expect(Error)).code == ErrorCode.INTERNAL
    assert await talk.agree() == [
        GREETING,
        *("Hello?", "Good day.", "And?", "And what?"),
    ]
    await talk.answered(Regenerate("c", first.turn.id, "r"), "Well met.")
    assert await talk.agree() == [GREETING, "Hello?", "Well met."]


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_a_line_that_failed_is_answered_when_it_is_sent_again(
    talk: Talk, fails: Literal["before", "after"]
) -> None:
    talk.store.fails = fails
    await talk.refused(Say("c", "1", "Hello?"))
    talk.store.fails = ""
    first = await talk.said("1", "Hello?", "Good day.")
    assert await talk.agree() == [GREETING, "Hello?", "Good day."]
    again = await talk.client.say("Hello?", line="1")
    assert (again.turn.id, again.text) == (first.turn.id, "Good day.")
    assert talk.backend.calls.empty()


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_a_line_sent_again_after_a_newer_one_was_answered_takes_nothing_back(
    talk: Talk, fails: Literal["before", "after"]
) -> None:
    talk.store.fails = fails
    await talk.refused(Say("c", "1", "Hello?"))
    talk.store.fails = ""
    await talk.said("2", "And?", "And what?")
    first = await talk.said("1", "Hello?", "Good day.")
    assert first.turn.line == "1"
    whole = [GREETING, "And?", "And what?", "Hello?", "Good day."]
    assert await talk.agree() == whole
    again = await talk.client.say("Hello?", line="1")
    assert (again.turn.id, again.text) == (first.turn.id, "Good day.")
    await talk.client.send(History("c"))
    told = (await talk.client.expect(Transcript)).lines
    assert [(line.text, line.line) for line in told[1:]] == [
        *(("And?", "2"), ("And what?", "2"), ("Hello?", "1"), ("Good day.", "1")),
    ]
    await talk.answered(Regenerate("c", first.turn.id, "r"), "Well met.")
    assert await talk.agree() == [*whole[:-1], "Well met."]
    assert talk.backend.calls.empty()


async def test_a_line_sent_again_and_again_is_remembered_once_whatever_fails(
    talk: Talk,
) -> None:
    """It was stored and could not be answered, twice: where it was, and behind the newer line."""
    talk.store.fails = "after"
    await talk.refused(Say("c", "1", "Hello?"))
    talk.store.fails = ""
    await talk.said("2", "And?", "And what?")
    talk.store.fails, talk.store.unnamed = "after", True
    for _ in range(2):
        await talk.refused(Say("c", "1", "Hello?"))
    talk.store.fails = ""
    await talk.client.open()  # what the store holds is read again
    first = await talk.said("1", "Hello?", "Good day.")
    assert (await talk.agree())[-3:] == ["And what?", "Hello?", "Good day."]
    assert (await talk.client.say("Hello?", line="1")).turn.id == first.turn.id


async def test_a_line_is_not_sent_again_into_a_past_that_was_left(talk: Talk) -> None:
    """The game has gone back to a save slot since: the line is answered there."""
    await talk.client.send(Save("c"))
    saved = await talk.client.expect(Saved)
    await talk.said("1", "Hello?", "Good day.")
    talk.store.fails = "after"
    await talk.refused(Say("c", "2", "And?"))
    talk.store.fails = ""
    await talk.client.send(Load("c", saved.checkpoint))
    await talk.client.expect(Opened)
    await talk.said("2", "And?", "And what?")
    assert await talk.agree() == [GREETING, "And?", "And what?"]


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("fails", ["before", "after"])
@pytest.mark.parametrize(
    "message", [Event("c", "e", "A cart goes by.", "never"), Script("c", "e", "A cart goes by.")]
)
async def test_what_happened_is_remembered_once_it_is_noted(
    talk: Talk, fails: Literal["before", "after"], message: Event | Script, newer: bool
) -> None:
    talk.store.fails = fails
    await talk.refused(message)
    talk.store.fails = ""
    if newer:
        await talk.said("1", "Hello?", "Good day.")
    for _ in range(2):
        await talk.client.send(message)
        assert await talk.client.expect(Noted) == Noted("c", "e")
    texts = await talk.agree()
    assert texts[-1] == "A cart goes by."
    assert texts.count("A cart goes by.") == 1
    await talk.said("2", "What was that?", "A cart.")
    assert len(await talk.agree()) == (6 if newer else 4)


async def test_a_result_whose_answer_died_with_the_server_is_answered(tmp_path: Path) -> None:
    troubled = Troubled(SQLiteStore(tmp_path / "t.db"))
    async with talking(troubled, personas=(POURING,)) as talk:
        await talk.client.open()
        turn = (await talk.said("1", "Ale!", "Here. [action: pour drink=ale]")).turn
    result = ActionResult("c", "x", turn.id, 1, accepted=True)
    troubled = Troubled(SQLiteStore(tmp_path / "t.db"))
    await troubled.store.start()
    nodes = (await troubled.load(KEY)).nodes
    told = {"result": [turn.id, 1], "to": "mira", "heard": ["mira"]}
    text = "Mira tries to pour (drink: ale): done."
    await troubled.append(KEY, Node("n", nodes[-1].id, "event", "", text, 1.0, line="x", meta=told))
    async with talking(troubled, personas=(POURING,)) as talk:
        await talk.client.open()
        first = await talk.answered(result, "So it is.")
        await talk.client.send(result)
        assert (await talk.client.answer()).turn.id == first.turn.id
        assert (await talk.agree())[-2:] == [text, "So it is."]
        await talk.client.send(msgspec.structs.replace(result, line="y"))
        assert (await talk.client.expect(Error)).code == ErrorCode.UNKNOWN_ACTION


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_an_answer_that_was_not_stored_is_stored_before_the_next_line(
    talk: Talk, fails: Literal["before", "after"]
) -> None:
    """Whoever reads the conversation anew finds all of it, not what came after the trouble."""
    talk.store.fails, talk.store.kinds = fails, {"npc"}
    first = await talk.said("1", "Hello?", "Good day.")
    assert first.ended.code == ErrorCode.STORE_FAILED
    await talk.refused(Say("c", "2", "And?"))
    talk.store.fails = ""
    again = await talk.client.say("Hello?", line="1")
    assert (again.turn.id, again.text) == (first.turn.id, "Good day.")
    await talk.said("2", "And?", "And what?")
    whole = [GREETING, "Hello?", "Good day.", "And?", "And what?"]
    assert await talk.agree() == whole
    other = await Client.connect(talk.served.url)
    assert (await other.open()).history == 3


async def test_an_answer_that_was_not_stored_can_be_saved_cut_read_and_left(talk: Talk) -> None:
    client, store = talk.client, talk.store

    async def unstored(line: str) -> Turn:
        store.fails = "before"
        answer = await talk.said(line, "Hello?", "Good day.")
        assert answer.ended.code == ErrorCode.STORE_FAILED
        return answer.turn

    store.kinds = {"npc"}
    await unstored("1")
    await client.send(Save("c"))
    assert (await client.expect(Error)).code == ErrorCode.STORE_FAILED
    store.fails = ""
    await client.send(Save("c"))
    saved = await client.expect(Saved)
    turn = await unstored("2")
    store.fails = ""
    await client.send(Interrupt(turn.turn, 4))
    await client.send(History("c", 1, turn.id))
    assert [line.text for line in (await client.expect(Transcript)).lines] == ["Good"]
    left = await unstored("3")
    await client.send(Load("c", saved.checkpoint))
    assert (await client.expect(Error)).code == ErrorCode.STORE_FAILED
    assert talk.served.context.conversations[KEY].talk.nodes[-1].id == left.id
    store.fails = ""
    await client.send(Load("c", saved.checkpoint))
    assert (await client.expect(Opened)).history == 2
    assert await talk.agree() == [GREETING, "Hello?", "Good day."]
    await client.send(History("c", 1, left.id))
    assert [line.text for line in (await client.expect(Transcript)).lines] == ["Good day."]


async def test_an_answer_that_was_not_stored_is_not_lost_with_its_connection(
    talk: Talk,
) -> None:
    talk.store.fails, talk.store.kinds = "before", {"npc"}
    await talk.said("1", "Hello?", "Good day.")
    talk.store.fails = ""
    other = await Client.connect(talk.served.url)
    assert (await other.open()).history == 2
    assert await talk.agree() == [GREETING, "Hello?", "Good day."]


async def test_of_two_that_failed_neither_is_forgotten_nor_remembered_twice(
    talk: Talk,
) -> None:
    """The store has taken both, and holds the second as the newest; then the game comes anew."""
    talk.store.fails = "after"
    for number in (1, 2):
        await talk.refused(Event("c", f"e{number}", f"Bell {number}.", "never"))
    talk.store.fails = ""
    await talk.client.send(Event("c", "e1", "Bell 1.", "never"))
    await talk.client.expect(Noted)
    assert await talk.agree() == [GREETING, "Bell 1."]
    talk.store.fails = "after"
    for number in (1, 2):
        await talk.refused(Say("c", f"{number}", f"Line {number}."))
    talk.store.fails = ""
    talk.client = await Client.connect(talk.served.url)
    await talk.client.open()
    for number in (1, 2):
        await talk.said(f"{number}", f"Line {number}.", "Yes.")
    whole = [GREETING, "Bell 1.", "Line 1.", "Yes.", "Line 2.", "Yes."]
    assert await talk.agree() == whole


async def test_a_moment_that_was_saved_in_mid_turn_comes_back_whole(tmp_path: Path) -> None:
    """The line was said; its answer died with the server and comes when the line is repeated."""
    async with talking(Troubled(SQLiteStore(tmp_path / "t.db"))) as talk:
        await talk.client.open()
        await talk.client.send(Say("c", "1", "Hello?"))
        await talk.client.expect(Turn)
        await talk.client.send(Save("c"))
        saved = await talk.client.expect(Saved)
        talk.store.fails, talk.store.kinds = "before", {"npc"}
        (await talk.backend.call()).finish()
        await talk.client.expect(TurnEnd)
    async with talking(Troubled(SQLiteStore(tmp_path / "t.db"))) as talk:
        await talk.client.open(checkpoint=saved.checkpoint)
        assert await talk.agree() == [GREETING, "Hello?"]
        await talk.said("1", "Hello?", "Good day.")
        assert await talk.agree() == [GREETING, "Hello?", "Good day."]


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_a_greeting_that_was_not_stored_is_told_and_stored_before_the_first_line(
    troubled: Troubled, fails: Literal["before", "after"]
) -> None:
    async with talking(troubled) as talk:
        troubled.fails = fails
        assert (await talk.client.open()).greeting == GREETING
        assert len(talk.served.seen(Failure)) == 1
        await talk.refused(Say("c", "1", "Hello?"))
        troubled.fails = ""
        await talk.said("1", "Hello?", "Good day.")
        assert await talk.agree() == [GREETING, "Hello?", "Good day."]


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_what_the_player_did_not_see_is_cut_at_once_and_stored_later(
    talk: Talk, fails: Literal["before", "after"]
) -> None:
    first = await talk.said("1", "Hello?", "[mood: wary]Good day.")
    talk.store.fails = fails
    await talk.client.send(Interrupt(first.turn.turn, 4))
    error = await talk.client.expect(Error)
    assert (error.code, error.turn) == (ErrorCode.STORE_FAILED, first.turn.turn)
    assert talk.served.context.conversations[KEY].talk.nodes[-1].text == "Good"
    talk.store.fails = ""
    await talk.said("2", "And?", "And what?")
    assert await talk.agree() == [GREETING, "Hello?", "Good", "And?", "And what?"]


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
        talk = Talk(served, troubled, SteeredBackend(), new)
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
        texts = await talk.agree()
        assert texts[1] == "And?"
        await new.say("Hello?", line="1")
        assert (await talk.agree())[:4] == [*texts, "Hello?"]


async def test_a_conversation_that_could_not_be_opened_again_is_not_said_to_be_anothers(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: ConversationKey) -> Snapshot:
        raise StoreError("The disk is gone.")

    with monkeypatch.context() as patch:
        patch.setattr(talk.store, "load", broken, raising=False)
        await talk.client.send(Open("c", ["mira"], Player("ann", "Ann")))
        assert (await talk.client.expect(Error)).code == ErrorCode.STORE_FAILED
    await talk.client.send(Say("c", "1", "Hello?"))
    error = await talk.client.expect(Error)
    assert error.code == ErrorCode.UNKNOWN_CONVERSATION
    assert error.detail.endswith("send `open` first.")
