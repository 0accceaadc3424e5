"""HTTP as the backends need it: POST, then a body that is read as it arrives and cut at will.

The sole owner of httpx and of its aiohttp transport; their exceptions leave as BackendErrors.
A body is poured out from the transport's own callback, without a switch of tasks for each chunk,
which awaiting the library's reader costs (about 6 µs a token). Three things that the libraries
do not say aloud:

- With the aiohttp transport `Limits(max_connections=None)` means 100, and
  `max_keepalive_connections` is ignored; so the connector is made here.
- The transport calls a connection that the server closed a `ConnectTimeout`; so the table of
  meanings looks at the cause.
- A read time-out restarts with every keep-alive comment; so none is set here (clocks.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import httpx_aiohttp
from dialogue_protocol.codes import ErrorCode
from msgspec import Struct

from ..errors import BackendError

_UNUSED_SECONDS = 30.0


class Reply(Struct, frozen=True):
    """A response whose headers have come. `close` its body in the end, whatever happens."""

    status: int
    headers: Mapping[str, str]
    body: Body


class HttpClient:
    """One service's connections. `name` is what the errors call it."""

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        headers: Mapping[str, str],
        connect_timeout: float,
        max_connections: int,
        keepalive: bool,
    ) -> None:
        self._where = f"{name} at {base_url}"
        self._base_url = base_url
        self._client = httpx.AsyncClient(
            transport=_Transport(base_url, limit=max_connections, keepalive=keepalive),
            # A compressed event stream comes in lumps.
            headers={"Accept-Encoding": "identity", **headers}
            | ({} if keepalive else {"Connection": "close"}),
            timeout=httpx.Timeout(None, connect=connect_timeout, pool=connect_timeout),
            trust_env=False,
        )

    async def post(self, path: str, content: bytes) -> Reply:
        """Send; return with the headers. Follows no redirect, since the key would go along."""
        try:
            response = await self._client.send(
                self._client.build_request("POST", self._base_url + path, content=content),
                stream=True,
            )
        except LIBRARY_ERRORS as error:
            failure = backend_error(self._where, error)
        else:
            body = Body(response.extensions["aiohttp_response"], self._where)
            return Reply(response.status_code, response.headers, body)
        # Raised out here, for an exception of aiohttp holds the request's headers, the key among
        # them: it must not hang on ours as its context.
        raise failure

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()


