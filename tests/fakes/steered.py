"""A model that a test steers word by word: it says what it is told, when it is told."""

from __future__ import annotations

import asyncio
from typing import Literal

from dialogue_server.backends.base import Finished, ModelRequest, Show, Usage
from dialogue_server.domain.prompt import Message
from dialogue_server.errors import BackendError

PATIENCE = 10.0
USED = Usage(100, 10, 60)


class Call:
    """One request to the model, waiting for the test to answer it."""

    def __init__(self, request: ModelRequest) -> None:
        self.request = request
        self.released = asyncio.Event()
        self.items: asyncio.Queue[str | Finished | Exception] = asyncio.Queue()

    def say(self, *texts: str) -> None:
        for text in texts:
            self.items.put_nowait(text)

    def finish(
        self,
        reason: Literal["stop", "length", "content_filter"] = "stop",
        usage: Usage = USED,
    ) -> None:
        self.items.put_nowait(Finished(reason, usage))

    def fail(self, error: Exception) -> None:
        self.items.put_nowait(error)

    async def cancelled(self) -> None:
        """Wait until the server has let go of the request."""
        async with asyncio.timeout(PATIENCE):
            await self.released.wait()


class SteeredBackend:
    """Hands each request to the test as a Call."""

    name = "steered"

    def __init__(
        self,
        layout: Literal["standard", "compact"] = "standard",
        context_tokens: int = 8000,
    ) -> None:
        self.layout = layout
        self.context_tokens = context_tokens
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.warmed: list[tuple[Message, ...]] = []
        self.refuse: BackendError | None = None

    async def start(self) -> None:
        pass

    async def call(self) -> Call:
        """The next request."""
        async with asyncio.timeout(PATIENCE):
            return await self.calls.get()

    async def stream(self, request: ModelRequest, show: Show) -> Finished | None:
        if self.refuse is not None:
            raise self.refuse
        call = Call(request)
        self.calls.put_nowait(call)
        try:
            while True:
                item = await call.items.get()
                if isinstance(item, Exception):
                    raise item
                if isinstance(item, Finished):
                    return item
                if not show(item):
                    return None
        finally:
            call.released.set()

    async def warm(self, messages: tuple[Message, ...]) -> None:
        self.warmed.append(messages)

    async def aclose(self) -> None:
        pass
