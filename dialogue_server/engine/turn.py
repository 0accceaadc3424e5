"""One turn: from a prompt to exactly one `turn_end`, whatever the model does.

    asked ──▶ streaming ──▶ ending ──▶ ended
                  │ stop() ──▲

While streaming, `stop` cancels the model at once. Once ending, nothing stops the turn from
being stored and reported; a stop then comes too late and is told so.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from dialogue_protocol.codes import EndReason, ErrorCode
from dialogue_protocol.messages import Queued, ServerMessage, TurnEnd

from ..backends.base import Finished, ModelRequest, Show, Usage
from ..domain.conversation import ConversationKey, Node
from ..domain.guards.stream import GuardedStream
from ..domain.persona import Persona
from ..domain.stream import TextStream
from ..errors import BackendError, DialogueError, StoreError, TakenOverError
from .charging import Charge
from .context import EngineContext
from .direction import Direction
from .guarding import asked_anew, guarded, tell_hits
from .metering import Gaps, Meter, in_ms, timings
from .observer import Failure
from .reporting import turn_finished
from .request import model_key
from .voice import Voice

_FINISHED = {
    "stop": EndReason.COMPLETE,
    "length": EndReason.LENGTH,
    "content_filter": EndReason.FILTERED,
}


class TurnRunner:
    """Runs one turn; `number` names it in the session, `node` in the store."""

    def __init__(
        self,
        context: EngineContext,
        send: Callable[[ServerMessage], None],
        *,
        session: str,
        key: ConversationKey,
        persona: Persona,
        number: int,
        parent: str,
        line: str,
        began: float,
        heard: list[str],
        direction: Direction,
        keep: Callable[[Node], Awaitable[None]],
        lose: Callable[[], None],
        charge: Charge,
    ) -> None:
        self.number = number
        self.node = context.new_id()
        self.line = line
        self.phase: Literal["asked", "streaming", "ending", "ended"] = "asked"
        self._context = context
        self._send = send
        self._session = session
        self._key = key
        self._persona = persona
        self._parent = parent
        self._heard = heard
        self._script = False
        self._began = began
        self._keep = keep
        self._lose = lose
        self._direction = direction
        self._voice = Voice(context, send, number, self.node, persona, direction.tone(persona))
        self._prompted = self._placed = self._ended = 0.0
        self._stop: tuple[EndReason, int | None] | None = None
        self._task: asyncio.Task[Node] | None = None
        self._usage = Usage()
        self._charge = charge
        self._meter = Meter()
        self._gaps = Gaps(context.monotonic)
        self._prompt_tokens = 0

    def start(
        self,
        request: ModelRequest,
        stream: TextStream | GuardedStream,
        *,
        fallback: str,
        shorter: Callable[[], ModelRequest],
        prompt_tokens: int,
    ) -> asyncio.Task[Node]:
        """Begin. `shorter` makes the request anew for a prompt that overflowed the model. The
        task returns the NPC's node as it was stored (or should have been)."""
        self._prompt_tokens = prompt_tokens
        self._prompted = self._context.monotonic()
        self._task = asyncio.create_task(
            self._run(request, stream, fallback, shorter), name=f"turn {self.number} {self.node}"
        )
        return self._task

    def speak(self, text: str, stream: TextStream) -> asyncio.Task[Node]:
        """Begin, and say an authored line as it is, its tags as cues: no model is asked."""
        self._script = True
        self._task = asyncio.create_task(
            self._recite(text, stream), name=f"turn {self.number} {self.node}"
        )
        return self._task

    async def _recite(self, text: str, stream: TextStream) -> Node:
        self.phase = "ending"
        error: DialogueError | None = None
        if self._stop is None:
            try:
                self._voice.show_mood(self._direction.mood_to_tell(self._persona))
                self._voice.say([*stream.feed(text), *stream.finish()])
            except Exception:
                error = self._failed()
        return await self._end(stream, EndReason.COMPLETE, error, "")

    @property
    def npc(self) -> str:
        """Who speaks."""
        return self._persona.id

    def timings(self) -> dict[str, Any]:
        """When what happened, and what it cost (spec.md, "inspected")."""
        return timings(self._began, self._moments(), self._meter)

    def _moments(self) -> dict[str, float]:
        return {
            "prompt": self._prompted,
            "placed": self._placed,
            "connected": self._meter.connected,
            "model_text": self._gaps.first,
            "first_token": self._voice.first,
            "total": self._ended,
        }

    def stop(self, reason: EndReason, seen: int | None = None) -> bool:
        """Cancel the model and end the turn with `reason`, keeping the first `seen` code points
        (None: all that was sent). False if the turn is over or about to be."""
        if self.phase not in ("asked", "streaming") or self._task is None or self._stop:
            return False
        self._stop = (reason, seen)
        if self.phase == "streaming":  # a task cancelled before its first step would never end
            self._task.cancel()
        return True

    async def _run(
        self,
        request: ModelRequest,
        stream: TextStream | GuardedStream,
        fallback: str,
        shorter: Callable[[], ModelRequest],
    ) -> Node:
        reason = EndReason.COMPLETE
        error: DialogueError | None = None
        try:
            if self._stop is None:
                self.phase = "streaming"
                self._voice.show_mood(self._direction.mood_to_tell(self._persona))
                if self._charge.error is not None:
                    raise self._charge.error
                self._voice.expect_words()
                places, limits = self._context.places, self._context.limits
                async with (
                    places.place(self._key.player, self._tell_position) as self._placed,
                    asyncio.timeout(limits.turn_seconds),
                ):
                    reason, error = await self._ask(request, stream, shorter)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._stop is None or task is None:
                raise
            task.uncancel()
        except DialogueError as problem:
            error = problem
        except TimeoutError:
            error = BackendError(
                ErrorCode.MODEL_TIMEOUT,
                f"The turn took longer than {self._context.limits.turn_seconds:g} s; raise "
                "limits.turn_seconds or ask a faster model.",
            )
        except Exception:
            error = self._failed()
        self.phase = "ending"
        self._voice.hush()
        return await self._end(stream, reason, error, fallback)

    def _tell_position(self, position: int) -> None:
        self._send(Queued(self.number, position))

    async def _ask(
        self,
        request: ModelRequest,
        stream: TextStream | GuardedStream,
        shorter: Callable[[], ModelRequest],
    ) -> tuple[EndReason, BackendError | None]:
        try:
            reason = await self._stream(request, stream)
        except BackendError as problem:
            if problem.code != ErrorCode.MODEL_CONTEXT_OVERFLOW or stream.text:
                raise
            request = shorter()
            reason = await self._stream(request, stream)
        if isinstance(stream, GuardedStream) and stream.hits:
            return await self._after_hits(request, stream, reason)
        return reason, None

    async def _after_hits(
        self, request: ModelRequest, stream: GuardedStream, reason: EndReason
    ) -> tuple[EndReason, BackendError | None]:
        """What becomes of an answer that a guard caught: the model is asked anew while nothing
        was shown; else the answer ends with the sentences that passed."""
        for _ in range(stream.guards.retries):
            if stream.hit is None or stream.text:
                break
            tell_hits(self._context, self.node, self.npc, stream, "regenerated")
            reason = await self._stream(asked_anew(request, stream.begin_anew()), stream)
        shown = bool(stream.text)
        tell_hits(self._context, self.node, self.npc, stream, "cut" if shown else "fallback")
        if stream.hit is None:
            return reason, None
        if shown and stream.hit.guard == "length":
            return EndReason.LENGTH, None
        return EndReason.FILTERED, guarded(stream)

    async def _stream(self, request: ModelRequest, stream: TextStream | GuardedStream) -> EndReason:
        feed, emit, gap = stream.feed, self._voice.say, self._gaps.piece
        said: list[str] = []
        keep = said.append

        def listen(text: str) -> bool:
            keep(text)
            gap()
            emit(feed(text))
            return not stream.stopped

        show: Show = listen
        finished: Finished | None = None
        failed: BackendError | None = None
        request = self._meter.begin(request, self._context.monotonic())
        tap = self._context.taps.get(self._session)
        if tap is not None:
            show = tap.model(self.number, self.node, self._persona.id, request, listen)
        try:
            finished = await self._context.backend.stream(request, show)
        except BackendError as error:
            failed = error
            raise
        finally:
            usage = finished.usage if finished is not None else None
            self._meter.end(usage, said, self._prompt_tokens, failed)
            if tap is not None:
                tap.answered(self.number, finished or failed)
        if finished is not None:
            self._take_usage(finished.usage)
        emit(stream.finish())
        return EndReason.COMPLETE if finished is None else _FINISHED[finished.reason]

    def _take_usage(self, usage: Usage) -> None:
        context = self._context
        context.calibration = context.calibration.observe(
            model_key(context, self._persona), self._prompt_tokens, usage.input_tokens
        )
        self._usage = self._usage.plus(usage)

    async def _end(
        self,
        stream: TextStream | GuardedStream,
        reason: EndReason,
        error: DialogueError | None,
        fallback: str,
    ) -> Node:
        """End the turn, whatever fails by now: one `turn_end`, the costs settled, and the
        conversation free for the next line."""
        try:
            stream, reason, error = self._last_words(stream, reason, error, fallback)
        except Exception:
            error = self._failed()
            reason = EndReason.TRUNCATED if self._voice.length else EndReason.FAILED
        text = stream.text[: self._voice.length]
        if self._stop is not None:
            reason, seen = self._stop
            error = None
            text = text[:seen]
        node = Node(
            id=self.node,
            parent=self._parent,
            kind="npc",
            speaker=self._persona.id,
            text=text,
            at=self._context.now(),
            line=self.line,
            reason=reason,
            meta=self._meta(len(text)),
        )
        try:
            node = self._direction.conclude(node)
            await self._keep(node)
        except StoreError as problem:
            # The player has read the answer: end the turn well, and say that it is not kept yet.
            error = error or problem
            if isinstance(problem, TakenOverError):
                self._lose()
                error = problem
        except Exception:
            self._failed()
            error = error or StoreError("The server failed to keep the turn; its log says how.")
        self.phase = "ended"
        try:
            self._report(node, reason, error)
            self._direction.tell(node)
        except Exception:
            self._failed()
        await self._charge.settle(self._meter)
        return node

    def _last_words(
        self,
        stream: TextStream | GuardedStream,
        reason: EndReason,
        error: DialogueError | None,
        fallback: str,
    ) -> tuple[TextStream | GuardedStream, EndReason, DialogueError | None]:
        """Send what the stream still holds, or the fallback if nothing was said."""
        if self._stop is not None:
            if self._stop[1] is None:
                self._voice.say(stream.finish())
            return stream, reason, error
        if self._script:
            pass  # an authored line may be a gesture without words
        elif error is None and not stream.text and reason is not EndReason.FILTERED:
            error = BackendError(ErrorCode.MODEL_EMPTY, "The model answered with nothing.")
        elif error is None and reason is EndReason.FILTERED:
            error = BackendError(ErrorCode.MODEL_REFUSED, "The provider's filter cut the answer.")
        if error is not None:
            if not stream.text and fallback:
                stream = TextStream(self._persona)
                self._voice.say([*stream.feed(fallback), *stream.finish()])
                reason = EndReason.FALLBACK
            elif not stream.text:
                reason = EndReason.FAILED
            elif reason is not EndReason.FILTERED:
                self._voice.say(stream.finish())
                reason = EndReason.TRUNCATED
        return stream, reason, error

    def _failed(self) -> BackendError:
        """Tell the operator what has just been raised; what the client is told of it."""
        self._context.observe(Failure(where=f"turn {self.node}", error=traceback.format_exc()))
        return BackendError(ErrorCode.INTERNAL, "The server failed; its log says how.")

    def _meta(self, length: int) -> dict[str, Any]:
        meta: dict[str, Any] = {
            "cues": [cue for cue in self._voice.cues if cue[0] <= length],
            "heard": self._heard,
        }
        if self._script:
            meta["script"] = True
        return meta

    def _report(self, node: Node, reason: EndReason, error: DialogueError | None) -> None:
        first, ended = self._voice.first, self._context.monotonic()
        self._ended = ended
        end = TurnEnd(
            turn=self.number,
            reason=reason,
            length=len(node.text),
            first_token_ms=round(1000 * (first - self._began)) if first else 0,
            total_ms=round(1000 * (ended - self._began)),
            input_tokens=self._usage.input_tokens,
            output_tokens=self._usage.output_tokens,
            cached_tokens=self._usage.cached_tokens,
            code=error.code if error else "",
            detail=error.detail if error else "",
        )
        self._send(end)
        self._context.observe(
            turn_finished(
                end,
                session=self._session,
                conversation=self._key.conversation,
                turn=self.node,
                npc=self._persona.id,
                backend=self._context.backend.name,
                meter=self._meter,
                gaps=self._gaps,
                charge=self._charge,
                moments=in_ms(self._began, self._moments()),
            )
        )
