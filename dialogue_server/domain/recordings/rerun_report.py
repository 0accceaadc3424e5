"""What came of a re-run, for eyes in a terminal and for continuous integration."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from xml.etree import ElementTree

from ..scenarios.result import xml_text
from .recording import Asked, Recording
from .rerun import ANSWER, Compared, Row, Said, counts, failures, lacking, rows

HEADERS = ("npc", "answers", "changed", "text", "moods", "actions", "prompt", "alike", "first word")
_NAMED = 3
"""Conversations without their past that are named."""
_LONGEST = 40
"""Lines of a prompt's difference that are shown at most."""


def table(compared: Sequence[Compared]) -> list[tuple[str, ...]]:
    """A row an NPC under HEADERS, the most changed first."""
    return [_cells(row) for row in rows(compared)]


def _cells(row: Row) -> tuple[str, ...]:
    changed = row.changed
    numbers = (changed[name] for name in ("answers", "text", "moods", "actions", "prompt"))
    return (
        row.npc or "(nobody)",
        str(row.answers),
        *(str(number) if number else "·" for number in numbers),
        f"{100 * row.likeness:.0f} %",
        first_words(row.first_before, row.first_now),
    )


def first_words(before: int, now: int) -> str:
    """Two times to the first word, in milliseconds; "" where there are none."""
    return f"{before} → {now} ms" if before or now else ""


def said_line(said: Said) -> str:
    """An answer on one line, for reading beside another."""
    parts = [f"({mood})" for mood in said.moods]
    parts += [said.text, *(f"*{action}*" for action in said.actions)]
    parts += [f"[{said.end}]"] if said.end not in ("", "complete") else []
    shown = " ".join(" ".join(filter(None, parts)).split())
    return f"{said.npc}: {shown}" if said.npc else shown or "nobody answers"


def details(each: Compared, *, prompts: bool = True) -> Iterator[str]:
    """One answer that is otherwise, as lines; those of a difference begin with + and -."""
    yield f"{each.file}, request {each.place}: {', '.join(each.what)}"
    yield each.asked
    before, now = said_line(each.before), said_line(each.now)
    if before == now and any(name in ANSWER for name in each.what):
        yield f"- {before} triggers {', '.join(each.before.triggers) or 'none'}"
        yield f"+ {now} triggers {', '.join(each.now.triggers) or 'none'}"
    elif before != now:
        yield f"- {before}"
        yield f"+ {now}"
    else:
        yield f"  {now}"
    for change in each.sources:
        yield f"~ {change.source} {change.how}"
    if prompts and "prompt" in each.what:
        lines = [line for line in each.prompt if not line.startswith("@@")]
        yield from lines[:_LONGEST]
        if len(lines) > _LONGEST:
            yield f"~ {len(lines) - _LONGEST} more lines of the prompt are otherwise"


def sources(compared: Iterable[Compared]) -> list[tuple[str, int]]:
    """The sources that changed prompts, and how many of them, the widest first; what was said
    before is left out."""
    found: dict[str, int] = {}
    for each in compared:
        if "prompt" in each.what:
            for change in each.sources:
                if not change.source.startswith(("history", "memory")):
                    found[change.source] = found.get(change.source, 0) + 1
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def summary(compared: Sequence[Compared]) -> str:
    """All of it in a sentence."""
    have = counts(compared)
    return (
        f"{have['answers']} of {len(compared)} answers are otherwise, "
        f"{have['prompt']} prompts"
        + (f" ({have['history']} more by what was said before)" if have["history"] else "")
    )


