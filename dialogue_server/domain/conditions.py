"""Conditions on the game state: `quest.mine == "flooded" and player.gold >= 10`.

Sole owner of jinja2, whose expressions designers may know; of them, only comparisons, `and`,
`or`, `not`, `in`, arithmetic, `a if b else c`, a few tests and filters, and paths into the
state are allowed. There are no calls and no attributes of Python objects: a path looks up keys
and list positions, nothing else. The cost is bounded by the expression's size and the state's.

A name or path that the state does not have is false, and so is any comparison with it but
`!=`. The whole state is also there as `state`, for keys that are not names:
`state["old-mill"].open`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jinja2
from jinja2 import nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_LENGTH = 500
"""Characters in an expression."""

_FILTERS = frozenset(
    {"lower", "upper", "trim", "length", "count", "int", "float", "abs", "default"}
)
_TESTS = frozenset(
    {
        *("defined", "undefined", "none", "true", "false", "boolean", "number", "string"),
        *("integer", "float", "odd", "even", "divisibleby", "mapping", "sequence", "in"),
        *("eq", "ne", "lt", "le", "gt", "ge", "equalto", "lessthan", "greaterthan"),
    }
)
_ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod),
    *(nodes.Neg, nodes.Pos, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Const),
    *(nodes.List, nodes.Tuple, nodes.Filter, nodes.Test),
)


class Outcome(NamedTuple):
    """Whether a condition holds; `problem` says why it could not be evaluated, "" if it was."""

    holds: bool
    problem: str = ""


class _Missing(jinja2.ChainableUndefined):
    """A path the state does not have: false, equal to nothing, less and greater than nothing."""

    __slots__ = ()

    def _never(self, _other: object) -> bool:
        return False

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = _never  # type: ignore[assignment]

    def __ne__(self, _other: object) -> bool:
        return True

    __hash__ = jinja2.ChainableUndefined.__hash__


_ARITHMETIC = {"*": operator.mul, "%": operator.mod, "+": operator.add}


class _Environment(ImmutableSandboxedEnvironment):
    """Paths are keys and positions only; arithmetic is on numbers, `+` on short text too."""

    # `*` and `%` on text could make a short expression into a huge string.
    intercepted_binops = frozenset(_ARITHMETIC)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        text_sum = operator == "+" and isinstance(left, str) and isinstance(right, str)
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if not text_sum and not numbers:
            raise TypeError(f"{operator} takes two numbers")
        return _ARITHMETIC[operator](left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, jinja2.Undefined):
            return obj
        found = isinstance(obj, Mapping) or (
            isinstance(obj, list | tuple) and isinstance(argument, int)
        )
        try:
            if found:
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return self.undefined(name=str(argument))


_ENVIRONMENT = _Environment(undefined=_Missing, cache_size=0)
_ENVIRONMENT.globals.clear()


class Condition:
    """A compiled condition. Immutable; share it freely."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        try:
            _check(expression)
            self._evaluate = _ENVIRONMENT.compile_expression(expression, undefined_to_none=False)
        except jinja2.TemplateSyntaxError as error:
            message = str(error.message).replace("template", "the condition")
            raise ValueError(_mend(expression, message)) from None
        except (RecursionError, SyntaxError, MemoryError):  # of the parser, or of Python's
            raise ValueError("the condition is nested too deeply") from None

    def evaluate(self, state: Mapping[str, Any]) -> Outcome:
        """Whether it holds in `state`. Never raises: what cannot be evaluated does not hold."""
        try:
            return Outcome(bool(self._evaluate({"state": state, **state})))
        except Exception as error:
            return Outcome(False, f"{self.expression}: {error}")


@lru_cache(maxsize=1024)
def compile_condition(expression: str) -> Condition:
    """Compile an expression; raise ValueError with what is wrong and how to mend it."""
    return Condition(expression)


def evaluate(expression: str, state: Mapping[str, Any]) -> Outcome:
    """Whether `expression` holds in `state`; an empty one always does. Never raises."""
    if not expression:
        return Outcome(True)
    try:
        condition = compile_condition(expression)
    except ValueError as error:
        return Outcome(False, str(error))
    return condition.evaluate(state)


def holds(expression: str, state: Mapping[str, Any]) -> bool:
    """`evaluate` without the reason."""
    return evaluate(expression, state).holds


class Reads(NamedTuple):
    """What a condition looks at: each path with the constants that stand beside it. `exact` if
    it only compares single paths with constants, so that its truth depends on nothing else than
    where each path's value lies among them. A path alone counts as compared with true."""

    constants: dict[tuple[str, ...], tuple[Any, ...]]
    exact: bool


def reads(expression: str) -> Reads:
    """What a sound condition looks at; nothing for an empty one."""
    if not expression:
        return Reads({}, True)
    found: dict[tuple[str, ...], list[Any]] = {}
    exact = _read(Parser(_ENVIRONMENT, expression, state="variable").parse_expression(), found)
    return Reads({path: tuple(values) for path, values in found.items()}, exact)


