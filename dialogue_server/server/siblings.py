"""The workers of one server ask each other for their metrics, by sockets in a folder of their own.

Whoever scrapes the port that they share reaches any of them, each time another; so the one that is
asked tells of all. Each listens on a socket there, named by its number; the folder is this user's
alone, so nobody need show a ticket.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from ..instrumentation.metrics import by_worker

PATIENCE = 3.0
"""Seconds in which another worker must tell its metrics; one that does not is left out."""


class Siblings:
    """This worker among the others. `start`, then `aclose`."""

    def __init__(self, place: Path, metrics: Callable[[], bytes]) -> None:
        """`place` is this worker's socket, in the folder of all; `metrics` are its own."""
        self._place = place
        self._metrics = metrics
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Answer the others."""
        self._place.unlink(missing_ok=True)  # of a worker that died
        self._server = await asyncio.start_unix_server(self._tell, self._place)

    async def aclose(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._place.unlink(missing_ok=True)

    async def metrics(self) -> bytes:
        """The metrics of all workers, each with its number as the label `worker`."""
        others = [place for place in sorted(self._place.parent.iterdir()) if place != self._place]
        told = await asyncio.gather(*map(_ask, others))
        texts = {self._place.name: self._metrics()}
        texts.update((place.name, text) for place, text in zip(others, told, strict=True) if text)
        return by_worker(texts)

    async def _tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # who asked has not waited
            writer.write(self._metrics())
            await writer.drain()
            writer.close()
            await writer.wait_closed()


async def _ask(place: Path) -> bytes:
    """What the worker at a socket tells; empty if it is dead or busy."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(place)
            try:
                return await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""
