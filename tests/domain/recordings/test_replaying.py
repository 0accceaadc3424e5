"""A recorded session as an answering machine."""

from __future__ import annotations

import pytest
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    ActionResult,
    Advance,
    ClientMessage,
    Close,
    Closed,
    Cue,
    Delta,
    Error,
    Event,
    History,
    Open,
    Opened,
    Player,
    Queued,
    Save,
    Saved,
    Say,
    Script,
    ServerMessage,
    State,
    StateOk,
    Trigger,
    Turn,
    TurnEnd,
)

from dialogue_server.domain.recordings.exchanges import Exchange
from dialogue_server.domain.recordings.replaying import Match, Replay
from dialogue_server.errors import RequestError

ANN = Player("ann", "Ann")


def turn(number: int, line: str, text: str) -> list[tuple[float, ServerMessage]]:
    return [
        (5.0, Turn(number, f"id{number}", "c", "mira", line)),
        (5.5, Queued(number, 1)),
        (6.0, Cue(number, 0, "mood", "calm")),
        (7.5, Delta(number, text)),
        (9.0, TurnEnd(number, "complete", len(text), 7, 9)),
    ]


RECORDED = [
    Exchange(0.0, Open("c", ["mira"], ANN), [(1.0, Opened("c", [], "Hello."))]),
    Exchange(10.0, Say("c", "a", "How is the mine?"), turn(1, "a", "Wet.")),
    Exchange(20.0, Say("c", "b", "And the inn?"), turn(2, "b", "Dry.")),
    Exchange(30.0, Say("c", "x", "How is the mine?"), turn(3, "x", "Still wet.")),
    Exchange(40.0, Say("c", "y", "Unanswered?"), []),
    Exchange(50.0, Open("d", ["tom"], ANN), [(1.0, Opened("d", []))]),
]


def said(answers: list[tuple[float, ServerMessage]]) -> str:
    return "".join(answer.text for _, answer in answers if isinstance(answer, Delta))


def replay(match: Match = "normalised", recorded: list[Exchange] = RECORDED) -> Replay:
    found = Replay(recorded, match)
    found.answer(Open("c", ["mira"], ANN))
    return found


def test_the_recorded_answer_comes_with_its_delays_for_the_clients_own_line() -> None:
    assert replay().answer(Say("c", "mine", "And the inn?")) == [
        (5.0, Turn(1, "id2", "c", "mira", "mine")),
        (5.5, Queued(1, 1)),
        (6.0, Cue(1, 0, "mood", "calm")),
        (7.5, Delta(1, "Dry.")),
        (9.0, TurnEnd(1, "complete", 4, 7, 9)),
    ]


def test_a_line_said_twice_gets_the_second_answer_and_then_the_newest_again() -> None:
    playing = replay()
    answers = [playing.answer(Say("c", f"{n}", "How is the mine?")) for n in range(4)]
    assert [said(each) for each in answers] == ["Wet.", "Still wet.", "Still wet.", "Still wet."]
    turns = [each[0][1] for each in answers]
    assert [t.turn for t in turns if isinstance(t, Turn)] == [1, 2, 3, 4]
    ids = [t.id for t in turns if isinstance(t, Turn)]
    assert ids == ["id1", "id3", "id3-2", "id3-3"]


def test_a_line_sent_again_gets_the_same_turn_at_once() -> None:
    playing = replay()
    first = playing.answer(Say("c", "1", "How is the mine?"))
    again = playing.answer(Say("c", "1", "How is the mine?"))
    assert [delay for delay, _ in again] == [0.0] * 5
    assert said(again) == said(first)
    assert again[0][1] == Turn(2, "id1", "c", "mira", "1")


def test_capitals_spaces_and_punctuation_do_not_matter_unless_asked_for() -> None:
    line = Say("c", "1", "  and the INN… ")
    assert said(replay().answer(line)) == "Dry."
    with pytest.raises(RequestError):
        replay("exact").answer(line)
    assert said(replay("exact").answer(Say("c", "1", "And the inn?"))) == "Dry."


def test_by_position_any_line_gets_the_next_answer_until_there_is_none() -> None:
    playing = replay("position")
    lines = ["Well?", "And the inn?", "Eh?"]
    answers = [said(playing.answer(Say("c", str(n), text))) for n, text in enumerate(lines)]
    assert answers == ["Wet.", "Dry.", "Still wet."]
    with pytest.raises(RequestError):
        playing.answer(Say("c", "9", "More?"))


