"""The client's end of a WebSocket, and a way through for a client whose session lives elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from dialogue_protocol.codec import MSGPACK, Codec
from dialogue_protocol.codes import CloseCode
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidURI,
    WebSocketException,
)
from websockets.typing import Subprotocol

Frame = bytes | str
PATIENCE = 3.0
"""Seconds in which another server must answer."""


class ConnectError(Exception):
    """The server could not be reached; the message says what was tried."""


class ClientSocket:
    """A client's WebSocket: `send`, `async for frame in socket`, `close`. After the iteration
    ends, `close_code` says why."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, url: str, codec: Codec = MSGPACK, *, timeout: float = 10.0) -> Self:
        """Connect to ws:// or wss:// `url`; raises ConnectError within `timeout` seconds, which
        closing may take as well."""
        try:
            connection = await connect(
                url,
                subprotocols=[Subprotocol(codec.subprotocol)],
                compression=None,
                open_timeout=timeout,
                close_timeout=timeout,
                max_size=None,
                proxy=None,
            )
        except (InvalidURI, ValueError) as error:  # of a port or a name that none can be
            raise ConnectError(f"{url!r} is no WebSocket address (ws://host:port)") from error
        except TimeoutError as error:
            raise ConnectError(f"{url} did not answer within {timeout:g} s") from error
        except OSError as error:
            raise ConnectError(
                f"nothing listens at {url} ({error.strerror or error}); is the server running?"
            ) from error
        except (InvalidHandshake, WebSocketException) as error:
            raise ConnectError(f"{url} refused the connection: {error}") from error
        return cls(connection)

    @property
    def close_code(self) -> int:
        """The code the socket was closed with; 1006 for an abrupt drop."""
        code = self._connection.close_code
        return 1006 if code is None else code

    @property
    def close_reason(self) -> str:
        """What the server said when it closed."""
        return self._connection.close_reason or ""

    async def send(self, frame: Frame) -> None:
        """Send a frame; silently nothing once the socket is closed."""
        with contextlib.suppress(ConnectionClosed):
            await self._connection.send(frame)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        with contextlib.suppress(ConnectionClosed):
            while True:
                yield await self._connection.recv()

    async def close(self) -> None:
        """Close and wait."""
        await self._connection.close()

    def abort(self) -> None:
        """Drop the connection without a word, as a tunnel does."""
        self._connection.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


async def relay(client: ServerConnection, hello: Frame, address: str, codec: Codec) -> None:
    """Pass a client through to the server where its session lives, hello first, until either
    closes; the close goes through as well. One that cannot be reached means: come back, and begin
    anew if it stays away."""
    try:
        server = await ClientSocket.connect(address, codec, timeout=PATIENCE)
    except ConnectError:
        await client.close(CloseCode.GOING_AWAY, "the server of this session is away")
        return
    await server.send(hello)
    ways = [
        asyncio.create_task(_pass_on(client, server), name="relay to server"),
        asyncio.create_task(_pass_back(server, client), name="relay to client"),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        if ways[1].done():
            code = server.close_code
            if code in (1005, 1006):  # none came, and neither can be sent
                code = CloseCode.GOING_AWAY
            await client.close(code, server.close_reason)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)
        await server.close()


async def _pass_on(client: ServerConnection, server: ClientSocket) -> None:
    async for frame in client:
        await server.send(frame)


async def _pass_back(server: ClientSocket, client: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for frame in server:
            await client.send(frame)  # waits for a slow reader, and so does the other server
