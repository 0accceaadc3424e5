"""The typewriter's pace, by a clock that the test turns."""

from __future__ import annotations

import pytest
from dialogue_protocol.messages import Cue
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.cli.reveal import LONGEST_PAUSE, Reveal


def play(reveal: Reveal, start: float = 100.0) -> list[tuple[float, str]]:
    """Everything that is shown, with the time since the start, in milliseconds."""
    now, shown = start, []
    while (wait := reveal.wait(now)) is not None:
        now += wait
        item = reveal.due(now)
        assert item is not None
        text = item if isinstance(item, str) else f"<{item.name or item.kind}>"
        shown.append((round((now - start) * 1000), text))
    return shown


def test_text_is_shown_at_an_even_pace():
    reveal = Reveal(speed=10)
    reveal.text("abc")
    times = [at for at, _ in play(reveal)]
    assert times[2] - times[1] == 100
    assert reveal.shown == 3


def test_a_pause_holds_up_what_follows_it():
    reveal = Reveal(speed=1000)
    reveal.text("ab")
    reveal.cue(Cue(1, 1, "pause", args={"ms": 700}))
    shown = play(reveal)
    assert [text for _, text in shown] == ["a", "<pause>", "b"]
    assert shown[2][0] - shown[1][0] >= 650


def test_a_pause_is_bounded_and_nonsense_is_no_pause():
    for ms, at_most in ((10**9, LONGEST_PAUSE * 1000), (-5, 0), ("x", 0)):
        reveal = Reveal(speed=1000)
        reveal.cue(Cue(1, 0, "pause", args={"ms": ms}))
        reveal.text("a")
        assert play(reveal)[-1][0] <= at_most


def test_a_cue_comes_when_the_text_before_it_was_shown():
    reveal = Reveal(speed=50)
    reveal.cue(Cue(1, 0, "mood", "calm"))
    reveal.text("ab")
    reveal.cue(Cue(1, 2, "action", "wave"))
    reveal.text("c")
    assert [text for _, text in play(reveal)] == ["<calm>", "a", "b", "<wave>", "c"]


def test_a_cue_beyond_the_text_is_not_lost():
    reveal = Reveal(speed=50)
    reveal.text("a")
    reveal.cue(Cue(1, 9, "action", "wave"))
    assert [text for _, text in play(reveal)] == ["a"]
    assert not reveal.empty
    reveal.complete()
    assert [text for _, text in play(reveal)] == ["<wave>"]
    assert reveal.empty


def test_a_cue_that_comes_before_its_text_waits_for_it():
    reveal = Reveal(speed=0)
    reveal.text("So")
    reveal.cue(Cue(1, 3, "mood", "wary"))
    assert [text for _, text in play(reveal)] == ["S", "o"]
    reveal.text(".")
    assert [text for _, text in play(reveal)] == [".", "<wary>"]


def test_nothing_is_due_before_its_time():
    reveal = Reveal(speed=10)
    reveal.text("ab")
    assert reveal.due(5.0) == "a"
    assert reveal.due(5.01) is None
    assert reveal.wait(5.01) == pytest.approx(0.04)


def test_a_cluster_is_shown_whole_and_counted_in_code_points():
    reveal = Reveal(speed=0)
    reveal.text("e\u0301👨‍👩‍👧!")
    assert [text for _, text in play(reveal)] == ["e\u0301", "👨‍👩‍👧", "!"]
    assert reveal.shown == 2 + 5 + 1


def test_hurry_shows_the_rest_at_once():
    reveal = Reveal(speed=1)
    reveal.text("abc")
    assert reveal.due(0.0) == "a"
    assert reveal.due(0.1) is None
    reveal.hurry()
    assert [reveal.due(0.1), reveal.due(0.1), reveal.due(0.1)] == ["b", "c", None]


def test_after_waiting_for_text_it_does_not_catch_up_in_a_rush():
    reveal = Reveal(speed=10)
    reveal.text("a")
    assert reveal.due(0.0) == "a"
    reveal.text("bcd")
    assert reveal.due(60.0) == "b"
    assert reveal.due(60.01) is None


def test_the_upcoming_word_ends_at_a_space():
    reveal = Reveal(speed=0)
    reveal.text("two words")
    assert reveal.upcoming == "two"


@given(st.lists(st.text(max_size=8)), st.sampled_from([0.0, 7.0, 1000.0]))
def test_everything_is_shown_once_and_in_order(pieces: list[str], speed: float):
    reveal = Reveal(speed)
    for piece in pieces:
        reveal.text(piece)
    assert "".join(text for _, text in play(reveal)) == "".join(pieces)
    assert reveal.shown == sum(map(len, pieces))
    assert reveal.empty
