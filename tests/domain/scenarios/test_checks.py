"""The checks of an answer: each finds what it is for, and nothing in a good answer."""

from __future__ import annotations

from typing import Any

import pytest

from dialogue_server.domain import language_detector
from dialogue_server.domain.persona import Entry, Fact, KnownBy, Persona, World
from dialogue_server.domain.scenarios.checks import Did, Heard, leak, problems
from dialogue_server.domain.scenarios.scenario import Step

GOOD = "Flooded. No ore till the water drops."
ASK = "Is the mine open today?"
POUR = Did(0, "action", "pour", {"drink": "ale", "n": 2})
ANSWER = Heard(
    npc="mira", name="Mira", text=GOOD, mood="wary", intensity=50, did=(POUR,), reason="complete"
)


def found(heard: Heard = ANSWER, **step: Any) -> tuple[str, ...]:
    return problems(Step(**{"say": ASK, **step}), heard, ("Mira", "Traveller"))


def heard(text: str = GOOD, **more: Any) -> Heard:
    return Heard(**{"npc": "mira", "text": text, "reason": "complete", **more})


@pytest.mark.parametrize("text", [GOOD, "The WATER took the Ore.", "“Flooded, no ore!”"])
def test_a_good_answer_has_no_problems(text: str) -> None:
    assert found(heard(text), contains=[["flooded", "water"], ["ore"]], never=["AI"]) == ()


@pytest.mark.parametrize(
    "step",
    [
        {"matches": ["^flooded", "dr.ps"]},
        {"mood": ["calm", "wary"]},
        {"action": "pour"},
        {"action": "pour", "args": {"drink": "ale"}},
        {"never_action": ["sing"]},
        {"language": "en-GB"},
        {"min_intensity": 40, "max_intensity": 60},
        {"max_chars": 37, "max_sentences": 2, "max_ms": 0, "max_first_ms": 0},
        {"by": "mira", "nobody": False, "reason": ["complete", "length"]},
        {"never": ["rops", "wate", "loo"]},
        {"never_trigger": ["storm"]},
    ],
)
def test_what_is_as_expected_is_no_problem(step: dict[str, Any]) -> None:
    assert found(**step) == ()


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({"contains": [["dry"]]}, "lacks dry"),
        ({"contains": [["dry", "open"], ["ore"]]}, "lacks dry or open"),
        ({"never": ["water"]}, "says 'water', which it never may"),
        ({"matches": ["^ore"]}, "does not match '^ore'"),
        ({"mood": ["calm", "merry"]}, "expected the mood calm or merry; it is wary"),
        ({"action": "sing"}, "expected the action sing; there is pour"),
        (
            {"action": "pour", "args": {"drink": "wine"}},
            "expected pour with drink=wine; it is with drink=ale n=2",
        ),
        ({"never_action": ["pour"]}, "does pour, which it never may"),
        ({"min_intensity": 51}, "expected the mood to be 51 to 100 strong; it is 50"),
        ({"max_intensity": 49}, "expected the mood to be 0 to 49 strong; it is 50"),
        ({"max_chars": 36}, "has 37 characters; at most 36 expected"),
        ({"max_sentences": 1}, "has more than 1 sentence(s)"),
        ({"by": "tom"}, "expected tom to answer; mira did"),
        ({"nobody": True}, "expected that nobody answers; mira did"),
        ({"reason": ["fallback"]}, "expected the turn to end as fallback; it is complete"),
        ({"trigger": ["storm"]}, "expected the trigger storm; there is none"),
    ],
)  # fmt: skip
def test_what_is_not_as_expected_is_told(step: dict[str, Any], problem: str) -> None:
    assert found(**step) == (problem,)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("   ", "empty"),
        (GOOD + " As an AI I cannot.", "speaks of models, prompts or rules"),
        ("(Say: flooded, no ore.)", "speaks of models, prompts or rules"),
        ("*sighs* Flooded, no ore.", "speaks of models, prompts or rules"),
        ("Flooded, no ore. Traveller: Oh!", "speaks for another"),
        ("Is the mine open today? Flooded, no ore.", "repeats the question"),
        ("No, no, no. Flooded, no ore.", "loops"),
        ("Flooded ore. Flooded ore.", "loops"),
        ("The ore is in the water and the ore is in the water.", "loops"),
        ("Flooded, so no ore and", "unfinished"),
    ],
)
def test_an_answer_out_of_character_is_told_unless_that_does_not_matter(
    text: str, problem: str
) -> None:
    assert found(heard(text)) == (problem,)
    assert found(heard(text), in_character=False) == ()


def test_a_short_question_may_come_back() -> None:
    assert found(heard("The mine? Shut."), say="The mine?") == ()


def test_a_word_said_twice_is_no_loop() -> None:
    assert found(heard("There. There! Flooded.")) == ()


