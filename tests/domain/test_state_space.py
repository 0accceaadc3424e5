"""Which states conditions tell apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.conditions import holds
from dialogue_server.domain.state_space import (
    MAX_COMBINATIONS,
    can_hold,
    compared_values,
    state_space,
)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([""], True),
        (["lamp == 'lit'"], True),
        (["lamp == 'lit' and lamp == 'dark'"], False),
        (["lamp == 'lit'", "lamp == 'dark'"], False),
        (["lamp == 'lit'", "lamp != 'dark'"], True),
        (["gold > 5 and gold < 6"], True),
        (["gold > 5 and gold < 5"], False),
        (["5 < gold and gold <= 5"], False),
        (["gold >= -3 and gold < -2"], True),
        (["a in ['x', 'y'] and a == 'z'"], False),
        (["a in ['x', 'y'] and a not in ['x']"], True),
        (["a and not a"], False),
        (["a and a != true"], True),
        (["not a and a != false"], True),
        (["a == true and a == false"], False),
        (["a if b else c"], True),
        (["'x' in bag and 'y' in bag"], True),
        (["'x' in bag and 'x' not in bag"], None),
        (["a|lower == 'X'"], None),
        (["a == 'x' and a.b"], None),
        (["a == -b and a == b + 1 and a == 'x'"], None),
        (["a == ['x'] and a == ['y']"], None),
        (["a < 'b' and a > 'c'"], None),
        (["a == [b]"], None),
        (["a == -'x'"], None),
        (["1 < a < 3 and a == 5"], None),
        (["a[0] == 1 and a == 2"], None),
        (["state['old mill'].open and not state['old mill'].open"], False),
        (["state"], True),
        (["true"], True),
        (["1 == 2"], None),
        (["0"], False),
    ],
)
def test_a_contradiction_is_told_from_what_may_hold(
    conditions: list[str], expected: bool | None
) -> None:
    assert can_hold(*conditions) is expected


def test_there_is_one_state_for_each_way_in_which_the_conditions_hold() -> None:
    conditions = ["lamp == 'dark'", "lamp == 'lit'", "tide == 'low'", ""]
    space = state_space(conditions, {"lamp": "dark", "weather": "fog"})
    truths = {tuple(holds(c, setting.state) for c in conditions) for setting in space.settings}
    assert len(space.settings) == len(truths) == 6
    assert space.complete
    assert space.settings[0].state == {"lamp": "dark", "weather": "fog"}
    assert space.settings[0].values == ('lamp = "dark"', "tide = nothing")
    assert all(setting.state["weather"] == "fog" for setting in space.settings)


def test_values_are_shown_as_a_file_has_them() -> None:
    space = state_space(["war.on", "gold == 3"], {"war": {"on": True}, "gold": 3})
    assert space.settings[0].values == ("war.on = true", "gold = 3")
    off = [setting.values for setting in space.settings if setting.state.get("gold") == 3][1:]
    assert ("war.on = false", "gold = 3") in off or ("war.on = nothing", "gold = 3") in off


def test_what_stands_in_the_way_of_a_path_gives_way() -> None:
    space = state_space(["quest.lamp"], {"quest": "none"})
    assert {holds("quest.lamp", setting.state) for setting in space.settings} == {True, False}


def test_too_many_states_are_cut_and_that_is_said() -> None:
    space = state_space([f"a{n}" for n in range(6)], {}, limit=10)
    assert len(space.settings) == 10
    assert not space.complete


def test_of_too_many_combinations_every_two_paths_are_tried() -> None:
    count = 16
    assert 2**count > MAX_COMBINATIONS
    conditions = [f"a{n}" for n in range(count)]
    space = state_space(conditions, {}, limit=1000)
    truths = {tuple(holds(c, setting.state) for c in conditions) for setting in space.settings}
    assert len(truths) == 1 + count + count * (count - 1) // 2
    assert not space.complete
    assert can_hold(*conditions) is None


PATHS = st.sampled_from(["a", "b", "q.c"])
CONSTANTS = st.sampled_from(["'x'", "'y'", "1", "2", "true", "false", "none"])
ATOMS = st.one_of(
    PATHS,
    st.builds("{} {} {}".format, PATHS, st.sampled_from(["==", "!="]), CONSTANTS),
    st.builds("{} {} {}".format, PATHS, st.sampled_from(["<", ">="]), st.sampled_from("123")),
    st.builds("{} in ['x', 2]".format, PATHS),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not {}".format, inner),
    ),
    max_leaves=4,
)
VALUES = st.sampled_from(["x", "y", "z", 0, 1, 1.5, 2, 3, True, False, None, [], "", -7])
STATES = st.fixed_dictionaries(
    {}, optional={"a": VALUES, "b": VALUES, "q": st.fixed_dictionaries({}, optional={"c": VALUES})}
)


@given(condition=CONDITIONS, state=STATES)
def test_what_is_called_a_contradiction_holds_in_no_state(
    condition: str, state: dict[str, Any]
) -> None:
    if holds(condition, state):
        assert can_hold(condition) is True


@given(conditions=st.lists(CONDITIONS, max_size=3), state=STATES)
def test_no_state_is_unlike_all_of_a_complete_space(
    conditions: list[str], state: dict[str, Any]
) -> None:
    space = state_space(conditions, {}, limit=1000)
    truths = {tuple(holds(c, setting.state) for c in conditions) for setting in space.settings}
    if space.complete:
        assert tuple(holds(c, state) for c in conditions) in truths


def test_the_values_that_a_path_is_compared_with_are_told_once_each_and_by_type() -> None:
    conditions = ["lamp == 'dark'", "lamp == 'lit' and gold > 3", "lamp == 'dark'", "gold == true"]
    assert compared_values(["", *conditions, "door.open"]) == {
        ("door", "open"): [True],
        ("gold",): [3, True],
        ("lamp",): ["dark", "lit"],
    }
