"""`python -m benchmarks.resilience`: what drops, absent players and stalled readers cost.

Three figures, each from a server in a process of its own:

- the time from the first byte of a new connection to the last message that was missed, after a
  drop in mid-turn;
- the memory that sessions hold which have talked and whose sockets are gone;
- the latency of paced streams beside readers that ask for transcripts, and read them, and beside
  readers that ask for as many and read nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from dialogue_protocol.client_connection import ClientConnection
from dialogue_protocol.connection import State
from dialogue_protocol.messages import (
    Delta,
    History,
    Open,
    Opened,
    Player,
    Say,
    ServerMessage,
    TurnEnd,
    Welcome,
)

from dialogue_server.server.client_socket import ClientSocket

from .load import DialogueStream, Job, Meter
from .targets import NPC, Bench, Target, ask, bench, measure

_encode = msgspec.msgpack.Encoder().encode


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _pace(processes: Bench, rate: float, tokens: int) -> None:
    ask(processes.upstream, {"rate": rate, "tokens": tokens})


class _Player:
    """One session by the sans-I/O client."""

    def __init__(self, port: int, name: str) -> None:
        self.connection = ClientConnection("benchmark")
        self._url = f"ws://127.0.0.1:{port}"
        self._name = name
        self._socket: ClientSocket

    async def connect(self) -> None:
        self._socket = await ClientSocket.connect(self._url, timeout=30)
        self._frames = aiter(self._socket)
        await self._socket.send(self.connection.hello())
        await self.until(Welcome)
        for frame in self.connection.recover():
            await self._socket.send(frame)

    async def open(self) -> None:
        await self.send(Open("c", [NPC], Player(self._name)))
        await self.until(Opened)

    async def send(self, message: Open | Say | History) -> None:
        await self._socket.send(self.connection.send(message))

    async def until(self, kind: type[ServerMessage]) -> ServerMessage:
        while not isinstance(message := await self.next(), kind):
            pass
        return message

    async def next(self) -> ServerMessage:
        message = self.connection.receive(await anext(self._frames))
        assert message is not None
        if (ack := self.connection.take_ack()) is not None:
            await self._socket.send(ack)
        return message

    def drop(self) -> None:
        self._socket.abort()
        self.connection.disconnected(1006)
        assert self.connection.state is State.DETACHED


async def resume_time(processes: Bench, target: Target, drops: int) -> dict[str, Any]:
    """Milliseconds from connecting to the welcome, and to the last missed message."""
    _pace(processes, 200.0, 100_000)
    welcomed: list[float] = []
    caught_up: list[float] = []
    missed: list[float] = []
    player = _Player(target.port, "resume")
    await player.connect()
    await player.open()
    await player.send(Say("c", "l1", "Talk."))
    await player.until(Delta)
    for _ in range(drops):
        player.drop()
        await asyncio.sleep(0.25)  # about 50 tokens pass by
        begin = time.perf_counter()
        await player.connect()
        welcomed.append(1000 * (time.perf_counter() - begin))
        count = 0
        # What was missed is there at once; the next token comes 5 ms after the one before it.
        while True:
            waited = time.perf_counter()
            await player.until(Delta)
            now = time.perf_counter()
            if now - waited > 0.002:
                break
            count += 1
            last = now
        caught_up.append(1000 * (last - begin))
        missed.append(count)
    player.drop()
    return {
        "drops": drops,
        "missed_messages": _quantile(missed, 0.5),
        "welcome_ms": {"p50": _quantile(welcomed, 0.5), "p99": _quantile(welcomed, 0.99)},
        "caught_up_ms": {"p50": _quantile(caught_up, 0.5), "p99": _quantile(caught_up, 0.99)},
    }


async def detached_memory(processes: Bench, target: Target, sessions: int) -> dict[str, Any]:
    """Bytes of the server's memory for each session that talked once, attached and detached."""
    _pace(processes, 0, 40)
    before = target.memory()
    players = [_Player(target.port, f"detached-{number}") for number in range(sessions)]

    async def talk(player: _Player) -> None:
        await player.connect()
        await player.open()
        await player.send(Say("c", "l1", "Is the mine open?"))
        await player.until(TurnEnd)

    for first in range(0, sessions, 20):
        await asyncio.gather(*map(talk, players[first : first + 20]))
    attached = target.memory() - before
    for player in players:
        player.drop()
    await asyncio.sleep(2)
    return {
        "sessions": sessions,
        "attached_bytes": attached / sessions,
        "detached_bytes": (target.memory() - before) / sessions,
    }


class _Asking(DialogueStream):
    """A socket with a small window that asks for transcripts, and reads them or not."""

    reads = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set_result(None)
        if not self.ready.done():
            self.ready.set_result(None)

    def on_payload(self, payload: bytes) -> None:
        if not self.ready.done():
            super().on_payload(payload)


class _Stalled(_Asking):
    reads = False


