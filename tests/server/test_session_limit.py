"""How many sessions a server holds, and whose place a newcomer takes."""

from __future__ import annotations

import asyncio

from dialogue_protocol.codec import MSGPACK
from dialogue_protocol.codes import CloseCode, ClosePolicy, ErrorCode, close_policy
from dialogue_protocol.messages import Delta, Error, Hello, Say

from dialogue_server.engine.context import EngineLimits
from dialogue_server.engine.observer import SessionEnded
from dialogue_server.server.client_socket import ClientSocket
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, Served, serving

TWO = EngineLimits(sessions=2)


async def dropped(served: Served, client: Client) -> None:
    """The client's socket breaks, and the server has seen it."""
    assert client.welcome is not None
    session = served.registry._sessions[client.welcome.session]
    client.socket.abort()
    async with asyncio.timeout(10):
        while session.socket is not None:
            await asyncio.sleep(0.005)


async def test_where_every_session_has_its_socket_the_newcomer_is_refused_and_may_come_back() -> (
    None
):
    async with serving(SteeredBackend(), limits=TWO) as served:
        clients = [await Client.connect(served.url) for _ in range(2)]
        socket = await ClientSocket.connect(served.url)
        await socket.send(MSGPACK.encode(Hello()))
        (error,) = [MSGPACK.decode_server(frame) async for frame in socket]
        assert isinstance(error, Error)
        assert error.code == ErrorCode.TOO_MANY_SESSIONS
        assert error.retryable
        assert "limits.sessions" in error.detail
        assert socket.close_code == CloseCode.SESSION_LIMIT
        assert close_policy(socket.close_code) is ClosePolicy.RECONNECT
        assert served.registry.count == 2
        for client in clients:
            await client.open()


async def test_the_session_that_has_waited_longest_makes_room_and_keeps_what_was_said() -> None:
    backend = SteeredBackend()
    async with serving(backend, limits=TWO) as served:
        first = await Client.connect(served.url)
        await first.open()
        await first.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Well met, ")
        await first.expect(Delta)
        second = await Client.connect(served.url)
        for client in (first, second):
            await dropped(served, client)
        third = await Client.connect(served.url)
        assert served.registry.count == 2
        assert (await second.resume(served.url)).welcome.resumed  # type: ignore[union-attr]
        (gone,) = served.seen(SessionEnded)
        assert first.welcome is not None
        assert gone.session == first.welcome.session
        assert "limits.sessions" in gone.reason
        opened = await third.open()
        assert opened.history == 2  # the greeting, and the answer as far as it was sent
        assert (await third.say("Hello?", line="1")).text.startswith("Well met,")


async def test_a_resume_needs_no_room() -> None:
    async with serving(SteeredBackend(), limits=EngineLimits(sessions=1)) as served:
        client = await Client.connect(served.url)
        client.socket.abort()
        again = await client.resume(served.url)
        assert again.welcome is not None
        assert again.welcome.resumed


async def test_without_a_limit_nobody_is_refused() -> None:
    async with serving(SteeredBackend(), limits=EngineLimits(sessions=0)) as served:
        clients = [await Client.connect(served.url) for _ in range(5)]
        assert served.registry.count == len(clients)
