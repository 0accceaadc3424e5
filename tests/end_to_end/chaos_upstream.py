"""A model API whose answer follows from the player's line, as a process.

    python -m tests.end_to_end.chaos_upstream --log FILE

prints its address; each request adds the line's number to FILE. A line holds a marker such as
`#12-3#`; `answer_to` says what the model answers to it, on both sides of the network.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.fakes.upstream import FakeUpstream, Pause, Reset, Script
from tests.fakes.upstream_cases import DONE, delta, error, finish, open_stream, refusal, stream

WORDS = [
    "the",
    "mine",
    "is",
    "flooded",
    "and",
    "nobody",
    "dares",
    "é漢字",
    "👩\u200d👩\u200d👧\u200d👦",
    "lamp",
    "river",
    "Grüße",
    "down",
    "there",
    "today",
]
FALLBACK = "Give me a moment, the kettle calls."
MARKER = re.compile(r"#[\w-]+#")


class Answer(Struct, frozen=True):
    """What the model says to a line. `fate`: well, cut (it breaks off), refused (never begins)."""

    chunks: tuple[str, ...]
    mood: str
    fate: str
    pause: float

    @property
    def text(self) -> str:
        return "".join(self.chunks)


def answer_to(marker: str) -> Answer:
    """The one answer to a line with this marker."""
    dice = random.Random(marker)
    count = dice.choice((3, 12, 30, 60))
    words = [f"{dice.choice(WORDS)} " for _ in range(count)]
    return Answer(
        chunks=(f"{marker} ", *words, "so it is."),
        mood=dice.choice(("", "calm", "wary")),
        fate=dice.choices(("well", "cut", "refused"), (88, 8, 4))[0],
        pause=dice.choice((0.0, 0.005, 0.02)),
    )


def script(marker: str) -> Script:
    answer = answer_to(marker)
    if answer.fate == "refused":
        return refusal("402 Payment Required", error("no"))
    texts = list(answer.chunks)
    if answer.mood:
        texts.insert(0, f"[mood: {answer.mood}]")
    steps = [step for text in texts for step in (delta(text), Pause(answer.pause))]
    if answer.fate == "cut":
        return open_stream(*steps[: max(4, len(steps) // 2)], Pause(0.05), Reset())
    return stream(*steps, finish(), DONE)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    log: Path = arguments.log

    def chosen(_model: str, body: dict[str, Any], _before: int) -> Script:
        markers = MARKER.findall(body["messages"][-1]["content"])
        if body.get("max_tokens") == 1 or not markers:  # a warm-up
            return stream(delta("."), finish("length"), DONE)
        with log.open("a", encoding="utf-8") as lines:
            lines.write(f"{markers[-1]}\n")
        return script(markers[-1])

    async def serve() -> None:
        async with FakeUpstream(chosen, arguments.port, arguments.host) as upstream:
            print(upstream.base_url, flush=True)
            await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
