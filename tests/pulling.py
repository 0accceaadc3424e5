"""What a model backend streams, one item after another, for tests that read it step by step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from dialogue_server.backends.base import Finished, ModelBackend, ModelRequest


async def pulled(
    backend: ModelBackend, request: ModelRequest
) -> AsyncGenerator[str | Finished, None]:
    """The texts, then the Finished or the BackendError. Closing it cancels the stream and waits
    until that is over."""
    shown: asyncio.Queue[str] = asyncio.Queue()

    def show(text: str) -> bool:
        shown.put_nowait(text)
        return True

    stream = asyncio.create_task(backend.stream(request, show), name="pulled stream")
    try:
        while not stream.done():
            text = asyncio.create_task(shown.get())
            await asyncio.wait([stream, text], return_when=asyncio.FIRST_COMPLETED)
            if text.done():
                yield text.result()
            else:
                text.cancel()
        while not shown.empty():
            yield shown.get_nowait()
        finished = await stream
        assert finished is not None, "only a `show` that has enough ends a stream with nothing"
        yield finished
    finally:
        stream.cancel()
        await asyncio.wait([stream])
