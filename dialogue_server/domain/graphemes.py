"""Grapheme clusters in a stream (UAX 29): what a player sees as one character stays whole.

Sole owner of `regex`, whose `\\X` matches one extended grapheme cluster.
"""

from __future__ import annotations

import regex  # type: ignore[import-untyped]

MAX_CLUSTER = 256
"""Code points after which an endless cluster is let go in pieces. UAX 15 ("Stream-Safe Text")
calls more than 30 combining marks in a row abuse; the bound keeps memory and time small."""

_CLUSTER = regex.compile(r"\X")


def clusters(text: str) -> list[str]:
    """The grapheme clusters of `text`, in order."""
    found: list[str] = _CLUSTER.findall(text)
    return found


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
        held = self._held
        # Between two ASCII characters there is a boundary, except inside CR LF.
        if text.isascii() and held.isascii() and "\r" not in text and held != "\r":
            self._held = text[-1]
            return held + text[:-1]
        whole = held + text
        last: str = _CLUSTER.findall(whole)[-1]
        if len(last) > MAX_CLUSTER:
            last = last[-1]
        self._held = last
        return whole[: -len(last)]

    def flush(self) -> str:
        """Return what was held back: the text is over."""
        held, self._held = self._held, ""
        return held
