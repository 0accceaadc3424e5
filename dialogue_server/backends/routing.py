"""Several backends as one: retry, fallback chain, circuit breakers.

All of it only before the first text: once the player has seen a word, another model cannot go
on with it, so a later failure is passed on as it is. What to do next is decided purely (`Route`
and `Breaker` are told the time and the dice); `RoutingBackend` carries it out.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from dialogue_protocol.codes import ErrorCode
from msgspec import Struct, structs

from ..domain.prompt import Message
from ..errors import BackendError
from .base import Bill, Finished, ModelBackend, ModelRequest, Show

_SAME_AGAIN = frozenset(
    {
        ErrorCode.MODEL_UNREACHABLE,
        ErrorCode.MODEL_RATE_LIMITED,
        ErrorCode.MODEL_EMPTY,
        ErrorCode.MODEL_FAILED,
    }
)
"""What may go better on the same backend in a moment. A time-out is not among them: the player
has waited for it once."""

_NO_OTHER = frozenset({ErrorCode.MODEL_REFUSED, ErrorCode.SHUTTING_DOWN, ErrorCode.INTERNAL})
"""What another backend must not be asked about: a refusal for what was said is an answer."""

_ILL = frozenset(
    {
        ErrorCode.MODEL_UNREACHABLE,
        ErrorCode.MODEL_TIMEOUT,
        ErrorCode.MODEL_RATE_LIMITED,
        ErrorCode.MODEL_FAILED,
        ErrorCode.MODEL_UNAUTHORIZED,
        ErrorCode.MODEL_NO_CREDIT,
    }
)
"""What speaks against the backend rather than against the request."""


class Policy(Struct, frozen=True):
    """How stubborn to be. Times in seconds."""

    attempts: int = 3
    """On one backend, the first included."""
    first_wait: float = 0.5
    """Before the second attempt; doubled for each further one, with jitter."""
    longest_wait: float = 8.0
    """A backend that asks for more (Retry-After) is passed over in favour of the next."""
    patience: float = 20.0
    """No attempt starts later than this after the request."""
    failures: int = 5
    """In a row, after which a backend rests (and at least half as many as run beside them)."""
    rest: float = 30.0
    """Then one request tries whether it is well again."""


class Breaker:
    """Keeps requests away from a backend that fails. Pure: it is told the time.

    What fails at once and what breaks in mid-answer is counted apart, each in a row. A backend that
    begins to answer is well for the first count; only a whole answer says so for the second. Of
    many requests at a time the failures end first, so a row must also be half as long as what
    runs beside it.
    """

    __slots__ = ("_broken", "_failed", "_open", "_policy", "_running", "_trying", "_until")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._running = 0
        self._failed = 0
        self._broken = 0
        self._open = False
        self._until = 0.0
        self._trying = False

    def wait(self, now: float) -> float:
        """Seconds until a request may go through; 0 for now."""
        if not self._open:
            return 0.0
        if self._trying:
            return max(self._until - now, 1.0)  # one tries already: nobody knows how long
        return max(self._until - now, 0.0)

    def begin(self) -> None:
        """A request goes through. Then call exactly one of the last three."""
        self._running += 1
        self._trying = self._open

    def begun(self) -> None:
        """Its first text has come."""
        self._failed = 0

    def succeeded(self) -> None:
        """It was answered."""
        self._running -= 1
        self._failed = self._broken = 0
        self._open = self._trying = False

    def failed(self, error: BackendError, now: float, *, begun: bool = False) -> None:
        """It failed, after its first text if `begun`; only what speaks against the backend
        counts."""
        self._running -= 1
        self._trying = False
        if error.code in _ILL:
            if begun:
                self._broken += 1
            else:
                self._failed += 1
            row = max(self._failed, self._broken)
            self._open = self._open or row >= max(self._policy.failures, self._running / 2)
            self._until = now + max(self._policy.rest, min(error.retry_after, 120.0))

    def abandoned(self) -> None:
        """It was cancelled before it showed anything: that says nothing."""
        self._running -= 1
        self._trying = False


class Try(Struct, frozen=True):
    """Ask this backend."""

    index: int


class Wait(Struct, frozen=True):
    """Wait, then ask for the next step again."""

    seconds: float


class GiveUp(Struct, frozen=True):
    """Raise this error."""

    error: BackendError


class Route:
    """The way of one request through the chain. Pure: call `step`, carry it out, and report a
    failed attempt by `failed`."""

    __slots__ = ("_attempts", "_breakers", "_deadline", "_error", "_index", "_policy", "_wait")

    def __init__(self, policy: Policy, breakers: Sequence[Breaker], now: float) -> None:
        self._policy = policy
        self._breakers = breakers
        self._deadline = now + policy.patience
        self._index = 0
        self._attempts = 0
        self._wait = 0.0
        self._error: BackendError | None = None

    def step(self, now: float) -> Try | Wait | GiveUp:
        """What to do next."""
        if self._wait:
            wait, self._wait = self._wait, 0.0
            if now + wait <= self._deadline:
                return Wait(wait)
            self._next()
        while self._index < len(self._breakers):
            if now > self._deadline:
                break
            if self._breakers[self._index].wait(now) == 0.0:
                return Try(self._index)
            self._next()
        return GiveUp(self._error or self._resting(now))

    def failed(self, error: BackendError, dice: float) -> None:
        """The attempt that `step` ordered failed before its first text. `dice` in [0, 1)."""
        # The chain's first model is the one that the request was made for: its error says most.
        if self._error is None or error.code in _NO_OTHER:
            self._error = error
        self._attempts += 1
        if error.code in _NO_OTHER or (
            error.code is ErrorCode.MODEL_CONTEXT_OVERFLOW and self._index == 0
        ):
            # An overflow of the first is the engine's to mend: it trims and asks again.
            self._index = len(self._breakers)
        elif (
            error.code not in _SAME_AGAIN
            or self._attempts >= self._policy.attempts
            or error.retry_after > self._policy.longest_wait
        ):
            self._next()
        else:
            full = self._policy.first_wait * 2 ** (self._attempts - 1)
            backoff = min(full, self._policy.longest_wait) * (0.5 + dice / 2)
            self._wait = max(backoff, error.retry_after)

    def _next(self) -> None:
        self._index += 1
        self._attempts = 0

    def _resting(self, now: float) -> BackendError:
        wait = min(breaker.wait(now) for breaker in self._breakers)
        return BackendError(
            ErrorCode.MODEL_UNREACHABLE,
            "every model rests after failures in a row; see the errors before this one",
            retry_after=wait,
        )


class AttemptFailed(Struct, frozen=True):
    """For listeners: an attempt failed before its first text. `attempt` counts the request's,
    from 1."""

    backend: str
    attempt: int
    code: ErrorCode
    detail: str


class RoutingBackend:
    """A `ModelBackend` over a chain of others, the preferred one first.

    A request's `model` is meant for the first; the others are asked for their own.
    """

    def __init__(
        self,
        backends: Sequence[ModelBackend],
        policy: Policy | None = None,
        *,
        listen: Callable[[AttemptFailed], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        dice: Callable[[], float] = random.random,
    ) -> None:
        if not backends:
            raise ValueError("a route needs at least one backend")
        self._backends = tuple(backends)
        self._policy = policy or Policy()
        self._breakers = [Breaker(self._policy) for _ in backends]
        self._listen = listen
        self._clock = clock
        self._sleep = sleep
        self._dice = dice

    @property
    def name(self) -> str:
        """The names of the chain."""
        return "+".join(backend.name for backend in self._backends)

    @property
    def layout(self) -> Literal["standard", "compact"]:
        """The first's, for which prompts are made."""
        return self._backends[0].layout

    @property
    def context_tokens(self) -> int:
        """The first's, for which prompts are made."""
        return self._backends[0].context_tokens

    async def start(self) -> None:
        """Start all; an error only if none could be, and then the first's."""
        errors: list[BackendError] = []
        for backend in self._backends:
            try:
                await backend.start()
            except BackendError as error:
                errors.append(error)
        if len(errors) == len(self._backends):
            raise errors[0]

    async def warm(self, messages: tuple[Message, ...]) -> None:
        """Warm the one that would be asked now."""
        for backend, breaker in zip(self._backends, self._breakers, strict=True):
            if breaker.wait(self._clock()) == 0.0:
                await backend.warm(messages)
                return

    async def aclose(self) -> None:
        """Close all."""
        async with contextlib.AsyncExitStack() as stack:
            for backend in self._backends:
                stack.push_async_callback(backend.aclose)

    async def stream(self, request: ModelRequest, show: Show) -> Finished | None:
        """Ask along the chain until one begins to answer."""
        route = Route(self._policy, self._breakers, self._clock())
        attempts = 0
        shown = False

        def passed_on(text: str) -> bool:
            nonlocal shown
            if not shown:
                shown = True
                breaker.begun()
            return show(text)

        while True:
            match route.step(self._clock()):
                case GiveUp(error):
                    raise error
                case Wait(seconds):
                    await self._sleep(seconds)
                    continue
                case Try(index):
                    pass
            attempts += 1
            backend, breaker = self._backends[index], self._breakers[index]
            asked = request if index == 0 else structs.replace(request, model="")
            settled = False
            breaker.begin()
            if request.bill is not None:
                request.bill.is_free = False
            try:
                finished = await backend.stream(asked, passed_on)
                shown = True
                return finished
            except BackendError as error:
                settled = True
                breaker.failed(error, self._clock(), begun=shown)
                if shown:
                    raise
                route.failed(error, self._dice())
                if request.bill is not None:
                    _settle(request.bill, error)
                self._listen(AttemptFailed(backend.name, attempts, error.code, error.detail))
            finally:
                if not settled:
                    if shown:
                        breaker.succeeded()
                    else:
                        breaker.abandoned()


def _settle(bill: Bill, error: BackendError) -> None:
    """An attempt failed before its first text: nobody is asked now, whatever becomes of the
    request. What was too slow is charged all the same."""
    if error.code is ErrorCode.MODEL_TIMEOUT:
        bill.given_up.append(structs.replace(bill, given_up=[]))
    bill.is_free = True
