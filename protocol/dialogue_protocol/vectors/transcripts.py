"""Whole sessions, frame by frame, played by this package's two ends against each other.

A client under test plays a transcript step by step:

- `connect`: a socket has opened (the client writes its hello next)
- `send`: the game sends this message
- `client`: the client must write exactly this frame now; `lost` if it will never arrive
- `server`: the server writes this frame; the client receives it unless it is `lost`. `seq` is
  its sequence number, where it has one
- `disconnect`: the socket is gone with that code; the client must come to that `policy`

`events` is what the game is told in a step (events.py).
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..client_connection import ClientConnection
from ..codec import JSON, MSGPACK, Frame
from ..codes import EndReason, ErrorCode
from ..connection import ServerConnection, State
from ..messages import (
    ActionResult,
    Advance,
    ClientMessage,
    Close,
    Closed,
    Cue,
    Delta,
    Error,
    GoAway,
    Hello,
    Interrupt,
    Limits,
    Noted,
    NpcInfo,
    Open,
    Opened,
    Ping,
    Player,
    Pong,
    Queued,
    Say,
    Script,
    ServerMessage,
    StateOk,
    Suggest,
    Suggestions,
    Trigger,
    Turn,
    TurnEnd,
)
from ..messages import Event as WorldEvent
from ..messages import State as GameState
from ..wire_types import CLIENT_SIDE
from .events import Event, Witness

_LIMITS = Limits(262144, 2000, 65536, 16, 16)


class Recorder:
    """Two ends and the steps between them."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self.client = ClientConnection("vectors", "secret", "en")
        self._witness = Witness()
        self._sessions = 0
        self._begin()

    def _begin(self) -> None:
        self._sessions += 1
        self.server = ServerConnection(
            f"s{self._sessions}",
            "e1",
            _LIMITS,
            MSGPACK,
            buffer_bytes=65536,
            server="dialogue-server",
        )

    def connect(self) -> None:
        """A socket opens, the client says hello, the server welcomes or resumes."""
        self.steps.append({"step": "connect"})
        hello = MSGPACK.decode_client(self._client(self.client.hello()))
        assert isinstance(hello, Hello)
        known = hello.resume is not None and hello.resume.session == self.server.session
        frames = self.server.resume(hello.resume, MSGPACK) if known and hello.resume else None
        first, *missed = frames or [self.server.welcome()]
        self._deliver(first)
        for frame in self.client.recover():
            self._client(frame)
            self.server.receive(frame)
        seq = self.client.seq
        for frame in missed:
            seq += 1
            self._deliver(frame, seq=seq)

    def say(self, message: ClientMessage, *, lost: bool = False) -> None:
        """The game sends a message; it is written if there is a socket."""
        self.steps.append({"step": "send", "message": _builtins(message)})
        self._witness.sent(message)
        frame = self.client.send(message)
        if self.client.state is State.ATTACHED:
            self._client(frame, lost=lost)
            if not lost:
                self.server.receive(frame)

    def answer(self, *messages: ServerMessage, lost: bool = False) -> None:
        """The server sends; nothing is written while there is no socket."""
        for message in messages:
            before = self.server.seq
            frame = self.server.send(message)
            if self.server.state is State.ATTACHED:
                seq = self.server.seq if self.server.seq > before else None
                self._deliver(frame, seq=seq, lost=lost)

    def drop(self, code: int, *, forgotten: bool = False) -> None:
        """The socket is gone; with `forgotten` the server then gives the session up."""
        policy = self.client.disconnected(code)
        self.server.detach()
        step = {"step": "disconnect", "code": code, "policy": str(policy)}
        self.steps.append(_with(step, self._witness.disconnected(policy)))
        if forgotten:
            self.server.end()
            self._begin()

    def _client(self, frame: Frame, *, lost: bool = False) -> Frame:
        message = MSGPACK.decode_client(frame)
        self.steps.append(_frame("client", frame, JSON.encode(message), lost=lost))  # type: ignore[arg-type]
        return frame

    def _deliver(self, frame: Frame, *, seq: int | None = None, lost: bool = False) -> None:
        message = MSGPACK.decode_server(frame)
        step = _frame("server", frame, JSON.encode(message), lost=lost)  # type: ignore[arg-type]
        step = step if seq is None else {**step, "seq": seq}
        received = None if lost else self.client.receive(frame)
        events = [] if received is None else self._witness.received(received)
        self.steps.append(_with(step, events))
        if not lost:
            ack = self.client.take_ack()
            if ack is not None:
                self._client(ack)
                self.server.receive(ack)


