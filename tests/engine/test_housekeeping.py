"""Old branches are collected at the start and from time to time, and each time it is told."""

from __future__ import annotations

import asyncio

from dialogue_server.domain.conversation import ConversationKey, Node
from dialogue_server.engine.context import EngineContext
from dialogue_server.engine.housekeeping import DAY, collect_branches
from dialogue_server.engine.observer import BranchesCollected, Failure, Record
from dialogue_server.errors import StoreError
from dialogue_server.stores.memory import MemoryStore
from tests.fakes.steered import SteeredBackend
from tests.harness import WORLD

KEY = ConversationKey("ann", "tavern")
NOW = 100 * DAY


class FullDisk(MemoryStore):
    """Fails the first time."""

    failed = False

    async def collect(self, before: float) -> int:
        if not self.failed:
            self.failed = True
            raise StoreError("dialogue.db: database or disk is full.")
        return await super().collect(before)


async def told(store: MemoryStore, keep_days: float, times: int) -> list[Record]:
    """What the observer was told in so many rounds."""
    records: list[Record] = []
    done = asyncio.Event()

    def observe(record: Record) -> None:
        records.append(record)
        if len(records) >= times:
            done.set()

    context = EngineContext(
        world=WORLD,
        personas={},
        backend=SteeredBackend(),
        store=store,
        observe=observe,
        now=lambda: NOW,
    )
    task = asyncio.create_task(collect_branches(context, keep_days, every=0))
    async with asyncio.timeout(5):
        await done.wait()
    task.cancel()
    await asyncio.wait([task])
    return records[:times]


async def stored(store: MemoryStore) -> MemoryStore:
    for node, at in (("a", 1.0), ("b", 1.0), ("b2", NOW - DAY), ("b3", NOW)):
        parent = "" if node == "a" else "a"
        await store.append(KEY, Node(node, parent, "npc", "mira", "Hm.", at))
    return store


async def test_only_what_is_older_than_the_setting_says_is_deleted_and_its_number_told() -> None:
    store = await stored(MemoryStore())
    first, second = await told(store, 30.0, times=2)
    assert isinstance(first, BranchesCollected)
    assert (first.nodes, first.keep_days) == (1, 30.0)
    assert isinstance(second, BranchesCollected)
    assert second.nodes == 0
    assert await store.path(KEY, "b") == ()
    assert [node.id for node in await store.path(KEY, "b2")] == ["a", "b2"]


async def test_a_store_that_fails_is_told_and_tried_again() -> None:
    store = await stored(FullDisk())
    failure, collected = await told(store, 0.5, times=2)
    assert failure == Failure(
        where="collecting old branches", error="dialogue.db: database or disk is full."
    )
    assert isinstance(collected, BranchesCollected)
    assert collected.nodes == 2
