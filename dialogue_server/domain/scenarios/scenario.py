"""Scenario files: a conversation, and what is expected of each answer in it.

A file of a world's scenarios/ holds one conversation (its `[[step]]`s, in order), or questions
(each `[[question]]` is a conversation of its own), or both. docs/testing-dialogue.md tells
designers; checks.py compares answers, engine/rehearsal.py plays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Literal

import msgspec
from dialogue_protocol.codes import EndReason
from msgspec import Struct, field

from ...errors import ContentError
from .. import content_files, language
from ..content_checks import Problem, nearest
from ..persona import Persona, World
from ..toml_places import Places
from ..triggers import placed_triggers

VERBS = ("say", "state", "event", "script", "advance", "result", "regenerate", "save", "load")
"""What a step does: exactly one of them."""
SILENT = frozenset({"state", "save", "load"})
"""The verbs that nobody answers."""


class Expect(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an answer must be. In a file, a list of one may be written without brackets."""

    contains: list[list[str]] = field(default_factory=list)
    """Of each group, at least one; in a file, a text by itself is a group. Any case."""
    never: list[str] = field(default_factory=list)
    """Whole words that must not be in it. Any case."""
    matches: list[str] = field(default_factory=list)
    """Regular expressions (Python's), each found somewhere in it. Any case."""
    mood: list[str] = field(default_factory=list)
    """The NPC's mood after the answer is one of these."""
    action: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    """What the action's parameters must be, at least."""
    never_action: list[str] = field(default_factory=list)
    min_intensity: int | None = None
    max_intensity: int | None = None
    """How strong the mood is after the answer, from 0 to 100."""
    language: str = ""
    """The language of the answer, as a BCP 47 tag, such as "pt-BR"."""
    max_chars: int | None = None
    max_sentences: int | None = None
    max_ms: int | None = None
    """From the line to the answer's end."""
    max_first_ms: int | None = None
    """From the line to the first word."""
    by: str = ""
    """Which NPC answers."""
    nobody: bool | None = None
    """Whether nobody may answer; None: it does not matter (to an event), or somebody must."""
    trigger: list[str] = field(default_factory=list)
    """All of these fire."""
    never_trigger: list[str] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    """How the turn ends: one of these. Without it the voice itself must have answered, and no
    line have stood in for it."""
    in_character: bool | None = None
    """No talk of models or prompts, no loops, nobody else's line, nothing unfinished; true
    unless said otherwise."""
    no_leak: bool | None = None
    """Nothing is told that the NPC may not know, or that is not so now; true unless said
    otherwise."""


