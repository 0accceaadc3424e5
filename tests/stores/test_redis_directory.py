"""Several servers over one Redis: sessions found from anywhere, conversations open in one place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from dialogue_protocol.codec import JSON
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    Close,
    Closed,
    Delta,
    Error,
    Hello,
    Regenerate,
    Resume,
    Say,
    TurnEnd,
)

from dialogue_server.domain.conversation import Checkpoint, ConversationKey, Node
from dialogue_server.engine.context import EngineLimits
from dialogue_server.errors import TakenOverError
from dialogue_server.stores import redis_directory
from dialogue_server.stores.redis import RedisStore
from dialogue_server.stores.redis_directory import RedisDirectory
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, Served, serving
from tests.services.redis_server import RedisServer, empty, new_redis

KEY = ConversationKey("ann", "c")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = new_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.close()


@pytest.fixture
async def two(server: RedisServer) -> AsyncIterator[list[tuple[Served, SteeredBackend]]]:
    """Two servers, each with a model of its own to steer."""
    await empty(server.url)
    async with AsyncExitStack() as stack:
        servers = []
        for _ in range(2):
            backend = SteeredBackend()
            served = await stack.enter_async_context(
                serving(backend, store=RedisStore(server.url), shared=True)
            )
            servers.append((served, backend))
        yield servers


async def test_a_client_that_comes_to_another_server_resumes_in_mid_turn(
    two: list[tuple[Served, SteeredBackend]],
) -> None:
    (first, model), (second, other) = two
    client = await Client.connect(first.url)
    await client.open()
    await client.send(Say("c", "1", "Tell me."))
    call = await model.call()
    call.say("It was ")
    shown = (await client.expect(Delta)).text
    client.socket.abort()
    call.say("long ago.")
    again = await client.resume(second.url)
    assert again.welcome is not None
    assert again.welcome.resumed
    call.finish()
    assert (await again.expect(TurnEnd)).length == len("It was long ago.")
    missed = [message.text for message in again.received if isinstance(message, Delta)]
    assert shown + "".join(missed) == "It was long ago."
    await again.send(Say("c", "2", "And then?"))  # the session lives where it did
    call = await model.call()
    call.say("Nothing.")
    call.finish()
    assert (await again.answer()).text == "Nothing."
    assert other.calls.empty()
    assert second.registry.count == 0
    await again.send(Close("c"))
    await again.expect(Closed)
    await again.leave()


async def test_a_close_goes_through_to_the_client_with_its_code(
    two: list[tuple[Served, SteeredBackend]],
) -> None:
    (first, _), (second, _) = two
    client = await Client.connect(first.url)
    client.socket.abort()
    again = await client.resume(second.url)
    back = await again.resume(first.url)  # on its own server, the newer socket wins
    assert await again.close_code() == 4203
    await back.leave()


async def test_a_server_that_was_killed_and_started_again_passes_nobody_on_to_itself(
    two: list[tuple[Served, SteeredBackend]], server: RedisServer
) -> None:
    """Its address is still that of the dead one, for as long as that one's lease lasts."""
    (first, _), (second, _) = two
    store = RedisStore(server.url)
    await store.client.set("d:server:dead", first.url, px=60_000)
    await store.aclose()
    hello = Hello(client="test", resume=Resume("dead-58079c7c", "an epoch", 3))
    for served in (first, second):  # straight, and passed on by another one
        client = await Client.connect(served.url, hello=hello)
        assert client.welcome is not None
        assert not client.welcome.resumed
        await client.leave()
    assert second.registry.count == 0


async def test_a_session_over_the_relay_may_speak_json(
    two: list[tuple[Served, SteeredBackend]],
) -> None:
    (first, _), (second, _) = two
    client = await Client.connect(first.url)
    assert client.welcome is not None
    welcome = client.welcome
    hello = Hello(resume=Resume(welcome.session, welcome.epoch, 0))
    again = await Client.connect(second.url, JSON, hello=hello)
    assert again.welcome is not None
    assert again.welcome.resumed
    await again.open()
    await again.leave()


