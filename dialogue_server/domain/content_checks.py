"""What a designer's file must mean, beyond its shape: ids, moods, actions, conditions, tags.

Each check yields problems: a key path such as "actions[0].name" ("" for the whole file) and
what is wrong there, with the mend.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import msgspec

from .guards.settings import guard_problems
from .language import normalized
from .persona import Action, Entry, Fact, KnownBy, LoreBook, Parameter, Persona, World
from .staging_checks import staged_persona, staged_world, when_problems
from .tags import Rejected, TagParser

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
Problem = tuple[str, str]
"""Where (a key path such as "actions[0].name", "" for the file) and what is wrong."""


def persona_problems(file: str, persona: Persona) -> Iterator[Problem]:
    """What is wrong with a persona that has the right shape."""
    stem = PurePosixPath(file.replace("\\", "/")).stem
    if not _ID.fullmatch(persona.id):
        yield "id", "must be lower-case letters, digits, _ and -, at most 64"
    elif persona.id != stem:
        yield "id", f'must equal the file\'s name: write id = "{stem}", or rename the file'
    yield from _filled(persona, ("name", "description"))
    if "\n" in persona.name or ":" in persona.name:
        yield "name", "must be one line without a colon"
    yield from _moods(persona)
    yield from _actions(persona)
    yield from _fact_problems("knowledge", persona.knowledge)
    for i, section in enumerate(persona.sections):
        yield from when_problems(f"sections[{i}].when", section.when)
        if not section.when:
            yield f"sections[{i}].when", "is empty; text that always holds belongs to description"
    for i, example in enumerate(persona.examples):
        yield from _filled(example, ("player", "npc"), f"examples[{i}].")
        yield from _tags(f"examples[{i}].npc", example.npc, persona)
    for i, text in enumerate(persona.fallback):
        if not text.strip():
            yield f"fallback[{i}]", "is empty"
        yield from _tags(f"fallback[{i}]", text, persona)
    yield from _tags("greeting", persona.greeting, persona)
    for i, line in enumerate(persona.lines):
        yield from _filled(line, ("text",), f"lines[{i}].")
        yield from when_problems(f"lines[{i}].when", line.when)
        yield from _tags(f"lines[{i}].text", line.text, persona)
    yield from staged_persona(persona)
    yield from _model(persona)
    yield from guard_problems(persona.guards)
    if persona.language and not normalized(persona.language):
        yield "language", f"{persona.language!r} is no language tag, such as de or pt-BR"
    if persona.translations:
        problem = "is not written here; a translation is a file of its own, such as mira.de.toml"
        yield "translations", problem


def world_problems(_file: str, world: World) -> Iterator[Problem]:
    """What is wrong with a world that has the right shape."""
    yield from _filled(world, ("name", "description"))
    yield from _fact_problems("lore", world.lore)
    yield from _entries("lore", world.lore)
    yield from guard_problems(world.guards)
    yield from _told("clock", world.clock)
    if world.translations:
        yield "translations", "is not written here; it is a file of its own, such as world.de.toml"
    if world.books:
        yield "books", "is not written here; each book is a file of its own, lore/NAME.toml"
    for name, lowest in (("budget", 1), ("scan_depth", 0), ("recursion", 0)):
        value = getattr(world.lore_rules, name)
        if value < lowest:
            yield f"lore_rules.{name}", f"must be {lowest} or more, is {value}"
    yield from staged_world(world)
    yield from _json(world.state, "state")


def book_problems(_file: str, book: LoreBook) -> Iterator[Problem]:
    """What is wrong with a file of lore/ that has the right shape."""
    if book.translations:
        problem = "is not written here; a translation is a file of its own, such as salt.de.toml"
        yield "translations", problem
    yield from _known_by("", book.known_by)
    yield from when_problems("when", book.when)
    yield from _fact_problems("entries", book.entries)
    yield from _entries("entries", book.entries)


def _entries(path: str, entries: list[Entry]) -> Iterator[Problem]:
    names: set[str] = set()
    for i, entry in enumerate(entries):
        here = f"{path}[{i}]."
        yield from _known_by(here, entry.known_by)
        for field in ("keys", "secondary_keys"):
            for j, key in enumerate(getattr(entry, field)):
                if not key.strip(" *"):
                    yield f"{here}{field}[{j}]", "is empty"
        if entry.secondary_keys and not entry.keys:
            yield f"{here}secondary_keys", "has no effect without keys"
        if entry.scan_depth is not None and entry.scan_depth < 0:
            yield f"{here}scan_depth", f"must be 0 or more, is {entry.scan_depth}"
        if entry.name and entry.name in names:
            yield f"{here}name", f"{entry.name} is there twice"
        names.add(entry.name)


def _known_by(path: str, who: KnownBy | None) -> Iterator[Problem]:
    if who is not None and not (who.npcs or who.factions or who.places):
        yield f"{path}known_by", "names nobody; leave it out if everybody may know this"


def _filled(part: msgspec.Struct, names: tuple[str, ...], path: str = "") -> Iterator[Problem]:
    for name in names:
        if not getattr(part, name).strip():
            yield f"{path}{name}", "is empty"


def _moods(persona: Persona) -> Iterator[Problem]:
    seen: set[str] = set()
    for i, mood in enumerate(persona.moods):
        if not mood.strip() or any(char in mood for char in '[]"\n'):
            yield f"moods[{i}]", "must be a word or two, without brackets and quotation marks"
        if mood.casefold() in seen:
            yield f"moods[{i}]", f"{mood} is there twice"
        seen.add(mood.casefold())
    uses = [("mood", persona.mood)]
    uses += [(f"lines[{i}].mood", line.mood) for i, line in enumerate(persona.lines)]
    for path, mood in uses:
        if mood and mood not in persona.moods:
            yield path, f"{mood} is not in moods{nearest(mood, persona.moods)}"


def _actions(persona: Persona) -> Iterator[Problem]:
    seen: set[str] = set()
    for i, action in enumerate(persona.actions):
        path = f"actions[{i}]"
        if not _WORD.fullmatch(action.name):
            yield f"{path}.name", "must be a word of letters, digits, _ and -, such as give_item"
        if action.name.casefold() in seen:
            yield f"{path}.name", f"the action {action.name} is there twice"
        seen.add(action.name.casefold())
        yield from _filled(action, ("description",), f"{path}.")
        yield from when_problems(f"{path}.when", action.when)
        yield from _parameters(f"{path}.parameters", action)


def _parameters(path: str, action: Action) -> Iterator[Problem]:
    for name, parameter in action.parameters.items():
        if not _WORD.fullmatch(name):
            yield f"{path}.{name}", "a parameter's name must be a word"
        if parameter.among and parameter.values:
            yield f"{path}.{name}.among", "stands beside `values`; one of them says what is allowed"
        yield from _told(f"{path}.{name}.among", parameter.among)
        if parameter.among and parameter.type in ("number", "boolean"):
            yield f"{path}.{name}.among", "is for texts and integers, which name things"
        for i, value in enumerate(parameter.values):
            if not _fits(value, parameter):
                problem = f"{shown(value)} is not of the type {parameter.type}"
                yield f"{path}.{name}.values[{i}]", problem


def _told(path: str, state_path: str) -> Iterator[Problem]:
    """A path of the state that a prompt tells must not be one that no model is told."""
    if any(key.startswith("_") for key in state_path.split(".")):
        problem = (
            f"{state_path} is told to no model, since a name in it begins with _; what stands here "
            "is told: give the value another name"
        )
        yield path, problem


def _fits(value: str | float, parameter: Parameter) -> bool:
    boolean = isinstance(value, bool)
    return isinstance(value, _TYPES[parameter.type]) and boolean == (parameter.type == "boolean")


def _fact_problems(path: str, facts: Sequence[Fact]) -> Iterator[Problem]:
    for i, fact in enumerate(facts):
        yield from _filled(fact, ("text",), f"{path}[{i}].")
        yield from when_problems(f"{path}[{i}].when", fact.when)


def _tags(path: str, text: str, persona: Persona) -> Iterator[Problem]:
    """The tags of an authored text, read as a model's are."""
    parser = TagParser(persona)
    for piece in [*parser.feed(text), *parser.flush()]:
        if isinstance(piece, Rejected):
            yield path, f"the tag [{piece.kind}: {piece.name}] would not be sent: {piece.problem}"


