"""Scenes: who is there, the stage, and what is told."""

from __future__ import annotations

from typing import Any

from dialogue_protocol.messages import Player

from dialogue_server.domain.conversation import Node
from dialogue_server.domain.persona import Persona, World
from dialogue_server.domain.prompt import PromptInput
from dialogue_server.domain.scene import (
    STAGE,
    Told,
    around,
    cast_ids,
    relations,
    speaker_name,
    stage_of,
)
from dialogue_server.domain.staging import Happening, Relation, Scene, Stage

INN = Scene(
    "The common room.",
    cast=["wen", "mira"],
    narrator="teller",
    happened=[Happening("Abel fell."), Happening("It thunders.", "storm")],
    stages=[
        Stage("arrival", "Nobody knows the player."),
        Stage("quarrel", "A knife is drawn."),
        Stage("peace", "", "mine == 'drained'"),
    ],
)
WORLD = World("W", "D", scenes={"inn": INN, "shore": Scene("Mud.")})
MIRA = Persona(
    "mira",
    "Mira",
    "Keeps the inn.",
    factions=["guild"],
    relationships={
        "player": [Relation("A stranger."), Relation("A hero.", "mine == 'drained'")],
        "borin": [Relation("Owes her money.")],
        "guild": [Relation("Good people.")],
        "wen": [Relation("Not here.")],
    },
)
BORIN = Persona("borin", "Borin", "A smith.", factions=["guild", "smiths"])
TELLER = Persona("teller", "The Night", "Tells.", narrator=True)


def node(id_: str, **stage: str) -> Node:
    meta: dict[str, Any] = {STAGE: stage} if stage else {}
    return Node(id_, "", "npc", "mira", "…", 0.0, meta=meta)


def given(**more: Any) -> PromptInput:
    fields = {
        "world": WORLD,
        "persona": MIRA,
        "player": Player("ann", "Ann"),
        "text": "…",
        "budget": 1000,
        "scene": "inn",
        "cast": (MIRA, BORIN, TELLER),
        **more,
    }
    return PromptInput(**fields)


def test_the_scenes_own_people_are_there_besides_those_whom_the_client_names() -> None:
    assert cast_ids(WORLD, "inn", ["mira", "borin"]) == ["mira", "borin", "wen", "teller"]
    assert cast_ids(WORLD, "shore", ["mira"]) == ["mira"]
    assert cast_ids(WORLD, "a cave", ["mira", "mira"]) == ["mira"]


def test_a_scene_begins_with_its_first_stage_and_is_where_it_was_brought() -> None:
    assert stage_of(WORLD, "inn", [], {}) == "arrival"
    assert stage_of(WORLD, "inn", [node("1", inn="quarrel"), node("2")], {}) == "quarrel"
    assert stage_of(WORLD, "inn", [node("1", shore="quarrel")], {}) == "arrival"
    assert stage_of(WORLD, "inn", [node("1", inn="gone")], {}) == "arrival"
    assert stage_of(WORLD, "shore", [], {}) == ""
    assert stage_of(WORLD, "a cave", [], {}) == ""


def test_a_later_stage_comes_by_itself_when_its_condition_holds() -> None:
    drained = {"mine": "drained"}
    assert stage_of(WORLD, "inn", [], drained) == "peace"
    assert stage_of(WORLD, "inn", [node("1", inn="peace")], {}) == "peace"


def test_everybody_is_told_of_the_place_who_is_there_and_the_stage() -> None:
    assert list(around(given(stage="arrival"))) == [
        Told("world.toml:scenes.inn.description", "The common room."),
        Told("cast", "Also here: Borin."),
        Told("world.toml:scenes.inn.happened[0]", "Abel fell."),
        Told("world.toml:scenes.inn.happened[1]", "It thunders.", "storm"),
        Told("world.toml:scenes.inn.stages[0]", "Nobody knows the player.", "true"),
    ]
    assert len(list(around(given(stage="peace")))) == 4  # it has no text
    assert len(list(around(given(stage="gone")))) == 4
    assert list(around(given(scene="a cave"))) == [Told("cast", "Also here: Borin.")]
    assert list(around(given(scene="", cast=(MIRA,)))) == []


def test_an_npc_thinks_only_of_those_who_are_there() -> None:
    source = "personas/mira.toml:relationships"
    assert list(relations(given())) == [
        Told(f"{source}.player[0]", "The player: A stranger."),
        Told(f"{source}.player[1]", "The player: A hero.", "mine == 'drained'"),
        Told(f"{source}.borin[0]", "Borin: Owes her money."),
        Told(f"{source}.guild[0]", "guild: Good people."),
    ]
    assert [told.source for told in relations(given(cast=()))] == [
        f"{source}.player[0]",
        f"{source}.player[1]",
    ]


def test_names_are_shown_and_ids_only_of_those_who_left() -> None:
    assert speaker_name((MIRA, BORIN), "borin") == "Borin"
    assert speaker_name((MIRA,), "borin") == "borin"