async def _ask_on(kind: type[_Asking], port: int, number: int, cycles: list[int]) -> None:
    """Ask for a transcript twenty times a second; come back whenever closed."""
    loop = asyncio.get_running_loop()
    job = Job(dialect="dialogue", port=port, streams=1, tokens=1, npc=NPC)
    while True:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        transport, stream = await loop.create_connection(
            lambda: kind(job, number, Meter()), sock=sock
        )
        await stream.ready
        if not kind.reads:
            transport.pause_reading()
        try:
            while not stream.gone.done():
                stream.send(_encode(History(conversation="c", last=1000)))
                await asyncio.sleep(0.05)
        finally:
            transport.abort()
        cycles[0] += 1


async def _prepare(processes: Bench, target: Target, number: int) -> None:
    """Give the asking player something to be told."""
    _pace(processes, 0, 300)
    player = _Player(target.port, f"player-{os.getpid()}-{number}")
    await player.connect()
    await player.open()
    for line in range(20):
        await player.send(Say("c", f"l{line}", "Talk."))
        await player.until(TurnEnd)
    player.drop()


async def stalled_cost(
    processes: Bench, target: Target, *, readers: int, streams: int, seconds: float, repeat: int
) -> dict[str, Any]:
    """Latencies in milliseconds of paced streams: alone, beside readers, beside stalled ones."""
    for number in range(readers):
        await _prepare(processes, target, number)
    result: dict[str, Any] = {"readers": readers, "streams": streams}
    sides: dict[str, type[_Asking] | None] = {
        "alone": None,
        "reading": _Asking,
        "stalled": _Stalled,
    }
    runs: dict[str, list[Any]] = {name: [] for name in sides}
    cycles = [0]
    for _ in range(repeat):
        for name, kind in sides.items():
            tasks = [
                asyncio.create_task(_ask_on(kind, target.port, number, cycles))
                for number in range(readers if kind else 0)
            ]
            run = await asyncio.to_thread(
                measure, processes, target, streams=streams, rate=30.0, tokens=int(30 * seconds)
            )
            runs[name].append(run.outcome)
            for task in tasks:
                task.cancel()
            failures = [e for e in await asyncio.gather(*tasks, return_exceptions=True)
                        if not isinstance(e, asyncio.CancelledError)]  # fmt: skip
            if failures:
                raise SystemExit(f"{name}: {failures[:1]!r}")
            if kind is _Stalled:
                await asyncio.sleep(6)  # the last stalled sockets are given up
    for name, outcomes in runs.items():
        result[name] = {
            "p50_ms": _quantile([o.p50 / 1000 for o in outcomes], 0.5),
            "p99_ms": _quantile([o.p99 / 1000 for o in outcomes], 0.5),
        }
    result["closed_as_slow"] = cycles[0]
    return result


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """All three."""
    result: dict[str, Any] = {}
    with bench(["--limits-detach-grace", "600", *options.server_flags.split()]) as processes:
        target = next(t for t in processes.targets if t.dialect == "dialogue")
        result["detached"] = await detached_memory(processes, target, options.sessions)
        result["resume"] = await resume_time(processes, target, options.drops)
        result["stalled"] = await stalled_cost(
            processes,
            target,
            readers=options.readers,
            streams=options.streams,
            seconds=options.seconds,
            repeat=options.repeat,
        )
    return result


def table(result: dict[str, Any]) -> str:
    """The figures for people."""
    resume, detached, stalled = result["resume"], result["detached"], result["stalled"]
    lines = [
        f"resume after a drop in mid-turn ({resume['drops']} drops, "
        f"{resume['missed_messages']:.0f} messages missed): "
        f"welcome {resume['welcome_ms']['p50']:.1f} ms (p99 {resume['welcome_ms']['p99']:.1f}), "
        f"caught up {resume['caught_up_ms']['p50']:.1f} ms "
        f"(p99 {resume['caught_up_ms']['p99']:.1f})",
        f"memory of {detached['sessions']} sessions that have talked: "
        f"{detached['detached_bytes'] / 1024:.1f} KiB each when detached "
        f"({detached['attached_bytes'] / 1024:.1f} KiB attached)",
        f"{stalled['streams']} paced streams beside {stalled['readers']} that ask for transcripts "
        f"(closed as slow: {stalled['closed_as_slow']}):",
    ]
    for name in ("alone", "reading", "stalled"):
        side = stalled[name]
        lines.append(f"  {name:10} p50 {side['p50_ms']:.2f} ms, p99 {side['p99_ms']:.2f} ms")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and write the JSON where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resilience")
    parser.add_argument("--sessions", type=int, default=1000, help="detached sessions (1000)")
    parser.add_argument("--drops", type=int, default=100, help="drops in mid-turn (100)")
    parser.add_argument("--readers", type=int, default=10, help="readers that stall (10)")
    parser.add_argument("--streams", type=int, default=100, help="streams beside them (100)")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of a paced run (12)")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of it (3)")
    parser.add_argument("--server-flags", default="", help="more flags for the server, in quotes")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args(argv)
    result = asyncio.run(run(options))
    print(table(result))
    if options.json:
        Path(options.json).write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
