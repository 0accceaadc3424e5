from __future__ import annotations

import sys
from typing import Any

import msgspec
import pytest
from dialogue_protocol.codec import JSON, MSGPACK, Codec, DecodeError, Unknown, codec_for
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import Ack, Delta, Hello, Say, State
from hypothesis import given
from hypothesis import strategies as st

from .strategies import CLIENT_MESSAGES, JSON_VALUES, SERVER_MESSAGES

CODECS = [MSGPACK, JSON]


def pack(*items: Any) -> bytes:
    return msgspec.msgpack.encode(list(items))


def test_a_codec_is_found_by_its_subprotocol() -> None:
    assert codec_for("dialogue.v1.msgpack") is MSGPACK
    assert codec_for("dialogue.v1.json") is JSON
    assert codec_for("dialogue.v2.msgpack") is None


def test_msgpack_is_an_array_led_by_the_type() -> None:
    assert MSGPACK.encode(Delta(5, "Hi")) == bytes.fromhex("931305a24869")


def test_json_is_an_object_with_a_type_and_every_field() -> None:
    text = '{"type":"say","conversation":"c","line":"l","text":"Hi","to":"","locale":""}'
    assert JSON.encode(Say("c", "l", "Hi")) == text


@given(CLIENT_MESSAGES)
def test_a_client_message_survives_both_encodings(message: Any) -> None:
    for codec in CODECS:
        assert codec.decode_client(codec.encode(message)) == message


@given(SERVER_MESSAGES)
def test_a_server_message_survives_both_encodings(message: Any) -> None:
    for codec in CODECS:
        assert codec.decode_server(codec.encode(message)) == message


@given(st.one_of(st.binary(max_size=60), JSON_VALUES.map(msgspec.msgpack.encode)))
def test_garbage_is_refused_or_decoded_but_never_crashes(frame: bytes) -> None:
    for decode in (MSGPACK.decode_client, MSGPACK.decode_server):
        _decode_or_refuse(decode, frame)


@given(st.one_of(st.text(max_size=60), JSON_VALUES.map(lambda v: msgspec.json.encode(v).decode())))
def test_garbage_text_is_refused_or_decoded_but_never_crashes(frame: str) -> None:
    for decode in (JSON.decode_client, JSON.decode_server):
        _decode_or_refuse(decode, frame)


@given(CLIENT_MESSAGES, st.data())
def test_a_mutated_frame_is_refused_or_decoded_but_never_crashes(message: Any, data: Any) -> None:
    frame = bytearray(MSGPACK.encode(message))  # type: ignore[arg-type]
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(frame) - 1))
        frame[position] = data.draw(st.integers(0, 255))
    _decode_or_refuse(MSGPACK.decode_client, bytes(frame))
    text = JSON.encode(message)
    assert isinstance(text, str)
    position = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters())
    _decode_or_refuse(JSON.decode_client, text[:position] + character + text[position + 1 :])


@given(CLIENT_MESSAGES)
def test_a_frame_cut_short_is_always_refused(message: Any) -> None:
    for codec in CODECS:
        frame = codec.encode(message)
        for length in range(min(len(frame), 200)):
            with pytest.raises(DecodeError):
                codec.decode_client(frame[:length])


@given(st.lists(st.integers(17, 127), min_size=1, max_size=5), JSON_VALUES)
def test_fields_of_a_later_version_are_ignored(extra: list[int], value: Any) -> None:
    assert MSGPACK.decode_client(pack(1, 5, value, *extra)) == Ack(5)
    text = msgspec.json.encode({"type": "ack", "later": value, "seq": 5}).decode()
    assert JSON.decode_client(text) == Ack(5)


def test_an_unknown_type_says_whether_it_is_sequenced() -> None:
    assert MSGPACK.decode_server(pack(15)) == Unknown(15)
    assert not Unknown(15).sequenced
    assert Unknown(16).sequenced
    assert JSON.decode_server('{"type":"gesture"}') == Unknown("gesture")
    assert Unknown("gesture").sequenced


