"""`python -m benchmarks.guards`: what guards cost, in processor time per token and in waiting.

Every sentence of the starter world's authored lines is an answer of three sentences, fed token by
token (a word with the space before it, about four characters) to the stream that a turn reads,
with and without guards. The prompt is the world's own. Nothing of sockets or a model is in it.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dialogue_protocol.messages import Player
from msgspec import structs

from dialogue_server.domain import language_detector
from dialogue_server.domain.assembly import assemble
from dialogue_server.domain.authored import plain
from dialogue_server.domain.guards.rules import Cast, Watch
from dialogue_server.domain.guards.settings import settled
from dialogue_server.domain.guards.stream import GuardedStream
from dialogue_server.domain.persona import Guards
from dialogue_server.domain.prompt import PromptInput
from dialogue_server.domain.stream import TextStream
from dialogue_server.domain.tags import Text
from dialogue_server.stores import content

STARTER = Path(content.__file__).parents[1] / "starter"
TOKEN = re.compile(r"\s*[^\s\w]|\s*\w{1,6}")
PHRASES = [f"word{n}" for n in range(60)]
ALL = Guards(
    character=True,
    prompt=True,
    player=True,
    repeats=True,
    language=True,
    forbidden=PHRASES,
    anachronisms=PHRASES[:30],
    max_sentences=6,
)
KINDS: dict[str, Guards | None] = {
    "no guards": None,
    "out of character": Guards(character=True),
    "90 forbidden words": Guards(forbidden=PHRASES, anachronisms=PHRASES[:30]),
    "parroting, repetition": Guards(prompt=True, repeats=True),
    "language": Guards(language=True),
    "all": ALL,
    'all, hold = "first"': structs.replace(ALL, hold="first"),
}


def answers(world: content.Content) -> list[list[str]]:
    """Answers of three authored lines, as tokens."""
    texts = [plain(line.text) for one in world.personas.values() for line in one.lines]
    joined = [" ".join(texts[at : at + 3]) for at in range(0, len(texts) - 2, 3)]
    return [TOKEN.findall(text) for text in joined]


def stream_of(world: content.Content, guards: Guards | None) -> Callable[[], Any]:
    persona = world.personas["wen"]
    if guards is None:
        return lambda: TextStream(persona)
    guarded = structs.replace(persona, guards=guards)
    given = PromptInput(world.world, guarded, Player("p", "Ann"), "How are you?", 4000)
    watch = Watch(
        settled(structs.replace(world.world, guards=Guards()), guarded),
        Cast("Wen", "Ann", "en"),
        parts=assemble(given, "standard").parts,
        said=[plain(line.text) for line in persona.lines[:8]],
        free=("How are you?",),
        detector=language_detector.load()[0],
    )
    return lambda: GuardedStream(lambda: TextStream(guarded), watch)


def measure(opened: Callable[[], Any], given: list[list[str]]) -> tuple[int, float, list[int]]:
    """(nanoseconds, tokens, the token that brought the first text, by answer)."""
    spent, tokens, firsts = 0, 0, []
    for answer in given:
        stream = opened()
        first = 0
        began = time.process_time_ns()
        for number, token in enumerate(answer, 1):
            pieces = stream.feed(token)
            if pieces and not first and type(pieces[0]) is Text:
                first = number
        stream.finish()
        spent += time.process_time_ns() - began
        tokens += len(answer)
        firsts.append(first or len(answer))
    return spent, tokens, firsts


def main(argv: list[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guards", description=__doc__)
    parser.add_argument("--repeat", type=int, default=20, help="repetitions (20)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args(argv)
    world = content.load(STARTER)
    given = answers(world)
    result: dict[str, dict[str, float]] = {}
    for kind, guards in KINDS.items():
        opened = stream_of(world, guards)
        measure(opened, given)
        runs = [measure(opened, given) for _ in range(options.repeat)]
        per_token = statistics.median(spent / tokens for spent, tokens, _ in runs) / 1000
        result[kind] = {
            "us_per_token": round(per_token, 2),
            "first_text_at_token": statistics.median(runs[0][2]),
        }
    base = result["no guards"]["us_per_token"]
    print("| guards | µs per token | more | first text with token |\n|---|---|---|---|")
    for kind, figures in result.items():
        more = figures["us_per_token"] - base
        first = figures["first_text_at_token"]
        print(f"| {kind} | {figures['us_per_token']:.2f} | {more:+.2f} | {first:.0f} |")
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
