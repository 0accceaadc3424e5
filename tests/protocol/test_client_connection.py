from __future__ import annotations

from typing import Any

import msgspec
import pytest
from dialogue_protocol.client_connection import (
    ACK_BYTES,
    ACK_MESSAGES,
    ClientConnection,
    reconnect_delay,
)
from dialogue_protocol.codec import JSON, MSGPACK, DecodeError, Frame
from dialogue_protocol.codes import ClosePolicy, ErrorCode
from dialogue_protocol.connection import LifecycleError, ProtocolError, State
from dialogue_protocol.messages import (
    Ack,
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
    Limits,
    Noted,
    Open,
    Opened,
    Ping,
    Player,
    Pong,
    Resume,
    Save,
    Saved,
    Say,
    ServerMessage,
    StateOk,
    Turn,
    TurnEnd,
    Welcome,
)
from dialogue_protocol.messages import State as GameState
from hypothesis import given
from hypothesis import strategies as st

LIMITS = Limits(1000, 100, 100, 8, 4)
OPEN = Open("c1", ["mira"], Player("p1"))
SAY = Say("c1", "l1", "Hi")
STATE = GameState("c1", 1, {"a": 1})


def welcome(session: str = "s1", seq: int = 0, **more: Any) -> Welcome:
    return Welcome(session, "e1", seq, LIMITS, **more)


def give(client: ClientConnection, *messages: ServerMessage) -> None:
    for message in messages:
        assert client.receive(MSGPACK.encode(message)) == message


def attached(*messages: ServerMessage) -> ClientConnection:
    client = ClientConnection("test", "secret", "en", capabilities=["x"])
    client.hello()
    give(client, welcome())
    assert client.recover() == []
    give(client, *messages)
    return client


def read(frames: list[Frame]) -> list[Any]:
    return [MSGPACK.decode_client(frame) for frame in frames]


def come_back(client: ClientConnection, answer: Welcome) -> list[Any]:
    client.disconnected(1006)
    client.hello()
    give(client, answer)
    return read(client.recover())


# ---------------------------------------------------------------- greeting


def test_the_first_hello_asks_for_a_new_session() -> None:
    client = ClientConnection("test", "secret", "en", capabilities=["x"])
    assert read([client.hello()]) == [Hello(1, "test", "secret", "en", ["x"])]


def test_a_welcome_gives_the_session_its_name_and_limits() -> None:
    client = attached()
    assert (client.session, client.epoch, client.limits) == ("s1", "e1", LIMITS)
    assert client.state is State.ATTACHED


def test_the_next_hello_asks_to_resume_where_it_stood() -> None:
    client = attached(Delta(1, "a"), Delta(1, "b"))
    client.disconnected(1006)
    assert read([client.hello()])[0].resume == Resume("s1", "e1", 2)


def test_an_error_in_place_of_the_welcome_is_not_counted() -> None:
    client = ClientConnection("test")
    client.hello()
    give(client, Error(ErrorCode.UNAUTHORIZED, "Who?"))
    assert client.seq == 0
    assert client.disconnected(4201) is ClosePolicy.STOP


@pytest.mark.parametrize(
    "message", [Delta(1, "a"), welcome(version=2), welcome(version=0), welcome(resumed=True)]
)
def test_any_other_answer_to_hello_breaks_the_protocol(message: ServerMessage) -> None:
    client = ClientConnection("test")
    client.hello()
    with pytest.raises(ProtocolError):
        client.receive(MSGPACK.encode(message))


def test_a_resume_at_another_position_breaks_the_protocol() -> None:
    client = attached(Delta(1, "a"))
    client.disconnected(1006)
    client.hello()
    with pytest.raises(ProtocolError, match="another position"):
        client.receive(MSGPACK.encode(welcome(seq=2, resumed=True)))


def test_a_second_welcome_breaks_the_protocol() -> None:
    with pytest.raises(ProtocolError, match="second welcome"):
        attached().receive(MSGPACK.encode(welcome()))


