"""Who answers, and who goes on, among several."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from dialogue_server.domain.conversation import Node
from dialogue_server.domain.persona import Persona
from dialogue_server.domain.turn_taking import addressed, next_speaker

MIRA = Persona("mira", "Mira", "Keeps the inn.")
BORIN = Persona("borin", "Borin", "A smith.", aliases=["smith"], talkativeness=0.2)
WEN = Persona("wen", "Wen", "A healer.", talkativeness=0.9)
MUTE = Persona("mute", "Ode", "Says little.", talkativeness=0)
TELLER = Persona("teller", "The Night", "Tells.", narrator=True)
CAST = (MIRA, BORIN, WEN)


def said(*speakers: str, start: int = 0) -> list[Node]:
    return [
        Node(
            str(start + at),
            "",
            "player" if speaker == "Ann" else "event" if not speaker else "npc",
            speaker,
            "…",
            0.0,
        )
        for at, speaker in enumerate(speakers)
    ]


LONG = "The weather has been quite terrible all of this week."


def test_the_one_who_is_named_answers() -> None:
    assert addressed(CAST, "Borin, what do you say?", said("mira")) is BORIN
    assert addressed(CAST, "What does the smith say?", said("mira")) is BORIN
    assert addressed(CAST, "Mira is a liar, Wen!", said("mira")) is WEN
    assert addressed((MIRA, TELLER), "The Night, speak!", []) is TELLER


def test_a_name_in_another_language_counts_by_its_locale() -> None:
    assert addressed(CAST, "Kerro Borinille terveisiä ja hyvää päivää", [], "fi") is BORIN


@pytest.mark.parametrize(
    "line", ["And then?", "Why did you leave the village?", "なぜ？", "你為什麼離開這個村子呢"]
)
def test_a_short_line_or_one_with_you_goes_on_with_whoever_spoke_last(line: str) -> None:
    for npc in CAST:
        assert addressed(CAST, line, said("mira", "wen", npc.id, "Ann")) is npc


def test_a_question_about_another_goes_to_whoever_spoke_last() -> None:
    line = "Tell me a little more about Wen and her leeches."
    assert addressed(CAST, line, said("borin")) is BORIN
    assert addressed(CAST, line, []) is WEN  # nobody spoke yet
    assert addressed(CAST, line, said("wen")) is not WEN


def test_nobody_answers_twice_running_unless_addressed() -> None:
    for at in range(50):
        history = said("mira", "Ann", "wen", start=at)
        assert addressed(CAST, LONG, history) in (MIRA, BORIN)
        assert addressed(CAST, "Does anyone of you know the way?", history) in (MIRA, BORIN)


def test_the_talkative_answer_more_often_and_the_mute_only_when_addressed() -> None:
    cast = (MIRA, BORIN, WEN, MUTE)
    counts = Counter(addressed(cast, LONG, said("mira", start=at)).id for at in range(400))
    assert counts["mute"] == counts["mira"] == 0
    assert counts["wen"] > 2 * counts["borin"] > 0
    assert addressed(cast, "Ode?", said("mira")) is MUTE


def test_who_was_silent_for_long_comes_sooner() -> None:
    cast = (MIRA, replace(MIRA, id="b", name="Bo"), replace(MIRA, id="c", name="Cy"))
    history = ["b", "c", "mira", "c", "mira"]
    counts = Counter(addressed(cast, LONG, said(*history, start=at)).id for at in range(400))
    assert counts["b"] > counts["c"] > 0


def test_the_same_path_and_line_give_the_same_speaker() -> None:
    history = said("mira", "Ann")
    assert len({addressed(CAST, LONG, history).id for _ in range(20)}) == 1
    assert len({addressed(CAST, f"{LONG} {n}", history).id for n in range(20)}) == 2


def test_a_new_conversation_begins_with_the_most_talkative() -> None:
    assert addressed(CAST, LONG, []) is WEN
    assert addressed((MIRA, replace(MIRA, id="b")), LONG, []) is MIRA
    assert addressed((MUTE, BORIN), LONG, []) is BORIN


def test_somebody_always_answers() -> None:
    assert addressed((MIRA,), LONG, said("mira")) is MIRA
    assert addressed((MUTE, TELLER), LONG, said("mute")) is MUTE
    assert addressed((TELLER, MUTE), LONG, []) is MUTE
    assert addressed((TELLER,), LONG, said("teller")) is TELLER


def test_a_narrator_never_answers_unless_it_is_called() -> None:
    for at in range(30):
        assert addressed((MIRA, TELLER), "And then?", said("teller", start=at)) is MIRA
        assert addressed((MIRA, TELLER), "Tell me about the night in the hills", []) is MIRA


def test_the_conversation_goes_on_with_another_and_a_narrator_may_speak() -> None:
    cast = (MIRA, BORIN, TELLER)
    counts = Counter(next_speaker(cast, said("mira", start=at)).id for at in range(200))
    assert counts["mira"] == 0
    assert counts["borin"] > 0
    assert counts["teller"] > 0
    assert next_speaker((MIRA,), said("mira")) is MIRA
    assert next_speaker((MIRA, MUTE), said("mira")) is MUTE
    assert next_speaker((MIRA, MUTE), []) is MIRA
    assert next_speaker((MUTE,), []) is MUTE


def test_what_is_no_line_of_the_cast_does_not_count() -> None:
    history = [*said("mira"), *said("gone", "", start=5)]
    assert addressed(CAST, "And then?", history) is MIRA
