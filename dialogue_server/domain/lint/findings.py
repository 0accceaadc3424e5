"""What is wrong with a world before a player meets it. Pure; `dialogue-server check` shows it.

Each finding has the line it stands on and a sentence with the mend. Errors are what the server
refuses or what must not happen (a secret that is told), warnings what is almost surely a mistake,
notes advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from ...errors import ContentError
from ..leaks import LeakReport, hidden_now, spoken
from ..lore import placed_entries
from ..persona import Persona, World
from ..sources import Sources
from ..state_space import state_space
from .names import same_entry_names, shared_names, unknown_names, unused_files
from .reach import unreachable
from .subject import Found, Severity, Subject
from .texts import poor_texts

MAX_STATES = 200
_LINE = re.compile(r"line (\d+)(?:, column \d+)?(?: \(the end of the file\))?(?:, )?")
_WAYS = {
    "spoken": "says it without a model",
    "suggested": "has it suggested to the player",
    "left out": "has it left out of its prompts",
}
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}


class Finding(Struct, frozen=True):
    """Something to mend. `line` is 0 and `key` "" where it is a file as a whole."""

    file: str
    line: int
    key: str
    severity: Severity
    rule: str
    problem: str


def lint(
    world: World,
    personas: Mapping[str, Persona],
    texts: Mapping[str, str],
    files: Iterable[str] = (),
    *,
    spoken_secrets: bool = True,
) -> list[Finding]:
    """Everything that lint finds, in the order of the files. `texts` are the sources of the
    world's files by name, `files` all that is in the folder. `spoken_secrets` false: the leak
    check looks for those (leaks.py)."""
    # personas/mira.de.toml is a translation of mira's.
    stems = (file.removeprefix("personas/") for file in texts if file.startswith("personas/"))
    npcs = frozenset(stem.partition(".")[0] for stem in stems) | frozenset(personas)
    subject = Subject(world, personas, npcs)
    found = [
        *unreachable(subject),
        *unknown_names(subject),
        *shared_names(subject),
        *same_entry_names(subject),
        *poor_texts(subject),
        *unused_files(files, npcs),
    ]
    if spoken_secrets:
        found += _told(world, personas)
    return located(found, texts)


def located(found: Iterable[Found], texts: Mapping[str, str]) -> list[Finding]:
    """Findings with their lines, in the order of files and lines, the graver first."""
    sources = Sources(texts)
    findings = []
    for item in dict.fromkeys(found):
        place = sources.place(item.source)
        findings.append(
            Finding(place.file, place.line, place.key, item.severity, item.rule, item.problem)
        )
    return sorted(findings, key=lambda each: (each.file, each.line, _ORDER[each.severity]))


def of_errors(errors: Iterable[ContentError]) -> list[Finding]:
    """What the server refuses, as findings."""
    findings = []
    for error in errors:
        match = _LINE.match(error.place)
        key = error.place[match.end() :] if match else error.place
        line = int(match[1]) if match else 0
        findings.append(Finding(error.file, line, key, "error", "invalid", error.problem))
    return findings


def of_leaks(report: LeakReport) -> Iterator[Found]:
    """What the leak check found, and what it cannot prove."""
    spoken_of = {(leak.npc, leak.secret) for leak in report.leaks if leak.how == "spoken"}
    for leak in report.leaks:
        if leak.where.endswith(":lines") and (leak.npc, leak.secret) in spoken_of:
            continue  # the compact layout's hint was such a line
        how = _WAYS.get(leak.how, f"is told it in the {leak.how} layout")
        state = f", where {', '.join(leak.state)}" if leak.state else ""
        if leak.locale:
            how += f" (in the language {leak.locale})"
        yield Found(
            leak.where, "error", "leak", _leak(leak.npc, how, leak.words, leak.secret, state)
        )
    for source in report.unproven:
        problem = (
            "is gated, and too short or too common to be recognised elsewhere: read yourself "
            "whether anything tells it"
        )
        yield Found(source, "note", "unproven", problem)
    if not report.complete:
        problem = (
            "has conditions with more combinations than were tried, or such as compare two paths: "
            "the leak check is no proof for those"
        )
        yield Found("world.toml", "note", "incomplete", problem)


def _told(world: World, personas: Mapping[str, Persona]) -> Iterator[Found]:
    """What an NPC says without a model, though a gate hides it; once for each place."""
    placed = tuple(placed_entries(world))
    for persona in personas.values():
        conditions = [when for item in placed for when in item.whens]
        for part in (persona.knowledge, persona.sections, persona.lines, persona.suggestions):
            conditions += [each.when for each in part]
        told: set[tuple[str, str]] = set()
        for setting in state_space(conditions, world.state, limit=MAX_STATES).settings:
            for hidden in hidden_now(world, persona, placed, setting.state):
                for source, text in spoken(persona, setting.state):
                    found = hidden.finding(text)
                    if found is None or (source, found[0]) in told:
                        continue
                    told.add((source, found[0]))
                    state = f", where {', '.join(setting.values)}" if setting.values else ""
                    how = _WAYS["suggested" if ":suggestions[" in source else "spoken"]
                    problem = _leak(persona.id, how, found[1], found[0], state)
                    yield Found(source, "error", "leak", problem)


def _leak(npc: str, how: str, words: str, secret: str, state: str) -> str:
    return (
        f"tells “{words}” of {secret}, which a gate keeps from {npc}; {npc} {how}{state}. Reword "
        "it, put it under a condition of its own, or open the gate"
    )
