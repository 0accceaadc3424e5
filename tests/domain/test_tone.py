"""Moods with intensity: rules, tags, decay, and how they went."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dialogue_server.domain.conversation import Node
from dialogue_server.domain.persona import Persona
from dialogue_server.domain.staging import ToneRule
from dialogue_server.domain.state import merge_patch
from dialogue_server.domain.tone import (
    MAX,
    TONE,
    Moment,
    Tone,
    at_rest,
    describe,
    hear,
    measure,
    must_tell,
    record,
    shown,
    shown_in,
    timeline,
    tone_of,
    unseen,
)

MIRA = Persona(
    "mira",
    "Mira",
    "A smith.",
    moods=["calm", "cross", "afraid"],
    mood="calm",
    tone=[
        ToneRule("cross", keys=["idiot", "useless"], change=40),
        ToneRule("cross", keys=["sorry", "thank*"], change=-30),
        ToneRule("afraid", when="mine == 'burning'", at_least=80),
    ],
    mood_texts={"cross": "Answers in three words."},
)
REST = Tone("calm", {"calm": 30})
PLAIN = Persona("bo", "Bo", "A boy.")


def line(
    id_: str, kind: str, speaker: str, *cues: list[Any], tone: dict[str, Any] | None = None
) -> Node:
    meta: dict[str, Any] = {"cues": list(cues)} if cues else {}
    if tone is not None:
        meta[TONE] = tone
    return Node(id_, "", kind, speaker, "…", 0.0, meta=meta)  # type: ignore[arg-type]


def mood(name: str, intensity: int | None = None, offset: int = 0) -> list[Any]:
    return [offset, "mood", name, {} if intensity is None else {"intensity": intensity}]


# ---------------------------------------------------------------- what moves it


def test_a_new_npc_is_in_the_mood_of_its_file() -> None:
    assert at_rest(MIRA) == REST
    assert (at_rest(MIRA).mood, at_rest(MIRA).intensity) == ("calm", 30)
    assert at_rest(PLAIN) == Tone()
    assert at_rest(replace(MIRA, mood_intensity=0)) == Tone("calm")


def test_an_insult_makes_it_cross_and_another_one_more() -> None:
    once = hear(MIRA, REST, "You idiot!", {})
    assert (once.mood, once.intensity) == ("cross", 40)
    twice = hear(MIRA, once, "You useless idiot!", {})
    assert (twice.mood, twice.intensity) == ("cross", 70)  # 40, less 10, plus 40


def test_an_apology_helps_and_time_does_the_rest() -> None:
    tone = hear(MIRA, Tone("cross", {"cross": 80, "calm": 30}), "I am sorry.", {})
    assert (tone.mood, tone.intensity) == ("cross", 40)
    tone = hear(MIRA, tone, "Nice weather.", {})
    assert (tone.mood, tone.intensity) == ("cross", 30)
    tone = hear(MIRA, tone, "Nice weather.", {})
    assert (tone.mood, tone.intensity) == ("calm", 30)
    for _ in range(3):
        tone = hear(MIRA, tone, "Nice weather.", {})
    assert tone == REST


def test_a_mood_at_rest_that_was_pushed_down_comes_back() -> None:
    calmed = replace(MIRA, tone=[ToneRule("calm", keys=["boo"], change=-30)])
    low = hear(calmed, REST, "Boo!", {})
    assert low == Tone("calm")
    assert hear(calmed, low, "Well.", {}) == Tone("calm", {"calm": 10})


def test_a_condition_on_the_state_keeps_a_mood_up_while_it_holds() -> None:
    burning = {"mine": "burning"}
    afraid = hear(MIRA, REST, "Hello.", burning)
    assert (afraid.mood, afraid.intensity) == ("afraid", 80)
    assert hear(MIRA, afraid, "Hello.", burning).intensity == 80
    assert hear(MIRA, afraid, "Hello.", {"mine": "out"}).intensity == 70


def test_an_event_moves_the_mood_and_takes_no_time() -> None:
    tone = Tone("cross", {"cross": 50, "calm": 30})
    assert hear(MIRA, tone, "The roof falls in.", {}, decay=False) == tone
    assert hear(MIRA, tone, "A man calls her an idiot.", {}, decay=False).intensity == 90


def test_a_tag_shows_a_mood_at_once() -> None:
    furious = Tone("cross", {"cross": 90, "calm": 30})
    assert shown(MIRA, REST, "cross") == Tone("cross", {"calm": 30, "cross": 60})
    assert shown(MIRA, furious, "cross") == furious
    assert shown(MIRA, REST, "calm") == REST
    assert shown(MIRA, Tone("cross", {"cross": 12}), "cross") == Tone("cross", {"cross": 30})
    assert shown(MIRA, REST, "cross", 80).intensity == 80
    assert shown(MIRA, furious, "calm", 50) == Tone("calm", {"cross": 50, "calm": 50})
    assert shown(MIRA, REST, "cross", 0).intensity == 1
    assert shown(MIRA, REST, "cross", 4000).intensity == 100
    assert shown(MIRA, REST, "merry") == REST


def test_among_equals_the_mood_it_is_in_stays_then_the_first_in_the_file_comes() -> None:
    equal = {"afraid": 50, "cross": 50}
    still = replace(MIRA, mood_decay=0)
    assert hear(still, Tone("afraid", equal), "Well.", {}).mood == "afraid"
    assert hear(still, Tone("calm", {**equal, "calm": 10}), "Well.", {}).mood == "cross"


@given(
    st.lists(st.sampled_from(["You idiot", "sorry", "Well.", "[tag]", "[strong]"]), max_size=12),
    st.sampled_from([{}, {"mine": "burning"}]),
)
def test_the_mood_is_always_one_of_the_file_and_in_bounds(
    lines: list[str], state: dict[str, Any]
) -> None:
    tone = at_rest(MIRA)
    for text in lines:
        if text == "[tag]":
            tone = shown(MIRA, tone, "afraid")
        elif text == "[strong]":
            tone = shown(MIRA, tone, "cross", 100)
        else:
            tone = hear(MIRA, tone, text, state)
        assert tone.mood in MIRA.moods
        assert 0 <= tone.intensity <= MAX
        assert tone.intensity == max(tone.levels.values(), default=0)


# ---------------------------------------------------------------- over a path


def test_the_newest_record_of_a_path_says_the_tone() -> None:
    cross = Tone("cross", {"cross": 70})
    path = [
        line("1", "npc", "mira", mood("afraid", 90), tone=record({"mira": REST})),
        line("2", "player", "Ann", tone=record({"mira": cross, "bo": Tone()})),
        line("3", "npc", "bo", mood("glad")),
    ]
    assert tone_of(MIRA, path) == cross
    assert tone_of(MIRA, path[:1]) == REST
    assert tone_of(MIRA, []) == REST


def test_a_line_without_levels_says_its_mood_by_its_cues() -> None:
    path = [line("1", "npc", "mira", mood("afraid"), [3, "pause", "", {"ms": 1}])]
    assert tone_of(MIRA, path) == Tone("afraid", {"calm": 30, "afraid": 60})
    assert tone_of(MIRA, [line("1", "npc", "mira")]) == REST


def test_moods_that_left_the_file_are_forgotten() -> None:
    merry = record({"mira": Tone("merry", {"merry": 90, "cross": 40})})
    assert tone_of(MIRA, [line("1", "npc", "mira", tone=merry)]) == Tone("cross", {"cross": 40})
    merry = record({"mira": Tone("cross", {"merry": 20, "cross": 40})})
    assert tone_of(MIRA, [line("1", "npc", "mira", tone=merry)]) == Tone("cross", {"cross": 40})
    only = record({"mira": Tone("merry", {"merry": 90})})
    assert tone_of(MIRA, [line("1", "npc", "mira", tone=only)]) == Tone("calm")


@pytest.mark.parametrize(
    ("tone", "told"),
    [
        (REST, False),
        (Tone("calm", {"calm": 50}), False),
        (Tone("calm", {"calm": 55}), True),
        (Tone("cross", {"cross": 31}), True),
    ],
)
def test_a_client_is_told_of_another_mood_or_a_much_stronger_one(tone: Tone, told: bool) -> None:
    assert must_tell(MIRA, tone, []) is told
    assert must_tell(MIRA, tone, [line("1", "player", "Ann")]) is told
    assert not must_tell(MIRA, tone, [line("1", "npc", "mira", mood(tone.mood, tone.intensity))])


def test_the_prompt_says_the_mood_where_it_is_not_the_usual_one() -> None:
    assert describe(MIRA, REST) == ""
    assert describe(PLAIN, Tone()) == ""
    cross = "Your mood now: quite cross (60 of 100). Answers in three words."
    assert describe(MIRA, Tone("cross", {"cross": 60})) == cross
    assert (
        describe(MIRA, Tone("afraid", {"afraid": 100}))
        == "Your mood now: very afraid (100 of 100)."
    )
    assert (
        describe(MIRA, Tone("afraid", {"afraid": 1}))
        == "Your mood now: a little afraid (1 of 100)."
    )
    usual = replace(MIRA, mood_texts={"calm": "Hums."})
    assert describe(usual, REST) == "Your mood now: a little calm (30 of 100). Hums."


# ---------------------------------------------------------------- how it went


def test_a_timeline_has_each_mood_of_each_line_and_is_counted() -> None:
    path = [
        line("1", "npc", "mira"),
        line("2", "player", "Ann", tone=record({"mira": Tone("cross", {"cross": 40})})),
        line("3", "npc", "mira", mood("cross", 40), mood("calm", 50, 9), mood("calm", 50, 12)),
        line("4", "npc", "bo", mood("glad")),
        line("5", "npc", "mira", mood("cross", 80, 4)),
    ]
    moments = timeline(MIRA, path)
    assert moments == (
        Moment("1", 0, "calm", 30),
        Moment("3", 0, "cross", 40),
        Moment("3", 9, "calm", 50),
        Moment("5", 0, "calm", 50),
        Moment("5", 4, "cross", 80),
    )
    moods = measure(moments)
    assert moods.turns == {"calm": 2, "cross": 1}
    assert moods.shares == {"calm": 2 / 3, "cross": 1 / 3}
    assert moods.transitions == {("calm", "cross"): 2, ("cross", "calm"): 1}
    assert moods.peaks == {"calm": 50, "cross": 80}


def test_nothing_said_is_counted_as_nothing() -> None:
    moods = measure(timeline(MIRA, []))
    assert (moods.turns, moods.shares, moods.transitions, moods.peaks) == ({}, {}, {}, {})


def test_the_moods_behind_what_was_seen_of_a_line_are_taken_back() -> None:
    def cue(at: int, mood: str, strength: int) -> list[Any]:
        return [at, "mood", mood, {"intensity": strength}]

    cues = [cue(0, "cross", 50), [3, "pause", "", {"ms": 9}], cue(6, "afraid", 90)]
    node = Node("n", "", "npc", "mira", "Go! Now!", 0.0, meta={"cues": cues})
    told = record({"mira": shown_in(MIRA, at_rest(MIRA), node)})
    node = replace(node, meta={**node.meta, TONE: told})
    assert tone_of(MIRA, [node]).mood == "afraid"
    patch = unseen(MIRA, [], node, 4)
    seen = replace(node, meta=merge_patch(node.meta, patch))
    assert seen.meta["cues"] == cues[:2]
    assert tone_of(MIRA, [seen]) == shown(MIRA, at_rest(MIRA), "cross", 50)
    assert unseen(MIRA, [], node, 6) == {}
    unmoved = replace(node, meta={"cues": cues[1:2]})
    assert unseen(MIRA, [], unmoved, 0) == {"cues": []}