class Step(Expect, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that happens, and what is expected of the answer, if there is to be one."""

    say: str = ""
    to: str = ""
    state: dict[str, Any] | None = None
    """Laid over the state in force, as a JSON Merge Patch (RFC 7396)."""
    event: str = ""
    react: Literal["may", "never", "must"] = "may"
    name: str = ""
    """The event's name."""
    data: dict[str, Any] = field(default_factory=dict)
    """The event's data."""
    script: str = ""
    advance: bool = False
    npc: str = ""
    """Who reacts to the event, says the script (none: the player) or goes on."""
    result: str = ""
    """The action, of the newest answer that has it, that the game has done or refuses."""
    accepted: bool = True
    text: str = ""
    """What really came of the action."""
    regenerate: bool = False
    save: str = ""
    load: str = ""

    @property
    def verb(self) -> str:
        """What the step does; "" if it does not do exactly one thing."""
        used = [verb for verb in VERBS if getattr(self, verb) not in ("", False, None)]
        return used[0] if len(used) == 1 else ""


class Question(Expect, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A conversation of one line, `state` laid over the file's."""

    npc: str
    say: str
    name: str = ""
    state: dict[str, Any] = field(default_factory=dict)


class Minimum(Struct, frozen=True, forbid_unknown_fields=True):
    """The share of the answers, in per cent, that must be as expected."""

    scripted: float = 100
    """Of the authored voice, which always answers the same."""
    model: float = 100


class ScenarioFile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands in a file."""

    npcs: list[str] = field(default_factory=list)
    """Who takes part in the conversation of the steps; the first one greets."""
    player: str = "Traveller"
    player_persona: str = ""
    scene: str = ""
    locale: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    """Laid over the world's."""
    minimum: Minimum = Minimum()
    every_line: Expect = Expect()
    step: list[Step] = field(default_factory=list)
    question: list[Question] = field(default_factory=list)


class Planned(Struct, frozen=True):
    """A step with all that is expected of it, and its line in the file."""

    line: int
    step: Step


class Scenario(Struct, frozen=True, kw_only=True):
    """One conversation to play. `name` is unique in its file."""

    file: str
    name: str
    line: int
    npcs: tuple[str, ...]
    player: str
    player_persona: str
    scene: str
    locale: str
    patches: tuple[dict[str, Any], ...]
    """Laid over the world's state, one after the other, before the first step."""
    steps: tuple[Planned, ...]


class Suite(Struct, frozen=True):
    """All of a file."""

    file: str
    minimum: Minimum
    scenarios: tuple[Scenario, ...]


def decode(
    file: str, data: bytes, world: World, personas: Mapping[str, Persona]
) -> tuple[Suite | None, list[ContentError]]:
    """The scenarios of a file (None if anything is wrong with it) and every error, in the order
    of the file. Names are looked up in the world that they are for."""

    def more(_file: str, found: ScenarioFile) -> Iterator[Problem]:
        return _problems(found, world, personas)

    found, errors = content_files.decode(ScenarioFile, file, data, more, _short_forms)
    if found is None or errors:
        return None, errors
    places = Places(data.decode("utf-8-sig"))
    scenarios = [*_conversation(file, found, places), *_questions(file, found, places)]
    return Suite(file, found.minimum, tuple(scenarios)), []


def _conversation(file: str, found: ScenarioFile, places: Places) -> Iterator[Scenario]:
    if found.step:
        yield _scenario(
            file,
            found,
            name=PurePosixPath(file).stem,
            line=places.line("step[0]"),
            npcs=tuple(found.npcs),
            patches=(found.state,),
            steps=tuple(
                Planned(places.line(f"step[{at}]"), _with_defaults(step, found.every_line))
                for at, step in enumerate(found.step)
            ),
        )


def _questions(file: str, found: ScenarioFile, places: Places) -> Iterator[Scenario]:
    names: Counter[str] = Counter()
    for at, question in enumerate(found.question):
        name = question.name or f"{question.npc}: {question.say}"
        names[name] += 1
        line = places.line(f"question[{at}]")
        expected = {key: getattr(question, key) for key in Expect.__struct_fields__}
        step = _with_defaults(Step(say=question.say, **expected), found.every_line)
        yield _scenario(
            file,
            found,
            name=f"{name} ({names[name]})" if names[name] > 1 else name,
            line=line,
            npcs=(question.npc,),
            patches=(found.state, question.state),
            steps=(Planned(line, step),),
        )


def _scenario(file: str, found: ScenarioFile, **own: Any) -> Scenario:
    return Scenario(
        file=file,
        player=found.player,
        player_persona=found.player_persona,
        scene=found.scene,
        locale=found.locale,
        **own,
    )


_ADD_UP = ("contains", "never", "matches", "never_action", "never_trigger")


def _with_defaults(step: Step, every: Expect) -> Step:
    """The step with what is expected of every line: such lists add up, of all else the step's own
    word counts. A step that nobody answers expects nothing."""
    if step.verb in SILENT:
        return step
    changes: dict[str, Any] = {}
    for key, default in zip(Expect.__struct_fields__, _DEFAULTS, strict=True):
        own, general = getattr(step, key), getattr(every, key)
        if key in _ADD_UP:
            changes[key] = [*general, *own]
        elif own == default:
            changes[key] = general
    return msgspec.structs.replace(step, **changes)


_DEFAULTS = msgspec.structs.astuple(Expect())

# ---------------------------------------------------------------- what may be abbreviated

_LISTS = ("never", "matches", "mood", "never_action", "trigger", "never_trigger")


def _short_forms(raw: dict[str, Any]) -> None:
    steps = [*_tables(raw.get("step")), *_tables(raw.get("question"))]
    for table in (*steps, *_tables([raw.get("every_line")])):
        for key in (*_LISTS, "reason"):
            if isinstance(table.get(key), str):
                table[key] = [table[key]]
        wanted = table.get("contains")
        if isinstance(wanted, str):
            table["contains"] = [[wanted]]
        elif isinstance(wanted, list):
            table["contains"] = [[item] if isinstance(item, str) else item for item in wanted]


def _tables(found: Any) -> list[dict[str, Any]]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


# ---------------------------------------------------------------- what must hold


class _Told(Struct, frozen=True):
    """What names are looked up in."""

    world: World
    personas: Mapping[str, Persona]
    scene: str


def _problems(
    found: ScenarioFile, world: World, personas: Mapping[str, Persona]
) -> Iterator[Problem]:
    if not found.step and not found.question:
        yield "", "has neither a [[step]] nor a [[question]]; there is nothing to play"
    if found.step and not found.npcs:
        yield "step[0]", 'who takes part? Write npcs = ["an NPC\'s id"] at the top of the file'
    for at, npc in enumerate(found.npcs):
        yield from _known(f"npcs[{at}]", npc, personas, "NPC")
    told = _Told(world, personas, found.scene)
    yield from _expectations("every_line", found.every_line, found.npcs, told)
    saved: set[str] = set()
    for at, step in enumerate(found.step):
        place = f"step[{at}]"
        yield from _expectations(place, step, found.npcs, told)
        yield from _step_problems(place, step, found, personas, saved)
        saved.add(step.save)
    for at, question in enumerate(found.question):
        place = f"question[{at}]"
        yield from _known(f"{place}.npc", question.npc, personas, "NPC")
        if not question.say.strip():
            yield f"{place}.say", "is empty"
        yield from _expectations(place, question, [question.npc], told)


def _step_problems(
    place: str,
    step: Step,
    found: ScenarioFile,
    personas: Mapping[str, Persona],
    saved: set[str],
) -> Iterator[Problem]:
    if not step.verb:
        yield place, f"must do exactly one of: {', '.join(VERBS)}"
        return
    for key in ("to", "npc"):
        who = getattr(step, key)
        if who and who not in found.npcs:
            yield f"{place}.{key}", f"{who!r} takes no part{nearest(who, found.npcs)}"
    if step.load and step.load not in saved:
        yield f"{place}.load", f"nothing was saved as {step.load!r} before this step"
    if step.result and not any(_declares(personas[npc], step.result) for npc in found.npcs):
        yield f"{place}.result", f"nobody here has an action {step.result!r}"
    if step.verb in SILENT and _expects(step):
        yield place, f"nobody answers {step.verb!r}, so that nothing can be expected of an answer"


def _expectations(
    place: str,
    expect: Expect,
    npcs: list[str],
    told: _Told,
) -> Iterator[Problem]:
    personas = told.personas
    cast = [personas[npc] for npc in npcs if npc in personas] or list(personas.values())
    for at, pattern in enumerate(expect.matches):
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"{place}.matches[{at}]", f"is not a regular expression: {error}"
    for at, group in enumerate(expect.contains):
        if not group or not all(part.strip() for part in group):
            yield f"{place}.contains[{at}]", "is empty, so that everything would contain it"
    moods = [mood for persona in cast for mood in persona.moods]
    for mood in expect.mood:
        if mood not in moods:
            yield f"{place}.mood", f"nobody here has the mood {mood!r}{nearest(mood, moods)}"
    actions = [action.name for persona in cast for action in persona.actions]
    for key, names in (("action", [expect.action]), ("never_action", expect.never_action)):
        for name in filter(None, names):
            if name not in actions:
                problem = f"nobody here has an action {name!r}{nearest(name, actions)}"
                yield f"{place}.{key}", problem
    fire = {placed.trigger.name: placed for placed in placed_triggers(told.world, cast, told.scene)}
    for key, names in (("trigger", expect.trigger), ("never_trigger", expect.never_trigger)):
        for name in names:
            yield from _known(f"{place}.{key}", name, fire, "trigger in this scene with this cast")
    if expect.args and not expect.action:
        yield f"{place}.args", "are the parameters of an action: write action, too"
    if expect.by:
        yield from _known(f"{place}.by", expect.by, dict.fromkeys(npcs), "NPC in this talk")
    for name in expect.reason:
        yield from _known(f"{place}.reason", name, dict.fromkeys(map(str, EndReason)), "reason")
    if expect.language:
        known = dict.fromkeys(language.NAMES)
        yield from _known(f"{place}.language", language.primary(expect.language), known, "language")


def _known(place: str, name: str, known: Mapping[str, object], what: str) -> Iterator[Problem]:
    if name not in known:
        yield place, f"there is no {what} {name!r}{nearest(name, list(known))}"


def _declares(persona: Persona, action: str) -> bool:
    return any(action == declared.name for declared in persona.actions)


def _expects(step: Step) -> bool:
    return any(
        getattr(step, key) != default
        for key, default in zip(Expect.__struct_fields__, _DEFAULTS, strict=True)
    )
