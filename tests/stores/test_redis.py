"""Redis when it is slow, full, restarted or gone; and what two servers do to one conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis.exceptions

from dialogue_server.domain.conversation import Checkpoint, ConversationKey, Node
from dialogue_server.errors import StoreError
from dialogue_server.stores.redis import CONNECTIONS, RedisStore
from tests.services.redis_server import RedisServer, new_redis

KEY = ConversationKey("ann", "inn")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = new_redis(tmp_path / "redis")
    yield server
    server.close()


@pytest.fixture
async def store(server: RedisServer) -> AsyncIterator[RedisStore]:
    store = RedisStore(server.url, timeout=0.2)
    await store.start()
    yield store
    await store.aclose()


def said(node: str, parent: str = "", line: str = "", text: str = "Hello?") -> Node:
    return Node(node, parent, "player", "Ann", text, 1.0, line=line)


async def test_a_server_that_cannot_be_reached_is_named_and_its_password_is_not() -> None:
    store = RedisStore("redis://:secret@127.0.0.1:1/0", timeout=0.2)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/0: it does not answer") as caught:
        await store.start()
    assert "secret" not in caught.value.detail
    await store.aclose()


async def test_a_kill_loses_nothing_that_was_acknowledged(
    store: RedisStore, server: RedisServer
) -> None:
    for number in range(20):
        await store.append(KEY, said(f"n{number}", f"n{number - 1}", str(number)))
    server.kill()
    with pytest.raises(StoreError, match="does not answer"):
        await store.append(KEY, said("lost", "n19", "20"))
    server.start()
    assert [node.id for node in (await store.load(KEY)).nodes] == [f"n{n}" for n in range(20)]
    assert (await store.append(KEY, said("n20", "n19", "20"))).id == "n20"


async def test_many_players_who_come_at_once_are_all_served_over_a_few_connections(
    server: RedisServer,
) -> None:
    """More than the library's own pool has room for, which fails whoever comes then."""
    store = RedisStore(server.url)
    await store.start()
    keys = [ConversationKey(f"p{number}", "inn") for number in range(500)]
    await asyncio.gather(*(store.append(key, said(f"n-{key.player}")) for key in keys))
    found = await asyncio.gather(*(store.load(key) for key in keys))
    assert [len(each.nodes) for each in found] == [1] * 500
    assert int((await store.client.info("clients"))["connected_clients"]) <= CONNECTIONS
    await store.aclose()


async def test_one_that_hangs_fails_in_time_and_what_it_did_is_not_done_twice(
    store: RedisStore, server: RedisServer
) -> None:
    await store.append(KEY, said("a", line="1"))
    server.pause()
    async with asyncio.timeout(5):
        with pytest.raises(StoreError, match="does not answer"):
            await store.append(KEY, said("b", "a", "2"))
    server.go_on()
    await store.append(KEY, said("c", "a", "2"))  # the same line again, from the client
    path = (await store.load(KEY)).nodes
    assert [node.line for node in path] == ["1", "2"]


async def test_a_full_one_says_so_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    server = new_redis(tmp_path / "full", "--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
    store = RedisStore(server.url)
    await store.start()
    try:
        with pytest.raises(StoreError, match="memory is full"):
            for number in range(400):
                await store.append(KEY, said(f"n{number}", text="x" * 20_000))
        kept = len((await store.load(KEY)).nodes)
        assert kept  # reading goes on
    finally:
        await store.aclose()
        server.close()


async def test_two_servers_that_say_one_line_store_it_once(server: RedisServer) -> None:
    stores = [RedisStore(server.url) for _ in range(4)]
    nodes = await asyncio.gather(
        *(store.append(KEY, said(f"n{at}", line="same")) for at, store in enumerate(stores))
    )
    assert len({node.id for node in nodes}) == 1
    for store in stores:
        await store.aclose()


async def test_annotations_from_two_servers_at_once_are_both_kept(
    store: RedisStore, server: RedisServer
) -> None:
    other = RedisStore(server.url)
    await store.append(KEY, said("a"))
    await asyncio.gather(
        *(store.annotate("a", {"memory": {f"left{at}": at}}) for at in range(10)),
        *(other.annotate("a", {"memory": {f"right{at}": at}}) for at in range(10)),
    )
    [node] = (await store.load(KEY)).nodes
    assert len(node.meta["memory"]) == 20
    await other.aclose()


async def test_hostile_names_do_not_meet_in_one_conversation(store: RedisStore) -> None:
    keys = [ConversationKey("a", "bc"), ConversationKey("ab", "c"), ConversationKey("a{", "}bc")]
    for at, key in enumerate(keys):
        await store.append(key, said(f"n{at}"))
    for at, key in enumerate(keys):
        assert [node.id for node in (await store.load(key)).nodes] == [f"n{at}"]


async def test_a_conversation_that_grows_while_it_is_collected_is_left_for_the_next_time(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for node in (said("a"), said("b", "a"), said("b2", "a")):
        await store.append(KEY, node)
    script = store._collect_script

    async def meanwhile(**arguments: object) -> object:
        await store.save_checkpoint(KEY, Checkpoint("k", "b", 0, {}, 9.0))
        await store.append(KEY, said("c", "b2"))
        return await script(**arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "_collect_script", meanwhile)
    assert await store.collect(before=5.0) == 0
    assert [node.id for node in await store.path(KEY, "b")] == ["a", "b"]


async def test_every_failure_of_the_library_is_one_of_ours(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = [
        each
        for each in vars(redis.exceptions).values()
        if isinstance(each, type) and issubclass(each, redis.exceptions.RedisError)
    ]
    assert len(kinds) > 10
    for kind in kinds:

        async def fail(*_: object, kind: type[Exception] = kind) -> None:
            error = kind.__new__(kind)
            Exception.__init__(error, "so")
            raise error

        monkeypatch.setattr(store.client, "ping", fail)
        with pytest.raises(StoreError, match="Redis at"):
            await store.start()
