"""Texts as CSV for spreadsheets, in which no cell is ever a formula.

A spreadsheet runs what begins with =, +, - or @; what a player typed must not. Such a cell gets an
apostrophe before it, which spreadsheets know as "this is text", and loses it when it is read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from ..errors import ContentError
from .authored_texts import AuthoredText

_RISKY = "=+\\-@\t\r\n＝＋－＠"
_GUARDED = re.compile(f"'['{_RISKY}]")
_NEEDS = re.compile(f"[{_RISKY}]|'['{_RISKY}]")
AUTHORED = ("id", "speaker", "text", "context", "translation")


def encode(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The file: every cell quoted, CRLF, a byte order mark, which Excel needs to see UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([cell(each) for each in row] for row in rows)
    return "\ufeff" + out.getvalue()


def cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula. A NUL, which CSV cannot hold, is shown."""
    text = text.replace("\0", "\ufffd")
    return f"'{text}" if _NEEDS.match(text) else text


def uncell(text: str) -> str:
    """What was in a cell."""
    return text[1:] if _GUARDED.match(text) else text


def encode_texts(texts: Iterable[AuthoredText]) -> str:
    """Authored texts, with room for translations."""
    rows = ((t.id, t.speaker, t.text, t.context, t.translation) for t in texts)
    return encode(AUTHORED, rows)


def decode_texts(file: str, source: str) -> list[AuthoredText]:
    """Authored texts with their translations. A ContentError names the row and the mend."""
    source = source.removeprefix("\ufeff")
    first = source.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","  # as half of Europe saves it
    try:
        head, *rows = csv.reader(io.StringIO(source, newline=""), delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        raise ContentError(file, "", f"is no CSV: {error}") from None
    names = [name.strip().lower() for name in head]
    missing = [name for name in ("id", "text", "translation") if name not in names]
    if missing:
        problem = f"has no column {missing[0]}; its columns are {', '.join(AUTHORED)}"
        raise ContentError(file, "line 1", problem)
    found = []
    for number, row in enumerate(rows, 2):
        if not any(row):
            continue
        cells = dict(zip(names, map(uncell, row), strict=False))
        name, colon, key = cells["id"].partition(":")
        if not colon:
            problem = f"id: {cells['id'][:80]!r} is not the file and key of a text"
            raise ContentError(file, f"row {number}", problem)
        text, translation = cells.get("text", ""), cells.get("translation", "")
        found.append(AuthoredText(name, key, text, translation=translation))
    return found
