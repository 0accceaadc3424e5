"""The ports to the designers' files and to recorded sessions, for tools that show them
(server/desk.py and server/recordings.py implement them)."""

from __future__ import annotations

from typing import Protocol

from dialogue_protocol.messages import (
    ContentInfo,
    RecordingList,
    RecordingText,
    Rerun,
    RerunReport,
    SourceText,
)


class Desk(Protocol):
    """The folder that the world comes from."""

    async def info(self) -> ContentInfo:
        """What the files hold now, and what is wrong with them."""
        ...

    async def source(self, file: str, key: str) -> SourceText:
        """A file of the folder, and where a key stands in it. A RequestError if it is none of the
        designers' files."""
        ...


class Shelf(Protocol):
    """The folder that sessions are recorded in. Each raises a RequestError for a name that is none
    of its recordings'."""

    async def listing(self, last: int) -> RecordingList:
        """Which there are, the newest `last` of them."""
        ...

    async def piece(self, name: str, offset: int) -> RecordingText:
        """Whole lines of one, from an offset on."""
        ...

    async def rerun(self, message: Rerun) -> RerunReport:
        """Say one again to today's content, and compare."""
        ...
