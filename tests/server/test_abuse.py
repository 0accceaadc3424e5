"""Clients that mean harm, over real sockets: each is let go in time, and meanwhile another client's
turn streams on, every word of it and none of them late (bystander.py)."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import os
import sys
from pathlib import Path

import pytest
from dialogue_protocol.codec import MSGPACK
from dialogue_protocol.codes import CloseCode
from dialogue_protocol.messages import Ping, Say, State, StateOk, Turn, Welcome

from dialogue_server.engine.context import EngineLimits
from dialogue_server.engine.observer import Failure
from dialogue_server.instrumentation.logging import Log
from tests.fakes.raw_websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    RawSocket,
    frame,
    request,
)
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, serving

from .bystander import undisturbed

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MANY = 20_000_000
"""Bytes of a flood."""


async def pour(raw: RawSocket, data: bytes) -> None:
    """Write all of it, or as much as the server takes before it closes."""
    with contextlib.suppress(ConnectionError):
        for start in range(0, len(data), 1 << 16):
            raw.write(data[start : start + (1 << 16)])
            await raw.writer.drain()


# ------------------------------------------------ floods of frames that no session sees

FLOODS = {
    "empty pings": frame(PING) * 400_000,
    "full pings": frame(PING, b"x" * 125) * (MANY // 131),
    "pongs": frame(PONG) * 400_000,
    "empty fragments": frame(BINARY, fin=False) + frame(CONTINUATION, fin=False) * 400_000,
}


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("greeted", [True, False], ids=["in a session", "before the hello"])
async def test_a_flood_of_small_frames_is_cut_after_two_thousand(name: str, greeted: bool) -> None:
    backend = SteeredBackend()
    async with serving(backend) as served, undisturbed(served, backend):
        how = RawSocket.greeted if greeted else RawSocket.upgraded
        async with await how(served.url) as raw:
            pouring = asyncio.create_task(pour(raw, FLOODS[name]))
            frames = await raw.rest()
            await pouring
            pongs = [each for each in frames if each.opcode == PONG]
            assert len(pongs) < 2_100
            last = [each for each in frames if each.opcode == CLOSE]
            # What is unread when a socket closes resets it, and may take the close frame along.
            assert all(each.close_code == CloseCode.FLOODING for each in last)
        assert not served.seen(Failure)


async def test_pings_in_a_sane_number_are_no_flood() -> None:
    async with serving(SteeredBackend()) as served:
        async with await RawSocket.greeted(served.url) as raw:
            raw.write(frame(PING, b"?") * 500)
            for _ in range(500):
                assert (await raw.frame()).opcode == PONG


async def test_whoever_pings_and_never_reads_costs_bounded_memory() -> None:
    limits = EngineLimits(messages_per_second=0)  # nothing bounds how many
    async with serving(SteeredBackend(), limits=limits, write_bytes=50_000) as served:
        async with await RawSocket.greeted(served.url) as raw:
            (session,) = served.registry._sessions.values()
            transport = session.socket._connection.transport  # type: ignore[union-attr]
            raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
            pouring = asyncio.create_task(pour(raw, frame(PING, b"x" * 125) * (MANY // 131)))
            most = 0
            async with asyncio.timeout(20):
                while not transport.is_closing():
                    most = max(most, transport.get_write_buffer_size())
                    await asyncio.sleep(0)
            await pouring
            assert most < 50_000 + (1 << 20) + 10_000


async def test_a_packet_full_of_tiny_messages_lets_others_speak_in_between() -> None:
    backend = SteeredBackend()
    async with serving(backend, close_seconds=0.2) as served, undisturbed(served, backend):
        async with await RawSocket.greeted(served.url) as raw:
            pouring = asyncio.create_task(pour(raw, frame(BINARY) * 400_000))
            frames = await raw.rest()
            await pouring
            assert len(frames) < 1_000


async def test_a_big_message_that_is_allowed_comes_whole_though_it_is_parsed_in_slices() -> None:
    async with serving(SteeredBackend()) as served:
        client = await Client.connect(served.url)
        await client.open()
        for revision in range(1, 6):
            await client.send(State("c", revision, {"book": "word " * 12_000}))
            assert (await client.expect(StateOk)).revision == revision
        await client.leave()


async def test_messages_that_come_faster_than_they_are_handled_keep_their_order() -> None:
    """More than fit the library's queue, in one packet: the guard holds back, and loses none."""
    async with serving(SteeredBackend(), limits=EngineLimits(messages_per_second=0)) as served:
        async with await RawSocket.greeted(served.url) as raw:
            encoded = (MSGPACK.encode(Ping(number)) for number in range(5_000))
            raw.write(b"".join(frame(BINARY, each) for each in encoded if isinstance(each, bytes)))
            for number in range(5_000):
                assert getattr(await raw.message(), "nonce", None) == number


