"""What a streamed chat completion means: bytes in, text out, no I/O.

`Answer` joins the event-stream parser, the decoding of chunks and the hiding of reasoning, and
holds the rules for telling a finished answer from one that was cut off:

- a top-level `error`, or a MiniMax `base_resp.status_code` other than 0, is an error, whatever
  the HTTP status said;
- only a string in `delta.content` is text; `message` repeats the whole text in MiniMax's last
  chunk, so it counts only if no delta was seen;
- an answer is complete with `[DONE]` or a `finish_reason`; the end of the stream alone is not.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec
from dialogue_protocol.codes import ErrorCode
from msgspec import Struct

from ..domain.reasoning import ReasoningFilter
from ..errors import BackendError
from .base import Finished, Usage
from .openai_errors import Upstream, backend_error, read_body
from .profiles import Profile
from .sse import Event, EventTooLarge, SSEParser

Reason = Literal["stop", "length", "content_filter"]

_REASONS: dict[str, Reason] = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "content_filter": "content_filter",
    "content_filtered": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "refusal": "content_filter",
}
_BLANK = b"\xef\xbb\xbf \t\r\n"
_MAX_BLANK = 4096
_MAX_PLAIN = 1 << 20

_FAILED_REASONS = frozenset({"error", "abort", "aborted", "cancelled", "network_error"})


class _Text(Struct):
    content: str | None = None
    reasoning_content: Any = None
    reasoning: Any = None


class _Choice(Struct):
    delta: _Text | None = None
    finish_reason: str | None = None
    message: _Text | None = None


class _Details(Struct):
    cached_tokens: int | None = None


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None
    cost: float | None = None


class _BaseResp(Struct):
    status_code: int = 0


class _Chunk(Struct):
    choices: list[_Choice] | None = None
    error: Any = None
    usage: _Usage | None = None
    base_resp: _BaseResp | None = None


_decode = msgspec.json.Decoder(_Chunk).decode
_NO_TEXT = _Text()


class Answer:
    """One streamed answer.

    Feed it what arrived; `feed` returns the text to show, possibly "". When `over` is true,
    nothing more needs to be read. At the end of the stream call `finish` (if `failure` is not
    set): it returns the `Finished` or raises the `BackendError` that says what went wrong.
    """

    __slots__ = (
        "_content_type",
        "_done",
        "_events",
        "_heard",
        "_parser",
        "_plain",
        "_profile",
        "_raw",
        "_reason",
        "_reasoned",
        "_shown",
        "_think",
        "_usage",
        "failure",
        "over",
    )

    def __init__(self, profile: Profile, content_type: str = "", max_event_bytes: int = 1 << 20):
        self._profile = profile
        self._content_type = content_type.partition(";")[0].strip().lower()[:60]
        self._parser = SSEParser(max_event_bytes)
        self._think = ReasoningFilter()
        self._raw: bytearray | None = bytearray()  # the body, until it proves to be a stream
        self._plain = False  # it is JSON instead
        self._events = 0
        self._heard = False  # content of any kind came, thoughts and blanks included
        self._shown = False
        self._reasoned = False
        self._reason = ""
        self._usage: _Usage | None = None
        self._done = False
        self.over = False
        self.failure: BackendError | None = None
        """Set with `over`: raise it after the text that `feed` returned was passed on."""

    @property
    def finished(self) -> bool:
        """Whether the model has said that it is done; only its usage may still come."""
        return self._done or self._reason != ""

    @property
    def has_usage(self) -> bool:
        """Whether the usage has come."""
        return self._usage is not None

    def feed(self, data: bytes) -> str:
        """What arrived, as text."""
        if self._raw is not None:
            return self._begin(data)
        try:
            events = self._parser.feed(data)
        except EventTooLarge as error:
            return self._fail(_too_large(self._profile, error))
        return self._take(events) if events else ""

    def _begin(self, data: bytes) -> str:
        """Tell an event stream from a plain JSON body, which some send with status 200."""
        raw = self._raw
        assert raw is not None
        raw += data
        if not self._plain:
            start = bytes(raw[:_MAX_BLANK]).lstrip(_BLANK)[:1]
            self._plain = start in (b"{", b"[")
            if start == b"" and len(raw) < _MAX_BLANK:
                return ""
        if not self._plain:
            self._raw = None
            return self.feed(bytes(raw))
        if len(raw) > _MAX_PLAIN:
            return self._fail(_not_a_stream(self._profile, self._content_type))
        return ""

    def end(self) -> str:
        """The stream is over: what was still held back. Call `finish` next."""
        if self.over:
            return ""
        text = ""
        if self._raw:
            text = self._whole(bytes(self._raw))
        elif self._raw is None:
            try:
                events = self._parser.end()
            except EventTooLarge as error:
                return self._fail(_too_large(self._profile, error))
            text = self._take(events, last=True)
        if self.failure is None:
            text += self._think.flush()
        return self._show(text)

    def finish(self) -> Finished:
        """How the answer ended."""
        if self.failure is not None:
            raise self.failure
        if not self.finished:
            raise self._cut_off()
        if not self._shown:
            raise self._empty()
        return Finished(_REASONS.get(self._reason, "stop"), self._cost())

    # ------------------------------------------------------------ events

    def _take(self, events: list[Event], *, last: bool = False) -> str:
        text = ""
        for event in events:
            data = event.data
            self._events += 1
            if data == b"[DONE]":
                self._done = self.over = True
                break
            if event.name == "error" and not self.finished:
                return self._show(text) + self._fail(self._error(_loads(data)))
            try:
                chunk = _decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                repaired = _repair(data)
                if repaired is None:
                    if last or self.finished or not data.strip():
                        continue  # the stream was cut inside its last event
                    return self._show(text) + self._fail(_unreadable(self._profile))
                chunk = repaired
            if chunk.error is not None or chunk.base_resp is not None or chunk.choices is None:
                failure = self._failure_of(chunk, data)
                if failure is not None and not self.finished:
                    return self._show(text) + self._fail(failure)
            if chunk.usage is not None:
                self._usage = chunk.usage
            if chunk.choices:
                text += self._choice(chunk.choices[0])
                if self.failure is not None:
                    break
        if self.over and self.failure is None:
            text += self._think.flush()
        return self._show(text)

    def _choice(self, choice: _Choice) -> str:
        delta = choice.delta or _NO_TEXT
        if choice.finish_reason:
            if choice.finish_reason.lower() in _FAILED_REASONS:
                return self._fail(_cut(self._profile, f"finish_reason {choice.finish_reason!r}"))
            self._reason = self._reason or choice.finish_reason.lower()
        content = delta.content
        if not content:
            if delta.reasoning_content or delta.reasoning:
                self._reasoned = True
            if choice.message is None or self._heard or not choice.message.content:
                return ""
            content = choice.message.content
        self._heard = True
        text = self._think.feed(content)
        if not text:
            self._reasoned = True
        return text

    def _show(self, text: str) -> str:
        if not self._shown:
            text = text.lstrip()
            self._shown = text != ""
        return text

    def _failure_of(self, chunk: _Chunk, data: bytes) -> BackendError | None:
        if chunk.error:
            return self._error(_loads(data))
        if chunk.base_resp is not None and chunk.base_resp.status_code != 0:
            upstream = Upstream(minimax=chunk.base_resp.status_code)
            return backend_error(self._profile, upstream)
        if chunk.choices is None and chunk.usage is None:
            body = _loads(data)
            if isinstance(body, dict) and (
                body.get("object") == "error" or body.get("type") == "error" or "detail" in body
            ):
                return self._error(body)
        return None

    def _error(self, body: Any) -> BackendError:
        return backend_error(self._profile, read_body(body))

    def _whole(self, raw: bytes) -> str:
        """A plain JSON body in place of a stream: an error, or a server that ignores `stream`."""
        text = self._take([Event(raw.lstrip(_BLANK))], last=True)
        if self.failure is None and not self.finished:
            if text:
                self._done = True
            else:
                self._events = 0  # neither an error that we know nor an answer
        return text

    def _fail(self, failure: BackendError) -> str:
        self.failure = failure
        self.over = True
        return ""

    # ------------------------------------------------------------ the end

    def _cut_off(self) -> BackendError:
        if self._events == 0 and (self._raw or self._content_type != "text/event-stream"):
            return _not_a_stream(self._profile, self._content_type)
        return _cut(self._profile, "neither finish_reason nor [DONE] came")

    def _empty(self) -> BackendError:
        name = self._profile.name
        if self._reason and _REASONS.get(self._reason) == "content_filter":
            return BackendError(ErrorCode.MODEL_REFUSED, f"{name} filtered the whole answer")
        if self._reasoned:
            return BackendError(
                ErrorCode.MODEL_EMPTY,
                f"{name} spent the whole answer on reasoning: raise max_tokens, or turn the "
                "model's reasoning off",
            )
        return BackendError(
            ErrorCode.MODEL_EMPTY,
            f"{name} answered without any text: the prompt may not fit the model's context "
            "(LM Studio answers so); check the context size it was loaded with",
        )

    def _cost(self) -> Usage:
        usage = self._usage
        if usage is None:
            return Usage()
        details = usage.prompt_tokens_details
        cached = details.cached_tokens if details is not None else usage.prompt_cache_hit_tokens
        read, written = usage.prompt_tokens or 0, usage.completion_tokens or 0
        cost = usage.cost
        if cost is None:
            profile = self._profile
            cost = (read * profile.input_price + written * profile.output_price) / 1e6
        return Usage(read, written, cached or 0, cost)


# ---------------------------------------------------------------- odd chunks


def _loads(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _repair(data: bytes) -> _Chunk | None:
    """A chunk of unusual types, with lone surrogates or with broken UTF-8; None if it is not a
    JSON object."""
    body = _loads(data)
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    reason = first.get("finish_reason") if isinstance(first, dict) else None
    choice = _Choice(
        _text_of(first, "delta"), reason if isinstance(reason, str) else None,
        _text_of(first, "message"),
    )  # fmt: skip
    base = body.get("base_resp")
    code = base.get("status_code") if isinstance(base, dict) else None
    try:
        usage = msgspec.convert(body.get("usage"), _Usage | None, strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError):  # a lone surrogate in a key
        usage = None
    return _Chunk(
        [choice] if isinstance(first, dict) else None,
        body.get("error"),
        usage,
        _BaseResp(code) if isinstance(code, int) else None,
    )


def _text_of(choice: Any, key: str) -> _Text | None:
    part = choice.get(key) if isinstance(choice, dict) else None
    if not isinstance(part, dict):
        return None
    content = part.get("content")
    if isinstance(content, str):
        # Lone surrogates cannot be sent on: pairs are joined, the rest is replaced.
        content = content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    else:
        content = None
    return _Text(content, part.get("reasoning_content"), part.get("reasoning"))


def _too_large(profile: Profile, error: EventTooLarge) -> BackendError:
    return BackendError(ErrorCode.MODEL_FAILED, f"{profile.name}: {error}; it was cut off")


def _unreadable(profile: Profile) -> BackendError:
    return BackendError(
        ErrorCode.MODEL_FAILED, f"{profile.name} sent a chunk that is not JSON; it was cut off"
    )


def _cut(profile: Profile, why: str) -> BackendError:
    return BackendError(ErrorCode.MODEL_FAILED, f"{profile.name}: the answer was cut off: {why}")


def _not_a_stream(profile: Profile, content_type: str) -> BackendError:
    return BackendError(
        ErrorCode.MODEL_FAILED,
        f"{profile.name} answered with {content_type or 'an untyped body'} instead of an event "
        "stream of chat completion chunks: check base_url (it ends in /v1 for most servers)",
    )
