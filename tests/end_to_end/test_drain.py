"""Stopping a real server: what runs ends well or is kept, and the process ends without a trace."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dialogue_protocol.codec import MSGPACK
from dialogue_protocol.codes import CloseCode
from dialogue_protocol.messages import Delta, GoAway, Hello, Say, TurnEnd

from dialogue_server.server.client_socket import ClientSocket
from tests.harness import Client

from .chaos_upstream import answer_to
from .server_process import ServerProcess, make_world, start_upstream

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops by POSIX signals")

LONG = next(
    marker
    for marker in (f"#{number}#" for number in range(1000))
    if (answer := answer_to(marker)).fate == "well"
    and answer.pause == 0.02
    and len(answer.chunks) > 60
)
"""A line whose answer takes more than a second."""


@asynccontextmanager
async def serving(folder: Path, *more: str) -> AsyncIterator[ServerProcess]:
    make_world(folder)
    upstream, base_url = await start_upstream(folder / "asked")
    server = ServerProcess(folder, base_url, *more, strict=True)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()
        upstream.kill()
        await upstream.wait()


async def in_mid_turn(server: ServerProcess) -> Client:
    client = await Client.connect(server.url)
    await client.open()
    await client.send(Say("c", "1", f"What of {LONG}?"))
    await client.expect(Delta)
    return client


def stored(folder: Path) -> tuple[str, str]:
    """The last line in the store, and how it ended."""
    with contextlib.closing(sqlite3.connect(folder / "dialogue.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        text, reason = db.execute(
            "SELECT text, reason FROM nodes ORDER BY number DESC LIMIT 1"
        ).fetchone()
        return text, reason


def assert_gone(server: ServerProcess) -> None:
    assert not server.complaints(), server.complaints()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


async def shown_until_close(client: Client) -> tuple[str, TurnEnd]:
    assert await client.close_code() == CloseCode.GOING_AWAY
    text = "".join(m.text for m in client.received if isinstance(m, Delta))
    (end,) = [m for m in client.received if isinstance(m, TurnEnd)]
    assert any(isinstance(m, GoAway) for m in client.received)
    return text, end


async def test_a_running_turn_finishes_within_the_grace(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        client = await in_mid_turn(server)
        server.send(signal.SIGTERM)
        text, end = await shown_until_close(client)
        assert (text, end.reason) == (answer_to(LONG).text, "complete")
        assert await server.exit_code() == 0
        assert stored(tmp_path) == (text, "complete")
        assert_gone(server)


@pytest.mark.parametrize("twice", [False, True], ids=["a short grace", "asked twice"])
async def test_a_turn_that_takes_too_long_is_kept_as_truncated(tmp_path: Path, twice: bool) -> None:
    async with serving(tmp_path, "--server-shutdown-grace", "60" if twice else "0.2") as server:
        client = await in_mid_turn(server)
        server.send(signal.SIGINT)
        if twice:
            await client.expect(GoAway)
            server.send(signal.SIGINT)
            server.send(signal.SIGINT)
        text, end = await shown_until_close(client)
        assert end.reason == "truncated"
        assert 0 < len(text) < len(answer_to(LONG).text)
        assert await server.exit_code() == 0
        assert stored(tmp_path) == (text, "truncated")
        assert_gone(server)


async def test_five_hundred_sessions_and_their_turns_are_let_go(tmp_path: Path) -> None:
    async with serving(tmp_path, "--server-shutdown-grace", "0.2") as server:
        busy = await in_mid_turn(server)

        async def attach() -> ClientSocket:
            connection = await ClientSocket.connect(server.url, timeout=30)
            await connection.send(MSGPACK.encode(Hello(client="idle")))
            await anext(aiter(connection))
            return connection

        sockets: list[ClientSocket] = []
        for _ in range(10):
            sockets += await asyncio.gather(*(attach() for _ in range(50)))
        server.send(signal.SIGTERM)

        async def code(connection: ClientSocket) -> int:
            async for _ in connection:
                pass
            return connection.close_code

        codes = await asyncio.gather(*map(code, sockets))
        assert set(codes) == {CloseCode.GOING_AWAY}
        text, end = await shown_until_close(busy)
        assert await server.exit_code() == 0
        assert stored(tmp_path) == (text, end.reason)
        assert_gone(server)
