"""No key of the designers' files is left untold: each has a word in their pages, and an example."""

from __future__ import annotations

import re
import tomllib
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Struct

from dialogue_server.domain.persona import LoreBook, Persona, World
from tests.test_designers_docs import BLOCK, FILES, FOR_DESIGNERS, examples, head, kind_of

READ_FROM_FILES = {(kind, "translations") for kind in (Persona, World, LoreBook)} | {
    (World, "books")
}
"""Never written as keys: files of their own."""


def structs(kind: typing.Any, seen: set[type[Struct]]) -> Iterator[type[Struct]]:
    """A Struct and all that may stand in it."""
    for argument in typing.get_args(kind):
        yield from structs(argument, seen)
    if isinstance(kind, type) and issubclass(kind, Struct) and kind not in seen:
        seen.add(kind)
        yield kind
        for hint in typing.get_type_hints(kind).values():
            yield from structs(hint, seen)


KEYS = sorted(
    {
        (kind, name)
        for root in FILES
        for kind in structs(root, set())
        for name in kind.__struct_fields__
    }
    - READ_FROM_FILES,
    key=lambda key: (key[0].__name__, key[1]),
)
TOLD = "\n".join(BLOCK.sub("", page.read_text(encoding="utf-8")) for page in FOR_DESIGNERS)


def given(kind: Any, raw: Any) -> Iterator[tuple[type[Struct], str]]:
    """The keys that a table has, and those below it."""
    for argument in typing.get_args(kind):
        yield from given(argument, raw)
    if isinstance(raw, list):
        for item in raw:
            yield from given(kind, item)
    elif isinstance(kind, type) and issubclass(kind, Struct) and isinstance(raw, dict):
        hints = typing.get_type_hints(kind)
        for key in raw.keys() & hints.keys():
            yield kind, key
            inner = raw[key]
            if typing.get_origin(hints[key]) is dict and isinstance(inner, dict):
                inner = list(inner.values())
            yield from given(hints[key], inner)


def shown() -> set[tuple[type[Struct], str]]:
    """The keys that the examples set."""
    found: set[tuple[type[Struct], str]] = set()
    for example in examples(FOR_DESIGNERS):
        kind = kind_of(head(example)[1])
        if kind is not None:
            found |= set(given(kind, tomllib.loads(example.text)))
    return found


SHOWN = shown()


@pytest.mark.parametrize(
    ("kind", "name"), KEYS, ids=[f"{kind.__name__}.{name}" for kind, name in KEYS]
)
def test_every_key_is_told_and_shown_in_an_example(kind: type[Struct], name: str) -> None:
    told = re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", TOLD)
    assert told, f"say what `{name}` of {kind.__name__} does"
    assert (kind, name) in SHOWN, f"show `{name}` of {kind.__name__} in an example"
