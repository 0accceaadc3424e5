"""Clients that flood, stall or vanish: refused in time, in bounded memory, without harm to others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest
from dialogue_protocol.codec import MSGPACK
from dialogue_protocol.codes import CloseCode, ClosePolicy, close_policy
from dialogue_protocol.messages import (
    ClientMessage,
    Delta,
    Error,
    Hello,
    Open,
    Ping,
    Player,
    Pong,
    Say,
    State,
    Turn,
)
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from dialogue_server.engine.context import EngineLimits
from dialogue_server.engine.observer import Failure, SessionEnded
from dialogue_server.engine.pacing import COSTLY
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, Served, serving

ANN = Player("ann", "Ann")
FEW = EngineLimits(messages_per_second=20, lines_per_minute=0)


async def until(served: Served, reason: str) -> None:
    async with asyncio.timeout(10):
        while not any(record.reason == reason for record in served.seen(SessionEnded)):
            await asyncio.sleep(0.01)  # a record, not an event


async def test_a_half_open_socket_is_found_by_pings_and_its_session_waits() -> None:
    async with serving(
        SteeredBackend(), ping_interval=0.05, ping_timeout=0.1, close_seconds=0.2
    ) as served:
        client = await Client.connect(served.url)
        client.socket._connection.transport.pause_reading()  # no pong, no FIN
        (session,) = served.registry._sessions.values()
        async with asyncio.timeout(10):
            while session.socket is not None:
                await asyncio.sleep(0.01)
        assert served.registry.count == 1
        again = await client.resume(served.url)
        assert again.welcome is not None
        assert again.welcome.resumed
        client.socket.abort()
        await again.leave()


async def test_a_quiet_client_that_answers_pings_is_kept() -> None:
    async with serving(SteeredBackend(), ping_interval=0.03, ping_timeout=0.5) as served:
        client = await Client.connect(served.url)
        reading = asyncio.create_task(client.next())  # answers pings while it waits
        await asyncio.sleep(0.4)
        await client.send(Ping(1))
        assert await reading == Pong(1)


@pytest.mark.parametrize(
    "message",
    [
        Ping(1),
        Open("c", ["mira"], ANN),
        Open("c", ["nobody"], ANN),
        State("c", 1, {"a": ["x" * 100] * 50}),
        Say("c", "1", "x"),
        b"garbage",
    ],
    ids=["pings", "opens", "bad opens", "states", "lines", "garbage"],
)
async def test_a_flood_is_refused_then_closed_and_others_do_not_notice(
    message: ClientMessage | bytes,
) -> None:
    backend = SteeredBackend()
    async with serving(backend, limits=FEW) as served:
        quick = await Client.connect(served.url)
        await quick.open("quick", player=Player("bob", "Bob"))
        await quick.send(Say("quick", "1", "Hello?"))
        call = await backend.call()
        await quick.expect(Turn)
        flood = await Client.connect(served.url)
        frame = message if isinstance(message, bytes) else MSGPACK.encode(message)
        assert isinstance(frame, bytes)

        async def pour() -> None:
            for _ in range(5000):
                await flood.socket.send(frame)

        pouring = asyncio.create_task(pour())
        delays = []
        for number in range(30):
            began = time.perf_counter()
            call.say(f"word{number} ")
            await quick.expect(Delta)
            delays.append(time.perf_counter() - began)
            await asyncio.sleep(0.005)
        assert await flood.close_code() == CloseCode.FLOODING
        await pouring
        refusals = [m for m in flood.received if isinstance(m, Error)]
        limited = [m for m in refusals if m.code == "rate_limited"]
        weight = COSTLY if isinstance(message, Open) else 1
        assert 80 <= weight * len(limited) <= 120  # 100 beyond the burst, then the door
        assert all(m.retryable and m.retry_after_ms > 0 for m in limited[:-1])
        assert close_policy(CloseCode.FLOODING) is ClosePolicy.RECONNECT
        assert sorted(delays)[len(delays) // 2] < 0.1
        await until(served, "far more messages than limits.messages_per_second, for too long")
        assert served.registry.count == 1
        assert not served.seen(Failure)


async def test_a_client_that_waits_as_told_lives_on() -> None:
    limits = EngineLimits(messages_per_second=100, lines_per_minute=0)
    async with serving(SteeredBackend(), limits=limits) as served:
        client = await Client.connect(served.url)
        for number in range(600):
            await client.send(Ping(number))
        answers = [await client.next() for _ in range(600)]
        limited = [m for m in answers if isinstance(m, Error)]
        assert limited
        await asyncio.sleep(limited[-1].retry_after_ms / 1000)
        await client.send(Ping(7))
        assert await client.next() == Pong(7)


async def test_a_refused_line_is_told_when_to_come_back_and_then_answered() -> None:
    backend = SteeredBackend()
    async with serving(backend, limits=EngineLimits(lines_per_minute=600)) as served:
        client = await Client.connect(served.url)
        await client.open()
        session = next(iter(served.registry._sessions.values()))
        lines = session._pace._lines
        lines._level, lines._at = 1.0, time.monotonic()  # nearly used up
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Good day.")
        call.finish()
        assert (await client.answer()).text == "Good day."
        await client.send(Say("c", "2", "And?"))
        error = await client.expect(Error)
        assert (error.code, error.line, error.retryable) == ("rate_limited", "2", True)
        assert 0 < error.retry_after_ms <= 100
        await asyncio.sleep(error.retry_after_ms / 1000 + 0.001)
        await client.send(Say("c", "2", "And?"))
        await backend.call()


async def test_sockets_that_say_nothing_are_let_go_in_time() -> None:
    async with serving(SteeredBackend(), handshake_seconds=0.2) as served:
        port = int(served.url.rsplit(":", 1)[1])
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
        half = socket.create_connection(("127.0.0.1", port))
        half.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        client = await Client.connect(served.url)
        await client.open()
        for one in (*silent, half):
            one.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                while await asyncio.to_thread(one.recv, 4096):
                    pass  # perhaps a word of HTTP on why
            one.close()


async def test_stalled_readers_cost_bounded_memory() -> None:
    backend = SteeredBackend()
    limits = EngineLimits(replay_bytes=50_000)
    async with serving(backend, write_bytes=50_000, limits=limits) as served:
        stalled = []
        calls = []
        for number in range(10):
            one = await connect(served.url, max_queue=1, compression=None)
            await one.send(MSGPACK.encode(Hello()))
            await one.recv()
            await one.send(MSGPACK.encode(Open("c", ["mira"], Player(f"p{number}", "Ann"))))
            await one.recv()
            await one.send(MSGPACK.encode(Say("c", "1", "Talk.")))
            calls.append(await backend.call())
            one.transport.pause_reading()
            stalled.append(one)
        sessions = list(served.registry._sessions.values())
        sockets = [session.socket._connection.transport for session in sessions]  # type: ignore[union-attr]
        for _ in range(100):  # 20 MB to each, far more than the kernel takes
            for call in calls:
                call.say("word " * 40_000)
            await asyncio.sleep(0.001)
            for session, transport in zip(sessions, sockets, strict=True):
                # One write may pass the bound; the largest delta has 16,000 code points.
                assert transport.get_write_buffer_size() <= 50_000 + 16_100
                assert session.connection._buffer.size <= 50_000
        assert all(session.socket is None or session.socket._closing for session in sessions)  # type: ignore[attr-defined]
        for one in stalled:
            one.transport.abort()
            with contextlib.suppress(ConnectionClosed):
                await one.close()


async def stall(served: Served, backend: SteeredBackend, size: int) -> Client:
    """A client that stops reading, with about `size` bytes more than the kernel holds unread."""
    client = await Client.connect(served.url)
    await client.open()
    await client.send(Say("c", "1", "Talk."))
    call = await backend.call()
    await client.expect(Turn)
    client.socket._connection.transport.pause_reading()
    (session,) = served.registry._sessions.values()
    assert session.socket is not None
    transport = session.socket._connection.transport  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        while session.socket is not None and transport.get_write_buffer_size() < size:
            call.say("word " * 10_000)
            await asyncio.sleep(0.001)
    return client


async def until_detached(served: Served) -> None:
    (session,) = served.registry._sessions.values()
    async with asyncio.timeout(10):
        while session.socket is not None:
            await asyncio.sleep(0.01)


async def test_a_reader_that_never_reads_again_is_cut_and_its_session_waits() -> None:
    backend = SteeredBackend()
    async with serving(backend, write_bytes=100_000, close_seconds=0.2) as served:
        client = await stall(served, backend, 100_000)
        await until_detached(served)
        assert served.registry.count == 1
        client.socket.abort()


async def test_a_stalled_reader_below_the_bound_is_found_by_pings() -> None:
    backend = SteeredBackend()
    async with serving(
        backend, write_bytes=4_000_000, ping_interval=0.1, ping_timeout=0.3, close_seconds=0.2
    ) as served:
        client = await stall(served, backend, 500_000)
        await until_detached(served)
        client.socket.abort()


async def test_few_messages_that_are_as_large_as_they_may_be_are_a_flood() -> None:
    """Reading one holds the server for a tenth of a second, so fifty a second were too many."""
    async with serving(SteeredBackend()) as served:
        client = await Client.connect(served.url)
        await client.open("c")
        large = State("c", 1, snapshot={"a": [0] * 250_000})
        for _ in range(20):
            await client.send(large)
        assert await client.close_code() == CloseCode.FLOODING
