"""Several servers over one Redis: sessions found from anywhere, conversations open in one place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
from dialogue_protocol.codec import JSON
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import Close, Closed, Delta, Error, Hello, Resume, Say, TurnEnd

from dialogue_server.domain.conversation import ConversationKey
from dialogue_server.engine.context import EngineLimits
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
