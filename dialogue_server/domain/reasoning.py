"""A model's thinking aloud, taken out of its text before anything else reads it.

Servers should send reasoning apart from the text; many leave it in. Removed are
`<think>...</think>`, `<thinking>`, `<reasoning>` and `[THINK]...[/THINK]`, in any case, split
anywhere, closed by the same name. A block that is never closed lasts to the end: reasoning
that leaks to a player is worse than an answer that is lost, and the turn then falls back.

A closing tag with no opening one (a chat template has opened the block already) is removed by
itself: what stood before it has been shown, and cannot be recalled. For such models
`opened=True` begins inside a block.
"""

from __future__ import annotations

import re

_PAIRS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<reasoning>": "</reasoning>",
    "[think]": "[/think]",
}
_ANY = re.compile("|".join(re.escape(tag) for pair in _PAIRS.items() for tag in pair), re.I | re.A)
_CLOSERS = {close: re.compile(re.escape(close), re.I | re.A) for close in _PAIRS.values()}
_PREFIXES = frozenset(
    tag[:size] for pair in _PAIRS.items() for tag in pair for size in range(1, len(tag))
)
_LONGEST = max(map(len, _PREFIXES))


class ReasoningFilter:
    """Removes reasoning from streamed text. `idle` is true while nothing is held or removed."""

    def __init__(self, *, opened: bool = False) -> None:
        self._held = ""
        self._close: re.Pattern[str] | None = _CLOSERS["</think>"] if opened else None

    @property
    def idle(self) -> bool:
        """Whether text without `<` and `[` would pass unchanged."""
        return not self._held and self._close is None

    def feed(self, text: str) -> str:
        """Take text; return what is not reasoning. After the last feed, call `flush`."""
        if self.idle and "<" not in text and "[" not in text:
            return text
        text = self._held + text
        shown: list[str] = []
        position = 0
        while True:
            if self._close is not None:
                match = self._close.search(text, position)
                if match is None:
                    self._held = _unfinished(text[position:])
                    return "".join(shown)
                self._close = None
            else:
                match = _ANY.search(text, position)
                if match is None:
                    rest = text[position:]
                    self._held = _unfinished(rest)
                    shown.append(rest[: len(rest) - len(self._held)])
                    return "".join(shown)
                shown.append(text[position : match.start()])
                close = _PAIRS.get(match[0].lower())
                if close is not None:
                    self._close = _CLOSERS[close]
            position = match.end()

    def flush(self) -> str:
        """Return what was held back: the text is over."""
        held, self._held = self._held, ""
        return "" if self._close is not None else held


def _unfinished(text: str) -> str:
    """The end of `text` that may become a tag."""
    tail = text[-_LONGEST:]
    for start, char in enumerate(tail):
        if char in "<[" and tail[start:].lower() in _PREFIXES:
            return tail[start:]
    return ""
