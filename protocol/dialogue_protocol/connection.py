"""The lifecycle of a session as tables, and the server's end of it, without I/O.

A session outlives its sockets. The server numbers what it sends, keeps it until the client
has it, and hands it out again when the client comes back (spec.md, "Sessions"). The client's
end is client_connection.py. Whoever owns the socket:

1. decodes the first frame and passes it to `check_hello`; on HandshakeError sends an `error`
   and closes with its close code;
2. makes a ServerConnection and writes `welcome()`, or writes what `resume(...)` returns;
3. passes every later frame to `receive`, and answers a DecodeError with an `error` message;
4. for each message to the client calls `send`, and writes the frame if a socket is attached;
5. calls `detach()` when the socket is gone and `end()` when the session is given up.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from .codec import Codec, DecodeError, Frame, Unknown
from .codes import CloseCode, ErrorCode
from .messages import (
    FIRST_SEQUENCED_TYPE,
    VERSION,
    Ack,
    ClientMessage,
    Hello,
    Limits,
    Ping,
    Resume,
    ServerMessage,
    Welcome,
)
from .replay_buffer import ReplayBuffer


class State(StrEnum):
    """Where one end of a session is. Not every end has every state."""

    NEW = "new"
    GREETING = "greeting"
    RECOVERING = "recovering"
    ATTACHED = "attached"
    DETACHED = "detached"
    ENDED = "ended"


class Event(StrEnum):
    """What happens to one end of a session."""

    HELLO = "hello"
    WELCOME = "welcome"
    SEND = "send"
    RECEIVE = "receive"
    DETACH = "detach"
    RESUME = "resume"
    RECOVER = "recover"
    END = "end"


Lifecycle = Mapping[State, Mapping[Event, State]]
"""What may happen in each state, and where it leads. What is not listed is misuse."""

SERVER_LIFECYCLE: Lifecycle = {
    State.NEW: {
        Event.WELCOME: State.ATTACHED,
        Event.END: State.ENDED,
    },
    State.ATTACHED: {
        Event.SEND: State.ATTACHED,
        Event.RECEIVE: State.ATTACHED,
        Event.DETACH: State.DETACHED,
        Event.RESUME: State.ATTACHED,  # a newer socket takes over
        Event.END: State.ENDED,
    },
    State.DETACHED: {
        Event.SEND: State.DETACHED,
        Event.RESUME: State.ATTACHED,
        Event.END: State.ENDED,
    },
    State.ENDED: {
        Event.DETACH: State.ENDED,  # its socket closes after it
        Event.END: State.ENDED,
    },
}

CLIENT_LIFECYCLE: Lifecycle = {
    State.NEW: {
        Event.SEND: State.NEW,  # kept until `recover`, as in every state but attached
        Event.HELLO: State.GREETING,
        Event.DETACH: State.NEW,  # the socket could not be opened
        Event.END: State.ENDED,
    },
    State.GREETING: {
        Event.SEND: State.GREETING,
        Event.RECEIVE: State.GREETING,  # an error that says why the socket will close
        Event.WELCOME: State.RECOVERING,
        Event.DETACH: State.DETACHED,
        Event.END: State.ENDED,
    },
    State.RECOVERING: {
        Event.SEND: State.RECOVERING,
        Event.RECOVER: State.ATTACHED,
        Event.DETACH: State.DETACHED,
        Event.END: State.ENDED,
    },
    State.ATTACHED: {
        Event.SEND: State.ATTACHED,
        Event.RECEIVE: State.ATTACHED,
        Event.DETACH: State.DETACHED,
        Event.END: State.ENDED,
    },
    State.DETACHED: {
        Event.SEND: State.DETACHED,
        Event.HELLO: State.GREETING,
        Event.DETACH: State.DETACHED,
        Event.END: State.ENDED,
    },
    State.ENDED: {
        Event.DETACH: State.ENDED,
        Event.END: State.ENDED,
    },
}


def next_state(lifecycle: Lifecycle, state: State, event: Event) -> State:
    """Where `event` leads. Raises LifecycleError where it must not happen."""
    to = lifecycle[state].get(event)
    if to is None:
        allowed = ", ".join(lifecycle[state])
        raise LifecycleError(f"{event} is not possible in state {state}; possible: {allowed}")
    return to


def mermaid(lifecycle: Lifecycle) -> str:
    """The table as a Mermaid state diagram, as printed in spec.md."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.NEW}"]
    for state, row in lifecycle.items():
        arrows: dict[State, list[str]] = {}
        for event, to in row.items():
            arrows.setdefault(to, []).append(event)
        lines += [f"    {state} --> {to}: {', '.join(events)}" for to, events in arrows.items()]
    return "\n".join([*lines, f"    {State.ENDED} --> [*]"])


class LifecycleError(RuntimeError):
    """This end did what its state does not allow: a mistake of the program, not of the peer."""


class ProtocolError(Exception):
    """The peer broke the protocol so that the connection cannot go on: close it with
    `close_code`, and `detail` as the reason."""

    def __init__(self, close_code: CloseCode, code: ErrorCode, detail: str) -> None:
        super().__init__(detail)
        self.close_code = close_code
        self.code = code
        self.detail = detail


class HandshakeError(ProtocolError):
    """A socket's first message is not an acceptable hello, or there is no room for it: then
    `retry_after` says, in seconds, when there may be."""

    def __init__(
        self, close_code: CloseCode, code: ErrorCode, detail: str, *, retry_after: float = 0.0
    ) -> None:
        super().__init__(close_code, code, detail)
        self.retry_after = retry_after


