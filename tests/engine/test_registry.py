"""The sessions of a server: what is told of them, and what is left of them."""

from __future__ import annotations

import asyncio

from dialogue_server.engine.observer import SessionEnded, SessionStarted
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, Served, serving


async def is_away(served: Served) -> None:
    async with asyncio.timeout(10):
        while served.registry.attached:
            await asyncio.sleep(0.01)


async def test_a_session_that_goes_on_before_anything_was_said_is_told_as_such() -> None:
    async with serving(SteeredBackend()) as served:
        client = await Client.connect(served.url)
        client.socket.abort()
        again = await client.resume(served.url)
        assert again.welcome is not None and again.welcome.resumed
        assert [told.resumed for told in served.seen(SessionStarted)] == [False, True]
        await again.leave()


async def test_a_session_that_ends_while_its_client_is_away_leaves_nothing_behind() -> None:
    async with serving(SteeredBackend()) as served:
        client = await Client.connect(served.url)
        session = next(iter(served.registry._sessions.values()))
        client.socket.abort()
        await is_away(served)
        await served.registry.end(session, "the server restarts")
        assert (served.registry.count, served.registry.attached) == (0, 0)
        assert [told.reason for told in served.seen(SessionEnded)] == ["the server restarts"]
        await served.registry.drain(0.1)
        assert len(served.seen(SessionEnded)) == 1