def test_recover_comes_before_anything_is_received() -> None:
    client = ClientConnection("test")
    client.hello()
    give(client, welcome())
    with pytest.raises(LifecycleError, match="receive is not possible in state recovering"):
        client.receive(MSGPACK.encode(Pong()))


def test_json_clients_speak_json() -> None:
    client = ClientConnection("test", codec=JSON)
    assert JSON.decode_client(client.hello()) == Hello(1, "test")
    assert client.receive(JSON.encode(welcome())) == welcome()


# ---------------------------------------------------------------- counting


def test_sequenced_messages_are_counted_known_or_not_broken_or_not() -> None:
    client = attached(Delta(1, "a"), Pong(), GoAway(), Cue(1, 0, "mood"))
    assert client.seq == 2
    assert client.receive(msgspec.msgpack.encode([99])) is None
    assert client.receive(msgspec.msgpack.encode([15])) is None
    assert client.seq == 3
    for frame in (msgspec.msgpack.encode([19]), msgspec.msgpack.encode([1, "x"])):
        with pytest.raises(DecodeError):
            client.receive(frame)
    assert client.seq == 4


def test_an_ack_is_due_after_so_many_messages() -> None:
    client = attached(*(Delta(1, "a") for _ in range(ACK_MESSAGES - 1)))
    assert client.take_ack() is None
    give(client, Delta(1, "a"))
    frame = client.take_ack()
    assert frame == MSGPACK.encode(Ack(ACK_MESSAGES))
    assert client.take_ack() is None


def test_an_ack_is_due_after_so_many_bytes() -> None:
    client = attached(Delta(1, "a" * ACK_BYTES))
    assert client.take_ack() == MSGPACK.encode(Ack(1))


# ---------------------------------------------------------------- sending again


def test_what_is_sent_without_a_socket_goes_out_after_the_welcome() -> None:
    client = ClientConnection("test")
    client.send(OPEN)
    client.hello()
    client.send(SAY)
    give(client, welcome())
    assert read(client.recover()) == [OPEN, SAY]


def test_after_a_resume_exactly_what_did_not_arrive_is_sent_again() -> None:
    client = attached()
    for message in (OPEN, STATE, SAY, Interrupt(1, 5)):
        client.send(message)
    assert come_back(client, welcome(resumed=True, received=2)) == [SAY, Interrupt(1, 5)]
    assert client.sent == 4


@pytest.mark.parametrize(
    ("answers", "again"),
    [
        ([Opened("c1", [])], [STATE, SAY, Close("c1")]),
        ([StateOk("c1", 1)], [SAY, Close("c1")]),
        ([Turn(1, "t", "c1", "mira", "l1")], [Close("c1")]),
        ([Error("busy", "", "c1", "l1")], [Close("c1")]),
        ([Closed("c1")], []),
        ([Error("unknown_npc", "", "c1")], [STATE, SAY, Close("c1")]),
        ([Error("unknown_turn", "", "c1", turn=9)], [OPEN, STATE, SAY, Close("c1")]),
        ([Error("internal", "")], [OPEN, STATE, SAY, Close("c1")]),
        ([Turn(1, "t", "c1", "mira")], [OPEN, STATE, SAY, Close("c1")]),
        ([Opened("c2", [])], [OPEN, STATE, SAY, Close("c1")]),
    ],
)
def test_what_was_answered_has_arrived_and_all_before_it(
    answers: list[ServerMessage], again: list[ClientMessage]
) -> None:
    client = attached()
    for message in (OPEN, STATE, SAY, Close("c1")):
        client.send(message)
    give(client, *answers)
    assert come_back(client, welcome(seq=len(answers), resumed=True)) == again


def test_unsequenced_messages_are_not_kept() -> None:
    client = attached()
    assert client.send(Ping(1)) == MSGPACK.encode(Ping(1))
    assert client.sent == 0
    assert come_back(client, welcome(resumed=True)) == []


