"""One session: a client's messages in, the engine's answers out, whatever socket carries them."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections import OrderedDict
from typing import Protocol, assert_never

from dialogue_protocol.codec import DecodeError
from dialogue_protocol.codes import CloseCode, EndReason, ErrorCode
from dialogue_protocol.connection import ServerConnection
from dialogue_protocol.messages import (
    Ack,
    ActionResult,
    Advance,
    ClientMessage,
    Close,
    Closed,
    Error,
    Event,
    GoAway,
    Hello,
    History,
    Inspect,
    Interrupt,
    Load,
    Open,
    Opened,
    Ping,
    Pong,
    Regenerate,
    Save,
    Say,
    Script,
    ServerMessage,
    State,
    Suggest,
)
from msgspec import structs

from ..errors import DialogueError, RequestError, StoreError, TakenOverError
from .asking import TurnRequest
from .context import EngineContext
from .conversation import OpenConversation
from .designing import DesignersMessage, Designing, need_designer
from .identity import LOCAL, Identity
from .observer import ConversationOpened, Failure, RequestRefused
from .pacing import Pace, too_many
from .tap import Tap
from .turn import TurnRunner

Frame = bytes | str
_REMEMBERED_TURNS = 64
MAX_WAITING = 16
"""How many events and results of a session may wait for a running turn."""


class Socket(Protocol):
    """What a session needs of a socket. Neither call may block or raise."""

    def write(self, frame: Frame) -> None:
        """Put a frame on its way."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """Begin to close."""
        ...


class Session:
    """Holds conversations, and outlives its sockets for a while (registry.py)."""

    def __init__(
        self, context: EngineContext, connection: ServerConnection, identity: Identity = LOCAL
    ) -> None:
        self.connection = connection
        self.identity = identity
        self.id = connection.session
        self.socket: Socket | None = None
        self.tap: Tap | None = None
        self.locale = ""
        """The hello's."""
        self.capabilities = frozenset(connection.capabilities)
        self._context = context
        self._conversations: dict[str, OpenConversation] = {}
        self._turns: OrderedDict[int, tuple[OpenConversation, TurnRunner]] = OrderedDict()
        self._last_turn = 0
        self._waiting: set[asyncio.Task[None]] = set()
        self._order = asyncio.Lock()
        self._pace = Pace(context)
        self._designing = Designing(context, self.id, self.send, self._refuse)
        self._closed = False

    def send(self, message: ServerMessage) -> None:
        """Number and keep a message, and write it if a socket is there. The per-token path."""
        frame = self.connection.send(message)
        if self.tap is not None:
            self.tap.server(message)
        if self.socket is not None:
            self.socket.write(frame)

    async def receive(self, frame: Frame) -> None:
        """Handle one frame of the client. What is wrong with it is answered, and the session
        lives on; only a breach of the protocol raises (ProtocolError: close with its code).

        A frame is counted as it arrives, so that a resume knows of it, and handled when all
        before it are done: the frame of a new socket waits for what the old one has begun.
        """
        message: ClientMessage | DecodeError | None
        try:
            message = self.connection.receive(frame)
        except DecodeError as error:
            message = error
        if self.tap is not None and message is not None and not isinstance(message, DecodeError):
            self.tap.client(message)
        wait = self._pace.take_message(message, len(frame), self.identity.player)
        async with self._order:
            if message is not None and not self._closed:
                await self._handle_or_refuse(message, wait)
        if wait:  # whoever floods lets the others go first
            await asyncio.sleep(0)

    async def _handle_or_refuse(self, message: ClientMessage | DecodeError, wait: float) -> None:
        try:
            if wait:
                raise too_many(wait)
            if isinstance(message, DecodeError):
                raise RequestError(message.code, message.detail)
            await self._handle(message)
        except DialogueError as error:
            if isinstance(error, TakenOverError) and error.conversation in self._conversations:
                self._conversations[error.conversation].answers.lose()
            self._refuse(error, message)
        except Exception:
            self._context.observe(Failure(where="session", error=traceback.format_exc()))
            problem = DialogueError(ErrorCode.INTERNAL, "The server failed; its log says how.")
            self._refuse(problem, message)

    async def _handle(self, message: ClientMessage) -> None:
        if isinstance(message, DesignersMessage):
            await self._designing.answer(message, self.capabilities, self.identity.npcs)
            return
        match message:
            case Say() | Regenerate() | Event() | Script() | Advance() | ActionResult():
                await self._answer(message)
            case State():
                self.send(await self._conversation(message.conversation).set_state(message))
            case Ack():
                pass  # the connection has obeyed it
            case Ping():
                self.send(Pong(message.nonce))
            case Interrupt():
                await self._interrupt(message)
            case Open():
                await self._open(message)
            case Close():
                await self._leave(self._conversation(message.conversation))
                del self._conversations[message.conversation]
                self.send(Closed(message.conversation))
            case Save():
                self.send(await self._conversation(message.conversation).save())
            case Load():
                conversation = self._conversation(message.conversation)
                self.send(await conversation.load(message.checkpoint))
            case History():
                self.send(await self._conversation(message.conversation).history(message))
            case Suggest():
                self._refuse_when_draining()
                conversation = self._conversation(message.conversation)
                await self._pace.take_line(conversation.talk.key.player)
                conversation.suggesting.ask(message)
            case Inspect():
                need_designer(self.capabilities, "inspect")
                self.send(self._conversation(message.conversation).answers.inspect(message))
            case Hello():
                raise RequestError(
                    ErrorCode.BAD_MESSAGE, "hello: was said already; it opens a socket, once."
                )
            case _:
                assert_never(message)

    async def _open(self, message: Open) -> None:
        self._refuse_when_draining()
        self.identity.check_open(message)
        # What another connection has taken over is open no more, and nobody can close it.
        for name in [name for name, each in self._conversations.items() if each.talk.closed]:
            await self._leave(self._conversations.pop(name))
        limit = self._context.limits.conversations
        if message.conversation not in self._conversations and len(self._conversations) >= limit:
            raise RequestError(
                ErrorCode.TOO_MANY_CONVERSATIONS,
                f"{limit} conversations are open (limits.conversations); close one first.",
            )
        if message.model:
            need_designer(self.capabilities, "open.model")
            if message.model not in self._context.models:
                known = ", ".join(self._context.models) or "none"
                raise RequestError(
                    ErrorCode.BAD_MESSAGE,
                    f"open.model: there is no {message.model!r}; there are: {known}.",
                )
        if not message.locale:
            message = structs.replace(message, locale=self.locale)
        conversation = OpenConversation(
            self._context,
            self.send,
            self.id,
            message,
            designer="designer" in self.capabilities,
            allowed=self.identity.npcs,
            budget=self.identity.budget,
        )
        conversation.talk.check_cast()  # before the one that is open is given up for it
        opened = await self._take(conversation, message.checkpoint)
        self.send(opened)
        self._context.observe(
            ConversationOpened(
                session=self.id,
                conversation=message.conversation,
                npcs=tuple(npc.id for npc in opened.npcs),
                history=opened.history,
            )
        )

    async def _take(self, conversation: OpenConversation, checkpoint: str) -> Opened:
        """Load a conversation, after whoever has it open has stored what it holds: a player's
        newest connection goes on where the older one was (spec.md, "Sessions")."""
        held = self._context.conversations
        namesake = self._conversations.get(conversation.talk.name)
        if namesake is not None and namesake.talk.key != conversation.talk.key:
            await self._leave(namesake)
        old = held.get(conversation.talk.key)
        held[conversation.talk.key] = conversation
        try:
            opened = await conversation.take(old, checkpoint)
        except BaseException:
            if held.get(conversation.talk.key) is conversation:
                del held[conversation.talk.key]
            if namesake is not None and namesake.talk.closed:
                self._conversations.pop(conversation.talk.name, None)
            raise
        self._conversations[conversation.talk.name] = conversation
        return opened

    async def _answer(self, message: TurnRequest) -> None:
        self._refuse_when_draining()
        conversation = self._conversation(message.conversation)
        if isinstance(message, Event | ActionResult) and conversation.answers.busy_with_another(
            message.line
        ):
            self._answer_later(conversation, message)
            return
        await self._pace.take_line(conversation.talk.key.player)
        if not isinstance(message, Script):  # which needs no model
            self._context.places.check(conversation.talk.key.player)
        self._last_turn += 1
        turn = await conversation.answers.answer(message, self._last_turn)
        if turn is not None:
            self._turns[turn.number] = (conversation, turn)
            if len(self._turns) > _REMEMBERED_TURNS:
                self._turns.popitem(last=False)

    def _answer_later(self, conversation: OpenConversation, message: Event | ActionResult) -> None:
        """The world does not wait for an NPC to finish: what happens meanwhile is remembered, and
        answered, after the turn."""
        if len(self._waiting) >= MAX_WAITING:
            raise RequestError(
                ErrorCode.BUSY,
                f"{MAX_WAITING} events and results wait for turns to end; send this one later.",
            )

        async def answer() -> None:
            # One that was taken waits on through the turns of those before it: it is not refused
            # for being one too many.
            while not self._closed:
                await conversation.answers.finish()
                async with self._order:
                    if not conversation.answers.busy_with_another(message.line):
                        if not self._closed:
                            await self._handle_or_refuse(message, 0)
                        return

        task = asyncio.create_task(answer(), name=f"waits {message.line}")
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _interrupt(self, message: Interrupt) -> None:
        known = self._turns.get(message.turn)
        if known is None:
            raise RequestError(
                ErrorCode.UNKNOWN_TURN,
                f"interrupt.turn: there is no recent turn {message.turn} in this session.",
            )
        conversation, turn = known
        if turn.stop(EndReason.INTERRUPTED, message.seen):
            return  # its turn_end answers
        if turn.phase != "ended":
            await conversation.answers.finish()
        # It may have been opened again meanwhile: then that one remembers.
        held = self._context.conversations.get(conversation.talk.key, conversation)
        await held.cut(turn.node, message.seen)

    def _conversation(self, name: str) -> OpenConversation:
        conversation = self._conversations.get(name)
        if conversation is None or conversation.talk.closed:
            why = "another connection has taken it over" if conversation else "send `open` first"
            raise RequestError(
                ErrorCode.UNKNOWN_CONVERSATION, f"There is no open conversation {name!r}; {why}."
            )
        return conversation

    def _refuse_when_draining(self) -> None:
        if self._context.draining:
            raise RequestError(
                ErrorCode.SHUTTING_DOWN, "The server shuts down; reconnect and say it again."
            )

    def _refuse(self, error: DialogueError, message: object) -> None:
        self.send(
            Error(
                code=error.code,
                detail=error.detail,
                conversation=getattr(message, "conversation", ""),
                line=getattr(message, "line", ""),
                turn=getattr(message, "turn", 0),
                retryable=error.retryable,
                retry_after_ms=round(1000 * error.retry_after),
            )
        )
        self._context.observe(RequestRefused(session=self.id, code=error.code, detail=error.detail))

    def drain(self, reconnect_ms: int) -> None:
        """Tell the client that the server goes away."""
        self.send(GoAway(reconnect_ms, "The server restarts; reconnect and resume."))

    async def finish(self) -> None:
        """Wait for the running turns to end by themselves."""
        await asyncio.gather(*(c.answers.finish() for c in self._conversations.values()))
        if self._waiting:
            await asyncio.wait(self._waiting)

    async def close(self) -> None:
        """Stop what runs and store it. What still arrives is ignored."""
        self._closed = True
        await self._designing.stop()
        async with self._order:  # what is being handled may begin a turn
            await asyncio.gather(*(self._leave(c) for c in self._conversations.values()))
            self._conversations.clear()
            self._designing.unwatch()
        if self._waiting:
            await asyncio.wait(self._waiting)

    async def _leave(self, conversation: OpenConversation) -> None:
        await conversation.close()
        if self._context.conversations.get(conversation.talk.key) is conversation:
            del self._context.conversations[conversation.talk.key]
            if self._context.directory is not None:
                with contextlib.suppress(StoreError):  # it is lost when this server is
                    await self._context.directory.disclaim(conversation.talk.key)
