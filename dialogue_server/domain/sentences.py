"""Where sentences begin, well enough to hold, check or cut an answer between two of them.

A sentence ends at `.`, `!`, `?`, `…`, their kin in other scripts and closing quotes, followed by
white space and no lower-case letter, or at a full-width mark, or at a line break. Common
abbreviations, initials and numbers before a full stop do not end one.
"""

from __future__ import annotations

import re
import unicodedata

_MARKS = frozenset(".!?…؟۔।॥։።")
_FULL_WIDTH = frozenset("。！？｡")
_CLOSERS = frozenset("\"'”’»)]*_」』）")
_ABBREVIATIONS = frozenset(
    {
        *("mr", "mrs", "ms", "dr", "st", "sr", "jr", "prof", "capt", "sgt", "lt", "col", "gen"),
        *("rev", "hon", "vs", "etc", "e.g", "i.e", "approx"),
    }
)
_MAY_END = re.compile(f"[\n{''.join(_MARKS | _FULL_WIDTH)}]").search
_TAIL = 32
"""Code points that are remembered of what came before: enough for any abbreviation."""
_TAILS = 8 * _TAIL
"""How much may gather before what came earlier is let go."""
_NONE: tuple[int, ...] = ()


class SentenceStarts:
    """Finds the first characters of sentences in streamed text, however it is split; the very
    first sentence of a text has none."""

    def __init__(self) -> None:
        self._tail = ""
        self._ended = self._wide = self._gap = self._broken = False

    def feed(self, text: str) -> tuple[int, ...]:
        """Take text; return where in it sentences begin."""
        if _MAY_END(text) is None and not (self._ended or self._wide or self._broken):
            self._tail += text
            if len(self._tail) > _TAILS:
                self._tail = self._tail[-_TAIL:]
            return _NONE
        whole = self._tail + text
        known = len(self._tail)
        starts = []
        for position, char in enumerate(text):
            if char.isspace():
                self._gap = True
                self._broken = self._broken or char == "\n"
                continue
            if self._begins_with(char):
                starts.append(position)
                self._ended = self._wide = False
            self._note(char, whole[max(0, known + position - _TAIL) : known + position])
        self._tail = whole[-_TAIL:]
        return tuple(starts)

    def _begins_with(self, char: str) -> bool:
        """Whether a sentence lies between what came before and `char`."""
        if self._gap:
            return self._broken or self._wide or (self._ended and not char.islower())
        return (
            self._wide and char not in _CLOSERS and char not in _FULL_WIDTH and not _extends(char)
        )

    def _note(self, char: str, before: str) -> None:
        if self._gap:
            self._gap = self._broken = self._ended = self._wide = False
        if char in _FULL_WIDTH:
            self._wide = True
        elif char in _MARKS:
            self._ended = self._ended or char != "." or not _stays_open(before)
        elif char not in _CLOSERS and not _extends(char):
            self._ended = self._wide = False


def _extends(char: str) -> bool:
    """Whether a character only marks the one before it."""
    return char > "\u02ff" and unicodedata.category(char) in ("Mn", "Me", "Cf")


def _stays_open(before: str) -> bool:
    """Whether a full stop after `before` is an abbreviation's, an initial's or a number's."""
    last = "" if not before or before[-1].isspace() else before.rsplit(maxsplit=1)[-1]
    word = "".join(char for char in last if char not in _CLOSERS)
    return (
        word.lower() in _ABBREVIATIONS
        or word.isdigit()
        or (len(word) == 1 and word.isupper() and word != "I")
    )


class SentenceLimit:
    """Lets the first `limit` sentences of streamed text pass. `stopped` is true from then on.

    The text must come with white space attached to what follows it, never at its end.
    """

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._starts = SentenceStarts()
        self.stopped = False

    def feed(self, text: str) -> str:
        """Take text; return what is within the limit."""
        for position in self._starts.feed(text):
            self._left -= 1
            if self._left <= 0:
                self.stopped = True
                return text[:position].rstrip()
        return text
