from __future__ import annotations

from typing import Any

import msgspec
import pytest
from dialogue_protocol.codec import JSON, MSGPACK, DecodeError, Frame, Unknown
from dialogue_protocol.codes import CloseCode, ErrorCode
from dialogue_protocol.connection import (
    CLIENT_LIFECYCLE,
    SERVER_LIFECYCLE,
    Event,
    HandshakeError,
    Lifecycle,
    LifecycleError,
    ProtocolError,
    ServerConnection,
    State,
    check_hello,
    mermaid,
    next_state,
)
from dialogue_protocol.messages import (
    Ack,
    Delta,
    GoAway,
    Hello,
    Limits,
    Ping,
    Pong,
    Resume,
    Say,
    ServerMessage,
    Welcome,
)

LIMITS = Limits(1000, 100, 100, 8, 4)


def connection(buffer_bytes: int = 10_000, *, welcomed: bool = True) -> ServerConnection:
    server = ServerConnection(
        "s1", "e1", LIMITS, MSGPACK, buffer_bytes=buffer_bytes, server="test", capabilities=["x"]
    )
    if welcomed:
        server.welcome()
    return server


def decoded(frames: list[Frame] | None) -> list[ServerMessage | Unknown]:
    assert frames is not None
    return [(JSON if isinstance(frame, str) else MSGPACK).decode_server(frame) for frame in frames]


def resumed_at(seq: int, received: int = 0) -> Welcome:
    return Welcome("s1", "e1", seq, LIMITS, "test", 1, ["x"], resumed=True, received=received)


# ---------------------------------------------------------------- the tables


@pytest.mark.parametrize("lifecycle", [SERVER_LIFECYCLE, CLIENT_LIFECYCLE])
def test_every_state_of_a_table_is_reached_and_can_end(lifecycle: Lifecycle) -> None:
    reached, waiting = {State.NEW}, [State.NEW]
    while waiting:
        for to in lifecycle[waiting.pop()].values():
            if to not in reached:
                reached.add(to)
                waiting.append(to)
    assert reached == set(lifecycle)
    assert all(row[Event.END] is State.ENDED for row in lifecycle.values())
    assert set(lifecycle[State.ENDED].values()) == {State.ENDED}


def test_a_step_that_is_not_in_the_table_is_refused_with_what_is() -> None:
    with pytest.raises(LifecycleError) as caught:
        next_state(SERVER_LIFECYCLE, State.ENDED, Event.SEND)
    assert str(caught.value) == "send is not possible in state ended; possible: detach, end"


def test_the_diagram_has_one_arrow_for_each_pair_of_states() -> None:
    lines = mermaid(SERVER_LIFECYCLE).splitlines()
    assert lines[:3] == ["stateDiagram-v2", "    [*] --> new", "    new --> attached: welcome"]
    assert "    attached --> attached: send, receive, resume" in lines
    assert lines[-1] == "    ended --> [*]"


# ---------------------------------------------------------------- the first message


def test_a_hello_is_accepted_also_one_of_a_later_version() -> None:
    for hello in (Hello(), Hello(version=99)):
        assert check_hello(hello) is hello


@pytest.mark.parametrize(
    ("message", "close_code", "detail"),
    [
        (Ack(1), CloseCode.PROTOCOL_ERROR, "expected hello as the first message, got Ack"),
        (Unknown(99), CloseCode.PROTOCOL_ERROR, "expected hello as the first message, got type 99"),
        (
            Hello(version=0),
            CloseCode.UNSUPPORTED_VERSION,
            "hello.version: expected 1 to 1, got 0",
        ),
    ],
)
def test_anything_else_is_refused_with_a_close_code(
    message: Any, close_code: CloseCode, detail: str
) -> None:
    with pytest.raises(HandshakeError) as caught:
        check_hello(message)
    assert caught.value.close_code is close_code
    assert caught.value.code is ErrorCode.BAD_MESSAGE
    assert caught.value.detail == detail


# ---------------------------------------------------------------- sending


def test_the_welcome_of_a_new_session_begins_at_zero() -> None:
    server = connection(welcomed=False)
    assert decoded([server.welcome()]) == [Welcome("s1", "e1", 0, LIMITS, "test", 1, ["x"])]
    assert server.state is State.ATTACHED


def test_messages_of_type_16_and_up_are_numbered_and_others_are_not() -> None:
    server = connection()
    assert server.send(Delta(1, "a")) == MSGPACK.encode(Delta(1, "a"))
    server.send(Pong(3))
    server.send(GoAway())
    assert server.seq == 1
    server.send(Delta(1, "b"))
    assert server.seq == 2


def test_nothing_can_be_sent_before_the_welcome_or_after_the_end() -> None:
    with pytest.raises(LifecycleError, match="send is not possible in state new"):
        connection(welcomed=False).send(Delta(1, "a"))
    server = connection()
    server.end()
    with pytest.raises(LifecycleError, match="send is not possible in state ended"):
        server.send(Delta(1, "a"))


