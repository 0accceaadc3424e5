"""The client's end of a session, without I/O: what every engine client does, in one class.

The owner of the socket, for each connection it makes:

1. offers `codec.subprotocol`, and writes `hello()` as the first frame;
2. passes every frame to `receive` and acts on the message it returns;
3. on a Welcome, writes the frames of `recover()` before anything else;
4. writes what `send` returns if `state` is attached; in any other state the connection keeps
   the message, and `recover` gives its frame out after the next welcome;
5. after each `receive`, writes `take_ack()` if it gives a frame;
6. calls `disconnected(code)` when the socket is gone, and obeys the policy: waits for
   `reconnect_delay(...)` and starts again at 1, or stops.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from msgspec import structs

from .codec import MSGPACK, Codec, DecodeError, Frame, Unknown
from .codes import CloseCode, ClosePolicy, ErrorCode, close_policy
from .connection import CLIENT_LIFECYCLE, Event, ProtocolError, State, next_state
from .messages import (
    VERSION,
    Ack,
    ClientMessage,
    Close,
    Closed,
    Content,
    ContentInfo,
    Error,
    GoAway,
    Hello,
    History,
    Inspect,
    Inspected,
    Interrupt,
    Limits,
    Load,
    Noted,
    NpcList,
    Npcs,
    Open,
    Opened,
    Ping,
    Pong,
    ReadRecording,
    RecordingList,
    Recordings,
    RecordingText,
    Request,
    Rerun,
    RerunReport,
    Resume,
    Save,
    Saved,
    ServerMessage,
    Source,
    SourceText,
    StateOk,
    Suggestions,
    Transcript,
    Turn,
    TurnEnd,
    Welcome,
)
from .messages import State as GameState

ACK_MESSAGES = 64
ACK_BYTES = 16 * 1024
"""An ack is due after so many messages or bytes, whichever comes first."""


class ClientConnection:
    """One session as the client sees it.

    `seq` counts the server's sequenced messages received, `sent` our own sequenced ones; both
    begin at 0 with the session. `lost` is true after a welcome that could not resume: turns
    and their numbers are void then, and `recover` opens the conversations again.
    """

    def __init__(
        self,
        client: str,
        token: str = "",
        locale: str = "",
        codec: Codec = MSGPACK,
        *,
        capabilities: Sequence[str] = (),
    ) -> None:
        self.codec = codec
        self.state = State.NEW
        self.session = ""
        self.epoch = ""
        self.limits: Limits | None = None
        self.seq = 0
        self.sent = 0
        self.lost = False
        self._hello = Hello(VERSION, client, token, locale, list(capabilities))
        self._opens: dict[str, Open] = {}
        self._requests: dict[tuple[str, str], Request] = {}
        self._numbers: dict[tuple[str, str], int] = {}  # of a request's first frame
        self._turns: dict[int, tuple[str, str]] = {}
        self._outbox: deque[tuple[int, ClientMessage]] = deque()
        self._awaited: list[ClientMessage] = []  # arrived, not yet answered; no lines
        self._unacked_messages = 0
        self._unacked_bytes = 0
        self._ghosts = 0

    @property
    def unanswered(self) -> list[Request]:
        """What has a line id and no answer yet (its turn's end, say, or an error), oldest first."""
        return list(self._requests.values())

    def hello(self) -> Frame:
        """The first frame of a socket. Asks to resume if there is a session."""
        self._go(Event.HELLO)
        hello = self._hello
        resume = Resume(self.session, self.epoch, self.seq) if self.session else None
        return self.codec.encode(
            Hello(
                hello.version, hello.client, hello.token, hello.locale, hello.capabilities, resume
            )
        )

    def send(self, message: ClientMessage) -> Frame:
        """Number and keep a message; write the frame if `state` is attached."""
        self._go(Event.SEND)
        return self._send(message)

    def receive(self, frame: Frame) -> ServerMessage | None:
        """What the server sent, counted. None for a type of a later version, to be ignored.

        Raises DecodeError for a frame to be skipped (it is counted), ProtocolError for one
        after which the socket is to be closed.
        """
        try:
            message = self.codec.decode_server(frame, max_bytes=2**63)
        except DecodeError as error:
            if error.sequenced and self.state is State.ATTACHED:
                self._count(frame)
            raise
        if self.state is State.GREETING:
            if isinstance(message, Welcome):
                self._welcomed(message)
            elif not isinstance(message, Error):
                raise _protocol_error(f"expected welcome first, got {type(message).__name__}")
            return message
        self._go(Event.RECEIVE)
        if isinstance(message, Unknown):
            if message.sequenced:
                self._count(frame)
            return None
        if isinstance(message, Welcome):
            raise _protocol_error("a second welcome on one socket")
        if not isinstance(message, GoAway | Pong):
            self._count(frame)
            self._note(message)
        return message

    def recover(self, snapshots: Iterable[GameState] = ()) -> list[Frame]:
        """The frames to write after a welcome, in order.

        After a resume (and at the first welcome): our messages that have not reached the server.
        After a loss: an open for each conversation, then loads and saves that had no answer,
        `snapshots` (a State message for each conversation that has one), and each unanswered
        line under its old id, so that no line is answered twice.
        """
        self._go(Event.RECOVER)
        if not self.lost:
            return [self.codec.encode(message) for _, message in self._outbox]
        self.lost = False
        kept = [*self._awaited, *(message for _, message in self._outbox)]
        moves = [message for message in kept if isinstance(message, Load | Save)]
        self._awaited.clear()
        self._outbox.clear()
        self._numbers.clear()
        self.sent = 0
        messages: list[ClientMessage] = [
            *self._opens.values(),
            *moves,
            *snapshots,
            *self._requests.values(),
        ]
        return [self._send(message) for message in messages]

    def take_ack(self) -> Frame | None:
        """An ack if one is due, to be written now."""
        if self._unacked_messages < ACK_MESSAGES and self._unacked_bytes < ACK_BYTES:
            return None
        self._unacked_messages = self._unacked_bytes = 0
        return self.codec.encode(Ack(self.seq))

    def disconnected(self, close_code: int) -> ClosePolicy:
        """The socket is gone (1006 where it just broke). What to do now."""
        if self.state is State.GREETING and self.session:
            self._ghosts += 1
        self._go(Event.DETACH)
        policy = close_policy(close_code)
        if close_code == CloseCode.REPLACED and self._ghosts:
            # A hello of our own, given up before its welcome, came late and took the session.
            self._ghosts -= 1
            policy = ClosePolicy.RESUME
        if policy is ClosePolicy.STOP:
            self.end()
        elif policy is ClosePolicy.RECONNECT:
            self._lose()
        return policy

    def end(self) -> None:
        """Give the session up; idempotent. Close the socket with 1000."""
        self._go(Event.END)

    def _send(self, message: ClientMessage) -> Frame:
        match message:
            case Ack() | Ping() | Hello():
                return self.codec.encode(message)
            case Open():
                self._opens[message.conversation] = message
            case Close():
                self._opens.pop(message.conversation, None)
                for key in [key for key in self._requests if key[0] == message.conversation]:
                    del self._requests[key]
            case _ if isinstance(message, Request):
                self._requests[message.conversation, message.line] = message
                self._numbers.setdefault((message.conversation, message.line), self.sent + 1)
            case _:
                pass
        self.sent += 1
        self._outbox.append((self.sent, message))
        return self.codec.encode(message)

    def _welcomed(self, welcome: Welcome) -> None:
        if not 1 <= welcome.version <= VERSION:
            raise _protocol_error(f"welcome.version: {welcome.version} is not spoken here")
        if welcome.resumed:
            if (welcome.session, welcome.seq) != (self.session, self.seq):
                raise _protocol_error("welcome: resumed another position than we asked for")
            self._arrived(welcome.received)
        elif self.session:
            self._lose()
        self._go(Event.WELCOME)
        self.session = welcome.session
        self.epoch = welcome.epoch
        self.seq = welcome.seq
        self.limits = welcome.limits
        self._unacked_messages = self._unacked_bytes = 0

    def _lose(self) -> None:
        self.lost = bool(self.session) or self.lost
        self.session = ""
        self._ghosts = 0  # they know the old session only
        self._turns.clear()

    def _count(self, frame: Frame) -> None:
        self.seq += 1
        self._unacked_messages += 1
        self._unacked_bytes += len(frame)

    def _note(self, message: ServerMessage) -> None:
        """What the message answers is no longer waited for."""
        match message:
            case Turn(line=line) if line:
                key = (message.conversation, line)
                self._turns[message.turn] = key
                self._arrived(self._numbers.get(key, 0))
            case TurnEnd():
                self._answered(self._turns.pop(message.turn, ("", "")))
            case Error(line=line) | Noted(line=line) | Suggestions(line=line) if line:
                key = (message.conversation, line)
                self._arrived(self._numbers.get(key, 0))
                self._answered(key)
            case Error(conversation=name) if name and not message.turn:
                # Requests of one conversation, lines aside, are answered in their order.
                failed = self._settle(
                    lambda m: (
                        isinstance(m, Open | GameState | Close | Load | Save | History | Inspect)
                        and m.conversation == name
                    )
                )
                if isinstance(failed, Open) and failed is self._opens.get(name):
                    del self._opens[name]
            case Opened(conversation=name):
                opened = self._settle(
                    lambda m: isinstance(m, Open | Load) and m.conversation == name
                )
                newest = self._opens.get(name)
                if isinstance(opened, Open) and opened.checkpoint and opened is newest:
                    # Opened again after a loss, the talk goes on where it is by then.
                    self._opens[name] = structs.replace(opened, checkpoint="")
            case Saved(conversation=name):
                self._settle(lambda m: isinstance(m, Save) and m.conversation == name)
            case Transcript(conversation=name):
                self._settle(lambda m: isinstance(m, History) and m.conversation == name)
            case Inspected(conversation=name):
                self._settle(lambda m: isinstance(m, Inspect) and m.conversation == name)
            case NpcList():
                self._settle(lambda m: isinstance(m, Npcs))
            case ContentInfo():
                self._settle(lambda m: isinstance(m, Content))
            case SourceText():
                self._settle(lambda m: isinstance(m, Source))
            case RecordingList():
                self._settle(lambda m: isinstance(m, Recordings))
            case RecordingText():
                self._settle(lambda m: isinstance(m, ReadRecording))
            case RerunReport():
                self._settle(lambda m: isinstance(m, Rerun))
            case StateOk(conversation=name):
                self._settle(lambda m: isinstance(m, GameState) and m.conversation == name)
            case Closed(conversation=name):
                self._settle(lambda m: isinstance(m, Close) and m.conversation == name)
                for key in self._numbers.keys() - self._requests.keys():
                    del self._numbers[key]
            case _:
                pass

    def _settle(self, answered: Callable[[ClientMessage], bool]) -> ClientMessage | None:
        """The oldest message of that kind was answered: it and all before it have arrived."""
        for number, message in self._outbox:
            if answered(message) and not any(map(answered, self._awaited)):
                self._arrived(number)
                break
        found = next(filter(answered, self._awaited), None)
        if found is not None:
            self._awaited.remove(found)
        return found

    def _arrived(self, number: int) -> None:
        """The message of that number has arrived, and all before it. Of a line that was sent
        again, an answer proves it of the first."""
        while self._outbox and self._outbox[0][0] <= number:
            _, message = self._outbox.popleft()
            if not isinstance(message, Interrupt) and not isinstance(message, Request):
                self._awaited.append(message)

    def _answered(self, key: tuple[str, str]) -> None:
        self._requests.pop(key, None)
        self._numbers.pop(key, None)

    def _go(self, event: Event) -> None:
        self.state = next_state(CLIENT_LIFECYCLE, self.state, event)


def reconnect_delay(attempt: int, random: float, base: float = 0.5, longest: float = 30.0) -> float:
    """Seconds to wait before attempt 0, 1, 2 ...: exponential with full jitter.

    `random` is drawn from [0, 1): many clients that lost the same server spread over the whole
    interval instead of coming back at once.
    """
    return random * min(longest, base * 2.0 ** min(attempt, 32))


def _protocol_error(detail: str) -> ProtocolError:
    return ProtocolError(CloseCode.PROTOCOL_ERROR, ErrorCode.BAD_MESSAGE, detail)
