"""A delta costs at most 12 bytes beyond its text, the WebSocket header included."""

from __future__ import annotations

import pytest
from dialogue_protocol.codec import MSGPACK
from dialogue_protocol.messages import MAX_DELTA_CHARS, Delta
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode


def envelope(turn: int, text: str) -> int:
    """Bytes on the wire beyond the text. A server's frames are not masked (RFC 6455, 5.1)."""
    payload = MSGPACK.encode(Delta(turn, text))
    assert isinstance(payload, bytes)
    return len(Frame(Opcode.BINARY, payload).serialize(mask=False)) - len(text.encode())


TURNS = [1, 127, 128, 255, 256, 65535]


@pytest.mark.parametrize("turn", TURNS)
def test_the_envelope_is_bounded_for_every_length_of_one_byte_characters(turn: int) -> None:
    assert max(envelope(turn, "x" * size) for size in range(1, MAX_DELTA_CHARS + 1)) <= 12


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("character", ["é", "€", "\U0001f600"])
def test_the_envelope_is_bounded_for_the_longest_delta(turn: int, character: str) -> None:
    assert envelope(turn, character * MAX_DELTA_CHARS) <= 12


@pytest.mark.parametrize("size", [1, 65_527, 65_528, 70_000])
@pytest.mark.parametrize("turn", TURNS)
def test_a_longer_text_is_several_deltas_each_within_the_bound(turn: int, size: int) -> None:
    text = "x" * size
    for start in range(0, size, MAX_DELTA_CHARS):
        assert envelope(turn, text[start : start + MAX_DELTA_CHARS]) <= 12


@given(st.integers(0, 65535), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_the_envelope_is_bounded_for_any_text(turn: int, text: str) -> None:
    assert envelope(turn, text) <= 12


def test_the_envelope_of_spec_md_by_the_length_of_the_text() -> None:
    assert [envelope(1, "x" * size) for size in (31, 32, 121, 256, 64_000)] == [6, 7, 9, 10, 10]
    assert [envelope(128, "x" * size) for size in (31, 32, 120, 256, 64_000)] == [7, 8, 10, 11, 11]
    assert [envelope(256, "x" * size) for size in (31, 32, 119, 256, 64_000)] == [8, 9, 11, 12, 12]
