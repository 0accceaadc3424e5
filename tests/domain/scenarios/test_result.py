"""What came of scenarios, as people and machines read it."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from dialogue_server.domain.scenarios.checks import Did, Heard
from dialogue_server.domain.scenarios.result import (
    Outcome,
    Result,
    as_data,
    bound,
    did_line,
    excerpt,
    failure_lines,
    golden_difference,
    golden_text,
    heard_line,
    junit,
    read_golden,
    share,
    title,
    transcript,
)
from dialogue_server.domain.scenarios.scenario import Minimum, Planned, Scenario, Step

ASK = Planned(3, Step(say="Hm?"))
HEARD = Heard(npc="mira", text="Flooded.", did=(Did(0, "mood", "wary", {}),))
GOOD = Outcome(ASK, HEARD, ())
BAD = Outcome(Planned(9, Step(say="And now?")), HEARD, ("lacks ore", "loops"))
STATE = Outcome(Planned(5, Step(state={"a": "ü"})), None, ())


def result(*outcomes: Outcome, name: str = "mine", **more: Any) -> Result:
    scenario = Scenario(
        file="s/mine.toml",
        name=name,
        line=2,
        npcs=("mira",),
        player="Ann",
        player_persona="",
        scene="",
        locale="",
        patches=(),
        steps=tuple(outcome.planned for outcome in outcomes),
    )
    told = {"seed": 1, "greeting": "Come in.", "total_ms": 1500, **more}
    return Result(scenario=scenario, outcomes=outcomes, **told)


def test_the_share_counts_the_lines_that_somebody_may_answer() -> None:
    assert share([result(GOOD, STATE, BAD), result(GOOD, GOOD)]) == 75
    assert share([]) == 100


def test_a_conversation_that_went_wrong_as_a_whole_has_no_right_line() -> None:
    broken = result(problem="stopped at line 2: no NPC")
    assert (broken.passed, broken.lines, broken.lines_passed) == (False, 1, 0)
    assert result(GOOD).passed
    assert not result(BAD).passed


def test_the_needed_share_is_the_given_one_or_the_files_for_this_voice() -> None:
    minimum = Minimum(scripted=90, model=60)
    assert bound(minimum, "scripted") == 90
    assert bound(minimum, "local gemma") == 60
    assert bound(minimum, "scripted", 10) == 10


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (Step(say="Hm?"), "> Hm?"),
        (Step(say="Hm?", to="mira"), "> Hm?  (to mira)"),
        (Step(state={"a": "ü"}), '~ state {"a": "ü"}'),
        (Step(event="A bell."), "~ event A bell."),
        (Step(script="Well.", npc="mira"), "~ script mira: Well."),
        (Step(script="Well."), "~ script player: Well."),
        (Step(result="pour"), "~ pour done"),
        (Step(result="pour", accepted=False, text="No ale."), "~ pour refused: No ale."),
        (Step(save="a"), "~ save a"),
        (Step(load="a"), "~ load a"),
        (Step(advance=True), "~ advance"),
        (Step(regenerate=True), "~ regenerate"),
    ],
)
def test_each_step_is_a_line_of_the_transcript(step: Step, line: str) -> None:
    assert did_line(step) == line


def test_moods_and_actions_stand_where_they_happened() -> None:
    did = (
        Did(0, "mood", "wary", {"intensity": 60}),
        Did(5, "action", "pour", {"drink": "ale"}),
        Did(5, "pause", "", {"ms": 300}),
    )
    heard = Heard(npc="mira", text="Here. Drink.", did=did)
    assert heard_line(heard) == "mira: (wary) Here. *pour drink=ale* Drink."
    twice = (Did(0, "mood", "calm", {}), Did(0, "mood", "wary", {}), Did(5, "mood", "calm", {}))
    assert heard_line(Heard(npc="mira", text="Here. Drink.", did=twice)) == (
        "mira: (wary) Here. (calm) Drink."
    )
    assert heard_line(Heard()) == "- nobody answers"
    assert heard_line(Heard(problem="busy: A turn runs.")) == "! busy: A turn runs."


def test_a_transcript_has_the_greeting_the_steps_and_the_triggers() -> None:
    two_lines = msgspec.structs.replace(HEARD, text="Flooded.\nAll.", triggers=("deep",))
    assert transcript(result(Outcome(ASK, two_lines, ()), STATE)) == [
        "mira: Come in.",
        "> Hm?",
        "mira: (wary) Flooded.",
        "    All.",
        "* trigger deep",
        '~ state {"a": "ü"}',
    ]
    assert transcript(result(greeting="")) == []


def test_an_excerpt_shows_what_went_wrong_and_its_neighbours() -> None:
    lines = excerpt(result(*[GOOD] * 4, BAD, *[GOOD] * 4), around=1)
    said = ["> Hm?", "mira: (wary) Flooded."]
    wrong = ["> And now?", "mira: (wary) Flooded.", "^ line 9: lacks ore", "^ line 9: loops"]
    assert lines == ["...", *said, *wrong, *said, "..."]
    assert excerpt(result(GOOD)) == said


def test_golden_texts_are_read_back_and_compared() -> None:
    one, other = result(GOOD, STATE), result(GOOD, name="a\nb")
    text = golden_text([one, other])
    assert text.startswith("# What the authored voice answers")
    golden = read_golden(text)
    assert list(golden) == ["mine", "a b"]
    assert golden_difference(one, golden) == ()
    assert golden_difference(other, golden) == ()
    assert golden_difference(result(GOOD, name="new"), golden) == ()
    changed = Outcome(ASK, msgspec.structs.replace(HEARD, text="Dry."), ())
    diff = golden_difference(result(changed, STATE), golden)
    assert "-mira: (wary) Flooded." in diff
    assert "+mira: (wary) Dry." in diff


def test_a_failure_names_file_and_line() -> None:
    assert list(failure_lines(result(GOOD, BAD, problem="differs"))) == [
        "s/mine.toml:2: differs",
        "s/mine.toml:9: lacks ore",
        "s/mine.toml:9: loops",
    ]


def test_several_seeds_are_told_apart() -> None:
    assert title(result(seed=2), 1) == "mine"
    assert title(result(seed=2), 3) == "mine [seed 2]"


def test_junit_has_a_suite_a_file_and_a_case_a_conversation() -> None:
    strange = result(BAD, name="b\x00\ud800ell", diff=("-a", "+b"))
    root = ElementTree.fromstring(junit([result(GOOD), result(BAD), strange], "scripted", 1))
    (suite,) = root.findall("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("time")) == ("3", "2", "4.500")
    good, bad, odd = suite.findall("testcase")
    assert good.find("failure") is None
    assert good.findtext("system-out") == "mira: Come in.\n> Hm?\nmira: (wary) Flooded."
    failure = bad.find("failure")
    assert failure is not None
    assert failure.get("message") == "s/mine.toml:9: lacks ore"
    assert "mira: (wary) Flooded." in str(failure.text)
    assert odd.get("name") == "b��ell"
    assert "-a\n+b" in str(odd.findtext("failure"))


def test_the_data_can_be_written_as_json() -> None:
    data = as_data([result(GOOD, STATE), result(BAD)], "scripted", passed=False)
    read = msgspec.json.decode(msgspec.json.encode(data))
    assert (read["passed"], read["share"], read["lines"], read["lines_passed"]) == (False, 50, 2, 1)
    assert read["conversations"][1]["steps"][0]["problems"] == ["lacks ore", "loops"]
    assert read["conversations"][0]["steps"][0]["heard"]["text"] == "Flooded."