def notes(sessions: Sequence[tuple[str, Recording, Recording]], voice: str) -> list[str]:
    """What makes a comparison less than it seems, of sessions then and today by their files.
    `voice` is the model's name, "" where none was asked."""
    found = []
    if not voice:
        found.append(
            "No model was asked: its recorded answers were given again, so that what is otherwise "
            "comes from prompts and from what the server makes of an answer."
        )
    failed = sum(failures(before) for _, before, _ in sessions)
    if failed:
        found.append(
            f"{failed} request{'s' * (failed > 1)} the server could not serve then (its store "
            "failed, it was full or about to stop): not compared."
        )
    lack = [
        f"{file}: {name!r} went on from {turns} earlier turns, which are not in the recordings; "
        "prompts lack them now."
        for file, before, now in sessions
        for name, turns in lacking(before, now).items()
    ]
    found += lack[:_NAMED]
    if len(lack) > _NAMED:
        found.append(f"So it is with {len(lack) - _NAMED} more conversations.")
    then = _asked(before for _, before, _ in sessions)
    today = _asked(now for _, _, now in sessions)
    layouts = [" and ".join(sorted({each.layout for each in a} - {""})) for a in (then, today)]
    if all(layouts) and layouts[0] != layouts[1]:
        found.append(
            f"The prompts were laid out as {layouts[0]} and are as {layouts[1]} today, which "
            "changes them all."
        )
    backends = dict.fromkeys(each.backend for each in then)
    others = [name for name in backends if name not in ("", voice)]
    if voice and others:
        found.append(
            f"Recorded with {', '.join(others)}: another model says other words for that alone."
        )
    return found


def _asked(recordings: Iterable[Recording]) -> list[Asked]:
    whats = (entry.what for recording in recordings for entry in recording.entries)
    return [what for what in whats if isinstance(what, Asked)]


def junit(compared: Sequence[Compared], exceeded: Mapping[str, str], title: str) -> str:
    """JUnit's XML: a suite a recording, a case an answer, and one for each bound. An answer fails
    if a bound on what is otherwise in it does not hold."""
    root = ElementTree.Element("testsuites", name=xml_text(f"re-run, {title}"))
    for file in dict.fromkeys(each.file for each in compared):
        own = [each for each in compared if each.file == file]
        bad = [each for each in own if _fails(each, exceeded)]
        suite = _suite(root, file, len(own), len(bad))
        for each in own:
            name = f"{each.place} {each.npc}: {each.asked}"
            case = _case(suite, file, name, each.now.total_ms / 1000)
            text = xml_text("\n".join(details(each)))
            if each in bad:
                message = f"otherwise: {', '.join(each.what)}"
                ElementTree.SubElement(case, "failure", message=message).text = text
            elif each.what:
                ElementTree.SubElement(case, "system-out").text = text
    if exceeded:
        suite = _suite(root, "bounds", len(exceeded), len(exceeded))
        for name, sentence in exceeded.items():
            case = _case(suite, "bounds", name, 0)
            ElementTree.SubElement(case, "failure", message=xml_text(sentence))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _fails(each: Compared, exceeded: Mapping[str, str]) -> bool:
    what = {*each.what, *(["answers"] if any(name in ANSWER for name in each.what) else [])}
    return any(name in what for name in exceeded)


def _suite(root: ElementTree.Element, name: str, tests: int, bad: int) -> ElementTree.Element:
    about = {"name": xml_text(name), "tests": str(tests), "failures": str(bad)}
    return ElementTree.SubElement(root, "testsuite", about)


def _case(suite: ElementTree.Element, file: str, name: str, seconds: float) -> ElementTree.Element:
    about = {"classname": xml_text(file), "name": xml_text(name), "time": f"{seconds:.3f}"}
    return ElementTree.SubElement(suite, "testcase", about)


def marked(before: str, now: str) -> list[tuple[str, str]]:
    """Two texts as stretches, word by word: (" ", both), ("-", only then), ("+", only now)."""
    old, new = _words(before), _words(now)
    found: list[tuple[str, str]] = []
    for how, a, b, c, d in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if how == "equal":
            found.append((" ", "".join(old[a:b])))
            continue
        found += [("-", "".join(old[a:b]))] * (b > a)
        found += [("+", "".join(new[c:d]))] * (d > c)
    return found


def _words(text: str) -> list[str]:
    words: list[str] = []
    for part in text.split(" "):
        words += [part] if not words else [f" {part}"]
    return words
