"""The time limits of a stream, on a loop whose time is set by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from dialogue_protocol.codes import ErrorCode

from dialogue_server.backends import clocks
from dialogue_server.backends.clocks import Clocks, Timeouts

LIMITS = Timeouts(first_token=30, gap=20, turn=100)


class HandLoop:
    """As much of an event loop as the clocks need: a time and a list of timers."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, ring: Callable[[], None]) -> HandTimer:
        entry = (when, ring)
        self.timers.append(entry)
        return HandTimer(self, entry)

    def run_until(self, when: float) -> None:
        while due := [entry for entry in self.timers if entry[0] <= when]:
            entry = min(due, key=lambda entry: entry[0])
            self.timers.remove(entry)
            self.now = max(self.now, entry[0])
            entry[1]()
        self.now = when


class HandTimer:
    def __init__(self, loop: HandLoop, entry: tuple[float, Callable[[], None]]) -> None:
        self._loop, self._entry = loop, entry

    def cancel(self) -> None:
        if self._entry in self._loop.timers:
            self._loop.timers.remove(self._entry)


class Setup:
    def __init__(self, timeouts: Timeouts, loop: HandLoop) -> None:
        self.loop = loop
        self.clocks = Clocks(timeouts)
        self.rung: list[float] = []
        self.clocks.watch(lambda: self.rung.append(loop.now - 1000))

    def at(self, seconds: float) -> Clocks:
        self.loop.run_until(1000 + seconds)
        return self.clocks

    def text_at(self, seconds: float) -> None:
        self.at(seconds).text_came()


@contextmanager
def set_up(timeouts: Timeouts = LIMITS) -> Iterator[Setup]:
    loop = HandLoop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clocks.asyncio, "get_running_loop", lambda: loop)
        yield Setup(timeouts, loop)


def test_the_first_token_has_a_limit_of_its_own() -> None:
    with set_up() as setup:
        setup.at(200)
        assert setup.rung == [30]
        error = setup.clocks.error("plain")
        assert error.code is ErrorCode.MODEL_TIMEOUT
        assert error.detail == "plain: the first token did not come within 30 s"


def test_a_gap_is_counted_from_the_last_text() -> None:
    with set_up() as setup:
        setup.text_at(5)
        setup.text_at(24)
        setup.at(200)
        assert setup.rung == [44]
        assert "the next token did not come within 20 s" in setup.clocks.error("x").detail


def test_the_whole_turn_has_a_limit_even_while_text_flows() -> None:
    with set_up() as setup:
        for second in range(0, 99, 10):
            setup.text_at(second)
        setup.at(200)
        assert setup.rung == [100]
        assert "the whole answer" in setup.clocks.error("x").detail


def test_a_turn_shorter_than_the_first_token_limit_wins() -> None:
    with set_up(Timeouts(first_token=30, turn=10)) as setup:
        assert "the whole answer" in setup.clocks.error("x").detail
        setup.at(200)
        assert setup.rung == [10]


def test_what_is_still_waited_for_at_the_end_can_be_shortened() -> None:
    with set_up() as setup:
        setup.text_at(5)
        setup.at(10).shorten(2)
        setup.at(11).shorten(50)
        setup.at(200)
        assert setup.rung == [12]


def test_stopped_clocks_never_ring() -> None:
    with set_up() as setup:
        setup.text_at(5)
        setup.clocks.stop()
        setup.clocks.stop()
        setup.at(200)
        assert setup.rung == []
        assert setup.loop.timers == []


async def test_the_clocks_run_on_a_real_loop() -> None:
    rung = asyncio.Event()
    clock = Clocks(Timeouts(first_token=0.01))
    clock.watch(rung.set)
    async with asyncio.timeout(5):
        await rung.wait()
    assert clock.expired == "the first token"
