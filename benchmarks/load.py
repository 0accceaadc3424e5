"""The load client: many WebSockets, read with as little work as can be.

`python -m benchmarks.load` reads one JSON line, a Job, connects, prints {"ready": true}, waits
for a line, then has every connection say one line and reads the answers to their end; it
prints an Outcome. With `tokens` 0 it only connects, and holds the connections until its
standard input gives another line.

The WebSocket client is written by hand (RFC 6455, unfragmented frames of a server): counting
the bytes of the wire needs the raw stream, and a lean client leaves the cores to the target.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import sys
from collections.abc import Callable
from typing import cast

import msgspec
from dialogue_protocol.messages import (
    SUBPROTOCOL_MSGPACK,
    Delta,
    Error,
    Hello,
    Open,
    Opened,
    Player,
    Say,
    ServerMessage,
    TurnEnd,
    Welcome,
)

from .stamps import STAMP_CHARS, TOKEN_CHARS, age, now_us


class Job(msgspec.Struct):
    """What to do. `dialect`: "bare", "dialogue" or "sse". `tokens` is what each answer has."""

    dialect: str
    port: int
    streams: int
    tokens: int
    npc: str = ""
    spread: float = 1.0
    """Seconds over which the lines are said."""
    timeout: float = 120.0


class Outcome(msgspec.Struct):
    """What came. Latencies in microseconds, from the upstream's write to here: `p50`, `p99` and
    `worst` of a token but for its last character, `whole_p50` of all of it."""

    streams: int
    tokens: int
    frames: int
    wire_bytes: int
    """Bytes received after the connections were ready: WebSocket headers included."""
    text_bytes: int
    seconds: float
    p50: float
    p99: float
    worst: float
    whole_p50: float
    failures: list[str]


class Meter:
    """Adds up what all sockets saw."""

    def __init__(self) -> None:
        self.latencies: list[int] = []
        self.whole_latencies: list[int] = []
        self.frames = 0
        self.wire_bytes = 0
        self.text_bytes = 0
        self.failures: list[str] = []


class Stream(asyncio.Protocol):
    """One WebSocket and the text of its answer."""

    subprotocol = ""

    def __init__(self, job: Job, number: int, meter: Meter) -> None:
        loop = asyncio.get_running_loop()
        self.job, self.number, self.meter = job, number, meter
        self.ready: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        self.buffer = bytearray()
        self.upgraded = False
        self.text = ""
        self.begun = False
        self.stamped = False
        self.said = False
        self.seen = 0

    # ------------------------------------------------------------ the wire

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        offer = f"Sec-WebSocket-Protocol: {self.subprotocol}\r\n" if self.subprotocol else ""
        self.transport.write(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{self.job.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"{offer}\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection was lost: {exc}")
        self.gone.set_result(None)

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer
        buffer += data
        if not self.upgraded:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                self._fail(f"refused: {bytes(buffer[:80])!r}")
                return
            del buffer[: end + 4]
            self.upgraded = True
            self.start()
        elif self.said:
            self.meter.wire_bytes += len(data)
        self._frames()

    def _frames(self) -> None:
        buffer = self.buffer
        position, available = 0, len(buffer)
        while available - position >= 2:
            length, header = buffer[position + 1] & 127, 2
            if length == 126:
                header = 4
            elif length == 127:
                header = 10
            if available - position < header:
                break
            if header == 4:
                (length,) = struct.unpack_from("!H", buffer, position + 2)
            elif header == 10:
                (length,) = struct.unpack_from("!Q", buffer, position + 2)
            end = position + header + length
            if end > available:
                break
            opcode = buffer[position] & 15
            payload = bytes(buffer[position + header : end])
            position = end
            if opcode <= 2:
                self.on_payload(payload)
            elif opcode == 9:
                self.send(payload, opcode=10)
            elif opcode == 8:
                self._fail(f"closed by the server: {payload!r}")
                break
        del buffer[:position]

    def send(self, payload: bytes, opcode: int = 2) -> None:
        # A zero mask leaves the payload as it is; servers take any.
        length = len(payload)
        size = bytes((128 | length,)) if length < 126 else struct.pack("!BH", 254, length)
        self.transport.write(bytes((128 | opcode,)) + size + bytes(4) + payload)

    def _fail(self, problem: str) -> None:
        for future in (self.ready, self.done):
            if not future.done():
                self.meter.failures.append(problem)
                future.set_result(None)
        self.transport.close()

    # ------------------------------------------------------------ the text

    def add(self, text: str) -> None:
        """More of the answer: note each token that is now complete."""
        now = now_us()
        meter = self.meter
        meter.frames += 1
        meter.text_bytes += len(text)
        if not self.begun:  # a server may trim an answer's leading space
            self.begun = True
            text = " " + text.lstrip()
        self.text += text
        while len(self.text) >= STAMP_CHARS:
            if not self.stamped:
                meter.latencies.append(age(self.text, now))
                self.stamped = True
            if len(self.text) < TOKEN_CHARS:
                break
            meter.whole_latencies.append(age(self.text, now))
            self.stamped = False
            self.text = self.text[TOKEN_CHARS:]
            self.seen += 1

    def finish(self) -> None:
        """The answer is over."""
        if self.seen != self.job.tokens:
            self.meter.failures.append(f"{self.seen} of {self.job.tokens} tokens")
        if not self.done.done():
            self.done.set_result(None)

    # ------------------------------------------------------------ what a dialect adds

    def start(self) -> None:
        """The WebSocket is open."""
        raise NotImplementedError

    def say(self) -> None:
        """Ask for the answer."""
        raise NotImplementedError

    def on_payload(self, payload: bytes) -> None:
        """A data frame came."""
        raise NotImplementedError


class BareStream(Stream):
    """The forwarder's dialect: text out, text frames in, an empty one ends the turn."""

    def start(self) -> None:
        self.ready.set_result(None)

    def say(self) -> None:
        self.said = True
        self.send(b"Is the mine open?", opcode=1)

    def on_payload(self, payload: bytes) -> None:
        if payload:
            self.add(payload.decode())
        else:
            self.finish()


