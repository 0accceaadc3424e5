"""A model's text on its way to the player: raw chunks in, settled pieces out.

    reasoning -> stop strings -> speaker labels -> tags, white space -> sentence limit -> graphemes

Each stage holds back what it cannot decide yet, so that any split of the same text gives the
same pieces (a text piece may be cut differently; the text and the cues' offsets do not change).

The per-token path is `feed`'s first lines: while nothing is held back but the last grapheme
cluster, a chunk with no character that could mean something to a stage goes straight through.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Any

from . import conditions
from .graphemes import GraphemeBuffer
from .persona import Persona
from .reasoning import ReasoningFilter
from .sentences import SentenceLimit
from .speakers import LabelFilter
from .state import there_is
from .tags import Action, Mood, Pause, Piece, Rejected, TagParser, Text

__all__ = ["Action", "Mood", "Pause", "Piece", "Rejected", "Text", "TextStream"]

CONTROL_TOKENS = (
    "<|im_end|>",
    "<|im_start|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end|>",
    "<|start_header_id|>",
    "<end_of_turn>",
    "<start_of_turn>",
    "</s>",
    "[/INST]",
    "[INST]",
)
"""Special tokens that a server with a wrong chat template lets through: the answer ends there."""


class TextStream:
    """The text of one turn.

    `stop` ends the text before any of its strings. `speakers` are the names of everyone else:
    their label at the start of a line ends the text. `strip_prefix` are the NPC's own labels
    (its name by default), which are removed. `state` decides which actions are available, and
    what they can be done with; without one, all are.

    Feed until `stopped` is true or the model is done, then call `finish` once. After `stopped`,
    feeding does nothing; the upstream can be cancelled.
    """

    def __init__(
        self,
        persona: Persona,
        *,
        stop: tuple[str, ...] = (),
        speakers: tuple[str, ...] = (),
        max_sentences: int | None = None,
        strip_prefix: tuple[str, ...] | None = None,
        state: dict[str, Any] | None = None,
        reasoning_opened: bool = False,
    ) -> None:
        stops = tuple(dict.fromkeys((*filter(None, stop), *CONTROL_TOKENS)))
        self._reasoning = ReasoningFilter(opened=reasoning_opened)
        self._stops = _StopScanner(stops)
        self._labels = LabelFilter(
            (persona.name,) if strip_prefix is None else strip_prefix, speakers
        )
        self._tags = TagParser(
            persona,
            lambda action: state is None or conditions.holds(action.when, state),
            None if state is None else partial(there_is, state),
        )
        self._limit = None if max_sentences is None else SentenceLimit(max_sentences)
        self._graphemes = GraphemeBuffer()
        self._search = _trigger(stops, max_sentences is not None).search
        self._plain = False
        self._finished = False
        self._shown: list[str] = []
        self.stopped = False
        """Nothing more will come: cancel the upstream."""
        self.length = 0
        """Code points emitted so far."""

    @property
    def text(self) -> str:
        """Everything emitted so far."""
        return "".join(self._shown)

    def feed(self, text: str) -> list[Piece]:
        """Take a chunk of the model's text; return the pieces that are settled."""
        if self._plain and self._search(text) is None:
            self._tags.length += len(text)
            text = self._graphemes.feed(text)
            if not text:
                return []
            self._shown.append(text)
            self.length += len(text)
            return [Text(text)]
        if self.stopped or self._finished:
            return []
        pieces = self._pass(self._reasoning.feed(text))
        if self.stopped:
            pieces += self._end()
        self._plain = not self.stopped and (
            self._tags.idle and self._labels.idle and self._stops.idle and self._reasoning.idle
        )
        return pieces

    def finish(self) -> list[Piece]:
        """The model is done: return what was held back."""
        if self.stopped or self._finished:
            return []
        self._finished = True
        self._plain = False
        pieces = self._pass(self._reasoning.flush())
        return pieces + self._end()

    def _pass(self, text: str) -> list[Piece]:
        """Send text from the stop strings on through the stages."""
        text = self._labels.feed(self._stops.feed(text))
        pieces = self._emit(self._tags.feed(text)) if text else []
        self.stopped = self.stopped or self._stops.stopped or self._labels.stopped
        return pieces

    def _end(self) -> list[Piece]:
        """Empty every stage, in order. A limit that was reached has emptied the early ones."""
        self._plain = False
        pieces: list[Piece] = []
        if self._limit is None or not self._limit.stopped:
            text = self._labels.feed(self._stops.flush()) + self._labels.flush()
            pieces += self._emit(self._tags.feed(text) + self._tags.flush())
        rest = self._graphemes.flush()
        if rest:
            pieces.append(self._text(rest))
        return pieces

    def _emit(self, settled: list[Piece]) -> list[Piece]:
        """Apply the sentence limit and whole clusters; join neighbouring text."""
        pieces: list[Piece] = []
        joined = ""
        for piece in settled:
            if not isinstance(piece, Text):
                if joined:
                    pieces.append(self._text(joined))
                    joined = ""
                pieces.append(piece)
                continue
            text = piece.text
            if self._limit is not None:
                text = self._limit.feed(text)
            joined += self._graphemes.feed(text)
            if self._limit is not None and self._limit.stopped:
                self.stopped = True
                break
        if joined:
            pieces.append(self._text(joined))
        return pieces

    def _text(self, text: str) -> Text:
        self._shown.append(text)
        self.length += len(text)
        return Text(text)


class _StopScanner:
    """Ends the text before the stop string that is complete first; drops control characters."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._prefixes, self._longest = _prefixes(stops)
        self._held = ""
        self._started = False
        self.stopped = False

    @property
    def idle(self) -> bool:
        return not self._held

    def feed(self, text: str) -> str:
        text = self._held + _CONTROL.sub("", text)
        if not self._started:
            # A model that begins with a line break has not stopped at one.
            text = text.lstrip()
            self._started = bool(text)
        ends = [
            (start + len(stop), start) for stop in self._stops if (start := text.find(stop)) >= 0
        ]
        if ends:
            self.stopped = True
            self._held = ""
            return text[: min(ends)[1]]
        self._held = ""
        for size in range(min(self._longest, len(text)), 0, -1):
            if text[-size:] in self._prefixes:
                self._held = text[-size:]
                return text[:-size]
        return text

    def flush(self) -> str:
        held, self._held = self._held, ""
        return held


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@lru_cache(maxsize=256)
def _prefixes(stops: tuple[str, ...]) -> tuple[frozenset[str], int]:
    """Every beginning of a stop string, and the longest one's size."""
    prefixes = frozenset(stop[:size] for stop in stops for size in range(1, len(stop)))
    return prefixes, max(map(len, prefixes), default=0)


@lru_cache(maxsize=256)
def _trigger(stops: tuple[str, ...], sentences: bool) -> re.Pattern[str]:
    """What no stage may miss: brackets, line breaks, control characters, the first character of
    a stop string, white space at the end, nothing at all."""
    if sentences:
        # The limit looks at every character around a boundary: everything is a trigger.
        return re.compile("")
    chars = {"<", "[", *(stop[0] for stop in stops)}
    escaped = "".join(map(re.escape, sorted(chars)))
    return re.compile(f"[{escaped}\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|\\s\\Z|\\A\\Z")
