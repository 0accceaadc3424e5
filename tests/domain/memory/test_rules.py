"""The patterns by which facts are recognised: each sentence here must meet its rule, and no other
kind of the important ones."""

from __future__ import annotations

import pytest

from dialogue_server.domain.memory.facts import asked_about, fact
from dialogue_server.domain.memory.rules import ASKED, RULES

TOLD = [
    ("My name is Wessalyn.", "name"),
    ("People call me Tarrow.", "name"),
    ("I grew up in Harrowmere.", "origin"),
    ("I come from the coast.", "origin"),
    ("I'm a carpenter by trade.", "work"),
    ("I worked as a cooper for years.", "work"),
    ("My older brother is a monk.", "family"),
    ("I married young.", "family"),
    ("I turn thirty at the fair.", "age"),
    ("I carry a locket.", "have"),
    ("I love carving whistles.", "like"),
    ("I can't stand fennel.", "dislike"),
    ("I'm terribly afraid of moths.", "fear"),
    ("Bells frighten me.", "fear"),
    ("I'm allergic to saffron.", "health"),
    ("My left knee is ruined.", "health"),
    ("We have been friends since the siege.", "friend"),
    ("I'm looking for Emeric Dask.", "plan"),
    ("I need a rope.", "need"),
    ("I can pick locks.", "skill"),
    ("I pray to the Ferryman.", "faith"),
    ("I've never told anyone this.", "secret"),
    ("I killed the baron's hound.", "deed"),
    ("I found a cave.", "deed"),
    ("I owe Garrick forty crowns.", "debt"),
    ("I have a score to settle.", "feud"),
    ("I promise to come back.", "promise"),
    ("I'll bring you the kettle.", "promise"),
    ("I always sleep badly.", "habit"),
    ("I spent ten years at sea.", "past"),
    ("Remember the signal: two knocks.", "wish"),
    ("Ich heiße Anna.", "name"),
    ("Ich komme aus Bremen.", "origin"),
    ("Von Beruf bin ich Böttcher, mein Vater auch.", "work"),
    ("Meine Schwester wohnt dort, und ich besuche sie.", "family"),
    ("Ich habe einen Hund.", "have"),
    ("Ich liebe Äpfel.", "like"),
    ("Ich hasse Zwiebeln.", "dislike"),
    ("Ich habe große Angst vor Hunden.", "fear"),
    ("Ich bin allergisch gegen Nüsse.", "health"),
    ("Ich suche meinen Bruder.", "plan"),
    ("Ich verspreche es dir.", "promise"),
    ("Ich werde dir den Kessel bringen.", "promise"),
    ("Das ist ein Geheimnis.", "secret"),
]


@pytest.mark.parametrize(("sentence", "kind"), TOLD)
def test_a_statement_is_recognised(sentence: str, kind: str) -> None:
    found = fact(sentence)
    assert kind in found.kinds
    assert 0.4 <= found.importance <= 1.0


@pytest.mark.parametrize(
    "sentence",
    [
        "The weather turns.",
        "Do you promise?",
        "Two pence, and not a farthing less.",
        "Er ist weit weg.",
        "いい天気ですね。",
        "",
    ],
)
def test_what_is_not_about_the_speaker_is_no_fact(sentence: str) -> None:
    assert fact(sentence).kinds == ()
    assert fact(sentence).importance < 0.2
    assert fact(sentence, True).importance == 0


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who am I?", "name"),
        ("Where am I from?", "origin"),
        ("What do I do for a living?", "work"),
        ("How old am I?", "age"),
        ("Do you know my parents?", "family"),
        ("What do I own?", "have"),
        ("What do I love?", "like"),
        ("What should you never serve?", "dislike"),
        ("What scares me?", "fear"),
        ("Who am I looking for?", "plan"),
        ("What did you promise?", "promise"),
        ("Whom do I owe?", "debt"),
        ("What secret do you keep?", "secret"),
        ("What is wrong with my leg?", "health"),
        ("Whom do I trust?", "friend"),
        ("What can I do?", "skill"),
        ("Woher komme ich?", "origin"),
    ],
)
def test_a_question_asks_for_a_kind(question: str, kind: str) -> None:
    assert kind in asked_about(question)


def test_what_asks_for_nothing_asks_for_no_kind() -> None:
    assert asked_about("Nice weather.") == frozenset()


def test_every_kind_is_proved_here() -> None:
    assert {kind for kind, _, _ in RULES} == {kind for _, kind in TOLD}
    assert {kind for kind, _ in ASKED} <= {kind for kind, _, _ in RULES}


@pytest.mark.parametrize("text", ["i " * 5000, "my " * 5000, "make me " + "very " * 3000 + "x"])
def test_no_pattern_takes_long_over_a_hostile_line(text: str) -> None:
    for _, _, pattern in RULES:
        pattern.search(text[:240])  # pieces are never longer (memory_facts.MAX_CHARS)
