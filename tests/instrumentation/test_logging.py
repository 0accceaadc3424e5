"""A line of the log: one line, and nothing that does anything to the terminal that shows it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys

import pytest

from dialogue_server.engine.observer import (
    ContentRead,
    ConversationOpened,
    CueDropped,
    Failure,
    Record,
    RequestRefused,
    SessionStarted,
)
from dialogue_server.instrumentation.logging import Log, Style

VILE = (
    "one\ntwo\r\v\f\x1b[2J\x1b]0;owned\x07\x08\x1c\x7f\x85\x9b31m\u2028\u2029"
    "\u202e\u2066\u200f\u200b\ufeff\U000e0041"
)
"""Breaks of lines, orders to a terminal in seven and eight bits, turns of the reading direction and
what is not seen."""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


STYLES: tuple[Style, ...] = ("json", "console")
RECORDS: list[Record] = [
    SessionStarted(session="s", client=VILE, resumed=False),
    ConversationOpened(session="s", conversation=VILE, npcs=(VILE, "mira"), history=0),
    RequestRefused(session="s", code="bad_message", detail=VILE),
    # Without a blank or a quotation mark, too
    RequestRefused(session="s", code="bad_message", detail="\x1b[2J\x9b31m"),
    CueDropped(turn="t", npc="mira", kind="action", name=VILE, problem=VILE),
    ContentRead(npcs=(VILE,), problems=(VILE, "a: b")),
    Failure(where=VILE, error=f"Traceback:\n  {VILE}"),
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_whatever_is_told_is_one_line_of_printable_characters(style: Style, record: Record) -> None:
    said = io.StringIO()
    Log(style, stream=said)(record)
    line = said.getvalue().removesuffix("\n")
    assert line.isprintable(), ascii(line)


def test_json_keeps_every_character_of_what_it_escapes() -> None:
    said = io.StringIO()
    Log("json", stream=said).warning("content.note", note=VILE, names=["Mira", "Боря", VILE])
    line = said.getvalue()
    assert json.loads(line)["note"] == VILE
    assert json.loads(line)["names"] == ["Mira", "Боря", VILE]
    assert "Боря" in line


def test_a_terminal_gets_colours_from_the_log_alone() -> None:
    said, plain = Terminal(), Terminal()
    Log(stream=said).info("content.note", note="x" + VILE, other="\x1b[2J")
    Log(stream=plain).info("content.note", note="x", other="y")
    line = said.getvalue().removesuffix("\n")
    assert line.count("\x1b") == plain.getvalue().count("\x1b")
    assert line.replace("\x1b", "").isprintable()
    assert r"\x1b[2J" in line


def test_a_name_of_a_file_that_is_no_text_is_told() -> None:
    for style in STYLES:
        said = io.StringIO()
        Log(style, stream=said).warning("content.invalid", file="k\udcfcche.toml")
        assert r"k\udcfcche.toml" in said.getvalue()


def test_a_text_in_any_script_is_told_as_it_is() -> None:
    for style in STYLES:
        said = io.StringIO()
        names = "Zoë Борис 美咲 ميرا मीरा"
        Log(style, stream=said).info("x", names=names)
        assert names in said.getvalue()


PROGRAM = """
import asyncio, logging, sys
from dialogue_server.instrumentation.logging import Log
Log(sys.argv[1], "info", sys.stderr)

async def broken():
    raise ValueError(sys.argv[2].encode().decode("unicode_escape"))

async def main():
    task = asyncio.create_task(broken())
    await asyncio.wait([task])
    del task
    logging.getLogger("library").warning("%s and %s", "this", "\\x1b[2J\\nthat")
    logging.getLogger("library").info("nothing that anybody has to know")
    logging.getLogger("library").warning("%d", "no number")

asyncio.run(main())
"""


@pytest.mark.parametrize("style", STYLES)
def test_what_libraries_tell_is_in_lines_of_the_log_too(style: Style) -> None:
    vile = VILE.encode("unicode_escape").decode()
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", PROGRAM, style, vile], capture_output=True, check=True
    )
    lines = ran.stderr.decode().removesuffix("\n").split("\n")
    assert len(lines) == 3, lines
    assert all(line.rstrip("\r").isprintable() for line in lines)
    assert all("library" in line for line in lines)
    asyncios, librarys, _ = lines
    assert "ValueError" in asyncios and "never retrieved" in asyncios
    assert "this and " in librarys
    if style == "json":
        assert VILE in json.loads(asyncios)["error"]
        told = json.loads(librarys)
        assert (told["logger"], told["message"]) == ("library", "this and \x1b[2J\nthat")
        assert told["level"] == "warning"


def test_a_log_that_nobody_takes_costs_its_lines_and_nothing_else() -> None:
    """The reader of a pipe has gone, or the disk is full."""
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w", encoding="utf-8", buffering=1)
    log = Log("json", stream=stream)
    log.info("server.ready")
    log(SessionStarted(session="s", client="c", resumed=False))
    with contextlib.suppress(OSError):
        stream.close()
