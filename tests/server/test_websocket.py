"""The listener over real sockets: handshakes, drops, slow readers, plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.error
import urllib.request

import pytest
from dialogue_protocol.codec import JSON, MSGPACK
from dialogue_protocol.codes import CloseCode, ClosePolicy, close_policy
from dialogue_protocol.messages import (
    Delta,
    Error,
    GoAway,
    Hello,
    Open,
    Ping,
    Player,
    Pong,
    Resume,
    Say,
    Turn,
    TurnEnd,
)
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dialogue_server.engine.context import EngineLimits
from dialogue_server.engine.observer import SessionEnded
from dialogue_server.server.client_socket import ClientSocket, ConnectError
from tests.fakes.steered import SteeredBackend
from tests.harness import Answer, Client, serving

ANN = Player("ann", "Ann")


async def test_both_encodings_are_served_on_one_port() -> None:
    async with serving(SteeredBackend()) as served:
        for codec in (MSGPACK, JSON):
            client = await Client.connect(served.url, codec)
            assert isinstance(client.frames[0], str) is codec.text
            assert (await client.open()).conversation == "c"


async def test_a_client_that_names_no_subprotocol_is_known_by_its_first_frame() -> None:
    async with serving(SteeredBackend()) as served, connect(served.url) as socket:
        await socket.send('{"type": "hello"}')
        assert json.loads(await socket.recv())["type"] == "welcome"


async def test_a_foreign_subprotocol_is_refused_with_the_ones_there_are() -> None:
    async with serving(SteeredBackend()) as served:
        with pytest.raises(InvalidStatus) as caught:
            await connect(served.url, subprotocols=["chat"])
        body = caught.value.response.body
        assert caught.value.response.status_code == 400
        assert body is not None
        assert b"dialogue.v1.msgpack" in body


async def test_no_frame_is_compressed() -> None:
    async with serving(SteeredBackend()) as served:
        async with connect(served.url, compression="deflate") as socket:
            assert socket.response is not None
            assert "Sec-WebSocket-Extensions" not in socket.response.headers


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (MSGPACK.encode(Ping(1)), CloseCode.PROTOCOL_ERROR),
        (b"\xc1", CloseCode.PROTOCOL_ERROR),
        (MSGPACK.encode(Hello(version=0)), CloseCode.UNSUPPORTED_VERSION),
    ],
    ids=["no-hello", "garbage", "version"],
)
async def test_a_bad_first_frame_is_explained_and_closed(first: bytes, code: CloseCode) -> None:
    async with serving(SteeredBackend()) as served:
        socket = await ClientSocket.connect(served.url)
        await socket.send(first)
        frames = [MSGPACK.decode_server(frame) async for frame in socket]
        assert isinstance(frames[0], Error)
        assert "hello" in frames[0].detail or "msgpack" in frames[0].detail
        assert socket.close_code == code
        assert close_policy(socket.close_code) is ClosePolicy.STOP


async def test_a_client_that_never_says_hello_is_let_go() -> None:
    async with serving(SteeredBackend(), handshake_seconds=0.05) as served:
        socket = await ClientSocket.connect(served.url)
        frames = [MSGPACK.decode_server(frame) async for frame in socket]
        assert isinstance(frames[0], Error)
        assert socket.close_code == CloseCode.HANDSHAKE_TIMEOUT


async def test_a_message_far_over_the_limit_closes_the_socket() -> None:
    async with serving(SteeredBackend(), limits=EngineLimits(message_bytes=2000)) as served:
        client = await Client.connect(served.url)
        await client.socket.send(b"\x00" * 9000)
        assert await client.close_code() == 1009


async def test_a_dropped_client_resumes_in_mid_turn_without_gap_or_repeat() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        turn = await client.expect(Turn)
        call.say("One. ", "Two. ")
        await client.expect(Delta)
        client.socket.abort()
        call.say("Three. ", "Four.")
        call.finish()
        again = await client.resume(served.url)
        assert again.welcome is not None
        assert again.welcome.resumed
        seen = Answer(turn)
        for message in client.received:
            if isinstance(message, Delta):
                seen.add(message)
        answer = await again.rest_of(seen)
        assert answer.text == "One. Two. Three. Four."
        assert answer.ended.length == len(answer.text)


async def test_a_position_that_is_gone_begins_a_new_session() -> None:
    async with serving(SteeredBackend()) as served:
        client = await Client.connect(served.url)
        assert client.welcome is not None
        session, epoch = client.welcome.session, client.welcome.epoch
        client.socket.abort()
        for resume in (
            Resume("nobody", epoch, 0),
            Resume(session, "another life", 0),
            Resume(session, epoch, 999),
        ):
            other = await Client.connect(served.url, hello=Hello(resume=resume))
            assert other.welcome is not None
            assert not other.welcome.resumed
            assert other.welcome.session != session


async def test_the_newer_of_two_sockets_wins_and_the_older_is_told() -> None:
    async with serving(SteeredBackend()) as served:
        old = await Client.connect(served.url)
        new = await old.resume(served.url)
        assert await old.close_code() == CloseCode.REPLACED
        await new.send(Ping(1))
        assert await new.next() == Pong(1)


async def test_a_session_without_a_socket_ends_after_the_grace_period() -> None:
    backend = SteeredBackend()
    async with serving(backend, limits=EngineLimits(detach_seconds=0.05)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        client.socket.abort()
        await call.cancelled()
        async with asyncio.timeout(5):
            while not served.seen(SessionEnded):
                await asyncio.sleep(0.01)
        assert served.seen(SessionEnded)[0].reason == "expired"
        assert served.registry.count == 0


async def test_a_reader_that_stops_reading_is_closed_and_delays_nobody() -> None:
    backend = SteeredBackend()
    async with serving(backend, write_bytes=64 * 1024) as served:
        slow = await connect(served.url, max_queue=1, compression=None)
        await slow.send(MSGPACK.encode(Hello()))
        await slow.recv()
        await slow.send(MSGPACK.encode(Open("slow", ["mira"], ANN)))
        await slow.recv()
        await slow.send(MSGPACK.encode(Say("slow", "1", "Talk.")))
        flood = await backend.call()
        quick = await Client.connect(served.url)
        await quick.open("quick")
        await quick.send(Say("quick", "1", "Hello?"))
        call = await backend.call()
        slow.transport.pause_reading()
        for _ in range(5000):
            flood.say("word " * 2000)  # 50 MB: more than the kernel's socket buffers hold
        flood.finish()
        call.say("Good day.")
        call.finish()
        assert (await quick.answer()).text == "Good day."
        slow.transport.resume_reading()
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(10):
                async for _ in slow:
                    pass
        assert slow.close_code == CloseCode.SLOW_READER
        assert close_policy(CloseCode.SLOW_READER) is ClosePolicy.RESUME


async def test_a_draining_server_says_goaway_finishes_turns_and_refuses_lines() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open("a")
        await client.open("b")
        await client.send(Say("a", "1", "Hello?"))
        call = await backend.call()
        draining = asyncio.create_task(served.registry.drain(5))
        await client.expect(GoAway)
        await client.send(Say("b", "1", "Hello?"))
        assert (await client.expect(Error)).code == "shutting_down"
        call.say("Good day.")
        call.finish()
        assert (await client.expect(TurnEnd)).reason == "complete"
        assert await client.close_code() == CloseCode.GOING_AWAY
        await draining


async def test_a_drain_cuts_turns_that_take_too_long() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("The mine ", "is")
        await client.expect(Delta)
        await served.registry.drain(0.01)
        await call.cancelled()
        end = await client.expect(TurnEnd)
        assert (end.reason, end.length) == ("truncated", 11)


async def test_plain_http_tells_of_health_and_where_to_connect() -> None:
    async with serving(SteeredBackend()) as served:
        base = served.url.replace("ws://", "http://")

        def get(path: str) -> tuple[int, str]:
            try:
                with urllib.request.urlopen(base + path, timeout=5) as response:
                    return response.status, response.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        assert await asyncio.to_thread(get, "/health/live") == (200, "live\n")
        assert await asyncio.to_thread(get, "/health/ready?x=1") == (200, "ready\n")
        status, text = await asyncio.to_thread(get, "/")
        assert status == 426
        assert "dialogue.v1.json" in text
        assert (await asyncio.to_thread(get, "/admin"))[0] == 404
        served.context.draining = True
        assert await asyncio.to_thread(get, "/health/ready") == (503, "draining\n")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ws://127.0.0.1:9", "is the server running"),
        ("nonsense", "is no WebSocket address"),
    ],
)
async def test_a_client_is_told_why_it_cannot_connect(url: str, problem: str) -> None:
    with pytest.raises(ConnectError, match=problem):
        await ClientSocket.connect(url, timeout=2)


async def test_a_hundred_clients_talk_at_once() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:

        async def one(number: int) -> str:
            client = await Client.connect(served.url)
            await client.open(player=Player(f"p{number}", "Ann"))
            answer = await client.say(f"I am {number}.")
            await client.leave()
            return answer.text

        async def model() -> None:
            for _ in range(100):
                call = await backend.call()
                call.say("You said: ", call.request.messages[-1].content[-30:].split("I am ")[1])
                call.finish()

        answers, _ = await asyncio.gather(asyncio.gather(*map(one, range(100))), model())
        for number, text in enumerate(answers):
            assert f"{number}." in text
