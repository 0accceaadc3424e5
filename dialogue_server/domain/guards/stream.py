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

from ..graphemes import split
from ..sentences import SentenceStarts
from ..stream import TextStream
from ..tags import Action, Piece, Text
from .rules import Hit, Watch

MAX_HELD = 300
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
        self._text = ""
        """All that the stream gave: sentences that passed, then the one that is being read."""
        self._passed = 0
        self._sent = 0
        self._cues: list[tuple[int, Piece]] = []
        """Those that wait, each with the length of the text when it came."""
        self._limit = min(MAX_HELD, self._most)
        """How long the text may get before it is looked at again."""
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
        return self._text[: self._sent if self.hit is None else self._passed]

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
        if len(self._text) > self._passed:
            self._sentence_ends(len(self._text))
        self.stopped = True
        return [] if self.hit is not None else self._release(all_of_it=True)

    def _take(self, pieces: list[Piece]) -> list[Piece]:
        for piece in pieces:
            if type(piece) is Text:
                begin = len(self._text)
                self._text += piece.text
                starts = self._starts.feed(piece.text)
                if starts or len(self._text) > self._limit:
                    self._read(begin, starts)
                    if self.hit is not None:
                        break
            else:
                self._cues.append((len(self._text), piece))
        if self._holds and self._passed <= self._sent:
            return []
        return self._release()

    def _read(self, begin: int, starts: tuple[int, ...]) -> None:
        """Look at text in which sentences begin, or with which one gets too long."""
        for start in starts:
            self._bound(begin + start)
            if self.hit is None:
                self._sentence_ends(begin + start)
                self._sentences += 1
            if self.hit is None and self.guards.max_sentences == self._sentences:
                self._found(Hit("length", "max_sentences"))
            if self.hit is not None:
                return
        self._bound(len(self._text))

    def _bound(self, end: int) -> None:
        """Read a sentence in parts that is longer than can be held."""
        while end - self._passed > MAX_HELD and self.hit is None:
            part = split(self._text[self._passed : end], MAX_HELD)[0]
            space = max(part.rfind(" "), part.rfind("\n"))
            part = part[:space] if part[:space].strip() else part  # between two words, if it can
            self._sentence_ends(self._passed + len(part))
        if self.hit is None and len(self._text[:end].rstrip()) > self._most:
            self._found(Hit("length", "max_chars"))

    def _sentence_ends(self, end: int) -> None:
        """Check a sentence; if it passes, the next one begins with the white space behind it."""
        sentence = self._text[self._passed : end]
        end = self._passed + (len(sentence.rstrip()) or len(sentence))
        if end > self._most:
            self._found(Hit("length", "max_chars"))
        hit = self._watch.hit(sentence, self._text[: self._passed]) if self.hit is None else None
        if hit is not None:
            self._found(hit)
        if self.hit is None:
            self._passed = end
            self._limit = min(end + MAX_HELD, self._most)
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
        flows = all_of_it or (not self._holds and self.hit is None)
        waits_for = () if all_of_it or self._reports else (Action,)
        until = len(self._text) if flows else self._passed
        out: list[Piece] = []
        rest: list[tuple[int, Piece]] = []
        for at, cue in self._cues:
            passed = getattr(cue, "offset", at) < self._passed
            if passed or (flows and not rest and type(cue) not in waits_for):
                self._let_go(at, out)
                out.append(cue)
                continue
            if not rest:
                until = min(until, max(at, self._passed))
            rest.append((at, cue))
        self._cues = rest
        self._let_go(until, out)
        return out

    def _let_go(self, until: int, out: list[Piece]) -> None:
        if until > self._sent:
            out.append(Text(self._text[self._sent : until]))
            self._sent = until
