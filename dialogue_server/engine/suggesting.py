"""Suggestions for the player, made beside the turns and never in their way.

A capable model is asked for them, within `limits.suggestion_seconds`; what it leaves open, a
designer's own suggestions fill. A turn that begins meanwhile takes the model over.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable

from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import Error, ServerMessage, Suggest, Suggestions

from ..backends.base import ModelRequest, Sampling
from ..domain import suggestions
from ..domain.language_detector import wrong_language
from ..domain.suggestions import Situation
from ..errors import DialogueError
from .answers import Answers
from .charging import ask_aside
from .observer import Failure, SuggestionsMade
from .talk import Talk

TOKENS = 40
"""Of the model's answer, for each suggestion."""
TEMPERATURE = 0.9


class Suggesting:
    """The suggestions of one conversation; one request at a time, and each is answered, at the
    latest when the conversation ends."""

    def __init__(self, talk: Talk, send: Callable[[ServerMessage], None], answers: Answers) -> None:
        self._talk = talk
        self._send = send
        self._answers = answers
        self._task: asyncio.Task[None] | None = None
        self._open: dict[asyncio.Task[None], Suggest] = {}
        self._asking: asyncio.Task[str] | None = None

    def ask(self, message: Suggest) -> None:
        """Begin to answer a request, after a turn that runs. An earlier one that is still open
        is answered without the model. A RequestError if the conversation is closed."""
        self._talk.check_open()
        before = self._task
        self.give_way()
        self._task = asyncio.create_task(
            self._answer(message, before), name=f"suggest {message.line}"
        )
        self._open[self._task] = message
        self._task.add_done_callback(lambda task: self._open.pop(task, None))

    def give_way(self) -> None:
        """Leave the model to a turn."""
        if self._asking is not None:
            self._asking.cancel()

    async def stop(self) -> None:
        """Give up what is open, and say so: the session may go on without the conversation."""
        given_up = dict(self._open)
        for task in given_up:
            task.cancel()
        if given_up:
            await asyncio.wait(given_up)
        name = self._talk.name
        for task, message in given_up.items():
            if task.cancelled():
                detail = f"{name!r} has been closed meanwhile."
                code = ErrorCode.UNKNOWN_CONVERSATION
                self._send(Error(code, detail, name, message.line))
        if self._asking is not None:  # until what it did cost is counted
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _answer(self, message: Suggest, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        talk = self._talk
        while self._answers.busy:
            await self._answers.finish()
        try:
            self._send(Suggestions(talk.name, message.line, await self._texts(message)))
        except DialogueError as error:
            code, detail = error.code, error.detail
            self._send(Error(code, detail, talk.name, message.line))
        except Exception:
            where = f"suggest {message.line}"
            talk.context.observe(Failure(where=where, error=traceback.format_exc()))
            detail = "The server failed; its log says how."
            self._send(Error(ErrorCode.INTERNAL, detail, talk.name, message.line))

    async def _texts(self, message: Suggest) -> list[str]:
        talk = self._talk
        count = min(message.count, suggestions.MAX_COUNT)
        situation = Situation(
            talk.world_in(message.locale),
            tuple(talk.cast_in(message.locale)),
            talk.player,
            talk.scene,
            talk.state,
            tuple(talk.nodes),
            message.locale or talk.locale,
        )
        own = suggestions.authored(situation, count)
        if not count or talk.context.backend.layout == "compact":
            return own  # a tiny model would only spoil it
        if asyncio.current_task() is not self._task:
            return own  # a newer request asks
        if not talk.context.has_spare_model:
            return own  # others wait for the model to speak
        began = talk.context.monotonic()
        answer, problem = await self._model(situation, count, own)
        # Twice as many as are needed: some may be in another language.
        said = [
            text
            for text in suggestions.parse(answer, situation, 2 * count)
            if not situation.locale
            or not wrong_language(text, situation.locale, talk.context.detector)
        ]
        texts = suggestions.fresh([*said, *own], situation, count)
        talk.context.observe(
            SuggestionsMade(
                conversation=talk.name,
                lines=len(texts),
                by_model=sum(text in said for text in texts),
                total_ms=round(1000 * (talk.context.monotonic() - began)),
                problem=problem,
            )
        )
        return texts

    async def _model(self, situation: Situation, count: int, own: list[str]) -> tuple[str, str]:
        """What the model says, and why it says nothing if it fails, is late or gives way to a
        turn."""
        context = self._talk.context
        request = ModelRequest(
            suggestions.messages(situation, count),
            max_tokens=TOKENS * count,
            sampling=Sampling(temperature=TEMPERATURE),
            authored="\n".join(own),
        )

        async def listen() -> str:
            talk, npc = self._talk, self._talk.heard[0]
            said, _ = await ask_aside(context, talk.key, npc, talk.budget, request, "suggestions")
            return said

        asking = self._asking = asyncio.create_task(listen(), name="suggest: model")
        late = False
        try:
            async with asyncio.timeout(context.limits.suggestion_seconds):
                # Waiting, not awaiting: the task's cancellation is not ours.
                await asyncio.wait([asking])
        except TimeoutError:
            late = asking.cancel()
            await asyncio.wait([asking])
        except asyncio.CancelledError:
            asking.cancel()
            raise
        if asking.cancelled():
            took = f"no answer within {context.limits.suggestion_seconds:g} s"
            return "", took if late else "a turn took the model over"
        try:
            return asking.result(), ""
        except DialogueError as error:
            return "", error.detail
