"""The states that conditions can tell apart: every one of them, or as many as are wanted.

Conditions compare paths with constants, so only where a value lies among those constants makes
a difference: each of them, something beside and between them, and nothing at all.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from .conditions import holds, reads

MAX_COMBINATIONS = 20_000
"""Combinations of values that are tried before only pairs of paths are."""
OTHER = "something else"
"""Stands for any text that no condition names."""

Path = tuple[str, ...]


class _Missing:
    """What a path has in a state without it."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()


class Setting(Struct, frozen=True):
    """A state, and what of it the conditions look at, as `quest.mine = "flooded"`."""

    state: dict[str, Any]
    values: tuple[str, ...]


class StateSpace(Struct, frozen=True):
    """One state for each way in which the conditions can hold together. `complete` if none is
    missing."""

    settings: tuple[Setting, ...]
    complete: bool


def state_space(
    conditions: Iterable[str], base: Mapping[str, Any], *, limit: int = 200
) -> StateSpace:
    """The states that the conditions tell apart, laid over `base`, which comes first. More than
    `limit` are left out."""
    wanted = list(dict.fromkeys(filter(None, conditions)))
    constants, exact = _constants(wanted)
    found: dict[tuple[bool, ...], Setting] = {}
    complete = exact
    combinations, whole = _combinations({path: _values(of) for path, of in constants.items()})
    for values in itertools.chain([{}], combinations):
        state = _laid(base, values)
        key = tuple(holds(condition, state) for condition in wanted)
        if key in found:
            continue
        if len(found) == limit:
            complete = False
            break
        shown = {path: _value_at(state, path) for path in constants}
        lines = tuple(f"{'.'.join(path)} = {_shown(value)}" for path, value in shown.items())
        found[key] = Setting(state, lines)
    return StateSpace(tuple(found.values()), complete and whole)


def can_hold(*conditions: str) -> bool | None:
    """Whether there is a state in which all of them hold; None if that cannot be told."""
    wanted = list(filter(None, conditions))
    constants, exact = _constants(wanted)
    combinations, whole = _combinations({path: _values(of) for path, of in constants.items()})
    for values in itertools.chain([{}], combinations):
        state = _laid({}, values)
        if all(holds(condition, state) for condition in wanted):
            return True
    return False if exact and whole else None


def compared_values(conditions: Iterable[str]) -> dict[Path, list[Any]]:
    """For each path that the conditions look at, the values that they compare it with, in the
    order of the conditions; true for a path that is looked at by itself."""
    constants, _ = _constants(list(dict.fromkeys(filter(None, conditions))))
    found: dict[Path, list[Any]] = {}
    for path, values in sorted(constants.items()):
        distinct = found[path] = []
        for value in values:
            if not any(type(value) is type(old) and value == old for old in distinct):
                distinct.append(value)
    return found


def _constants(conditions: Sequence[str]) -> tuple[dict[Path, list[Any]], bool]:
    """The constants beside each path, and whether they are all that counts."""
    constants: dict[Path, list[Any]] = {}
    exact = True
    for condition in conditions:
        found = reads(condition)
        exact = exact and found.exact
        for path, values in found.constants.items():
            constants.setdefault(path, []).extend(values)
    # A value cannot be a text and hold others at the same time.
    nested = any(a != b and b[: len(a)] == a for a in constants for b in constants)
    return constants, exact and not nested


def _values(constants: Sequence[Any]) -> list[Any]:
    """One value for each place among the constants."""
    numbers = sorted({value for value in constants if _is_number(value)})
    values: list[Any] = []
    for value in [MISSING, *constants, *_between(numbers), OTHER]:
        if not any(type(value) is type(old) and value == old for old in values):
            values.append(value)
    texts = [value for value in constants if isinstance(value, str)]
    if texts:  # for a path that is a list of them
        values.append(list(dict.fromkeys(texts)))
    if any(value is True for value in constants):
        values.append(False)
    return values


def _between(numbers: Sequence[float]) -> Iterator[float]:
    if numbers:
        yield numbers[0] - 1
        yield from ((low + high) / 2 for low, high in itertools.pairwise(numbers))
        yield numbers[-1] + 1


def _combinations(values: dict[Path, list[Any]]) -> tuple[Iterator[dict[Path, Any]], bool]:
    """All combinations, or where they are too many those of every two paths; and which."""
    paths = list(values)
    count = 1
    for options in values.values():
        count *= len(options)
    if count <= MAX_COMBINATIONS:
        every = itertools.product(*values.values())
        return (dict(zip(paths, chosen, strict=True)) for chosen in every), True
    return (
        {first: a, second: b}
        for first, second in itertools.combinations(paths, 2)
        for a, b in itertools.product(values[first], values[second])
    ), False


def _laid(base: Mapping[str, Any], values: Mapping[Path, Any]) -> dict[str, Any]:
    """`base` with the values set; what is nothing is taken away."""
    state = dict(base)
    for path, value in values.items():
        here = state
        for key in path[:-1]:
            inner = here.get(key)
            here[key] = dict(inner) if isinstance(inner, dict) else {}
            here = here[key]
        if value is MISSING:
            here.pop(path[-1], None)
        else:
            here[path[-1]] = value
    return state


def _value_at(state: Mapping[str, Any], path: Path) -> Any:
    value: Any = state
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return MISSING
        value = value[key]
    return value


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
