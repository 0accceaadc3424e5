"""What a game is told while a transcript is played: the same from every client.

An event is a list, its name first:

- `online(resumed)`, `offline(comes_back)`, `going_away(reconnect_ms)`
- `opened(npc, greeting)` for each NPC; only the first one greets
- `began(npc, id, line)`, once for a turn, however often it is told
- `queued(npc, position)`
- `cue(npc, offset, kind, name, args, action)`, once for a place in a turn
- `ended(npc, id, reason, text)`, with what the player has seen
- `failed(line, code)`, `noted(line)`, `suggested(line, texts)`, `triggered(name, stage, args)`

How a client hands out the text in between is its own affair: one that begins a turn anew after a
loss, and one that leaves out what it had told, give the same events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..codes import ClosePolicy
from ..messages import (
    ClientMessage,
    Cue,
    Delta,
    Error,
    GoAway,
    Interrupt,
    Noted,
    Opened,
    Queued,
    ServerMessage,
    Suggestions,
    Trigger,
    Turn,
    TurnEnd,
    Welcome,
)

Event = list[Any]


@dataclass
class _Told:
    """A turn as the player knows it."""

    npc: str
    id: str
    text: str = ""
    seen: int | None = None
    cues: list[Event] = field(default_factory=list)


class Witness:
    """Gives the events of each step."""

    def __init__(self) -> None:
        self._turns: dict[int, _Told] = {}
        self._known: dict[str, _Told] = {}

    def sent(self, message: ClientMessage) -> None:
        """The game sends a message; an interrupt ends what it is told of that turn."""
        if isinstance(message, Interrupt) and message.turn in self._turns:
            self._turns[message.turn].seen = message.seen

    def disconnected(self, policy: ClosePolicy) -> list[Event]:
        """The socket is gone."""
        return [["offline", policy is not ClosePolicy.STOP]]

    def received(self, message: ServerMessage) -> list[Event]:
        """What a message of the server tells the game."""
        match message:
            case Welcome():
                if not message.resumed:
                    self._turns.clear()
                return [["online", message.resumed]]
            case GoAway():
                return [["going_away", message.reconnect_ms]]
            case Opened():
                greetings = [message.greeting] + [""] * len(message.npcs)
                pairs = zip(message.npcs, greetings, strict=False)
                return [["opened", npc.id, greeting] for npc, greeting in pairs]
            case Turn():
                return self._turn(message)
            case Delta():
                told = self._turns[message.turn]
                if told.seen is None:
                    told.text += message.text
                return []
            case Queued():
                told = self._turns[message.turn]
                return [["queued", told.npc, message.position]] if told.seen is None else []
            case Cue():
                return self._cue(self._turns[message.turn], message)
            case TurnEnd():
                told = self._turns.pop(message.turn)
                seen = message.length if told.seen is None else min(told.seen, message.length)
                return [["ended", told.npc, told.id, str(message.reason), told.text[:seen]]]
            case Error(line=line) if line:
                return [["failed", line, str(message.code)]]
            case Noted():
                return [["noted", message.line]]
            case Suggestions():
                return [["suggested", message.line, message.texts]]
            case Trigger():
                return [["triggered", message.name, message.stage, message.args]]
            case _:
                return []

    def _turn(self, message: Turn) -> list[Event]:
        known = self._known.get(message.id)
        told = known or _Told(message.npc, message.id)
        if told.seen is None:
            told.text = ""
        self._turns[message.turn] = self._known[message.id] = told
        return [] if known else [["began", message.npc, message.id, message.line]]

    def _cue(self, told: _Told, cue: Cue) -> list[Event]:
        place: Event = ["cue", told.npc, cue.offset, cue.kind, cue.name, cue.args, cue.action]
        if told.seen is not None or place in told.cues:
            return []
        told.cues.append(place)
        return [place]
