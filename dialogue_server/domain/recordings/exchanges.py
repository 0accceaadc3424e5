"""A recording as exchanges: what the client asked for, and all that answered it, with delays.

The wire answers requests that have a `line` by that line, whenever it is ready; all others of a
conversation in their order (spec.md, "Exactly once").
"""

from __future__ import annotations

import json

from dialogue_protocol.messages import (
    Ack,
    ActionResult,
    Advance,
    ClientMessage,
    Close,
    Closed,
    Content,
    ContentInfo,
    Cue,
    Delta,
    Error,
    Event,
    GoAway,
    Hello,
    History,
    Inspect,
    Inspected,
    Interrupt,
    Load,
    Noted,
    NpcList,
    Npcs,
    Open,
    Opened,
    Ping,
    Pong,
    Queued,
    ReadRecording,
    RecordingList,
    Recordings,
    RecordingText,
    Regenerate,
    Request,
    Rerun,
    RerunReport,
    Save,
    Saved,
    Say,
    Script,
    ServerMessage,
    Source,
    SourceText,
    State,
    StateOk,
    Suggestions,
    Transcript,
    Trigger,
    Turn,
    TurnEnd,
    Welcome,
)
from msgspec import Struct, field

from .recording import Recording

Timed = tuple[float, ServerMessage]
"""A message and its delay: milliseconds from the request."""

ANSWERED_BY: dict[type, tuple[type, ...]] = {
    Opened: (Open, Load),
    StateOk: (State,),
    Saved: (Save,),
    Closed: (Close,),
    Transcript: (History,),
    Inspected: (Inspect,),
    NpcList: (Npcs,),
    ContentInfo: (Content,),
    SourceText: (Source,),
    RecordingList: (Recordings,),
    RecordingText: (ReadRecording,),
    RerunReport: (Rerun,),
}
"""Which requests an answer may be of, where it names none."""


class Exchange(Struct):
    """A request, `at` milliseconds after the session began, and its answers."""

    at: float
    request: ClientMessage
    answers: list[Timed] = field(default_factory=list)

    @property
    def conversation(self) -> str:
        """Which it belongs to; "" for none."""
        return conversation_of(self.request)


def conversation_of(message: ClientMessage | ServerMessage) -> str:
    """The conversation that a message names; "" for none."""
    return str(getattr(message, "conversation", ""))


def exchanges(recording: Recording) -> tuple[Exchange, ...]:
    """The requests in their order. What the client interrupts is no exchange of its own: the
    turn that it ended shows it. What came unasked belongs to the turn, else the request, before
    it in its conversation."""
    found: list[Exchange] = []
    turns: dict[int, Exchange] = {}
    newest: dict[str, Exchange] = {}
    for entry in recording.entries:
        what = entry.what
        if entry.client:
            if not isinstance(what, Hello | Ack | Ping | Interrupt):
                exchange = Exchange(entry.at, what)  # type: ignore[arg-type]
                found.append(exchange)
                newest[exchange.conversation] = exchange
            continue
        owner: Exchange | None = None
        match what:
            case Turn():
                owner = turns[what.turn] = _of_line(found, what.conversation, what.line)
                newest[what.conversation] = owner
            case Delta() | Cue() | TurnEnd() | Queued():
                owner = turns.get(what.turn)
            case Noted() | Suggestions():
                owner = _of_line(found, what.conversation, what.line)
            case Error(line=line) if line:
                owner = _of_line(found, what.conversation, line)
            case Error(turn=turn) if turn in turns:
                owner = turns[turn]
            case Error():
                owner = _first_open(found, what.conversation, None)
            case Trigger():
                owner = newest.get(what.conversation)
            case Welcome() | Pong() | GoAway():
                pass
            case _ if type(what) in ANSWERED_BY:
                name = conversation_of(what)  # type: ignore[arg-type]
                owner = _first_open(found, name, ANSWERED_BY[type(what)])
            case _:
                pass  # what the model was asked and said
        if owner is not None:
            owner.answers.append((entry.at - owner.at, what))  # type: ignore[arg-type]
    return tuple(found)


def _of_line(found: list[Exchange], conversation: str, line: str) -> Exchange:
    for exchange in reversed(found):
        request = exchange.request
        if isinstance(request, Request) and (request.conversation, request.line) == (
            conversation,
            line,
        ):
            return exchange
    return Exchange(0.0, Ping())  # its request is in no file: kept nowhere


def _first_open(
    found: list[Exchange], conversation: str, kinds: tuple[type, ...] | None
) -> Exchange | None:
    """The oldest request that waits for an answer of its own."""
    for exchange in found:
        waits = not exchange.answers and not isinstance(exchange.request, Request)
        fits = kinds is None or isinstance(exchange.request, kinds)
        if waits and fits and exchange.conversation == conversation:
            return exchange
    return None


def asked_line(request: ClientMessage) -> str:
    """A request as a line; "" for what is nothing to see."""
    match request:
        case Open():
            where = f" ({request.scene})" if request.scene else ""
            return f"~ {request.player.name} meets {', '.join(request.npcs)}{where}"
        case Say():
            return f"> {request.text}" + (f"  (to {request.to})" if request.to else "")
        case State():
            value = request.patch if request.snapshot is None else request.snapshot
            return f"~ state {json.dumps(value, ensure_ascii=False)}"
        case Event():
            return f"~ event {request.text}"
        case Script():
            return f"~ script {request.npc or 'player'}: {request.text}"
        case Advance():
            return "~ advance"
        case ActionResult():
            return f"~ action {'done' if request.accepted else 'refused'} {request.text}".rstrip()
        case Regenerate():
            return "~ regenerate"
        case Save():
            return "~ save"
        case Load():
            return "~ load"
        case _:
            return ""
