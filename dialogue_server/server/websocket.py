"""WebSockets: the listener that carries sessions.

A session writes frames without waiting: they go into the socket's transport buffer, and a
reader that lets it grow beyond `write_bytes` is closed with SLOW_READER, which invites it to
resume. So a slow reader costs bounded memory and delays nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import socket
import ssl
import traceback
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from dialogue_protocol.codec import JSON, MSGPACK, Codec, DecodeError, codec_for
from dialogue_protocol.codes import CloseCode, ErrorCode, close_reason
from dialogue_protocol.connection import HandshakeError, ProtocolError, check_hello
from dialogue_protocol.messages import SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK, Error, Hello
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosed,
    NegotiationError,
)
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from ..engine.context import EngineContext
from ..engine.identity import OPERATOR
from ..engine.observer import Failure, RequestRefused
from ..engine.registry import Registry
from ..engine.session import Session
from ..errors import SettingsError, StoreError
from ..instrumentation.metrics import CONTENT_TYPE
from ..settings import Access
from . import http
from .addresses import Addresses
from .admission import Admission, is_local
from .client_socket import relay
from .guarded_connection import GuardedConnection
from .origins import Origins, by_address

Frame = bytes | str
Scrape = Callable[[], bytes | Awaitable[bytes]]
"""Gives the text of /metrics."""
_LARGEST_FRAME = 1 << 20
_SUBPROTOCOLS = [Subprotocol(SUBPROTOCOL_MSGPACK), Subprotocol(SUBPROTOCOL_JSON)]


class Listener:
    """Listens on one port and hands each socket to the registry. `start`, then `stop`."""

    def __init__(
        self,
        context: EngineContext,
        registry: Registry,
        *,
        host: str,
        port: int,
        write_bytes: int,
        handshake_seconds: float,
        ping_interval: float = 20.0,
        ping_timeout: float = 20.0,
        close_seconds: float = 5.0,
        admission: Admission | None = None,
        addresses: Addresses | None = None,
        origins: str = "",
        tls: ssl.SSLContext | None = None,
        page: bool = False,
        reuse_port: bool = False,
        metrics: Scrape | None = None,
    ) -> None:
        """`write_bytes` bounds what waits for a slow reader. A socket is pinged every
        `ping_interval` seconds, and given up if no pong comes within `ping_timeout`. A closing
        handshake may take `close_seconds`; then the socket is cut. `admission` says who may
        connect (this machine only, by default), `addresses` how many from each address, `origins`
        which web sites' pages may (the setting access.origins), `tls` makes it wss://, `page`
        serves the designers' page, `metrics` gives the text of /metrics, for operators."""
        self._context = context
        self._registry = registry
        self._host = host
        self._port = port
        self._write_bytes = write_bytes
        self._handshake_seconds = handshake_seconds
        self._ping_interval = ping_interval
        self._ping_timeout = ping_timeout
        self._close_seconds = close_seconds
        self._admission = admission or Admission(Access(), {})
        self._addresses = addresses or Addresses()
        self._origins = Origins(origins, page=page)
        self._tls = tls
        self._page = page
        self._metrics = metrics
        self._reuse_port = reuse_port
        self._servers: list[Server] = []
        self.own_port = 0
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen; returns the port. SettingsError if it cannot be had. Afterwards `own_port` is
        one that no other worker listens on."""
        try:
            self._servers.append(
                await self._serve(self._host, self._port, self._tls, reuse_port=self._reuse_port)
            )
        except OSError as error:
            raise _cannot_listen(self._host, self._port, error) from error
        if self._reuse_port:
            tls = self._tls if self.own_port_has_tls else None
            self._servers.append(await self._serve(self.own_host, 0, tls, reuse_port=False))
        own = self._servers[-1].sockets[0].getsockname()[1]
        self.own_port = int(own)
        return int(self._servers[0].sockets[0].getsockname()[1])

    @property
    def own_host(self) -> str:
        """The address of `own_port`. A worker's is a single one, since a free port of two
        addresses would be two; other machines' servers reach it, unless all is on this one."""
        if not self._reuse_port:
            return self._host
        if self._host == "localhost" or is_local(self._host, {}):
            return "127.0.0.1"
        return "0.0.0.0" if self._host in ("", "::") else self._host  # noqa: S104

    @property
    def own_port_has_tls(self) -> bool:
        """Whether `own_port` speaks TLS, as the port does; a worker's does not on this machine
        alone, which no certificate is for."""
        return self._tls is not None and not (self._reuse_port and self.own_host == "127.0.0.1")

    async def _serve(
        self, host: str, port: int, tls: ssl.SSLContext | None, *, reuse_port: bool
    ) -> Server:
        limits = self._context.limits
        # Above all that we let wait: else the library's pings and closes would themselves
        # wait for a reader that has stalled, without any time limit.
        most_waiting = self._write_bytes + _LARGEST_FRAME
        guarded = functools.partial(
            GuardedConnection,
            messages_per_second=limits.messages_per_second,
            write_bytes=most_waiting,
        )
        return await serve(
            self._serve_socket,
            host,
            port,
            subprotocols=_SUBPROTOCOLS,
            select_subprotocol=_select_subprotocol,
            process_request=self._process_request,
            ssl=tls,
            compression=None,  # deltas are smaller than a deflate block's header
            server_header=None,
            # Over the limit is an error that the session survives; far over it is an attack.
            max_size=4 * limits.message_bytes,
            open_timeout=self._handshake_seconds,
            ping_interval=self._ping_interval,
            ping_timeout=self._ping_timeout,
            # A slow reader must not hold its buffer for long once it is told to go.
            close_timeout=self._close_seconds,
            write_limit=most_waiting,
            create_connection=guarded,  # type: ignore[arg-type]  # called like the class
            reuse_port=reuse_port or None,
        )

    async def stop(self) -> None:
        """Close the port and every socket that is left."""
        for server in self._servers:
            server.close(code=CloseCode.GOING_AWAY, reason="the server restarts")
        for server in self._servers:
            await server.wait_closed()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _process_request(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        method = getattr(request, "method", "GET")  # older libraries refuse all others themselves
        upgrade = "upgrade" in request.headers.get("Connection", "").lower()
        if method == "GET" and upgrade and self._origins.allow(request.headers.get_all):
            return None
        ready = not self._context.draining
        if method == "GET" and upgrade:
            answer = http.foreign_page()
        elif method not in ("GET", "HEAD"):
            answer = http.not_allowed()
        elif self._metrics is not None and request.path.partition("?")[0] == "/metrics":
            answer = await self._scrape(connection, request.headers, self._metrics)
        else:
            answer = http.answer(request.path, lambda: ready, page=self._page)
        headers = Headers({"Content-Type": answer.content_type, "Connection": "close"})
        headers.update(answer.headers)
        headers["Content-Length"] = str(len(answer.body))
        body = b"" if method == "HEAD" else answer.body
        return Response(answer.status.value, answer.status.phrase, headers, body)

    async def _scrape(
        self, connection: ServerConnection, headers: Headers, metrics: Scrape
    ) -> http.Answer:
        try:
            token = http.bearer(headers.get_all("Authorization"))
            local = _is_local(connection, headers) and by_address(headers.get_all)
            who = self._admission.identify(token, local=local)
        except HandshakeError as error:
            return http.unauthorized(error.detail)
        if OPERATOR not in who.rights or who.has_expired(self._context.now()):
            return http.forbidden()
        text = metrics()
        body = text if isinstance(text, bytes) else await text
        return http.Answer(HTTPStatus.OK, body, CONTENT_TYPE)

    async def _serve_socket(self, connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            try:
                await self._serve_session(connection)
            except ConnectionClosed:
                raise
            except Exception:
                self._context.observe(Failure(where="socket", error=traceback.format_exc()))
                await connection.close(1011, "the server failed")

    async def _serve_session(self, connection: ServerConnection) -> None:
        codec = codec_for(connection.subprotocol or "")
        headers = connection.request.headers if connection.request else Headers()
        client = self._addresses.client(_peer(connection), headers.get_all("X-Forwarded-For"))
        try:
            with self._addresses.counted(client):
                await self._serve_client(connection, codec, headers)
        except HandshakeError as error:
            await self._refuse(connection, codec, error)

    async def _refuse(
        self, connection: ServerConnection, codec: Codec | None, error: HandshakeError
    ) -> None:
        refused = RequestRefused(session="", code=error.code, detail=error.detail)
        self._context.observe(refused)
        if codec is not None:
            refusal = Error(
                error.code,
                error.detail,
                retryable=error.code.retryable,
                retry_after_ms=round(1000 * error.retry_after),
            )
            await connection.send(codec.encode(refusal))
        await connection.close(error.close_code, close_reason(error.detail))

    async def _serve_client(
        self, connection: ServerConnection, codec: Codec | None, headers: Headers
    ) -> None:
        frame = await self._first_frame(connection)
        if codec is None:  # a client that names no subprotocol is known by its first frame
            codec = JSON if isinstance(frame, str) else MSGPACK
        assert isinstance(connection, GuardedConnection)  # `serve` was told to make them
        socket = _Socket(connection, self._write_bytes, self._closing)
        try:
            if frame is None:
                raise HandshakeError(
                    CloseCode.HANDSHAKE_TIMEOUT,
                    ErrorCode.BAD_MESSAGE,
                    f"No hello came within {self._handshake_seconds:g} s.",
                )
            hello = self._hello(frame, codec)
            local = self._origins.trust(headers.get_all) and _is_local(connection, headers)
            identity = self._admission.identify(hello.token, local=local)
            elsewhere = await self._elsewhere(hello)
            if elsewhere:
                await relay(connection, frame, elsewhere, codec)
                return
            session = self._registry.attach(hello, codec, socket, identity)
        except HandshakeError as error:
            await self._refuse(connection, codec, error)
            return
        try:
            async for frame in connection:
                # Once the session has let go of this socket, read on to the client's close.
                if session.socket is socket:
                    await self._receive(session, frame)
        finally:
            self._registry.detach(session, socket)

    async def _elsewhere(self, hello: Hello) -> str:
        """The address of the other server where the session that a hello resumes lives."""
        directory = self._context.directory
        if directory is None or hello.resume is None or self._registry.knows(hello.resume.session):
            return ""
        try:
            return await directory.whereabouts(hello.resume.session)
        except StoreError:
            return ""  # begins anew here, as after a crash

    async def _receive(self, session: Session, frame: Frame) -> None:
        try:
            await session.receive(frame)
        except ProtocolError as error:
            session.send(Error(error.code, error.detail))
            await self._registry.end(session, close_reason(error.detail), error.close_code)

    async def _first_frame(self, connection: ServerConnection) -> Frame | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._handshake_seconds):
                return await connection.recv()
        return None

    def _hello(self, frame: Frame, codec: Codec) -> Hello:
        try:
            return check_hello(codec.decode_client(frame, self._context.limits.message_bytes))
        except DecodeError as error:
            raise HandshakeError(CloseCode.PROTOCOL_ERROR, error.code, error.detail) from None


def _peer(connection: ServerConnection) -> str:
    address = connection.remote_address
    return str(address[0]) if address else ""


def _is_local(connection: ServerConnection, headers: Headers) -> bool:
    return is_local(_peer(connection), headers)


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    if not offered:
        return None
    for subprotocol in _SUBPROTOCOLS:
        if subprotocol in offered:
            return subprotocol
    raise NegotiationError(f"this server speaks {' and '.join(_SUBPROTOCOLS)}")


class _Socket:
    """A session's view of a WebSocket: writes never wait, closing happens behind it."""

    __slots__ = ("_closing", "_connection", "_tasks", "_write_bytes")

    def __init__(
        self, connection: GuardedConnection, write_bytes: int, tasks: set[asyncio.Task[None]]
    ) -> None:
        self._connection = connection
        self._write_bytes = write_bytes
        self._tasks = tasks
        self._closing = False

    def write(self, frame: Frame) -> None:
        if not self._closing and self._connection.write(frame) > self._write_bytes:
            self.close(CloseCode.SLOW_READER, "reads too slowly; reconnect and resume")

    def close(self, code: CloseCode, reason: str) -> None:
        if not self._closing:
            self._closing = True
            task = asyncio.create_task(self._connection.close(code, reason), name="close socket")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def _cannot_listen(host: str, port: int, error: OSError) -> SettingsError:
    mend = "Choose another with --port, or stop what holds it."
    why = error.strerror or str(error)
    unknown = isinstance(error, socket.gaierror)  # its numbers are others
    if unknown or error.errno == errno.EADDRNOTAVAIL:
        mend = "This machine has no such address; --host 0.0.0.0 listens on all that it has."
    elif error.errno in (errno.EACCES, errno.EPERM):
        mend = "Ports below 1024 are the system's; choose another with --port."
    if not unknown and error.errno is not None:  # asyncio's own words repeat host and port
        why = os.strerror(error.errno)
    return SettingsError(f"cannot listen on {host}:{port} ({why}). {mend}")
