"""What a lint looks at, and what it finds: the world, its NPCs, and a walk through all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ..persona import Persona, World

Severity = Literal["error", "warning", "note"]
"""A note is advice; it fails nothing."""
WORLD_FILE = "world.toml"


class Found(Struct, frozen=True):
    """Something to mend. `source` is file and key, "personas/mira.toml:moods[1]"; `rule` a short
    name for programs; `problem` a sentence with the mend."""

    source: str
    severity: Severity
    rule: str
    problem: str


class Subject(Struct, frozen=True):
    """A world as it was decoded. `npcs` are the ids of all persona files, broken ones too: who
    names one of those made no mistake."""

    world: World
    personas: Mapping[str, Persona]
    npcs: frozenset[str]


def persona_file(persona: Persona) -> str:
    """The file of an NPC, as sources name it."""
    return f"personas/{persona.id}.toml"


def everything(subject: Subject) -> Iterator[tuple[str, str, Struct]]:
    """Every Struct of every file: (file, key path, Struct). Translations have texts of their own
    and nothing else; conditions and names stand in the first file."""
    for file, content in files(subject):
        yield from ((file, path, part) for path, part in parts(content))


def files(subject: Subject) -> Iterator[tuple[str, Struct]]:
    """Each file as it was decoded, without its translations."""
    world = subject.world
    yield WORLD_FILE, replace(world, books={}, translations={})
    for stem, book in sorted(world.books.items()):
        yield f"lore/{stem}.toml", replace(book, translations={})
    for persona in subject.personas.values():
        yield persona_file(persona), replace(persona, translations={})


def parts(part: Struct, path: str = "") -> Iterator[tuple[str, Struct]]:
    """A Struct and all Structs in it, each with its key path; "" for the outermost."""
    yield path, part
    for name in part.__struct_fields__:
        here = f"{path}.{name}" if path else name
        yield from _below(getattr(part, name), here)


def _below(value: object, path: str) -> Iterator[tuple[str, Struct]]:
    if isinstance(value, Struct):
        yield from parts(value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _below(item, f"{path}.{key}")


def texts(part: Struct) -> Iterator[tuple[str, str]]:
    """Every text of one Struct itself, with its key: those in lists too, not those below."""
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, str):
                    yield f"{name}[{index}]", item
