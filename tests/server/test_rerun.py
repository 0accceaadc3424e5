"""Sessions of the real engine, made again on the same content and on other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from dialogue_protocol.messages import (
    ActionResult,
    ClientMessage,
    Close,
    Delta,
    Error,
    Event,
    Interrupt,
    Load,
    Noted,
    Open,
    Opened,
    Ping,
    Player,
    Pong,
    Regenerate,
    Save,
    Saved,
    Say,
    ServerMessage,
    State,
    Suggest,
    Suggestions,
    Turn,
    TurnEnd,
)
from msgspec import structs

from dialogue_server.backends.base import ModelBackend
from dialogue_server.backends.scripted import Answer, Script, ScriptedBackend
from dialogue_server.domain.budget import Amount, Budget, Entry, day_of
from dialogue_server.domain.persona import Action, Persona
from dialogue_server.domain.recordings.recording import Asked, Head, Recording
from dialogue_server.domain.recordings.rerun import compare, lacking
from dialogue_server.engine.context import EngineContext
from dialogue_server.engine.in_process import InProcess, in_process
from dialogue_server.engine.registry import Registry
from dialogue_server.engine.spending import Spending
from dialogue_server.instrumentation.recorder import SessionRecording
from dialogue_server.server.rerun import play_again
from dialogue_server.stores.memory import MemoryStore
from dialogue_server.stores.memory_ledger import MemoryLedger
from tests.harness import BORIN, MIRA, WORLD

HALT = "go on"


class Game:
    """A client that is recorded."""

    def __init__(self, link: InProcess) -> None:
        self._link = link
        self.got: list[ServerMessage] = []

    async def ask(self, message: ClientMessage) -> ServerMessage:
        """The last message that comes of it."""
        await self._link.send(message)
        ends = (Opened, TurnEnd, Noted, Error, Saved, Suggestions)
        while True:
            self.got.append(await self._link.receive())
            if isinstance(self.got[-1], ends):
                return self.got[-1]

    async def tell(self, message: ClientMessage) -> None:
        await self._link.send(message)
        await self._link.send(Ping())
        while not isinstance(await self._link.receive(), Pong):
            pass

    def turn(self) -> Turn:
        return [each for each in self.got if isinstance(each, Turn)][-1]


def context_of(script: Script | None, *personas: Persona) -> EngineContext:
    return EngineContext(
        world=WORLD,
        personas={persona.id: persona for persona in personas or (MIRA, BORIN)},
        backend=ScriptedBackend(script),
        store=MemoryStore(),
        observe=lambda _: None,
    )


@asynccontextmanager
async def recorded(context: EngineContext, into: list[Recording]) -> AsyncIterator[Game]:
    taps: list[SessionRecording] = []

    def listen(session: str, hello: object) -> SessionRecording:
        clock = context.monotonic
        taps.append(SessionRecording(Head(), "", clock(), clock, "scripted", cover=False))
        return taps[-1]

    context.tap = listen
    async with in_process(Registry(context), "game") as link:
        game = Game(link)
        await game.ask(Open("c", ["mira"], Player("ann", "Ann")))
        yield game
    into.append(Recording(Head(), tuple(taps[0].take())))


async def again(
    context: EngineContext, recording: Recording, backend: ModelBackend | None = None
) -> Recording:
    """Made again by itself."""
    store = MemoryStore()
    await store.start()
    return await play_again(context, recording, store, backend)


def texts(recording: Recording) -> list[str]:
    return [each.now.text for each in compare("f", recording, recording)]


async def test_the_same_content_and_answers_give_the_same_session() -> None:
    found: list[Recording] = []
    waiting = structs.replace(
        MIRA, actions=[Action("pour", "Pours.", awaits=True)], greeting="[mood: wary]Mind the step."
    )
    context = context_of(
        [
            "[mood: calm]One.",
            "Two. [action: pour] There.",
            "Thanks.",
            "Two anew.",
            "After the load.",
            "A bell? Bah.",
        ],
        waiting,
    )
    async with recorded(context, found) as game:
        await game.ask(Say("c", "1", "First?"))
        saved = await game.ask(Save("c"))
        assert isinstance(saved, Saved)
        await game.tell(State("c", 1, {"quest": {"mine": "drained"}}))
        await game.ask(Say("c", "2", "Second?"))
        turn = game.turn()
        await game.ask(ActionResult("c", "3", turn.id, 1, True, "The ale is poured."))
        await game.ask(Regenerate("c", turn.id, "4"))
        await game.ask(Load("c", saved.checkpoint))
        await game.ask(Say("c", "5", "And now?"))
        await game.ask(Event("c", "6", "A bell rings.", "must"))
        await game.ask(Event("c", "7", "Rain.", "never"))
        await game.ask(Suggest("c", "8"))
        await game.tell(Close("c"))
    (before,) = found
    now = await again(context, before)
    assert [each.what for each in compare("f", before, now) if each.what] == []
    assert texts(before) == texts(now)
    assert "After the load." in texts(now)
    prompts = [e.what.messages for e in now.entries if isinstance(e.what, Asked)]
    assert prompts == [e.what.messages for e in before.entries if isinstance(e.what, Asked)]
    once_more = await again(context, before)
    assert [e.what for e in once_more.entries if isinstance(e.what, Turn | Delta)] == [
        e.what for e in now.entries if isinstance(e.what, Turn | Delta)
    ]


async def test_what_an_interrupted_npc_had_not_said_it_has_not_said_today_either() -> None:
    found: list[Recording] = []
    stalls = Answer(pieces=("Under water. ", "All "), stall=True)
    context = context_of([stalls, "So."])
    async with recorded(context, found) as game:
        await game._link.send(Say("c", "1", "The mine?"))
        while not isinstance(message := await game._link.receive(), Delta):
            game.got.append(message)
        await game.ask(Interrupt(game.turn().turn, 5))
        await game.ask(Say("c", "2", "And?"))
    now = await again(context, found[0])
    first, second = compare("f", found[0], now)[1:]
    assert (first.what, second.what) == ((), ())
    assert first.now.text == "Under"


async def test_another_prompt_is_seen_with_the_answers_of_then() -> None:
    found: list[Recording] = []
    context = context_of(["[mood: calm]One.", "Two."])
    async with recorded(context, found) as game:
        await game.ask(Say("c", "1", "First?"))
        await game.ask(Say("c", "2", "Second?"))
    context.personas = {"mira": structs.replace(MIRA, description="Keeps bees.", moods=["wary"])}
    now = await again(context, found[0])
    greeting, first, second = compare("f", found[0], now)
    assert greeting.what == ()
    assert first.what == ("prompt", "moods")
    changed = {change.source: change.how for change in first.sources}
    assert changed["personas/mira.toml:description"] == "changed"
    assert second.now.text == "Two."
    assert context.backend.requests  # type: ignore[attr-defined]
    assert len(context.backend.requests) == 2  # type: ignore[attr-defined]


async def test_another_model_is_asked_and_its_own_answers_are_remembered() -> None:
    found: list[Recording] = []
    context = context_of(["One.", "Two."])
    async with recorded(context, found) as game:
        await game.ask(Say("c", "1", "First?"))
        await game.ask(Say("c", "2", "Second?"))
    model = ScriptedBackend(["Uno.", "Two."])
    now = await again(context, found[0], model)
    _, first, second = compare("f", found[0], now)
    assert first.what == ("text",)
    assert second.what == ("history",)
    assert "Uno." in str(model.requests[1].messages)


async def test_who_comes_back_is_known_if_the_first_session_was_played_again_too() -> None:
    found: list[Recording] = []
    context = context_of(["One.", "Two."])
    for line in ("1", "2"):
        async with recorded(context, found) as game:
            await game.ask(Say("c", line, f"Line {line}?"))
    store = MemoryStore()
    await store.start()
    for before in found:
        now = await play_again(context, before, store)
        assert [each.what for each in compare("f", before, now) if each.what] == []
        assert lacking(before, now) == {}
    alone = await again(context, found[1])
    (line,) = compare("f", found[1], alone)  # and no greeting, which was none then
    assert {change.source for change in line.sources} == {"history", "mood"}
    assert lacking(found[1], alone) == {"c": 2}


async def test_an_npc_that_is_gone_is_told_as_errors() -> None:
    found: list[Recording] = []
    context = context_of(["One."])
    async with recorded(context, found) as game:
        await game.ask(Say("c", "1", "First?"))
    context.personas = {"borin": BORIN}
    now = await again(context, found[0])
    ends: Sequence[str] = [each.now.end for each in compare("f", found[0], now)]
    assert ends == ["error unknown_npc", "error unknown_conversation"]


async def test_the_budgets_of_the_recorded_players_are_left_alone() -> None:
    found: list[Recording] = []
    context = context_of(["Well met."])
    async with recorded(context, found) as game:
        await game.ask(Say("c", "1", "Hello?"))
    (before,) = found
    used_up = Spending(MemoryLedger(), Budget(all_tokens=1))
    day = day_of(before.head.started)
    await used_up.ledger.reserve(Entry("x", day, ("all:",), Amount(10)))
    today = context_of(["Well met."])
    today.spending = used_up
    now = await again(today, before, today.backend)
    assert texts(now)[-1] == "Well met."
    assert await used_up.ledger.spent(day, ("all:",)) == (Amount(10),)
