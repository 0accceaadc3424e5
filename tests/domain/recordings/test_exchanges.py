"""A recording as requests and their answers."""

from __future__ import annotations

from typing import get_args

import pytest
from dialogue_protocol.messages import (
    Ack,
    ActionResult,
    Advance,
    ClientMessage,
    Close,
    Closed,
    Cue,
    Delta,
    Error,
    Event,
    GoAway,
    Hello,
    Interrupt,
    Load,
    Noted,
    Open,
    Opened,
    Ping,
    Player,
    Pong,
    Queued,
    Regenerate,
    Save,
    Saved,
    Say,
    Script,
    ServerMessage,
    State,
    StateOk,
    Suggest,
    Suggestions,
    Trigger,
    Turn,
    TurnEnd,
    Welcome,
)

from dialogue_server.domain.recordings.exchanges import ANSWERED_BY, asked_line, exchanges
from dialogue_server.domain.recordings.recording import Ended, Entry, Head, Recording, Streamed

OPEN = Open("c", ["mira"], Player("ann", "Ann"), "inn")


def found(*messages: ClientMessage | ServerMessage) -> list[tuple[object, list[object]]]:
    """Each request with its answers; every message comes 10 ms after the one before."""
    client = (Hello, Ack, Ping, Open, Say, State, Save, Load, Close, Interrupt, Event, Suggest)
    entries = [
        Entry(10.0 * at, message, client=isinstance(message, client))
        for at, message in enumerate(messages)
    ]
    return [
        (exchange.request, [answer for _, answer in exchange.answers])
        for exchange in exchanges(Recording(Head(), tuple(entries)))
    ]


def test_a_line_is_answered_by_its_turn_whenever_that_comes() -> None:
    one, two = Say("c", "1", "Hm?"), Say("d", "1", "Eh?")
    turn_one = [Turn(1, "a", "c", "mira", "1"), Queued(1, 2), Delta(1, "x"), Cue(1, 1, "mood", "calm"),
                TurnEnd(1, "complete", 1)]  # fmt: skip
    turn_two = [Turn(2, "b", "d", "mira", "1"), Delta(2, "y"), TurnEnd(2, "complete", 1)]
    mixed = [turn_one[0], turn_two[0], turn_two[1], *turn_one[1:], turn_two[2]]
    assert found(one, two, *mixed) == [(one, turn_one), (two, turn_two)]


def test_delays_are_from_the_request() -> None:
    entries = (Entry(100.0, OPEN, client=True), Entry(130.5, Opened("c", [])))
    (exchange,) = exchanges(Recording(Head(), entries))
    assert (exchange.at, exchange.conversation) == (100.0, "c")
    assert exchange.answers == [(30.5, Opened("c", []))]


def test_requests_without_a_line_are_answered_in_their_order() -> None:
    first, second = State("c", 1, {}), State("c", 2, {})
    save, other = Save("c"), Save("d")
    assert found(
        first, second, save, other,
        StateOk("c", 1), Saved("d", "y"), StateOk("c", 2), Saved("c", "x"),
    ) == [
        (first, [StateOk("c", 1)]),
        (second, [StateOk("c", 2)]),
        (save, [Saved("c", "x")]),
        (other, [Saved("d", "y")]),
    ]  # fmt: skip


def test_an_error_answers_what_it_names() -> None:
    say, load = Say("c", "1", "Hm?"), Load("c", "x")
    of_turn, of_line = Error("internal", "", turn=1), Error("busy", "", "c", "2")
    late, of_nothing = Say("c", "2", "Hm?"), Error("internal", "")
    refused = Error("unknown_checkpoint", "", "c")
    assert found(
        say, Turn(1, "a", "c", "mira", "1"), of_turn, late, of_line, load, refused, of_nothing
    ) == [
        (say, [Turn(1, "a", "c", "mira", "1"), of_turn]),
        (late, [of_line]),
        (load, [refused]),
    ]


def test_what_comes_unasked_belongs_to_the_turn_before_it() -> None:
    say, event = Say("c", "1", "Hm?"), Event("c", "2", "A bell.")
    turn, end = Turn(1, "a", "c", "mira", "1"), TurnEnd(1, "complete", 0)
    fired = Trigger("c", "dusk")
    assert found(say, turn, end, fired, event, Noted("c", "2"), fired) == [
        (say, [turn, end, fired]),
        (event, [Noted("c", "2"), fired]),
    ]


def test_what_keeps_the_connection_and_what_nobody_asked_for_is_left_out() -> None:
    close = Close("c")
    assert found(
        Hello(), Ping(), Pong(), Ack(1), GoAway(), Interrupt(1, 2), Delta(7, "x"),
        Trigger("c", "dusk"), Turn(8, "a", "c", "mira", "9"), Suggestions("c", "9", []),
        close, Closed("d"), Closed("c"),
    ) == [(close, [Closed("c")])]  # fmt: skip


def test_suggestions_answer_their_request_and_a_models_text_is_no_message() -> None:
    ask = Suggest("c", "1")
    entries = (
        Entry(0, ask, client=True),
        Entry(1, Streamed(1, "x")),
        Entry(2, Suggestions("c", "1", ["Hm."])),
        Entry(3, Ended("over")),
    )
    (exchange,) = exchanges(Recording(Head(), entries))
    assert exchange.answers == [(2, Suggestions("c", "1", ["Hm."]))]


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (OPEN, "~ Ann meets mira (inn)"),
        (Open("c", ["mira", "tom"], Player("ann", "Ann")), "~ Ann meets mira, tom"),
        (Say("c", "1", "Hm?"), "> Hm?"),
        (Say("c", "1", "Hm?", "mira"), "> Hm?  (to mira)"),
        (State("c", 1, {"a": "ü"}), '~ state {"a": "ü"}'),
        (State("c", 1, None, {"b": 1}), '~ state {"b": 1}'),
        (Event("c", "1", "A bell."), "~ event A bell."),
        (Script("c", "1", "Well.", "mira"), "~ script mira: Well."),
        (Script("c", "1", "Well."), "~ script player: Well."),
        (Advance("c", "1"), "~ advance"),
        (ActionResult("c", "1", "t", 1, True), "~ action done"),
        (ActionResult("c", "1", "t", 1, False, "No ale."), "~ action refused No ale."),
        (Regenerate("c", "t", "1"), "~ regenerate"),
        (Save("c"), "~ save"),
        (Load("c", "x"), "~ load"),
        (Close("c"), ""),
    ],
)
def test_each_request_is_a_line(request_: ClientMessage, line: str) -> None:
    assert asked_line(request_) == line


def test_every_message_of_a_server_has_an_owner_or_is_left_out_on_purpose() -> None:
    """A new one must be added to the module, or recordings of it cannot be replayed."""
    told = {Turn, Queued, Delta, Cue, TurnEnd, Noted, Suggestions, Error, Trigger}
    left_out = {Welcome, Pong, GoAway}
    assert set(get_args(ServerMessage)) == told | left_out | set(ANSWERED_BY)
