"""Room for a bounded number of turns, and a fair queue for those that wait.

Waiting players are served in rounds, one turn each: a player who asks for many holds up nobody
but itself. The bounds are those of one server; each of several has its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator

from dialogue_protocol.codes import ErrorCode

from ..errors import BackendError, RequestError

TELL_EVERY = 1.0
"""Seconds between two messages to a player about a changed position."""
SHARE = 4
"""No player may fill more than this part (a quarter) of the queue."""


class _Waiting:
    """A turn that waits. `told` is the position that its player knows."""

    __slots__ = ("granted", "tell", "told")

    def __init__(self, tell: Callable[[int], None]) -> None:
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tell = tell
        self.told = 0


class Places:
    """`turns` run at a time, `per_player` of them for one player; `queue` wait, each at most
    `seconds`. 0 means no bound. After `take`, call `leave` exactly once."""

    def __init__(
        self,
        turns: int = 0,
        per_player: int = 0,
        queue: int = 0,
        seconds: float = 0.0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._turns = turns
        self._per_player = per_player
        self._queue = queue
        self._seconds = seconds
        self._clock = clock
        self._running: Counter[str] = Counter()
        self._count = 0
        self._waiting: dict[str, deque[_Waiting]] = {}
        """By player, in the order in which players are served next."""
        self._timer: asyncio.TimerHandle | None = None
        self._mean = 1.0

    @property
    def running(self) -> int:
        """Turns that have a place."""
        return self._count

    @property
    def waiting(self) -> int:
        """Turns that wait for one."""
        return sum(map(len, self._waiting.values()))

    def check(self, player: str) -> None:
        """Raise a RequestError (BUSY) that says how long to wait if the queue is full for a
        player."""
        if not self._queue or self._has_room(player):
            return
        own = len(self._waiting.get(player, ()))
        if self.waiting >= self._queue:
            why = f"{self._queue} turns wait already (limits.queue)"
        elif own >= max(1, self._queue // SHARE):
            why = f"{own} turns of this player wait already, a quarter of limits.queue"
        else:
            return
        raise RequestError(
            ErrorCode.BUSY,
            f"The server is busy: {why}; wait retry_after_ms.",
            retry_after=max(1.0, self._mean * self.waiting / max(1, self._turns)),
        )

    async def take(self, player: str, tell: Callable[[int], None]) -> float:
        """Wait for a place; returns the time (of the clock) at which it was had. `tell` is called
        with the position whenever it has changed. A BackendError (BUSY) for one that has waited
        too long."""
        if self._has_room(player) and player not in self._waiting:
            self._count += 1
            self._running[player] += 1
            return self._clock()
        entry = _Waiting(tell)
        self._waiting.setdefault(player, deque()).append(entry)
        self._tell()
        try:
            async with asyncio.timeout(self._seconds or None):
                await entry.granted
        except BaseException as error:
            if entry.granted.done() and not entry.granted.cancelled():
                self.leave(player, self._clock())  # granted at the very moment
            else:
                self._withdraw(player, entry)
            if isinstance(error, TimeoutError):
                raise BackendError(
                    ErrorCode.BUSY,
                    f"The turn waited {self._seconds:g} s for a place (limits.queue_seconds); the "
                    "server has too many turns (limits.turns) or models that are too slow.",
                ) from None
            raise
        return self._clock()

    @contextlib.asynccontextmanager
    async def place(self, player: str, tell: Callable[[int], None]) -> AsyncIterator[float]:
        """`take` and `leave` around what has the place."""
        since = await self.take(player, tell)
        try:
            yield since
        finally:
            self.leave(player, since)

    def leave(self, player: str, since: float) -> None:
        """Give a place back that was had `since`; the next in the queue gets it."""
        self._mean += 0.1 * (self._clock() - since - self._mean)
        self._count -= 1
        self._running[player] -= 1
        if not self._running[player]:
            del self._running[player]
        self._grant()

    def _has_room(self, player: str) -> bool:
        if self._turns and self._count >= self._turns:
            return False
        return not self._per_player or self._running[player] < self._per_player

    def _grant(self) -> None:
        """Give free places to those who wait, a player at a time."""
        while player := next((name for name in self._waiting if self._has_room(name)), None):
            queue = self._waiting.pop(player)
            entry = queue.popleft()
            if queue:
                self._waiting[player] = queue  # behind the others
            if entry.granted.done():
                continue  # cancelled, and about to withdraw
            self._count += 1
            self._running[player] += 1
            entry.granted.set_result(None)

    def _withdraw(self, player: str, entry: _Waiting) -> None:
        queue = self._waiting.get(player, deque())
        if entry in queue:  # else a free place has passed it by already
            queue.remove(entry)
            if not queue:
                del self._waiting[player]

    def _in_order(self) -> Iterator[_Waiting]:
        """Those who wait in the order in which places would come to them."""
        queues = list(self._waiting.values())
        for place in range(max(map(len, queues), default=0)):
            for queue in queues:
                if place < len(queue):
                    yield queue[place]

    def _tell(self) -> None:
        """Tell newcomers at once where they stand, and all the others as long as anybody waits,
        but not at every change."""
        due = self._timer is None
        for position, entry in enumerate(self._in_order(), 1):
            if entry.told != position and (due or not entry.told):
                entry.told = position
                entry.tell(position)
        if due and self._waiting:
            self._timer = asyncio.get_running_loop().call_later(TELL_EVERY, self._tell_again)

    def _tell_again(self) -> None:
        self._timer = None
        self._tell()
