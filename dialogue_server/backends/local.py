"""The embedded model: a child process that is started, guarded and restarted.

    stopped ──start──▶ running ──the process ends──▶ waiting ──(backoff)──▶ running
                          └──────── aclose ────────▶ closed

The child (local_child.py) serves llama.cpp's OpenAI-compatible API on a loopback port that
needs a random key; it is spoken to like any other service. It is tied to this process by its
stdin: when this process is gone, however that came about, so is the child.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import Literal

from dialogue_protocol.codes import ErrorCode
from msgspec import structs

from ..domain import compact_layout
from ..domain.prompt import Message
from ..errors import BackendError
from .base import Finished, ModelRequest, Show
from .clocks import Timeouts
from .local_child import ChildConfig
from .local_process import LocalProcess, available_cores
from .openai_http import OpenAIBackend
from .profiles import PROFILES
from .weights import Found

_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.25, 30.0
_HEALTHY_SECONDS = 60.0
"""A child that lived this long is restarted without delay again."""
_NOTICE_SECONDS = 2.0
"""How long after a broken stream the end of its process may show."""
# Nothing is far away, but a prompt may wait for a slot while others are read.
_TIMEOUTS = Timeouts(connect=5.0, first_token=60.0, gap=20.0, turn=180.0)


class LocalBackend:
    """A `ModelBackend` on this machine's processor.

    `threads` 0: all cores but one, since with all of them anything else that runs costs three
    quarters of the speed. `parallel` answers are computed side by side, each with `context`
    tokens for prompt and answer. `wait_seconds` is how long a turn waits for a restart.
    """

    def __init__(
        self,
        found: Found,
        *,
        threads: int = 0,
        parallel: int = 2,
        context: int = 2048,
        cache_mib: int = 256,
        layout: Literal["compact", "standard"] = "compact",
        timeouts: Timeouts = _TIMEOUTS,
        wait_seconds: float = 30.0,
    ) -> None:
        self._found = found
        self._timeouts = timeouts
        self._wait_seconds = wait_seconds
        self._key = secrets.token_urlsafe(32)
        self._config = ChildConfig(
            model=str(found.path.absolute()),
            api_key=self._key,
            threads=threads or max(1, available_cores() - 1),
            context_tokens=context,
            slots=parallel,
            cache_mib=cache_mib,
            chat_template=found.chat_template,
        )
        base = PROFILES["local"]
        small = {"min_p": compact_layout.MIN_P, "repeat_penalty": compact_layout.REPEAT_PENALTY}
        self._profile = structs.replace(
            base,
            context_tokens=context,
            layout=layout,
            temperature=compact_layout.TEMPERATURE if layout == "compact" else base.temperature,
            extra=base.extra | (small if layout == "compact" else {}),
        )
        self._process: LocalProcess | None = None
        self._http: OpenAIBackend | None = None
        self._up = asyncio.Event()
        self._guard: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._last_error: BackendError | None = None
        self._closed = False

    @property
    def name(self) -> str:
        """For logs and metrics."""
        return f"local/{self._found.weights.name if self._found.weights else self._found.path.stem}"

    @property
    def layout(self) -> Literal["standard", "compact"]:
        """How a prompt for this model is laid out."""
        return self._profile.layout

    @property
    def context_tokens(self) -> int:
        """How much fits into prompt and answer together."""
        return self._config.context_tokens

    @property
    def pid(self) -> int:
        """The child's process id; 0 while there is none."""
        return self._process.pid if self._process else 0

    @property
    def load_seconds(self) -> float:
        """How long the child took to load the model; 0 while there is none."""
        return self._process.load_seconds if self._process else 0.0

    async def start(self) -> None:
        """Start the child and load the model. Raises a BackendError that says what to do."""
        async with self._starting:
            if self._closed:
                raise self._closed_error()
            if self._guard is None:
                await self._launch()
                self._guard = asyncio.create_task(self._keep_alive(), name="embedded model")

    async def stream(self, request: ModelRequest, show: Show) -> Finished | None:
        """Ask the model. See base.py for what is promised. Where a prompt for a tiny model comes
        down to an authored line, that line is the answer, and no model is asked."""
        if self._closed:
            raise self._closed_error()
        if compact_layout.is_authored(request.messages, request.authored):
            if request.bill is not None:
                request.bill.is_free = True
            return Finished() if show(request.authored) else None
        begun = False

        def passed_on(text: str) -> bool:
            nonlocal begun
            begun = True
            return show(text)

        for last in (False, True):
            process, http = await self._running()
            try:
                return await http.stream(request, passed_on)
            except BackendError as error:
                if self._closed:
                    raise self._closed_error() from error
                if not await self._has_ended(process, error):
                    raise
                if begun or last:
                    raise BackendError(
                        ErrorCode.MODEL_FAILED,
                        f"the embedded model's process ended in mid-answer ({process.obituary}); "
                        "it is being started again",
                    ) from error
        raise AssertionError  # the second attempt returns or raises

    async def warm(self, messages: tuple[Message, ...]) -> None:
        """Read a prompt's beginning into the cache; never raises."""
        if messages and not self._closed:
            with contextlib.suppress(BackendError):
                await self.stream(ModelRequest(messages=messages, max_tokens=1), lambda _: True)

    async def aclose(self) -> None:
        """End running streams, and the child at once, also in mid-generation. Idempotent."""
        self._closed = True
        self._up.set()  # whoever waits for a restart learns that there is none
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await guard
        await self._discard()

    async def _running(self) -> tuple[LocalProcess, OpenAIBackend]:
        """The child and the way to it; waits while it is being restarted."""
        if self._guard is None and not self._closed:
            await self.start()
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._up.wait()
        except TimeoutError:
            raise self._last_error or BackendError(
                ErrorCode.MODEL_TIMEOUT, "the embedded model is still loading; try again soon"
            ) from None
        if self._closed or self._process is None or self._http is None:
            raise self._closed_error()
        return self._process, self._http

    async def _has_ended(self, process: LocalProcess, error: BackendError) -> bool:
        """Whether the stream broke because its process ended; from then on, turns wait."""
        if error.code not in (ErrorCode.MODEL_UNREACHABLE, ErrorCode.MODEL_FAILED):
            return False
        if not await process.wait(_NOTICE_SECONDS):
            return False
        if process is self._process:
            self._up.clear()
        return True

    async def _launch(self) -> None:
        process = LocalProcess(self._config, self._found.path.name)
        await process.start()
        self._process = process
        self._http = OpenAIBackend(
            self._profile,
            name=self.name,
            base_url=f"http://127.0.0.1:{process.port}/v1",
            api_key=self._key,
            timeouts=self._timeouts,
        )
        self._up.set()

    async def _discard(self) -> None:
        http, self._http = self._http, None
        process, self._process = self._process, None
        if http is not None:
            await http.aclose()
        if process is not None:
            await process.stop()

    async def _keep_alive(self) -> None:
        """Start the child again whenever it ends, more and more slowly if it keeps ending."""
        clock = asyncio.get_running_loop().time
        backoff = 0.0
        while True:
            began = clock()
            if self._process is not None:
                await self._process.wait()
            self._up.clear()
            await self._discard()
            if clock() - began > _HEALTHY_SECONDS:
                backoff = 0.0
            await asyncio.sleep(backoff)
            backoff = min(max(_FIRST_BACKOFF, 2 * backoff), _LONGEST_BACKOFF)
            try:
                await self._launch()
            except BackendError as error:
                self._last_error = error

    def _closed_error(self) -> BackendError:
        return BackendError(ErrorCode.SHUTTING_DOWN, f"{self.name} is closed")
