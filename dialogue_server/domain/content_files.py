"""Designers' TOML files, decoded strictly: every error names the file, the place and the mend.

`decode_persona`, `decode_world` and `decode_lore` raise the first problem; `check_persona`,
`check_world` and `check_lore` return all of them, in the order of the file.
"""

from __future__ import annotations

import re
import tomllib
import typing
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from ..errors import ContentError
from .content_checks import (
    Problem,
    book_problems,
    nearest,
    persona_problems,
    shown,
    world_problems,
)
from .persona import Entry, Fact, KnownBy, LoreBook, Persona, World
from .staging import Happening, Relation, Scene, Suggestion
from .toml_places import Places

_KINDS: dict[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}

_SHORT_FORMS: dict[Any, str] = {
    KnownBy: " or a list of NPCs",
    **dict.fromkeys((Fact, Entry, Scene, Happening, Relation, Suggestion), " or a text"),
}

T = TypeVar("T", bound=msgspec.Struct)


def decode_persona(file: str, data: bytes) -> Persona:
    """The persona in a file; raises the first ContentError of `check_persona`."""
    persona, errors = decode(Persona, file, data, persona_problems)
    if persona is None or errors:
        raise errors[0]
    return persona


def decode_world(file: str, data: bytes) -> World:
    """The world in a file; raises the first ContentError of `check_world`."""
    world, errors = decode(World, file, data, world_problems)
    if world is None or errors:
        raise errors[0]
    return world


def decode_lore(file: str, data: bytes) -> LoreBook:
    """The book in a file of lore/; raises the first ContentError of `check_lore`."""
    book, errors = decode(LoreBook, file, data, book_problems)
    if book is None or errors:
        raise errors[0]
    return book


def check_persona(file: str, data: bytes) -> list[ContentError]:
    """Everything that is wrong with a persona's file."""
    return decode(Persona, file, data, persona_problems)[1]


def check_world(file: str, data: bytes) -> list[ContentError]:
    """Everything that is wrong with world.toml."""
    return decode(World, file, data, world_problems)[1]


def check_lore(file: str, data: bytes) -> list[ContentError]:
    """Everything that is wrong with a file of lore/."""
    return decode(LoreBook, file, data, book_problems)[1]


