"""RFC 6455, section by section, over real sockets: what the server must do with each frame.

The well-known test suite for WebSockets, Autobahn's, runs on Python 2 only. This is a list of our
own; the numbers in the names are the RFC's sections.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct

import pytest
from dialogue_protocol.codec import JSON, MSGPACK, Codec
from dialogue_protocol.messages import Hello, History, Ping, Pong, Say, Transcript, Welcome

from dialogue_server.engine.context import EngineLimits
from tests.fakes.raw_websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawSocket,
    frame,
    request,
)
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, serving

PROTOCOL_ERROR, INVALID_DATA, TOO_BIG = 1002, 1007, 1009


def ping(nonce: int) -> bytes:
    """A message of ours that is answered by one of ours."""
    encoded = MSGPACK.encode(Ping(nonce))
    assert isinstance(encoded, bytes)
    return encoded


def close(code: int, reason: bytes = b"") -> bytes:
    return struct.pack("!H", code) + reason


# ------------------------------------------------ 4: the opening handshake


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (("Connection: Upgrade", "Connection: close"), 426),
        (("Upgrade: websocket", "Upgrade: h2c"), 426),
        (("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"), 400),
        (("Sec-WebSocket-Version: 13\r\n", ""), 400),
        (("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: x"), 400),
        (("Sec-WebSocket-Key: ", "X-Key: "), 400),
        (("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13\r\nUpgrade: h2c"), 426),
        (("GET / HTTP/1.1", "GET / HTTP/1.0"), 505),
    ],
    ids=lambda value: repr(value[1]) if isinstance(value, tuple) else str(value),
)
async def test_4_2_1_a_handshake_that_lacks_something_is_refused(
    change: tuple[str, str], status: int
) -> None:
    async with serving(SteeredBackend()) as served:
        host = served.url.removeprefix("ws://")
        async with await RawSocket.connect(served.url) as raw:
            good = request(host).decode("latin-1")
            assert change[0] in good
            raw.write(good.replace(*change).encode("latin-1"))
            answer = (await raw.ended()).decode("latin-1")
            assert answer.startswith(f"HTTP/1.1 {status} "), answer


async def test_4_2_2_the_handshake_is_proved_by_the_key() -> None:
    async with serving(SteeredBackend()) as served:
        async with await RawSocket.connect(served.url) as raw:
            sent = request(served.url.removeprefix("ws://"))
            key = sent.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
            raw.write(sent)
            head = await raw.head()
            digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
            assert f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n" in head
            assert "Sec-WebSocket-Protocol: dialogue.v1.msgpack\r\n" in head


async def test_4_1_frames_may_follow_the_request_in_the_same_packet() -> None:
    async with serving(SteeredBackend()) as served:
        async with await RawSocket.connect(served.url) as raw:
            hello = MSGPACK.encode(Hello())
            assert isinstance(hello, bytes)
            raw.write(request(served.url.removeprefix("ws://")) + frame(BINARY, hello))
            assert "101" in await raw.head()
            assert isinstance(await raw.message(), Welcome)


# ------------------------------------------------ 5.1 to 5.5: frames that are a breach

BREACHES = {
    "5.1 a frame without a mask": (frame(BINARY, b"x", mask=None), PROTOCOL_ERROR),
    "5.1 a close without a mask": (frame(CLOSE, close(1000), mask=None), PROTOCOL_ERROR),
    **{
        f"5.2 reserved bits {bits:03b}": (frame(BINARY, b"x", reserved=bits), PROTOCOL_ERROR)
        for bits in range(1, 8)
    },
    "5.2 reserved bits in a ping": (frame(PING, b"x", reserved=4), PROTOCOL_ERROR),
    **{
        f"5.2 the reserved opcode {opcode}": (frame(opcode, b"x"), PROTOCOL_ERROR)
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    },
    "5.2 a length with its highest bit set": (
        frame(BINARY, length=struct.pack("!BQ", 127, 1 << 63)),
        TOO_BIG,
    ),
    "5.2 a length of four gigabytes": (
        frame(BINARY, length=struct.pack("!BQ", 127, 1 << 32)),
        TOO_BIG,
    ),
    "5.4 a continuation of nothing": (frame(CONTINUATION, b"x"), PROTOCOL_ERROR),
    "5.4 a message within another": (
        frame(BINARY, b"x", fin=False) + frame(BINARY, b"y"),
        PROTOCOL_ERROR,
    ),
    "5.4 fragments that are too big together": (
        frame(BINARY, b"x" * 5000, fin=False) + frame(CONTINUATION, b"x" * 5000, fin=False),
        TOO_BIG,
    ),
    "5.5 a fragment of a ping": (frame(PING, b"x", fin=False), PROTOCOL_ERROR),
    "5.5 a fragment of a close": (frame(CLOSE, close(1000), fin=False), PROTOCOL_ERROR),
    "5.5 a ping of 126 bytes": (frame(PING, b"x" * 126), PROTOCOL_ERROR),
    "5.5 a close of 126 bytes": (frame(CLOSE, close(1000, b"x" * 124)), PROTOCOL_ERROR),
    "5.5.1 a close of one byte": (frame(CLOSE, b"x"), PROTOCOL_ERROR),
    "5.5.1 a reason that is no UTF-8": (frame(CLOSE, close(1000, b"\xff")), INVALID_DATA),
    **{
        f"7.4 the close code {code}": (frame(CLOSE, close(code)), PROTOCOL_ERROR)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
    },
    "8.1 text that is no UTF-8": (frame(TEXT, b"\xce\xba\xff"), INVALID_DATA),
    "8.1 a surrogate": (frame(TEXT, b"\xed\xa0\x80"), INVALID_DATA),
    "8.1 a letter that is cut off": (frame(TEXT, b"\xce"), INVALID_DATA),
    "8.1 no UTF-8 over two fragments": (
        frame(TEXT, b"\xce", fin=False) + frame(CONTINUATION, b"\xce"),
        INVALID_DATA,
    ),
}


@pytest.mark.parametrize("name", BREACHES)
@pytest.mark.parametrize("greeted", [True, False], ids=["in a session", "before the hello"])
async def test_5_a_breach_is_answered_by_its_close_code_and_the_end(
    name: str, greeted: bool
) -> None:
    data, code = BREACHES[name]
    async with serving(SteeredBackend(), limits=EngineLimits(message_bytes=2000)) as served:
        how = RawSocket.greeted if greeted else RawSocket.upgraded
        async with await how(served.url) as raw:
            raw.write(data + frame(BINARY, ping(7)))  # what follows is not read any more
            (last,) = await raw.rest()
            assert last.close_code == code
            last.payload[2:].decode()


# ------------------------------------------------ 5.1 to 5.5: frames that are right


async def test_5_1_the_server_masks_nothing_and_sets_no_reserved_bit() -> None:
    async with serving(SteeredBackend()) as served:
        async with await RawSocket.greeted(served.url) as raw:
            raw.write(frame(BINARY, ping(1)) + frame(PING, b"x"))
            frames = [await raw.frame(), await raw.frame()]
            raw.write(frame(CLOSE, close(1000)))
            frames += await raw.rest()
            assert {each.opcode for each in frames} == {BINARY, PONG, CLOSE}
            assert all(not each.masked and each.first & 0x70 == 0 for each in frames)
            assert all(each.first & 0x80 for each in frames)


@pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=["binary", "text"])
async def test_5_2_what_the_server_sends_of_any_length_is_one_frame(codec: Codec) -> None:
    """Around the lengths at which the frame's head grows."""
    backend = SteeredBackend()
    async with serving(backend, limits=EngineLimits(replay_bytes=1 << 20)) as served:
        client = await Client.connect(served.url, codec)
        await client.open()
        told = ""
        await client.send(Say("c", "1", "Talk."))
        call = await backend.call()
        for size in (*range(90, 130), 400, 65_000):
            call.say("x" * size + ". ")
            told += "x" * size + ". "
        call.finish()
        assert (await client.answer()).text == told.strip()
        await client.send(History("c"))
        assert (await client.expect(Transcript)).lines[-1].text == told.strip()
        sizes = {len(each.encode() if isinstance(each, str) else each) for each in client.frames}
        assert any(size < 126 for size in sizes)
        assert any(126 <= size < 1 << 16 for size in sizes)
        assert any(size >= 1 << 16 for size in sizes)
        await client.leave()


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x80\x7f\xfe"])
async def test_5_3_any_mask_is_taken(mask: bytes) -> None:
    async with serving(SteeredBackend()) as served:
        async with await RawSocket.greeted(served.url) as raw:
            raw.write(frame(BINARY, ping(3), mask=mask))
            assert await raw.message() == Pong(3)


