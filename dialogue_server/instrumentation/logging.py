"""The engine's records as log lines: JSON for machines, colour for people.

Sole owner of structlog. A line's event is the record's tag ("turn.finished"), its data the
record's fields. What players and NPCs say is never logged. Names and errors hold what clients,
models and files have put there: a line stays one line, of printable characters only.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import MutableMapping
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
    try:
        text = msgspec.json.encode(value, enc_hook=str).decode()
    except UnicodeEncodeError:  # a file's name need not be text
        text = json.dumps(value, default=str)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


class _Quoted:
    """A text as a literal of Python, with all escaped that is not printable."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return repr(self._text)


def _quote(_logger: Any, _method: str, data: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The console's renderer quotes what has a blank in it, and no more than that."""
    for key, value in data.items():
        if isinstance(value, str) and not value.isprintable():
            data[key] = _Quoted(value)
    return data


class _Lines(structlog.WriteLogger):
    """A line and its end at once: workers share the stream. What nobody takes (a full disk, a
    reader that is gone) is lost, and that is all."""

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().msg(message)

    debug = info = warning = error = msg


class _Libraries(logging.Handler):
    """Gives on what libraries tell by the standard library's logging."""

    def __init__(self, log: Any) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = f"{record.msg} {record.args}"
        data = {"logger": record.name, "message": message}
        if record.exc_info and record.exc_info[0]:
            data["error"] = logging.Formatter().formatException(record.exc_info)
        tell = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        tell("library.note", **data)


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
                _quote,
                structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
                structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=22),
            ]
            if console
            else [
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(_encode),
            ]
        )
        self._log = structlog.wrap_logger(
            _Lines(stream),
            processors=[structlog.processors.add_log_level, *renderer],
            wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
            cache_logger_on_first_use=True,
        )
        logging.basicConfig(level=logging.WARNING, handlers=[_Libraries(self._log)])
        # websockets reports broken handshakes, which are the clients' affair.
        logging.getLogger("websockets").setLevel(logging.CRITICAL)
        # asyncio tells of each write to a client that has just gone; whoever floods would fill
        # the log with it.
        logging.getLogger("asyncio").addFilter(_is_news)

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