def check_hello(message: ClientMessage | Unknown) -> Hello:
    """A socket's first message, which must be a hello. Raises HandshakeError.

    A client of a later version is welcome: the server answers with its own, lower version, and
    the client decides whether it can go on.
    """
    if not isinstance(message, Hello):
        detail = f"expected hello as the first message, got {_name(message)}"
        raise HandshakeError(CloseCode.PROTOCOL_ERROR, ErrorCode.BAD_MESSAGE, detail)
    if message.version < 1:
        detail = f"hello.version: expected 1 to {VERSION}, got {message.version}"
        raise HandshakeError(CloseCode.UNSUPPORTED_VERSION, ErrorCode.BAD_MESSAGE, detail)
    return message


def _name(message: ClientMessage | Unknown) -> str:
    return f"type {message.type}" if isinstance(message, Unknown) else type(message).__name__


_UNSEQUENCED = (Hello, Ack, Ping)


class ServerConnection:
    """The server's end of one session.

    `seq` is the number of the last sequenced message sent, `acked` the last one that the client
    is known to have, `received` counts the client's sequenced messages. `codec` is that of the
    newest socket. `capabilities` are those granted. `buffer_bytes` bounds the memory of what is
    kept for a resume.
    """

    def __init__(
        self,
        session: str,
        epoch: str,
        limits: Limits,
        codec: Codec,
        *,
        buffer_bytes: int,
        server: str = "",
        capabilities: list[str] | None = None,
    ) -> None:
        self.session = session
        self.epoch = epoch
        self.limits = limits
        self.codec = codec
        self.state = State.NEW
        self.seq = 0
        self.acked = 0
        self.received = 0
        self._buffer = ReplayBuffer(buffer_bytes)
        self._server = server
        self.capabilities = capabilities or []

    @property
    def buffered(self) -> int:
        """Bytes of memory that are kept for a resume."""
        return self._buffer.size

    def welcome(self) -> Frame:
        """The answer to the hello of a new session: the first frame to write."""
        self._go(Event.WELCOME)
        return self._welcome(0, resumed=False)

    def send(self, message: ServerMessage) -> Frame:
        """Number and keep a message; write the frame if a socket is attached. The hot path."""
        if Event.SEND not in SERVER_LIFECYCLE[self.state]:
            self._go(Event.SEND)
        frame = self.codec.encode(message)
        if message.__struct_config__.tag >= FIRST_SEQUENCED_TYPE:  # type: ignore[operator]
            self.seq += 1
            self._buffer.append(frame)
        return frame

    def receive(self, frame: Frame) -> ClientMessage | None:
        """What the client sent: counted, and an ack obeyed. None for a type of a later version,
        to be ignored. Raises DecodeError (answer with an error, go on) or ProtocolError (close).
        """
        self._go(Event.RECEIVE)
        try:
            message = self.codec.decode_client(frame, self.limits.message_bytes)
        except DecodeError as error:
            self.received += error.sequenced
            raise
        if isinstance(message, Unknown):
            self.received += message.sequenced
            return None
        if isinstance(message, Ack):
            self.ack(message.seq)
        self.received += not isinstance(message, _UNSEQUENCED)
        return message

    def ack(self, seq: int) -> None:
        """The client has everything up to `seq`: forget it. An old ack changes nothing."""
        if seq > self.seq:
            detail = f"ack.seq: expected at most {self.seq}, the last number sent, got {seq}"
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, ErrorCode.BAD_MESSAGE, detail)
        if seq > self.acked:
            self.acked = seq
            self._buffer.release(seq)

    def detach(self) -> None:
        """The socket is gone; the session waits for a resume."""
        self._go(Event.DETACH)

    def resume(self, resume: Resume, codec: Codec) -> list[Frame] | None:
        """The frames to write to a new socket, in order: a welcome, then what was missed.

        None when that position cannot be had any more (another epoch or session, evicted, or
        never reached): nothing has changed then, and the client gets a new session.
        """
        to = next_state(SERVER_LIFECYCLE, self.state, Event.RESUME)
        if resume.session != self.session or resume.epoch != self.epoch:
            return None
        missed = self._buffer.after(resume.seq)
        if missed is None:
            return None
        self.state = to
        self.ack(resume.seq)
        if codec is not self.codec:
            missed = [_transcode(frame, self.codec, codec) for frame in missed]
            self._buffer.replace(missed)
            self.codec = codec
        return [self._welcome(resume.seq, resumed=True), *missed]

    def end(self) -> None:
        """Give the session up; idempotent. Afterwards nothing can be sent or resumed."""
        self._go(Event.END)
        self._buffer.clear()

    def _welcome(self, seq: int, *, resumed: bool) -> Frame:
        return self.codec.encode(
            Welcome(
                session=self.session,
                epoch=self.epoch,
                seq=seq,
                limits=self.limits,
                server=self._server,
                capabilities=self.capabilities,
                resumed=resumed,
                received=self.received,
            )
        )

    def _go(self, event: Event) -> None:
        self.state = next_state(SERVER_LIFECYCLE, self.state, event)


def _transcode(frame: Frame, old: Codec, new: Codec) -> Frame:
    """The same message in the other encoding. Our own frame: it decodes, whatever its size."""
    message = old.decode_server(frame, max_bytes=2**63)
    assert not isinstance(message, Unknown)
    return new.encode(message)
