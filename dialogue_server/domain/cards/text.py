"""A card's words made fit for our files: visible text, without special tokens and our own tags."""

from __future__ import annotations

import re

from .. import untrusted

MAX_LINE = 80
_BREAKS = re.compile("\r\n?|[\v\f\x1c-\x1f\x85\u2028\u2029]")
_BLANKS = re.compile(r"\n{4,}")
_TAG = re.compile(r"\[(?=\s*(?:mood|action|pause)\s*[:=])([^\[\]\n]*)(\]?)", re.I)


def clean(text: str) -> str:
    """A text of any length. A card's text cannot set a mood or do something in the game: what
    looks like one of our tags gets round brackets."""
    text = untrusted.speech(_BREAKS.sub("\n", text))
    text = _TAG.sub(lambda match: f"({match[1]}{')' if match[2] else ''}", text)
    return _BLANKS.sub("\n\n\n", text).strip()


def one_line(text: str) -> str:
    """A name or a key: one line of at most MAX_LINE characters."""
    return " ".join(clean(text[: 4 * MAX_LINE]).split())[:MAX_LINE].strip()
