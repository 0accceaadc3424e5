"""The checks of an answer, and the file of questions."""

from __future__ import annotations

import pytest

from dialogue_server.domain.evaluation import Case, decode, problems
from dialogue_server.errors import ContentError

CASE = Case("mira", "Is the mine open today?", [["flooded", "water"], ["ore"]])
GOOD = "Flooded. No ore till the water drops."


@pytest.mark.parametrize("answer", [GOOD, "The WATER took the Ore.", "“Flooded, no ore!”"])
def test_a_good_answer_has_no_problems(answer: str) -> None:
    assert problems(CASE, answer, ("Mira", "Traveller")) == ()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("Flooded.", "lacks ore"),
        ("No ore.", "lacks flooded or water"),
        (GOOD + " As an AI I cannot.", "speaks of models, prompts or rules"),
        ("(Say: flooded, no ore.)", "speaks of models, prompts or rules"),
        ("*sighs* Flooded, no ore.", "speaks of models, prompts or rules"),
        ("Flooded, no ore. Traveller: Oh!", "speaks for another"),
        ("Is the mine open today? Flooded, no ore.", "repeats the question"),
        ("Flooded. No ore. Go.", "more than two sentences"),
        ("No, no, no. Flooded, no ore.", "loops"),
        ("Flooded ore. Flooded ore.", "loops"),
        ("The ore is in the water and the ore is in the water.", "loops"),
        ("Flooded, so no ore and", "unfinished"),
        ("Flooded, no ore. Ушёл.", "in another script"),
    ],
)
def test_a_bad_answer_is_told_what_is_wrong(answer: str, problem: str) -> None:
    assert problem in problems(CASE, answer, ("Mira", "Traveller"))


def test_a_short_question_may_come_back() -> None:
    assert problems(Case("mira", "The mine?"), "The mine? Shut.", ()) == ()


def test_cases_are_read_from_toml() -> None:
    data = b'[[case]]\nnpc = "mira"\nask = "Hm?"\nholds = [["a", "b"]]\nstate = { mine = "wet" }'
    assert decode("e.toml", data) == (Case("mira", "Hm?", [["a", "b"]], {"mine": "wet"}),)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff", "UTF-8"),
        (b"[[case", "e.toml: "),
        (b"[[case]]\nnpc = 1\nask = 'x'", r"case\[0\]\.npc: Expected `str`"),
        (b"[[case]]\nnpc = 'x'", r"case\[0\]: Object missing required field `ask`"),
        (b"x = 1", "unknown field `x`"),
    ],
)
def test_a_broken_file_is_told_where_and_what(data: bytes, says: str) -> None:
    with pytest.raises(ContentError, match=says):
        decode("e.toml", data)