# ------------------------------------------------ handshakes


async def test_a_handshake_that_drips_is_let_go_in_time() -> None:
    backend = SteeredBackend()
    async with serving(backend, handshake_seconds=0.5) as served, undisturbed(served, backend):
        host = served.url.removeprefix("ws://")
        slow = [await RawSocket.connect(served.url) for _ in range(100)]

        async def drip(raw: RawSocket, pieces: list[bytes]) -> None:
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    raw.write(piece)
                    await raw.writer.drain()
                    await asyncio.sleep(0.02)

        head = request(host, *(f"X-{number}: y" for number in range(80)))
        drips = [
            asyncio.create_task(drip(raw, [head[at : at + 20] for at in range(0, 600, 20)]))
            for raw in slow
        ]
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(raw.ended() for raw in slow))
        assert asyncio.get_running_loop().time() - began < 5
        for each in drips:
            each.cancel()
        await asyncio.gather(*drips, return_exceptions=True)
        for raw in slow:
            raw.abort()
        assert served.registry.count == 1


async def test_a_hello_that_drips_is_let_go_in_time() -> None:
    backend = SteeredBackend()
    impatient = serving(backend, handshake_seconds=0.3, close_seconds=0.2)
    async with impatient as served, undisturbed(served, backend):
        async with await RawSocket.upgraded(served.url) as raw:

            async def drip() -> None:
                raw.write(frame(BINARY, b"\x95", fin=False))
                with contextlib.suppress(ConnectionError):
                    for _ in range(500):
                        raw.write(frame(CONTINUATION, b"\x01", fin=False))
                        await raw.writer.drain()
                        await asyncio.sleep(0.01)

            dripping = asyncio.create_task(drip())
            *_, last = await raw.rest()
            assert last.close_code == CloseCode.HANDSHAKE_TIMEOUT
            await dripping


