"""A WebSocket client that sends whatever it is told, right or wrong, and reads what comes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import struct
from typing import Self

from dialogue_protocol.codec import MSGPACK
from dialogue_protocol.messages import SUBPROTOCOL_MSGPACK, Hello, ServerMessage, Welcome
from msgspec import Struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PATIENCE = 10.0
MASK = b"\x37\xfa\x21\x3d"


class Frame(Struct, frozen=True):
    """A frame of the server. `first` is its first byte: FIN, the reserved bits, the opcode."""

    first: int
    payload: bytes
    masked: bool

    @property
    def opcode(self) -> int:
        return self.first & 15

    @property
    def close_code(self) -> int:
        assert self.opcode == CLOSE
        return int.from_bytes(self.payload[:2], "big") if self.payload else 1005


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bytes | None = MASK,
    length: bytes | None = None,
) -> bytes:
    """A client's frame (RFC 6455, 5.2). `length` replaces the bytes of the length, of which the
    first then lacks the mask's bit; `reserved` is RSV1 to RSV3 as a number up to 7."""
    size = len(payload)
    if length is None:
        if size < 126:
            length = bytes((size,))
        elif size < 65536:
            length = struct.pack("!BH", 126, size)
        else:
            length = struct.pack("!BQ", 127, size)
    first = (128 if fin else 0) | reserved << 4 | opcode
    if mask is None:
        return bytes((first,)) + length + payload
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes((first, length[0] | 128)) + length[1:] + mask + masked


def request(host: str, *more: str, line: str = "GET / HTTP/1.1") -> bytes:
    """A handshake's request (4.1), with `more` headers."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        line,
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL_MSGPACK}",
        *more,
    )
    return "\r\n".join((*lines, "", "")).encode("latin-1")


class RawSocket:
    """`connect` opens TCP only; `upgraded` a WebSocket; `greeted` a session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, url: str) -> Self:
        host, _, port = url.removeprefix("ws://").partition(":")
        return cls(*await asyncio.open_connection(host, int(port), limit=1 << 20))

    @classmethod
    async def upgraded(cls, url: str) -> Self:
        raw = await cls.connect(url)
        raw.write(request(url.removeprefix("ws://")))
        head = await raw.head()
        assert head.startswith("HTTP/1.1 101 "), head
        return raw

    @classmethod
    async def greeted(cls, url: str, hello: Hello | None = None) -> Self:
        raw = await cls.upgraded(url)
        payload = MSGPACK.encode(hello or Hello(client="raw"))
        assert isinstance(payload, bytes)
        raw.write(frame(BINARY, payload))
        assert isinstance(await raw.message(), Welcome)
        return raw

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> str:
        """The head of an HTTP answer."""
        async with asyncio.timeout(PATIENCE):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")

    async def frame(self) -> Frame:
        """The next frame. IncompleteReadError where the connection has ended."""
        async with asyncio.timeout(PATIENCE):
            first, second = await self.reader.readexactly(2)
            size = second & 127
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return Frame(first, await self.reader.readexactly(size), bool(second & 128))

    async def message(self) -> ServerMessage:
        """The next data frame, decoded."""
        while True:
            found = await self.frame()
            if found.opcode == BINARY:
                return MSGPACK.decode_server(found.payload)  # type: ignore[return-value]
            assert found.opcode not in (CLOSE, CONTINUATION), found

    async def rest(self) -> list[Frame]:
        """All frames up to the end of the connection, however it ends."""
        frames = []
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                frames.append(await self.frame())
        return frames

    async def ended(self) -> bytes:
        """Whatever comes up to the end of the connection, as bytes."""
        data = b""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                while part := await self.reader.read(65536):
                    data += part
        return data

    def abort(self) -> None:
        """Cut it, without a word."""
        self.writer.transport.abort()
