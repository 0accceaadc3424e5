"""Both ends of a session back to back, through drops, resumes, acks and evictions."""

from __future__ import annotations

from collections import deque

from dialogue_protocol.client_connection import ClientConnection
from dialogue_protocol.codec import JSON, MSGPACK, Codec, Frame
from dialogue_protocol.connection import ServerConnection, State
from dialogue_protocol.messages import (
    Delta,
    Hello,
    Limits,
    Open,
    Opened,
    Player,
    Pong,
    Say,
    Turn,
    TurnEnd,
    Welcome,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

LIMITS = Limits(10_000, 100, 100, 8, 4)


class Session(RuleBasedStateMachine):
    """The wire is two queues; a drop empties both. The server remembers, beyond its sessions,
    which lines it has answered, as the real one does."""

    def __init__(self) -> None:
        super().__init__()
        self.client = ClientConnection("test")
        self.sessions = 0
        self.down: deque[Frame] = deque()
        self.up: deque[Frame] = deque()
        self.sent: list[object] = []
        self.seen: list[object] = []
        self.handled: list[str] = []
        self.answered: set[str] = set()
        self.said: list[str] = []
        self.turns = 0
        self.new_session(MSGPACK)
        self.client.send(Open("c", ["n"], Player("p")))

    def new_session(self, codec: Codec) -> None:
        self.sessions += 1
        self.server = ServerConnection(f"s{self.sessions}", "e", LIMITS, codec, buffer_bytes=1200)
        self.sent, self.seen, self.handled = [], [], []

    @property
    def connected(self) -> bool:
        return self.client.state is State.ATTACHED

    def server_sends(self, message: Delta | Opened | Turn | TurnEnd | Pong) -> None:
        frame = self.server.send(message)
        if not isinstance(message, Pong):
            self.sent.append(message)
        if self.server.state is State.ATTACHED:
            self.down.append(frame)

    @precondition(lambda self: self.server.state is not State.NEW)
    @rule(text=st.text("ab\u00e9", max_size=30))
    def stream(self, text: str) -> None:
        self.server_sends(Delta(1, text))

    @precondition(lambda self: self.server.state is not State.NEW)
    @rule()
    def pong(self) -> None:
        if self.connected:
            self.server_sends(Pong())

    @rule()
    def say(self) -> None:
        line = f"l{len(self.said)}"
        self.said.append(line)
        frame = self.client.send(Say("c", line, "x"))
        if self.connected:
            self.up.append(frame)

    @precondition(lambda self: self.connected and self.down)
    @rule()
    def deliver_down(self) -> None:
        message = self.client.receive(self.down.popleft())
        if not isinstance(message, Pong):
            self.seen.append(message)
        ack = self.client.take_ack()
        if ack is not None:
            self.up.append(ack)

    @precondition(lambda self: self.connected and self.up)
    @rule()
    def deliver_up(self) -> None:
        message = self.server.receive(self.up.popleft())
        if isinstance(message, Open):
            self.server_sends(Opened("c", []))
        elif isinstance(message, Say):
            self.handled.append(message.line)
            self.turns += 1
            self.answered.add(message.line)
            self.server_sends(Turn(self.turns, message.line, "c", "n", message.line))
            self.server_sends(TurnEnd(self.turns, "complete", 0))

    @precondition(lambda self: self.connected)
    @rule()
    def drop(self) -> None:
        self.down.clear()
        self.up.clear()
        self.client.disconnected(1006)
        self.server.detach()

    @precondition(lambda self: not self.connected)
    @rule(codec=st.sampled_from([MSGPACK, JSON]), forget=st.integers(0, 9))
    def connect(self, codec: Codec, forget: int) -> None:
        self.client.codec = codec
        hello = codec.decode_client(self.client.hello())
        assert isinstance(hello, Hello)
        frames = None
        if hello.resume is not None and forget > 0:
            frames = self.server.resume(hello.resume, codec)
        if frames is None:
            if self.server.state is not State.NEW:
                self.server.end()
            self.new_session(codec)
            frames = [self.server.welcome()]
        welcome = self.client.receive(frames[0])
        assert isinstance(welcome, Welcome)
        self.down.extend(frames[1:])
        self.up.extend(self.client.recover())

    @invariant()
    def no_gap_and_no_repeat(self) -> None:
        assert self.seen == self.sent[: len(self.seen)]
        assert self.client.seq == len(self.seen)

    @invariant()
    def within_a_session_every_line_arrives_once_and_in_order(self) -> None:
        assert len(set(self.handled)) == len(self.handled)
        numbers = [int(line[1:]) for line in self.handled]
        assert numbers == sorted(numbers)

    def teardown(self) -> None:
        if not self.connected:
            self.connect(MSGPACK, 1)
        while self.up or self.down:
            if self.up:
                self.deliver_up()
            if self.down:
                self.deliver_down()
        assert self.answered == set(self.said)
        assert self.client.unanswered == []
        assert self.seen == self.sent
        self.no_gap_and_no_repeat()


Session.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestSession = Session.TestCase
