"""How much of what was said long ago reaches the prompt: `python -m benchmarks.memory`.

Facts are planted in a dialogue of 200 turns, among small talk; then each is asked about in other
words. Counted is the share of them whose words stand in the assembled prompt, at three budgets,
with memory and without (plain truncation: the newest lines that fit). No model takes part: what a
model would sum up in the background comes on top.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from dialogue_protocol.messages import Player
from msgspec.structs import replace

from dialogue_server.domain.conversation import Node
from dialogue_server.domain.memory.past import Past, Rememberer
from dialogue_server.domain.memory.recall import recall
from dialogue_server.domain.persona import Example, Fact, MemoryRules, Persona, World
from dialogue_server.domain.prompt import PromptInput
from dialogue_server.domain.standard_layout import build


class Planted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fact: ways to tell it, ways to ask for it, what may stand for {}."""

    told: tuple[str, ...]
    asked: tuple[str, ...]
    values: tuple[str, ...]
    by: Literal["player", "npc"] = "player"


class Talk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """memory_talk.toml: the facts, and the talk around them."""

    tuned: tuple[Planted, ...]
    small_talk: tuple[str, ...]
    replies: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    places: tuple[str, ...]
    held_out: tuple[Planted, ...] = ()


TALK = msgspec.convert(
    tomllib.loads(Path(__file__).with_name("memory_talk.toml").read_text(encoding="utf-8")), Talk
)
BUDGETS = (1000, 2000, 4000)
TURNS = 200
NPC = "mira"
PLAYER = Player("ann", "Ann")
NEWEST_PLANT = 0.85
"""Nothing is planted in the last lines: those are in any prompt."""

WORLD = World(
    name="Ashford",
    description="A village by a river, with a mill, a chapel and one inn. The road to the coast "
    "is bad, the lord is far away, and everybody knows everybody.",
)
MIRA = Persona(
    id=NPC,
    name="Mira",
    description="Keeps the only inn of Ashford. Forty, widowed, hard to impress.",
    personality="Dry, fair, curious about strangers and careful not to show it.",
    speech_style="Short sentences. Says the important thing last.",
    knowledge=[Fact("The mill has stood still since the storm."), Fact("A bed is four pence.")],
    examples=[Example("Anything to eat?", "Stew. It was good yesterday.")],
)


class Question(msgspec.Struct, frozen=True):
    """A line to ask, and what its prompt must hold."""

    line: str
    wanted: str


def dialogue(
    planted: Sequence[Planted], seed: int, turns: int = TURNS
) -> tuple[tuple[Node, ...], list[Question]]:
    """A talk with every fact planted once, and a question for each. The same seed, the same."""
    dice = random.Random(seed)
    places = dice.sample(range(2, int(turns * NEWEST_PLANT)), len(planted))
    plan = dict(zip(places, planted, strict=True))
    nodes: list[Node] = []
    questions = []

    def add(kind: str, text: str) -> None:
        parent = nodes[-1].id if nodes else ""
        speaker = PLAYER.name if kind == "player" else NPC
        node = Node(f"n{len(nodes)}", parent, kind, speaker, text, float(len(nodes)))  # type: ignore[arg-type]
        nodes.append(msgspec.structs.replace(node, meta={"heard": [NPC]}))

    def filled(texts: Sequence[str]) -> str:
        return dice.choice(texts).replace("{}", dice.choice(TALK.places))

    for turn in range(turns):
        fact = plan.get(turn)
        says = filled(TALK.small_talk)
        answers = filled(TALK.replies)
        if fact is not None:
            value = dice.choice(fact.values)
            told = dice.choice(fact.told).replace("{}", value)
            told = told[0].upper() + told[1:]
            told = dice.choice(TALK.before) + told + dice.choice(TALK.after)
            questions.append(Question(dice.choice(fact.asked), value))
            if fact.by == "player":
                says = told
            else:
                answers = told
        add("player", says)
        add("npc", answers)
    return tuple(nodes), questions


def holds(text: str, wanted: str) -> bool:
    """Whether a text has these words."""
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text, re.I) is not None


def found(
    nodes: tuple[Node, ...], questions: Sequence[Question], budget: int, share: float
) -> list[bool]:
    """For each question, whether the prompt holds what it asks for."""
    world = replace(WORLD, memory_rules=MemoryRules(share=share))
    asked = PromptInput(world, MIRA, PLAYER, "", budget, history=nodes)
    result = []
    for question in questions:
        prompt = build(replace(asked, text=question.line))
        assert prompt.tokens <= budget
        text = "\n".join(message.content for message in prompt.messages)
        result.append(holds(text, question.wanted))
    return result


