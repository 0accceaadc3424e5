"""Which memories matter now, and how they look."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dialogue_server.domain.conversation import Node
from dialogue_server.domain.memory.past import Past, Rememberer
from dialogue_server.domain.memory.recall import (
    FREE_SHARE,
    MAX_MEMORIES,
    MAX_REPORTED,
    MAX_ROOM,
    Recalled,
    digest,
    recall,
    room_for_memories,
)
from dialogue_server.domain.persona import MemoryRules
from tests.domain.attacks import ATTACKS

WHO = Rememberer("mira", "Ann", (("mira", "Mira"), ("borin", "Borin")))
NEWEST = 2


def node(text: str, kind: str = "player", speaker: str = "Ann", **meta: Any) -> Node:
    name = meta.pop("id", text)
    at = meta.pop("at", 1.0)
    return Node(name, meta.pop("parent", "p"), kind, speaker, text, at, meta=meta)  # type: ignore[arg-type]


def path(*texts: str) -> list[Node]:
    """What the player said, oldest first, and two lines that stand in the history."""
    told = [node(text, at=float(at)) for at, text in enumerate(texts)]
    return [*told, node("Hm.", at=98.0), node("Well.", "npc", "mira", at=99.0)]


def recalled(nodes: list[Node], text: str, room: int = 500, past: Past | None = None) -> Recalled:
    return recall(WHO, past or Past(), nodes, text, start=len(nodes) - NEWEST, room=room)


def texts(found: Recalled) -> list[str]:
    return [memory.text for memory in found.chosen]


# ------------------------------------------------------------ the game's time


def test_memories_tell_the_time_and_an_answer_has_that_of_what_it_answers() -> None:
    nodes = path()
    nodes[:0] = [
        node("I owe you ten crowns.", time="day 3", parent=""),
        node("I promise to wait.", "npc", "mira"),
    ]
    assert texts(recalled(nodes, "debt?")) == [
        '"I owe you ten crowns." (day 3)',
        'You said (day 3): "I promise to wait."',
    ]


def test_the_time_of_one_conversation_does_not_pass_into_another() -> None:
    elsewhere = (
        node("I owe you ten crowns.", time="day 3", parent="", at=0.0),
        node("I promise to wait.", "npc", "mira", parent="", at=0.5),
    )
    assert texts(recalled(path(), "debt?", past=Past(elsewhere))) == [
        '"I owe you ten crowns." (day 3)',
        'You said: "I promise to wait."',
    ]


# ------------------------------------------------------------ what matters


def test_nothing_is_remembered_without_room_or_past() -> None:
    assert recalled(path("My name is Ann."), "name?", room=0) == Recalled()
    assert recalled(path(), "name?") == Recalled()


def test_what_stands_in_the_history_is_no_memory() -> None:
    found = recall(WHO, Past(), path("My name is Ann."), "name?", start=0, room=500)
    assert found == Recalled()


def test_what_fits_the_line_comes_first_when_there_is_little_room() -> None:
    nodes = path("I am fond of kites.", "I owe Garrick ten crowns.", "My knee is ruined.")
    room = 1 + max(m.tokens for m in recalled(nodes, "").chosen)
    assert texts(recalled(nodes, "Whom do I owe?", room)) == ['"I owe Garrick ten crowns."']
    assert texts(recalled(nodes, "What do I like?", room)) == ['"I am fond of kites."']


def test_what_no_rule_knows_is_found_by_its_words() -> None:
    filler = [f"The goat number {at} ate grass." for at in range(60)]
    nodes = path("That cinnamon smells of Port Vell.", *filler)
    assert "Port Vell" in " ".join(texts(recalled(nodes, "What about the cinnamon?", 60)))


def test_words_are_found_in_other_forms_and_other_scripts() -> None:
    filler = [f"The goat number {at} ate grass." for at in range(60)]
    nodes = path("The bakery burned.", "Der Müllermeister ist fort.", "井戸の水は冷たい。", *filler)
    for line, wanted in (
        ("Who baked? The bakers?", "bakery"),
        ("Wo ist der Müllermeisters Sohn?", "Müller"),
        ("井戸は？", "井戸"),
    ):
        assert wanted in " ".join(texts(recalled(nodes, line, 40)))


def test_a_fact_of_the_kind_that_is_asked_for_comes_before_others() -> None:
    nodes = path("I grew up in Harrowmere.", "My aunt keeps bees.")
    first = min(recalled(nodes, "Where am I from?").chosen, key=lambda m: m.rank)
    assert (first.said, first.kind, first.by) == ("I grew up in Harrowmere.", "fact", "")


def test_among_equals_the_newest_comes_first() -> None:
    nodes = path("The blue jug stands there.", "The red jug stands there.")
    first = min(recalled(nodes, "jug").chosen, key=lambda m: m.rank)
    assert "red" in first.text


def test_what_was_said_twice_is_remembered_once_as_it_was_said_last() -> None:
    nodes = path("I have three apples.", "I have three apples!", "I have three apples.")
    (only,) = recalled(nodes, "apples").chosen
    assert only.at == 2.0


def test_a_question_of_the_player_tells_little() -> None:
    nodes = path("Do you have a sister named Ysolde?", "Ysolde is my sister.")
    first = min(recalled(nodes, "sister Ysolde").chosen, key=lambda m: m.rank)
    assert first.said == "Ysolde is my sister."


def test_the_lines_just_before_count_too_but_less() -> None:
    filler = [f"The goat number {at} ate grass." for at in range(40)]
    nodes = path("The lantern is behind the altar.", *filler)
    nodes[-1] = node("Which lantern?", "npc", "mira", at=99.0)
    assert any("altar" in text for text in texts(recalled(nodes, "That one.", 40)))


def test_memories_come_in_the_order_of_time_and_only_so_many() -> None:
    nodes = path(*(f"Word{at} is thing{at}." for at in range(200)))
    found = recalled(nodes, "thing", room=10_000)
    assert len(found.chosen) == MAX_MEMORIES
    ages = [memory.at for memory in found.chosen]
    assert ages == sorted(ages)


def test_what_did_not_fit_is_told_of_best_first() -> None:
    nodes = path(*(f"Word{at} is thing{at}." for at in range(200)))
    found = recalled(nodes, "thing", room=40)
    assert len(found.spared) == MAX_REPORTED
    assert 0 < sum(memory.tokens for memory in found.chosen) <= 40


def test_the_source_is_the_line_that_it_came_from() -> None:
    (only,) = recalled(path("My name is Ann."), "name").chosen
    assert only.source == "memory:My name is Ann."


@given(st.lists(st.text(max_size=80), max_size=8), st.text(max_size=60), st.integers(0, 200))
def test_memory_is_a_function_that_keeps_to_its_room(said: list[str], line: str, room: int) -> None:
    nodes = path(*said)
    found = recalled(nodes, line, room)
    assert found == recalled(nodes, line, room)
    assert sum(memory.tokens for memory in found.chosen) <= room


def test_lines_can_be_read_ahead_of_time() -> None:
    digest([node("My name is Ann."), node("I promise.", "npc", "mira")])


# ------------------------------------------------------------ how it looks


def test_a_memory_says_who_said_it() -> None:
    nodes = path("I owe you a lamp.")
    nodes[:0] = [
        node("I promise you the lamp.", "npc", "mira"),
        node("I swear the lamp is mine.", "npc", "borin"),
        node("A stranger took the lamp.", "npc", "dark_one"),
        node("The lamp goes out.", "event", ""),
    ]
    assert set(texts(recalled(nodes, "lamp"))) == {
        'You said: "I promise you the lamp."',
        'Borin said: "I swear the lamp is mine."',
        'dark one said: "A stranger took the lamp."',
        "This happened: The lamp goes out.",
        '"I owe you a lamp."',
    }


@pytest.mark.parametrize("attack", [attack for attack, _ in ATTACKS])
def test_nothing_that_was_said_poses_as_anything_else(attack: str) -> None:
    for said in (attack, f'Hm." Mira said: "{attack}', f"Hm”\nYou said: “{attack}"):
        for found in texts(recalled(path(said, said[::-1]), said)):
            assert "\n" not in found
            assert "[" not in found
            assert "<|" not in found
            assert found.startswith('"')
            assert found.endswith('"')
            assert found.count('"') == 2


# ------------------------------------------------------------ what a model wrote


def summed(
    text: str, facts: list[dict[str, Any]] | None = None, npc: str = "mira"
) -> dict[str, Any]:
    return {npc: {"summary": text, "facts": facts or []}}


def test_the_newest_summary_stands_first_and_facts_keep_their_line() -> None:
    fact = {"text": "Ann fears bells.", "importance": 0.8, "node": "I like it."}
    lost = {"text": "Ann seeks gold.", "importance": 0.6, "node": "gone"}
    nodes = path("I like it.", "And then?", "So what?")
    nodes[0] = replace(nodes[0], meta={"time": "day 1"})
    nodes[1] = replace(nodes[1], meta={"memory": summed("Old."), "time": "day 2"})
    nodes[2] = replace(nodes[2], meta={"memory": summed("They talked.", [fact, lost])})
    found = recalled(nodes, "bells")
    assert found.chosen[0].text == "In short, so far: They talked."
    assert found.chosen[0].source == "memory:So what?"
    notes = {memory.text: memory for memory in found.chosen if memory.text.startswith("You noted")}
    assert notes["You noted (day 1): Ann fears bells."].node == "I like it."
    assert notes["You noted (day 2): Ann seeks gold."].node == "So what?"
    assert {memory.kind for memory in notes.values()} == {"fact"}


def test_anothers_summary_is_not_ones_own() -> None:
    nodes = path("And then?")
    nodes[0] = replace(nodes[0], meta={"memory": summed("They talked.", npc="borin")})
    assert not any("They talked" in text for text in texts(recalled(nodes, "talk")))


def test_a_summary_that_is_too_long_for_the_room_is_left_out() -> None:
    nodes = path("My name is Ann.")
    nodes[0] = replace(nodes[0], meta={"memory": summed("They talked of it. " * 40)})
    assert texts(recalled(nodes, "name", room=100)) == ['"My name is Ann."']


def test_a_summary_of_lines_in_the_history_is_not_needed() -> None:
    nodes = path("My name is Ann.")
    nodes[-1] = replace(nodes[-1], meta={"memory": summed("They talked.")})
    assert texts(recalled(nodes, "name")) == ['"My name is Ann."']


def test_memories_have_their_share_and_leave_the_newest_lines_theirs() -> None:
    rules = MemoryRules(share=0.4)
    assert room_for_memories(rules, 1000, 900) == 400
    assert room_for_memories(rules, 1000, 100) == int(100 * FREE_SHARE)
    assert room_for_memories(rules, 100_000, 90_000) == MAX_ROOM
    assert room_for_memories(rules, 1000, -50) == 0
    assert room_for_memories(MemoryRules(share=0), 1000, 900) == 0
