"""The engine's records as log lines: JSON for machines, colour for people.

Sole owner of structlog. A line's event is the record's tag ("turn.finished"), its data the
record's fields. What players and NPCs say is never logged.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal, TextIO

import msgspec
import structlog

from ..engine.observer import (
    ContentRead,
    CueDropped,
    Failure,
    GuardHit,
    Record,
    RequestRefused,
    TurnFinished,
)

Style = Literal["auto", "json", "console"]
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def _encode(value: Any, **_options: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg != "socket.send() raised exception."


class Log:
    """Writes lines to `stream` (standard error by default). An Observer, and more."""

    def __init__(
        self, style: Style = "auto", level: str = "info", stream: TextIO | None = None
    ) -> None:
        stream = stream or sys.stderr
        console = stream.isatty() if style == "auto" else style == "console"
        renderer: list[Any] = (
            [
                structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
                structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=22),
            ]
            if console
            else [
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(_encode),
            ]
        )
        # websockets reports broken handshakes by the standard library's logging.
        logging.basicConfig(stream=stream, level=logging.WARNING, format="%(name)s: %(message)s")
        logging.getLogger("websockets").setLevel(logging.CRITICAL)
        # asyncio tells of each write to a client that has just gone; whoever floods would fill
        # the log with it.
        logging.getLogger("asyncio").addFilter(_is_news)
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(stream),  # a line and its end at once: workers share the stream
            processors=[structlog.processors.add_log_level, *renderer],
            wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
            cache_logger_on_first_use=True,
        )

    def info(self, event: str, **data: Any) -> None:
        """Something an operator wants to see."""
        self._log.info(event, **data)

    def warning(self, event: str, **data: Any) -> None:
        """Something an operator should look at."""
        self._log.warning(event, **data)

    def __call__(self, record: Record) -> None:
        """Write a record of the engine."""
        data = msgspec.structs.asdict(record)
        event = str(record.__struct_config__.tag)
        match record:
            case Failure():
                self._log.error(event, **data)
            case TurnFinished(code=code) if code:
                self._log.warning(event, **data)
            case ContentRead(problems=problems) if problems:
                self._log.warning(event, **data)
            case CueDropped() | GuardHit() | RequestRefused():
                self._log.warning(event, **data)
            case _:
                self._log.info(event, **data)