async def test_a_player_s_newest_connection_takes_its_conversation_from_another_server(
    two: list[tuple[Served, SteeredBackend]],
) -> None:
    (first, model), (second, other) = two
    old = await Client.connect(first.url)
    await old.open()
    await old.send(Say("c", "1", "Tell me."))
    call = await model.call()
    call.say("It was ")
    await old.expect(Delta)
    new = await Client.connect(second.url)
    opened = await new.open()
    assert opened.history == 2  # the greeting, and the turn as far as it was said
    assert (await old.expect(TurnEnd)).reason == "truncated"
    await old.send(Say("c", "2", "Hello?"))
    assert "taken it over" in (await old.expect(Error)).detail
    await new.send(Say("c", "1", "Tell me."))  # the same line: told again, not answered anew
    assert (await new.answer()).text == "It was"
    assert other.calls.empty()


async def test_what_a_dead_server_held_is_free_within_seconds(
    two: list[tuple[Served, SteeredBackend]], server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, _), _ = two
    monkeypatch.setattr(redis_directory, "LEASE", 0.3)
    monkeypatch.setattr(redis_directory, "PATIENCE", 30.0)
    store = RedisStore(server.url)
    dead = RedisDirectory(store)
    await dead.start("ws://127.0.0.1:1", _never)
    session = f"{dead.server}-s"
    await dead.claim(KEY)
    directory = first.context.directory
    assert directory is not None
    assert await directory.whereabouts(session) == "ws://127.0.0.1:1"
    for task in dead._tasks:  # as a kill does: no word of farewell
        task.cancel()
    async with asyncio.timeout(5):
        await directory.claim(KEY)
    assert await directory.whereabouts(session) == ""
    await dead.disclaim(KEY)  # it has nothing to let go of any more
    async with asyncio.timeout(1):
        await directory.claim(KEY)
    await store.aclose()


async def test_one_that_does_not_let_go_in_time_has_lost_it(
    two: list[tuple[Served, SteeredBackend]], server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, _), _ = two
    monkeypatch.setattr(redis_directory, "PATIENCE", 0.1)
    store = RedisStore(server.url)
    stubborn = RedisDirectory(store)
    await stubborn.start("ws://127.0.0.1:1", _never)
    await stubborn.claim(KEY)
    directory = first.context.directory
    assert directory is not None
    async with asyncio.timeout(5):
        await directory.claim(KEY)
    await stubborn.aclose()
    await store.aclose()


async def test_a_session_of_a_server_that_is_gone_begins_anew_elsewhere(
    server: RedisServer,
) -> None:
    await empty(server.url)
    async with AsyncExitStack() as stack:
        second = await stack.enter_async_context(
            serving(SteeredBackend(), store=RedisStore(server.url), shared=True)
        )
        async with serving(SteeredBackend(), store=RedisStore(server.url), shared=True) as first:
            client = await Client.connect(first.url)
        again = await client.resume(second.url)
        assert again.welcome is not None
        assert not again.welcome.resumed
        await again.open()
        await again.leave()


async def _never(_: ConversationKey) -> None:
    await asyncio.Event().wait()


async def test_a_player_has_its_lines_a_minute_once_on_all_servers(server: RedisServer) -> None:
    await empty(server.url)
    limits = EngineLimits(lines_per_minute=2)
    async with AsyncExitStack() as stack:
        clients = []
        for number in range(2):
            backend = SteeredBackend()
            served = await stack.enter_async_context(
                serving(backend, store=RedisStore(server.url), shared=True, limits=limits)
            )
            client = await Client.connect(served.url)
            await client.open(f"c{number}")
            clients.append((client, backend))
        for number, (client, backend) in enumerate(clients):
            await client.send(Say(f"c{number}", "1", "Hello?"))
            (await backend.call()).finish()
            await client.expect(TurnEnd)
        client = clients[1][0]
        await client.send(Say("c1", "2", "Hello?"))
        error = await client.expect(Error)
        assert error.code == ErrorCode.RATE_LIMITED
        assert 25_000 < error.retry_after_ms <= 30_000


async def test_an_allowance_of_lines_fills_with_time_and_bounds_what_comes_at_once(
    server: RedisServer,
) -> None:
    await empty(server.url)
    store = RedisStore(server.url)
    directory = RedisDirectory(store)
    waits = [await directory.take_line("ann", 120) for _ in range(125)]
    refused = [wait for wait in waits if wait]
    assert refused
    assert all(0 < wait <= 0.5 for wait in refused)
    await asyncio.sleep(refused[-1] + 0.001)
    assert await directory.take_line("ann", 120) == 0
    assert await directory.take_line("bob", 0.5) == 0
    assert await directory.take_line("bob", 0.5) == pytest.approx(120, abs=1)
    await store.aclose()


