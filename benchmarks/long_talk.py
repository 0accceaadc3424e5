"""`python -m benchmarks.long_talk`: whether a long conversation gets slower.

One player asks an NPC of the starter world a hundred questions, over the real protocol, and the
embedded model answers. Around the first turn, the 25th, the 50th and the last, each question is
asked in a second conversation too, which is set back to its beginning every time: so a machine
that is busy slows both. The figures are medians of eight turns: the time from the line to the
first word, and the tokens of the prompt as the model counted them.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import msgspec
from dialogue_protocol.client_connection import ClientConnection
from dialogue_protocol.messages import (
    ClientMessage,
    Load,
    Open,
    Opened,
    Player,
    Save,
    Saved,
    Say,
    ServerMessage,
    TurnEnd,
    Welcome,
)

from dialogue_server.backends.weights import find
from dialogue_server.errors import DialogueError
from dialogue_server.instrumentation.logging import Log
from dialogue_server.server.app import App
from dialogue_server.server.client_socket import ClientSocket
from dialogue_server.settings import MEMORY, Settings

NPC = "tove"
LONG, SHORT = "long", "short"
# Each calls up a fact, so that the model is asked and not an authored line spoken.
QUESTIONS = (
    "How can I help with the lamp?",
    "What does a kettle cost?",
    "So who broke it?",
    "What happened to your hand?",
    "Why don't you walk there yourself?",
    "Do you mend pots for Pell?",
    "Can I leave the village by the causeway?",
    "What do I pay for a cup?",
)
WINDOW = len(QUESTIONS)
"""Turns of which a figure is the median: each question once."""


def marks(turns: int) -> dict[int, range]:
    """The turns that are measured (from 0), by the turn around which they are (from 1)."""
    found = {}
    for mark in sorted({1, turns // 4, turns // 2, turns} - {0}):
        start = min(max(0, mark - 1 - WINDOW // 2), max(0, turns - WINDOW))
        found[mark] = range(start, min(start + WINDOW, turns))
    return found


class _Player:
    """One session with two conversations."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = ClientConnection("benchmark")

    async def start(self) -> None:
        self._socket = await ClientSocket.connect(self._url, timeout=30)
        self._frames = aiter(self._socket)
        await self._socket.send(self._connection.hello())
        await self._until(Welcome)
        for frame in self._connection.recover():
            await self._socket.send(frame)
        for name in (LONG, SHORT):
            await self._ask(Open(name, [NPC], Player("p")), Opened)
        self._beginning: str = (await self._ask(Save(SHORT), Saved)).checkpoint

    async def say(self, turn: int) -> TurnEnd:
        """The next line of the long talk."""
        end: TurnEnd = await self._ask(Say(LONG, f"long {turn}", _line(turn)), TurnEnd)
        return end

    async def say_first(self, turn: int) -> TurnEnd:
        """The same line, as the first of a talk."""
        await self._ask(Load(SHORT, self._beginning), Opened)
        end: TurnEnd = await self._ask(Say(SHORT, f"short {turn}", _line(turn)), TurnEnd)
        return end

    async def leave(self) -> None:
        await self._socket.close()

    async def _ask(self, message: ClientMessage, kind: type[ServerMessage]) -> Any:
        await self._socket.send(self._connection.send(message))
        return await self._until(kind)

    async def _until(self, kind: type[ServerMessage]) -> Any:
        while True:
            message = self._connection.receive(await anext(self._frames))
            if (ack := self._connection.take_ack()) is not None:
                await self._socket.send(ack)
            if isinstance(message, kind):
                return message


def _line(turn: int) -> str:
    return f"{QUESTIONS[turn % WINDOW]} I ask you for the {turn + 1}. time."


async def talk(turns: int, world: Path) -> tuple[list[TurnEnd], dict[int, TurnEnd]]:
    """The ends of all turns, and of those that were the first of a talk, by turn."""
    given = {
        "server": {"port": 0},
        "content": {"folder": str(world), "watch": "off"},
        "model": {"backend": "local"},
        "store": {"path": MEMORY},
        "limits": {"lines_per_minute": 0, "messages_per_second": 0},
    }
    app = App(msgspec.convert(given, Settings), Log("console", "error"))
    await app.start()
    try:
        player = _Player(app.url)
        await player.start()
        measured = {turn for window in marks(turns).values() for turn in window}
        ends: list[TurnEnd] = []
        first: dict[int, TurnEnd] = {}
        for turn in range(turns):
            if turn in measured:
                first[turn] = await player.say_first(turn)
            ends.append(await player.say(turn))
        await player.leave()
        return ends, first
    finally:
        await app.stop()


def figures(ends: list[TurnEnd], first: dict[int, TurnEnd]) -> dict[str, Any]:
    """The medians around the first turn, a quarter, half and all of the way."""

    def median(name: str, turns: Sequence[TurnEnd]) -> float:
        return statistics.median(getattr(end, name) for end in turns)

    at = {}
    for mark, window in marks(len(ends)).items():
        long, short = [ends[turn] for turn in window], [first[turn] for turn in window]
        at[mark] = {
            "first_token_ms": median("first_token_ms", long),
            "new_talk_first_token_ms": median("first_token_ms", short),
            "prompt_tokens": median("input_tokens", long),
            "read_tokens": statistics.median(e.input_tokens - e.cached_tokens for e in long),
        }
    return {
        "turns": len(ends),
        "whole": sum(end.reason in ("complete", "length") for end in ends),
        "longest_prompt": max(end.input_tokens for end in ends),
        "at": at,
    }


def table(result: dict[str, Any]) -> str:
    """The figures for people."""
    around = list(result["at"])
    lines = [
        f"a talk of {result['turns']} turns with the embedded model: {result['whole']} answered "
        f"whole in {result['seconds']:.0f} s, the longest prompt {result['longest_prompt']} tokens",
        f"  {'around turn':24}" + "".join(f"{mark:>8}" for mark in around),
    ]
    for label, key in (
        ("first word after, ms", "first_token_ms"),
        ("  in a new talk, ms", "new_talk_first_token_ms"),
        ("tokens of the prompt", "prompt_tokens"),
        ("  of which not cached", "read_tokens"),
    ):
        lines.append(
            f"  {label:24}" + "".join(f"{result['at'][mark][key]:>8.0f}" for mark in around)
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and write the JSON where asked. Without the embedded model it says so."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_talk")
    parser.add_argument("--turns", type=int, default=100, help="turns of the talk (100)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args(argv)
    try:
        find()
    except DialogueError as error:
        print(f"Left out: {error.detail}", file=sys.stderr)
        return 0
    began = time.perf_counter()
    with as_file(files("dialogue_server") / "starter") as world:
        ends, first = asyncio.run(talk(options.turns, world))
    result = {**figures(ends, first), "seconds": time.perf_counter() - began}
    print(table(result))
    if options.json:
        Path(options.json).write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
