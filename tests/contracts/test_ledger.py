"""What every Ledger promises; one suite, run on each implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from dialogue_server.domain.budget import Amount, Entry
from dialogue_server.errors import StoreError
from dialogue_server.stores.base import Ledger
from dialogue_server.stores.memory_ledger import MemoryLedger
from dialogue_server.stores.redis import RedisStore
from dialogue_server.stores.redis_ledger import RedisLedger
from dialogue_server.stores.sqlite import SQLiteStore
from dialogue_server.stores.sqlite_ledger import SQLiteLedger
from tests.services.redis_server import empty, new_redis

DAY = "2026-11-24"
ACCOUNTS = ("player:ann", "npc:mira")
Open = Callable[[], Awaitable[Ledger]]


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = new_redis(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.close()


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def open_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens a ledger, each time as another process would; in memory there is only one."""
    stores: list[SQLiteStore | RedisStore] = []
    only = MemoryLedger()
    if request.param == "redis":
        await empty(request.getfixturevalue("redis_url"))

    async def open_one() -> Ledger:
        ledger: Ledger
        if request.param == "memory":
            return only
        if request.param == "sqlite":
            file = SQLiteStore(tmp_path / "t.db")
            ledger = SQLiteLedger(file)
            stores.append(file)
        else:
            shared = RedisStore(request.getfixturevalue("redis_url"))
            ledger = RedisLedger(shared)
            stores.append(shared)
        await stores[-1].start()
        await ledger.start()
        return ledger

    yield open_one
    for store in stores:
        await store.aclose()


@pytest.fixture
async def ledger(open_ledger: Open) -> Ledger:
    return await open_ledger()


def entry(name: str, day: str = DAY) -> Entry:
    return Entry(name, day, ACCOUNTS, Amount(100, 2000))


async def test_what_was_never_counted_is_nothing(ledger: Ledger) -> None:
    assert await ledger.spent(DAY, ACCOUNTS) == (Amount(), Amount())


async def test_a_reservation_counts_at_once_and_tells_what_was_there_before(
    ledger: Ledger,
) -> None:
    assert await ledger.reserve(entry("a")) == (Amount(), Amount())
    other = Entry("b", DAY, ("player:bob", "npc:mira"), Amount(1, 2))
    assert await ledger.reserve(other) == (Amount(), Amount(100, 2000))
    spent = await ledger.spent(DAY, ("player:ann", "player:bob", "npc:mira", "all:"))
    assert spent == (Amount(100, 2000), Amount(1, 2), Amount(101, 2002), Amount())


async def test_what_it_did_cost_takes_the_place_of_what_was_reserved(ledger: Ledger) -> None:
    await ledger.reserve(entry("a"))
    await ledger.reserve(entry("b"))
    await ledger.settle(entry("a"), Amount(30, 500))
    await ledger.settle(entry("b"), Amount(150, 9000))
    assert await ledger.spent(DAY, ACCOUNTS) == (Amount(180, 9500),) * 2


async def test_an_entry_counts_once_however_often_it_is_told(ledger: Ledger) -> None:
    for _ in range(3):
        assert await ledger.reserve(entry("a")) == (Amount(), Amount())
    for amount in (Amount(30, 500), Amount(31, 501)):
        await ledger.settle(entry("a"), amount)
    assert await ledger.spent(DAY, ACCOUNTS) == (Amount(30, 500),) * 2
    await ledger.reserve(entry("a"))
    assert await ledger.spent(DAY, ACCOUNTS) == (Amount(30, 500),) * 2


async def test_what_was_never_reserved_is_not_settled(ledger: Ledger) -> None:
    await ledger.settle(entry("a"), Amount(30, 500))
    assert await ledger.spent(DAY, ACCOUNTS) == (Amount(), Amount())


async def test_each_day_has_accounts_of_its_own_and_old_ones_go(ledger: Ledger) -> None:
    for day in ("2026-11-22", "2026-11-23", "2026-11-24"):
        assert await ledger.reserve(entry("a", day=day)) == (Amount(), Amount())
    await ledger.settle(entry("a", day="2026-11-23"), Amount(1, 1))  # past midnight
    assert await ledger.spent("2026-11-23", ACCOUNTS) == (Amount(1, 1),) * 2
    assert await ledger.spent("2026-11-24", ACCOUNTS) == (Amount(100, 2000),) * 2


async def test_names_and_sums_are_exact(ledger: Ledger) -> None:
    accounts = ("player:ann:t", "player:", "npc:Ä\n\0€ :m")
    most = Amount(2**40, 2**50)
    for number in range(3):
        await ledger.reserve(Entry(str(number), DAY, accounts, most))
    assert await ledger.spent(DAY, accounts) == (Amount(3 * 2**40, 3 * 2**50),) * 3


async def test_many_at_once_lose_nothing(open_ledger: Open) -> None:
    first, second = await open_ledger(), await open_ledger()

    async def talk(ledger: Ledger, name: str) -> None:
        await ledger.reserve(entry(name))
        await ledger.settle(entry(name), Amount(3, 7))

    await asyncio.gather(
        *(talk(first, f"a{number}") for number in range(50)),
        *(talk(second, f"b{number}") for number in range(50)),
        *(talk(second, f"a{number}") for number in range(50)),  # told to both: counted once
    )
    assert await first.spent(DAY, ACCOUNTS) == (Amount(300, 700),) * 2


async def test_a_new_process_finds_what_was_spent_and_what_a_dead_one_had_reserved(
    open_ledger: Open,
) -> None:
    dead = await open_ledger()
    await dead.reserve(entry("a"))
    await dead.settle(entry("a"), Amount(30, 500))
    await dead.reserve(entry("b"))
    fresh = await open_ledger()
    assert await fresh.spent(DAY, ACCOUNTS) == (Amount(130, 2500),) * 2


async def test_a_file_forgets_what_is_older_than_yesterday(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    ledger = SQLiteLedger(store)
    await store.start()
    await ledger.start()
    await ledger.reserve(entry("a", day="2026-11-22"))
    await ledger.reserve(entry("b", day="2026-11-24"))
    rows = await store.use(lambda db: db.execute("SELECT DISTINCT day FROM spent").fetchall())
    assert rows == [("2026-11-24",)]
    await store.aclose()


async def test_memory_forgets_what_is_older_than_yesterday() -> None:
    ledger = MemoryLedger()
    for day in ("2026-11-22", "2026-11-24"):
        await ledger.reserve(entry("a", day=day))
    assert await ledger.spent("2026-11-22", ACCOUNTS) == (Amount(), Amount())


async def test_failures_are_told_as_store_errors(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    await store.start()
    await store.aclose()
    away = RedisStore(f"unix://{tmp_path}/nobody.sock", timeout=0.05)
    for ledger in (SQLiteLedger(store), RedisLedger(away)):
        with pytest.raises(StoreError):
            await ledger.reserve(entry("a"))
    await away.aclose()
