"""A client of the engine without a socket."""

from __future__ import annotations

import asyncio

import pytest
from dialogue_protocol.codes import CloseCode
from dialogue_protocol.messages import Delta, Open, Opened, Player, Say, TurnEnd

from dialogue_server.backends.scripted import Answer, ScriptedBackend
from dialogue_server.engine.context import EngineContext
from dialogue_server.engine.in_process import in_process
from dialogue_server.engine.registry import Registry
from dialogue_server.stores.memory import MemoryStore
from tests.harness import MIRA, WORLD


def registry(answer: str | Answer) -> Registry:
    return Registry(
        EngineContext(
            world=WORLD,
            personas={"mira": MIRA},
            backend=ScriptedBackend([answer]),
            store=MemoryStore(),
            observe=lambda _: None,
        )
    )


async def test_a_line_is_answered_and_the_session_ends_with_the_block() -> None:
    sessions = registry("It is under water.")
    async with in_process(sessions, "test") as client:
        await client.send(Open("c", ["mira"], Player("ann")))
        assert isinstance(await client.receive(), Opened)
        await client.send(Say("c", "1", "The mine?"))
        text = ""
        while not isinstance(message := await client.receive(), TurnEnd):
            text += message.text if isinstance(message, Delta) else ""
        assert text == "It is under water."
        assert sessions.count == 1
    assert sessions.count == 0


async def test_so_many_messages_are_acknowledged_that_none_is_kept_for_ever() -> None:
    sessions = registry(Answer(pieces=tuple(f"w{n} " for n in range(300))))
    async with in_process(sessions, "test") as client:
        await client.send(Open("c", ["mira"], Player("ann")))
        await client.send(Say("c", "1", "The mine?"))
        while not isinstance(await client.receive(), TurnEnd):
            pass
        (session,) = sessions._sessions.values()
        assert session.connection.acked > 200


async def test_whoever_waits_is_told_that_the_session_was_closed() -> None:
    sessions = registry("Hm.")
    async with in_process(sessions, "test") as client:
        (session,) = sessions._sessions.values()
        ending = asyncio.create_task(sessions.end(session, "test", CloseCode.GOING_AWAY))
        with pytest.raises(ConnectionError, match="GOING_AWAY"):
            await client.receive()
        await ending