def test_a_miss_names_the_nearest_recorded_line_and_shows_the_difference() -> None:
    with pytest.raises(RequestError) as caught:
        replay().answer(Say("c", "1", "How was the mine?"))
    assert caught.value.code == ErrorCode.MODEL_BAD_REQUEST
    detail = caught.value.detail
    assert "no say was recorded as 'How was the mine?' (matched normalised)" in detail
    assert "the nearest recorded one is 'How is the mine?'" in detail
    assert "- How is the mine?\n" in detail
    assert "+ How was the mine?\n" in detail


def test_what_has_no_like_in_the_recording_is_told_so() -> None:
    with pytest.raises(RequestError, match="the recording has no history of 'c'"):
        replay().answer(History("c"))
    with pytest.raises(RequestError, match="no say of 'e'"):
        replay().answer(Say("e", "1", "Hm?"))


@pytest.mark.parametrize(
    ("opened", "answer"),
    [
        (Open("c", ["mira"], ANN), Opened("c", [], "Hello.")),
        (Open("other", ["mira"], ANN), Opened("other", [], "Hello.")),
        (Open("other", ["tom"], ANN), Opened("other", [])),
    ],
)
def test_a_conversation_is_found_by_its_name_or_its_cast(opened: Open, answer: Opened) -> None:
    playing = Replay(RECORDED)
    assert playing.answer(opened) == [(1.0, answer)]


def test_under_another_name_the_recorded_lines_are_found_too() -> None:
    playing = Replay(RECORDED)
    playing.answer(Open("other", ["mira"], ANN))
    answers = playing.answer(Say("other", "1", "And the inn?"))
    assert answers[0][1] == Turn(1, "id2", "other", "mira", "1")


def test_a_cast_that_was_not_recorded_is_a_miss_unless_position_counts() -> None:
    with pytest.raises(RequestError, match="the recording has no open of 'e'"):
        Replay(RECORDED).answer(Open("e", ["nobody"], ANN))
    with pytest.raises(RequestError, match="nearest recorded one is 'mira'"):
        Replay(RECORDED).answer(Open("c", ["mirabel"], ANN))
    playing = Replay(RECORDED, "position")
    assert playing.answer(Open("c", ["mirabel"], ANN)) == [(1.0, Opened("c", [], "Hello."))]


def test_what_follows_from_the_clients_own_message_needs_no_recording() -> None:
    playing = replay()
    assert playing.answer(State("c", 7, {})) == [(0.0, StateOk("c", 7))]
    assert playing.answer(Close("c")) == [(0.0, Closed("c"))]
    assert playing.answer(Save("c")) == [(0.0, Saved("c", "replay of c"))]


def test_a_recorded_error_is_told_again_under_the_clients_names() -> None:
    error = Error("busy", "Wait.", "c", "a", retryable=True)
    playing = replay(recorded=[*RECORDED[:1], Exchange(1.0, Say("c", "a", "Hm?"), [(2.0, error)])])
    answer = playing.answer(Say("c", "7", "Hm?"))
    assert answer == [(2.0, Error("busy", "Wait.", "c", "7", retryable=True))]


@pytest.mark.parametrize(
    ("request_", "other"),
    [
        (Say("c", "1", "Hm?", "mira"), Say("c", "1", "Hm?", "tom")),
        (Event("c", "1", "A bell."), Event("c", "1", "A gong.")),
        (Script("c", "1", "Well.", "mira"), Script("c", "1", "Well.", "tom")),
        (Advance("c", "1", "mira"), Advance("c", "1", "tom")),
        (ActionResult("c", "1", "t", 1, True), ActionResult("c", "1", "t", 1, False)),
    ],
)
def test_requests_are_told_apart_by_what_they_say(
    request_: ClientMessage, other: ClientMessage
) -> None:
    recorded = [
        *RECORDED[:1],
        Exchange(1.0, other, [(1.0, Trigger("c", "wrong"))]),
        Exchange(2.0, request_, [(1.0, Trigger("c", "right"))]),
    ]
    assert replay("exact", recorded).answer(request_) == [(1.0, Trigger("c", "right"))]
