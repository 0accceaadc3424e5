"""`python -m benchmarks.long_talk`: whether a long conversation gets slower.

One player asks an NPC of the starter world a hundred questions, over the real protocol, and the
embedded model answers. The figures are medians of eight turns around the first, the 25th, the
50th and the last: the time from the line to the first word, and the tokens of the prompt as the
model counted them.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import msgspec
from dialogue_protocol.client_connection import ClientConnection
from dialogue_protocol.messages import Open, Opened, Player, Say, ServerMessage, TurnEnd, Welcome

from dialogue_server.backends.weights import find
from dialogue_server.errors import DialogueError
from dialogue_server.instrumentation.logging import Log
from dialogue_server.server.app import App
from dialogue_server.server.client_socket import ClientSocket
from dialogue_server.settings import MEMORY, Settings

NPC = "tove"
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


async def talk(turns: int, world: Path) -> list[TurnEnd]:
    """The ends of all turns."""
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
        connection = ClientConnection("benchmark")
        socket = await ClientSocket.connect(app.url, timeout=30)
        frames = aiter(socket)

        async def until(kind: type[ServerMessage]) -> Any:
            while True:
                message = connection.receive(await anext(frames))
                if (ack := connection.take_ack()) is not None:
                    await socket.send(ack)
                if isinstance(message, kind):
                    return message

        await socket.send(connection.hello())
        await until(Welcome)
        for frame in connection.recover():
            await socket.send(frame)
        await socket.send(connection.send(Open("c", [NPC], Player("p"))))
        await until(Opened)
        ends: list[TurnEnd] = []
        for turn in range(turns):
            line = f"{QUESTIONS[turn % WINDOW]} I ask you for the {turn + 1}. time."
            await socket.send(connection.send(Say("c", str(turn), line)))
            ends.append(await until(TurnEnd))
        await socket.close()
        return ends
    finally:
        await app.stop()


def figures(ends: list[TurnEnd]) -> dict[str, Any]:
    """The medians around the first turn, a quarter, half and all of the way."""
    turns = len(ends)
    marks = sorted({1, turns // 4, turns // 2, turns} - {0})
    at = {}
    for mark in marks:
        start = min(max(0, mark - 1 - WINDOW // 2), max(0, turns - WINDOW))
        window = ends[start : start + WINDOW]
        at[mark] = {
            "first_token_ms": statistics.median(end.first_token_ms for end in window),
            "prompt_tokens": statistics.median(end.input_tokens for end in window),
            "cached_tokens": statistics.median(end.cached_tokens for end in window),
        }
    return {
        "turns": turns,
        "whole": sum(end.reason in ("complete", "length") for end in ends),
        "longest_prompt": max(end.input_tokens for end in ends),
        "at": at,
    }


def table(result: dict[str, Any]) -> str:
    """The figures for people."""
    marks = list(result["at"])
    lines = [
        f"a talk of {result['turns']} turns with the embedded model: {result['whole']} answered "
        f"whole in {result['seconds']:.0f} s, the longest prompt {result['longest_prompt']} tokens",
        f"  {'around turn':24}" + "".join(f"{mark:>8}" for mark in marks),
    ]
    for label, key in (
        ("first word after, ms", "first_token_ms"),
        ("tokens of the prompt", "prompt_tokens"),
        ("  of which cached", "cached_tokens"),
    ):
        lines.append(
            f"  {label:24}" + "".join(f"{result['at'][mark][key]:>8.0f}" for mark in marks)
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
        ends = asyncio.run(talk(options.turns, world))
    result = {**figures(ends), "seconds": time.perf_counter() - began}
    print(table(result))
    if options.json:
        Path(options.json).write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