async def test_5_2_a_frame_may_come_byte_by_byte() -> None:
    async with serving(SteeredBackend()) as served:
        async with await RawSocket.greeted(served.url) as raw:
            for byte in frame(BINARY, ping(5)):
                raw.write(bytes((byte,)))
                await raw.writer.drain()
            assert await raw.message() == Pong(5)


async def test_5_4_fragments_of_any_size_are_one_message_and_pings_between_are_answered_first() -> (
    None
):
    async with serving(SteeredBackend()) as served:
        async with await RawSocket.greeted(served.url) as raw:
            data = ping(2**31)
            raw.write(frame(BINARY, b"", fin=False))
            for number, byte in enumerate(data):
                raw.write(frame(CONTINUATION, bytes((byte,)), fin=False))
                raw.write(frame(PING, f"between {number}".encode()))
                answer = await raw.frame()
                assert (answer.opcode, answer.payload) == (PONG, f"between {number}".encode())
            raw.write(frame(CONTINUATION, b""))
            assert await raw.message() == Pong(2**31)


async def test_5_4_a_letter_may_be_split_between_fragments() -> None:
    async with serving(SteeredBackend(), close_seconds=0.2) as served:
        async with await RawSocket.upgraded(served.url) as raw:
            hello = JSON.encode(Hello(client="Grüße"))
            data = hello.encode() if isinstance(hello, str) else hello
            cut = data.index("ü".encode()) + 1
            # Text on a socket that is to speak msgpack: an error of ours, and no breach of the RFC.
            raw.write(frame(TEXT, data[:cut], fin=False) + frame(CONTINUATION, data[cut:]))
            error, last = await raw.rest()
            assert error.opcode == BINARY
            assert last.close_code >= 4000