def test_times_are_bounded() -> None:
    slow = heard(total_ms=900, first_ms=500)
    assert found(slow, max_ms=899, max_first_ms=499) == (
        "took 900 ms; at most 899 expected",
        "first word after 500 ms; at most 499 expected",
    )


def test_a_line_that_stood_in_for_the_model_is_a_problem_unless_expected() -> None:
    failed = heard("Hm.", reason="fallback", problem="model_failed: it broke")
    assert found(failed) == ("the turn ended as fallback (model_failed: it broke)",)
    assert found(failed, reason=["fallback"]) == ()
    assert found(failed, reason=["complete"]) == (
        "expected the turn to end as complete; it is fallback (model_failed: it broke)",
    )


def test_words_that_may_never_come_are_whole_words_where_a_script_has_such() -> None:
    assert found(heard("I said so again."), never=["AI", "aga"]) == ()
    assert found(heard("An AI, me?"), never=["ai"], in_character=False) == (
        "says 'ai', which it never may",
    )
    assert found(heard("我是人工智能。"), never=["人工智能"]) == (
        "says '人工智能', which it never may",
    )


def test_an_answer_in_another_language_is_told_by_its_script_or_by_a_detector() -> None:
    russian = heard("Шахта затоплена водой, руды не будет.")
    assert found(russian, language="en") == ("is in Cyrl; expected English",)
    detector, missing = language_detector.load()
    assert detector is not None, missing
    german = heard("Das Bergwerk steht unter Wasser, und niemand geht mehr hinein.")
    assert problems(Step(say=ASK, language="de"), german, (), detector) == ()
    assert problems(Step(say=ASK, language="en"), german, (), detector) == (
        "is in German; expected English",
    )


def test_an_action_without_its_parameters_is_told() -> None:
    bare = heard(did=(Did(0, "action", "pour", {}), Did(1, "mood", "calm", {})))
    assert found(bare, action="pour", args={"drink": "ale"}) == (
        "expected pour with drink=ale; it is with no parameters",
    )
    assert found(heard(mood=""), mood=["calm"]) == ("expected the mood calm; it is none",)
    assert found(heard(), action="pour") == ("expected the action pour; there is none",)


def test_triggers_are_expected_or_forbidden_also_where_nobody_answers() -> None:
    fired = heard(triggers=("storm", "dusk"))
    assert found(fired, trigger=["storm"], never_trigger=["dawn"]) == ()
    assert found(fired, trigger=["dawn"]) == ("expected the trigger dawn; there is storm, dusk",)
    silent = Heard(triggers=("dusk",))
    assert found(silent, say="", event="Dusk.", never_trigger=["dusk"]) == (
        "the trigger dusk fired, which it never may",
    )


@pytest.mark.parametrize(
    ("step", "silence_is_wrong"),
    [
        ({"say": "Hm?"}, True),
        ({"say": "Hm?", "nobody": True}, False),
        ({"event": "Thunder."}, False),
        ({"event": "Thunder.", "react": "must"}, True),
        ({"event": "Thunder.", "by": "mira"}, True),
        ({"event": "Thunder.", "nobody": False}, True),
        ({"result": "pour"}, False),
        ({"script": "Well."}, False),
        ({"script": "Well.", "npc": "mira"}, True),
        ({"advance": True}, True),
    ],
)
def test_silence_is_wrong_where_somebody_must_answer(
    step: dict[str, Any], silence_is_wrong: bool
) -> None:
    expected = ("expected an answer; nobody answered",) if silence_is_wrong else ()
    assert problems(Step(**step), Heard(), ()) == expected


def test_a_refused_request_is_told_with_the_servers_sentence() -> None:
    refused = Heard(problem="line_too_long: say.text: 2000 code points")
    assert found(refused, contains=[["x"]]) == ("line_too_long: say.text: 2000 code points",)


SECRET = "The baker hides the golden crown under his oven."
LORE = [Entry(SECRET, known_by=KnownBy(["borin"]))]
MIRA = Persona(
    "mira",
    "Mira",
    "A smith.",
    knowledge=[Fact("The old mine is full of cold black water.", when="mine == 'wet'")],
)


def test_what_the_npc_may_not_know_or_is_not_so_now_is_a_leak() -> None:
    world = World("Vale", "A valley.", lore=LORE)
    assert leak(world, MIRA, {"mine": "wet"}, "The old mine is full of cold black water.") == ""
    assert "knowledge[0]" in leak(
        world, MIRA, {"mine": "dry"}, "Oh, the old mine is full of cold black water."
    )
    told = "They say the baker hides the golden crown under his oven!"
    assert leak(world, MIRA, {"mine": "wet"}, told).startswith("tells what it must not: ")
    assert leak(world, MIRA, {"mine": "wet"}, told, ["Hello.", SECRET]) == ""
