"""What a client is told of a turn while it runs: text, cues, a sound before a late word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dialogue_protocol.messages import MAX_DELTA_CHARS, Cue, Delta, ServerMessage

from ..domain import authored
from ..domain.graphemes import split
from ..domain.persona import Persona
from ..domain.reactions import awaits
from ..domain.stream import Action, Mood, Pause, Piece, Rejected, Text
from ..domain.tone import Tone, shown
from .context import EngineContext
from .observer import CueDropped


class Voice:
    """Sends one turn's deltas and cues. `say` is the per-token path."""

    def __init__(
        self,
        context: EngineContext,
        send: Callable[[ServerMessage], None],
        number: int,
        node: str,
        persona: Persona,
        tone: Tone,
    ) -> None:
        """`number` names the turn in the session, `node` in the store; `tone` is the one that the
        NPC is in before it speaks."""
        self.first = 0.0
        """When the first text was sent, by the context's clock; 0 before it."""
        self.length = 0
        """Of the text that was sent, in code points."""
        self.cues: list[list[Any]] = []
        """Those that were sent, as a node keeps them."""
        self._context = context
        self._send = send
        self._number = number
        self._node = node
        self._persona = persona
        self._tone = tone
        self._awaited = 0
        self._filler: asyncio.TimerHandle | None = None

    def say(self, pieces: list[Piece]) -> None:
        """Send what a stream has settled."""
        for piece in pieces:
            if type(piece) is Text:
                if not self.first:
                    self._begin_words()
                if len(piece.text) <= MAX_DELTA_CHARS:
                    self._send(Delta(self._number, piece.text))
                else:
                    self._send_long(piece.text)
                self.length += len(piece.text)
            else:
                self._say_cue(piece)

    def expect_words(self) -> None:
        """Have the NPC make a sound if the first word is late."""
        after, fillers = self._context.limits.filler_seconds, self._persona.fillers
        if after and fillers:
            text = authored.plain(fillers[self._number % len(fillers)])
            cue = Cue(self._number, 0, "filler", "", {"text": text})
            self._filler = asyncio.get_running_loop().call_later(after, self._send, cue)

    def hush(self) -> None:
        """Make no sound any more."""
        if self._filler is not None:
            self._filler.cancel()
            self._filler = None

    def show_mood(self, now: Tone | None) -> None:
        """Tell the mood that rules have brought the NPC into, before its first word; None if the
        client knows it."""
        if now is not None:
            self._put(Cue(self._number, 0, "mood", now.mood, {"intensity": now.intensity}))

    def _begin_words(self) -> None:
        self.first = self._context.monotonic()
        self.hush()

    def _send_long(self, text: str) -> None:
        for part in split(text, MAX_DELTA_CHARS):
            self._send(Delta(self._number, part))

    def _say_cue(self, piece: Piece) -> None:
        match piece:
            case Mood():
                self._tone = shown(self._persona, self._tone, piece.name, piece.intensity)
                strength = {"intensity": self._tone.intensity}
                cue = Cue(self._number, piece.offset, "mood", piece.name, strength)
                if self.cues and self.cues[-1] == [cue.offset, "mood", cue.name, strength]:
                    return  # told already, of a rule
            case Action():
                waits = awaits(self._persona, piece.name)
                self._awaited += waits
                number = self._awaited if waits else 0
                cue = Cue(self._number, piece.offset, "action", piece.name, piece.args, number)
            case Pause():
                cue = Cue(self._number, piece.offset, "pause", "", {"ms": piece.ms})
            case Rejected():
                self._context.observe(
                    CueDropped(
                        turn=self._node,
                        npc=self._persona.id,
                        kind=piece.kind,
                        name=piece.name,
                        problem=piece.problem,
                    )
                )
                return
            case _:
                raise AssertionError(piece)
        self._put(cue)

    def _put(self, cue: Cue) -> None:
        kept = [cue.offset, cue.kind, cue.name, cue.args]
        self.cues.append([*kept, cue.action] if cue.action else kept)
        self._send(cue)
