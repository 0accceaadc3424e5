"""The engine and a client back to back, through everything that may happen, in any order.

Real sessions, registry and store; the model is steered, sockets are two queues, and a killed
server is one whose tasks are gone. The spec's promises are held after each step and at the end.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque

from dialogue_protocol.client_connection import ClientConnection
from dialogue_protocol.codec import JSON, MSGPACK, Codec, Frame
from dialogue_protocol.codes import CloseCode, ClosePolicy
from dialogue_protocol.connection import State, check_hello
from dialogue_protocol.messages import (
    ActionResult,
    Advance,
    ClientMessage,
    Cue,
    Delta,
    Error,
    Event,
    Interrupt,
    Load,
    Noted,
    Open,
    Player,
    Regenerate,
    Save,
    Saved,
    Say,
    Script,
    ServerMessage,
    Turn,
    TurnEnd,
    Welcome,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from dialogue_server.domain.conversation import ConversationKey
from dialogue_server.engine.context import EngineContext, EngineLimits
from dialogue_server.engine.observer import Failure, Record
from dialogue_server.engine.registry import Registry
from dialogue_server.engine.session import Session
from dialogue_server.errors import BackendError
from dialogue_server.stores.memory import MemoryStore
from tests.fakes.steered import Call, SteeredBackend
from tests.harness import MIRA, WORLD

KEY = ConversationKey("ann", "c")
POUR = "[action: pour drink=ale]"
POURING = replace(MIRA, actions=[replace(MIRA.actions[0], awaits=True)])
LIMITS = EngineLimits(
    replay_bytes=3000,
    detach_seconds=1e6,
    filler_seconds=0,
    messages_per_second=0,
    lines_per_minute=0,
)


class Wire:
    """A socket: what the server writes is in `down`; a close code stands at its end."""

    def __init__(self) -> None:
        self.down: deque[Frame | CloseCode] = deque()
        self.closing = False

    def write(self, frame: Frame) -> None:
        if not self.closing:
            self.down.append(frame)

    def close(self, code: CloseCode, reason: str) -> None:
        assert reason
        if not self.closing:
            self.closing = True
            self.down.append(code)


class Seen:
    """A line as the player sees it: `ended` counts its ends."""

    def __init__(self) -> None:
        self.turn = ""
        self.text = ""
        self.alone = False
        self.noted = False
        self.ended = 0
        self.end: TurnEnd | None = None


class Promises(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = MemoryStore()
        self.client = ClientConnection("test")
        self.wire: Wire | None = None
        self.session: Session | None = None
        self.up: deque[Frame] = deque()
        self.lines: dict[str, Seen] = {}
        self.running: dict[int, Seen] = {}
        self.records: list[Record] = []
        self.calls: list[Call] = []
        self.saved: dict[str, list[str]] = {}
        self.unsaved = 0
        self.actions: list[tuple[str, int]] = []
        self.ids = itertools.count()
        self.boot()
        self.client.send(Open("c", ["mira"], Player("ann", "Ann")))
        self.connect(MSGPACK)

    def boot(self) -> None:
        self.backend = SteeredBackend()
        self.context = EngineContext(
            world=WORLD,
            personas={"mira": POURING},
            backend=self.backend,
            store=self.store,
            observe=self.records.append,
            limits=LIMITS,
            new_id=lambda: f"id{next(self.ids):06}",
        )
        self.registry = Registry(self.context)

    def settle(self) -> None:
        """Let the server do all that it can do now."""

        async def turns() -> None:
            for _ in range(30):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())
        while not self.backend.calls.empty():
            self.calls.append(self.backend.calls.get_nowait())

    @property
    def connected(self) -> bool:
        return self.wire is not None

    def kill_tasks(self) -> None:
        async def kill() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.loop.run_until_complete(kill())
        self.calls.clear()

    @precondition(lambda self: self.connected)
    @rule()
    def drop(self) -> None:
        self.lose(1006)

    def lose(self, code: int) -> None:
        wire, self.wire = self.wire, None
        self.up.clear()
        if self.session is not None and wire is not None:
            self.loop.call_soon(self.registry.detach, self.session, wire)
            self.settle()
        assert self.client.disconnected(code) is not ClosePolicy.STOP

    @precondition(lambda self: not self.connected)
    @rule(codec=st.sampled_from([MSGPACK, JSON]))
    def connect(self, codec: Codec) -> None:
        self.client.codec = codec
        hello = check_hello(codec.decode_client(self.client.hello()))
        self.wire = Wire()
        self.session = self.registry.attach(hello, codec, self.wire)

    @rule()
    def kill_the_server(self) -> None:
        if self.connected:
            self.wire = None
            self.up.clear()
            self.client.disconnected(1006)
        self.session = None
        self.kill_tasks()
        self.boot()

    @precondition(lambda self: self.connected and self.up)
    @rule()
    def deliver_up(self) -> None:
        assert self.session is not None
        session, frame = self.session, self.up.popleft()
        task = self.loop.create_task(session.receive(frame))
        self.settle()
        assert task.done()
        task.result()

    @precondition(lambda self: self.connected and self.wire.down)
    @rule(count=st.integers(1, 9))
    def deliver_down(self, count: int) -> None:
        for _ in range(count):
            if self.wire is None or not self.wire.down:
                return
            frame = self.wire.down.popleft()
            if isinstance(frame, CloseCode):
                self.lose(frame)
                return
            self.take(self.client.receive(frame))
            ack = self.client.take_ack()
            if ack is not None:
                self.up.append(ack)

    def take(self, message: ServerMessage | None) -> None:
        match message:
            case Welcome():
                if not message.resumed:
                    self.running.clear()
                    for seen in self.lines.values():
                        if not seen.ended:
                            seen.text = ""
                for frame in self.client.recover():
                    self.up.append(frame)
            case Turn():
                assert message.turn not in self.running
                seen = self.lines[message.line]
                if seen.ended:  # asked for twice, and told again
                    assert message.id == seen.turn
                    seen = Seen()
                seen.turn, seen.text = message.id, ""
                self.running[message.turn] = seen
            case Delta():
                self.running[message.turn].text += message.text
            case Cue(action=action) if action:
                self.actions.append((self.running[message.turn].turn, action))
            case TurnEnd():
                seen = self.running.pop(message.turn)
                seen.ended += 1
                seen.end = message
                assert len(seen.text) >= message.length
                known = next((s for s in self.lines.values() if s.turn == seen.turn), seen)
                if known is not seen:  # told again, and perhaps cut since by an interrupt
                    assert seen.text.startswith(self.kept(seen.turn))
            case Error(line=line) if line:
                self.lines[line].ended += 1
            case Noted():
                seen = self.lines[message.line]
                seen.ended = 1 if seen.noted else seen.ended + 1  # asked for twice, noted twice
                seen.noted = True
            case Saved():
                self.unsaved -= 1
                self.saved[message.checkpoint] = self.checkpoint_path(message.checkpoint)
            case _:
                pass

    def checkpoint_path(self, checkpoint: str) -> list[str]:
        archive = self.run(self.store.export(KEY))
        assert archive is not None
        (kept,) = [c for c in archive.checkpoints if c.id == checkpoint]
        return [node.id for node in self.run(self.store.path(KEY, kept.head))]

    def kept(self, turn: str) -> str:
        archive = self.run(self.store.export(KEY))
        assert archive is not None
        return next(node.text for node in archive.nodes if node.id == turn)

    def run(self, work):  # type: ignore[no-untyped-def]
        return self.loop.run_until_complete(work)

    def send(self, message: ClientMessage) -> None:
        frame = self.client.send(message)
        if self.client.state is State.ATTACHED:
            self.up.append(frame)

    @rule()
    def come_to_rest(self) -> None:
        self.flush()

    @precondition(lambda self: len(self.client.unanswered) < 2)
    @rule()
    def say(self) -> None:
        line = self.new_line()
        self.send(Say("c", line, f"What of {line}?"))

    def new_line(self) -> str:
        line = f"l{len(self.lines)}"
        self.lines[line] = Seen()
        self.lines[line].alone = not self.client.unanswered
        return line

    @precondition(lambda self: len(self.client.unanswered) < 2)
    @rule(react=st.sampled_from(["never", "may", "must"]))
    def something_happens(self, react: str) -> None:
        line = self.new_line()
        self.send(Event("c", line, f"A bell rings {line}.", react))

    @precondition(lambda self: len(self.client.unanswered) < 2)
    @rule(npc=st.sampled_from(["", "mira"]))
    def an_author_speaks(self, npc: str) -> None:
        line = self.new_line()
        self.send(Script("c", line, "[mood: calm]So be it. [action: pour drink=ale]", npc))

    @precondition(lambda self: len(self.client.unanswered) < 2)
    @rule()
    def the_talk_goes_on(self) -> None:
        self.send(Advance("c", self.new_line()))

    @precondition(lambda self: self.actions and len(self.client.unanswered) < 2)
    @rule(react=st.sampled_from(["never", "must"]), data=st.data())
    def an_action_is_done(self, react: str, data: st.DataObject) -> None:
        turn, action = data.draw(st.sampled_from(sorted(self.actions)))
        self.send(ActionResult("c", self.new_line(), turn, action, True, react=react))

    @rule(data=st.data())
    def say_again(self, data: st.DataObject) -> None:
        """In doubt. Not what may be refused: each of its tries has its own end."""
        doubtful = [
            asked
            for asked in self.client.unanswered
            if isinstance(asked, Say | Event | Script | Advance) and self.lines[asked.line].alone
        ]
        if doubtful:
            self.send(data.draw(st.sampled_from(doubtful)))

    @precondition(lambda self: len(self.client.unanswered) < 2)
    @rule(data=st.data())
    def regenerate(self, data: st.DataObject) -> None:
        turns = [seen.turn for seen in self.lines.values() if seen.end is not None]
        if turns:
            line = f"r{len(self.lines)}"
            self.lines[line] = Seen()
            self.send(Regenerate("c", data.draw(st.sampled_from(turns)), line))

    @rule(seen=st.integers(0, 20), data=st.data())
    def interrupt(self, seen: int, data: st.DataObject) -> None:
        if self.running:
            turn = data.draw(st.sampled_from(sorted(self.running)))
            shown = len(self.running[turn].text)
            self.send(Interrupt(turn, min(seen, shown)))

    @precondition(lambda self: len(self.saved) < 4)
    @rule()
    def save(self) -> None:
        self.unsaved += 1
        self.send(Save("c"))

    @precondition(lambda self: self.saved)
    @rule(data=st.data())
    def load(self, data: st.DataObject) -> None:
        self.send(Load("c", data.draw(st.sampled_from(sorted(self.saved)))))

    @precondition(lambda self: self.calls)
    @rule(
        text=st.sampled_from(
            ["Well, ", "é👩‍👩‍👧 ", "[mood: wary]", "x" * 400, " [mo", "so it is. ", POUR]
        )
    )
    def model_speaks(self, text: str) -> None:
        self.calls[-1].say(text)
        self.settle()

    @precondition(lambda self: self.calls)
    @rule(well=st.sampled_from([True, True, True, False]))
    def model_ends(self, well: bool) -> None:
        call = self.calls.pop()
        if well:
            call.say("The end.")
            call.finish()
        else:
            call.fail(BackendError("model_failed", "no"))  # type: ignore[arg-type]
        self.settle()

    @invariant()
    def the_server_has_not_failed(self) -> None:
        assert not [record for record in self.records if isinstance(record, Failure)]

    @invariant()
    def no_gap_and_no_repeat(self) -> None:
        if self.session is not None and self.client.session == self.session.id:
            assert self.client.seq <= self.session.connection.seq
            assert self.session.connection.acked <= self.client.seq

    @invariant()
    def memory_and_store_agree(self) -> None:
        conversation = self.context.conversations.get(KEY)
        if conversation is None or conversation.talk.closed:
            return
        if conversation.answers.turn is not None and conversation.answers.turn.phase != "ended":
            return
        kept = self.run(self.store.load(KEY)).nodes
        assert tuple(conversation.talk.nodes) == tuple(kept)

    @invariant()
    def a_checkpoint_keeps_its_path(self) -> None:
        for checkpoint, path in self.saved.items():
            assert self.checkpoint_path(checkpoint) == path

    @invariant()
    def every_line_has_at_most_one_answer_in_the_store(self) -> None:
        archive = self.run(self.store.export(KEY))
        lines = [(n.line, n.kind) for n in archive.nodes if n.line] if archive else []
        assert len(lines) == len(set(lines))

    @invariant()
    def one_end_for_each_line(self) -> None:
        assert {line: seen.ended for line, seen in self.lines.items() if seen.ended > 1} == {}

    def flush(self) -> None:
        for _ in range(10_000):
            if not self.connected:
                self.connect(MSGPACK)
            elif self.up:
                self.deliver_up()
            elif self.wire is not None and self.wire.down:
                self.deliver_down(9)
            elif self.calls:
                self.model_ends(True)
            else:
                return
        raise AssertionError("they never come to rest")

    def teardown(self) -> None:
        try:
            self.flush()
            assert {line: seen.ended for line, seen in self.lines.items() if seen.ended != 1} == {}
            assert self.client.unanswered == []
            assert self.unsaved == 0
            archive = self.run(self.store.export(KEY))
            nodes = {node.id: node for node in archive.nodes} if archive else {}
            for line, seen in self.lines.items():
                if seen.end is not None:
                    shown, kept = seen.text[: seen.end.length], nodes[seen.turn]
                    assert kept.line == line
                    assert seen.text.startswith(kept.text)
                    assert kept.text == shown or kept.reason == "interrupted"
            for checkpoint, path in self.saved.items():
                self.send(Load("c", checkpoint))
                self.flush()
                assert [n.id for n in self.run(self.store.load(KEY)).nodes] == path
                self.memory_and_store_agree()
            self.the_server_has_not_failed()
        finally:
            self.kill_tasks()
            self.loop.close()


Promises.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestPromises = Promises.TestCase