class Body:
    """The body of a response, as it arrives. `close` may be called at any time and works at once,
    also while `read` or `pour` waits: they then raise."""

    __slots__ = ("_content", "_inflate", "_pump", "_response", "_where")

    def __init__(self, response: aiohttp.ClientResponse, where: str) -> None:
        self._where = where
        self._response = response
        self._content = response.content
        self._pump: Callable[[], None] | None = None
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        # We ask for none; some proxies compress all the same.
        self._inflate: Any = None
        if encoding in ("gzip", "x-gzip", "deflate"):
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        elif encoding not in ("identity", ""):
            self._inflate = _Unreadable(encoding)

    async def read(self) -> bytes:
        """What has arrived, at least a byte; b"" at the end."""
        try:
            data = await self._content.readany()
            if self._inflate is None or not data:
                return data
            while data and not (plain := self._inflate.decompress(data)):
                data = await self._content.readany()
        except LIBRARY_ERRORS as error:
            failure = backend_error(self._where, error, reading=True)
        else:
            return plain if data else b""
        raise failure  # out here: see HttpClient.post

    async def pour(self, take: Callable[[bytes], bool]) -> None:
        """Give `take` what has arrived, at least a byte, whenever something has, until the end or
        until it returns False. It is called from the transport's callback, and what it raises
        is raised here."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        read, at_eof, inflate = self._content.read_nowait, self._content.at_eof, self._inflate

        def pump() -> None:
            if done.done():
                return
            try:
                wanted = True
                while wanted and (data := read()):
                    if inflate is None or (data := inflate.decompress(data)):
                        wanted = take(data)
                if not wanted or at_eof():
                    done.set_result(None)
            except BaseException as error:
                done.set_exception(error)
            if done.done():
                stand_aside()  # at once: at its end, the connection is already free for others

        connection = self._response.connection  # none if the whole body has come already
        transport = connection.transport if connection is not None else None
        pumping = _Pumping(transport, pump) if transport is not None else None
        stand_aside = pumping.stand_aside if pumping is not None else lambda: None
        self._pump = pump
        try:
            pump()
            await done
        except LIBRARY_ERRORS as error:
            failure = backend_error(self._where, error, reading=True)
        else:
            return
        finally:
            self._pump = None
            stand_aside()
            if done.done() and not done.cancelled():
                done.exception()  # seen, though a cancellation may have come first
        raise failure  # out here: see HttpClient.post

    @property
    def is_over(self) -> bool:
        """Whether the body was read to its end."""
        return self._content.at_eof()

    async def drain(self, seconds: float) -> None:
        """Read the end of the body, if it is near, so that the connection can be used again."""
        with contextlib.suppress(TimeoutError, *LIBRARY_ERRORS):
            async with asyncio.timeout(seconds):
                await self._content.readany()

    def close(self) -> None:
        """Give the connection back if the body was read to its end, else cut it."""
        if self._content.at_eof():
            self._response.release()
        else:
            self._response.close()
        if self._pump is not None:
            self._pump()


class _Pumping(asyncio.Protocol):
    """Stands before the library's protocol, and pumps whenever that has been told something."""

    def __init__(self, transport: asyncio.Transport, pump: Callable[[], None]) -> None:
        self._transport = transport
        library: Any = transport.get_protocol()
        self._library = library
        self._feed = library.data_received
        self._pump = pump
        transport.set_protocol(self)

    def stand_aside(self) -> None:
        if self._transport.get_protocol() is self:
            self._transport.set_protocol(self._library)

    def pause_writing(self) -> None:
        self._library.pause_writing()

    def resume_writing(self) -> None:
        self._library.resume_writing()

    def data_received(self, data: bytes) -> None:
        self._feed(data)
        self._pump()

    def eof_received(self) -> bool | None:
        stays_open: bool | None = self._library.eof_received()
        self._pump()
        return stays_open

    def connection_lost(self, exc: Exception | None) -> None:
        self._library.connection_lost(exc)
        self._pump()


class _Unreadable:
    def __init__(self, encoding: str) -> None:
        self._encoding = encoding

    def decompress(self, data: bytes) -> bytes:
        raise zlib.error(f"content-encoding {self._encoding} was not asked for")


class _Transport(httpx_aiohttp.AiohttpTransport):
    """The aiohttp transport with a connector of our own, and with the body at hand.

    httpx wraps a body in three async generators; reading it directly halves the cost of a chunk
    and makes closing it immediate.
    """

    def __init__(self, base_url: str, *, limit: int, keepalive: bool) -> None:
        secure = base_url.startswith("https:")
        context = (
            httpx.create_ssl_context(trust_env=True)
            if secure
            else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )

        def session() -> aiohttp.ClientSession:
            tls = context if secure else True
            if keepalive:
                connector = aiohttp.TCPConnector(
                    limit=limit, ssl=tls, keepalive_timeout=_UNUSED_SECONDS
                )
            else:
                connector = aiohttp.TCPConnector(limit=limit, ssl=tls, force_close=True)
            return aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )

        super().__init__(verify=context, client=session, proxy=_proxy_of(base_url))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        response.extensions["aiohttp_response"] = response.stream._aiohttp_response  # type: ignore[union-attr]
        return response


