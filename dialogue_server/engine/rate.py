"""How fast a client may go: a token bucket, told the time."""

from __future__ import annotations

import math


class Bucket:
    """`rate` tokens a second flow in, up to `burst`; each message takes one, or more (`weight`). A
    `rate` of 0 means no limit.

    With `debt`, what is refused costs a token as well, so that a client which does not heed the
    refusals sinks deeper; at `-burst` the bucket is `broken` and stays so. A client that waits
    as long as it is told never comes near.
    """

    __slots__ = ("_at", "_burst", "_level", "_rate", "broken")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = max(1.0, burst)
        self._level = self._burst
        self._at = -math.inf
        self.broken = False

    def is_full(self, now: float) -> bool:
        """Whether at `now` nothing is missing."""
        return self._level + (now - self._at) * self._rate >= self._burst

    def take(self, now: float, *, debt: bool = False, weight: float = 1) -> float:
        """Take `weight` tokens (at most `burst`) at `now` (seconds). 0 if they were there, else the
        seconds until they are."""
        if not self._rate:
            return 0.0
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        weight = min(weight, self._burst)
        if self._level >= weight - 1e-9:  # who waited exactly as told is not refused by rounding
            self._level -= weight
            return 0.0
        if debt:
            self._level -= weight
            self.broken = self.broken or self._level <= -self._burst
        return (weight - self._level) / self._rate
