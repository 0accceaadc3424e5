"""Triggers: what makes them fire, once, and what they record."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from dialogue_server.domain.conversation import Node
from dialogue_server.domain.persona import Entry, Fact, LoreBook, Persona, World
from dialogue_server.domain.scene import STAGE
from dialogue_server.domain.staging import Scene, Stage, Trigger
from dialogue_server.domain.tone import TONE, Tone
from dialogue_server.domain.tone import record as tone_record
from dialogue_server.domain.triggers import (
    FIRED,
    Due,
    Firing,
    Moment,
    due,
    fired,
    judge_messages,
    judged,
    record,
    verdict,
    with_meta,
)

SECRET = "I broke the lamp with my slingshot and told nobody about it."
JORY = Persona(
    "jory", "Jory", "A boy.", moods=["calm", "guilty"], mood="calm",
    knowledge=[Fact(SECRET, name="slingshot")],
)  # fmt: skip
WEN = Persona("wen", "Wen", "A healer.")
STAGES = [Stage("before"), Stage("suspicion"), Stage("after", when="lamp == 'lit'")]


def world(*triggers: Trigger, **more: Any) -> World:
    return World(
        "W", "D", triggers=list(triggers), scenes={"inn": Scene("Inn.", stages=STAGES)}, **more
    )


def player(id_: str, text: str = "…", **meta: Any) -> Node:
    return Node(id_, "", "player", "Ann", text, 0.0, meta=meta)


def npc(id_: str, text: str = "…", speaker: str = "jory", **meta: Any) -> Node:
    return Node(id_, "", "npc", speaker, text, 0.0, meta=meta)


def event(id_: str, text: str = "…") -> Node:
    return Node(id_, "", "event", "", text, 0.0)


def at(
    of: World,
    *nodes: Node,
    scene: str = "inn",
    cast: tuple[Persona, ...] = (JORY, WEN),
    **state: Any,
) -> Moment:
    return Moment(of, cast, scene, state, nodes)


def names(what: Due) -> list[str]:
    return [firing.name for firing in what.firings]


def fires(trigger: Trigger, *nodes: Node, **more: Any) -> bool:
    return names(due(at(world(trigger), *nodes, **more))) == ["t"]


# ---------------------------------------------------------------- conditions


def test_it_fires_when_the_player_asked_about_something() -> None:
    trigger = Trigger("t", asked=["lamp", "who broke"])
    assert fires(trigger, player("1", "Where are the lamps?"), npc("2"))
    assert fires(trigger, player("1", "Where are the lamps?"))  # nobody answered
    assert not fires(trigger, player("1", "Where is the oil?"), npc("2"))
    assert not fires(trigger, player("1", "The lamp!"), npc("2"), event("3"))
    assert not fires(trigger, event("1", "The lamp falls."), npc("2"))
    asked_wen = replace(trigger, npc="wen")
    assert fires(asked_wen, player("1", "The lamp?"), npc("2", speaker="wen"))
    assert not fires(asked_wen, player("1", "The lamp?"), npc("2"))
    assert not fires(asked_wen, player("1", "The lamp?"))


def test_it_fires_at_an_event_of_the_game_with_its_data() -> None:
    trigger = Trigger("t", event="item_given", when="event.item == 'glass'")
    glass = Node(
        "1",
        "",
        "event",
        "",
        "A gift.",
        0.0,
        meta={"event": "item_given", "data": {"item": "glass"}},
    )
    assert fires(trigger, glass)
    assert fires(trigger, glass, npc("2"))
    assert not fires(trigger, glass, npc("2"), npc("3"))
    assert not fires(replace(trigger, event="other"), glass)
    assert not fires(trigger, replace(glass, meta={"event": "item_given"}))
    assert not fires(trigger, player("1"))


def test_it_fires_when_an_npc_says_certain_words() -> None:
    trigger = Trigger("t", said=["sorry"])
    assert fires(trigger, player("1"), npc("2", "I am sorry."))
    assert not fires(trigger, player("1", "I am sorry."), npc("2"))
    assert not fires(trigger, event("1", "Sorry."))
    assert not fires(replace(trigger, npc="wen"), player("1"), npc("2", "I am sorry."))


def test_it_fires_when_an_npc_tells_a_named_fact_or_entry() -> None:
    trigger = Trigger("t", revealed="slingshot")
    assert fires(trigger, player("1"), npc("2", "Well … I broke the LAMP, with my slingshot!"))
    assert not fires(trigger, player("1"), npc("2", "It was the wind."))
    assert not fires(trigger, player("1", SECRET), npc("2"))
    book = LoreBook([Entry("The king is nobody but the miller's third son.", name="king")])
    told = npc("2", "The king is nobody but the miller's son.")
    lore = world(Trigger("t", revealed="king"), books={"b": book})
    assert names(due(at(lore, player("1"), told))) == ["t"]


@pytest.mark.parametrize(
    ("trigger", "tone", "expected"),
    [
        (Trigger("t", mood="guilty"), Tone("guilty", {"guilty": 10}), True),
        (Trigger("t", mood="guilty"), Tone("calm", {"calm": 30, "guilty": 20}), False),
        (Trigger("t", mood="guilty", at_least=60), Tone("guilty", {"guilty": 60}), True),
        (Trigger("t", mood="guilty", at_least=60), Tone("guilty", {"guilty": 59}), False),
        (Trigger("t", mood="guilty", at_most=10), Tone("calm", {"calm": 30}), True),
        (Trigger("t", at_least=60), Tone("calm", {"calm": 70}), True),
        (Trigger("t", at_least=60, at_most=65), Tone("calm", {"calm": 70}), False),
        (Trigger("t", mood="guilty", npc="wen"), Tone("guilty", {"guilty": 10}), False),
        (Trigger("t", mood="guilty", npc="gone"), Tone("guilty", {"guilty": 10}), False),
    ],
)
def test_it_fires_when_a_mood_has_passed_its_bound(
    trigger: Trigger, tone: Tone, expected: bool
) -> None:
    spoken = npc("2", **{TONE: tone_record({"jory": tone})})
    assert fires(trigger, player("1"), spoken) is expected


def test_the_mood_of_a_named_npc_counts_whoever_spoke() -> None:
    guilty = player("1", **{TONE: tone_record({"jory": Tone("guilty", {"guilty": 80})})})
    trigger = Trigger("t", mood="guilty")
    assert fires(replace(trigger, npc="jory"), guilty, npc("2", speaker="wen"))
    assert not fires(trigger, guilty, npc("2", speaker="wen"))
    assert not fires(trigger, guilty)  # nobody spoke


def test_it_fires_after_so_many_lines_of_the_player() -> None:
    trigger = Trigger("t", turns=2)
    assert not fires(trigger, player("1"), npc("2"))
    assert fires(trigger, player("1"), npc("2"), player("3"), npc("4"))
    reached = npc("2", **{STAGE: {"inn": "suspicion"}})
    staged = replace(trigger, stage="suspicion")
    assert not fires(staged, player("1"), reached, player("3"), npc("4"))
    assert fires(staged, player("1"), reached, player("3"), npc("4"), player("5"), npc("6"))


def test_the_turn_in_which_a_stage_is_reached_does_not_count_for_it() -> None:
    trigger = Trigger("t", turns=1, stage="after")
    assert not fires(trigger, player("1"), npc("2"), lamp="lit")
    assert fires(replace(trigger, turns=0), player("1"), npc("2"), lamp="lit")


def test_a_condition_a_scene_and_a_stage_must_all_be_so() -> None:
    assert fires(Trigger("t", when="lamp == 'lit'"), npc("1"), lamp="lit")
    assert not fires(Trigger("t", when="lamp == 'lit'"), npc("1"), lamp="dark")
    assert fires(Trigger("t", scene="inn"), npc("1"))
    assert not fires(Trigger("t", scene="inn"), npc("1"), scene="shore")
    assert fires(Trigger("t", stage="before"), npc("1"))
    assert not fires(Trigger("t", stage="suspicion"), npc("1"))


def test_triggers_of_a_scene_and_of_the_cast_count_where_they_belong() -> None:
    of_scene = World("W", "D", scenes={"inn": Scene("Inn.", triggers=[Trigger("t")])})
    assert due(at(of_scene, npc("1"))).firings == (Firing("scenes.inn:t", "t", "", {}),)
    assert not due(at(of_scene, npc("1"), scene="")).firings
    own = replace(JORY, triggers=[Trigger("mine", said=["sorry"]), Trigger("far", scene="shore")])
    sorry = npc("1", "Sorry.")
    assert due(at(world(), sorry, cast=(own,))).firings == (
        Firing("personas.jory:mine", "mine", "", {}),
    )
    assert not due(at(world(), npc("1", "Sorry.", "wen"), cast=(own, WEN))).firings


# ---------------------------------------------------------------- effects


def test_it_moves_the_scene_and_may_let_another_fire_in_the_same_turn() -> None:
    second = Trigger("second", stage="suspicion", args={"n": 2})
    first = Trigger("first", stage="before", to="suspicion", args={"n": 1})
    moment = at(world(second, first), npc("1"))
    what = due(moment)
    assert what.firings == (
        Firing("world:first", "first", "suspicion", {"n": 1}),
        Firing("world:second", "second", "", {"n": 2}),
    )
    assert what.stage == "suspicion"
    meta = record(moment, what.firings, what.stage)
    assert meta[STAGE] == {"inn": "suspicion"}
    node = with_meta(moment.nodes[-1], meta)
    assert fired(node) == what.firings
    assert due(at(moment.world, node)) == Due((), "suspicion", ())


def test_nothing_is_recorded_where_nothing_happened() -> None:
    moment = at(world(Trigger("t", turns=9)), npc("1"))
    what = due(moment)
    assert record(moment, what.firings, what.stage) == {}
    assert with_meta(moment.nodes[-1], {}) is moment.nodes[-1]
    assert fired(moment.nodes[-1]) == ()


def test_a_stage_that_came_by_itself_is_recorded() -> None:
    moment = at(world(), npc("1"), lamp="lit")
    assert record(moment, (), due(moment).stage) == {STAGE: {"inn": "after"}}


def test_it_fires_once_or_again_after_its_cooldown() -> None:
    once, often = Trigger("once"), Trigger("often", cooldown=2)
    both = world(once, often)
    path: list[Node] = []
    seen: list[list[str]] = []
    for turn in range(6):
        path += [player(f"p{turn}"), npc(f"n{turn}")]
        moment = at(both, *path)
        what = due(moment)
        seen.append(names(what))
        path[-1] = with_meta(path[-1], record(moment, what.firings, what.stage))
    assert seen == [["once", "often"], [], ["often"], [], ["often"], []]


# ---------------------------------------------------------------- the judge


def test_a_judge_is_asked_only_when_all_else_holds() -> None:
    trigger = Trigger("t", asked=["lamp"], judge="Does the player promise help?", to="suspicion")
    of = world(trigger)
    assert not due(at(of, player("1", "Hello."), npc("2"))).judged
    moment = at(
        of, event("0", "Thunder."), player("1", "I'll mend the lamp! [x]"), npc("2", "You?")
    )
    what = due(moment)
    assert (what.firings, what.stage) == ((), "before")
    (placed,) = what.judged
    system, user = judge_messages(placed, moment, "Ann")
    assert "yes or no" in system.content
    assert user.content == (
        "(This happens: Thunder.)\nAnn: I'll mend the lamp! (x)\nJory: You?\n\n"
        "Question: Does the player promise help? Yes or no?"
    )
    firing = judged(placed, moment)
    assert firing == Firing("world:t", "t", "suspicion", {})
    node = with_meta(moment.nodes[-1], record(moment, [firing], firing.stage))
    assert judged(placed, at(of, *moment.nodes[:-1], node)) is None
    later = replace(placed, trigger=replace(trigger, stage="before"))
    moved = npc("3", **{STAGE: {"inn": "suspicion"}, FIRED: [["x", "x", "", {}]]})
    assert judged(later, at(of, *moment.nodes, moved)) is None
    again = record(at(of, *moment.nodes, moved), [firing], firing.stage)
    assert [one[0] for one in again[FIRED]] == ["x", "world:t"]


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("Yes", True),
        (" **yes**, he does.", True),
        ("YES.", True),
        ("Yesterday", False),
        ("No.", False),
        ("I think yes", False),
        ("", False),
    ],
)
def test_only_a_plain_yes_is_a_yes(text: str, yes: bool) -> None:
    assert verdict(text) is yes
