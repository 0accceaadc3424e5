"""What a developer reads when a frame is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from dialogue_protocol.codec import JSON, MSGPACK, DecodeError

SAY = '{"type":"say","conversation":"c","line":"l","text":'


def pack(*items: Any) -> bytes:
    return msgspec.msgpack.encode(list(items))


def state(value: Any) -> bytes:
    return pack(17, "c", 1, {"a": value})


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 0


@pytest.mark.parametrize(
    ("frame", "detail"),
    [
        (b"", "truncated msgpack: the frame ends in the middle of a value"),
        (b"\xc1", "not msgpack: invalid opcode '\\xc1' (byte 0)"),
        (pack(1, 5) + b"\x00", "more bytes follow the message; a frame carries exactly one"),
        (b"\x80", "the message: expected an array, got a map; its first item is the type"),
        (b"\x90", "the message: expected an array led by the type, got an empty one"),
        (pack("say"), "the type: expected an integer, got a string"),
        (pack(-1), "the type: expected 0 to 127, got -1"),
        (pack(128), "the type: expected 0 to 127, got 128"),
        (pack(18, "c", "l", 5), "say.text: expected a string, got an integer"),
        (pack(18, "c"), "say.line: missing"),
        (pack(18, "c", "l", None), "say.text: expected a string, got null"),
        (b"\x94\x12\xa1c\xa1l\xa1\xff", "say.text: invalid UTF-8"),
        (pack(18, "c", "l" * 65, ""), "say.line: expected at most 64 characters"),
        (pack(18, "", "l", ""), "say.conversation: expected at least 1 characters"),
        (pack(16, "c", [1], {"id": "p"}), "open.npcs[0]: expected a string, got an integer"),
        (pack(16, "c", [], {"id": "p"}), "open.npcs: expected at least 1 items"),
        (pack(16, "c", ["n"], {}), "open.player.id: missing"),
        (pack(16, "c", ["n"], {"id": 5}), "open.player.id: expected a string, got an integer"),
        (
            pack(16, "c", ["n"], {5: 5}),
            "open.player: expected keys that are strings, got an integer",
        ),
        (pack(0, 1, "", "", "", [], {"session": "s", "epoch": "e"}), "hello.resume.seq: missing"),
        (pack(0, 1, "", "", "", [], 5), "hello.resume: expected a map or null, got an integer"),
        (pack(1, -1), "ack.seq: expected an integer >= 0"),
        (pack(1, 2**53), "ack.seq: expected an integer <= 9007199254740991"),
        (pack(1, 0.5), "ack.seq: expected an integer, got a number with a fraction"),
        (
            pack(17, "c", 1, {5: 5}),
            "state.snapshot: expected keys that are strings, got an integer",
        ),
        (state({1: 2}), "state.snapshot.a: expected keys that are strings, got 1"),
        (
            state([0, {"b": float("inf")}]),
            "state.snapshot.a[1].b: expected a finite number, got inf",
        ),
        (state(2**63), "state.snapshot.a: expected an integer of 64 bits"),
        (state(b"x"), "state.snapshot.a: expected a JSON value, got bytes"),
        (
            b"\x94\x11\xa1c\x01\x81\xa1a\xd6\xff\x00\x00\x00\x00",
            "state.snapshot.a: expected a JSON value, got datetime",
        ),
        (
            b"\x94\x11\xa1c\x01\x81\xa1a\xc7\x00\xff",
            "state.snapshot[...]: invalid MessagePack timestamp",
        ),
        (b"\x94\x11\xa1c\x01\x81\x91\x81\x01\x01\x01", "state.snapshot: expected keys that"),
        (
            b"\x94\x11\xa1c\x01\x81\xa1a\x81\x81\x01\x01\x01",
            "state.snapshot: not msgpack: map keys",
        ),
        (state(nested(64)), "state.snapshot.a" + "[0]" * 63 + ": nested deeper than 64 levels"),
        (pack(17, "c", 1, None, {"a": b""}), "state.patch.a: expected a JSON value, got bytes"),
    ],
)
def test_a_msgpack_fault_is_named(frame: bytes, detail: str) -> None:
    with pytest.raises(DecodeError) as caught:
        MSGPACK.decode_client(frame)
    assert caught.value.detail.startswith(detail)


@pytest.mark.parametrize(
    ("frame", "detail"),
    [
        ("", "truncated JSON: the frame ends in the middle of a value"),
        ("hello", "not JSON: invalid character (byte 0)"),
        ("[]", 'the message: expected a map, got an array; its key "type" names it'),
        ("{}", 'the message: "type" is missing'),
        ('{"type":18}', 'the message: "type": expected a string, got an integer'),
        (SAY + '"x"} 5', "more bytes follow the message; a frame carries exactly one"),
        (SAY + "5}", "say.text: expected a string, got an integer"),
        ('{"type":"say","line":"l","text":"t"}', "say.conversation: missing"),
        (
            '{"type":"state","conversation":"c","revision":1,"snapshot":{"a":1e999}}',
            "state.snapshot[...]: number out of range",
        ),
        (SAY + '5,"text":"x"}', "say: not JSON: Expected `str`, got `int` - at `$.text`"),
        ('{"type":"ack","seq":' + "9" * 40 + "}", "ack.seq: expected an integer <= "),
    ],
)
def test_a_json_fault_is_named(frame: str, detail: str) -> None:
    with pytest.raises(DecodeError) as caught:
        JSON.decode_client(frame)
    assert caught.value.detail.startswith(detail)


def test_nesting_beyond_the_decoder_is_named() -> None:
    with pytest.raises(DecodeError) as caught:
        MSGPACK.decode_client(b"\x94\x11\xa1c\x01\x81\xa1a" + b"\x91" * 200_000 + b"\xc0")
    assert "nested" in caught.value.detail


def test_an_id_too_long_to_repeat_is_not_repeated() -> None:
    with pytest.raises(DecodeError) as caught:
        MSGPACK.decode_client(pack(18, "c" * 1000, "l", 5))
    assert (caught.value.conversation, caught.value.line) == ("", "l")


def test_a_long_key_is_cut_in_the_detail() -> None:
    with pytest.raises(DecodeError) as caught:
        MSGPACK.decode_client(pack(17, "c", 1, {"k" * 10_000: b""}))
    assert len(caught.value.detail) < 200
