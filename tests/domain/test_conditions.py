from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.conditions import (
    MAX_LENGTH,
    Outcome,
    compile_condition,
    evaluate,
    holds,
    reads,
)

STATE: dict[str, Any] = {
    "quest": {"mine": "flooded", "items": 3, "keys": ["red"], "_secret": True},
    "gold": 5,
    "share": 0.5,
    "tags": ["a", "b"],
    "old-mill": {"open": True},
    "nothing": None,
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("", True),
        ("quest.mine == 'flooded'", True),
        ('quest["mine"] != "flooded"', False),
        ("gold >= 5 and not quest.done", True),
        ("gold > 5 or share < 1", True),
        ("quest.items == 3", True),
        ("'red' in quest.keys", True),
        ("tags[0] == 'a'", True),
        ("tags[9] == 'a'", False),
        ("tags['x'] == 'a'", False),
        ("gold[0] == 5", False),
        ("quest[tags] == 1", False),
        ("'a' in tags and 'c' not in tags", True),
        ("quest._secret", True),
        ("state['old-mill'].open", True),
        ("gold * 2 + 1 == 11 and gold % 2 == 1", True),
        ("gold // 2 == 2 and -gold < 0 and +gold == 5 and gold / 2 == 2.5 and gold - 1 == 4", True),
        ("quest.mine + '!' == 'flooded!'", True),
        ("(gold if share else 0) == 5", True),
        ("quest.mine|upper == 'FLOODED' and tags|length == 2", True),
        ("gold is odd and quest.done is undefined", True),
        ("gold in (1, 5) and gold in [5]", True),
        ("nothing is none and not nothing", True),
        # what the state does not have
        ("absent", False),
        ("not absent", True),
        ("absent.deep.path", False),
        ("absent['x'][0].y", False),
        ("absent == absent", False),
        ("absent == none", False),
        ("absent != 3", True),
        ("absent > 3 or absent < 3 or absent >= 3 or absent <= 3", False),
        ("3 > absent or 3 < absent", False),
        ("'a' in absent", False),
        ("absent in tags", False),
        ("absent in (absent, 1)", False),
    ],
)
def test_conditions_on_the_state(expression: str, expected: bool) -> None:
    assert evaluate(expression, STATE) == Outcome(expected, "")
    assert holds(expression, STATE) is expected


@pytest.mark.parametrize(
    "expression",
    [
        "quest.__class__",
        "quest['__class__']",
        "gold.real",
        "gold.__class__.__mro__",
        "tags.append",
        "quest.mine.upper",
        "quest.mine.format",
        "tags[0].__class__",
        "absent.__class__",
        "absent._fail_with_undefined_error",
        "tags.__len__",
    ],
)
def test_paths_reach_no_attribute_of_a_python_object(expression: str) -> None:
    assert not holds(expression, STATE)
    assert not holds(f"({expression}) is defined", STATE)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("quest.mine = 'x'", "write == instead of ="),
        ("gold && share", "write and, or, not"),
        ("!gold", "write and, or, not"),
        ("gold AND share", "in small letters"),
        ("quest.mine == ‘open’", "write straight quotation marks"),
        ("gold ==", "end of the condition"),
        ("gold gold", "gold is not understood here"),
        ("gold >", "end of the condition"),
        ("(gold", "')'"),
        ("quest[", "end of the condition"),
        (" ", "empty"),
        ("gold()", "Call is not allowed"),
        ("quest.mine.upper()", "Call is not allowed"),
        ("range(9)", "Call is not allowed"),
        ("2 ** 99", "Pow is not allowed"),
        ("gold ~ 'x'", "Concat is not allowed"),
        ("{'a': 1}", "Dict is not allowed"),
        ("tags[0:1]", "Slice is not allowed"),
        ("gold|pprint", "unknown filter pprint"),
        ("tags|map('upper')", "unknown filter map"),
        ("gold is callable", "unknown test callable"),
        ("1) }}{{ (2", ")"),
        ("x" * (MAX_LENGTH + 1), f"longer than {MAX_LENGTH} characters"),
        ("-" * 450 + "1", "nested too deeply"),
        ("(" * 240 + "1" + ")" * 240, "nested too deeply"),
    ],
)
def test_what_is_not_a_condition_is_refused_with_a_mend(expression: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        compile_condition(expression)
    assert said in str(caught.value)
    assert evaluate(expression, STATE) == Outcome(False, str(caught.value))


@pytest.mark.parametrize(
    "expression",
    [
        "gold > 'a'",
        "gold / 0",
        "quest.mine * 1000000 == 1",
        "tags * 1000000",
        "'%s' % gold",
        "absent + 1",
        "tags + tags",
        "gold is divisibleby 0",
    ],
)
def test_what_fails_does_not_hold_and_says_why(expression: str) -> None:
    outcome = evaluate(expression, STATE)
    assert not outcome.holds
    assert outcome.problem.startswith(f"{expression}: ")


def test_a_condition_is_compiled_once() -> None:
    assert compile_condition("gold > 1") is compile_condition("gold > 1")
    assert compile_condition("gold > 1").expression == "gold > 1"


_TOKENS = ["gold", "quest", ".mine", "absent", "==", "and", "not", "(", ")", "[0]", "'a'", "in"]
_TOKENS += ["tags", "|lower", "is", "none", "*", "3", "|", "{", "}", "#", "%", "__class__", "."]


@given(st.lists(st.sampled_from(_TOKENS), max_size=10).map(" ".join))
def test_no_expression_raises(expression: str) -> None:
    assert isinstance(evaluate(expression, STATE), Outcome)


@pytest.mark.parametrize(
    ("expression", "constants", "exact"),
    [
        ("", {}, True),
        ("quest.mine == 'open' or quest.mine == 'dry'", {("quest", "mine"): ("open", "dry")}, True),
        ("not state['old mill'].open", {("old mill", "open"): (True,)}, True),
        ("gold >= -5", {("gold",): (-5,)}, True),
        ("name < 'b'", {("name",): ("b",)}, False),
        ("mine in ['a', 'b']", {("mine",): ("a", "b")}, True),
        ("'lamp' in bag", {("bag",): ("lamp",)}, False),
        ("bag == ['lamp']", {("bag",): ("lamp",)}, False),
        ("gold + 1 > 3", {("gold",): (True, 1, 3)}, False),
        ("quest.a == quest.b", {("quest", "a"): (True,), ("quest", "b"): (True,)}, False),
        ("bag[0] == 'x'", {("bag",): (True, 0, "x")}, False),
        ("a == -'x'", {("a",): (True, "x")}, False),
        ("a == [b, 1]", {("a",): (True, 1), ("b",): (True, 1)}, False),
        ("1 == 2", {}, False),
        ("true", {}, True),
    ],
)
def test_what_a_condition_looks_at_is_known(
    expression: str, constants: dict[tuple[str, ...], tuple[object, ...]], exact: bool
) -> None:
    found = reads(expression)
    assert (found.constants, found.exact) == (constants, exact)
