"""A session that answers from a recording, at the recorded speed or another; no model, no store."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

from dialogue_protocol.codes import EndReason, ErrorCode
from dialogue_protocol.connection import ServerConnection
from dialogue_protocol.messages import (
    Ack,
    ClientMessage,
    Close,
    Delta,
    Hello,
    Interrupt,
    Load,
    Ping,
    Pong,
    Request,
    Turn,
    TurnEnd,
)

from ..domain.recordings.exchanges import Exchange, Timed
from ..domain.recordings.replaying import Match, Replay
from ..errors import RequestError
from .context import EngineContext
from .identity import LOCAL, Identity
from .registry import MakeSession
from .session import Session

CUT_SECONDS = 2.0
"""How long a turn that the client cut short, then, waits to be cut short again."""


class ReplaySession(Session):
    """Plays `replay` to one client. `speed` 2 is twice as fast; 0 waits for nothing."""

    def __init__(
        self,
        context: EngineContext,
        connection: ServerConnection,
        identity: Identity = LOCAL,
        *,
        replay: Replay,
        speed: float,
    ) -> None:
        super().__init__(context, connection, identity)
        self._replay = replay
        self._speed = speed
        self._running: dict[asyncio.Task[None], _Telling] = {}

    async def _handle(self, message: ClientMessage) -> None:
        match message:
            case Ack() | Hello():
                return
            case Ping():
                self.send(Pong(message.nonce))
                return
            case Interrupt():
                self._interrupt_telling(message)
                return
            case Close() | Load():
                self._truncate(message.conversation)
            case _:
                pass
        self._refuse_when_draining()
        telling = _Telling(message)
        if isinstance(message, Request):
            for other in self._running.values():
                if other.conversation == message.conversation and not other.over:
                    if other.line == message.line:
                        return  # its stream is on the way, and answers both
                    raise RequestError(
                        ErrorCode.BUSY, "A turn is running; wait for its turn_end, or interrupt it."
                    )
        answers = self._replay.answer(message)
        waits = self._speed and any(delay for delay, _ in answers)
        if not waits and not any(map(_was_cut, answers)):
            for _, answer in answers:
                self.send(answer)
            return
        task = asyncio.create_task(self._tell(telling, answers), name="replay")
        self._running[task] = telling
        task.add_done_callback(lambda done: self._running.pop(done, None))
        if not isinstance(message, Request):
            await asyncio.wait([task])  # such requests are answered in their order

    async def _tell(self, telling: _Telling, answers: list[Timed]) -> None:
        monotonic = self._context.monotonic
        began = monotonic()
        for delay, answer in answers:
            wait = began + delay / 1000 / self._speed - monotonic() if self._speed else 0.0
            if wait > 0:
                await asyncio.sleep(wait)
            if _was_cut((delay, answer)):
                await asyncio.sleep(CUT_SECONDS)
            if isinstance(answer, Turn):
                telling.turn = answer.turn
            elif isinstance(answer, Delta):
                telling.told += len(answer.text)
            elif isinstance(answer, TurnEnd):
                telling.over = True  # whoever reads it may say the next line at once
            self.send(answer)

    def _interrupt_telling(self, message: Interrupt) -> None:
        for task, telling in self._running.items():
            if telling.turn == message.turn and not telling.over:
                telling.over = True
                task.cancel()
                length = min(message.seen, telling.told)
                self.send(TurnEnd(message.turn, EndReason.INTERRUPTED, length))
                return

    def _truncate(self, conversation: str) -> None:
        """Tell no more in a conversation, as the server would where the talk is left."""
        for task, telling in self._running.items():
            if telling.conversation == conversation and telling.turn and not telling.over:
                telling.over = True
                task.cancel()
                self.send(TurnEnd(telling.turn, EndReason.TRUNCATED, telling.told))

    async def finish(self) -> None:
        """Wait for what is being told."""
        if self._running:
            await asyncio.wait(tuple(self._running))

    async def close(self) -> None:
        """Tell nothing more."""
        for task in tuple(self._running):
            task.cancel()
        await self.finish()
        await super().close()


def _was_cut(timed: Timed) -> bool:
    """Whether a turn ends there because the client had it end."""
    end = timed[1]
    return isinstance(end, TurnEnd) and (
        end.reason == EndReason.INTERRUPTED or (end.reason == EndReason.TRUNCATED and not end.code)
    )


class _Telling:
    """A request whose answers are on their way."""

    def __init__(self, message: ClientMessage) -> None:
        self.conversation = str(getattr(message, "conversation", ""))
        self.line = str(getattr(message, "line", ""))
        self.turn = 0
        self.told = 0
        self.over = False


def replaying(
    recorded: Sequence[Exchange], *others: Sequence[Exchange], match: Match, speed: float
) -> MakeSession:
    """What makes the sessions of a server that replays: each begins a recording anew, of several
    the next one, after the last the first."""
    following = itertools.cycle((recorded, *others))

    def make(
        context: EngineContext, connection: ServerConnection, identity: Identity
    ) -> ReplaySession:
        replay = Replay(next(following), match)
        return ReplaySession(context, connection, identity, replay=replay, speed=speed)

    return make
