"""A player who talks through a bad network, obeys the spec, and keeps what was seen."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from dialogue_protocol.client_connection import ClientConnection, reconnect_delay
from dialogue_protocol.codec import JSON, MSGPACK, Frame
from dialogue_protocol.codes import ClosePolicy
from dialogue_protocol.connection import State
from dialogue_protocol.messages import (
    ClientMessage,
    Cue,
    Delta,
    Error,
    Interrupt,
    Load,
    Open,
    Opened,
    Ping,
    Player,
    Regenerate,
    Save,
    Saved,
    Say,
    ServerMessage,
    Turn,
    TurnEnd,
    Welcome,
)
from dialogue_protocol.messages import State as GameState

from dialogue_server.server.client_socket import ClientSocket, ConnectError

QUIET = 1.5
"""Seconds of silence after which a player who waits doubts the connection."""
UNKEPT = ("store_failed", "unknown_conversation")
"""The codes of a turn_end whose answer may be lost: repeated under its id, the line has the same
answer, or is answered anew."""


@dataclass
class Line:
    """One line, and the turn that answered it. `seen` is set if it was interrupted."""

    marker: str
    turn: str = ""
    text: str = ""
    cues: list[Cue] = field(default_factory=list)
    end: TurnEnd | None = None
    ends: int = 0
    seen: int | None = None
    error: Error | None = None
    repeated: int = 0

    @property
    def shown(self) -> str:
        assert self.end is not None
        return self.text[: self.end.length]


class ChaosPlayer:
    """One conversation of `turns` lines. `path` is the branch in force, as the game knows it."""

    def __init__(self, number: int, port: Callable[[], int], turns: int, seed: int) -> None:
        self.number = number
        self.lines: dict[str, Line] = {}
        self.path: list[Line] = []
        self.sockets = self.losses = self.resumes = 0
        self._dice = random.Random(seed * 100_003 + number)
        self._port = port
        self._turns = turns
        self._revision = 0
        self._connection = ClientConnection(
            f"chaos {number}", codec=self._dice.choice((MSGPACK, MSGPACK, JSON))
        )
        self._current: dict[int, Line] = {}
        self._socket: ClientSocket | None = None
        self._news = asyncio.Event()
        self._saved = ""
        self._state: dict[str, object] = {}
        self._refused: Error | None = None
        self.seen: deque[str] = deque(maxlen=30)
        """What was sent and received last, for whoever wonders."""
        self._open = Open("c", ["mira"], self.player)

    @property
    def player(self) -> Player:
        return Player(f"p{self.number}", "Ann")

    async def play(self) -> None:
        """Talk to the end. Raises AssertionError where a promise is broken."""
        link = asyncio.create_task(self._link())
        talk = asyncio.create_task(self._talk())
        try:
            await asyncio.wait((link, talk), return_when=asyncio.FIRST_COMPLETED)
            if link.done():
                await link
                raise AssertionError(f"player {self.number} was told to stop")
            await talk
        finally:
            for task in (link, talk):
                task.cancel()
            await asyncio.gather(link, talk, return_exceptions=True)
            if self._socket is not None:
                self._socket.abort()

    # ------------------------------------------------ the game

    async def _talk(self) -> None:
        dice = self._dice
        await self._request(self._open)
        saved: list[Line] | None = None
        for turn in range(self._turns):
            line = await self._ask(f"#{self.number}-{turn}#")
            self.path.append(line)
            act = dice.choice(("", "", "state", "again", "save", "load", "repeat"))
            if act == "state":
                self._revision += 1
                self._state = {"turn": turn}
                await self._send(GameState("c", self._revision, snapshot=self._state))
            elif act == "again":
                again = self._line(f"r{self.number}-{turn}", line.marker)
                await self._answered(again, Regenerate("c", line.turn, f"r{self.number}-{turn}"))
                self.path[-1] = again
            elif act == "save":
                await self._request(Save("c"))
                saved = list(self.path)
            elif act == "load" and saved is not None:
                await self._request(Load("c", self._saved))
                self.path = list(saved)
            elif act == "repeat":
                await self._repeat(line)
        await self._settled()

    async def _ask(self, marker: str) -> Line:
        line = self._line(marker, marker)
        say = Say("c", marker, f"What of {marker}?")
        if self._dice.random() < 0.2:  # in doubt, twice
            await self._send(say)
        if self._dice.random() < 0.25:
            line.seen = self._dice.randrange(0, 60)
        await self._answered(line, say)
        return line

    async def _answered(self, line: Line, message: Say | Regenerate) -> None:
        await self._send(message)
        while True:
            await self._until(lambda: line.end is not None or line.error is not None)
            if line.error is not None:
                error, line.error = line.error, None
            elif line.end is not None and line.end.code in UNKEPT:
                error = Error(line.end.code, line.end.detail, retryable=True)
                line.end, line.text, line.cues, line.turn = None, "", [], ""
            else:
                return
            await self._forgive(error)
            await self._send(message)

    async def _request(self, message: Open | Save | Load) -> None:
        """Ask until it is done."""
        while True:
            self._refused = None
            await self._send(message)
            await self._settled()
            if self._refused is None:
                return
            await self._forgive(self._refused, opens=isinstance(message, Open))

    async def _forgive(self, error: Error, *, opens: bool = False) -> None:
        """Wait before asking again, as the error says. A conversation that could not be opened
        again after a loss is opened now."""
        if error.code == "unknown_conversation" and not opens:
            await self._request(self._open)
            return
        assert error.retryable, f"player {self.number}: {error}"
        await asyncio.sleep(max(0.05, error.retry_after_ms / 1000))

    async def _repeat(self, line: Line) -> None:
        """A line of long ago once more: the same turn comes again."""
        before = line.ends
        key = next(key for key, known in self.lines.items() if known is line)
        await self._send(Say("c", key, f"What of {line.marker}?"))
        await self._until(lambda: line.ends > before or line.error is not None)

    def _line(self, key: str, marker: str) -> Line:
        return self.lines.setdefault(key, Line(marker))

    async def _send(self, message: ClientMessage) -> None:
        self.seen.append(f"sent {message}")
        frame = self._connection.send(message)
        if self._connection.state is State.ATTACHED and self._socket is not None:
            await self._socket.send(frame)

    async def _settled(self) -> None:
        """Wait until everything sent has had its answer."""
        connection = self._connection
        await self._until(
            lambda: (
                all(self._needs_none(message) for _, message in connection._outbox)
                and not connection._awaited
            )
        )

    def _needs_none(self, message: ClientMessage) -> bool:
        """An interrupt after the turn's end, or a line repeated while it was being answered."""
        if isinstance(message, Say | Regenerate):
            return self.lines[message.line].end is not None
        return isinstance(message, Interrupt)

    async def _until(self, done: Callable[[], bool]) -> None:
        while not done():
            self._news.clear()
            await self._news.wait()

    # ------------------------------------------------ the link

    async def _link(self) -> None:
        attempt = 0
        while True:
            try:
                self._socket = await ClientSocket.connect(
                    f"ws://127.0.0.1:{self._port()}", self._connection.codec, timeout=3
                )
            except ConnectError:
                attempt += 1
                await self._pause(attempt)
                continue
            self.sockets += 1
            if await self._serve(self._socket):
                attempt = 0
            code = self._socket.close_code
            self.seen.append(f"closed {code}")
            self._socket.abort()
            self._socket = None
            if self._connection.disconnected(code) is ClosePolicy.STOP:
                raise AssertionError(f"player {self.number} was told to stop: {code}")
            attempt += 1
            await self._pause(attempt)

    async def _pause(self, attempt: int) -> None:
        await asyncio.sleep(reconnect_delay(attempt, self._dice.random(), 0.02, 0.5))

    async def _serve(self, socket: ClientSocket) -> bool:
        await socket.send(self._connection.hello())
        frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        reading = asyncio.create_task(self._read(socket, frames))
        try:
            return await self._obey(socket, frames)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, socket: ClientSocket, frames: asyncio.Queue[Frame | None]) -> None:
        async for frame in socket:
            frames.put_nowait(frame)
        frames.put_nowait(None)

    async def _obey(self, socket: ClientSocket, frames: asyncio.Queue[Frame | None]) -> bool:
        """Act on what comes, until the socket is gone; whether it got as far as a welcome."""
        welcomed, doubts = False, 0
        while True:
            try:
                async with asyncio.timeout(QUIET):
                    frame = await frames.get()
            except TimeoutError:
                doubts += 1
                if doubts > 1 or not welcomed:
                    return welcomed
                await socket.send(self._connection.send(Ping(1)))
                continue
            doubts = 0
            if frame is None:
                return welcomed
            message = self._connection.receive(frame)
            self.seen.append(f"received {message}")
            if isinstance(message, Welcome):
                welcomed = True
                await self._recover(socket, message)
            elif message is not None:
                self._take(message)
                if (ack := self._connection.take_ack()) is not None:
                    await socket.send(ack)
                if isinstance(message, Delta):
                    await self._interrupt(message)
            self._news.set()

    async def _recover(self, socket: ClientSocket, welcome: Welcome) -> None:
        states = []
        if welcome.resumed:
            self.resumes += 1
        elif self._connection.lost:
            self.losses += 1
            self._current.clear()
            for line in self.lines.values():
                if line.end is None:
                    line.text, line.cues, line.turn = "", [], ""
            if self._revision:
                states = [GameState("c", self._revision, snapshot=self._state)]
        for frame in self._connection.recover(states):
            await socket.send(frame)

    async def _interrupt(self, delta: Delta) -> None:
        line = self._current.get(delta.turn)
        if line is None or line.seen is None or line.repeated or len(line.text) < line.seen:
            return
        line.repeated = 1
        await self._send(Interrupt(delta.turn, line.seen))

    def _take(self, message: ServerMessage) -> None:
        match message:
            case Turn():
                self._begin(message)
            case Delta():
                line = self._current[message.turn]
                line.text += message.text
            case Cue(kind="mood" | "pause" | "action"):
                line = self._current[message.turn]
                assert message.offset >= len(line.text)
                line.cues.append(message)
            case TurnEnd():
                line = self._current.pop(message.turn)
                self._finish(line, message)
            case Error(line=key) if key:
                self.lines[key].error = message
            case Error(turn=turn) if turn:  # an interrupt came too late, or could not be kept
                known = ("unknown_turn", "store_failed", "unknown_conversation")
                assert message.code in known, f"player {self.number}: {message}"
            case Error():
                self._refused = message
            case Saved():
                self._saved = message.checkpoint
            case Opened():
                pass
            case _:
                pass

    def _begin(self, turn: Turn) -> None:
        line = self.lines[turn.line]
        if line.end is not None:  # asked for again: it must be the very same
            assert turn.id == line.turn, f"{turn.line}: a second turn"
            line = Line(line.marker, turn.id, end=line.end, ends=line.ends, seen=line.seen)
            line.error = None
            self._current[turn.turn] = line
            return
        assert not line.text, f"{turn.line}: its turn began twice in one session"
        line.turn = turn.id
        self._current[turn.turn] = line

    def _finish(self, line: Line, end: TurnEnd) -> None:
        known = next(known for known in self.lines.values() if known.turn == line.turn)
        if known is not line:  # a repetition
            whole = known.shown if known.seen is None else known.shown[: end.length]
            assert line.text == whole, f"{known.marker}: repeated as {line.text!r}, was {whole!r}"
            known.ends += 1
            return
        line.end = end
        line.ends += 1
        assert len(line.text) >= end.length
