"""Hours of mixed load on one server, which must hold nothing afterwards that it did not hold before.

    python -m tests.end_to_end.soak --seconds 3600 --seed 1

Load comes in rounds. Players talk through a bad network (chaos_player.py, chaos_proxy.py):
they interrupt, regenerate, save and load, drop and resume. Beside them, clients flood, read
slowly, never finish their handshake, and come back in storms; the content is reloaded and the
metrics are read. After each round everybody leaves, and once no session is left the server counts
its memory, tasks, files, sockets and Python objects. A leak is what grows with the turns from one
such quiet moment to the next.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import statistics
import sys
import tempfile
import time
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from dialogue_protocol.codec import MSGPACK
from dialogue_protocol.messages import Hello, Open, Player, Say, State
from msgspec import Struct, field

from tests.cli.processes import ROOT, environment
from tests.fakes.raw_websocket import BINARY, CONTINUATION, PING, RawSocket, frame, request
from tests.harness import Client

from .chaos import check_lines
from .chaos_player import ChaosPlayer
from .chaos_proxy import Proxy
from .server_process import make_world
from .soak_server import Census

SETTLING = 2
"""Rounds after which caches, pools and the allocator have had their share."""
PER_TURN = 0.2
"""Objects of one type that may stay for each turn: more is a leak of one for every fifth."""
SLACK = 300
"""Objects of one type that may come and go without a reason."""
MEGABYTES = 12.0
SHARE = 0.06
"""What the resident memory of quiet moments may grow by, whichever is more."""


class Soak(Struct):
    """What was done, and what was counted at the quiet moments."""

    counts: list[Census] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    complaints: str = ""
    """What the server's log holds that no log should."""


async def run(seconds: float, rounds: int, seed: int, players: int) -> Soak:
    """All of it. AssertionError where a promise to a player is broken, or nobody lets go."""
    soak, began = Soak(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dialogue-soak-") as name:
        folder = Path(name)
        make_world(folder)
        (folder / "dialogue.toml").write_text("")
        upstream, base_url = await _start(folder, "upstream")
        server, url = await _start(folder, "serve", str(folder), base_url)
        try:
            for number in range(rounds):
                load = _Load(url, folder, soak.done, seed * 1000 + number, players)
                await load.run(seconds / rounds)
                soak.counts.append(await _quiet(server))
                soak.seconds = time.monotonic() - began
                _say(_line(soak, number))
            assert server.stdin is not None
            server.stdin.close()
            async with asyncio.timeout(60):
                assert await server.wait() == 0
            soak.complaints = _complaints(folder / "serve.log")
        finally:
            for process in (server, upstream):
                if process.returncode is None:
                    process.kill()
                    await process.wait()
    return soak


async def _start(folder: Path, *arguments: str) -> tuple[Process, str]:
    with (folder / f"{arguments[0]}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-W",
                "always::ResourceWarning",
                "-m",
                "tests.end_to_end.soak_server",
                *arguments,
            ),
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            cwd=ROOT,
            env=environment(),
            limit=1 << 24,
        )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while True:
            line = (await process.stdout.readline()).decode().strip()
            assert line, (folder / f"{arguments[0]}.log").read_text("utf-8")[-3000:]
            if "://" in line and not line.startswith("{"):
                return process, line


async def _count(server: Process) -> Census:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(b"count\n")
    async with asyncio.timeout(60):
        while True:
            line = await server.stdout.readline()
            assert line, "the server has died"
            if b'"rss"' in line:
                return msgspec.json.decode(line, type=Census)


async def _quiet(server: Process) -> Census:
    """Wait until the server has let go of everybody, then count."""
    async with asyncio.timeout(90):
        while True:
            await asyncio.sleep(0.5)
            found = await _count(server)
            busy = (found.sessions, found.conversations, found.watchers, found.replay_bytes)
            if not any(busy) and sum(found.tasks.values()) <= 8:
                return found