# ---------------------------------------------------------------- a lost session


def test_the_answer_to_a_line_that_was_sent_again_shows_only_that_the_first_has_arrived() -> None:
    client = attached()
    event = Event("c1", "e1", "Rain.")
    for message in (OPEN, SAY, event, SAY):
        client.send(message)
    come_back(client, welcome(resumed=True, received=2))
    give(client, Turn(1, "t1", "c1", "mira", line="l1"), TurnEnd(1, "complete", 0))
    assert come_back(client, welcome(seq=2, resumed=True, received=2)) == [event, SAY]


def test_an_answer_is_that_of_the_older_of_two_like_requests_also_when_it_has_arrived() -> None:
    client = attached()
    event, interrupt = Event("c1", "e1", "Rain."), Interrupt(1, 0)
    client.send(OPEN)
    client.send(Save("c1"))
    client.send(interrupt)
    come_back(client, welcome(resumed=True, received=3))
    client.send(event)
    client.send(Save("c1"))
    give(client, Opened("c1", []), Saved("c1", "p1"))
    assert come_back(client, welcome(seq=2, resumed=True, received=3)) == [event, Save("c1")]
    give(client, Noted("c1", "e1"), Saved("c1", "p2"))
    assert come_back(client, welcome(seq=4, resumed=True, received=5)) == []


def test_a_save_that_arrived_and_had_no_answer_is_made_again_after_a_loss() -> None:
    client = attached()
    client.send(OPEN)
    client.send(Save("c1"))
    give(client, Opened("c1", []))
    come_back(client, welcome(seq=1, resumed=True, received=2))
    assert come_back(client, welcome("s2")) == [OPEN, Save("c1")]


def test_after_a_loss_conversations_are_opened_and_open_lines_said_again() -> None:
    client = attached()
    other = Open("c2", ["tom"], Player("p1"))
    for message in (OPEN, other, STATE, SAY, Interrupt(1, 2)):
        client.send(message)
    give(client, Opened("c1", []), Turn(1, "t", "c1", "mira", "l1"), Delta(1, "a"))
    snapshot = GameState("c1", 9, {"now": True})
    client.disconnected(1006)
    client.hello()
    give(client, welcome("s2"))
    assert client.lost
    assert read(client.recover([snapshot])) == [OPEN, other, snapshot, SAY]
    assert not client.lost
    assert (client.session, client.seq, client.sent) == ("s2", 0, 4)
    assert client.unanswered == [SAY]


@pytest.mark.parametrize(
    "answers",
    [
        [Turn(1, "t", "c1", "mira", "l1"), TurnEnd(1, "complete", 0)],
        [Error("busy", "", "c1", "l1")],
    ],
)
def test_an_answered_line_is_not_said_again(answers: list[ServerMessage]) -> None:
    client = attached()
    client.send(OPEN)
    client.send(SAY)
    assert client.unanswered == [SAY]
    give(client, Opened("c1", []), TurnEnd(77, "complete", 0), *answers)
    assert client.unanswered == []
    assert come_back(client, welcome("s2")) == [OPEN]


def test_a_closed_conversation_is_not_opened_again_nor_its_lines_said() -> None:
    client = attached()
    for message in (OPEN, SAY, Say("c2", "l1", "there"), Close("c1"), Close("c9")):
        client.send(message)
    assert come_back(client, welcome("s2")) == [Say("c2", "l1", "there")]


def test_a_conversation_that_could_not_be_opened_is_not_opened_again() -> None:
    client = attached()
    client.send(OPEN)
    give(client, Error("unknown_npc", "", "c1"))
    assert come_back(client, welcome("s2")) == []


def test_a_refused_state_leaves_its_conversation_open() -> None:
    client = attached()
    client.send(OPEN)
    client.send(STATE)
    give(client, Opened("c1", []), Error("state_conflict", "", "c1"))
    assert come_back(client, welcome("s2")) == [OPEN]