def shares(planted: Sequence[Planted], seeds: Sequence[int]) -> dict[str, dict[str, float]]:
    """The share of facts found, by budget, with memory and by plain truncation."""
    figures: dict[str, dict[str, float]] = {}
    talks = [dialogue(planted, seed) for seed in seeds]
    for budget in BUDGETS:
        figures[str(budget)] = {
            name: statistics.fmean(
                hit for nodes, questions in talks for hit in found(nodes, questions, budget, share)
            )
            for name, share in (("memory", MemoryRules().share), ("truncation", 0.0))
        }
    return figures


def tuned_sets() -> list[tuple[Planted, ...]]:
    """The tuned facts, as many to a dialogue as there are held-out ones."""
    size = len(TALK.held_out)
    return [TALK.tuned[at : at + size] for at in range(0, len(TALK.tuned), size)]


def mean(all_figures: Sequence[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """The mean of several `shares`."""
    first = all_figures[0]
    return {
        budget: {name: statistics.fmean(each[budget][name] for each in all_figures) for name in row}
        for budget, row in first.items()
    }


def missed(
    planted: Sequence[Planted], seeds: Sequence[int], budget: int
) -> list[tuple[str, str, str]]:
    """(the question, what was wanted, the line that told it) of everything not found."""
    result = []
    for seed in seeds:
        nodes, questions = dialogue(planted, seed)
        hits = found(nodes, questions, budget, MemoryRules().share)
        for question, hit in zip(questions, hits, strict=True):
            if not hit:
                told = next(n.text for n in nodes if holds(n.text, question.wanted))
                result.append((question.line, question.wanted, told))
    return result


def cost(lines: int = 1000, repeat: int = 50) -> dict[str, float]:
    """Milliseconds of CPU to recall out of so many lines: the first time, and on each further
    turn."""
    nodes, questions = dialogue(TALK.tuned, 99, lines // 2)
    nodes = tuple(replace(node, text=f"{node.text} ({at})") for at, node in enumerate(nodes))
    who, times = Rememberer(NPC, PLAYER.name), []
    for at in range(repeat + 1):
        began = time.process_time()
        recall(who, Past(), nodes, questions[at % len(questions)].line, start=lines - 20, room=500)
        times.append(1000 * (time.process_time() - began))
    return {"lines": lines, "first_ms": times[0], "median_ms": statistics.median(times[1:])}


def table(figures: dict[str, dict[str, dict[str, float]]], timing: dict[str, float]) -> str:
    """The figures for people."""
    lines = [
        f"share of planted facts in the prompt, {TURNS} turns, no model:",
        f"  {'':20}{'budget':>8}{'memory':>10}{'truncation':>12}",
    ]
    for name, by_budget in figures.items():
        for budget, row in by_budget.items():
            lines.append(f"  {name:20}{budget:>8}{row['memory']:>10.1%}{row['truncation']:>12.1%}")
    lines.append(
        f"recall out of {timing['lines']:.0f} lines: {timing['median_ms']:.1f} ms of CPU, at first "
        f"{timing['first_ms']:.1f} ms"
    )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and write the JSON where asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory",
        description="Plant facts in long dialogues and ask about them. Takes about a minute.",
    )
    parser.add_argument("--seeds", type=int, default=10, help="dialogues of each set (10)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE")
    parser.add_argument(
        "--missed", action="store_true", help="list what was missed of the tuned facts"
    )
    options = parser.parse_args(argv)
    seeds = range(1, options.seeds + 1)
    if options.missed:
        for planted in tuned_sets():
            for line, wanted, told in missed(planted, seeds, 2000):
                print(f"{line}\n    {wanted!r} was told by: {told}")
        return 0
    few, many = len(TALK.held_out), 2 * len(TALK.held_out)
    figures = {
        f"tuned, {few} facts": mean([shares(each, seeds) for each in tuned_sets()]),
        f"held out, {few} facts": shares(TALK.held_out, seeds),
        f"both, {many} facts": shares(TALK.held_out + TALK.tuned[:few], seeds),
    }
    timing = cost()
    print(table(figures, timing))
    if options.json:
        result = {"shares": figures, "cost": timing}
        Path(options.json).write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
