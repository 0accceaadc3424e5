"""The fair queue of turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from dialogue_protocol.codes import ErrorCode

from dialogue_server.engine import places as module
from dialogue_server.engine.places import Places
from dialogue_server.errors import BackendError, RequestError


class Turns:
    """Turns that ask for places, and what they were told."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.served: list[str] = []
        self.told: dict[str, list[int]] = {}
        self._release: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def ask(self, player: str, name: str) -> None:
        """A turn asks, and has a place or waits when this returns."""
        self.told[name] = []
        self._release[name] = asyncio.Event()

        async def run() -> None:
            since = await self.places.take(player, self.told[name].append)
            self.served.append(name)
            await self._release[name].wait()
            self.places.leave(player, since)

        self.tasks[name] = asyncio.create_task(run())
        await settle()

    async def end(self, name: str) -> None:
        self._release[name].set()
        await self.tasks[name]
        await settle()

    async def stop(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.wait(self.tasks.values())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_without_bounds_nobody_waits() -> None:
    turns = Turns(Places())
    for number in range(50):
        await turns.ask("ann", str(number))
    assert len(turns.served) == turns.places.running == 50
    turns.places.check("ann")
    await turns.stop()


async def test_players_are_served_in_turns_however_much_one_asks() -> None:
    turns = Turns(Places(turns=1))
    for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
        await turns.ask(name[0], name)
    for name in ("a1", "a2", "b1", "c1", "a3"):
        assert turns.served[-1] == name
        await turns.end(name)
    assert turns.served[-1] == "b2"
    await turns.end("b2")
    assert (turns.places.running, turns.places.waiting) == (0, 0)


async def test_a_player_has_no_more_turns_at_a_time_than_its_share_and_holds_up_nobody() -> None:
    turns = Turns(Places(turns=3, per_player=1))
    for name in ("a1", "a2", "b1"):
        await turns.ask(name[0], name)
    assert turns.served == ["a1", "b1"]
    await turns.ask("c", "c1")
    assert turns.served == ["a1", "b1", "c1"]
    await turns.end("b1")
    assert turns.served == ["a1", "b1", "c1"]
    await turns.end("a1")
    assert turns.served[-1] == "a2"
    await turns.stop()


async def test_a_newcomer_is_told_its_place_at_once_and_the_others_when_it_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TELL_EVERY", 0.02)
    turns = Turns(Places(turns=1))
    for name in ("a1", "a2", "a3", "b1"):
        await turns.ask(name[0], name)
    assert turns.told == {"a1": [], "a2": [1], "a3": [2], "b1": [2]}
    await until(lambda: turns.told["a3"] == [2, 3])
    await turns.end("a1")
    await turns.end("a2")
    await until(lambda: turns.told["a3"] == [2, 3, 1])
    await turns.end("b1")
    await turns.end("a3")
    assert turns.told["b1"][0] == 2
    await turns.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


async def test_a_full_queue_refuses_and_says_how_long_to_wait() -> None:
    now = 0.0
    turns = Turns(Places(turns=1, queue=4, clock=lambda: now))
    await turns.ask("z", "z1")
    now = 100.0
    await turns.end("z1")  # so turns take long here
    for name in ("a1", "a2"):
        turns.places.check("a")
        await turns.ask("a", name)
    with pytest.raises(RequestError, match="of this player") as caught:
        turns.places.check("a")
    for name in ("b", "c", "d"):
        turns.places.check(name)
        await turns.ask(name, name)
    with pytest.raises(RequestError, match=r"limits\.queue") as caught:
        turns.places.check("e")
    assert caught.value.code == ErrorCode.BUSY
    assert caught.value.retry_after == pytest.approx(4 * (1 + 0.1 * 99))
    await turns.stop()


async def test_who_leaves_the_queue_makes_no_gap_in_it() -> None:
    turns = Turns(Places(turns=1))
    for name in ("a1", "a2", "a3", "b1"):
        await turns.ask(name[0], name)
    for gone in ("b1", "a2"):
        turns.tasks[gone].cancel()
        await settle()
    assert turns.places.waiting == 1
    await turns.end("a1")
    assert turns.served == ["a1", "a3"]
    await turns.stop()
    assert turns.places.running == 1  # the test's own turn never gave it back


async def test_a_place_that_comes_in_the_moment_of_leaving_goes_to_the_next() -> None:
    turns = Turns(Places(turns=1))
    for name in ("a1", "b1", "c1"):
        await turns.ask(name[0], name)
    turns._release["a1"].set()
    await asyncio.sleep(0)  # a1 gives its place to b1, which has not woken yet
    turns.tasks["b1"].cancel()
    await settle()
    assert turns.served == ["a1", "c1"]
    await turns.end("c1")
    assert turns.places.running == 0


async def test_whoever_waits_too_long_gets_an_error_and_no_place() -> None:
    places = Places(turns=1, seconds=0.01)
    since = await places.take("a", lambda _: None)
    with pytest.raises(BackendError, match=r"limits\.queue_seconds") as caught:
        await places.take("b", lambda _: None)
    assert caught.value.code == ErrorCode.BUSY
    assert places.waiting == 0
    places.leave("a", since)
    assert places.running == 0


async def test_who_is_cancelled_in_the_very_moment_of_a_free_place_does_not_take_it_along() -> None:
    turns = Turns(Places(turns=1))
    since = await turns.places.take("cid", lambda _: None)
    await turns.ask("ann", "gone")
    await turns.ask("bob", "next")
    turns.tasks["gone"].cancel()
    turns.places.leave("cid", since)  # before the cancelled one has run
    await settle()
    assert turns.served == ["next"]
    assert (turns.places.running, turns.places.waiting) == (1, 0)
    await turns.end("next")
    assert turns.places.running == 0
