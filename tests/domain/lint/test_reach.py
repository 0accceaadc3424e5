"""What can never happen is found, and what can is let alone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from dialogue_server.domain.lint.reach import unreachable
from dialogue_server.domain.lint.subject import Subject
from dialogue_server.domain.persona import (
    Entry,
    Example,
    Fact,
    KnownBy,
    Line,
    LoreBook,
    LoreRules,
    Persona,
    Section,
    World,
)
from dialogue_server.domain.staging import ToneRule, Trigger

NEVER = "lamp == 'lit' and lamp == 'dark'"
MIRA = Persona(
    "mira",
    "Mira",
    "An innkeeper.",
    moods=["calm", "wary", "Very angry", "glad"],
    mood="calm",
    greeting="[mood: wary] Come in.",
    examples=[Example("Hm?", "[mood: very angry 80] Out!")],
    lines=[Line("Good.", ["good"], mood="glad")],
    sees=["lamp"],
)
WORLD = World("W", "A world.", state={"lamp": "dark", "day": {"hour": 3}})


def found(world: World = WORLD, **changes: Any) -> list[tuple[str, str]]:
    subject = Subject(world, {"mira": replace(MIRA, **changes)}, frozenset())
    assert all(item.severity == "warning" for item in unreachable(subject))
    return [(item.source, item.rule) for item in unreachable(subject)]


def test_a_world_in_which_all_can_happen_has_no_finding() -> None:
    known = [
        Fact("Lit.", "lamp == 'lit'"),
        Fact("Late.", "day.hour > 20"),
        Fact("x", "lamp == day"),
    ]
    assert found(knowledge=known) == []


def test_a_condition_that_never_holds_is_found_wherever_it_stands() -> None:
    world = replace(WORLD, lore=[Entry("Old.", when=NEVER)], books={"b": LoreBook([], when=NEVER)})
    assert found(world, sections=[Section("Late.", NEVER)]) == [
        ("world.toml:lore[0].when", "never-holds"),
        ("lore/b.toml:when", "never-holds"),
        ("personas/mira.toml:sections[0].when", "never-holds"),
    ]


def test_a_condition_against_its_books_is_found_and_one_that_may_agree_is_not() -> None:
    entries = [Entry("A.", when="lamp == 'lit'"), Entry("B.", when="lamp != 'lit'"), Entry("C.")]
    world = replace(WORLD, books={"b": LoreBook(entries, when="lamp == 'dark'")})
    assert found(world) == [("lore/b.toml:entries[0].when", "never-holds")]


def test_a_path_that_the_state_does_not_have_is_found() -> None:
    known = [Fact("A.", "lmap == 'lit'"), Fact("B.", "day.minute > 3"), Fact("C.", "lamp.x == 1")]
    world = replace(WORLD, clock="day.week")
    expected = [("world.toml:clock", "unknown-state")]
    expected += [(f"personas/mira.toml:knowledge[{at}].when", "unknown-state") for at in range(3)]
    expected += [("personas/mira.toml:sees[1]", "unknown-state")]
    assert sorted(found(world, knowledge=known, sees=["day.*", "quest.*"])) == sorted(expected)
    assert found(replace(WORLD, clock="day.hour")) == []


def test_the_path_that_was_meant_is_named_where_one_is_near() -> None:
    def problem(when: str) -> str:
        persona = replace(MIRA, knowledge=[Fact("A.", when)])
        (item,) = unreachable(Subject(WORLD, {"mira": persona}, frozenset()))
        return item.problem

    assert "does not have; did you mean day.hour? Mend the name" in problem("day.huor == 1")
    assert "does not have: mend the name" in problem("gold == 1")


def test_a_trigger_looks_at_the_data_of_its_event() -> None:
    when = "event.force > 3"
    assert found(triggers=[Trigger("hit", event="kick", when=when)]) == []
    assert found(triggers=[Trigger("hit", when=when)]) == [
        ("personas/mira.toml:triggers[0].when", "unknown-state")
    ]


def test_a_value_that_is_nearly_one_that_is_known_is_noted() -> None:
    def odd(*whens: str, **state: Any) -> list[str]:
        world = replace(WORLD, state=state, lore=[Entry("A.", when=when) for when in whens])
        items = unreachable(Subject(world, {}, frozenset()))
        return [f"{i.source} {i.problem}" for i in items if i.rule == "odd-value"]

    (slip,) = odd("lamp == 'lit'", "lamp in ['lit', 'dark']", "lamp == 'litt'", lamp="dark")
    assert slip.startswith("world.toml:lore[2].when ")
    assert "the value litt of lamp; did you mean lit?" in slip
    assert len(odd("lamp == 'drk'", lamp="dark")) == 1
    assert odd("lamp == 'drk'", lamp={"on": True}) == []
    assert odd("door == 'door 1'", "door == 'door 2'", door="door 1") == []
    assert odd("door == 'locked'", "door == 'unlocked'", door="locked") == []
    assert odd("n == 1", "n == 2", n=1) == []


def test_a_world_without_a_state_leaves_it_to_the_game() -> None:
    assert found(World("W", "A world.", clock="day"), knowledge=[Fact("A.", "x == 1")]) == []


@pytest.mark.parametrize(
    ("entry", "rules", "bad"),
    [
        (Entry("A.", keys=["a"], scan_depth=0), LoreRules(recursion=0), True),
        (Entry("A.", keys=["a"]), LoreRules(scan_depth=0, recursion=0), True),
        (Entry("A.", keys=["a"], scan_depth=0), LoreRules(), False),
        (Entry("A.", keys=["a"], scan_depth=0, always=True), LoreRules(recursion=0), False),
        (
            Entry("A.", keys=["old mill"], secondary_keys=["mill"], logic="not_any"),
            LoreRules(),
            True,
        ),
        (
            Entry("A.", keys=["mill", "inn"], secondary_keys=["mill"], logic="not_any"),
            LoreRules(),
            False,
        ),
        (Entry("A.", keys=["mill"], secondary_keys=["mill"], logic="any"), LoreRules(), False),
    ],
)
def test_lore_that_no_word_can_call_up_is_found(entry: Entry, rules: LoreRules, bad: bool) -> None:
    world = replace(WORLD, lore=[entry], lore_rules=rules)
    assert found(world) == ([("world.toml:lore[0]", "never-comes-in")] if bad else [])


def test_lore_over_its_budget_is_found_with_those_who_miss_it() -> None:
    text = "A word and another word and one more. " * 4
    lore = [
        Entry(text),
        Entry(text, priority=1),
        Entry(text * 9),
        Entry("B.", known_by=KnownBy(["x"])),
    ]
    world = replace(WORLD, lore=[*lore, Entry("C.", when="lamp")], lore_rules=LoreRules(budget=60))
    subject = Subject(world, {"mira": MIRA, "bo": replace(MIRA, id="bo")}, frozenset())
    crowded, long = sorted(unreachable(subject), key=lambda item: item.source)
    assert (long.source, long.rule) == ("world.toml:lore[2]", "lore-over-budget")
    assert "longer than the whole budget" in long.problem
    assert (crowded.source, crowded.rule) == ("world.toml:lore[0]", "lore-over-budget")
    assert "for mira, bo: raise lore_rules.budget" in crowded.problem


def test_lore_that_crowds_only_in_one_state_is_found() -> None:
    text = "A word and another word and one more. " * 4
    lore = [Entry(text), Entry(text, when="lamp == 'lit'")]
    world = replace(WORLD, lore=lore, lore_rules=LoreRules(budget=60))
    assert found(world) == [("world.toml:lore[1]", "lore-over-budget")]


def test_a_mood_that_nothing_shows_is_found() -> None:
    plain = {"greeting": "Come in.", "examples": [], "lines": []}
    assert found(**plain) == [
        (f"personas/mira.toml:moods[{at}]", "unused-mood") for at in (1, 2, 3)
    ]
    tone = [ToneRule("wary", keys=["sword"]), ToneRule("very angry"), ToneRule("glad")]
    assert found(**plain, tone=tone) == []


def test_a_mood_whose_only_line_never_comes_is_found() -> None:
    lines = [Line("Good.", ["good"], when=NEVER, mood="glad")]
    assert found(lines=lines) == [
        ("personas/mira.toml:lines[0].when", "never-holds"),
        ("personas/mira.toml:moods[3]", "unused-mood"),
    ]


def test_a_line_without_keys_is_found() -> None:
    assert found(lines=[Line("Good.", mood="glad")]) == [
        ("personas/mira.toml:lines[0]", "never-said")
    ]
