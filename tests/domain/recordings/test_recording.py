"""The file of a recorded session: what is written can be read, for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from dialogue_protocol.messages import Cue, Delta, Hello, Say, Turn, TurnEnd

from dialogue_server.domain.prompt import Message
from dialogue_server.domain.recordings.recording import (
    Answered,
    Asked,
    Ended,
    Entry,
    Head,
    Recording,
    Streamed,
    decode,
    encode,
    encode_head,
    join,
)
from dialogue_server.errors import ContentError

HEAD = Head(started=1764000000.5, session="s", server="test", client="game")
ASKED = Asked(
    turn=1,
    id="n1",
    npc="mira",
    backend="local",
    messages=[Message("system", "You are Mira."), Message("user", "Hm?")],
    max_tokens=300,
    sampling={"seed": 1, "temperature": 0.7},
    stop=["\n"],
)
ENTRIES = (
    Entry(0.0, Hello(client="game"), client=True),
    Entry(10.0, Say("c", "1", "Hm?\nÜ\u2028"), client=True),
    Entry(10.5, Turn(1, "n1", "c", "mira", "1")),
    Entry(11.0, ASKED),
    Entry(20.0, Streamed(1, "Under ")),
    Entry(20.1, Delta(1, "Under")),
    Entry(31.2, Streamed(1, "[mood: wary]water.")),
    Entry(31.3, Cue(1, 6, "mood", "wary", {"intensity": 50})),
    Entry(31.4, Delta(1, " water.")),
    Entry(40.0, Answered(turn=1, reason="stop", input_tokens=9, output_tokens=3)),
    Entry(40.1, TurnEnd(1, "complete", 12, 10, 30)),
    Entry(99.0, Ended("the client left")),
)
SAMPLE = Path(__file__).parents[1] / "recordings" / "v1.jsonl"


def test_what_is_written_is_read_back_in_its_order() -> None:
    data = encode_head(HEAD) + encode(ENTRIES)
    assert decode("r.jsonl", data) == Recording(HEAD, ENTRIES)


def test_each_line_stands_for_itself_and_text_is_put_together() -> None:
    lines = encode(ENTRIES).splitlines()
    assert len(lines) == 11
    assert b'{"at":20.0,"stream":[[20.0,1,"Under "],[31.2,1,"[mood: wary]water."]]}' in lines
    assert b'{"at":20.1,"deltas":[[20.1,1,"Under"]]}' in lines


def test_the_sample_of_the_first_version_opens() -> None:
    found = decode(SAMPLE.name, SAMPLE.read_bytes())
    assert (found.head, found.entries) == (HEAD, ENTRIES)
    assert (found.cut, found.skipped) == (False, 1)


def test_a_file_that_was_cut_by_a_kill_is_read_as_far_as_its_lines_are_whole() -> None:
    data = encode_head(HEAD) + encode(ENTRIES)
    for size in range(len(encode_head(HEAD)), len(data)):
        found = decode("r.jsonl", data[:size])
        assert found.cut == (data[size - 1 : size] != b"\n")
        assert len(found.entries) < len(ENTRIES) or size == len(data)


def test_what_a_newer_server_wrote_beside_it_is_passed_over_and_counted() -> None:
    more = b'{"at":1,"weather":"rain"}\n\n{"at":2,"client":{"type":"sing"}}\n'
    more += b'{"at":3,"server":{"type":"sung"}}\n{"at":4,"server":{"type":"pong","tune":1}}\n'
    found = decode("r.jsonl", encode_head(HEAD) + more)
    assert (len(found.entries), found.skipped) == (1, 3)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "r.jsonl: line 1: is no recording: the file is empty"),
        (b'{"recording": 1', "r.jsonl: line 1: is no recording: its first line has no end"),
        (b"{}\n", 'line 1: is no recording: the first line must be {"recording": 1'),
        (b"[]\n", "line 1: is no recording"),
        (b"\xff\n", "line 1: is no recording"),
        (b'{"recording":"x"}\n', "line 1: is no recording"),
        (b'{"recording":2}\n', "line 1: is of version 2; this server reads up to 1"),
        (b'{"recording":1}\n{"at":1}\n{"at"\n', "line 3: cannot be read"),
        (b'{"recording":1}\n{"client":{"type":"say"}}\n', "line 2: cannot be read: "),
        (b'{"recording":1}\n{"ended":"\xff"}\n', "line 2: cannot be read: "),
        (b'{"recording":1}\n{"client":{"type":"say\xff"}}\n', "line 2: cannot be read: "),
    ],
)
def test_what_is_no_recording_is_told_with_its_line(data: bytes, says: str) -> None:
    with pytest.raises(ContentError) as caught:
        decode("r.jsonl", data)
    assert says in caught.value.detail


def test_the_parts_of_a_long_session_are_one() -> None:
    first = Recording(HEAD, ENTRIES[:3], skipped=1)
    second = Recording(Head(session="s", part=2), ENTRIES[3:], cut=True, skipped=2)
    assert join([first, second]) == Recording(HEAD, ENTRIES, cut=True, skipped=3)


def test_text_is_written_in_groups_only() -> None:
    group = encode([Entry(1.04, Streamed(1, "a")), Entry(1.06, Delta(2, "b"))])
    assert group == b'{"at":1.0,"stream":[[1.0,1,"a"]]}\n{"at":1.1,"deltas":[[1.1,2,"b"]]}\n'
