"""A backend that says what a model said in a recorded session: no model is asked.

So only the prompt can differ when the session is made again, and what the server makes of the
answer. Which turn is next, `turn_to` is told.
"""

from __future__ import annotations

from typing import Literal

from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import Turn

from ..domain.prompt import Message
from ..domain.recordings.exchanges import Exchange
from ..domain.recordings.recording import Answered, Asked, Recording, Streamed
from ..errors import BackendError
from .base import Finished, ModelRequest, Show, Usage

_REASONS: dict[str, Literal["stop", "length", "content_filter"]] = {
    "length": "length",
    "content_filter": "content_filter",
}


class RecordedBackend:
    """A `ModelBackend` for the session of one recording. Layout and context are of the model that
    the prompts are made for; where the recording tells its layout, that one."""

    def __init__(
        self,
        recording: Recording,
        *,
        layout: Literal["standard", "compact"] = "standard",
        context_tokens: int = 8192,
    ) -> None:
        self._layout = layout
        self._context_tokens = context_tokens
        self._answers: dict[int, list[_Answer]] = {}
        self._turn = 0
        self._asked = 0
        for entry in recording.entries:
            match entry.what:
                case Asked(turn=turn, layout=told):
                    self._answers.setdefault(turn, []).append(_Answer())
                    if told in ("standard", "compact"):
                        self._layout = told  # type: ignore[assignment]
                case Streamed(turn=turn, text=text) if turn in self._answers:
                    self._answers[turn][-1].pieces.append(text)
                case Answered(turn=turn) if turn in self._answers:
                    self._answers[turn][-1].end = entry.what
                case _:
                    pass

    @property
    def name(self) -> str:
        """For logs and metrics."""
        return "recorded"

    @property
    def layout(self) -> Literal["standard", "compact"]:
        """How the recorded prompts were laid out."""
        return self._layout

    @property
    def context_tokens(self) -> int:
        """That of the model it stands in for."""
        return self._context_tokens

    def turn_to(self, exchange: Exchange) -> None:
        """This is the request that will be answered next."""
        turns = (answer.turn for _, answer in exchange.answers if isinstance(answer, Turn))
        self._turn, self._asked = next(turns, 0), 0

    async def start(self) -> None:
        """Nothing to get ready."""

    async def warm(self, messages: tuple[Message, ...]) -> None:
        """Nothing to warm."""

    async def aclose(self) -> None:
        """Nothing to release."""

    async def stream(self, request: ModelRequest, show: Show) -> Finished | None:
        """Say what was said; asked again for the same turn, what was said then."""
        if request.bill is not None:
            request.bill.is_free = True
        attempts = self._answers.get(self._turn, [])
        if not attempts:
            raise BackendError(
                ErrorCode.MODEL_EMPTY, "nothing was recorded here: today somebody else answers"
            )
        answer = attempts[min(self._asked, len(attempts) - 1)]
        self._asked += 1
        for piece in answer.pieces:
            if not show(piece):
                return None
        end = answer.end
        if end.code:
            known = end.code in ErrorCode.__members__.values()
            raise BackendError(ErrorCode(end.code) if known else ErrorCode.MODEL_FAILED, end.detail)
        usage = Usage(end.input_tokens, end.output_tokens, end.cached_tokens)
        return Finished(_REASONS.get(end.reason, "stop"), usage)


class _Answer:
    """What was said at one asking."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.end = Answered(turn=0)
