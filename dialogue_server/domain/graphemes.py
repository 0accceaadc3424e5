"""Grapheme clusters in a stream (UAX 29): what a player sees as one character stays whole.

Sole owner of `regex`, whose `\\X` matches one extended grapheme cluster.
"""

from __future__ import annotations

import re

import regex  # type: ignore[import-untyped]

MAX_CLUSTER = 256
"""Code points after which an endless cluster is let go in pieces. UAX 15 ("Stream-Safe Text")
calls more than 30 combining marks in a row abuse; the bound keeps memory and time small."""

# Characters with a boundary between any two of them: ASCII but for CR, Latin, Greek, Cyrillic,
# punctuation, kana, ideographs, Hangul syllables. Text of these needs no segmentation.
_SIMPLE = re.compile(
    "[\x00-\x0c\x0e-\u02ff\u0370-\u0482\u048a-\u052f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e"
    "\u3001-\u3029\u3041-\u3096\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff9d]*"
)

_CLUSTER = regex.compile(r"\X")


def clusters(text: str) -> list[str]:
    """The grapheme clusters of `text`, in order."""
    found: list[str] = _CLUSTER.findall(text)
    return found


def split(text: str, size: int) -> list[str]:
    """Cut text into parts of at most `size` code points, between clusters."""
    parts = []
    while len(text) > size:
        # The last cluster of the cut may go on behind it: leave it to the next part.
        last = _CLUSTER.findall(text[max(0, size - MAX_CLUSTER) : size])[-1]
        at = size if len(last) >= min(size, MAX_CLUSTER) else size - len(last)
        parts.append(text[:at])
        text = text[at:]
    return [*parts, text] if text else parts


class GraphemeBuffer:
    """Holds back the last cluster of what was fed, since the next text may continue it.

    Whether there is a boundary between two code points depends on what stands before it and on
    the code point after it, never on more; so every cluster but the last is final.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Take text; return what can be shown. After the last feed, call `flush`."""
        if not text:
            return ""
        whole = self._held + text
        if _SIMPLE.fullmatch(whole):
            self._held = whole[-1]
            return whole[:-1]
        last: str = _CLUSTER.findall(whole)[-1]
        if len(last) > MAX_CLUSTER:
            last = last[-1]
        self._held = last
        return whole[: -len(last)]

    def flush(self) -> str:
        """Return what was held back: the text is over."""
        held, self._held = self._held, ""
        return held
