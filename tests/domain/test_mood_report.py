"""Moods of played conversations, counted."""

from __future__ import annotations

from dialogue_server.domain.mood_report import as_data, mood_line, moods
from dialogue_server.domain.persona import Persona
from dialogue_server.domain.scenarios.checks import Did, Heard
from dialogue_server.domain.scenarios.result import Outcome, Result
from dialogue_server.domain.scenarios.scenario import Planned, Scenario, Step

JORY = Persona("jory", "Jory", "A boy.", moods=["calm", "guilty"], mood="calm")
PLAIN = Persona("bo", "Bo", "A boy.")
RESTLESS = Persona("wen", "Wen", "A healer.", moods=["glad"])
PERSONAS = {"jory": JORY, "bo": PLAIN, "wen": RESTLESS}


def said(npc: str, *moods: tuple[str, int]) -> Outcome:
    did = tuple(Did(0, "mood", mood, {"intensity": level}) for mood, level in moods)
    return Outcome(Planned(1, Step(say="…")), Heard(npc=npc, text="…", did=did), ())


def played(*outcomes: Outcome) -> Result:
    scenario = Scenario(
        file="f", name="n", line=1, npcs=("jory",), player="Ann", player_persona="", scene="",
        locale="", patches=(), steps=(),
    )  # fmt: skip
    return Result(scenario, 1, "", outcomes, 0)


def test_moods_are_counted_over_conversations_but_not_between_them() -> None:
    nobody = Outcome(Planned(1, Step(event="…")), None, ())
    first = played(said("jory"), nobody, said("jory", ("guilty", 80)), said("bo"), said("gone"))
    second = played(said("jory"), said("jory"))
    found = moods([first, second], PERSONAS)
    assert list(found) == ["jory"]
    assert found["jory"].turns == {"calm": 3, "guilty": 1}
    assert found["jory"].transitions == {("calm", "guilty"): 1}
    assert mood_line(found["jory"]) == (
        "calm 3 (75 %, up to 30), guilty 1 (25 %, up to 80); calm > guilty 1"
    )
    assert as_data(found) == {
        "jory": {
            "turns": {"calm": 3, "guilty": 1},
            "shares": {"calm": 0.75, "guilty": 0.25},
            "transitions": [["calm", "guilty", 1]],
            "peaks": {"calm": 30, "guilty": 80},
        }
    }


def test_no_mood_is_one_too() -> None:
    found = moods([played(said("wen"))], PERSONAS)
    assert mood_line(found["wen"]) == "none 1 (100 %, up to 0)"
