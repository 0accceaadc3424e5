"""A server inside the command, for those who have none running."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec import structs

from ..engine.observer import BranchesCollected, ContentRead, Failure, Record
from ..instrumentation.logging import Log
from ..server.app import App
from ..settings import Access, Settings
from .terminal import Terminal


class TerminalLog(Log):
    """Says what a person at the terminal has to know, and nothing else."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__("console", "error")
        self._terminal = terminal

    def warning(self, event: str, **data: Any) -> None:
        """What a person should look at."""
        if event == "model.note":
            self._terminal.warn(str(data["note"]))
        elif event == "content.invalid":
            place = f"{data['place']}: " if data["place"] else ""
            self._terminal.warn(f"{data['file']}: {place}{data['problem']}")

    def __call__(self, record: Record) -> None:
        """What of the engine's records a person has to know."""
        match record:
            case Failure():
                super().__call__(record)
            case ContentRead(problems=problems):
                for problem in problems:
                    self._terminal.warn(f"{problem} (a last good version stays in force)")
                self._terminal.hint("The world's files were read again.")
            case BranchesCollected(nodes=nodes) if nodes:
                self._terminal.hint(f"{nodes} lines of old branches were deleted (store.keep_days)")


@asynccontextmanager
async def hosted(settings: Settings, terminal: Terminal) -> AsyncIterator[App]:
    """A running server, for this command alone. Raises a DialogueError if it cannot start."""
    own = structs.replace(settings.server, host="127.0.0.1", tls_certificate="", tls_key="")
    app = App(structs.replace(settings, server=own, access=Access()), TerminalLog(terminal))
    await app.start()
    try:
        yield app
    finally:
        await app.stop()
