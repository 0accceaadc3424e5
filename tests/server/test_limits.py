"""The limits on connections, messages, lines and turns, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from dialogue_protocol.codec import MSGPACK
from dialogue_protocol.codes import CloseCode, EndReason, ErrorCode
from dialogue_protocol.messages import (
    ClientMessage,
    Error,
    Event,
    Hello,
    History,
    Interrupt,
    Load,
    Open,
    Ping,
    Player,
    Pong,
    Queued,
    Save,
    Say,
    Script,
    ServerMessage,
    State,
    Turn,
    TurnEnd,
)
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from dialogue_server.engine.context import EngineLimits
from dialogue_server.server.addresses import Addresses
from dialogue_server.server.admission import Admission, Claims, issue, read_keys
from dialogue_server.server.client_socket import ClientSocket
from dialogue_server.settings import Access
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, serving

SECRET = "a secret of at least thirty-two characters"
ADMISSION = Admission(Access(key_env="KEYS"), {"KEYS": SECRET})


def hello(player: str) -> Hello:
    claims = Claims(exp=4e9, aud="dialogue-server", sub=player)
    return Hello(client="test", token=issue(read_keys(SECRET, "test"), claims))


async def player(url: str, name: str) -> Client:
    return await Client.connect(url, hello=hello(name))


# ---------------------------------------------------------------- connections


@contextlib.asynccontextmanager
async def behind_proxy(url: str, address: str) -> AsyncIterator[ClientConnection]:
    """A socket as a proxy on this machine opens it for a client of that address."""
    async with connect(
        url,
        subprotocols=[Subprotocol(MSGPACK.subprotocol)],
        additional_headers={"X-Forwarded-For": address},
    ) as socket:
        yield socket


async def first_answer(socket: ClientConnection) -> ServerMessage:
    with contextlib.suppress(ConnectionClosed):  # refused already: the error lies there to read
        await socket.send(MSGPACK.encode(hello("ann")))
    frame = await socket.recv()
    return MSGPACK.decode_server(frame)  # type: ignore[return-value]


async def test_an_address_has_so_many_connections_and_the_next_is_told_when_to_come_back() -> None:
    async with serving(
        SteeredBackend(), admission=ADMISSION, addresses=Addresses(most=2)
    ) as served:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(2):  # these have said nothing yet, and count
                await stack.enter_async_context(behind_proxy(served.url, "198.51.100.1"))
            other = await stack.enter_async_context(behind_proxy(served.url, "198.51.100.2"))
            assert not isinstance(await first_answer(other), Error)
            third = await stack.enter_async_context(behind_proxy(served.url, "198.51.100.1"))
            error = await first_answer(third)
            assert isinstance(error, Error)
            assert error.code == ErrorCode.TOO_MANY_SESSIONS
            assert (error.retryable, error.retry_after_ms) == (True, 30_000)
            await third.wait_closed()
            assert third.close_code == CloseCode.SESSION_LIMIT
        async with asyncio.timeout(10):
            while True:
                async with behind_proxy(served.url, "198.51.100.1") as again:
                    if not isinstance(await first_answer(again), Error):
                        break


async def test_a_refused_socket_without_subprotocol_learns_it_from_the_close() -> None:
    async with serving(SteeredBackend(), addresses=Addresses(most=1)) as served:
        headers = {"X-Forwarded-For": "198.51.100.1"}
        async with connect(served.url, additional_headers=headers):
            async with connect(served.url, additional_headers=headers) as second:
                await second.wait_closed()
        assert second.close_code == CloseCode.SESSION_LIMIT
        assert "come back in 30 s" in (second.close_reason or "")


async def test_a_player_has_so_many_sessions_and_those_that_wait_make_room() -> None:
    limits = EngineLimits(sessions_per_player=2)
    async with serving(SteeredBackend(), admission=ADMISSION, limits=limits) as served:
        first, second = [await player(served.url, "ann") for _ in range(2)]
        socket = await ClientSocket.connect(served.url)
        await socket.send(MSGPACK.encode(hello("ann")))
        (error,) = [MSGPACK.decode_server(frame) async for frame in socket]
        assert isinstance(error, Error)
        assert error.code == ErrorCode.TOO_MANY_SESSIONS
        assert error.retry_after_ms == 30_000
        assert "limits.connections_per_player" in error.detail
        await player(served.url, "bob")
        first.socket.abort()
        async with asyncio.timeout(10):
            while served.registry.attached > 2:
                await asyncio.sleep(0.005)
        third = await player(served.url, "ann")
        assert served.registry.count == 3
        for client in (second, third):
            await client.open(f"c{id(client)}")


# ---------------------------------------------------------------- messages and lines


async def test_a_players_sessions_share_what_it_may_send() -> None:
    limits = EngineLimits(messages_per_second=0.2)  # one message at once
    async with serving(SteeredBackend(), admission=ADMISSION, limits=limits) as served:
        first, second = [await player(served.url, "ann") for _ in range(2)]
        await first.send(Ping(1))
        await first.expect(Pong)
        await second.send(Ping(2))
        error = await second.expect(Error)
        assert error.code == ErrorCode.RATE_LIMITED
        assert 4000 < error.retry_after_ms <= 5000
        other = await player(served.url, "bob")
        await other.send(Ping(3))
        await other.expect(Pong)


COSTLY: list[ClientMessage] = [
    Open("c", ["mira"], Player("ann")),
    Load("c", "nowhere"),
    Save("c"),
    History("c"),
]


@pytest.mark.parametrize("message", COSTLY, ids=lambda each: type(each).__name__)
async def test_what_is_cheap_to_send_and_costly_to_serve_counts_four_times(
    message: ClientMessage,
) -> None:
    limits = EngineLimits(messages_per_second=4)  # twenty at once
    async with serving(SteeredBackend(), limits=limits) as served:
        client = await Client.connect(served.url)
        await client.open("c")
        for _ in range(6):
            await client.send(message)
        answers = [await client.next() for _ in range(6)]
        limited = [each for each in answers if getattr(each, "code", "") == "rate_limited"]
        assert isinstance(answers[0], Error) == isinstance(message, Load)
        assert 1 <= len(limited) <= 2
        assert limited[-1] is answers[-1]


async def test_a_game_may_open_tell_save_and_load_all_its_conversations_at_once() -> None:
    """As after a reconnect in which the server was lost: everything, and a line for each."""
    async with serving(SteeredBackend()) as served:
        client = await Client.connect(served.url)
        names = [f"c{number}" for number in range(EngineLimits().conversations)]
        for name in names:
            await client.send(Open(name, ["mira"], Player("ann")))
        for name in names:
            await client.send(Load(name, "nowhere"))
            await client.send(Save(name))
        for name in names:
            await client.send(State(name, 1, {"day": 1}))
        for name in names:
            await client.send(Event(name, name, "It rains.", react="never"))
        answers = [await client.next() for _ in range(5 * len(names))]
        codes = {each.code for each in answers if isinstance(each, Error)}
        assert codes == {ErrorCode.UNKNOWN_CHECKPOINT}


async def test_a_players_sessions_share_its_lines_a_minute() -> None:
    limits = EngineLimits(lines_per_minute=1)
    backend = SteeredBackend()
    async with serving(backend, limits=limits) as served:
        first, second = [await Client.connect(served.url) for _ in range(2)]
        await first.open("a")
        await second.open("b")
        await first.send(Say("a", "1", "Hello?"))
        (await backend.call()).finish()
        await first.expect(TurnEnd)
        await second.send(Say("b", "2", "Hello?"))
        error = await second.expect(Error)
        assert (error.code, error.line) == (ErrorCode.RATE_LIMITED, "2")
        assert 55_000 < error.retry_after_ms <= 60_000
        other = await Client.connect(served.url)
        await other.open("a", player=Player("bob"))
        await other.send(Say("a", "3", "Hello?"))
        await other.expect(Turn)


# ---------------------------------------------------------------- turns


async def test_a_turn_that_waits_is_told_its_place_and_goes_on_when_there_is_room() -> None:
    backend = SteeredBackend()
    async with serving(backend, limits=EngineLimits(turns=1)) as served:
        clients = {}
        for name in ("ann", "bob", "cid"):
            clients[name] = client = await Client.connect(served.url)
            await client.open(player=Player(name))
            await client.send(Say("c", "1", f"I am {name}."))
            turn = await client.expect(Turn)
            if name == "ann":
                running = await backend.call()
            else:
                told = await client.expect(Queued)
                assert (told.turn, told.position) == (turn.turn, len(clients) - 1)
        running.say("Well met.")
        running.finish()
        await clients["ann"].expect(TurnEnd)
        running = await backend.call()
        assert "I am bob." in running.request.messages[-1].content
        running.say("Well met.")
        running.finish()
        end = await clients["bob"].expect(TurnEnd)
        assert end.reason == EndReason.COMPLETE
        assert "I am cid." in (await backend.call()).request.messages[-1].content


async def test_a_player_with_many_lines_does_not_hold_up_another() -> None:
    backend = SteeredBackend()
    limits = EngineLimits(turns=2, turns_per_player=1)
    async with serving(backend, limits=limits) as served:
        greedy, other = [await Client.connect(served.url) for _ in range(2)]
        for number in range(4):
            await greedy.open(f"c{number}")
            await greedy.send(Say(f"c{number}", str(number), "Me!"))
            await greedy.expect(Turn)
        await other.open(player=Player("bob"))
        await other.send(Say("c", "b", "And I?"))
        assert (await backend.call()).request.messages[-1].content.endswith("Me!")
        assert (await backend.call()).request.messages[-1].content.endswith("And I?")


async def test_a_waiting_turn_can_be_interrupted_and_leaves_no_trace_in_the_queue() -> None:
    backend = SteeredBackend()
    async with serving(backend, limits=EngineLimits(turns=1)) as served:
        client = await Client.connect(served.url)
        for name in ("a", "b"):
            await client.open(name)
            await client.send(Say(name, name, "Hello?"))
        told = await client.expect(Queued)
        await client.send(Interrupt(told.turn, 0))
        end = await client.expect(TurnEnd)
        assert (end.turn, end.reason) == (told.turn, EndReason.INTERRUPTED)
        assert served.context.places.waiting == 0
        (await backend.call()).finish()
        await client.expect(TurnEnd)
        assert served.context.places.running == 0


async def test_a_client_that_comes_back_still_gets_the_turn_that_waited() -> None:
    backend = SteeredBackend()
    async with serving(backend, limits=EngineLimits(turns=1)) as served:
        busy, client = [await Client.connect(served.url) for _ in range(2)]
        for each, name in ((busy, "a"), (client, "b")):
            await each.open(name)
            await each.send(Say(name, name, "Hello?"))
        await client.expect(Queued)
        client.socket.abort()
        (await backend.call()).finish()
        call = await backend.call()
        call.say("There you are.")
        call.finish()
        again = await client.resume(served.url)
        end = await again.expect(TurnEnd)
        assert end.reason == EndReason.COMPLETE


async def test_a_turn_that_waits_too_long_is_an_authored_line() -> None:
    backend = SteeredBackend()
    limits = EngineLimits(turns=1, queue_seconds=0.05)
    async with serving(backend, limits=limits) as served:
        client = await Client.connect(served.url)
        for name in ("a", "b"):
            await client.open(name)
            await client.send(Say(name, name, "Hello?"))
        end = await client.expect(TurnEnd)
        assert (end.reason, end.code) == (EndReason.FALLBACK, ErrorCode.BUSY)
        assert "limits.queue_seconds" in end.detail


async def test_a_full_queue_refuses_lines_that_need_a_model_and_takes_them_later() -> None:
    backend = SteeredBackend()
    async with serving(backend, limits=EngineLimits(turns=1, queue=1)) as served:
        client = await Client.connect(served.url)
        for name in ("a", "b", "c"):
            await client.open(name)
            await client.send(Say(name, name, "Hello?"))
        error = await client.expect(Error)
        assert (error.code, error.conversation, error.line) == (ErrorCode.BUSY, "c", "c")
        assert error.retryable
        assert error.retry_after_ms >= 1000
        await client.send(Script("c", "s", "I wait.", "mira"))
        end = await client.expect(TurnEnd)
        assert end.reason == EndReason.COMPLETE
        for _ in range(2):
            call = await backend.call()
            call.say("Yes?")
            call.finish()
            await client.expect(TurnEnd)
        await client.send(Say("c", "c", "Hello?"))
        assert (await client.expect(Turn)).line == "c"
