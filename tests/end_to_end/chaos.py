"""Players talk to a real server through a bad network, while the server is killed.

    python -m tests.end_to_end.chaos --conversations 200 --seed 1

Upstream, server and players are processes; between the last two is a proxy that cuts
(chaos_proxy.py). At the end of it all every line has been answered once, each player's text is
what the model sent, or a marked part of it, and the store remembers the same.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from dialogue_protocol.messages import History, Transcript

from tests.harness import Client

from .chaos_player import ChaosPlayer, Line
from .chaos_proxy import Proxy
from .chaos_upstream import FALLBACK, answer_to
from .server_process import ServerProcess, make_world, start_upstream


async def run(conversations: int, seed: int, *, turns: int, kills: int, at_once: int) -> str:
    """All of it; returns a report. Raises AssertionError where a promise is broken."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dialogue-chaos-") as name:
        folder = Path(name)
        make_world(folder)
        asked = folder / "asked"
        upstream, base_url = await start_upstream(asked)
        server = ServerProcess(folder, base_url, "--limits-replay-bytes", "6000")
        try:
            await server.start()
            async with Proxy(server.port, seed) as proxy:
                players = await _play(server, proxy, conversations, seed, turns, kills, at_once)
            await _compare_memories(server.port, players)
            assert await server.stop() == 0
            assert not server.complaints(), server.complaints()
            requests = Counter(asked.read_text(encoding="utf-8").split())
            _check_store(folder / "dialogue.db", players)
            check_lines(players, requests, server.kills)
            return _report(players, proxy, server, requests, time.monotonic() - began)
        finally:
            await server.kill()
            upstream.kill()
            await upstream.wait()


async def _play(
    server: ServerProcess,
    proxy: Proxy,
    conversations: int,
    seed: int,
    turns: int,
    kills: int,
    at_once: int,
) -> list[ChaosPlayer]:
    dice = random.Random(seed)
    gate = asyncio.Semaphore(at_once)
    players = [ChaosPlayer(n, lambda: proxy.port, turns, seed) for n in range(conversations)]
    done = 0

    async def play(player: ChaosPlayer) -> None:
        nonlocal done
        async with gate:
            try:
                async with asyncio.timeout(120):
                    await player.play()
            except TimeoutError:
                raise AssertionError(
                    f"player {player.number} waits for ever: {list(player.lines.items())[-1:]}, "
                    f"{player._connection.state}, {list(player._connection._outbox)}"
                ) from None
            done += 1

    async def murder() -> None:
        """Kill at even shares of the work, so that a slow machine sees as many."""
        for number in range(kills):
            share = (number + dice.random()) / kills
            while done < share * conversations * 0.9:
                await asyncio.sleep(0.02)
            await asyncio.sleep(dice.random())
            await server.kill()
            await asyncio.sleep(dice.choice((0, 0.2)))
            await server.start()

    async with asyncio.TaskGroup() as group:
        group.create_task(murder())
        for player in players:
            group.create_task(play(player))
    proxy.kind = True
    return players


def check_lines(players: list[ChaosPlayer], requests: Counter[str], kills: int) -> None:
    """Each line was answered once, by what the model said or a marked part of it."""
    for player in players:
        for key, line in player.lines.items():
            assert line.end is not None, f"{key}: no end"
            answer, shown, reason = answer_to(line.marker), line.shown, line.end.reason
            whole = answer.text
            if reason == "complete":
                assert shown == whole, f"{key}: {shown!r} instead of {whole!r}"
                moods = [cue.name for cue in line.cues if cue.kind == "mood"]
                own = [answer.mood] if answer.mood else []
                # A mood fades line by line; what is left of it is told before the next answer.
                assert moods in (own, moods[:1] + own), f"{key}: {moods}"
            elif reason in ("truncated", "interrupted"):
                assert whole.startswith(shown), f"{key}: {shown!r} is not of {whole!r}"
            else:
                assert (reason, shown) == ("fallback", FALLBACK), f"{key}: {reason} {shown!r}"
                assert answer.fate == "refused", f"{key}: {line.end}"
    for marker, count in requests.items():
        regenerated = sum(line.marker == marker for p in players for line in p.lines.values())
        # A request is repeated only where the server died before it could store the answer.
        assert count <= regenerated * (1 + kills), f"{marker}: the model was asked {count} times"
    lines = sum(len(p.lines) for p in players)
    extra = sum(requests.values()) - lines
    assert extra <= kills * len(players), f"{extra} requests too many"


async def _compare_memories(port: int, players: list[ChaosPlayer]) -> None:
    """What the player saw is what the NPC remembers."""
    from dialogue_protocol.messages import Open, Opened

    for player in players:
        client = await Client.connect(f"ws://127.0.0.1:{port}")
        await client.send(Open("c", ["mira"], player.player))
        await client.expect(Opened)
        await client.send(History("c", 1000))
        told = (await client.expect(Transcript)).lines
        await client.leave()
        assert told[0].text == "Mind the step."
        asked, answered = told[1::2], told[2::2]
        assert [line.text for line in asked] == [f"What of {line.marker}?" for line in player.path]
        for seen, kept in zip(player.path, answered, strict=True):
            _same(player, seen, kept.id, kept.text)


def _same(player: ChaosPlayer, seen: Line, turn: str, text: str) -> None:
    about = f"player {player.number}, {seen.marker}"
    assert turn == seen.turn, f"{about}: another turn"
    if seen.seen is None:
        assert text == seen.shown, f"{about}: {text!r} kept, {seen.shown!r} seen"
    else:  # an interrupt that came late, or was lost with its session
        assert seen.text.startswith(text), f"{about}: {text!r} kept, {seen.text!r} sent"
        assert text in (seen.shown, seen.text[: seen.seen]), about


def _check_store(path: Path, players: list[ChaosPlayer]) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        twice = db.execute(
            "SELECT player, line, kind, count(*) FROM nodes WHERE line <> '' "
            "GROUP BY player, line, kind HAVING count(*) > 1"
        ).fetchall()
        assert not twice, twice
        (kept,) = db.execute("SELECT count(*) FROM nodes WHERE kind = 'npc'").fetchone()
        assert kept == len(players) + sum(len(player.lines) for player in players)


def _report(
    players: list[ChaosPlayer],
    proxy: Proxy,
    server: ServerProcess,
    requests: Counter[str],
    seconds: float,
) -> str:
    lines = [line for player in players for line in player.lines.values()]
    reasons = Counter(str(line.end.reason) for line in lines if line.end is not None)
    return (
        f"{len(players)} conversations, {len(lines)} lines, {server.kills} kills, {seconds:.0f} s\n"
        f"sockets: {sum(p.sockets for p in players)} "
        f"({', '.join(f'{count} {fate}' for fate, count in proxy.fates.items())}); "
        f"resumed {sum(p.resumes for p in players)}, "
        f"begun anew {sum(p.losses for p in players)}\n"
        f"ends: {', '.join(f'{count} {reason}' for reason, count in reasons.most_common())}; "
        f"requests to the model: {sum(requests.values())}"
    )


def main() -> int:
    """Run once, print the report; exit 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--turns", type=int, default=6, help="lines of each")
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--at-once", type=int, default=40)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(2)))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    report = run(
        options.conversations,
        options.seed,
        turns=options.turns,
        kills=options.kills,
        at_once=options.at_once,
    )
    print(asyncio.run(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