def _with(step: dict[str, Any], events: list[Event]) -> dict[str, Any]:
    return {**step, "events": events} if events else step


def _frame(sender: str, frame: Frame, text: Frame, *, lost: bool) -> dict[str, Any]:
    assert isinstance(frame, bytes)
    step = {"step": sender, "msgpack": frame.hex(), "json": text}
    return {**step, "lost": True} if lost else step


def _builtins(message: ClientMessage) -> Any:
    kind = CLIENT_SIDE.by_message[type(message)]
    return msgspec.to_builtins(kind.twin(*msgspec.structs.astuple(message)))


_PLAYER = Player("p1", "Ada", "A smith.")
_OPEN = Open("c1", ["mira"], _PLAYER)
_OPENED = Opened("c1", [NpcInfo("mira", "Mira", "calm", ["calm", "angry"], ["wave"])], "Well met.")


def one_turn() -> Recorder:
    """Hello, open, state, a line and its turn, ping, close, goodbye."""
    play = Recorder()
    play.connect()
    play.say(_OPEN)
    play.answer(_OPENED)
    play.say(GameState("c1", 1, {"weather": "rain"}))
    play.answer(StateOk("c1", 1))
    play.say(Say("c1", "l1", "Do you like the rain?", "mira"))
    play.answer(
        Turn(1, "t-1", "c1", "mira", "l1"),
        Cue(1, 0, "mood", "calm"),
        Delta(1, "Rain? "),
        Cue(1, 6, "pause", "", {"ms": 300}),
        Delta(1, "Only when the fire is lit. \U0001f525"),
        Cue(1, 34, "action", "wave"),
        TurnEnd(1, EndReason.COMPLETE, 34, 310, 900, 512, 14, 480),
    )
    play.say(Ping(7))
    play.answer(Pong(7))
    play.say(Close("c1"))
    play.answer(Closed("c1"))
    play.drop(1000)
    return play


def refused_and_interrupted() -> Recorder:
    """A line is refused, another is interrupted, the server asks to reconnect."""
    play = Recorder()
    play.connect()
    play.say(_OPEN)
    play.answer(_OPENED)
    play.say(Say("c1", "l1", " "))
    play.answer(Error(ErrorCode.EMPTY_LINE, "say.text: has only spaces.", "c1", "l1"))
    play.say(Say("c1", "l2", "Tell me everything."))
    play.answer(Turn(1, "t-1", "c1", "mira", "l2"), Delta(1, "It began "), Delta(1, "in winter"))
    play.say(Interrupt(1, 9))
    play.answer(TurnEnd(1, EndReason.INTERRUPTED, 9))
    play.answer(GoAway(1500, "The server restarts."))
    play.drop(4000)
    play.connect()
    return play


def drop_and_resume() -> Recorder:
    """A drop in mid-turn: frames are lost both ways, and both ends make up for it."""
    play = Recorder()
    play.connect()
    play.say(_OPEN)
    play.answer(_OPENED)
    play.say(Say("c1", "l1", "Who are you?"))
    play.answer(Turn(1, "t-1", "c1", "mira", "l1"), Delta(1, "I am "))
    play.answer(Delta(1, "Mira, "), Cue(1, 11, "mood", "angry"), lost=True)
    play.say(Interrupt(1, 5), lost=True)
    play.drop(1006)
    play.answer(Delta(1, "the smith."))
    play.say(GameState("c1", 1, {"night": True}))
    play.connect()
    play.answer(TurnEnd(1, EndReason.INTERRUPTED, 5), StateOk("c1", 1))
    return play


