"""The game's state: patched, checked, and told to an NPC as named facts.

The state is a JSON object. A segment of a path that begins with "_" is for conditions only: it
never enters a prompt.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec
from dialogue_protocol.codes import ErrorCode

from ..errors import RequestError
from . import untrusted

_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply a JSON Merge Patch (RFC 7396, section 2). Changes neither argument; the result may
    share parts with the target. Without recursion, since a patch may be as deep as a message
    allows and is checked only as part of the result."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    todo = [(result, patch)]
    while todo:
        here, changes = todo.pop()
        for key, value in changes.items():
            if value is None:
                here.pop(key, None)
            elif isinstance(value, dict):
                before = here.get(key)
                here[key] = dict(before) if isinstance(before, dict) else {}
                todo.append((here[key], value))
            else:
                here[key] = value
    return result


def check_state(state: Any, *, max_bytes: int, max_depth: int) -> None:
    """Raise a RequestError (STATE_INVALID, STATE_TOO_LARGE) that names the path unless `state`
    is a JSON object of at most `max_bytes` as JSON, nested at most `max_depth` deep."""
    if not isinstance(state, dict):
        raise RequestError(
            ErrorCode.STATE_INVALID, f"the state must be an object, not {_kind(state)}"
        )
    _check_size(state, max_bytes)  # first: the walk below costs a hundred times as much
    todo: list[tuple[str, Any, int]] = [("", state, 1)]
    while todo:
        path, value, depth = todo.pop()
        if depth > max_depth and isinstance(value, dict | list):
            raise RequestError(
                ErrorCode.STATE_TOO_LARGE,
                f"the state is nested deeper than {max_depth} at {_short(path)}; flatten it",
            )
        if isinstance(value, dict):
            for key, item in value.items():
                where = f"{path}.{key}" if path else str(key)
                if not isinstance(key, str):
                    raise _invalid(where, f"a key must be a string, not {_kind(key)}")
                _check_text(where, key)
                todo.append((where, item, depth + 1))
        elif isinstance(value, list):
            todo.extend((f"{path}[{i}]", item, depth + 1) for i, item in enumerate(value))
        else:
            _check_scalar(path, value)


def _check_size(state: dict[str, Any], max_bytes: int) -> None:
    try:
        size = len(msgspec.json.encode(state))
    except (TypeError, ValueError, OverflowError, RecursionError):
        return  # holds what is no JSON: the walk finds where
    if size > max_bytes:
        largest = max(state, key=lambda key: len(msgspec.json.encode(state[key])))
        raise RequestError(
            ErrorCode.STATE_TOO_LARGE,
            f"the state is {size} bytes as JSON, over the limit of {max_bytes}; its largest "
            f"part is {_short(largest)}. Send what NPCs may know of, not the whole save game",
        )


def facts(state: dict[str, Any], sees: list[str]) -> list[str]:
    """What an NPC may know of the state, as lines like `quest.mine: flooded`, in the state's
    order. `sees` are patterns on dotted paths (`quest.*`, `weather`); one that matches an
    object takes in everything below it."""
    return [f"{label}: {untrusted.value(value)}" for label, value in _seen(state, ("", ""), sees)]


def there_is(state: Mapping[str, Any], path: str) -> list[str]:
    """What a dotted path of the state holds, by name: a list's items, or a table's keys. Nothing
    where it holds neither."""
    here: Any = state
    for key in path.split("."):
        here = here.get(key) if isinstance(here, Mapping) else None
    if isinstance(here, Mapping):
        return [str(key) for key in here]
    if isinstance(here, list):
        return [str(item) for item in here if isinstance(item, str | int | float)]
    return []


def _seen(
    state: dict[str, Any], above: tuple[str, str], sees: list[str] | None
) -> Iterator[tuple[str, Any]]:
    """The values that are seen, each with its label. `above` is the path so far, as it is and as
    it is shown; `sees` is None below something seen."""
    for key, value in state.items():
        if key.startswith("_"):
            continue
        path, label = above[0] + key, above[1] + untrusted.key(key)
        seen = sees is None or any(fnmatchcase(path, pattern) for pattern in sees)
        if isinstance(value, dict):
            yield from _seen(value, (f"{path}.", f"{label}."), None if seen else sees)
        elif seen:
            yield label, value


def _check_scalar(path: str, value: Any) -> None:
    if isinstance(value, str):
        _check_text(path, value)
    elif isinstance(value, bool) or value is None:
        pass
    elif isinstance(value, int):
        if not _SMALLEST <= value <= _LARGEST:
            raise _invalid(path, "the number does not fit into 64 bits")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _invalid(path, f"{value} is not a number of JSON")
    else:
        raise _invalid(path, f"{_kind(value)} is not a value of JSON")


def _check_text(path: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _invalid(path, "the text holds half a surrogate pair") from None


def _invalid(path: str, problem: str) -> RequestError:
    return RequestError(ErrorCode.STATE_INVALID, f"state at {_short(path)}: {problem}")


def _short(path: str) -> str:
    """A path fit for an error: visible, and not as long as a hostile client likes."""
    path = path.encode("ascii", "backslashreplace").decode()
    return path if len(path) <= 100 else path[:97] + "..."


def _kind(value: Any) -> str:
    names = {str: "a string", list: "an array", type(None): "null", bool: "a boolean"}
    return names.get(type(value), type(value).__name__)
