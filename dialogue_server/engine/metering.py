"""What requests to models cost: what the provider says, else an estimate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dialogue_protocol.codes import ErrorCode
from msgspec import structs

from ..backends.base import Bill, ModelRequest, Usage
from ..domain.tokens import estimate
from ..errors import BackendError


class Meter:
    """Adds up the requests of one turn. For each: `begin`, ask with what it returns, `end`."""

    __slots__ = ("_asked", "_most", "bill", "spent")

    def __init__(self) -> None:
        self.bill = Bill()
        """Of the newest request."""
        self.spent = Usage()
        self._most = 0
        self._asked = 0.0

    @property
    def connected(self) -> float:
        """When the newest request was accepted, by the clock of `begin`; 0 where nobody told."""
        return self._asked + self.bill.connect_seconds if self.bill.connect_seconds else 0.0

    def begin(self, request: ModelRequest, now: float = 0.0) -> ModelRequest:
        """The request, made `now`, with a bill that its backend fills in."""
        self.bill = Bill()
        self._asked = now
        self._most = request.max_tokens
        return structs.replace(request, bill=self.bill)

    def end(
        self,
        usage: Usage | None,
        said: Sequence[str],
        prompt_tokens: int,
        error: BackendError | None = None,
    ) -> None:
        """A request is over: finished with a usage, failed with an error, or stopped with
        neither. `said` is what had come of the answer; `prompt_tokens` an estimate."""
        self.spent = self.spent.plus(
            reckon(self.bill, usage, "".join(said), prompt_tokens, self._most, error)
        )
        for slow in self.bill.given_up:
            self.spent = self.spent.plus(reckon(slow, None, "", prompt_tokens, self._most))


class Gaps:
    """The time between the pieces of an answer, in seconds of `clock`. `piece` is called for each
    of them, so it does next to nothing."""

    __slots__ = ("_clock", "_count", "_first", "_last", "_longest")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._count = 0
        self._first = self._last = self._longest = 0.0

    def piece(self) -> None:
        """A piece has come."""
        now = self._clock()
        if self._count:
            gap = now - self._last
            if gap > self._longest:  # noqa: PLR1730 - max() takes twice as long
                self._longest = gap
        else:
            self._first = now
        self._last = now
        self._count += 1

    @property
    def first(self) -> float:
        """When the first piece came, by the clock; 0 before it."""
        return self._first

    @property
    def mean_ms(self) -> int:
        """The mean gap; 0 where there was none."""
        gaps = max(1, self._count - 1)
        return round(1000 * (self._last - self._first) / gaps)

    @property
    def longest_ms(self) -> int:
        """The longest gap."""
        return round(1000 * self._longest)


def in_ms(began: float, moments: Mapping[str, float]) -> dict[str, float]:
    """Moments in milliseconds since a turn began, without those that did not come."""
    return {name: round(1000 * (at - began), 2) for name, at in moments.items() if at}


def timings(began: float, moments: Mapping[str, float], meter: Meter) -> dict[str, Any]:
    """Moments of a turn in milliseconds since it began, without those that did not come, and
    who answered at what cost in dollars, where it cost anything."""
    told: dict[str, Any] = in_ms(began, moments)
    if meter.bill.backend:
        told["model"] = meter.bill.backend
    if meter.spent.cost:
        told["dollars"] = meter.spent.cost
    return told


def reckon(
    bill: Bill,
    usage: Usage | None,
    said: str,
    prompt_tokens: int,
    most: int,
    error: BackendError | None = None,
) -> Usage:
    """What a request cost. A provider that bills on writes an interrupted answer to its end, which
    nobody sees: so it counts as `most`, its longest. What fails before its first word costs
    nothing, unless it was given up for its slowness."""
    if usage is not None and (usage.input_tokens or usage.output_tokens):
        return usage
    failed = error is not None and not said and error.code is not ErrorCode.MODEL_TIMEOUT
    if bill.is_free or failed:
        return Usage()
    written = estimate(said)
    if usage is None and bill.bills_on:
        written = max(written, most)
    cost = usage.cost if usage is not None else 0.0
    cost = cost or (prompt_tokens * bill.input_price + written * bill.output_price) / 1e6
    return Usage(prompt_tokens, written, 0, cost)