async def test_5_5_1_a_close_is_echoed_and_nothing_after_it_is_read() -> None:
    async with serving(SteeredBackend()) as served:
        for code in (1000, 1001, 1003, 1007, 1011, 3000, 3999, 4000, 4999):
            async with await RawSocket.greeted(served.url) as raw:
                raw.write(frame(CLOSE, close(code, b"bye")) + frame(BINARY, ping(1)))
                (last,) = await raw.rest()
                assert (last.close_code, last.payload[2:]) == (code, b"bye")


async def test_5_5_1_a_close_without_a_code_is_echoed_without_one() -> None:
    async with serving(SteeredBackend()) as served:
        async with await RawSocket.greeted(served.url) as raw:
            raw.write(frame(CLOSE))
            (last,) = await raw.rest()
            assert (last.opcode, last.payload) == (CLOSE, b"")


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(125))])
async def test_5_5_2_a_ping_is_answered_with_its_own_payload(payload: bytes) -> None:
    async with serving(SteeredBackend()) as served:
        async with await RawSocket.greeted(served.url) as raw:
            raw.write(frame(PING, payload))
            answer = await raw.frame()
            assert (answer.opcode, answer.payload) == (PONG, payload)


async def test_5_5_3_a_pong_that_nobody_asked_for_is_ignored() -> None:
    async with serving(SteeredBackend()) as served:
        async with await RawSocket.greeted(served.url) as raw:
            raw.write(frame(PONG, b"\xff\x00") + frame(PONG) + frame(BINARY, ping(9)))
            assert await raw.message() == Pong(9)


async def test_5_6_an_empty_message_is_an_error_that_the_session_survives() -> None:
    async with serving(SteeredBackend()) as served:
        async with await RawSocket.greeted(served.url) as raw:
            raw.write(frame(BINARY, b"") + frame(BINARY, ping(4)))
            error = await raw.message()
            assert getattr(error, "code", "") == "bad_message"
            assert await raw.message() == Pong(4)


async def test_7_1_1_a_client_that_does_not_close_its_side_is_cut() -> None:
    """After a breach, after its close, and after ours."""
    async with serving(SteeredBackend(), close_seconds=0.1) as served:
        for data in (frame(3), frame(CLOSE, close(1000))):
            async with await RawSocket.greeted(served.url) as raw:
                raw.write(data)
                assert [each.opcode for each in await raw.rest()] == [CLOSE]
                # Our end has had its end of file; the other end must be gone soon as well.
                for _ in range(200):
                    raw.write(frame(PONG))
                    try:
                        await raw.writer.drain()
                    except ConnectionError:
                        break
                    await asyncio.sleep(0.01)
                else:
                    pytest.fail("the server still takes what is sent")
