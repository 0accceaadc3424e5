"""A model behind an OpenAI-compatible HTTP API.

The thin shell around pure parts: profiles.py writes the request, openai_chunks.py gives the bytes
of the answer a meaning, openai_errors.py reads refusals, http_client.py owns the connections, and
clocks.py the time limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from dialogue_protocol.codes import ErrorCode

from ..domain.prompt import Message
from ..errors import BackendError, SettingsError
from .base import Bill, Finished, ModelRequest, Show
from .clocks import Clocks, Timeouts
from .http_client import Body, HttpClient, Reply
from .openai_chunks import Answer
from .openai_errors import Upstream, adapt, backend_error, read_response
from .profiles import Profile, build_body, resolve

_DEFAULT_TIMEOUTS = Timeouts()
_MAX_ERROR_BYTES = 64 * 1024
_ERROR_BODY_SECONDS = 1.0
_MAX_ADAPTATIONS = 3
_GRACE_FOR_USAGE = 2.0
"""Seconds to wait for the usage once the answer is complete, and then for [DONE]."""
_GRACE_FOR_DONE = 0.25
_DRAIN = 0.05


class OpenAIBackend:
    """A `ModelBackend` over HTTP. Needs a running event loop from the first request on."""

    def __init__(
        self,
        profile: Profile,
        *,
        name: str = "",
        base_url: str = "",
        model: str = "",
        api_key: str = "",
        timeouts: Timeouts = _DEFAULT_TIMEOUTS,
        max_connections: int = 1000,
        max_event_bytes: int = 1 << 20,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`profile` says how the service is asked; `base_url`, `model` and `api_key` are the
        profile's where empty (the key: none). Raises a SettingsError for an address or a key
        that cannot be."""
        self._name = name or profile.name
        self._base_url = _checked_url(base_url or profile.base_url, self._name)
        self._service = profile
        self._default = model or profile.model
        self._key = _checked_key(api_key, profile)
        self._timeouts = timeouts
        self._max_connections = max_connections
        self._max_event_bytes = max_event_bytes
        self._clock = clock
        self._client: HttpClient | None = None
        self._profiles: dict[str, Profile] = {}
        self._bodies: set[Body] = set()
        self._drains: set[asyncio.Task[None]] = set()
        self._closed = False

    def __repr__(self) -> str:
        return (
            f"OpenAIBackend(name={self._name!r}, base_url={self._base_url!r}, "
            f"model={self._default!r})"
        )

    @property
    def name(self) -> str:
        """For logs and metrics."""
        return self._name

    @property
    def profile(self) -> Profile:
        """What is known of the default model, what it has refused included."""
        return self._profile_of("")

    @property
    def layout(self) -> Literal["standard", "compact"]:
        """How a prompt for this model is laid out."""
        return self.profile.layout

    @property
    def context_tokens(self) -> int:
        """How much fits into prompt and answer together."""
        return self.profile.context_tokens

    async def start(self) -> None:
        """Check that there is a key where one is needed. Opens no connection."""
        self._require_key()

    async def warm(self, messages: tuple[Message, ...]) -> None:
        """Let the service read a prompt ahead, where that is free; never raises."""
        if not messages or not self.profile.warm or self._closed:
            return
        with contextlib.suppress(BackendError):
            await self.stream(ModelRequest(messages=messages, max_tokens=1), lambda _: True)

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        self._closed = True
        for body in self._bodies:
            body.close()
        if self._drains:
            await asyncio.wait(self._drains)
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def stream(self, request: ModelRequest, show: Show) -> Finished | None:
        """Ask the model. See base.py for what is promised; blanks before the first letter are
        left out, and so is reasoning."""
        if self._closed:
            raise self._closed_error()
        if not request.messages:
            raise BackendError(
                ErrorCode.MODEL_BAD_REQUEST,
                "the prompt has no messages: some models would invent one; assemble a prompt",
            )
        self._require_key()
        if request.bill is not None:
            self._fill_in(request.bill, self._profile_of(request.model))
        clocks, began = Clocks(self._timeouts), time.monotonic()
        reply = await self._open(request, clocks)
        if request.bill is not None:
            request.bill.connect_seconds = time.monotonic() - began
        body = reply.body
        profile = self._profile_of(request.model)
        answer = Answer(profile, reply.headers.get("content-type", ""), self._max_event_bytes)
        enough = False

        def take(data: bytes) -> bool:
            nonlocal enough
            text = answer.feed(data)
            if text:
                clocks.text_came()
                if not show(text):
                    enough = True
                    return False
            if answer.over:
                return False
            if answer.finished:
                clocks.shorten(_GRACE_FOR_DONE if answer.has_usage else _GRACE_FOR_USAGE)
            return True

        clocks.watch(body.close)
        self._bodies.add(body)
        drains = False
        try:
            try:
                await body.pour(take)
            except BackendError as error:
                if answer.finished:
                    pass  # the model had said all
                elif clocks.expired:
                    raise clocks.error(self._name) from error
                elif self._closed:
                    raise self._closed_error() from error
                else:
                    raise
            if enough or ((text := answer.end()) and not show(text)):
                return None
            finished = answer.finish()
            drains = not body.is_over
            return finished
        finally:
            clocks.stop()
            if drains:
                task = asyncio.create_task(self._let_go(body), name="end of a body")
                self._drains.add(task)
                task.add_done_callback(self._drains.discard)
            else:
                self._bodies.discard(body)
                body.close()

    async def _let_go(self, body: Body) -> None:
        """Read what is left of a body that the turn does not wait for."""
        try:
            await body.drain(_DRAIN)
        finally:
            self._bodies.discard(body)
            body.close()

    async def _open(self, request: ModelRequest, clocks: Clocks) -> Reply:
        """The response with its headers; asks again without what the service refused."""
        try:
            async with asyncio.timeout_at(clocks.first_token):
                adaptations = 0
                while True:
                    profile = self._profile_of(request.model)
                    body = msgspec.json.encode(build_body(request, profile))
                    reply = await self._http().post(profile.path, body)
                    if reply.status == 200:
                        return reply
                    upstream = await self._refusal(reply)
                    adapted = adapt(profile, upstream)
                    adaptations += 1
                    if adapted is None or adaptations > _MAX_ADAPTATIONS:
                        raise backend_error(profile, upstream)
                    self._profiles[request.model] = adapted
        except TimeoutError:
            raise clocks.error(self._name) from None
        except BackendError as error:
            if self._closed:
                raise self._closed_error() from error
            raise

    async def _refusal(self, reply: Reply) -> Upstream:
        parts: list[bytes] = []
        size = 0
        try:
            # The status alone says a good deal, so a body that does not come is no matter.
            with contextlib.suppress(BackendError, TimeoutError):
                async with asyncio.timeout(_ERROR_BODY_SECONDS):
                    while size < _MAX_ERROR_BYTES and (part := await reply.body.read()):
                        parts.append(part)
                        size += len(part)
        finally:
            reply.body.close()
        return read_response(reply.status, reply.headers, b"".join(parts), self._clock())

    def _http(self) -> HttpClient:
        if self._client is None:
            profile = self._service
            headers = {
                **profile.headers,
                "Accept": "text/event-stream",
                "Content-Type": "application/json",
                "User-Agent": "dialogue-server",
            }
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._client = HttpClient(
                self._name,
                self._base_url,
                headers=headers,
                connect_timeout=self._timeouts.connect,
                max_connections=self._max_connections,
                keepalive=profile.keepalive,
            )
        return self._client

    def _profile_of(self, model: str) -> Profile:
        profile = self._profiles.get(model)
        if profile is None:
            profile = resolve(self._service, model or self._default)
            self._profiles[model] = profile
        return profile

    def _fill_in(self, bill: Bill, profile: Profile) -> None:
        model = profile.model if profile.model != self._name else ""
        bill.backend = f"{self._name}:{model}" if model else self._name
        bill.input_price, bill.output_price = profile.input_price, profile.output_price
        bill.bills_on = not profile.cancel_stops_billing

    def _closed_error(self) -> BackendError:
        return BackendError(ErrorCode.SHUTTING_DOWN, f"{self._name} is closed")

    def _require_key(self) -> None:
        profile = self._service
        if profile.key_required and not self._key:
            raise BackendError(
                ErrorCode.MODEL_UNAUTHORIZED,
                f"no key for {self._name}: set the environment variable {profile.key_env} and "
                "start the server again",
            )


def _checked_url(url: str, name: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(
            f"{name} needs a base_url such as http://127.0.0.1:8080/v1, got {parts.geturl()!r}"
            if url and "@" not in url
            else f"{name} needs a base_url such as http://127.0.0.1:8080/v1"
        )
    if parts.username or parts.password or parts.query:
        raise SettingsError(f"{name}: base_url must hold no user, password or query; use the key")
    return url.rstrip("/")


def _checked_key(key: str, profile: Profile) -> str:
    key = key.strip()
    if not key.isascii() or any(letter.isspace() or not letter.isprintable() for letter in key):
        where = profile.key_env or "its source"
        raise SettingsError(
            f"the key for {profile.name} has a character that no key has: check {where}"
        )
    return key
