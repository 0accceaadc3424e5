"""What one player may send in all of its sessions together (limits.messages_per_second and
limits.lines_per_minute, which each session has for itself as well)."""

from __future__ import annotations

from .rate import Bucket

_KEPT = 1024
"""So many buckets are kept before those that are full again are dropped."""


class Allowance:
    """A bucket for each name: `rate` a second in the long run, `burst` at once. A rate of 0 means
    no limit."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[str, Bucket] = {}
        self._most = _KEPT

    def take(self, name: str, now: float, weight: float = 1) -> float:
        """Take `weight` at `now` (seconds): 0, or the seconds until they are there."""
        if not self._rate:
            return 0.0
        bucket = self._buckets.get(name)
        if bucket is None:
            self._forget(now)
            bucket = self._buckets[name] = Bucket(self._rate, self._burst)
        return bucket.take(now, weight=weight)

    def _forget(self, now: float) -> None:
        """A full bucket says nothing that a new one does not."""
        if len(self._buckets) >= self._most:
            kept = {name: each for name, each in self._buckets.items() if not each.is_full(now)}
            self._buckets = kept
            self._most = max(_KEPT, 2 * len(kept))