class _Load:
    """One round: everybody who wants something of the server."""

    def __init__(self, url: str, folder: Path, done: Counter[str], seed: int, players: int) -> None:
        self._url = url
        self._port = int(url.rpartition(":")[2])
        self._folder = folder
        self._done = done
        self._seed = seed
        self._players = players
        self._dice = random.Random(seed)
        self._number = 0

    async def run(self, seconds: float) -> None:
        """Until the time is over and the last talk has come to its end."""
        stop = time.monotonic() + seconds
        async with Proxy(self._port, self._seed) as proxy:

            async def again(act: Callable[[], Awaitable[None]], pause: float) -> None:
                while time.monotonic() < stop:
                    await act()
                    await asyncio.sleep(pause)

            async def talk() -> None:
                await self._talk(proxy)

            async with asyncio.TaskGroup() as group:
                for _ in range(self._players):
                    group.create_task(again(talk, 0))
                for act, pause in (
                    (self._flood, 0.5),
                    (self._read_slowly, 0.2),
                    (self._dawdle, 0.5),
                    (self._storm, 3.0),
                    (self._reload, 1.0),
                    (self._scrape, 1.0),
                    (self._err, 0.3),
                ):
                    group.create_task(again(act, pause))
            for fate, count in proxy.fates.items():
                self._done[f"connections {fate}"] += count

    async def _talk(self, proxy: Proxy) -> None:
        self._number += 1
        player = ChaosPlayer(self._seed * 100_000 + self._number, lambda: proxy.port, 3, self._seed)
        async with asyncio.timeout(120):
            await player.play()
        check_lines([player], Counter(), 0)
        self._done["talks"] += 1
        self._done["lines"] += len(player.lines)
        self._done["resumes"] += player.resumes

    async def _flood(self) -> None:
        kind = self._dice.choice((PING, BINARY, CONTINUATION))
        async with await RawSocket.greeted(self._url) as raw:
            data = frame(kind, b"" if kind == PING else os.urandom(3), fin=kind != CONTINUATION)
            if kind == CONTINUATION:
                raw.write(frame(BINARY, b"x", fin=False))
            with contextlib.suppress(ConnectionError):
                for _ in range(20):
                    raw.write(data * 500)
                    await raw.writer.drain()
                await raw.rest()
        self._done["floods"] += 1

    async def _read_slowly(self) -> None:
        """Open, ask for much, and read nothing; then vanish."""
        async with await RawSocket.greeted(self._url) as raw:
            self._number += 1
            player = Player(f"slow{self._seed}-{self._number}", "Sloth")
            raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
            for message in (
                Open("c", ["mira"], player),
                State("c", 1, {"big": "word " * 4000}),
                Say("c", "1", f"What of #{self._seed}-slow{self._number}#?"),
            ):
                encoded = MSGPACK.encode(message)
                assert isinstance(encoded, bytes)
                raw.write(frame(BINARY, encoded))
            await asyncio.sleep(self._dice.random())
        self._done["slow readers"] += 1

    async def _dawdle(self) -> None:
        """Handshakes that are never finished."""
        crowd = [await RawSocket.connect(self._url) for _ in range(20)]
        for raw in crowd:
            raw.write(request("h")[: self._dice.randrange(200)])
        await asyncio.sleep(self._dice.random() * 1.5)
        for raw in crowd:
            raw.abort()
        self._done["unfinished handshakes"] += len(crowd)

    async def _storm(self) -> None:
        """Everybody comes at once, and again with the session they had."""

        async def come() -> None:
            client = await Client.connect(self._url, hello=Hello(client="storm"))
            client.socket.abort()
            again = await client.resume(self._url)
            again.socket.abort()

        await asyncio.gather(*(come() for _ in range(50)))
        self._done["storms"] += 1

    async def _reload(self) -> None:
        """A designer saves a file, now and then a broken one."""
        path = self._folder / "personas" / "mira.toml"
        text = path.read_text("utf-8").partition("\n# saved")[0]
        broken = "knowledge = [" if self._dice.random() < 0.2 else ""
        path.write_text(f"{text}\n# saved {self._dice.random()}\n{broken}", "utf-8")
        self._done["reloads"] += 1

    async def _scrape(self) -> None:
        def get() -> None:
            address = self._url.replace("ws://", "http://") + "/metrics"
            with urllib.request.urlopen(address, timeout=20) as answer:
                assert b"dialogue_sessions" in answer.read()

        await asyncio.to_thread(get)
        self._done["scrapes"] += 1

    async def _err(self) -> None:
        """What is refused must not stay either."""
        client = await Client.connect(self._url)
        for message in (Open("c", ["nobody"], Player("e", "E")), Say("none", "1", "x")):
            await client.send(message)
            await client.next()
        await client.leave()
        self._done["errors"] += 2


