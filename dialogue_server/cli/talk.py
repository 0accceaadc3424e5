"""One conversation as the player lives it: lines out, turns revealed as they come."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import Any

from dialogue_protocol.messages import (
    Close,
    Cue,
    Delta,
    Error,
    Interrupt,
    Open,
    Opened,
    Player,
    Say,
    ServerMessage,
    State,
    StateOk,
    Turn,
    TurnEnd,
)
from msgspec import Struct

from .link import Link, Nudge
from .reveal import Reveal
from .terminal import Speech, Terminal

_GREETING = -1
"""The number of the turn that a greeting is played as; the server's are positive."""


class Report(Struct, frozen=True):
    """How a turn went. `seen` is in code points; times in milliseconds, by this end's clock."""

    npc: str
    text: str
    seen: int
    reason: str
    first_token_ms: float
    total_ms: float
    output_tokens: int
    deltas: int
    code: str = ""
    detail: str = ""
    cues: tuple[Cue, ...] = ()

    @property
    def tokens_per_second(self) -> float:
        """How fast the text came after its first token; 0 where that cannot be said."""
        seconds = (self.total_ms - self.first_token_ms) / 1000
        return (self.output_tokens - 1) / seconds if self.output_tokens > 1 and seconds > 0 else 0.0


class Refused(Exception):
    """The server answered a request with an error."""

    def __init__(self, error: Error) -> None:
        super().__init__(f"{error.detail} ({error.code})")
        self.error = error


class Talk:
    """A conversation on a link. One call at a time; `interrupt` and `hurry` from anywhere."""

    def __init__(self, link: Link, terminal: Terminal, player: Player, *, speed: float) -> None:
        self._link = link
        self._terminal = terminal
        self._player = player
        self._speed = speed
        self._name = ""
        self._names: dict[str, str] = {}
        self._revision = 0
        self._turn: _Turn | None = None
        self.mood: dict[str, str] = {}

    @property
    def speaking(self) -> bool:
        """Whether an NPC's line is being shown, or waited for."""
        return self._turn is not None

    @property
    def shown(self) -> int:
        """How many code points of the line that is being shown were seen; 0 without one."""
        return self._turn.reveal.shown if self._turn is not None else 0

    def interrupt(self) -> None:
        """Stop the NPC; what was shown is what it will remember of it."""
        self._link.nudge(stop=True)

    def hurry(self) -> None:
        """Show the rest of the line at once."""
        if self._turn is not None:
            self._turn.reveal.hurry()
            self._link.nudge(stop=False)

    async def open(self, name: str, npcs: list[str], scene: str = "") -> Opened:
        """Open the conversation and show its greeting. Raises Refused or LinkLost."""
        await self._link.send(Open(name, npcs, self._player, scene))
        opened: Opened = await self._answer(Opened)
        if name != self._name:
            await self.close()
        self._name, self._revision = name, opened.revision
        self._names |= {npc.id: npc.name for npc in opened.npcs}
        self.mood |= {npc.id: npc.mood for npc in opened.npcs}
        if opened.greeting:
            first = opened.npcs[0]
            greeting = _Turn("", time.monotonic(), Reveal(self._speed))
            greeting.take(Turn(_GREETING, "", name, first.id))
            greeting.take(Delta(_GREETING, opened.greeting))
            greeting.take(TurnEnd(_GREETING, "complete", len(opened.greeting)))
            await self._play(greeting)
        return opened

    async def say(self, text: str, to: str = "") -> Report:
        """Say a line and play the answer. A line that was refused is a Report with reason
        "refused". Raises LinkLost."""
        line = uuid.uuid4().hex
        began = time.monotonic()
        await self._link.send(Say(self._name, line, text, to))
        turn = _Turn(line, began, Reveal(self._speed))
        await self._play(turn)
        return turn.report()

    async def set_state(self, patch: dict[str, Any]) -> int:
        """Merge a patch (RFC 7396) into the game's state; returns the new revision."""
        revision = self._revision + 1
        await self._link.send(State(self._name, revision, patch=patch))
        accepted: StateOk = await self._answer(StateOk)
        self._revision = accepted.revision
        return self._revision

    async def close(self) -> None:
        """Leave the conversation; the NPCs remember it."""
        if self._name:
            await self._link.send(Close(self._name))
            self._name = ""

    async def _answer(self, *kinds: type[ServerMessage]) -> Any:
        """The next message of a kind, or Refused. What belongs to no request is passed over."""
        while True:
            message = await self._link.receive()
            if isinstance(message, kinds):
                return message
            if isinstance(message, Error):
                raise Refused(message)

    # ------------------------------------------------------------ a turn

    async def _play(self, turn: _Turn) -> None:
        self._turn = turn
        try:
            await self._listen(turn)
        finally:
            self._turn = None
            if turn.speech is not None:
                turn.speech.end(turn.remark)

    async def _listen(self, turn: _Turn) -> None:
        """Take in the turn's messages and show what is due, until both are done."""
        while True:
            self._show(turn)
            if turn.ended and turn.reveal.empty:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(turn.reveal.wait(time.monotonic())):
                    message = await self._link.receive()
                if isinstance(message, Nudge):
                    if message.stop and await self._stop(turn):
                        return
                else:
                    turn.take(message)
                    await self._tell(turn)

    def _show(self, turn: _Turn) -> None:
        if turn.number and turn.speech is None:
            name = self._names.get(turn.npc, turn.npc)
            turn.speech = self._terminal.speech(turn.npc, name)
        while (item := turn.reveal.due(time.monotonic())) is not None:
            assert turn.speech is not None
            if isinstance(item, str):
                turn.speech.text(item, turn.reveal.upcoming)
            else:
                turn.speech.cue(item)
                if item.kind == "mood":
                    self.mood[turn.npc] = item.name

    async def _stop(self, turn: _Turn) -> bool:
        """Interrupt; whether there is nothing left to wait for."""
        if turn.stopped:
            return True  # the second time: the server does not answer, and nobody wants it to
        turn.stopped = True
        turn.seen = turn.reveal.shown
        turn.reveal = Reveal(0)
        await self._tell(turn)
        return turn.ended

    async def _tell(self, turn: _Turn) -> None:
        """Tell the server of an interrupt, as soon as the turn has a number to name it by."""
        if turn.stopped and not turn.told and turn.number > 0:
            turn.told = True
            await self._link.send(Interrupt(turn.number, turn.seen or 0))


