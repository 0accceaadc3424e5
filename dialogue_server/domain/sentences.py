"""The end of a sentence, well enough to cut a chatty model's answer short.

A sentence ends at `.`, `!`, `?`, `…` and closing quotes, followed by white space and no
lower-case letter, or at a full-width mark, or at a line break. Common abbreviations, initials
and numbers before a full stop do not end one.
"""

from __future__ import annotations

_MARKS = frozenset(".!?…")
_FULL_WIDTH = frozenset("。！？｡")
_CLOSERS = frozenset("\"'”’»)]*_」』）")
_ABBREVIATIONS = frozenset(
    {
        *("mr", "mrs", "ms", "dr", "st", "sr", "jr", "prof", "capt", "sgt", "lt", "col", "gen"),
        *("rev", "hon", "vs", "etc", "e.g", "i.e", "approx"),
    }
)


class SentenceLimit:
    """Lets the first `limit` sentences of streamed text pass. `stopped` is true from then on.

    The text must come with white space attached to what follows it, never at its end.
    """

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._word = ""
        self._ended = self._wide = self._gap = self._broken = False
        self.stopped = False

    def feed(self, text: str) -> str:
        """Take text; return what is within the limit."""
        for position, char in enumerate(text):
            if char.isspace():
                self._gap = True
                self._broken = self._broken or char == "\n"
                continue
            if self._is_boundary(char):
                self._left -= 1
                if self._left <= 0:
                    self.stopped = True
                    return text[:position].rstrip()
                self._ended = self._wide = False
            self._note(char)
        return text

    def _is_boundary(self, char: str) -> bool:
        """Whether a sentence lies between what came before and `char`."""
        if self._gap:
            return self._broken or self._wide or (self._ended and not char.islower())
        return self._wide and char not in _CLOSERS and char not in _FULL_WIDTH

    def _note(self, char: str) -> None:
        if self._gap:
            self._word = ""
            self._gap = self._broken = self._ended = self._wide = False
        if char in _FULL_WIDTH:
            self._wide = True
        elif char in _MARKS:
            word = self._word.lower()
            short = char == "." and (
                word in _ABBREVIATIONS
                or word.isdigit()
                or (len(self._word) == 1 and self._word.isupper() and self._word != "I")
            )
            self._ended = self._ended or not short
            self._word += char
        elif char not in _CLOSERS:
            self._ended = self._wide = False
            self._word += char
