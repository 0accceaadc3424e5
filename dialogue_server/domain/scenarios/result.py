"""What came of scenarios: transcripts, golden texts and their differences, JUnit, figures."""

from __future__ import annotations

import difflib
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from msgspec import Struct, to_builtins

from .checks import Did, Heard
from .scenario import Minimum, Planned, Scenario, Step

GOLDEN_HEAD = """\
# What the authored voice answers, word by word. Written by `dialogue-server test --update`;
# `dialogue-server test --backend scripted` fails where an answer differs.
"""
_TITLE = "== "


class Outcome(Struct, frozen=True):
    """One step and what came of it. `heard` is None where nobody answers such a step."""

    planned: Planned
    heard: Heard | None
    problems: tuple[str, ...]


class Result(Struct, frozen=True):
    """One conversation as it went, once. `problem` is one of the whole: it could not be opened,
    or differs from its golden text (`diff`)."""

    scenario: Scenario
    seed: int
    greeting: str
    outcomes: tuple[Outcome, ...]
    total_ms: int
    problem: str = ""
    diff: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.problem and not any(outcome.problems for outcome in self.outcomes)

    @property
    def lines(self) -> int:
        """How many steps were judged: those that somebody may answer."""
        return max(1, sum(outcome.heard is not None for outcome in self.outcomes))

    @property
    def lines_passed(self) -> int:
        """How many of them were as expected; none where the whole was not."""
        if self.problem:
            return 0
        return self.lines - sum(bool(outcome.problems) for outcome in self.outcomes)


def share(results: Iterable[Result]) -> float:
    """The share of the lines that are as expected, in per cent."""
    kept = tuple(results)
    lines = sum(result.lines for result in kept)
    return 100 * sum(result.lines_passed for result in kept) / lines if lines else 100.0


def bound(minimum: Minimum, backend: str, given: float | None = None) -> float:
    """The share that is needed: as given, else as the file says for this voice."""
    if given is not None:
        return given
    return minimum.scripted if backend.startswith("scripted") else minimum.model


# ---------------------------------------------------------------- transcripts


def did_line(step: Step) -> str:
    """A step as a line of a transcript."""
    match step.verb:
        case "say":
            return f"> {step.say}" + (f"  (to {step.to})" if step.to else "")
        case "state":
            return f"~ state {json.dumps(step.state, ensure_ascii=False)}"
        case "event":
            return f"~ event {step.event}"
        case "script":
            return f"~ script {step.npc or 'player'}: {step.script}"
        case "result":
            word = "done" if step.accepted else "refused"
            return f"~ {step.result} {word}" + (f": {step.text}" if step.text else "")
        case "save" | "load" as verb:
            return f"~ {verb} {getattr(step, verb)}"
        case verb:
            return f"~ {verb}"


def heard_line(heard: Heard) -> str:
    """An answer as a line of a transcript, moods and actions where they happened."""
    if heard.silent:
        return f"! {heard.problem}" if heard.problem else "- nobody answers"
    parts, at = [], 0
    for did, later in itertools.zip_longest(heard.did, heard.did[1:]):
        if later is not None and did.kind == later.kind == "mood" and did.offset == later.offset:
            continue  # no word was said in that mood
        parts += [heard.text[at : did.offset].strip(), _shown(did)]
        at = did.offset
    parts.append(heard.text[at:].strip())
    return f"{heard.npc}: {' '.join(filter(None, parts))}"


def _shown(did: Did) -> str:
    args = "".join(f" {key}={value}" for key, value in did.args.items() if did.kind == "action")
    return {"mood": f"({did.name})", "action": f"*{did.name}{args}*"}.get(did.kind, "")


def transcript(result: Result) -> list[str]:
    """A conversation as lines of text; a line break within one is shown as one more line."""
    lines = [f"{result.scenario.npcs[0]}: {result.greeting}"] if result.greeting else []
    return _split([*lines, *(line for each in result.outcomes for line in _said(each))])


def excerpt(result: Result, around: int = 2) -> list[str]:
    """The steps that went wrong, with what was expected below them, and so many before and after;
    all of the conversation if it is of the whole that something is wrong."""
    wrong = [at for at, outcome in enumerate(result.outcomes) if outcome.problems]
    near = {at + step for at in wrong for step in range(-around, around + 1)}
    lines: list[str] = []
    for at, outcome in enumerate(result.outcomes):
        if wrong and at not in near:
            lines += ["..."] if lines[-1:] != ["..."] else []
            continue
        lines += _said(outcome)
        lines += [f"^ line {outcome.planned.line}: {problem}" for problem in outcome.problems]
    return _split(lines)


