"""Texts of which a model will make little are found, each with what to do."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from dialogue_server.domain.lint.subject import Subject
from dialogue_server.domain.lint.texts import poor_texts
from dialogue_server.domain.persona import (
    Action,
    Entry,
    Example,
    Fact,
    Guards,
    KnownBy,
    Line,
    Parameter,
    Persona,
    World,
)

MIRA = Persona(
    "mira",
    "Mira",
    "Mira keeps the tavern by the mine. She knows everyone here and trusts few of them.",
    speech_style="Short and dry. Never a question where a statement does.",
    greeting="Mind the step, it is older than you are.",
    fallback=["Give me a moment, the kettle calls."],
    examples=[Example("Hello?", "Come in, and shut the door.")],
)
WORLD = World("W", "A world.", lore=[Entry("The mine is flooded."), Entry("Old.", keys=["x"])])


def found(world: World = WORLD, **changes: Any) -> list[tuple[str, str, str]]:
    subject = Subject(world, {"mira": replace(MIRA, **changes)}, frozenset())
    return [
        (item.source.partition(":")[2], item.severity, item.rule) for item in poor_texts(subject)
    ]


def problem(**changes: Any) -> str:
    (item,) = poor_texts(Subject(WORLD, {"mira": replace(MIRA, **changes)}, frozenset()))
    return item.problem


def test_a_sound_persona_has_no_finding() -> None:
    assert found() == []


@pytest.mark.parametrize(
    "text",
    ["[mood calm] Come in.", "[mood: calm Come in.", "(mood: calm) Come in.", "Come in. [sighs]"],
)
def test_what_was_meant_as_a_tag_and_is_none_is_found(text: str) -> None:
    sound = '[mood: calm] Wait. [pause: 500] [action: pour drink="ale"] (A while.) Hm.'
    assert found(moods=["calm"], fallback=[sound]) == []
    assert ("fallback[1]", "warning", "no-tag") in found(moods=["calm"], fallback=[sound, text])
    items = poor_texts(Subject(WORLD, {"mira": replace(MIRA, fallback=[text])}, frozenset()))
    (told,) = [item.problem for item in items if item.rule == "no-tag"]
    assert "is no tag" in told


def test_too_little_is_vague() -> None:
    assert found(description="A woman.", speech_style="Dry.") == [
        ("description", "warning", "vague")
    ]
    assert "only 4 tokens" in problem(description="A woman.", speech_style="Dry.")


def test_too_much_is_told_with_the_key_that_has_most_of_it() -> None:
    known = [
        Fact(f"In the year {at} the mine was flooded again, and nobody wept.") for at in range(99)
    ]
    assert found(knowledge=known) == [("knowledge", "warning", "overlong")]
    assert "knowledge alone has" in problem(knowledge=known)


def test_a_tiny_model_needs_one_sentence() -> None:
    long = "She keeps the tavern by the mine, and knows everyone. " * 6
    assert found(essence=long) == [("essence", "note", "overlong")]
    assert found(description=long) == [("description", "note", "no-essence")]
    assert found(description=long, essence="You are Mira.") == []


def test_what_every_npc_should_have_is_missed() -> None:
    long = MIRA.description + MIRA.speech_style
    assert found(fallback=[], examples=[], speech_style="", description=long) == [
        ("", "warning", "no-fallback"),
        ("", "note", "no-speech-style"),
        ("", "note", "no-examples"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("fallback", ["Hm.", "The server is busy, try again."], "fallback[1]"),
        ("fillers", ["As an AI, I think …"], "fillers[0]"),
        ("greeting", "Hello, I am a language model.", "greeting"),
    ],
)
def test_what_speaks_of_machines_is_out_of_character(key: str, value: Any, place: str) -> None:
    assert found(**{key: value}) == [(place, "warning", "out-of-character")]


@pytest.mark.parametrize(
    ("description", "parameter"),
    [
        ("Hands the player something.", "item"),
        ("Points at somebody.", "whom"),
        ("Walks somewhere.", "place"),
        ("Pays an amount of gold.", "amount"),
        ("Hands the player the key.", ""),
    ],
)
def test_an_action_that_does_not_say_what_needs_a_parameter(
    description: str, parameter: str
) -> None:
    action = Action("act", description)
    if parameter:
        assert found(actions=[action]) == [("actions[0]", "warning", "no-parameter")]
        assert f"[actions.parameters.{parameter}]" in problem(actions=[action])
    else:
        assert found(actions=[action]) == []
    assert found(actions=[Action("act", description, {"item": Parameter()})]) == []


def test_a_line_that_the_npcs_own_guards_forbid_is_found() -> None:
    guards = Guards(forbidden=["kettle"], topics={"doors": ["door"]}, allowed=["shut the door"])
    assert found(guards=guards) == [("fallback[0]", "warning", "guarded")]
    assert "(forbidden: kettle)" in problem(guards=guards)
    world = replace(WORLD, guards=Guards(topics={"doors": ["door"]}))
    assert found(world) == [("examples[0].npc", "warning", "guarded")]
    assert found(lines=[Line("I am a language model.", ["what"])]) == []
    strict = Guards(character=True)
    assert found(guards=strict, lines=[Line("I am a language model.", ["what"])]) == [
        ("lines[0].text", "warning", "guarded")
    ]


def test_what_is_said_twice_is_found_with_the_first() -> None:
    known = [
        Fact("The mine is FLOODED!"),
        Fact("It rains."),
        Fact("It rains"),
        Fact("It rains.", "x"),
    ]
    assert found(knowledge=known) == [
        ("knowledge[0]", "warning", "said-twice"),
        ("knowledge[2]", "warning", "said-twice"),
    ]
    hidden = replace(WORLD, lore=[Entry("It rains.", known_by=KnownBy(["bo"]))])
    assert found(hidden, knowledge=[Fact("It rains.")]) == []
    lines = [Line("No.", ["a"]), Line("No!", ["b"]), Line("No.", ["b"], when="x"), Line("No.")]
    assert found(lines=lines) == [("lines[1]", "warning", "said-twice")]


def test_two_languages_in_one_mouth_are_found() -> None:
    lines = [Line("Das ist nicht mein Haus, und ich kenne dich nicht.", ["house"])]
    assert found(lines=lines) == [("lines[0].text", "warning", "two-languages")]
    assert "is German, and the NPC's other lines are English" in problem(lines=lines)


def test_a_description_in_another_language_than_the_lines_is_found() -> None:
    german = {
        "greeting": "Das ist nicht dein Haus, und ich kenne dich nicht.",
        "fallback": ["Ich habe das nicht gehört, der Kessel ist zu laut."],
        "examples": [Example("Hallo?", "Komm herein, aber mach die Tür zu.")],
    }
    assert found(**german) == [("description", "warning", "two-languages")]


def test_texts_too_short_to_tell_are_let_alone() -> None:
    assert found(greeting="", fallback=["Hm."], examples=[Example("Hm?", "No.")]) == []


def test_a_tag_that_is_never_sent_is_told() -> None:
    greeting = "[mood: calm] Come in. [action: nod] Sit."
    assert found(moods=["calm"], actions=[Action("nod", "Nods.")], greeting=greeting) == [
        ("greeting", "warning", "unsent-tag")
    ]
    assert found(moods=["calm"], fillers=["Hm …", "[mood: calm] Hm …"]) == [
        ("fillers[1]", "warning", "unsent-tag")
    ]
    assert problem(greeting="Sit. [pause: 500] Talk.") == (
        "the tag [pause: 500] is left out here: of a greeting, only the moods reach the game"
    )
