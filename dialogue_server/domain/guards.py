"""An answer under guard: a stream of pieces in, the sentences that pass out.

    TextStream -> held until its sentence is whole -> Watch -> the player

A sentence passes or the answer ends before it; its cues wait with it, so none of what was cut
reaches the game. With `hold = "first"` only the first sentence waits, and a later one that hits
is taken back: `length` is what remains. Any split of the same text gives the same answer, hit
and remaining cues.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .graphemes import split
from .guards_rules import Hit, Watch
from .sentences import SentenceStarts
from .stream import TextStream
from .tags import Action, Piece, Text

MAX_HELD = 600
"""Code points after which a sentence that does not end is checked as if it had."""


class GuardedStream:
    """The text of one turn, like a TextStream; `open_stream` makes the one it reads from.

    `hit` is what ended the answer, None so far. With `report_only` nothing is held and nothing
    ends; `hits` has what was found, one for each guard.
    """

    def __init__(self, open_stream: Callable[[], TextStream], watch: Watch) -> None:
        self.guards = watch.guards
        self._open = open_stream
        self._watch = watch
        self._reports = watch.guards.report_only
        self._most = watch.guards.max_chars or math.inf
        self._begin()

    def _begin(self) -> None:
        self._stream = self._open()
        self._starts = SentenceStarts()
        self._pending: list[Piece] = []
        """What is not released yet; its text begins at `_sent`."""
        self._released: list[str] = []
        self._sent = 0
        self._before = ""
        """The sentences that have passed; `_buffer` comes behind them."""
        self._buffer = ""
        self._sentences = 0
        self._holds = not self._reports
        self.hits: list[Hit] = []
        self.hit: Hit | None = None
        self.stopped = False
        """Nothing more will come: cancel the upstream."""

    def begin_anew(self) -> str:
        """Make ready for another answer to the same line, after a hit before anything was
        released. Returns what the model is to be told of it."""
        hint = self._watch.hint(self.hits[-1])
        self._begin()
        return hint

    @property
    def text(self) -> str:
        """What was released and stands: after a hit, the sentences that passed."""
        return "".join(self._released) if self.hit is None else self._before

    def feed(self, text: str) -> list[Piece]:
        """Take a chunk of the model's text; return the pieces that have passed."""
        if self.stopped:
            return []
        pieces = self._stream.feed(text)
        if pieces:
            pieces = self._take(pieces)
        return pieces + self._end() if self._stream.stopped and not self.stopped else pieces

    def finish(self) -> list[Piece]:
        """The model is done: return what was held back and passes."""
        if self.stopped:
            return []
        pieces = self._take(self._stream.finish())
        return pieces if self.stopped else pieces + self._end()

    def _end(self) -> list[Piece]:
        if self._buffer:
            self._sentence_ends(self._buffer)
        self.stopped = True
        return [] if self.hit is not None else self._release(all_of_it=True)

    def _take(self, pieces: list[Piece]) -> list[Piece]:
        for piece in pieces:
            self._pending.append(piece)
            if type(piece) is Text:
                text = piece.text
                starts = self._starts.feed(text)
                size = len(self._buffer) + len(text)
                if starts or size > MAX_HELD or len(self._before) + size > self._most:
                    self._read(text, starts)
                    if self.hit is not None:
                        break
                else:
                    self._buffer += text
        return self._release()

    def _read(self, text: str, starts: tuple[int, ...]) -> None:
        """Take text in which sentences begin, or with which one gets too long."""
        begin: int | None = 0
        for start in (*starts, None):
            self._buffer = self._bounded(self._buffer + text[begin:start])
            begin = start
            if start is not None and self.hit is None:
                self._sentence_ends(self._buffer)
                self._sentences += 1
                if self.hit is None and self.guards.max_sentences == self._sentences:
                    self._found(Hit("length", "max_sentences"))
            if self.hit is not None:
                return

    def _bounded(self, sentence: str) -> str:
        """What is left of a sentence that may be longer than can be held."""
        while len(sentence) > MAX_HELD and self.hit is None:
            part = split(sentence, MAX_HELD)[0]
            self._sentence_ends(part)
            sentence = self._buffer + sentence[len(part) :]
        if self.hit is None and len(self._before) + len(sentence.rstrip()) > self._most:
            self._found(Hit("length", "max_chars"))
        return sentence

    def _sentence_ends(self, sentence: str) -> None:
        """Check a sentence; if it passes, the next one begins with the white space behind it."""
        if len(self._before) + len(sentence.rstrip()) > self._most:
            self._found(Hit("length", "max_chars"))
        hit = self._watch.hit(sentence, self._before) if self.hit is None else None
        if hit is not None:
            self._found(hit)
        if self.hit is None:
            end = len(sentence.rstrip()) or len(sentence)
            self._before += sentence[:end]
            self._buffer = sentence[end:]
            if self.guards.hold == "first":
                self._holds = False

    def _found(self, hit: Hit) -> None:
        if all(hit.guard != known.guard for known in self.hits):
            self.hits.append(hit)
        if not self._reports:
            self.hit = hit
            self.stopped = True

    def _release(self, *, all_of_it: bool = False) -> list[Piece]:
        """What may go to the player now: the sentences that passed, each with its cues; where
        nothing holds, everything up to an action, which waits for its sentence. A cue at the very
        end of a sentence belongs to the next one."""
        end = len(self._before)
        if end <= self._sent and self._holds and not all_of_it:
            return []
        free = all_of_it or ((self._reports or not self._holds) and self.hit is None)
        wait_for = () if all_of_it or self._reports else (Action,)
        out: list[Piece] = []
        rest: list[Piece] = []
        for piece in self._pending:
            flows = free and not rest
            if type(piece) is Text:
                cut = len(piece.text) if flows else max(0, end - self._sent)
                if cut:
                    self._let_go(piece.text[:cut], out)
                if cut < len(piece.text):
                    rest.append(Text(piece.text[cut:]) if cut else piece)
                continue
            passed = getattr(piece, "offset", self._sent) < end
            goes = passed or (flows and type(piece) not in wait_for)
            (out if goes else rest).append(piece)
        self._pending = rest
        return out

    def _let_go(self, text: str, out: list[Piece]) -> None:
        self._sent += len(text)
        self._released.append(text)
        last = out[-1] if out else None
        if isinstance(last, Text):
            out[-1] = Text(last.text + text)
        else:
            out.append(Text(text))