def _model(persona: Persona) -> Iterator[Problem]:
    model = persona.model
    ranges: list[tuple[str, float | None, float, float]] = [
        ("max_tokens", model.max_tokens, 1, 100_000),
        ("temperature", model.temperature, 0, 5),
        ("top_p", model.top_p, 0, 1),
        ("min_p", model.min_p, 0, 1),
        ("repeat_penalty", model.repeat_penalty, 0, 5),
    ]
    for name, value, lowest, highest in ranges:
        if value is not None and not lowest <= value <= highest:
            yield f"model.{name}", f"must be between {lowest} and {highest}, is {value}"


def _json(value: Any, path: str) -> Iterator[Problem]:
    """What TOML can say and JSON, the state's own form, cannot: dates, inf and nan."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _json(item, f"{path}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _json(item, f"{path}[{i}]")
    elif not isinstance(value, str | int | float):
        yield path, f'{value} is not a value of JSON: write it as a text, "{value}"'
    elif isinstance(value, float) and value - value != 0:
        yield path, f"{value} is not a value of JSON"


def shown(value: Any) -> str:
    """A value as the file has it."""
    return f'"{value}"' if isinstance(value, str) else str(value)


def nearest(word: str, words: list[str]) -> str:
    """A hint at the word that was meant, else at all of them."""
    near = difflib.get_close_matches(word.lower(), words, 1, 0.6)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; known are {', '.join(words)}" if words else ""
