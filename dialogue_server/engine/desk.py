"""The port to the designers' files, for tools that show them (server/desk.py implements it)."""

from __future__ import annotations

from typing import Protocol

from dialogue_protocol.messages import ContentInfo, SourceText


class Desk(Protocol):
    """The folder that the world comes from."""

    def info(self) -> ContentInfo:
        """What the files hold now, and what is wrong with them."""
        ...

    async def source(self, file: str, key: str) -> SourceText:
        """A file of the folder, and where a key stands in it. A RequestError if it is none of the
        designers' files."""
        ...
