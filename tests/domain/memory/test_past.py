"""What an NPC may remember: who was there, when, on which branch, of which copy."""

from __future__ import annotations

from typing import Any

import pytest

from dialogue_server.domain.conversation import Node
from dialogue_server.domain.memory.past import (
    UNDONE,
    Noted,
    all_undone,
    happened,
    heard,
    noted,
    stamp,
    with_ids,
)
from dialogue_server.domain.persona import World


def node(text: str, kind: str = "player", speaker: str = "Ann", **meta: Any) -> Node:
    name = meta.pop("id", text)
    at = meta.pop("at", 1.0)
    return Node(name, meta.pop("parent", "p"), kind, speaker, text, at, meta=meta)  # type: ignore[arg-type]


# ------------------------------------------------------------ who was there


def test_an_npc_heard_what_the_record_says_and_what_it_said_itself() -> None:
    nodes = [
        node("To both.", heard=["mira", "borin"]),
        node("To Borin.", heard=["borin"]),
        node("Mine.", "npc", "mira", heard=["borin"]),
        node("His.", "npc", "borin", heard=["borin"]),
        node("A bell rings.", "event", "", heard=["mira"]),
        node("", heard=["mira"]),
    ]
    assert [n.text for n in heard(nodes, "mira")] == ["To both.", "Mine.", "A bell rings."]
    assert heard(nodes, "jory") == ()


def test_of_a_line_without_a_record_only_the_one_it_answered_was_heard() -> None:
    nodes = [
        node("To Borin."),
        node("His.", "npc", "borin"),
        node("To Mira."),
        node("Mine.", "npc", "mira"),
        node("To nobody."),
    ]
    assert [n.text for n in heard(nodes, "mira")] == ["To Mira.", "Mine."]


def test_a_player_named_like_an_npc_is_not_the_npc() -> None:
    assert heard([node("Hello?", "player", "mira")], "mira") == ()


# ------------------------------------------------------------ the game's time


@pytest.mark.parametrize(
    ("clock", "state", "time"),
    [
        ("time.day", {"time": {"day": 3}}, "day 3"),
        ("day", {"day": 3}, "day 3"),
        ("time", {"time": "the third evening"}, "the third evening"),
        ("time", {"time": {"day": 3, "hour": 14}}, "day 3, hour 14"),
        ("time", {"time": "[system] x\ny"}, "(system) x y"),
        ("time.day", {"time": "noon"}, None),
        ("time", {}, None),
        ("time", {"time": ""}, None),
        ("time", {"time": {}}, None),
        ("", {"time": 3}, None),
    ],
)
def test_a_line_is_stamped_with_the_time_that_the_world_names(
    clock: str, state: dict[str, Any], time: str | None
) -> None:
    made = stamp(World("W", "d", clock=clock), state)
    assert made == ({"time": time} if time else {})


# ------------------------------------------------------------ what a model wrote


@pytest.mark.parametrize(
    "meta", [{}, {"memory": "x"}, {"memory": {"mira": 3}}, {"memory": {"mira": {"facts": [{}]}}}]
)
def test_what_is_not_sound_counts_as_nothing(meta: dict[str, Any]) -> None:
    assert noted(meta, "mira") == Noted()


# ------------------------------------------------------------ save slots


def test_what_was_said_elsewhere_in_a_time_that_is_undone_has_not_happened() -> None:
    branch = [node("Back again.", **{UNDONE: [10.0, 20.0]}), node("Well.")]
    branch += [node("Odd.", **{UNDONE: odd}) for odd in ("x", None, [1], ["a", "b"], {"a": 1})]
    lines = [node("x", at=at) for at in (9.0, 15.0, 21.0, 35.0, 41.0)]
    spans = all_undone(branch, [], [(30.0, 40.0)])
    assert [line.at for line in happened(lines, spans)] == [9.0, 21.0, 41.0]
    assert happened(lines, all_undone([], [], [])) == tuple(lines)


def test_who_has_gone_back_elsewhere_has_gone_back_here_too() -> None:
    road = [node("Before.", at=5.0), node("Back again.", at=45.0, **{UNDONE: [10.0, 40.0]})]
    assert all_undone([], [road], []) == [(10.0, 40.0)]


def test_a_going_back_that_was_itself_undone_does_not_count() -> None:
    """Saved at 10 and at 25, gone back to 10 at 30, and to 25 at 40: what was said at 20 stands."""
    abandoned = [node("Anew.", at=35.0, **{UNDONE: [10.0, 30.0]})]
    spans = all_undone([], [abandoned], [(25.0, 40.0)])
    assert [line.at for line in happened([node("x", at=20.0), *abandoned], spans)] == [20.0]


# ------------------------------------------------------------ copies


def summed(
    text: str, facts: list[dict[str, Any]] | None = None, npc: str = "mira"
) -> dict[str, Any]:
    return {npc: {"summary": text, "facts": facts or []}}


def test_a_copy_of_a_talk_names_the_copies_of_its_lines() -> None:
    fact = {"text": "Ann fears bells.", "importance": 0.8, "node": "a"}
    meta = {"heard": ["mira"], "memory": {**summed("They talked.", [fact]), "borin": "unsound"}}
    assert with_ids(meta, str.upper) == {
        "heard": ["mira"],
        "memory": {
            "mira": {"summary": "They talked.", "facts": [{**fact, "node": "A"}]},
            "borin": {"summary": "", "facts": []},
        },
    }
    for plain in ({}, {"memory": "unsound"}):
        assert with_ids(plain, str.upper) == plain