def test_a_loss_is_not_forgotten_when_the_next_socket_breaks_before_recovery() -> None:
    client = attached()
    client.send(OPEN)
    client.disconnected(1006)
    client.hello()
    give(client, welcome("s2"))
    assert come_back(client, welcome("s2", resumed=True)) == [OPEN]


# ---------------------------------------------------------------- leaving


def test_a_close_code_decides_between_resume_fresh_hello_and_stop() -> None:
    client = attached()
    assert client.disconnected(4001) is ClosePolicy.RESUME
    assert read([client.hello()])[0].resume is not None
    assert client.disconnected(4101) is ClosePolicy.RECONNECT
    assert read([client.hello()])[0].resume is None
    assert client.lost
    give(client, welcome("s2"))
    client.recover()
    assert client.disconnected(4203) is ClosePolicy.STOP
    assert client.state is State.ENDED
    with pytest.raises(LifecycleError, match="hello is not possible in state ended"):
        client.hello()


def test_a_late_hello_of_our_own_that_took_the_session_over_does_not_stop_us() -> None:
    client = attached()
    client.disconnected(1006)
    client.hello()
    # before its welcome: that hello may still be under way
    come_back(client, welcome(resumed=True))
    assert client.disconnected(4203) is ClosePolicy.RESUME
    client.hello()
    give(client, welcome(resumed=True))
    client.recover()
    assert client.disconnected(4203) is ClosePolicy.STOP


def test_a_conversation_opened_from_a_save_slot_is_opened_anew_where_it_has_come_to() -> None:
    opening = msgspec.structs.replace(OPEN, checkpoint="k1")
    client = attached()
    client.send(opening)
    assert come_back(client, welcome("s2")) == [opening]  # not answered yet
    give(client, Opened("c1", []))
    assert come_back(client, welcome("s3")) == [OPEN]


def test_a_fresh_hello_of_a_client_without_a_session_loses_nothing() -> None:
    client = ClientConnection("test")
    client.send(OPEN)
    client.hello()
    client.disconnected(4100)
    client.hello()
    give(client, welcome())
    assert not client.lost
    assert read(client.recover()) == [OPEN]


def test_a_socket_that_never_opened_changes_nothing() -> None:
    client = ClientConnection("test")
    assert client.disconnected(1006) is ClosePolicy.RESUME
    assert client.state is State.NEW
    client = attached()
    client.disconnected(1006)
    client.disconnected(1006)
    assert client.state is State.DETACHED


def test_the_end_may_come_twice() -> None:
    client = attached()
    client.end()
    client.end()
    assert client.disconnected(1000) is ClosePolicy.STOP


# ---------------------------------------------------------------- waiting


def test_the_delay_grows_twofold_up_to_its_limit() -> None:
    delays = [reconnect_delay(attempt, 1.0) for attempt in range(8)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.integers(0, 10**9), st.floats(0, 1, exclude_max=True))
def test_the_delay_is_spread_over_the_whole_interval(attempt: int, random: float) -> None:
    assert 0 <= reconnect_delay(attempt, random) < 30


def test_an_open_that_was_followed_by_another_does_not_replace_it_when_it_is_answered() -> None:
    client = attached()
    client.send(msgspec.structs.replace(OPEN, checkpoint="k1"))
    newer = msgspec.structs.replace(OPEN, checkpoint="k2")
    client.send(newer)
    give(client, Opened("c1", []))  # answers the first
    assert come_back(client, welcome("s2")) == [newer]


def test_an_open_that_was_followed_by_another_does_not_take_it_along_when_it_is_refused() -> None:
    client = attached()
    client.send(msgspec.structs.replace(OPEN, npcs=["nobody"]))
    client.send(OPEN)
    give(client, Error(ErrorCode.UNKNOWN_NPC, "no such NPC", conversation="c1"))
    give(client, Opened("c1", []))
    assert come_back(client, welcome("s2")) == [OPEN]
