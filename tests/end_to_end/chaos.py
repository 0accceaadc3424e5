"""Players talk to real servers through a bad network, while the servers are killed.

    python -m tests.end_to_end.chaos --conversations 200 --seed 1
    python -m tests.end_to_end.chaos --conversations 200 --seed 1 --servers 3

Upstream, servers and players are processes; between the last two are proxies that cut
(chaos_proxy.py). Several servers share a Redis; then servers and Redis stand still, too, and
Redis is killed (chaos_servers.py). At the end of it all every line has been answered once, each
player's text is what the model sent, or a marked part of it, and the store remembers the same.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from dialogue_protocol.messages import History, Transcript

from dialogue_server.domain.conversation import Archive
from tests.harness import Client
from tests.services.install_services import find
from tests.services.redis_server import RedisServer

from .chaos_player import ChaosPlayer, Line
from .chaos_servers import Servers
from .chaos_upstream import FALLBACK, answer_to
from .server_process import start_upstream


async def run(
    conversations: int,
    seed: int,
    *,
    turns: int,
    disasters: int,
    at_once: int,
    servers: int = 1,
    redis: RedisServer | None = None,
) -> str:
    """All of it; returns a report. Several `servers` share a `redis`. Raises AssertionError where
    a promise is broken."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dialogue-chaos-") as name:
        folder = Path(name)
        asked = folder / "asked"
        upstream, base_url = await start_upstream(asked)
        try:
            async with Servers(folder, base_url, seed, servers, redis) as there:
                players = await _play(there, conversations, seed, turns, disasters, at_once)
                await _compare_memories(there.all[-1].port, players)
                _check_store(await there.stop(), players)
            requests = Counter(asked.read_text(encoding="utf-8").split())
            check_lines(players, requests, disasters)
            return _report(players, there, requests, time.monotonic() - began)
        finally:
            upstream.kill()
            await upstream.wait()


async def _play(
    servers: Servers, conversations: int, seed: int, turns: int, disasters: int, at_once: int
) -> list[ChaosPlayer]:
    dice = random.Random(seed)
    gate = asyncio.Semaphore(at_once)

    def port() -> int:
        return dice.choice(servers.proxies).port

    players = [ChaosPlayer(n, port, turns, seed) for n in range(conversations)]
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
                    f"{player._connection.state}, {list(player._connection._outbox)}\n"
                    + "\n".join(player.seen)
                ) from None
            done += 1

    async def befall() -> None:
        """At even shares of the work, so that a slow machine sees as many."""
        for number in range(disasters):
            share = (number + dice.random()) / disasters
            while done < share * conversations * 0.9:
                await asyncio.sleep(0.02)
            await asyncio.sleep(dice.random())
            await servers.disaster()

    async with asyncio.TaskGroup() as group:
        group.create_task(befall())
        for player in players:
            group.create_task(play(player))
    servers.be_kind()
    return players


def check_lines(players: list[ChaosPlayer], requests: Counter[str], disasters: int) -> None:
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
                if answer.fate == "refused":  # told again after a loss, an interrupt cut it
                    whole = FALLBACK
                assert whole.startswith(shown), f"{key}: {shown!r} is not of {whole!r}"
            else:
                assert (reason, shown) == ("fallback", FALLBACK), f"{key}: {reason} {shown!r}"
                assert answer.fate == "refused", f"{key}: {line.end}"
    for marker, count in requests.items():
        regenerated = sum(line.marker == marker for p in players for line in p.lines.values())
        # A request is repeated only where the server died, or lost the conversation, before it
        # could store the answer.
        assert count <= regenerated * (1 + disasters), (
            f"{marker}: the model was asked {count} times"
        )
    lines = sum(len(p.lines) for p in players)
    extra = sum(requests.values()) - lines
    assert extra <= disasters * len(players), f"{extra} requests too many"


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


def _check_store(archives: list[Archive], players: list[ChaosPlayer]) -> None:
    """Nothing is kept twice, and nothing is missing."""
    for archive in archives:
        lines = Counter((node.line, node.kind) for node in archive.nodes if node.line)
        twice = [each for each, count in lines.items() if count > 1]
        assert not twice, f"{archive.key}: {twice} twice in\n" + "\n".join(map(str, archive.nodes))
    kept = sum(node.kind == "npc" for archive in archives for node in archive.nodes)
    assert kept == len(players) + sum(len(player.lines) for player in players)


def _report(
    players: list[ChaosPlayer], servers: Servers, requests: Counter[str], seconds: float
) -> str:
    lines = [line for player in players for line in player.lines.values()]
    reasons = Counter(str(line.end.reason) for line in lines if line.end is not None)
    fates = sum((Counter(proxy.fates) for proxy in servers.proxies), Counter())
    return (
        f"{len(players)} conversations, {len(lines)} lines, {len(servers.all)} server(s), "
        f"{seconds:.0f} s\n"
        f"disasters: {_list(servers.disasters)}\n"
        f"sockets: {sum(p.sockets for p in players)} ({_list(fates)}); "
        f"resumed {sum(p.resumes for p in players)}, "
        f"begun anew {sum(p.losses for p in players)}\n"
        f"ends: {_list(reasons)}; requests to the model: {sum(requests.values())}"
    )


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def main() -> int:
    """Run once, print the report; exit 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--turns", type=int, default=6, help="lines of each")
    parser.add_argument("--servers", type=int, default=1, help="several share a Redis")
    parser.add_argument("--disasters", type=int, default=12, help="kills, and whatever else")
    parser.add_argument("--at-once", type=int, default=40)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(2)))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with contextlib.ExitStack() as stack:
        redis = None
        if options.servers > 1:
            program = find("redis-server")
            if program is None:
                parser.error("--servers needs a Redis: `python tests/services/install_services.py`")
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dialogue-chaos-"))
            redis = RedisServer(program, Path(folder))
            stack.callback(redis.close)
            redis.start()
        report = run(
            options.conversations,
            options.seed,
            turns=options.turns,
            disasters=options.disasters,
            at_once=options.at_once,
            servers=options.servers,
            redis=redis,
        )
        print(asyncio.run(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
