"""Names that name nobody are found, with the one that was meant; files that nothing reads, too."""

from __future__ import annotations

import pytest

from dialogue_server.domain.lint.names import (
    same_entry_names,
    shared_names,
    unknown_names,
    unused_files,
)
from dialogue_server.domain.lint.subject import Subject
from dialogue_server.domain.persona import Entry, Fact, KnownBy, LoreBook, Persona, World
from dialogue_server.domain.staging import Relation, Scene, Stage, Trigger

MIRA = Persona("mira", "Mira", "An innkeeper.", factions=["guild"], places=["inn"])
BORIN = Persona("borin", "Borin", "A smith.", knowledge=[Fact("Hot.", name="forge")])


def found(world: World, *personas: Persona, npcs: frozenset[str] = frozenset()) -> dict[str, str]:
    subject = Subject(world, {persona.id: persona for persona in personas}, npcs)
    return {item.source: item.problem for item in unknown_names(subject)}


def test_names_that_are_there_are_no_finding() -> None:
    world = World(
        "W",
        "A world.",
        lore=[Entry("A.", known_by=KnownBy(["mira", "broken"], ["guild"], ["inn"]), name="old")],
        scenes={
            "inn": Scene(
                "Low.",
                cast=["borin"],
                narrator="mira",
                stages=[Stage("calm"), Stage("fight")],
                triggers=[Trigger("t", npc="mira", stage="calm", to="fight", revealed="forge")],
            )
        },
        triggers=[
            Trigger("t", scene="inn", to="fight", revealed="old"),
            Trigger("u", to="nowhere"),
        ],
    )
    relations = {name: [Relation("x")] for name in ("borin", "guild", "player")}
    mira = Persona("mira", "Mira", "x", factions=["guild"], places=["inn"], relationships=relations)
    assert found(world, mira, BORIN, npcs=frozenset({"broken"})) == {}


def test_names_that_are_not_there_are_found_with_the_nearest() -> None:
    world = World(
        "W",
        "A world.",
        lore=[Entry("A.", known_by=KnownBy(["mria"], ["gild"], ["inm"]))],
        scenes={
            "inn": Scene("Low.", cast=["nobody"], narrator="no", triggers=[Trigger("t", to="x")])
        },
        triggers=[Trigger("t", npc="no", scene="in", revealed="frge")],
        books={"b": LoreBook([], known_by=KnownBy(["no"]))},
    )
    mira = Persona(
        "mira",
        "Mira",
        "x",
        factions=["guild"],
        places=["inn"],
        relationships={"bo": [Relation("x")]},
        triggers=[Trigger("t", scene="inn", stage="y")],
    )
    problems = found(world, mira, BORIN)
    assert list(problems) == [
        "world.toml:lore[0].known_by.npcs[0]",
        "world.toml:lore[0].known_by.factions[0]",
        "world.toml:lore[0].known_by.places[0]",
        "world.toml:scenes.inn.cast[0]",
        "world.toml:scenes.inn.narrator",
        "world.toml:scenes.inn.triggers[0].to",
        "world.toml:triggers[0].npc",
        "world.toml:triggers[0].scene",
        "world.toml:triggers[0].revealed",
        "lore/b.toml:known_by.npcs[0]",
        "personas/mira.toml:relationships.bo",
        "personas/mira.toml:triggers[0].stage",
    ]
    assert (
        "names 'mria', and there is no such NPC; did you mean mira?"
        in problems["world.toml:lore[0].known_by.npcs[0]"]
    )


def test_npcs_that_share_a_name_are_found() -> None:
    def shared(*personas: Persona) -> list[str]:
        subject = Subject(World("W", "x"), {each.id: each for each in personas}, frozenset())
        return [item.source for item in shared_names(subject)]

    assert shared(MIRA, BORIN) == []
    assert shared(MIRA, Persona("other", "MIRA", "x")) == ["personas/other.toml:name"]
    smith = Persona("smith", "Smith", "x", aliases=["borin", "smith"])
    assert shared(BORIN, smith) == ["personas/smith.toml:aliases[0]"]


def test_entries_of_two_files_that_share_a_name_are_found() -> None:
    world = World(
        "W",
        "x",
        lore=[Entry("A.", name="heir"), Entry("B.")],
        books={"b": LoreBook([Entry("C.", name="heir"), Entry("D."), Entry("E.", name="inn")])},
    )
    (item,) = same_entry_names(Subject(world, {}, frozenset()))
    assert item.source == "lore/b.toml:entries[0].name"


def test_what_a_translation_takes_over_is_found_once_and_shares_no_name() -> None:
    lore = [Entry("A.", name="heir", known_by=KnownBy(["mria"]))]
    german = World("W", "x", lore=lore)
    world = World("W", "x", lore=lore, translations={"de": german})
    assert list(same_entry_names(Subject(world, {}, frozenset()))) == []
    assert list(found(world, MIRA)) == ["world.toml:lore[0].known_by.npcs[0]"]


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("world.toml", ""),
        ("world.de.toml", ""),
        ("dialogue.toml", ""),
        ("personas/mira.toml", ""),
        ("scenarios/inn.toml", ""),
        ("lore/inn.toml", ""),
        ("cards/mira.png", ""),
        ("notes.md", ""),
        ("keys.json", ""),
        ("personas/portrait.png", ""),
        ("art/mira.png", ""),
        ("mira.toml", "NPCs belong into personas/"),
        ("NPCs/mira.toml", "NPCs belong into personas/"),
        ("personas/old/mira.toml", "nothing reads folders below personas/"),
        ("personas/old/mira.png", ""),
        ("lore/inn.json", "files of lore/ end in .toml"),
        ("personas/mira.toml.txt", "files of personas/ end in .toml"),
        ("personas/notes.txt", ""),
        ("cards/ghost.json", "no personas/ghost.toml for this card"),
    ],
)
def test_a_file_that_nothing_reads_is_found(file: str, problem: str) -> None:
    items = list(unused_files([file], frozenset({"mira"})))
    assert [item.source for item in items] == ([file] if problem else [])
    assert all(problem in item.problem for item in items)