def said(node: str, parent: str = "", line: str = "") -> Node:
    return Node(id=node, parent=parent, kind="player", speaker="Ann", text=node, at=1.0, line=line)


class Asked:
    """A server's directory without the server: it notes what it was asked to let go of."""

    def __init__(self, url: str, *, hangs: bool = False) -> None:
        self.store = RedisStore(url)
        self.directory = RedisDirectory(self.store)
        self.asked: list[ConversationKey] = []
        self.hangs = hangs

    async def release(self, key: ConversationKey) -> None:
        self.asked.append(key)
        if self.hangs and key == KEY:
            await asyncio.Event().wait()

    async def __aenter__(self) -> Asked:
        await self.directory.start("ws://nowhere", self.release)
        while not await self.store.client.pubsub_numsub(f"d:release:{self.directory.server}"):
            await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.directory.aclose()
        await self.store.aclose()


async def test_one_that_is_slow_to_let_go_of_a_conversation_lets_go_of_others(
    server: RedisServer,
) -> None:
    await empty(server.url)
    other = ConversationKey("bob", "c")
    async with Asked(server.url, hangs=True) as first, Asked(server.url) as second:
        await first.directory.claim(KEY)
        await first.directory.claim(other)
        slow = asyncio.create_task(second.directory.claim(KEY))
        while not first.asked:
            await asyncio.sleep(0.01)
        await second.directory.claim(other)
        assert first.asked == [KEY, other]
        assert not slow.done()
        slow.cancel()
        await asyncio.wait([slow])