BOMBS = {
    "one long header": request("h", "X-Bomb: " + "x" * 100_000),
    "many headers": request("h", *(f"X-{number}: y" for number in range(10_000))),
    "a header without end": request("h")[:-2] + b"X-Bomb: " + b"x" * 1_000_000,
    "a long path": request("h", line="GET /" + "a" * 100_000 + " HTTP/1.1"),
    "no header at all": b"\r\n" * 100_000,
    "a folded header": request("h", "X-A: 1\r\n 2"),
    "a header without a name": request("h", ": y"),
    "a null byte": request("h", "X-A: \0"),
    "a body": request("h", "Content-Length: 1000000") + b"x" * 100_000,
    "chunks": request("h", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n",
    "TLS to a port without": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n" * 10,
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n",
    "noise": bytes(range(256)) * 100,
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_request_that_is_a_bomb_is_refused_in_time(name: str) -> None:
    backend = SteeredBackend()
    async with (
        serving(backend, handshake_seconds=0.5, close_seconds=0.2) as served,
        undisturbed(served, backend),
        await RawSocket.connect(served.url) as raw,
    ):
        pouring = asyncio.create_task(pour(raw, BOMBS[name]))
        answer = await raw.ended()
        await pouring
        # No WebSocket, but for those whose oddity is a part of HTTP and does no harm.
        if answer.startswith(b"HTTP/1.1 101"):
            assert name in ("a null byte", "many headers")
        else:
            assert answer[:10] in (b"", b"HTTP/1.1 4", b"HTTP/1.1 5"), answer[:200]
        assert served.registry.count == 1
        assert not served.seen(Failure)


@pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"])
@pytest.mark.parametrize("path", ["/", "/health/live", "/metrics", "/dev/"])
async def test_9110_another_verb_than_get_and_head_is_refused(verb: str, path: str) -> None:
    async with serving(SteeredBackend(), metrics=lambda: b"secret 1\n") as served:
        for head in (f"{verb} {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode(),
                     request("h", line=f"{verb} {path} HTTP/1.1")):  # fmt: skip
            async with await RawSocket.connect(served.url) as raw:
                raw.write(head)
                answer = await raw.ended()
                assert answer.startswith(b"HTTP/1.1 405 "), answer[:200]
                assert b"\r\nAllow: GET, HEAD\r\n" in answer
                assert b"secret" not in answer


async def test_9110_the_answer_to_head_has_no_body() -> None:
    async with serving(SteeredBackend(), metrics=lambda: b"secret 1\n") as served:
        for path in ("/health/live", "/metrics", "/nowhere"):
            async with await RawSocket.connect(served.url) as raw:
                raw.write(f"HEAD {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                head, _, body = (await raw.ended()).partition(b"\r\n\r\n")
                assert b"Content-Length: " in head
                assert body == b""


async def test_a_second_request_on_the_same_connection_is_not_read() -> None:
    """Nothing can be smuggled behind a first request."""
    async with serving(SteeredBackend(), metrics=lambda: b"secret 1\n") as served:
        async with await RawSocket.connect(served.url) as raw:
            first = b"GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n"
            raw.write(first + b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = await raw.ended()
            assert answer.count(b"HTTP/1.1") <= 1  # the library may drop the first along with it
            assert b"secret" not in answer


async def test_garbage_behind_the_handshake_is_a_breach_and_hurts_nobody() -> None:
    backend = SteeredBackend()
    async with serving(backend, close_seconds=0.2) as served, undisturbed(served, backend):
        for garbage in (os.urandom(50_000), b"\0" * 50_000, b"\xff" * 50_000, b"GET / " * 9_000):
            async with await RawSocket.upgraded(served.url) as raw:
                pouring = asyncio.create_task(pour(raw, garbage))
                frames = await raw.rest()
                await pouring
                assert all(each.opcode in (BINARY, PONG, CLOSE) for each in frames)
        assert not served.seen(Failure)


# ------------------------------------------------ connections


def room() -> int:
    """How many connections this process may have, both ends in it."""
    if resource is None:
        return 200
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(100, min(hard, 8_400) // 2 - 200)


@pytest.mark.slow
async def test_thousands_of_connects_that_say_nothing_are_let_go_and_leave_nothing_behind() -> None:
    backend = SteeredBackend()
    number = room()
    async with serving(backend, handshake_seconds=1.0, close_seconds=0.2) as served:
        before = len(asyncio.all_tasks())
        files = open_files()
        waiting: list[RawSocket] = []
        # Both ends of all of them share this test's loop, and all come due in one second.
        async with undisturbed(served, backend, latest=3.0):
            for start in range(0, number, 100):
                wave = [RawSocket.connect(served.url) for _ in range(min(100, number - start))]
                waiting += await asyncio.gather(*wave)
                await asyncio.sleep(0)
            await asyncio.gather(*(raw.ended() for raw in waiting))
        for raw in waiting:
            raw.abort()
        waiting = []
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > before or open_files() > files + 2:
                await asyncio.sleep(0.05)
                gc.collect()
        late = await Client.connect(served.url)
        assert isinstance(late.welcome, Welcome)
        await late.leave()


def open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


@pytest.mark.skipif(sys.platform != "linux", reason="counts files as Linux does")
async def test_when_no_more_files_can_be_opened_talks_go_on_and_newcomers_wait() -> None:
    backend = SteeredBackend()
    async with serving(backend, handshake_seconds=60) as served:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # asyncio tells each
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        async with undisturbed(served, backend):
            await asyncio.sleep(0.1)
            crowd = []
            resource.setrlimit(resource.RLIMIT_NOFILE, (open_files() + 60, hard))
            try:
                with contextlib.suppress(OSError):
                    while True:  # until this process has no more for its own ends either
                        crowd.append(await RawSocket.connect(served.url))
                await asyncio.sleep(0.2)
                assert len(crowd) >= 25
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                for raw in crowd:
                    raw.abort()
        async with asyncio.timeout(20):
            late = await Client.connect(served.url)
            await late.leave()


async def test_clients_that_come_and_go_at_once_leave_nothing_behind() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        before = len(asyncio.all_tasks())
        async with undisturbed(served, backend):

            async def visit(number: int) -> None:
                raw = await RawSocket.connect(served.url)
                if number % 3:
                    raw.write(request(served.url.removeprefix("ws://")))
                if number % 3 == 2:
                    await raw.writer.drain()
                    await asyncio.sleep(0.001 * (number % 7))
                raw.abort()

            for start in range(0, 900, 30):
                await asyncio.gather(*(visit(number) for number in range(start, start + 30)))
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > before:
                await asyncio.sleep(0.01)
        assert not served.seen(Failure)


async def test_whoever_vanishes_in_a_flood_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    Log("json", "info", io.StringIO())  # as a server has it
    backend = SteeredBackend()
    async with serving(backend, limits=EngineLimits(messages_per_second=0)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Talk."))
        call = await backend.call()
        await client.expect(Turn)
        raw = await RawSocket.greeted(served.url)
        raw.write(frame(PING, b"x" * 100) * 5_000)
        await raw.writer.drain()
        raw.abort()
        client.socket.abort()
        call.say(*("word " for _ in range(2_000)))
        call.finish()
        async with asyncio.timeout(10):
            while served.registry.attached:
                await asyncio.sleep(0.01)
    assert "socket.send" not in caplog.text
