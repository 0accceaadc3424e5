"""The authored voice: a backend without a model. Deterministic and public.

It is no language model and does not pretend to be one. Without a script it says
`request.authored`, the line a designer wrote that fits the player's line best (the engine
chooses it), so that NPCs speak on a machine that can run no model; whoever starts a server with
it must be told so. With a script it plays answers, errors, stalls and cuts, for tests::

    ScriptedBackend(["Hello.", Answer("I was sa", error=BackendError(...))])
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from dialogue_protocol.codes import ErrorCode
from msgspec import Struct

from ..domain.prompt import Message
from ..errors import BackendError
from .base import Finished, ModelRequest, Show, Usage

_WORD = re.compile(r"\s*\S+\s*")


class Answer(Struct, frozen=True):
    """One answer of a script. `pieces` are its deltas; where empty, `text` goes word by word.
    It ends in `error`, or never if `stall` (until it is closed), else in a `Finished`."""

    text: str = ""
    pieces: tuple[str, ...] = ()
    reason: Literal["stop", "length", "content_filter"] = "stop"
    usage: Usage = Usage()
    error: BackendError | None = None
    stall: bool = False


Script = Sequence[str | Answer] | Callable[[ModelRequest], str | Answer]


class ScriptedBackend:
    """A `ModelBackend` that says what was written. `delay` is in seconds before each piece;
    `sleep` is what waits it."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        delay: float = 0.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        layout: Literal["standard", "compact"] = "standard",
        context_tokens: int = 8192,
    ) -> None:
        self._script = script
        self._delay = delay
        self._sleep = sleep
        self._layout = layout
        self._context_tokens = context_tokens
        self._closed = asyncio.Event()
        self.requests: list[ModelRequest] = []
        """What a script was asked, in order; stays empty without one."""
        self.active = 0
        """How many streams are open."""

    @property
    def name(self) -> str:
        """For logs and metrics."""
        return "scripted"

    @property
    def layout(self) -> Literal["standard", "compact"]:
        """How a prompt is laid out, though nobody reads it."""
        return self._layout

    @property
    def context_tokens(self) -> int:
        """That of the model it stands in for, as far as prompts go."""
        return self._context_tokens

    async def start(self) -> None:
        """Nothing to get ready."""

    async def warm(self, messages: tuple[Message, ...]) -> None:
        """Nothing to warm."""

    async def aclose(self) -> None:
        """Refuse further requests and end what stalls. Idempotent."""
        self._closed.set()

    async def stream(self, request: ModelRequest, show: Show) -> Finished | None:
        """Say the authored line, or the script's next answer."""
        if self._closed.is_set():
            raise BackendError(ErrorCode.SHUTTING_DOWN, "scripted is closed")
        if not request.messages:
            raise BackendError(ErrorCode.MODEL_BAD_REQUEST, "the prompt has no messages")
        if request.bill is not None:
            request.bill.backend = self.name
            request.bill.is_free = self._script is None
        answer = self._answer(request)
        self.active += 1
        try:
            for piece in answer.pieces or _WORD.findall(answer.text):
                await self._sleep(self._delay)
                if not show(piece):
                    return None
            if answer.stall:
                await self._closed.wait()
                raise BackendError(ErrorCode.SHUTTING_DOWN, "scripted was closed")
            if answer.error is not None:
                raise answer.error
            return Finished(answer.reason, answer.usage)
        finally:
            self.active -= 1

    def _answer(self, request: ModelRequest) -> Answer:
        if self._script is None:
            if not request.authored.strip():
                raise BackendError(
                    ErrorCode.MODEL_EMPTY,
                    "there is no model, and this persona has no authored line that fits: give it "
                    "`lines` or `fallback`",
                )
            return Answer(request.authored)
        self.requests.append(request)
        if callable(self._script):
            answer = self._script(request)
        elif len(self.requests) <= len(self._script):
            answer = self._script[len(self.requests) - 1]
        else:
            raise BackendError(
                ErrorCode.INTERNAL, f"the script ends after {len(self._script)} answers"
            )
        return Answer(answer) if isinstance(answer, str) else answer
