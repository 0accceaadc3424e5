"""Why a frame is no message: names the field and what was expected, for a developer to read.

Runs only after the fast decoder has refused a frame. It takes the frame apart one level deep
and decodes field by field, so the first one that fails is the one to name; that works the
same way for both encodings.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

import msgspec
from msgspec import Raw, Struct

from .wire_types import LAST_TYPE, Kind, Side

MAX_DEPTH = 64
"""How deep free-form values may nest. Protects both ends' recursive code; a server's own limit
on state (`limits.state_depth`) is lower."""

_MAX_QUOTED = 64


class Fault(Struct, frozen=True):
    """What is wrong with a frame, and what of it could be read all the same."""

    detail: str
    kind: Kind | None = None
    conversation: str = ""
    line: str = ""
    turn: int = 0


def diagnose(side: Side, text: bool, frame: bytes | str, cause: Exception) -> Fault | int | str:
    """Explain why `frame` was refused with `cause`; or, where only its type is unknown, give
    that: a number in msgpack, a name in JSON."""
    try:
        found = _split_json(side, frame) if text else _split_msgpack(side, frame)
    except REFUSALS as error:
        return Fault(_whole(text, error))
    if not isinstance(found, _Parts):
        return found
    kind, parts = found.kind, found.parts
    decode = msgspec.json.decode if text else msgspec.msgpack.decode

    def peek(name: str, type_: type) -> Any:
        try:
            value: Any = decode(parts[name], type=type_)
        except (KeyError, *REFUSALS):
            return type_()
        return value if type_ is int or len(value) <= _MAX_QUOTED else type_()

    return Fault(
        _first_fault(kind, parts, decode, text, cause),
        kind=kind,
        conversation=peek("conversation", str),
        line=peek("line", str),
        turn=peek("turn", int),
    )


REFUSALS = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What msgspec raises on a bad frame (ValidationError is a DecodeError)."""


class _Parts(Struct):
    kind: Kind
    parts: dict[str, Raw]


_ARRAY = msgspec.msgpack.Decoder(list[Raw])
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


def _split_msgpack(side: Side, frame: Any) -> _Parts | Fault | int | str:
    try:
        items = _ARRAY.decode(frame)
    except msgspec.ValidationError as error:
        return Fault(f"the message: {_prose(error)[0]}; its first item is the type")
    if not items:
        return Fault("the message: expected an array led by the type, got an empty one")
    try:
        number = msgspec.msgpack.decode(items[0], type=int)
    except msgspec.ValidationError as error:
        return Fault(f"the type: {_prose(error)[0]}")
    if not 0 <= number <= LAST_TYPE:
        return Fault(f"the type: expected 0 to {LAST_TYPE}, got {number}")
    kind = side.by_number.get(number)
    if kind is None:
        return number
    names = [f.name for f in kind.fields]
    return _Parts(kind, dict(zip(names, items[1:], strict=False)))


def _split_json(side: Side, frame: Any) -> _Parts | Fault | int | str:
    try:
        parts = _OBJECT.decode(frame)
    except msgspec.ValidationError as error:
        return Fault(f'the message: {_prose(error)[0]}; its key "type" names it')
    if "type" not in parts:
        return Fault('the message: "type" is missing')
    try:
        name = msgspec.json.decode(parts["type"], type=str)
    except msgspec.ValidationError as error:
        return Fault(f'the message: "type": {_prose(error)[0]}')
    kind = side.by_name.get(name)
    return name if kind is None else _Parts(kind, parts)


def _first_fault(
    kind: Kind, parts: dict[str, Raw], decode: Any, text: bool, cause: Exception
) -> str:
    for f in kind.fields:
        raw = parts.get(f.name)
        if raw is None:
            if f.required:
                return f"{kind.name}.{f.name}: missing"
            continue
        try:
            decode(raw, type=f.type)
        except msgspec.ValidationError as error:
            problem, path = _prose(error)
            return f"{kind.name}.{f.name}{path}: {problem}"
        except REFUSALS as error:
            return f"{kind.name}.{f.name}: {_whole(text, error)}"
    # Every field is right by itself: a JSON key given twice, once wrongly, or nesting that
    # was too deep only from where the first decoder stood.
    return f"{kind.name}: {_whole(text, cause)}"


