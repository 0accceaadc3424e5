"""Plain HTTP on the WebSocket's port: health, and a word for lost browsers."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

Answer = tuple[HTTPStatus, str]

_LOST = (
    "This is a dialogue-server. Game clients connect here by WebSocket, with the subprotocol\n"
    "dialogue.v1.msgpack or dialogue.v1.json.\n"
)


def answer(path: str, ready: Callable[[], bool]) -> Answer:
    """The status and text for a GET of `path` that asks for no WebSocket.

    `/health/live` is 200 while the process serves; `/health/ready` turns 503 when it drains.
    """
    match path.partition("?")[0]:
        case "/health/live":
            return HTTPStatus.OK, "live\n"
        case "/health/ready":
            if ready():
                return HTTPStatus.OK, "ready\n"
            return HTTPStatus.SERVICE_UNAVAILABLE, "draining\n"
        case "/":
            return HTTPStatus.UPGRADE_REQUIRED, _LOST
        case _:
            return HTTPStatus.NOT_FOUND, "There is no such page.\n"
