"""What a session answers to designers' tools: who is there, what the files hold, what was
recorded."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from typing import assert_never

from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    Content,
    Npcs,
    ReadRecording,
    RecordingList,
    Recordings,
    Rerun,
    ServerMessage,
    Source,
)

from ..errors import DialogueError, RequestError
from .context import EngineContext
from .inspecting import desk_of, npc_list, shelf_of
from .observer import Failure

DesignersMessage = Npcs | Content | Source | Recordings | ReadRecording | Rerun
_NAMES: dict[type[DesignersMessage], str] = {
    Npcs: "npcs",
    Content: "content",
    Source: "source",
    Recordings: "recordings",
    ReadRecording: "read_recording",
    Rerun: "rerun",
}


def need_designer(capabilities: frozenset[str], message: str) -> None:
    """Raise a RequestError (FORBIDDEN) unless they are a designer's; `message` is what needs it."""
    if "designer" not in capabilities:
        raise RequestError(
            ErrorCode.FORBIDDEN,
            f"{message}: needs the right of a designer; ask for the capability `designer` in "
            "the hello, with a token that has it where the server wants one.",
        )


class Designing:
    """The designers' side of one session, `session`. `refuse` is told what went wrong with a
    message that is answered later."""

    def __init__(
        self,
        context: EngineContext,
        session: str,
        send: Callable[[ServerMessage], None],
        refuse: Callable[[DialogueError, object], None],
    ) -> None:
        self._context = context
        self._session = session
        self._send = send
        self._refuse = refuse
        self._rerunning: asyncio.Task[None] | None = None

    async def answer(
        self,
        message: DesignersMessage,
        capabilities: frozenset[str],
        npcs: frozenset[str] | None,
    ) -> None:
        """Answer it; a RequestError without the right. `npcs`: whom the ticket names, None for
        all."""
        need_designer(capabilities, _NAMES[type(message)])
        context = self._context
        match message:
            case Npcs():
                self._send(npc_list(context, npcs))
            case Content():
                self._send(await desk_of(context).info())
                if message.watch:
                    context.watchers[self._session] = self._send
            case Source():
                self._send(await desk_of(context).source(message.file, message.key))
            case Recordings():
                shelf = context.shelf
                none = RecordingList(False, [])
                self._send(await shelf.listing(message.last) if shelf else none)
            case ReadRecording():
                self._send(await shelf_of(context).piece(message.name, message.offset))
            case Rerun():
                self._rerun(message)
            case _:
                assert_never(message)

    def _rerun(self, message: Rerun) -> None:
        """It may take minutes; the session goes on meanwhile."""
        if self._rerunning is not None and not self._rerunning.done():
            raise RequestError(ErrorCode.BUSY, "A re-run is under way; wait for its report.")
        shelf = shelf_of(self._context)

        async def run() -> None:
            try:
                self._send(await shelf.rerun(message))
            except DialogueError as error:
                self._refuse(error, message)
            except Exception:
                self._context.observe(Failure(where="rerun", error=traceback.format_exc()))
                problem = DialogueError(ErrorCode.INTERNAL, "The server failed; its log says how.")
                self._refuse(problem, message)

        self._rerunning = asyncio.create_task(run(), name=f"rerun {message.name}")

    async def stop(self) -> None:
        """End a re-run that is under way."""
        if self._rerunning is not None:
            self._rerunning.cancel()
            await asyncio.wait([self._rerunning])

    def unwatch(self) -> None:
        """Tell of changed files no more."""
        self._context.watchers.pop(self._session, None)