def _said(outcome: Outcome) -> Iterator[str]:
    yield did_line(outcome.planned.step)
    if outcome.heard is not None:
        yield heard_line(outcome.heard)
        yield from (f"* trigger {name}" for name in outcome.heard.triggers)


def _split(lines: Iterable[str]) -> list[str]:
    return [part for line in lines for part in line.replace("\n", "\n    ").split("\n")]


# ---------------------------------------------------------------- golden texts


def golden_text(results: Sequence[Result]) -> str:
    """The file that keeps what was said."""
    parts = (f"{_TITLE}{_one_line(r.scenario.name)}\n" + _block(transcript(r)) for r in results)
    return GOLDEN_HEAD + "\n" + "\n".join(parts)


def read_golden(text: str) -> dict[str, list[str]]:
    """The transcripts of a file, by the scenario's name."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(_TITLE):
            lines = found.setdefault(line.removeprefix(_TITLE), [])
        elif not line.startswith("#"):
            lines.append(line)
    return {name: _trimmed(kept) for name, kept in found.items()}


def golden_difference(result: Result, golden: Mapping[str, list[str]]) -> tuple[str, ...]:
    """A unified diff of what was said and what the golden text keeps; nothing if they are equal,
    or if it does not know the scenario."""
    kept = golden.get(_one_line(result.scenario.name))
    now = [line.rstrip() for line in transcript(result)]
    if kept is None or kept == now:
        return ()
    return tuple(difflib.unified_diff(kept, now, "golden", "now", lineterm="", n=2))


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _block(lines: Iterable[str]) -> str:
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())


# ---------------------------------------------------------------- for machines


def title(result: Result, seeds: int) -> str:
    """The test's name in reports."""
    return result.scenario.name + (f" [seed {result.seed}]" if seeds > 1 else "")


def failure_lines(result: Result) -> Iterator[str]:
    """What was not as expected, with file and line."""
    if result.problem:
        yield f"{result.scenario.file}:{result.scenario.line}: {result.problem}"
    for outcome in result.outcomes:
        for problem in outcome.problems:
            yield f"{result.scenario.file}:{outcome.planned.line}: {problem}"


def as_data(results: Sequence[Result], backend: str, passed: bool) -> dict[str, Any]:
    """Everything, as what JSON can hold."""
    return {
        "version": 1,
        "backend": backend,
        "passed": passed,
        "share": round(share(results), 2),
        "lines": sum(result.lines for result in results),
        "lines_passed": sum(result.lines_passed for result in results),
        "conversations": [
            {
                "file": result.scenario.file,
                "line": result.scenario.line,
                "name": result.scenario.name,
                "seed": result.seed,
                "passed": result.passed,
                "problem": result.problem,
                "diff": list(result.diff),
                "greeting": result.greeting,
                "total_ms": result.total_ms,
                "steps": [
                    {
                        "line": outcome.planned.line,
                        "did": did_line(outcome.planned.step),
                        "heard": to_builtins(outcome.heard),
                        "problems": list(outcome.problems),
                    }
                    for outcome in result.outcomes
                ],
            }
            for result in results
        ],
    }


def junit(results: Sequence[Result], backend: str, seeds: int) -> str:
    """JUnit's XML as continuous integration reads it: a suite a file, a case a conversation."""
    root = ElementTree.Element("testsuites", name=f"dialogue, {backend}")
    for file in dict.fromkeys(result.scenario.file for result in results):
        own = [result for result in results if result.scenario.file == file]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=xml_text(file),
            tests=str(len(own)),
            failures=str(sum(not result.passed for result in own)),
            time=f"{sum(result.total_ms for result in own) / 1000:.3f}",
        )
        for result in own:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=xml_text(file),
                name=xml_text(title(result, seeds)),
                file=xml_text(file),
                line=str(result.scenario.line),
                time=f"{result.total_ms / 1000:.3f}",
            )
            if not result.passed:
                first, *_ = failures = list(failure_lines(result))
                failure = ElementTree.SubElement(case, "failure", message=xml_text(first))
                failure.text = xml_text(
                    "\n".join([*failures, "", *(result.diff or transcript(result))])
                )
            ElementTree.SubElement(case, "system-out").text = xml_text(
                "\n".join(transcript(result))
            )
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """A text without what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
