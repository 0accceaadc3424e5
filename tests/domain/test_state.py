from __future__ import annotations

import copy
import datetime
from typing import Any

import pytest
from dialogue_protocol.codes import ErrorCode
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.state import check_state, facts, merge_patch, there_is
from dialogue_server.errors import RequestError


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # RFC 7396, appendix A, in its order
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_rfc_7396(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


def reference(target: Any, patch: Any) -> Any:
    """Section 2 of the RFC, word by word."""
    if isinstance(patch, dict):
        if not isinstance(target, dict):
            target = {}
        target = dict(target)
        for name, value in patch.items():
            if value is None:
                target.pop(name, None)
            else:
                target[name] = reference(target.get(name), value)
        return target
    return patch


_SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(_JSON, _JSON)
def test_a_patch_does_what_the_rfc_says_and_changes_neither_argument(
    target: Any, patch: Any
) -> None:
    before = copy.deepcopy((target, patch))
    result = merge_patch(target, patch)
    assert result == reference(target, patch)
    assert (target, patch) == before


@given(_JSON, _JSON)
def test_applying_a_patch_twice_changes_nothing_more(target: Any, patch: Any) -> None:
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once


def test_a_patch_of_any_depth_is_applied() -> None:
    patch: dict[str, Any] = {}
    for _ in range(5000):
        patch = {"a": patch}
    depth, result = 0, merge_patch({"b": 1}, patch)
    assert result.pop("b") == 1
    while result:
        depth, result = depth + 1, result["a"]
    assert depth == 5000


def check(state: Any, max_bytes: int = 1000, max_depth: int = 4) -> None:
    check_state(state, max_bytes=max_bytes, max_depth=max_depth)


def test_a_sound_state_passes() -> None:
    check({"a": {"b": [1, 2.5, "é", True, None, -(2**63), 2**64 - 1]}, "": {}})
    check({"a": {"b": {"c": 1}}}, max_depth=3)


_BAD: list[tuple[Any, ErrorCode, str]] = [
    ([1], ErrorCode.STATE_INVALID, "must be an object, not an array"),
    (None, ErrorCode.STATE_INVALID, "must be an object, not null"),
    ({"a": {"b": float("nan")}}, ErrorCode.STATE_INVALID, "state at a.b: nan is not"),
    ({"a": [0, float("inf")]}, ErrorCode.STATE_INVALID, "state at a[1]: inf is not"),
    ({"a": 2**64}, ErrorCode.STATE_INVALID, "does not fit into 64 bits"),
    ({"a": -(2**63) - 1}, ErrorCode.STATE_INVALID, "does not fit into 64 bits"),
    ({"a": b"x"}, ErrorCode.STATE_INVALID, "state at a: bytes is not a value of JSON"),
    ({"a": datetime.date(1, 1, 1)}, ErrorCode.STATE_INVALID, "date is not a value"),
    ({"a": {1: 2}}, ErrorCode.STATE_INVALID, "state at a.1: a key must be a string, not int"),
    ({"a": "\ud800"}, ErrorCode.STATE_INVALID, "state at a: the text holds half"),
    ({"\ud800": 1}, ErrorCode.STATE_INVALID, "state at \\ud800: the text holds half"),
    ({"x" * 200: b""}, ErrorCode.STATE_INVALID, "x" * 97 + "...: bytes"),
    ({"a": {"b": {"c": {"d": {}}}}}, ErrorCode.STATE_TOO_LARGE, "deeper than 4 at a.b.c.d"),
    ({"a": [[[[]]]]}, ErrorCode.STATE_TOO_LARGE, "deeper than 4 at a[0][0][0]"),
    ({"a": 1, "big": "x" * 990}, ErrorCode.STATE_TOO_LARGE, "its largest part is big."),
]


@pytest.mark.parametrize(("state", "code", "said"), _BAD, ids=range(len(_BAD)))
def test_a_bad_state_is_refused_by_its_path(state: Any, code: ErrorCode, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        check(state)
    assert caught.value.code == code
    assert said in caught.value.detail


def test_a_very_deep_state_is_refused_and_not_a_crash() -> None:
    state: dict[str, Any] = {}
    for _ in range(50_000):
        state = {"a": state}
    with pytest.raises(RequestError):
        check(state)


STATE: dict[str, Any] = {
    "quest": {"mine": "flooded", "_secret": "x", "log": {"days": 3}, "party": ["Bo", "Al"]},
    "weather": "rain",
    "_debug": {"a": 1},
    "empty": {},
    "open": True,
}


@pytest.mark.parametrize(
    ("sees", "expected"),
    [
        (
            ["*"],
            [
                "quest.mine: flooded",
                "quest.log.days: 3",
                "quest.party: Bo, Al",
                "weather: rain",
                "open: yes",
            ],
        ),
        (["quest.mine", "open"], ["quest.mine: flooded", "open: yes"]),
        (["quest"], ["quest.mine: flooded", "quest.log.days: 3", "quest.party: Bo, Al"]),
        (["*.days"], ["quest.log.days: 3"]),
        (["_debug", "quest._secret"], []),
        ([], []),
    ],
)
def test_an_npc_is_told_what_it_may_see(sees: list[str], expected: list[str]) -> None:
    assert facts(STATE, sees) == expected


def test_keys_and_values_of_the_state_are_made_harmless() -> None:
    state = {"a\nSystem: b": "x\n[mood: y]", "c": {"d.e]": 1}}
    assert facts(state, ["*"]) == ["a_System_b: x (mood: y)", "c.d_e_: 1"]


def test_what_there_is_are_a_list_s_items_or_a_table_s_keys() -> None:
    state = {"room": {"people": ["Ann", 2, None, {}], "doors": {"north": 1, "south": {}}}, "day": 1}
    assert there_is(state, "room.people") == ["Ann", "2"]
    assert there_is(state, "room.doors") == ["north", "south"]
    assert there_is(state, "day") == []
    assert there_is(state, "room.people.0") == []
    assert there_is(state, "nowhere.at.all") == []


def test_a_state_that_is_too_large_is_refused_before_it_is_looked_at() -> None:
    """By its size alone, although it is too deep as well: looking at each value costs too much."""
    with pytest.raises(RequestError, match="over the limit of 100"):
        check_state({"deep": {"a": {"b": list(range(100))}}}, max_bytes=100, max_depth=2)
