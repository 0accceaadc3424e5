"""The event-stream parser: the WHATWG rules, and what model servers make of them."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.backends.sse import Event, EventTooLarge, SSEParser


def parse(*chunks: bytes, limit: int = 1 << 20) -> list[Event]:
    parser = SSEParser(limit)
    events: list[Event] = []
    for chunk in chunks:
        events += parser.feed(chunk)
    return events + parser.end()


def data(*chunks: bytes) -> list[bytes]:
    return [event.data for event in parse(*chunks)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data: a\r\n\r\n", [b"a"]),
        (b"data: a\r\r", [b"a"]),
        (b"data: a\r\n\ndata: b\n\r\n", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data\n\n", [b""]),
        (b"data:\n\n", [b""]),
        (b"data: a: b\n\n", [b"a: b"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b": OPENROUTER PROCESSING\n\ndata: a\n\n", [b"a"]),
        (b"id: 1\nretry: 9\nnonsense\ndata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [b"b"]),
        (b"\n\n\ndata: a\n\n\n\n", [b"a"]),
        (b"data: [DONE]", [b"[DONE]"]),
        (b"data: [DONE]\n", [b"[DONE]"]),
        ("data: a\u2028b\u0085c\u000bd\n\n".encode(), ["a\u2028b\u0085c\u000bd".encode()]),
        (b"", []),
        (b"\xef\xbb", []),
        (b"event: ping\n\ndata: a\n\n", [b"a"]),
        (b"event: ping\n", []),
        (b"error:\n\n", []),
    ],
)
def test_a_stream_gives_its_events(stream: bytes, expected: list[bytes]) -> None:
    assert expected == data(stream)


def test_an_event_keeps_its_name_until_its_blank_line() -> None:
    events = parse(b"event: error\ndata: x\n\ndata: y\n\n")
    assert [Event(b"x", "error"), Event(b"y")] == events


def test_an_error_line_of_older_llama_cpp_is_an_event_without_a_blank_line() -> None:
    parser = SSEParser()
    assert [Event(b'{"code":500}', "error")] == parser.feed(b'error: {"code":500}\n')
    assert [Event(b"[DONE]")] == parser.feed(b"\ndata: [DONE]\n\n")


def test_an_event_is_given_with_the_first_byte_of_its_line_ending() -> None:
    parser = SSEParser()
    assert [Event(b"a")] == parser.feed(b"data: a\r\n\r")
    assert parser.feed(b"\n") == []
    assert parser.feed(b"") == []
    assert [Event(b"b")] == parser.feed(b"data: b\n\n")


def test_a_line_may_follow_a_lone_cr_in_the_next_read() -> None:
    assert data(b"data: a\r", b"data: b\r", b"\r") == [b"a\nb"]


def test_a_byte_order_mark_may_come_in_pieces() -> None:
    assert data(b"\xef", b"\xbb", b"\xbf", b"data: a\n\n") == [b"a"]
    assert data(b"\xef\xbb", b"xdata: a\n\n") == []


def test_a_whole_event_in_one_read_after_an_unfinished_one_is_not_a_new_event() -> None:
    assert data(b"data: a\n", b"data: b\n\n") == [b"a\nb"]
    assert data(b"data: a", b"data: b\n\n") == [b"adata: b"]
    assert [Event(b"b", "x")] == parse(b"event: x\n", b"data: b\n\n")


@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"x" * 20,
        b"data: " + b"x" * 20 + b"\n\n",
        b": " + b"x" * 20 + b"\n",
        b"data: 12345\ndata: 12345\ndata: 12345\n",
    ],
)
def test_a_line_or_an_event_over_the_limit_is_refused(stream: bytes) -> None:
    with pytest.raises(EventTooLarge, match="16 bytes"):
        parse(stream, limit=16)


def test_events_before_the_one_over_the_limit_are_given_first() -> None:
    parser = SSEParser(16)
    assert [Event(b"a")] == parser.feed(b"data: a\n\n: " + b"x" * 20 + b"\n")
    with pytest.raises(EventTooLarge):
        parser.feed(b"data: b\n\n")
    with pytest.raises(EventTooLarge):
        parser.end()


def test_an_event_over_the_limit_at_the_very_end_comes_after_the_events_before_it() -> None:
    parser = SSEParser(16)
    parser.feed(b"data: 1234567890\n")
    parser.feed(b"data: 1234567")
    with pytest.raises(EventTooLarge):
        parser.end()
    parser = SSEParser(16)
    parser.feed(b"data: 1234567890\n")
    parser.feed(b"error: 1")
    assert [Event(b"1", "error"), Event(b"1234567890")] == parser.end()


PIECES = st.lists(
    st.sampled_from(
        [b"data: ", b"data:", b"data", b"event: error", b"error: {}", b": ping", b"x", b":", b" ",
         b"\n", b"\r", b"\r\n", b"\n\n", b"data: [DONE]\n\n", b"\xef\xbb\xbf", b"\xef", b"\xbb",
         "é\u2028".encode(), b"0123456789"]
    ),
    max_size=40,
)  # fmt: skip


def outcome(chunks: list[bytes], limit: int) -> tuple[list[Event], bool]:
    parser = SSEParser(limit)
    events: list[Event] = []
    try:
        for chunk in chunks:
            events += parser.feed(chunk)
        events += parser.end()
    except EventTooLarge:
        return events, True
    return events, False


@given(PIECES, st.data(), st.sampled_from([8, 24, 1000]))
def test_any_split_gives_the_same_events(
    pieces: list[bytes], data: st.DataObject, limit: int
) -> None:
    stream = b"".join(pieces)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    bounds = [0, *cuts, len(stream)]
    split = [stream[a:b] for a, b in itertools.pairwise(bounds)]
    single = [stream[i : i + 1] for i in range(len(stream))]
    assert outcome([stream], limit) == outcome(split, limit) == outcome(single, limit)


def reference(stream: bytes) -> list[bytes]:
    """The standard's grammar, said another way: for streams of data lines and comments."""
    text = stream.removeprefix(b"\xef\xbb\xbf")
    lines = re.split(b"\r\n|\r|\n", text)
    events, pending = [], []
    for line in [*lines, b""]:
        if line == b"":
            if pending:
                events.append(b"\n".join(pending))
            pending = []
        elif match := re.fullmatch(b"data(?:: ?(.*))?", line, re.DOTALL):
            pending.append(match[1] or b"")
    return events


@given(st.lists(st.sampled_from([b"data: a", b"data:b", b"data", b":c", b"\n", b"\r\n", b"\r"])))
def test_the_parser_agrees_with_the_grammar(pieces: list[bytes]) -> None:
    stream = b"".join(pieces)
    assert reference(stream) == data(stream)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_crash_the_parser(stream: bytes) -> None:
    outcome([stream[:7], stream[7:]], 64)
