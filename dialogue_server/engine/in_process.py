"""A client of the engine in the same process: the real session, the real protocol, no socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from dialogue_protocol.client_connection import ClientConnection
from dialogue_protocol.codec import Frame
from dialogue_protocol.codes import CloseCode
from dialogue_protocol.connection import check_hello
from dialogue_protocol.messages import ClientMessage, ServerMessage, Welcome

from .registry import Registry
from .session import Session

_ANY_SIZE = 2**63


class InProcess:
    """Sends messages and hands out what comes, in order. Made by `in_process`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._frames: asyncio.Queue[Frame | CloseCode] = asyncio.Queue()
        self._session: Session | None = None

    def write(self, frame: Frame) -> None:
        """The session's side of the socket."""
        self._frames.put_nowait(frame)

    def close(self, code: CloseCode, _reason: str) -> None:
        """The session's side of the socket."""
        self._frames.put_nowait(code)

    async def attach(self, registry: Registry) -> Session:
        """Say hello; afterwards the session is there."""
        codec = self._connection.codec
        hello = check_hello(codec.decode_client(self._connection.hello(), _ANY_SIZE))
        self._session = registry.attach(hello, codec, self)
        while not isinstance(await self.receive(), Welcome):
            pass
        self._connection.recover()
        return self._session

    async def send(self, message: ClientMessage) -> None:
        """Have the session handle a message; what it answers waits in `receive`."""
        assert self._session is not None
        await self._session.receive(self._connection.send(message))

    async def receive(self) -> ServerMessage:
        """The next message. Raises a ConnectionError if the session was closed."""
        while True:
            frame = await self._frames.get()
            if isinstance(frame, CloseCode):
                raise ConnectionError(f"the session was closed ({frame.name})")
            message = self._connection.receive(frame)
            ack = self._connection.take_ack()
            if ack is not None and self._session is not None:
                await self._session.receive(ack)
            if message is not None:
                return message


@asynccontextmanager
async def in_process(
    registry: Registry, client: str, capabilities: Sequence[str] = ()
) -> AsyncIterator[InProcess]:
    """A client that has been welcomed; its session ends with the block."""
    link = InProcess(ClientConnection(client, capabilities=capabilities))
    session = await link.attach(registry)
    try:
        yield link
    finally:
        await registry.end(session, "the client has finished")
