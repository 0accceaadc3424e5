"""Sessions that answer from a recording, over the real protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from dialogue_protocol.messages import (
    ClientMessage,
    Close,
    Delta,
    Error,
    Interrupt,
    Open,
    Opened,
    Ping,
    Player,
    Pong,
    Say,
    ServerMessage,
    State,
    StateOk,
    Turn,
    TurnEnd,
)

from dialogue_server.backends.scripted import ScriptedBackend
from dialogue_server.domain.persona import World
from dialogue_server.domain.recordings.exchanges import Exchange
from dialogue_server.engine.context import EngineContext
from dialogue_server.engine.in_process import InProcess, in_process
from dialogue_server.engine.registry import Registry
from dialogue_server.engine.replaying import replaying
from dialogue_server.stores.memory import MemoryStore

RECORDED = [
    Exchange(0.0, Open("c", ["mira"], Player("ann")), [(0.0, Opened("c", []))]),
    Exchange(
        50.0,
        Say("c", "1", "The mine?"),
        [
            (100.0, Turn(1, "n1", "c", "mira", "1")),
            (200.0, Delta(1, "Under ")),
            (400.0, Delta(1, "water.")),
            (400.0, TurnEnd(1, "complete", 12)),
        ],
    ),
]


@asynccontextmanager
async def playing(
    speed: float, recorded: Sequence[Exchange] = RECORDED
) -> AsyncIterator[tuple[InProcess, Registry]]:
    context = EngineContext(
        world=World("", ""),
        personas={},
        backend=ScriptedBackend(),
        store=MemoryStore(),
        observe=lambda _: None,
    )
    registry = Registry(context, replaying(recorded, match="normalised", speed=speed))
    async with in_process(registry, "game") as client:
        await client.send(Open("c", ["mira"], Player("ann")))
        yield client, registry


async def until_end(client: InProcess) -> list[ServerMessage]:
    got = [await client.receive()]
    while not isinstance(got[-1], TurnEnd | Error):
        got.append(await client.receive())
    return got


async def test_answers_come_at_the_recorded_pace() -> None:
    async with playing(4) as (client, _):
        assert await client.receive() == Opened("c", [])
        loop = asyncio.get_running_loop()
        began = loop.time()
        await client.send(Say("c", "1", "The mine?"))
        assert await client.receive() == Turn(1, "n1", "c", "mira", "1")
        assert loop.time() - began >= 0.024
        assert len(await until_end(client)) == 3
        assert loop.time() - began >= 0.099


async def test_at_full_speed_all_is_there_at_once() -> None:
    async with playing(0) as (client, _):
        await client.send(Say("c", "7", "the MINE"))
        await client.send(State("c", 3, {}))
        await client.send(Ping(5))
        got = [await client.receive() for _ in range(7)]
        assert [type(message) for message in got] == [
            Opened, Turn, Delta, Delta, TurnEnd, StateOk, Pong
        ]  # fmt: skip


async def test_a_miss_is_an_error_and_the_session_lives_on() -> None:
    async with playing(0) as (client, _):
        await client.receive()
        await client.send(Say("c", "1", "The inn?"))
        error = await client.receive()
        assert isinstance(error, Error)
        assert (error.code, error.line) == ("model_bad_request", "1")
        assert "the nearest recorded one is 'The mine?'" in error.detail
        await client.send(Say("c", "2", "The mine?"))
        assert isinstance((await until_end(client))[-1], TurnEnd)


async def test_an_interrupt_ends_the_turn_with_what_was_seen() -> None:
    async with playing(1) as (client, _):
        await client.receive()
        await client.send(Say("c", "1", "The mine?"))
        while not isinstance(await client.receive(), Delta):
            pass
        await client.send(Interrupt(1, 99))
        assert await client.receive() == TurnEnd(1, "interrupted", 6)
        await client.send(Interrupt(9, 1))
        await client.send(Ping())
        assert await client.receive() == Pong()


async def test_one_turn_at_a_time_and_a_line_sent_twice_is_told_once() -> None:
    async with playing(10) as (client, registry):
        await client.receive()
        await client.send(Say("c", "1", "The mine?"))
        await client.send(Say("c", "1", "The mine?"))
        await client.send(Say("c", "2", "The mine?"))
        refused = await client.receive()
        assert isinstance(refused, Error)
        assert (refused.code, refused.line) == ("busy", "2")
        assert len(await until_end(client)) == 4
        await registry.drain(5)


@pytest.mark.parametrize("speed", [0, 100])
@pytest.mark.parametrize(
    ("cut", "ends"),
    [(Interrupt(1, 3), ("interrupted", 3)), (Close("c"), ("truncated", 6))],
)
async def test_a_turn_that_was_cut_short_waits_to_be_cut_short_again(
    speed: float, cut: ClientMessage, ends: tuple[str, int]
) -> None:
    say = Exchange(
        0.0,
        Say("c", "1", "The mine?"),
        [
            (1.0, Turn(7, "n1", "c", "mira", "1")),
            (2.0, Delta(7, "Under ")),
            (2.0, TurnEnd(7, ends[0], 6)),
        ],
    )
    async with playing(speed, [RECORDED[0], say]) as (client, _):
        await client.receive()
        await client.send(Say("c", "1", "The mine?"))
        while not isinstance(await client.receive(), Delta):
            pass
        await client.send(cut)
        end = await client.receive()
        assert isinstance(end, TurnEnd)
        assert (end.turn, end.reason, end.length) == (1, *ends)
        await client.send(Ping())
        assert Pong() in [await client.receive() for _ in range(1 + isinstance(cut, Close))]


async def test_a_turn_that_nobody_cuts_short_today_ends_as_it_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dialogue_server.engine.replaying.CUT_SECONDS", 0.01)
    answers = [
        (0.0, Turn(7, "n1", "c", "mira", "1")),
        (0.0, TurnEnd(7, "interrupted", 0)),
    ]
    say = Exchange(0.0, Say("c", "1", "The mine?"), answers)
    async with playing(0, [RECORDED[0], say]) as (client, _):
        await client.receive()
        await client.send(Say("c", "1", "The mine?"))
        assert (await until_end(client))[-1] == TurnEnd(1, "interrupted", 0)


async def test_the_next_line_may_follow_a_turn_end_at_once() -> None:
    async with playing(100) as (client, _):
        await client.receive()
        for line in ("1", "2", "3"):
            await client.send(Say("c", line, "The mine?"))
            assert isinstance((await until_end(client))[-1], TurnEnd)


async def test_each_session_of_several_recordings_gets_the_next_one() -> None:
    other = [Exchange(0.0, Open("c", ["mira"], Player("ann")), [(0.0, Opened("c", [], "Two."))])]
    context = EngineContext(
        world=World("", ""),
        personas={},
        backend=ScriptedBackend(),
        store=MemoryStore(),
        observe=lambda _: None,
    )
    registry = Registry(context, replaying(RECORDED, other, match="normalised", speed=0))
    greetings = []
    for _ in range(3):
        async with in_process(registry, "game") as client:
            await client.send(Open("c", ["mira"], Player("ann")))
            opened = await client.receive()
            assert isinstance(opened, Opened)
            greetings.append(opened.greeting)
    assert greetings == ["", "Two.", ""]


async def test_what_is_being_told_ends_with_its_session() -> None:
    async with playing(0.001) as (client, registry):
        await client.send(Say("c", "1", "The mine?"))
        closing = asyncio.create_task(registry.drain(0.01))
        async with asyncio.timeout(5):
            await closing
