"""Plain HTTP on the WebSocket's port: health, the designers' page, a word for lost browsers."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from importlib import resources
from pathlib import PurePosixPath

from msgspec import Struct, field

PAGE = "/dev/"
"""Where the designers' page is."""

_TEXT = "text/plain; charset=utf-8"
_LOST = (
    "This is a dialogue-server. Game clients connect here by WebSocket, with the subprotocol\n"
    "dialogue.v1.msgpack or dialogue.v1.json.\n"
)
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_PAGE_HEADERS = {
    # Nothing but what this server gives runs on the page, and no other page may frame it. The
    # styles of elements are set by the page's own code.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class Answer(Struct, frozen=True):
    """What goes back."""

    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT
    headers: dict[str, str] = field(default_factory=dict)


def answer(path: str, ready: Callable[[], bool], *, page: bool = False) -> Answer:
    """The answer to a GET of `path` that asks for no WebSocket. `page`: whether the designers'
    page is served.

    `/health/live` is 200 while the process serves; `/health/ready` turns 503 when it drains.
    """
    path = path.partition("?")[0]
    match path:
        case "/health/live":
            return _say(HTTPStatus.OK, "live\n")
        case "/health/ready":
            if ready():
                return _say(HTTPStatus.OK, "ready\n")
            return _say(HTTPStatus.SERVICE_UNAVAILABLE, "draining\n")
        case "/" | "/dev" if page:
            return Answer(HTTPStatus.TEMPORARY_REDIRECT, b"", headers={"Location": PAGE})
        case "/":
            return _say(HTTPStatus.UPGRADE_REQUIRED, _LOST)
        case _ if page and path.startswith(PAGE):
            return _file(path.removeprefix(PAGE) or "index.html")
        case _:
            return _say(HTTPStatus.NOT_FOUND, "There is no such page.\n")


def bearer(authorization: list[str]) -> str:
    """The ticket in a request's Authorization headers, "" for none (RFC 6750)."""
    scheme, _, token = (authorization[0] if len(authorization) == 1 else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def unauthorized(detail: str) -> Answer:
    """For a page that wants to know who asks."""
    text = detail.replace("hello.token: the", "Authorization: the", 1) + "\n"
    return Answer(HTTPStatus.UNAUTHORIZED, text.encode(), headers={"WWW-Authenticate": "Bearer"})


def not_allowed() -> Answer:
    """For another method than GET and HEAD (RFC 9110, 15.5.6)."""
    answer = _say(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD are of use here.\n")
    answer.headers["Allow"] = "GET, HEAD"
    return answer


def forbidden() -> Answer:
    """For who has shown a ticket that is not good for the page."""
    return _say(HTTPStatus.FORBIDDEN, "This page wants a valid ticket with the right `operator`.\n")


def foreign_page() -> Answer:
    """For a WebSocket that a page of another web site wants."""
    text = "Pages of this web site may not connect; access.origins lists those that may.\n"
    return _say(HTTPStatus.FORBIDDEN, text)


def _file(name: str) -> Answer:
    content_type = _TYPES.get(PurePosixPath(name).suffix)
    file = resources.files(__package__).joinpath("page", name)
    if content_type is None or "/" in name or "\\" in name or not file.is_file():
        return _say(HTTPStatus.NOT_FOUND, "There is no such page.\n")
    return Answer(HTTPStatus.OK, file.read_bytes(), content_type, _PAGE_HEADERS)


def _say(status: HTTPStatus, text: str) -> Answer:
    return Answer(status, text.encode())
