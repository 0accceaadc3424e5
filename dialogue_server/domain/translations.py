"""A persona, a book of lore or a world in another language: a file beside it that holds only
texts.

    personas/mira.toml      what Mira is, in the language it was written in
    personas/mira.de.toml   what of it is German: the same keys, texts only
    lore/salt.de.toml       the same for a book; who may know it, and when, stays in lore/salt.toml

A translator gets a whole file, for one language, and touches nothing that makes the game work:
conditions, moods, actions and numbers stay in the first file and are true for all languages. The
entries of a list are matched by their order, so all of them must be there; lists of plain texts
(`fallback`, `keys`) may be shorter or longer. What is left out stays as it was written.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any, TypeVar

from msgspec.structs import replace

from ..errors import ContentError
from .content_checks import Problem, book_problems, nearest, persona_problems, world_problems
from .content_files import decode, spell_out
from .language import lookup
from .persona import LoreBook, Persona, World

TEXT = "a text"
ANY = "*"
"""The key of a spec that stands for every key which the first file has there."""

_LINE = {"text": TEXT, "keys": TEXT}
_TRIGGER = {"asked": TEXT, "said": TEXT}
PERSONA_TEXTS: dict[str, Any] = {
    **dict.fromkeys(("name", "description", "essence", "personality", "speech_style"), TEXT),
    **dict.fromkeys(("greeting", "fallback", "fillers", "aliases"), TEXT),
    "knowledge": [_LINE],
    "sections": [{"text": TEXT}],
    "examples": [{"player": TEXT, "npc": TEXT, "fact": TEXT}],
    "lines": [_LINE],
    "suggestions": [_LINE],
    "actions": [{"description": TEXT, "parameters": {ANY: {"description": TEXT}}}],
    "mood_texts": {ANY: TEXT},
    "relationships": {ANY: [{"text": TEXT}]},
    "tone": [{"keys": TEXT}],
    "reacts": [{"keys": TEXT}],
    "triggers": [_TRIGGER],
}
_ENTRY = {**_LINE, "secondary_keys": TEXT}
_STAGED = {"happened": [{"text": TEXT}], "stages": [{"text": TEXT}], "triggers": [_TRIGGER]}
WORLD_TEXTS: dict[str, Any] = {
    **dict.fromkeys(("name", "description", "essence"), TEXT),
    "lore": [_ENTRY],
    "scenes": {ANY: {"description": TEXT, **_STAGED}},
    "triggers": [_TRIGGER],
}
BOOK_TEXTS: dict[str, Any] = {"entries": [_ENTRY]}
"""Names of books and entries are the designers' own, and shown to nobody else."""

T = TypeVar("T", Persona, World, LoreBook)


def localized(of: T, tag: str) -> T:
    """A persona, a book or a world with its books in the language of a tag, or as it was written:
    de-AT, then de."""
    found = of
    for candidate in lookup(tag) if of.translations else ():
        if candidate in of.translations:
            found = of.translations[candidate]
            break
    if not isinstance(of, World):
        return found
    # A world's translation has no books of its own: each has its file, and its languages.
    books = {stem: localized(book, tag) for stem, book in of.books.items()}
    if found is of and all(book is of.books[stem] for stem, book in books.items()):
        return of
    return replace(found, books=books)


def translate_persona(
    file: str, data: bytes, of: str, source: bytes
) -> tuple[Persona | None, list[ContentError]]:
    """The persona of the file `of`, which has no errors, in the words of a translation; None if
    its shape is wrong, and all that is wrong with the translation."""
    reading = _Reading(source, PERSONA_TEXTS, of)

    def check(_file: str, persona: Persona) -> Iterator[Problem]:
        yield from reading.problems
        yield from persona_problems(of, persona)

    return decode(Persona, file, data, check, reading.fill)


def translate_world(
    file: str, data: bytes, of: str, source: bytes
) -> tuple[World | None, list[ContentError]]:
    """The same for world.toml."""
    reading = _Reading(source, WORLD_TEXTS, of)

    def check(_file: str, world: World) -> Iterator[Problem]:
        yield from reading.problems
        yield from world_problems(of, world)

    return decode(World, file, data, check, reading.fill)


def translate_book(
    file: str, data: bytes, of: str, source: bytes
) -> tuple[LoreBook | None, list[ContentError]]:
    """The same for a file of lore/."""
    reading = _Reading(source, BOOK_TEXTS, of)

    def check(_file: str, book: LoreBook) -> Iterator[Problem]:
        yield from reading.problems
        yield from book_problems(of, book)

    return decode(LoreBook, file, data, check, reading.fill)


class _Reading:
    """Fills a translation with what it leaves out. `problems` is what it may not hold."""

    def __init__(self, source: bytes, spec: dict[str, Any], of: str) -> None:
        self._source = tomllib.loads(source.decode("utf-8-sig"))
        spell_out(self._source)
        self._spec = spec
        self._of = of
        self.problems: list[Problem] = []

    def fill(self, raw: dict[str, Any]) -> None:
        """Make the table of a translation a whole one."""
        spell_out(raw)
        whole = self._merged(self._spec, self._source, raw, "")
        raw.clear()
        raw.update(whole)

    def _merged(self, spec: Any, base: Any, own: Any, path: str) -> Any:
        if isinstance(spec, list) and isinstance(own, list):
            base = base if isinstance(base, list) else []
            if len(own) != len(base):
                self.problems.append(
                    (
                        path,
                        f"has {len(own)} entries, and {self._of} has {len(base)}; write all of "
                        "them, in the same order ({} for one that stays as it is)",
                    )
                )
                return base
            return [self._merged(spec[0], base[i], own[i], f"{path}[{i}]") for i in range(len(own))]
        if isinstance(spec, dict) and isinstance(own, dict) and isinstance(base, dict):
            return self._table(spec, base, own, path)
        return own  # a text; what has another shape than it must have is told by its check

    def _table(
        self, spec: dict[str, Any], base: dict[str, Any], own: dict[str, Any], path: str
    ) -> dict[str, Any]:
        whole = dict(base)
        for key, value in own.items():
            here = f"{path}.{key}" if path else key
            inner = spec.get(key, spec.get(ANY) if key in base else None)
            if inner is not None:
                whole[key] = self._merged(inner, base.get(key, self._nothing(inner)), value, here)
            elif key in base:
                self.problems.append((here, f"is no text; only {self._of} says it"))
            else:
                known = [name for name in spec if name != ANY] or list(base)
                self.problems.append((here, f"is nothing to translate{nearest(key, known)}"))
        return whole

    @staticmethod
    def _nothing(spec: Any) -> Any:
        return spec if isinstance(spec, str) else type(spec)()