def _proxy_of(base_url: str) -> httpx.Proxy | None:
    """The environment's proxy for an address (HTTPS_PROXY, NO_PROXY); none for this machine."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host in ("localhost", "127.0.0.1", "::1") or urllib.request.proxy_bypass(host):
        return None
    url = urllib.request.getproxies().get(parts.scheme)
    return httpx.Proxy(url) if url else None


# ---------------------------------------------------------------- errors

LIBRARY_ERRORS: tuple[type[Exception], ...] = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    httpx.StreamError,
    aiohttp.ClientError,
    zlib.error,
    OSError,
    RuntimeError,  # what both raise when they are used after they were closed
)
"""Everything that the libraries raise on account of the network or the other side."""

_UNREACHABLE = ErrorCode.MODEL_UNREACHABLE
_FAILED = ErrorCode.MODEL_FAILED
_BAD = ErrorCode.MODEL_BAD_REQUEST
_CUT = (_FAILED, "cut the connection: the answer was cut off")
_MISUSE = (ErrorCode.INTERNAL, "was asked in a way that the HTTP client refuses")
_NO_ANSWER = (_UNREACHABLE, "did not accept the connection in time, or has no place free")

MEANINGS: Mapping[type[BaseException], tuple[ErrorCode, str]] = {
    # aiohttp, whose errors are the causes of httpx's
    aiohttp.ClientConnectorDNSError: (_UNREACHABLE, "has a host name that does not resolve"),
    aiohttp.ClientSSLError: (_UNREACHABLE, "could not agree on TLS: is it https at all?"),
    aiohttp.ClientConnectorCertificateError: (
        _UNREACHABLE,
        "shows a certificate that is not trusted: set SSL_CERT_FILE to its authority",
    ),
    aiohttp.ServerFingerprintMismatch: (_UNREACHABLE, "shows another certificate than expected"),
    aiohttp.ClientProxyConnectionError: (_UNREACHABLE, "cannot be reached: the proxy does not"),
    aiohttp.ClientHttpProxyError: (_UNREACHABLE, "cannot be reached: the proxy refuses"),
    aiohttp.ClientConnectorError: (
        _UNREACHABLE,
        "accepts no connection: is it running, and is base_url right?",
    ),
    aiohttp.ServerDisconnectedError: (_UNREACHABLE, "closed the connection without an answer"),
    aiohttp.ServerTimeoutError: _NO_ANSWER,
    aiohttp.ClientPayloadError: _CUT,
    aiohttp.ClientConnectionError: (_UNREACHABLE, "cut the connection"),
    aiohttp.ClientResponseError: (_FAILED, "does not speak HTTP as it should"),
    aiohttp.InvalidURL: (_BAD, "has an address that is none: check base_url"),
    aiohttp.ClientError: (_FAILED, "failed in the HTTP client"),
    # httpx
    httpx.ConnectTimeout: _NO_ANSWER,
    httpx.PoolTimeout: _NO_ANSWER,
    httpx.TimeoutException: (ErrorCode.MODEL_TIMEOUT, "took too long"),
    httpx.ConnectError: (_UNREACHABLE, "accepts no connection: is it running?"),
    httpx.ProxyError: (_UNREACHABLE, "cannot be reached: the proxy refuses"),
    httpx.NetworkError: _CUT,
    httpx.UnsupportedProtocol: (_BAD, "has an address that is none: check base_url"),
    httpx.LocalProtocolError: _MISUSE,
    httpx.ProtocolError: (_FAILED, "does not speak HTTP as it should"),
    httpx.DecodingError: (_FAILED, "sent a body that cannot be decompressed"),
    httpx.TooManyRedirects: (_BAD, "redirects in a circle: check base_url"),
    httpx.HTTPStatusError: (_FAILED, "answered with an error"),
    httpx.HTTPError: (_FAILED, "failed in the HTTP client"),
    httpx.InvalidURL: (_BAD, "has an address that is none: check base_url"),
    httpx.CookieConflict: _MISUSE,
    httpx.StreamError: _MISUSE,
    # the rest
    zlib.error: (_FAILED, "sent a body that cannot be decompressed"),
    TimeoutError: _NO_ANSWER,
    OSError: (_UNREACHABLE, "cut the connection"),
    RuntimeError: _MISUSE,
}
"""Code and sentence of an exception, looked up along its classes, the nearest first."""


def backend_error(where: str, error: Exception, *, reading: bool = False) -> BackendError:
    """The error of a library's exception; its own text is left out, for it may hold anything.
    `reading`: an answer had begun, so a lost connection cut it off."""
    source = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    for kind in type(source).__mro__:
        if kind in MEANINGS:
            code, says = MEANINGS[kind]
            if reading and code is _UNREACHABLE:
                code, says = _CUT
            return BackendError(code, f"{where} {says} ({type(source).__name__})")
    return BackendError(
        ErrorCode.INTERNAL, f"{where} failed in an unforeseen way ({type(source).__name__})"
    )