@pytest.mark.parametrize(
    ("codec", "frame", "detail"),
    [
        (MSGPACK, "[1,5]", "a text frame on dialogue.v1.msgpack: expected a binary frame"),
        (JSON, b"{}", "a binary frame on dialogue.v1.json: expected a text frame"),
    ],
)
def test_the_wrong_kind_of_frame_is_named(codec: Codec, frame: Any, detail: str) -> None:
    with pytest.raises(DecodeError) as caught:
        codec.decode_client(frame)
    assert caught.value.detail == detail
    assert caught.value.code is ErrorCode.BAD_MESSAGE


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("text", ["x" * 90, "\u00e9" * 45, "\U0001f600" * 23])
def test_the_size_limit_counts_bytes(codec: Codec, text: str) -> None:
    frame = codec.encode(Say("c", "l", text))
    size = len(frame if isinstance(frame, bytes) else frame.encode())
    assert codec.decode_client(frame, size) == Say("c", "l", text)
    with pytest.raises(DecodeError) as caught:
        codec.decode_client(frame, size - 1)
    assert caught.value.code is ErrorCode.TOO_LARGE
    assert caught.value.detail == f"the message has {size} bytes; the limit is {size - 1}"


def test_a_broken_message_still_tells_what_it_is_about() -> None:
    with pytest.raises(DecodeError) as caught:
        MSGPACK.decode_client(pack(18, "c1", "l1", 5))
    error = caught.value
    assert str(error) == "bad_message: say.text: expected a string, got an integer"
    assert (error.type, error.conversation, error.line, error.turn) == ("say", "c1", "l1", 0)
    assert error.sequenced
    with pytest.raises(DecodeError) as caught:
        MSGPACK.decode_client(pack(19, 7, "x"))
    assert caught.value.turn == 7
    with pytest.raises(DecodeError) as caught:
        MSGPACK.decode_client(pack(1, "x"))
    assert not caught.value.sequenced


def test_a_free_form_fault_tells_what_it_is_about() -> None:
    with pytest.raises(DecodeError) as caught:
        MSGPACK.decode_client(pack(17, "c1", 1, {"a": float("nan")}))
    assert caught.value.conversation == "c1"
    with pytest.raises(DecodeError) as caught:
        MSGPACK.decode_server(pack(20, 3, 0, "pause", "", {"ms": b"x"}))
    assert caught.value.turn == 3


def test_state_as_deep_as_allowed_is_decoded() -> None:
    value: Any = []
    for _ in range(62):
        value = [value]
    for codec in CODECS:
        state = State("c", 1, {"a": value})
        assert codec.decode_client(codec.encode(state)) == state


def test_lone_surrogates_in_a_text_frame_are_refused() -> None:
    with pytest.raises(DecodeError, match="invalid UTF-8"):
        JSON.decode_client('{"type":"say","conversation":"c","line":"l","text":"\ud800"}')


def test_endless_nesting_is_refused_without_exhausting_the_stack() -> None:
    depth = sys.getrecursionlimit() * 50
    bombs: list[tuple[Codec, Any]] = [
        (MSGPACK, b"\x94\x11\xa1c\x01\x81\xa1a" + b"\x91" * depth),
        (MSGPACK, b"\x91" * depth),
        (JSON, "[" * depth),
        (JSON, '{"type":"state","conversation":"c","revision":1,"snapshot":' + '{"a":' * depth),
    ]
    for codec, bomb in bombs:
        with pytest.raises(DecodeError):
            codec.decode_client(bomb)


def test_encoding_is_one_call_into_the_encoder() -> None:
    assert type(MSGPACK.encode).__name__ == "builtin_function_or_method"
    assert MSGPACK.decode_client(MSGPACK.encode(Hello())) == Hello()


def _decode_or_refuse(decode: Any, frame: Any) -> None:
    try:
        decode(frame)
    except DecodeError as error:
        assert error.detail
        assert error.code is ErrorCode.BAD_MESSAGE
