"""A talk that a designer wrote down becomes a history, or says which line is wrong."""

from __future__ import annotations

import msgspec
import pytest
from dialogue_protocol.messages import SpokenLine, Transcript

from dialogue_server.domain.persona import Persona
from dialogue_server.domain.talk_files import decode_talk
from dialogue_server.errors import ContentError

PERSONAS = {
    "mira": Persona("mira", "Mira Vane", "An innkeeper."),
    "borin": Persona("borin", "Borin", "A smith."),
}
SAID = [
    ("player", "Ann", "Is the mine open?"),
    ("npc", "mira", "Flooded.\nAll of it."),
    ("npc", "borin", "Aye."),
]
HEARD = [("" if kind == "player" else speaker, text) for kind, speaker, text in SAID]


def read(text: str) -> list[tuple[str, str]]:
    lines = decode_talk("talk.txt", text.encode(), PERSONAS, "Ann")
    return [(line.npc, line.text) for line in lines]


def test_lines_begin_with_who_speaks_by_id_or_by_name() -> None:
    talk = "# before\nplayer: Is the mine open?\n\nMira Vane: Flooded.\n  All of it.\nBORIN: Aye.\n"
    assert read(talk) == HEARD
    assert read("ann: Hello: you?") == [("", "Hello: you?")]
    assert read("") == []


def test_a_transcript_is_read_whole_or_as_its_lines() -> None:
    lines = [
        SpokenLine(id=str(at), kind=kind, speaker=speaker, text=text)
        for at, (kind, speaker, text) in enumerate(SAID)
    ]
    lines[0] = msgspec.structs.replace(lines[0], speaker="Somebody else")
    plain = msgspec.to_builtins(lines)
    assert read(msgspec.json.encode(plain).decode()) == HEARD
    whole = {"type": "transcript", "conversation": "c", "lines": plain}
    assert read(msgspec.json.encode(whole).decode()) == HEARD
    assert Transcript("c", lines).lines == lines


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"player Hello", "line 1: write who speaks"),
        (b"player:  ", "line 1: write who speaks"),
        (b"  player Hello", "line 1: write who speaks"),
        (b"\nmiro: Hello", "line 2: nobody is called 'miro'; known are player, mira, borin"),
        (b"\xff", "save the file as UTF-8"),
        (b"[1", "not JSON"),
        (b"[1]", '[0]: needs the texts "speaker" and "text"'),
        (b'[{"speaker": "mira"}]', '[0]: needs the texts "speaker" and "text"'),
        (b"{}", "must be a list of lines"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(data: bytes, problem: str) -> None:
    with pytest.raises(ContentError) as raised:
        decode_talk("talk.txt", data, PERSONAS, "Ann")
    assert problem in raised.value.detail
    assert raised.value.detail.startswith("talk.txt: ")