def _read(node: nodes.Node, found: dict[tuple[str, ...], list[Any]]) -> bool:
    """Collect what a node looks at; whether that is all that counts."""
    path = _path(node)
    if path is not None:
        _add(found, path, [True])
        return True
    if isinstance(node, nodes.Const):
        return True
    if isinstance(node, nodes.And | nodes.Or | nodes.Not | nodes.CondExpr):
        exact = [_read(child, found) for child in node.iter_child_nodes()]  # none is skipped
        return all(exact)
    if isinstance(node, nodes.Compare) and len(node.ops) == 1:
        sides = [node.expr, node.ops[0].expr]
        paths = [path for side in sides if (path := _path(side)) is not None]
        constants = [values for side in sides if (values := _constants(side)) is not None]
        if len(paths) == len(constants) == 1:
            values = constants[0]
            _add(found, paths[0], values)
            kind = node.ops[0].op
            if kind in ("in", "notin"):
                return _path(sides[0]) is not None
            if isinstance(sides[1 if _path(sides[0]) is not None else 0], nodes.List | nodes.Tuple):
                return False
            return kind in ("eq", "ne") or all(_is_number(value) for value in values)
    return _read_all(node, found)


def _read_all(node: nodes.Node, found: dict[tuple[str, ...], list[Any]]) -> bool:
    """Take every constant for every path below: whatever this compares, they are among it."""
    below = [node, *node.find_all(nodes.Node)]
    values = [value.value for value in below if isinstance(value, nodes.Const)]
    paths = [(part, _path(part)) for part in below]
    inner = {
        id(part.node)
        for part, path in paths
        if path is not None and isinstance(part, nodes.Getattr | nodes.Getitem)
    }
    for part, path in paths:
        if path is not None and id(part) not in inner:
            _add(found, path, [True, *values])
    return False


def _add(found: dict[tuple[str, ...], list[Any]], path: tuple[str, ...], values: list[Any]) -> None:
    known = found.setdefault(path, [])
    kinds = {(type(value), value) for value in known}
    known += [value for value in values if (type(value), value) not in kinds]


def _path(node: nodes.Node) -> tuple[str, ...] | None:
    """`quest.mine` as its keys; None for anything else."""
    keys: list[str] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getattr):
            keys.append(node.attr)
        elif isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            keys.append(node.arg.value)
        else:
            return None
        node = node.node
    if not isinstance(node, nodes.Name):
        return None
    whole = [node.name, *reversed(keys)]
    return tuple(whole[1:] if whole[0] == "state" and len(whole) > 1 else whole)


def _constants(node: nodes.Node) -> list[Any] | None:
    if isinstance(node, nodes.Const):
        return [node.value]
    if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const):
        return [-node.node.value] if _is_number(node.node.value) else None
    if isinstance(node, nodes.List | nodes.Tuple):
        items = [item.value for item in node.items if isinstance(item, nodes.Const)]
        return items if len(items) == len(node.items) else None
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check(expression: str) -> None:
    """Refuse what is not a plain condition."""
    if len(expression) > MAX_LENGTH:
        raise ValueError(f"longer than {MAX_LENGTH} characters: put the logic into the game")
    if not expression.strip():
        raise ValueError(
            'empty: leave `when` out, or write a condition such as quest.mine == "open"'
        )
    parser = Parser(_ENVIRONMENT, expression, state="variable")
    root = parser.parse_expression()
    if not parser.stream.eos:
        problem = f"{parser.stream.current.value} is not understood here"
        raise ValueError(_mend(expression, problem))
    for node in (root, *root.find_all(nodes.Node)):
        _check_node(node)


def _check_node(node: nodes.Node) -> None:
    if not isinstance(node, _ALLOWED):
        kind = type(node).__name__
        raise ValueError(
            f"{kind} is not allowed: compare values of the state, with and, or, not, in"
        )
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        raise ValueError(f"unknown filter {node.name}: there are {', '.join(sorted(_FILTERS))}")
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise ValueError(f"unknown test {node.name}: there are {', '.join(sorted(_TESTS))}")


def _mend(expression: str, message: str) -> str:
    stripped = expression.replace("==", "").replace("!=", "").replace("<=", "").replace(">=", "")
    if "=" in stripped:
        return f"{message}; to compare, write == instead of ="
    if "&&" in expression or "||" in expression or "!" in stripped:
        return f"{message}; write and, or, not instead of &&, ||, !"
    if re.search(r"\b(AND|OR|NOT|IN)\b", expression):
        return f"{message}; write and, or, not, in in small letters"
    if re.search("[“”„‘’‚]", expression):
        return f"{message}; write straight quotation marks: 'like these'"
    return message
