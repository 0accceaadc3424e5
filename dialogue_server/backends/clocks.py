"""The time limits of one streamed answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dialogue_protocol.codes import ErrorCode
from msgspec import Struct

from ..errors import BackendError


class Timeouts(Struct, frozen=True):
    """How long each stage may take, in seconds. `first_token` runs from the request to the first
    text, `gap` between two texts, `turn` from the request to the end; keep-alive comments and
    empty chunks do not count as text."""

    connect: float = 10.0
    first_token: float = 30.0
    gap: float = 20.0
    turn: float = 120.0


class Clocks:
    """The time limits of one stream, kept by one timer that mostly sleeps.

    Reading costs no timer per chunk: `text_came` notes the time, and the timer, when it goes off,
    looks whether the limit was really reached. A limit that was reached closes the connection,
    and who reads from it fails.
    """

    __slots__ = ("_expire", "_gap", "_handle", "_loop", "_since", "_timeouts", "expired",
                 "first_token", "turn")  # fmt: skip

    def __init__(self, timeouts: Timeouts) -> None:
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._timeouts = timeouts
        self._gap = timeouts.gap
        self.turn = now + timeouts.turn
        self.first_token = min(now + timeouts.first_token, self.turn)
        """When the first text is due, in the loop's time."""
        self._since = -1.0  # when the wait for the next text began; -1 before the first
        self._expire: Callable[[], None] | None = None
        self._handle: asyncio.TimerHandle | None = None
        self.expired = ""
        """Which limit was reached."""

    def watch(self, expire: Callable[[], None]) -> None:
        """Start; `expire` is called once when a limit is reached."""
        self._expire = expire
        self._arm()

    def text_came(self) -> None:
        """A text has come: from now on the next is waited for."""
        first, self._since = self._since < 0, self._loop.time()
        if first:
            self._rearm()

    def shorten(self, gap: float) -> None:
        """From now on, wait at most `gap` seconds for more."""
        if gap < self._gap:
            self._gap = gap
            self._since = self._loop.time()
            self._rearm()

    def stop(self) -> None:
        """No limit holds any more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def error(self, name: str) -> BackendError:
        """The error of the limit that was reached."""
        what = self.expired or self._due()[1]
        limits = {
            "the first token": self._timeouts.first_token,
            "the next token": self._timeouts.gap,
            "the whole answer": self._timeouts.turn,
        }
        return BackendError(
            ErrorCode.MODEL_TIMEOUT,
            f"{name}: {what} did not come within {limits[what]:g} s",
        )

    def _due(self) -> tuple[float, str]:
        if self._since < 0:
            due, what = self.first_token, "the first token"
        else:
            due, what = self._since + self._gap, "the next token"
        return (due, what) if due < self.turn else (self.turn, "the whole answer")

    def _rearm(self) -> None:
        self.stop()
        self._arm()

    def _arm(self) -> None:
        due, _ = self._due()
        self._handle = self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        due, what = self._due()
        if self._loop.time() < due:
            self._arm()
            return
        self._handle = None
        self.expired = what
        assert self._expire is not None
        self._expire()