class _Turn:
    """A turn while it runs."""

    def __init__(self, line: str, began: float, reveal: Reveal) -> None:
        self.line = line
        self.began = began
        self.reveal = reveal
        self.speech: Speech | None = None
        self.number = 0
        self.npc = ""
        self.text: list[str] = []
        self.cues: list[Cue] = []
        self.seen: int | None = None
        self.stopped = False
        self.told = False
        self.end: TurnEnd | None = None
        self.error: Error | None = None
        self.first = 0.0
        self.last = 0.0

    @property
    def ended(self) -> bool:
        return self.end is not None or self.error is not None

    @property
    def remark(self) -> str:
        """What stands after a line that is not whole, or not the model's."""
        if self.stopped:
            return "-- (interrupted)"
        if self.end is None or self.end.reason == "complete":
            return ""
        return (
            f"({self.end.reason}: {self.end.detail})"
            if self.end.detail
            else (f"({self.end.reason})")
        )

    def take(self, message: ServerMessage) -> None:
        """A message from the server, if it is this turn's."""
        match message:
            case Turn(line=self.line):
                if self.number:  # a server that restarted begins the answer anew
                    self.reveal = Reveal(self.reveal.speed)
                    self.text.clear()
                    self.cues.clear()
                self.number, self.npc = message.turn, message.npc
            case Delta(turn=self.number, text=text) if not self.stopped:
                self.last = time.monotonic()
                self.first = self.first or self.last
                self.text.append(text)
                self.reveal.text(text)
            case Cue(turn=self.number) if not self.stopped:
                self.cues.append(message)
                self.reveal.cue(message)
            case TurnEnd(turn=self.number):
                self.last = time.monotonic()
                self.end = message
                self.reveal.complete()
            case Error() if message.line == self.line or message.turn == self.number != 0:
                self.error = message
                self.reveal.complete()
            case _:
                pass

    def report(self) -> Report:
        """What is known of the turn, now that it is over."""
        end = self.end or TurnEnd(self.number, "refused", 0)
        problem = self.error or end
        return Report(
            npc=self.npc,
            text="".join(self.text),
            seen=self.reveal.shown if self.seen is None else self.seen,
            reason="interrupted" if self.stopped else end.reason,
            first_token_ms=(self.first - self.began) * 1000 if self.first else 0.0,
            total_ms=(self.last - self.began) * 1000 if self.last else 0.0,
            output_tokens=end.output_tokens,
            deltas=len(self.text),
            code=problem.code,
            detail=problem.detail,
            cues=tuple(self.cues),
        )
