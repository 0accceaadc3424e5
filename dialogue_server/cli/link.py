"""A session of the public protocol over real sockets, which comes back after a drop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dialogue_protocol.client_connection import ClientConnection, reconnect_delay
from dialogue_protocol.codec import DecodeError, Frame
from dialogue_protocol.codes import ClosePolicy
from dialogue_protocol.connection import State
from dialogue_protocol.messages import ClientMessage, Error, ServerMessage, Welcome
from msgspec import Struct

from .. import __version__
from ..server.client_socket import ClientSocket, ConnectError

GIVE_UP_SECONDS = 20.0
"""How long a link tries to come back after a drop."""


class LinkLost(Exception):
    """The server is gone, or does not want us; the message says why."""


class Nudge(Struct, frozen=True):
    """Something that the person did, in the order of the messages: `stop` ends the NPC's line,
    without it whoever waits just looks again."""

    stop: bool


class Link:
    """Sends messages and hands out what comes. Made by `connected`."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        self.connection = ClientConnection(f"dialogue-server chat {__version__}", token)
        self._socket: ClientSocket | None = None
        self._inbox: asyncio.Queue[ServerMessage | Nudge | LinkLost] = asyncio.Queue()
        self._refusal = ""

    async def send(self, message: ClientMessage) -> None:
        """Send now, or after the link has come back."""
        frame = self.connection.send(message)
        if self.connection.state is State.ATTACHED and self._socket is not None:
            await self._socket.send(frame)

    def nudge(self, *, stop: bool) -> None:
        """Put a Nudge among the messages."""
        self._inbox.put_nowait(Nudge(stop))

    async def receive(self) -> ServerMessage | Nudge:
        """The next message; may be cancelled. Raises LinkLost when no more will come."""
        message = await self._inbox.get()
        if isinstance(message, LinkLost):
            self._inbox.put_nowait(message)
            raise message
        return message

    async def run(self, attached: asyncio.Future[None]) -> None:
        """Keep the session going until it is lost or this task is cancelled."""
        socket: ClientSocket | None = await ClientSocket.connect(self.url)
        attempt, since = 0, time.monotonic()
        while True:
            if socket is not None:
                async with socket:
                    self._socket = socket
                    if await self._serve(socket, attached):
                        attempt, since = 0, time.monotonic()
                self._socket = None
                if self.connection.disconnected(socket.close_code) is ClosePolicy.STOP:
                    raise LinkLost(
                        self._refusal or f"the server closed the session ({socket.close_code})"
                    )
            await asyncio.sleep(reconnect_delay(attempt, random.random(), longest=5.0))  # noqa: S311 - jitter
            attempt += 1
            try:
                socket = await ClientSocket.connect(self.url)
            except ConnectError as error:
                socket = None
                if time.monotonic() - since > GIVE_UP_SECONDS:
                    raise LinkLost(f"the connection was lost: {error}") from error

    async def _serve(self, socket: ClientSocket, attached: asyncio.Future[None]) -> bool:
        """One socket's life; whether it got as far as a welcome."""
        welcomed = False
        await socket.send(self.connection.hello())
        async for frame in socket:
            message = self._read(frame)
            if isinstance(message, Welcome):
                welcomed = True
                for missing in self.connection.recover():
                    await socket.send(missing)
                if not attached.done():
                    attached.set_result(None)
            elif message is not None:
                if isinstance(message, Error) and not welcomed:
                    self._refusal = message.detail
                self._inbox.put_nowait(message)
            if (ack := self.connection.take_ack()) is not None:
                await socket.send(ack)
        return welcomed

    def _read(self, frame: Frame) -> ServerMessage | None:
        try:
            return self.connection.receive(frame)
        except DecodeError:  # a newer server's message; counted, and passed over
            return None

    def lost(self, error: LinkLost) -> None:
        """Wake whoever waits in `receive`."""
        self._inbox.put_nowait(error)


@asynccontextmanager
async def connected(url: str, token: str = "") -> AsyncIterator[Link]:
    """A link that has been welcomed. Raises ConnectError or LinkLost."""
    link = Link(url, token)
    attached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        try:
            await link.run(attached)
        except (LinkLost, ConnectError) as error:
            if attached.done():
                link.lost(error if isinstance(error, LinkLost) else LinkLost(str(error)))
            else:
                attached.set_exception(error)

    task = asyncio.create_task(run(), name="link")
    try:
        await attached
        yield link
    finally:
        task.cancel()
        await asyncio.wait([task])