def test_the_end_may_come_twice_and_before_the_socket_is_gone() -> None:
    server = connection()
    server.end()
    server.end()
    server.detach()
    assert server.state is State.ENDED


# ---------------------------------------------------------------- receiving


def test_sequenced_messages_of_the_client_are_counted() -> None:
    server = connection()
    say = Say("c", "l", "Hi")
    assert server.receive(MSGPACK.encode(say)) == say
    assert server.receive(MSGPACK.encode(Ping(1))) == Ping(1)
    assert server.received == 1


def test_a_message_of_a_later_version_is_ignored_and_counted() -> None:
    server = connection()
    assert server.receive(msgspec.msgpack.encode([99])) is None
    assert server.receive(msgspec.msgpack.encode([15])) is None
    assert server.received == 1


def test_a_broken_frame_counts_unless_its_type_says_otherwise() -> None:
    server = connection()
    for frame in (b"", msgspec.msgpack.encode([18]), msgspec.msgpack.encode([1])):
        with pytest.raises(DecodeError):
            server.receive(frame)
    assert server.received == 2


def test_the_size_limit_is_that_of_the_welcome() -> None:
    with pytest.raises(DecodeError) as caught:
        connection().receive(b"\x00" * 1001)
    assert caught.value.code is ErrorCode.TOO_LARGE


def test_an_ack_frees_what_it_names_and_an_old_one_nothing() -> None:
    server = connection()
    for text in "abc":
        server.send(Delta(1, text))
    assert server.receive(MSGPACK.encode(Ack(2))) == Ack(2)
    server.ack(1)
    assert server.acked == 2
    server.detach()
    assert server.resume(Resume("s1", "e1", 1), MSGPACK) is None
    assert decoded(server.resume(Resume("s1", "e1", 2), MSGPACK))[1:] == [Delta(1, "c")]


def test_an_ack_of_what_was_never_sent_breaks_the_protocol() -> None:
    server = connection()
    with pytest.raises(ProtocolError) as caught:
        server.receive(MSGPACK.encode(Ack(1)))
    assert caught.value.close_code is CloseCode.PROTOCOL_ERROR
    assert caught.value.detail == "ack.seq: expected at most 0, the last number sent, got 1"


# ---------------------------------------------------------------- resuming


def test_a_resume_gives_a_welcome_and_what_was_missed_in_order() -> None:
    server = connection()
    server.receive(MSGPACK.encode(Say("c", "l", "Hi")))
    server.send(Delta(1, "a"))
    server.detach()
    server.send(Delta(1, "b"))
    server.send(Delta(1, "c"))
    frames = server.resume(Resume("s1", "e1", 1), MSGPACK)
    assert decoded(frames) == [resumed_at(1, received=1), Delta(1, "b"), Delta(1, "c")]
    assert (server.state, server.acked, server.seq) == (State.ATTACHED, 1, 3)


def test_a_newer_socket_takes_over_while_the_older_is_attached() -> None:
    server = connection()
    server.send(Delta(1, "a"))
    assert decoded(server.resume(Resume("s1", "e1", 1), MSGPACK)) == [resumed_at(1)]


@pytest.mark.parametrize(
    "resume",
    [
        Resume("s2", "e1", 3),
        Resume("s1", "e2", 3),
        Resume("s1", "e1", 4),
        Resume("s1", "e1", 1),
    ],
    ids=["another session", "another epoch", "never reached", "acked already"],
)
def test_a_position_that_cannot_be_had_changes_nothing(resume: Resume) -> None:
    server = connection()
    for text in "abc":
        server.send(Delta(1, text))
    server.ack(2)
    server.detach()
    assert server.resume(resume, JSON) is None
    assert (server.state, server.acked, server.codec) == (State.DETACHED, 2, MSGPACK)


def test_an_evicted_position_cannot_be_had() -> None:
    server = connection(buffer_bytes=200)
    for _ in range(10):
        server.send(Delta(1, "a"))
    assert server.resume(Resume("s1", "e1", 0), MSGPACK) is None
    assert server.resume(Resume("s1", "e1", 9), MSGPACK) is not None


def test_an_ended_session_cannot_be_resumed() -> None:
    server = connection()
    server.end()
    with pytest.raises(LifecycleError, match="resume is not possible in state ended"):
        server.resume(Resume("s1", "e1", 0), MSGPACK)


def test_the_encoding_may_change_with_a_resume() -> None:
    server = connection()
    server.send(Delta(1, "a"))
    server.send(Delta(1, "b"))
    frames = server.resume(Resume("s1", "e1", 1), JSON)
    assert frames is not None
    assert all(isinstance(frame, str) for frame in frames)
    assert decoded(frames) == [resumed_at(1), Delta(1, "b")]
    assert server.send(Delta(1, "c")) == JSON.encode(Delta(1, "c"))
    again = server.resume(Resume("s1", "e1", 1), MSGPACK)
    assert decoded(again) == [resumed_at(1), Delta(1, "b"), Delta(1, "c")]