def free_form_fault(kind: Kind, message: Struct) -> Fault | None:
    """What in the message's free-form fields is not JSON, or nests too deep.

    msgpack can carry what JSON cannot: binary, timestamps, extensions, NaN, keys that are not
    strings. Refusing it here keeps both encodings equal.
    """
    for name in kind.free_form:
        problem = _value_fault(getattr(message, name), MAX_DEPTH)
        if problem is not None:
            return Fault(
                f"{kind.name}.{name}{problem}",
                kind=kind,
                conversation=getattr(message, "conversation", ""),
                turn=getattr(message, "turn", 0),
            )
    return None


def _value_fault(value: Any, depth: int) -> str | None:
    """The path to the fault and the fault, or None. Recursion is bounded by `depth`."""
    if value is None or isinstance(value, str | bool):
        return None
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else ": expected an integer of 64 bits"
    if isinstance(value, float):
        return None if isfinite(value) else f": expected a finite number, got {value}"
    if not isinstance(value, dict | list):
        return f": expected a JSON value, got {type(value).__name__}"
    if depth == 0:
        return f": nested deeper than {MAX_DEPTH} levels"
    if isinstance(value, list):
        for index, item in enumerate(value):
            problem = _value_fault(item, depth - 1)
            if problem is not None:
                return f"[{index}]{problem}"
        return None
    for key, item in value.items():
        if not isinstance(key, str):
            return f": expected keys that are strings, got {key!r:.{_MAX_QUOTED}}"
        problem = _value_fault(item, depth - 1)
        if problem is not None:
            return f".{key:.{_MAX_QUOTED}}{problem}"
    return None


_NOUNS = {
    "array": "an array",
    "bool": "true or false",
    "bytes": "binary",
    "datetime": "a timestamp",
    "ext": "an extension",
    "float": "a number with a fraction",
    "int": "an integer",
    "null": "null",
    "None": "null",
    "object": "a map",
    "str": "a string",
}
_UNITS = {"str": "characters", "array": "items"}


def _prose(error: Exception) -> tuple[str, str]:
    """msgspec's sentence as ours, and the path in it below the value that was decoded."""
    problem, _, place = str(error).partition(" - at `")
    path = re.sub(r"^.*\$|`$", "", place)
    missing = re.fullmatch(r"Object missing required field `(\w+)`", problem)
    if missing:
        return "missing", f"{path}.{missing[1]}"
    if place.startswith("key"):
        return f"expected keys that are strings, got {_NOUNS[problem.split('`')[-2]]}", path
    length = re.search(r"`(\w+)` of (?:at least )?length (>=|<=|) ?(\d+)", problem)
    if length:
        bound = "at most" if length[2] == "<=" else "at least"
        return f"expected {bound} {length[3]} {_UNITS[length[1]]}", path
    problem = re.sub(r"`([\w| ]+)`", _nouns, problem)
    return problem[0].lower() + problem[1:], path


def _nouns(types: re.Match[str]) -> str:
    return " or ".join(_NOUNS.get(name, name) for name in types[1].split(" | "))


def _whole(text: bool, error: Exception) -> str:
    """What is wrong with a frame as a whole."""
    encoding = "JSON" if text else "msgpack"
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, UnicodeError):
        return "invalid UTF-8"
    reason = str(error)
    if "truncated" in reason:
        return f"truncated {encoding}: the frame ends in the middle of a value"
    if "trailing" in reason:
        return "more bytes follow the message; a frame carries exactly one"
    return f"not {encoding}: {reason.partition(': ')[2] or reason}"