async def test_of_two_that_wait_for_a_server_that_hangs_the_second_asks_the_first(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else both would have it open."""
    monkeypatch.setattr(redis_directory, "PATIENCE", 0.5)
    await empty(server.url)
    async with (
        Asked(server.url, hangs=True) as first,
        Asked(server.url) as second,
        Asked(server.url) as third,
    ):
        await first.directory.claim(KEY)
        await asyncio.gather(second.directory.claim(KEY), third.directory.claim(KEY))
        assert len(second.asked) + len(third.asked) == 1


async def test_a_server_that_was_taken_for_dead_adds_nothing_to_what_another_has_taken(
    two: list[tuple[Served, SteeredBackend]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client is told what a client is told whose conversation was taken over."""
    monkeypatch.setattr(redis_directory, "PATIENCE", 0.0)  # as if the first were cut off
    (first, _), (second, model) = two
    old = await Client.connect(first.url)
    await old.open()
    await first.context.directory.aclose()  # type: ignore[union-attr]
    new = await Client.connect(second.url)
    await new.open()
    await old.send(Say("c", "1", "Hello?"))
    error = await old.expect(Error)
    assert (error.code, error.line) == (ErrorCode.UNKNOWN_CONVERSATION, "1")
    await old.send(Regenerate("c", "2", "any"))  # nothing of it goes on there
    again = await old.expect(Error)
    assert (again.code, again.detail) == (error.code, error.detail)
    assert "taken it over" in again.detail
    await new.send(Say("c", "1", "Hello?"))
    call = await model.call()
    call.say("Yes.")
    call.finish()
    assert (await new.answer()).text == "Yes."
    nodes = (await second.context.store.load(KEY)).nodes
    assert [node.text for node in nodes][1:] == ["Hello?", "Yes."]


async def test_an_answer_that_ends_after_the_conversation_was_taken_is_not_kept_and_says_so(
    two: list[tuple[Served, SteeredBackend]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one line would have two answers."""
    monkeypatch.setattr(redis_directory, "PATIENCE", 0.0)
    (first, slow), (second, model) = two
    old = await Client.connect(first.url)
    await old.open()
    await old.send(Say("c", "1", "Hello?"))
    held = await slow.call()
    held.say("Who is there?")
    await old.expect(Delta)
    await first.context.directory.aclose()  # type: ignore[union-attr]
    new = await Client.connect(second.url)
    await new.open()
    await new.send(Say("c", "1", "Hello?"))
    call = await model.call()
    call.say("Yes.")
    call.finish()
    assert (await new.answer()).text == "Yes."
    held.finish()
    ended = await old.expect(TurnEnd)
    assert ended.code == ErrorCode.UNKNOWN_CONVERSATION
    assert "taken it over" in ended.detail
    nodes = (await second.context.store.load(KEY)).nodes
    assert [node.text for node in nodes][1:] == ["Hello?", "Yes."]


@pytest.mark.parametrize("closed", [False, True])
async def test_what_another_server_has_gone_on_with_is_changed_by_it_alone(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch, closed: bool
) -> None:
    """Also after it has closed it, and nobody holds it."""
    monkeypatch.setattr(redis_directory, "PATIENCE", 0.0)
    await empty(server.url)
    async with Asked(server.url) as first, Asked(server.url) as second:
        await first.directory.claim(KEY)
        await first.store.append(KEY, said("a"))
        await first.store.save_checkpoint(KEY, Checkpoint("k", "a", 1, {"at": 1}, 1.0))
        await second.directory.claim(KEY)
        await second.store.append(KEY, said("b", "a"))
        await second.store.save_state(KEY, 2, {"at": 2})
        if closed:
            await second.directory.disclaim(KEY)
        before = await second.store.export(KEY)
        with pytest.raises(TakenOverError, match="'c'; another connection has taken it over"):
            await first.store.append(KEY, said("late", "a"))
        with pytest.raises(TakenOverError):
            await first.store.append(KEY, said("late", "a", line="b"))  # a line that is known
        with pytest.raises(TakenOverError):
            await first.store.save_state(KEY, 9, {})
        with pytest.raises(TakenOverError):
            await first.store.restore(KEY, "k")
        with pytest.raises(TakenOverError, match="'c'"):
            await first.store.amend("a", "", "interrupted")
        assert await second.store.export(KEY) == before
        await first.directory.claim(KEY)  # it may have it again
        await first.store.append(KEY, said("c", "b"))
        await first.store.save_state(KEY, 3, {})
        assert [node.id for node in (await first.store.load(KEY)).nodes] == ["a", "b", "c"]


async def test_a_conversation_that_nobody_holds_goes_on_where_it_was(server: RedisServer) -> None:
    """A Redis that was restarted may have forgotten who holds what, and servers go on."""
    await empty(server.url)
    async with Asked(server.url) as first, Asked(server.url) as second:
        await first.directory.claim(KEY)
        await first.store.append(KEY, said("a"))
        await first.store.client.delete(RedisStore.holder_key(KEY))
        await first.store.append(KEY, said("b", "a"))
        await second.directory.claim(KEY)
        await second.directory.disclaim(KEY)  # which has changed nothing
        await first.store.save_state(KEY, 1, {"at": 1})
        await first.store.append(KEY, said("c", "b"))
        assert [node.id for node in (await second.store.load(KEY)).nodes] == ["a", "b", "c"]


async def test_a_store_of_no_server_changes_what_servers_hold(server: RedisServer) -> None:
    """`dialogue-server import`, and whatever else brings no directory."""
    await empty(server.url)
    store = RedisStore(server.url)
    async with Asked(server.url) as first:
        await first.directory.claim(KEY)
        await first.store.append(KEY, said("a"))
        await store.append(KEY, said("b", "a"))
        await store.save_state(KEY, 1, {})
        await first.store.append(KEY, said("c", "b"))
        assert len((await store.load(KEY)).nodes) == 3
    await store.aclose()


async def test_a_claim_that_follows_a_letting_go_on_the_same_server_outlasts_it(
    server: RedisServer,
) -> None:
    """They go over two connections, of which the first may be the slower."""
    await empty(server.url)
    async with Asked(server.url) as first, Asked(server.url) as second:
        await first.directory.claim(KEY)
        script, may_go = first.directory._disclaim, asyncio.Event()

        async def slow(**arguments: Any) -> Any:
            await may_go.wait()
            return await script(**arguments)

        first.directory._disclaim = slow  # type: ignore[assignment]
        leaving = asyncio.create_task(first.directory.disclaim(KEY))
        await asyncio.sleep(0)
        taking = asyncio.create_task(first.directory.claim(KEY))
        await asyncio.wait([taking], timeout=0.1)
        await first.directory.claim(ConversationKey("bob", "c"))  # others wait for nothing
        may_go.set()
        await asyncio.gather(leaving, taking)
        assert await second.store.client.get(RedisStore.holder_key(KEY)) == (
            first.directory.server.encode()
        )
        assert not first.directory._changing  # nothing is kept for it