def lost_session() -> Recorder:
    """The session is gone when the client returns: it opens again and repeats its line."""
    play = Recorder()
    play.connect()
    play.say(_OPEN)
    play.answer(_OPENED)
    play.say(Say("c1", "l1", "Who are you?"))
    play.answer(Turn(1, "t-1", "c1", "mira", "l1"), Delta(1, "I am "))
    play.drop(1006, forgotten=True)
    play.connect()
    play.answer(
        Opened("c1", _OPENED.npcs, "", 1),
        Turn(1, "t-1", "c1", "mira", "l1"),
        Delta(1, "I am Mira."),
        TurnEnd(1, EndReason.COMPLETE, 10),
    )
    return play


def many_deltas() -> Recorder:
    """The client acks after 64 sequenced messages; a close code may forbid to resume."""
    play = Recorder()
    play.connect()
    play.say(_OPEN)
    play.answer(_OPENED)
    play.say(Say("c1", "l1", "Count."))
    play.answer(Turn(1, "t-1", "c1", "mira", "l1"))
    play.answer(*(Delta(1, f"{number} ") for number in range(70)))
    play.answer(TurnEnd(1, EndReason.LENGTH, 200))
    play.drop(4100, forgotten=True)
    play.connect()
    return play


def lost_in_an_interrupt() -> Recorder:
    """The session is lost after the player has cut in: what was seen stays all that was said."""
    play = Recorder()
    play.connect()
    play.say(_OPEN)
    play.answer(_OPENED)
    play.say(Say("c1", "l1", "Who are you?"))
    play.answer(Turn(1, "t-1", "c1", "mira", "l1"), Delta(1, "I am Mira, "))
    play.say(Interrupt(1, 5))
    play.drop(1006, forgotten=True)
    play.connect()
    play.answer(
        Opened("c1", _OPENED.npcs, "", 1),
        Turn(1, "t-1", "c1", "mira", "l1"),
        Delta(1, "I am Mira, the smith."),
    )
    play.say(Interrupt(1, 5))
    play.answer(TurnEnd(1, EndReason.INTERRUPTED, 5))
    return play


def more_than_lines() -> Recorder:
    """Two NPCs, and all that a game can ask besides a line; a drop repeats what had no answer."""
    play = Recorder()
    play.connect()
    play.say(Open("c1", ["mira", "odo"], _PLAYER, "The forge."))
    odo = NpcInfo("odo", "Odo", "sad", ["sad"], ["give"], 40)
    play.answer(Opened("c1", [*_OPENED.npcs, odo], "Well met."))
    play.say(WorldEvent("c1", "l1", "A gull flies in.", "may", "", "gull", {"count": 1}))
    play.answer(Noted("c1", "l1"), Trigger("c1", "gull_seen", "upset", {"gulls": 1}))
    play.say(Script("c1", "l2", "[mood: angry] Out!", "mira"))
    play.answer(
        Turn(1, "t-1", "c1", "mira", "l2"),
        Cue(1, 0, "mood", "angry", {"intensity": 70}),
        Delta(1, "Out!"),
        TurnEnd(1, EndReason.COMPLETE, 4),
    )
    play.say(Script("c1", "l3", "I am going."))
    play.answer(Noted("c1", "l3"))
    play.say(Advance("c1", "l4", "odo"))
    play.answer(
        Turn(2, "t-2", "c1", "odo", "l4"),
        Queued(2, 12),
        Queued(2, 1),
        Delta(2, "Take this."),
        Cue(2, 10, "action", "give", {"item": "feather"}, 1),
        TurnEnd(2, EndReason.COMPLETE, 10),
    )
    play.say(ActionResult("c1", "l5", "t-2", 1, False, "The bag is full."), lost=True)
    play.say(Suggest("c1", "l6", 2), lost=True)
    play.drop(1006)
    play.connect()
    play.answer(
        Turn(3, "t-3", "c1", "odo", "l5"),
        Suggestions("c1", "l6", ["Keep it.", "What bag?"]),
        Delta(3, "A pity."),
        TurnEnd(3, EndReason.COMPLETE, 7),
    )
    play.say(Say("c1", "l7", "Who is that?", "nobody"))
    play.answer(Error(ErrorCode.UNKNOWN_NPC, "say.to: there is no nobody.", "c1", "l7"))
    return play


TRANSCRIPTS = (
    one_turn,
    refused_and_interrupted,
    drop_and_resume,
    lost_session,
    many_deltas,
    lost_in_an_interrupt,
    more_than_lines,
)