def leaks(soak: Soak) -> list[str]:
    """What grew with the load; nothing for a server that holds nothing."""
    first, last = soak.counts[SETTLING - 1], soak.counts[-1]
    turns = max(1, last.turns - first.turns)
    found = [
        f"{kind}: {before} -> {after} in {turns} turns"
        for kind, after in last.objects.items()
        if (before := first.objects.get(kind, 0)) + max(SLACK, PER_TURN * turns) < after
    ]
    for what in ("files", "sockets", "threads"):
        before, after = getattr(first, what), getattr(last, what)
        # The pool of connections to the model, and asyncio's threads, are bounded and come late.
        if after > before + 25:
            found.append(f"{what}: {before} -> {after}")
    if last.tasks != first.tasks:
        found.append(f"tasks: {first.tasks} -> {last.tasks}")
    if soak.complaints:
        found.append(f"the log complains: {soak.complaints}")
    middle = SETTLING - 1 + (len(soak.counts) - SETTLING) // 2
    early = statistics.median(each.rss for each in soak.counts[SETTLING - 1 : middle + 1])
    late = statistics.median(each.rss for each in soak.counts[middle + 1 :] or [last])
    if late - early > max(MEGABYTES * 1e6, SHARE * early):
        found.append(f"resident memory: {early / 1e6:.1f} MB -> {late / 1e6:.1f} MB")
    return found


def _line(soak: Soak, number: int) -> str:
    now = soak.counts[-1]
    return (
        f"round {number + 1}, {soak.seconds:.0f} s: {now.turns} turns, {now.rss / 1e6:.1f} MB, "
        f"{sum(now.objects.values())} objects, {sum(now.tasks.values())} tasks, {now.files} files, "
        f"{now.sockets} sockets, {now.threads} threads"
    )


def report(soak: Soak) -> str:
    """For people: what was done, the growth, the leaks."""
    first, last = soak.counts[min(SETTLING, len(soak.counts)) - 1], soak.counts[-1]
    grown = sorted(
        ((after - first.objects.get(kind, 0), kind) for kind, after in last.objects.items()),
        reverse=True,
    )
    lines = [
        f"{soak.seconds:.0f} s: " + ", ".join(f"{n} {what}" for what, n in soak.done.items()),
        f"resident memory at quiet moments, MB: "
        f"{', '.join(f'{each.rss / 1e6:.1f}' for each in soak.counts)}",
        f"Python objects: {', '.join(str(sum(c.objects.values())) for c in soak.counts)}",
        f"from round {SETTLING} on, {last.turns - first.turns} turns; types that grew most: "
        + (", ".join(f"{kind} +{more}" for more, kind in grown[:8] if more > 0) or "none"),
    ]
    found = leaks(soak)
    lines += [f"LEAK: {each}" for each in found] or ["nothing leaks"]
    return "\n".join(lines)


def _complaints(log: Path) -> str:
    text = log.read_text("utf-8")
    signs = ("server.failure", "Traceback", "never retrieved", "was destroyed", "never awaited",
             "ResourceWarning", "Exception ignored", "socket.send() raised")  # fmt: skip
    found = next((sign for sign in signs if sign in text), "")
    return text[max(0, text.index(found) - 300) :][:2000] if found else ""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run, report; 1 where something leaks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600.0, help="of load (3600)")
    parser.add_argument("--rounds", type=int, default=0, help="quiet moments (one each 2 minutes)")
    parser.add_argument("--players", type=int, default=30, help="talks at a time (30)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rounds = options.rounds or max(SETTLING + 2, round(options.seconds / 120))
    soak = asyncio.run(run(options.seconds, rounds, options.seed, options.players))
    print(report(soak))
    return 1 if leaks(soak) else 0


if __name__ == "__main__":
    sys.exit(main())