_encode = msgspec.msgpack.Encoder().encode
_decode = cast("Callable[[bytes], ServerMessage]", msgspec.msgpack.Decoder(ServerMessage).decode)


class DialogueStream(Stream):
    """The server's protocol, in msgpack."""

    subprotocol = SUBPROTOCOL_MSGPACK

    def start(self) -> None:
        self.send(_encode(Hello(client="benchmark")))

    def say(self) -> None:
        self.said = True
        self.send(_encode(Say(conversation="c", line="l1", text="Is the mine open?")))

    def on_payload(self, payload: bytes) -> None:
        match _decode(payload):
            case Delta(text=text):
                self.add(text)
            case Welcome():
                if self.job.tokens == 0:
                    self.ready.set_result(None)
                    return
                player = Player(id=f"player-{os.getpid()}-{self.number}")
                self.send(_encode(Open(conversation="c", npcs=[self.job.npc], player=player)))
            case Opened():
                self.ready.set_result(None)
            case TurnEnd(reason=reason, detail=detail):
                if reason != "complete":
                    self.meter.failures.append(f"{reason}: {detail}")
                self.finish()
            case Error(code=code, detail=detail):
                self._fail(f"{code}: {detail}")
            case _:
                pass


def _quantile(ordered: list[int], share: float) -> float:
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * share))]) if ordered else 0.0


def _kind(dialect: str) -> type[Stream]:
    if dialect == "sse":
        from .load_sse import SseStream  # noqa: PLC0415  (it builds upon this module)

        return SseStream
    return BareStream if dialect == "bare" else DialogueStream


async def main() -> None:
    loop = asyncio.get_running_loop()

    async def line() -> str:
        return await loop.run_in_executor(None, sys.stdin.readline)

    def report(message: object) -> None:
        sys.stdout.write(msgspec.json.encode(message).decode() + "\n")
        sys.stdout.flush()

    job = msgspec.json.decode(await line(), type=Job)
    meter = Meter()
    kind = _kind(job.dialect)
    streams: list[Stream] = []
    for number in range(job.streams):
        _, stream = await loop.create_connection(
            lambda number=number: kind(job, number, meter),  # type: ignore[misc]
            "127.0.0.1",
            job.port,
        )
        streams.append(stream)
    async with asyncio.timeout(job.timeout):
        await asyncio.gather(*(stream.ready for stream in streams))
    report({"ready": not meter.failures, "failures": meter.failures[:5]})
    await line()
    if job.tokens and not meter.failures:
        report(await measure(job, streams, meter))
    for stream in streams:
        stream.send(struct.pack("!H", 1000), opcode=8)
    await asyncio.wait([stream.gone for stream in streams], timeout=10)


async def measure(job: Job, streams: list[Stream], meter: Meter) -> Outcome:
    """Say all lines, read all answers."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number, stream in enumerate(streams):
        loop.call_at(begin + job.spread * number / job.streams, stream.say)
    try:
        async with asyncio.timeout(job.timeout):
            await asyncio.gather(*(stream.done for stream in streams))
    except TimeoutError:
        meter.failures.append(f"not done after {job.timeout:g} s")
    seconds = loop.time() - begin
    ordered = sorted(meter.latencies)
    whole = sorted(meter.whole_latencies)
    return Outcome(
        streams=job.streams,
        tokens=len(ordered),
        frames=meter.frames,
        wire_bytes=meter.wire_bytes,
        text_bytes=meter.text_bytes,
        seconds=seconds,
        p50=_quantile(ordered, 0.50),
        p99=_quantile(ordered, 0.99),
        worst=float(ordered[-1]) if ordered else 0.0,
        whole_p50=_quantile(whole, 0.50),
        failures=meter.failures[:5],
    )


if __name__ == "__main__":
    asyncio.run(main())
