"""Designers' TOML files, decoded strictly: every error names the file, the place and the mend.

`decode_persona` and `decode_world` raise the first problem; `check_persona` and `check_world`
return all of them, in the order of the file.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, TypeVar

import msgspec

from ..errors import ContentError
from .conditions import compile_condition
from .persona import Action, Fact, Parameter, Persona, World
from .toml_places import Places

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
_KINDS: dict[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}

Problem = tuple[str, str]
"""Where (a key path such as "actions[0].name", "" for the file) and what is wrong."""

T = TypeVar("T", Persona, World)


def decode_persona(file: str, data: bytes) -> Persona:
    """The persona in a file; raises the first ContentError of `check_persona`."""
    persona, errors = _decode(Persona, file, data, _persona_problems)
    if persona is None or errors:
        raise errors[0]
    return persona


def decode_world(file: str, data: bytes) -> World:
    """The world in a file; raises the first ContentError of `check_world`."""
    world, errors = _decode(World, file, data, _world_problems)
    if world is None or errors:
        raise errors[0]
    return world


def check_persona(file: str, data: bytes) -> list[ContentError]:
    """Everything that is wrong with a persona's file."""
    return _decode(Persona, file, data, _persona_problems)[1]


def check_world(file: str, data: bytes) -> list[ContentError]:
    """Everything that is wrong with world.toml."""
    return _decode(World, file, data, _world_problems)[1]


def _decode(
    kind: type[T], file: str, data: bytes, more: Callable[[str, T], Iterator[Problem]]
) -> tuple[T | None, list[ContentError]]:
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
    places = Places(text)
    _facts(raw)
    problems = list(_walk(kind, raw, ""))
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
    if "=" in source and re.search(r"=\s*[A-Za-z“”‘’']", source) and "Invalid value" in problem:
        return '; put texts into straight quotation marks: key = "text"'
    if ":" in source and "Expected '='" in problem:
        return "; TOML writes key = value, not key: value"
    if "Illegal character '\\n'" in problem:
        return '; a text over several lines stands in """three quotation marks"""'
    if "Unescaped" in problem or "escape" in problem:
        return "; write \\\\ for a backslash, or use single quotation marks"
    return ""


# ---------------------------------------------------------------- shape


def _facts(raw: dict[str, Any]) -> None:
    """Turn plain strings into facts, where facts are expected."""
    for key in ("knowledge", "lore"):
        items = raw.get(key)
        if isinstance(items, list):
            raw[key] = [{"text": item} if isinstance(item, str) else item for item in items]


def _walk(kind: type[msgspec.Struct], raw: Any, path: str) -> Iterator[Problem]:
    """Everything in which a table differs from its Struct."""
    if not isinstance(raw, dict):
        text = " or a text" if kind is Fact else ""
        yield path, f"must be a table{text}, is {_kind(raw)}"
        return
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    hints = _hints(kind)
    for key, value in raw.items():
        here = f"{path}.{key}" if path else key
        if key not in fields:
            yield here, f"unknown key{_nearest(key, list(fields))}"
        else:
            yield from _value(hints[key], value, here)
    for name, field in fields.items():
        if field.required and name not in raw:
            yield path, f"the key {name} is missing"


def _value(hint: Any, value: Any, path: str) -> Iterator[Problem]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield from _walk(hint, value, path)
        return
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
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
        near = _nearest(value, options) if isinstance(value, str) else ""
        return f"must be one of {', '.join(options)}, is {_shown(value)}{near}"
    kinds = [arg for arg in arguments if arg is not type(None)] if origin is not None else [hint]
    wanted = " or ".join(_KINDS.get(typing.get_origin(kind) or kind, str(kind)) for kind in kinds)
    if origin in (list, dict):
        wanted = _KINDS[origin]
    mend = ""
    if origin is list and isinstance(value, str):
        mend = f': write ["{value}"]' if len(value) < 40 else ": put it into [brackets]"
    return f"must be {wanted}, is {_kind(value)}{mend}" if wanted else message


@lru_cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _nearest(word: str, words: list[str]) -> str:
    near = difflib.get_close_matches(word.lower(), words, 1, 0.6)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; known are {', '.join(words)}" if words else ""


# ---------------------------------------------------------------- meaning


def _persona_problems(file: str, persona: Persona) -> Iterator[Problem]:
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
        yield from _when(f"sections[{i}].when", section.when)
        if not section.when:
            yield f"sections[{i}].when", "is empty; text that always holds belongs to description"
    for i, example in enumerate(persona.examples):
        yield from _filled(example, ("player", "npc"), f"examples[{i}].")
    for i, text in enumerate(persona.fallback):
        if not text.strip():
            yield f"fallback[{i}]", "is empty"
    for i, line in enumerate(persona.lines):
        yield from _filled(line, ("text",), f"lines[{i}].")
        yield from _when(f"lines[{i}].when", line.when)
    yield from _model(persona)


def _world_problems(_file: str, world: World) -> Iterator[Problem]:
    yield from _filled(world, ("name", "description"))
    yield from _fact_problems("lore", world.lore)
    for scene, text in world.scenes.items():
        if not text.strip():
            yield f"scenes.{scene}", "is empty"
    yield from _json(world.state, "state")


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
            yield path, f"{mood} is not in moods{_nearest(mood, persona.moods)}"


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
        yield from _when(f"{path}.when", action.when)
        yield from _parameters(f"{path}.parameters", action)


def _parameters(path: str, action: Action) -> Iterator[Problem]:
    for name, parameter in action.parameters.items():
        if not _WORD.fullmatch(name):
            yield f"{path}.{name}", "a parameter's name must be a word"
        for i, value in enumerate(parameter.values):
            if not _fits(value, parameter):
                problem = f"{_shown(value)} is not of the type {parameter.type}"
                yield f"{path}.{name}.values[{i}]", problem


def _fits(value: str | float, parameter: Parameter) -> bool:
    boolean = isinstance(value, bool)
    return isinstance(value, _TYPES[parameter.type]) and boolean == (parameter.type == "boolean")


def _fact_problems(path: str, facts: list[Fact]) -> Iterator[Problem]:
    for i, fact in enumerate(facts):
        yield from _filled(fact, ("text",), f"{path}[{i}].")
        yield from _when(f"{path}[{i}].when", fact.when)


def _when(path: str, condition: str) -> Iterator[Problem]:
    if condition:
        try:
            compile_condition(condition)
        except ValueError as error:
            yield path, f"not a condition: {error}"


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
