"""A way through to another server: what each side does to it, and what the other then sees."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from dialogue_protocol.codec import MSGPACK
from dialogue_protocol.codes import CloseCode
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from dialogue_server.server import client_socket
from dialogue_server.server.client_socket import ClientSocket, ConnectError, relay

Handler = Callable[[ServerConnection], Awaitable[None]]
HELLO = b"hello"


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, compression=None, close_timeout=1.0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def relaying(address: str) -> AsyncIterator[ClientSocket]:
    """A client of a server that passes it on to another."""
    ended = asyncio.Event()

    async def pass_on(connection: ServerConnection) -> None:
        try:
            await relay(connection, await connection.recv(), address, MSGPACK)
        finally:
            ended.set()

    async with listening(pass_on) as url:
        client = await ClientSocket.connect(url)
        await client.send(HELLO)
        yield client
        await client.close()
        async with asyncio.timeout(10):
            await ended.wait()


async def all_of(client: ClientSocket) -> list[bytes | str]:
    async with asyncio.timeout(10):
        return [frame async for frame in client]


async def test_both_ways_pass_frames_as_they_are_and_the_hello_comes_first() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for frame in connection:
            await connection.send(frame)

    async with listening(echo) as address, relaying(address) as client:
        await client.send(b"\x00\xff")
        await client.send("text")
        frames = aiter(client)
        assert [await anext(frames) for _ in range(3)] == [HELLO, b"\x00\xff", "text"]


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        (
            4203,
            "another socket resumed this session",
            (4203, "another socket resumed this session"),
        ),
        (1001, "", (1001, "")),
        (
            None,
            "",
            (CloseCode.GOING_AWAY, ""),
        ),  # a close without a code, which nobody may send as one
    ],
)
async def test_a_close_goes_through_with_its_code_and_reason(
    code: int | None, reason: str, told: tuple[int, str]
) -> None:
    async def farewell(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(b"bye")
        if code is None:
            connection.transport.write(b"\x88\x00")
            await connection.wait_closed()
        else:
            await connection.close(code, reason)

    async with listening(farewell) as address, relaying(address) as client:
        assert await all_of(client) == [b"bye"]
        assert (client.close_code, client.close_reason) == told


async def test_of_a_server_that_dies_in_the_middle_of_a_frame_all_whole_ones_come() -> None:
    async def die(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(b"whole")
        connection.transport.write(b"\x82\x7e\x01\x00half")
        await asyncio.sleep(0)
        connection.transport.close()

    async with listening(die) as address, relaying(address) as client:
        assert await all_of(client) == [b"whole"]
        assert client.close_code == CloseCode.GOING_AWAY


async def test_a_client_that_vanishes_lets_go_of_the_other_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    let_go = asyncio.Event()

    async def hold(connection: ServerConnection) -> None:
        await connection.send(await connection.recv())
        try:
            async for _ in connection:
                pass
        finally:
            let_go.set()

    async with listening(hold) as address, relaying(address) as client:
        await anext(aiter(client))
        client.abort()
        async with asyncio.timeout(10):
            await let_go.wait()
    gc.collect()
    assert caplog.text == ""


async def test_a_client_that_reads_nothing_holds_the_other_server_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_socket, "PATIENCE", 0.5)
    sent = 0
    let_go = asyncio.Event()

    async def pour(connection: ServerConnection) -> None:
        nonlocal sent
        await connection.recv()
        try:
            while True:
                await connection.send(bytes(65536))
                sent += 65536
        except ConnectionClosed:
            let_go.set()

    async with listening(pour) as address, relaying(address) as client:
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.2)
        assert 0 < sent < 64_000_000  # what sockets and queues hold, and no more
        client.abort()
        async with asyncio.timeout(5):  # and lets go of it
            await let_go.wait()


async def test_a_server_that_cannot_be_reached_means_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_socket, "PATIENCE", 0.2)

    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        gone.set()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with relaying(f"ws://127.0.0.1:{port}") as client:
            assert await all_of(client) == []
            assert client.close_code == CloseCode.GOING_AWAY
            assert client.close_reason == "the server of this session is away"
            await gone.wait()
    async with relaying(f"ws://127.0.0.1:{port}") as client:  # nobody listens any more
        assert await all_of(client) == []
        assert client.close_code == CloseCode.GOING_AWAY


@pytest.mark.parametrize(
    "address",
    [
        "ws://a..b:1",
        f"ws://{'x' * 64}.example:1",
        "ws://127.0.0.1:99999",
        "http://x",
        "ws://[::1",
        "",
    ],
)
async def test_an_address_that_is_none_is_told_in_a_sentence(address: str) -> None:
    with pytest.raises(ConnectError):
        await ClientSocket.connect(address, timeout=2.0)
