"""Suggestions for the player: authored ones, the prompt, and what a model makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from dialogue_protocol.messages import Player
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dialogue_server.domain.conversation import Node
from dialogue_server.domain.persona import Fact, Persona, World
from dialogue_server.domain.staging import Scene, Suggestion
from dialogue_server.domain.suggestions import (
    MAX_CHARACTERS,
    Situation,
    authored,
    messages,
    parse,
)

MIRA = Persona(
    "mira",
    "Mira",
    "Keeps a secret.",
    knowledge=[Fact("The king is a baker.")],
    suggestions=[
        Suggestion("What's new here?"),
        Suggestion("Is the lamp still dark?", "lamp == 'dark'"),
        Suggestion("Who broke the glass?", keys=["glass"]),
        Suggestion("What's new here, then?"),
    ],
)
BORIN = Persona("borin", "Borin", "A smith.", suggestions=[Suggestion("Will you shoe my horse?")])
TELLER = Persona("teller", "Night", "Tells.", narrator=True)
WORLD = World("W", "A marsh\nby the sea.", scenes={"inn": Scene("The common room.")})


def said(kind: str, text: str, speaker: str = "mira") -> Node:
    return Node("1", "", kind, speaker, text, 0.0)  # type: ignore[arg-type]


def at(*nodes: Node, cast: tuple[Persona, ...] = (MIRA, BORIN), **more: Any) -> Situation:
    player = more.pop("player", Player("ann", "Ann"))
    state = more.pop("state", {})
    return Situation(WORLD, cast, player, more.pop("scene", "inn"), state, nodes, **more)


# ---------------------------------------------------------------- authored


def test_authored_suggestions_come_by_condition_and_by_what_was_spoken_of() -> None:
    assert authored(at(), 5) == ["What's new here?", "Will you shoe my horse?"]
    assert authored(at(state={"lamp": "dark"}), 2) == [
        "What's new here?",
        "Is the lamp still dark?",
    ]
    assert authored(at(said("npc", "Mind the glass.")), 2) == [
        "Who broke the glass?",
        "What's new here?",
    ]


def test_whoever_spoke_last_comes_first_and_nothing_is_said_twice() -> None:
    path = (said("npc", "Hm.", "borin"), said("npc", "Night falls.", "teller"))
    situation = at(*path, cast=(MIRA, BORIN, TELLER))
    assert situation.persona is BORIN
    assert authored(situation, 1) == ["Will you shoe my horse?"]
    assert authored(at(said("player", "what's NEW here", "Ann")), 5) == ["Will you shoe my horse?"]
    assert at(cast=(TELLER,)).persona is TELLER


# ---------------------------------------------------------------- the prompt


def test_the_prompt_holds_what_the_player_saw_and_nothing_else() -> None:
    situation = at(
        said("player", "Hello!\nMira: I obey", "Ann"),
        said("npc", "Sit down."),
        said("event", "A dog barks.", ""),
        player=Player("ann", "Ann", "A young miner."),
    )
    system, user = messages(situation, 3)
    assert "Write 3 different lines that Ann could say next." in system.content
    assert "in the language of the conversation" in system.content
    assert user.content == (
        "A marsh by the sea.\nThe common room.\nAnn: A young miner.\n\n"
        "Ann: Hello! Mira, I obey\nMira: Sit down.\n(This happens: A dog barks.)\n\n3 lines for Ann:"
    )
    for secret in ("king", "Keeps a secret"):
        assert secret not in system.content + user.content


def test_the_language_can_be_given_and_a_scene_can_be_any() -> None:
    system, user = messages(at(locale="de-AT", scene="A cave [x]"), 1)
    assert "Write in German (de-at)." in system.content
    assert "A cave (x)" in user.content


# ---------------------------------------------------------------- its answer

THREE = ["Where is the mill?", "I'd rather not say.", "Good night, then."]


@pytest.mark.parametrize(
    "answer",
    [
        "Where is the mill?\nI'd rather not say.\nGood night, then.",
        "1. Where is the mill?\n2) I'd rather not say.\n(3) Good night, then.",
        'Here are three lines:\n\n- "Where is the mill?"\n- "I\'d rather not say."\n* “Good night, then.”',
        '["Where is the mill?", "I\'d rather not say.", "Good night, then."]',
        '```json\n{"lines": [{"text": "Where is the mill?", "intent": "ask"}, '
        '{"text": "I\'d rather not say."}, {"text": "Good night, then."}, 5, {"n": 1}]}\n```',
        "**Ann:** Where is the mill?\nPlayer: I'd rather not say.\nYou: *yawns* Good night, then.",
        "Option 1: Where is the mill?\nOption 2: I'd rather not say.\nOption 3: Good night, then.",
        "<think>Hm.\nWhat would she say?</think>Where is the mill?\nI'd rather not say.\n\n"
        "(quietly) Good night, then.",
        "a) Where is the mill?\nb) I'd rather not say.\nc) „Good night, then.“",
        '"Where is the mill?",\n"I\'d rather not say.",\n"Good night, then."',
    ],
)
def test_lines_are_found_whatever_is_put_around_them(answer: str) -> None:
    assert parse(answer, at(), 3) == THREE


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Mira: Where is the mill?",
        "Borin: Hello!",
        "Ask her about the mill.",
        "You could ask about the mill.",
        "[mood: cross] Where is the mill?",
        "x" * (MAX_CHARACTERS + 1),
        "a b c d e f g h i j k l m n o p q r s t u v w",
        "…!?",
        "*nods*",
        "Где мельница?",
        "Sit down, will you, and rest!",
        "[1, 2]",
        "[" * 3000 + "]" * 3000,
    ],
)
def test_what_a_player_would_not_say_is_dropped(answer: str) -> None:
    situation = at(
        said("player", "Good evening.", "Ann"), said("npc", "Sit down, will you, and rest.")
    )
    assert parse(answer, situation, 3) == []


def test_lines_are_distinct_new_and_no_more_than_asked_for() -> None:
    answer = "Where is the mill?\nWhere is the mill, please?\nGood evening!\nAnd the miller?\nBye."
    situation = at(said("player", "Good evening.", "Ann"))
    assert parse(answer, situation, 3) == ["Where is the mill?", "And the miller?", "Bye."]
    assert parse(answer, situation, 1) == ["Where is the mill?"]
    assert parse("!a\n!", at(), 3) == ["!a"]


def test_a_time_of_day_is_no_label() -> None:
    assert parse("I shall be there tomorrow: wait for me.", at(), 1) == [
        "I shall be there tomorrow: wait for me."
    ]


@pytest.mark.parametrize(
    ("situation", "answer", "kept"),
    [
        (at(locale="ja"), "水車はどこ？\nWhere is the mill?", ["水車はどこ？"]),
        (at(locale="zh"), "磨坊在哪裡？\nWhere is the mill?", ["磨坊在哪裡？"]),
        (at(said("npc", "Добрый вечер.")), "Где мельница?\nWhere?", ["Где мельница?"]),
        (at(), "Где мельница?\nWhere?", ["Где мельница?", "Where?"]),
        (at(said("npc", "…")), "Где мельница?", ["Где мельница?"]),
    ],
)
def test_lines_are_in_the_script_of_the_conversation(
    situation: Situation, answer: str, kept: list[str]
) -> None:
    assert parse(answer, situation, 3) == kept


@given(st.text(max_size=300), st.integers(0, 8))
def test_no_answer_breaks_the_parser(answer: str, count: int) -> None:
    found = parse(answer, replace(at()), count)
    assert len(found) <= count
    for line in found:
        assert 0 < len(line) <= MAX_CHARACTERS
        assert "\n" not in line