def decode(
    kind: type[T],
    file: str,
    data: bytes,
    more: Callable[[str, T], Iterator[Problem]],
    short_forms: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[T | None, list[ContentError]]:
    """Any strict TOML file as its Struct (None if its shape is wrong), and all that is wrong with
    it. `more` looks at what has the right shape, `short_forms` spells out what a file may
    abbreviate."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = (
            f"byte 0x{data[error.start]:02x} at position {error.start} is not UTF-8; "
            "save the file as UTF-8"
        )
        return None, [ContentError(file, f"line {line}", problem)]
    needed = ", ".join(f.name for f in msgspec.structs.fields(kind) if f.required)
    if not text.strip():
        return None, [ContentError(file, "", f"the file is empty; it needs at least {needed}")]
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place, problem = _syntax(str(error), text)
        return None, [ContentError(file, place, problem)]
    except RecursionError:
        return None, [ContentError(file, "", "the file is nested too deeply")]
    except ValueError:  # Python reads no integer of more than 4300 digits
        return None, [ContentError(file, "", "the file has a number of far too many digits")]
    places = Places(text)
    (short_forms or spell_out)(raw)
    problems = [
        (path, problem + _misplaced(kind, path, problem)) for path, problem in _walk(kind, raw)
    ]
    result: T | None = None
    if not problems:
        result = msgspec.convert(raw, kind)
        problems = list(more(file, result))
    errors = [
        (places.line(path), order, ContentError(file, places.describe(path), problem))
        for order, (path, problem) in enumerate(problems)
    ]
    errors.sort(key=lambda error: error[:2])
    return result, [error for _, _, error in errors]


def _syntax(message: str, text: str) -> tuple[str, str]:
    """Python's TOML error as (place, what to do)."""
    position = r"(?: \(at (?:line (\d+), column (\d+)|end of document)\))?"
    match = re.fullmatch(rf"(.*?){position}", message, re.S)
    assert match is not None
    problem, line, column = match.groups()
    lines = text.splitlines()
    number = int(line) if line else max(len(lines), 1)
    source = lines[number - 1].strip() if number <= len(lines) else ""
    at = f", column {column}" if column else " (the end of the file)"
    hint = _hint(problem, source)
    return f"line {number}{at}", f"not TOML: {problem[:1].lower()}{problem[1:]}{hint}"


def _hint(problem: str, source: str) -> str:
    if re.search(r"=\s*(True|False|Yes|No|yes|no|on|off)\b", source) and "Invalid value" in problem:
        return "; write true or false, in small letters and without quotation marks"
    if "=" in source and re.search(r"=\s*[A-Za-z“”‘’']", source) and "Invalid value" in problem:
        return '; put texts into straight quotation marks: key = "text"'
    if ":" in source and "Expected '='" in problem:
        return "; TOML writes key = value, not key: value"
    if "Illegal character '\\n'" in problem:
        return (
            "; the quotation mark that ends a text is missing, or the text goes over several lines "
            'and needs """three quotation marks"""'
        )
    if "Unescaped" in problem or "escape" in problem:
        return "; write \\\\ for a backslash, or use single quotation marks"
    if "Unclosed array" in problem:
        return "; a comma is missing between two entries of the list, or the ] at its end"
    if "Expected newline" in problem and source.count('"') > 2:
        return '; write \\" for a quotation mark inside a text'
    if "Cannot declare" in problem or ("Cannot overwrite" in problem and source.startswith("[")):
        return "; each entry of a list begins with [[two brackets]], and a [table] stands here once"
    if "Cannot overwrite" in problem:
        return "; this key stands here twice: keep one, or begin the next entry with its [[header]]"
    return ""


# ---------------------------------------------------------------- shape


def spell_out(raw: dict[str, Any]) -> None:
    """Turn plain strings into tables, where tables with a text are expected, and a list after
    `known_by` into its `npcs`."""
    _known_by(raw)
    for key in ("knowledge", "lore", "entries", "suggestions"):
        for item in _texts(raw, key):
            if isinstance(item, dict):
                _known_by(item)
    for table, name, scene in _items(raw, "scenes"):
        if isinstance(scene, str):
            table[name] = {"description": scene}
        elif isinstance(scene, dict):
            _texts(scene, "happened")
    for table, name, told in _items(raw, "relationships"):
        if isinstance(told, str | dict):
            table[name] = [told]
        _texts(table, name)


def _items(raw: dict[str, Any], key: str) -> list[tuple[dict[str, Any], str, Any]]:
    """The items of the table under a key, each with that table."""
    table = raw.get(key)
    return [(table, *item) for item in table.items()] if isinstance(table, dict) else []


def _texts(table: dict[str, Any], key: str) -> list[Any]:
    """The list under a key, its plain strings turned into tables."""
    items = table.get(key)
    if not isinstance(items, list):
        return []
    table[key] = [{"text": item} if isinstance(item, str) else item for item in items]
    return list(table[key])


def _known_by(table: dict[str, Any]) -> None:
    if isinstance(table.get("known_by"), list):
        table["known_by"] = {"npcs": table["known_by"]}


def _misplaced(kind: type[msgspec.Struct], path: str, problem: str) -> str:
    """A key of the file itself below the header of a table: what everybody does once in TOML."""
    table, _, key = path.rpartition(".")
    if table and problem.startswith("unknown key") and key in kind.__struct_fields__:
        return f". A key belongs to the [header] above it: {key} must stand above the first one"
    return ""


def _walk(kind: type[msgspec.Struct], raw: Any, path: str = "") -> Iterator[Problem]:
    """Everything in which a table differs from its Struct."""
    if not isinstance(raw, dict):
        mend = f': write ["{raw}"]' if kind is KnownBy and isinstance(raw, str) else ""
        yield path, f"must be a table{_SHORT_FORMS.get(kind, '')}, is {_kind(raw)}{mend}"
        return
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    hints = _hints(kind)
    for key, value in raw.items():
        here = f"{path}.{key}" if path else key
        if key not in fields:
            yield here, f"unknown key{nearest(key, list(fields))}"
        else:
            yield from _value(hints[key], value, here)
    for name, field in fields.items():
        if field.required and name not in raw:
            yield path, f"the key {name} is missing"


def _value(hint: Any, value: Any, path: str) -> Iterator[Problem]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    struct = next((kind for kind in (hint, *arguments) if _is_struct(kind)), None)
    if struct is not None and origin not in (list, dict):
        yield from _walk(struct, value, path)
        return
    if origin is list and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _value(arguments[0], item, f"{path}[{index}]")
        return
    if origin is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from _value(arguments[1], item, f"{path}.{key}")
        return
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        yield path, _expected(hint, value, str(error))


def _expected(hint: Any, value: Any, message: str) -> str:
    """A type error in the words of the file."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        options = [str(argument) for argument in arguments]
        near = nearest(value, options) if isinstance(value, str) else ""
        return f"must be one of {', '.join(options)}, is {shown(value)}{near}"
    kinds = [arg for arg in arguments if arg is not type(None)] if origin is not None else [hint]
    wanted = " or ".join(_KINDS.get(typing.get_origin(kind) or kind, str(kind)) for kind in kinds)
    if origin in (list, dict):
        wanted = _KINDS[origin]
    mend = ""
    if origin is list and isinstance(value, str):
        mend = f': write ["{value}"]' if len(value) < 40 else ": put it into [brackets]"
    return f"must be {wanted}, is {_kind(value)}{mend}" if wanted else message


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


@lru_cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), f"a {type(value).__name__}")
