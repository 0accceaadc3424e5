"""A model API that misbehaves on demand, over a real socket.

It writes raw bytes, so it can produce anything. What it does is chosen by the request's `model`,
the name of a case in `tests/fakes/upstream_cases.py`. It records what it saw.

In a test::

    async with FakeUpstream() as upstream:
        backend = OpenAIBackend(profile, base_url=upstream.base_url, model="plain")

As a process (prints its address, runs until killed)::

    python -m tests.fakes.upstream --port 0
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from typing import Any, Self

from msgspec import Struct, field


class Pause(Struct, frozen=True):
    """Wait, so that what follows is a read of its own."""

    seconds: float = 0.01


class Reset(Struct, frozen=True):
    """Cut the connection by a TCP reset."""


class Close(Struct, frozen=True):
    """Close the connection in order."""


class Stall(Struct, frozen=True):
    """Send nothing more, until the client goes."""


class Repeat(Struct, frozen=True):
    """Send the same again and again, until the client goes."""

    data: bytes
    seconds: float = 0.02


Step = bytes | Pause | Reset | Close | Stall | Repeat
Script = tuple[Step, ...]


class Seen(Struct):
    """One request, and what became of it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client closed the connection before the script was over."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the script is over, one way or the other."""


class FakeUpstream:
    """The server. `scripts` gives the script of a model's name, the body and the count of
    requests for that name before this one."""

    def __init__(
        self,
        scripts: Callable[[str, dict[str, Any], int], Script] | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if scripts is None:
            from .upstream_cases import script_of

            scripts = script_of
        self._scripts = scripts
        self._port = port
        self._host = host
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self.seen: list[Seen] = []
        self.connections = 0
        self.arrived = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, self._host, self._port, ssl=self._tls
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def base_url(self) -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{self._host}:{self._port}/v1"

    async def requests(self, count: int) -> list[Seen]:
        """Wait until that many requests have come."""
        async with self.arrived, asyncio.timeout(10):
            await self.arrived.wait_for(lambda: len(self.seen) >= count)
        return self.seen

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                while await self._serve(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection lives on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))))
        model = body.get("model", "plain")
        before = sum(1 for seen in self.seen if seen.body.get("model", "plain") == model)
        seen = Seen(head[0].split()[1], headers, body)
        async with self.arrived:
            self.seen.append(seen)
            self.arrived.notify_all()
        playing = asyncio.create_task(self._play(self._scripts(model, body, before), writer))
        leaving = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait((playing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                seen.gone.set()
                return False
            return playing.result() and headers.get("connection") != "close"
        finally:
            for task in (playing, leaving):
                task.cancel()
            await asyncio.gather(playing, leaving, return_exceptions=True)
            seen.over.set()

    async def _play(self, script: Script, writer: asyncio.StreamWriter) -> bool:
        for step in script:
            match step:
                case bytes():
                    writer.write(step)
                    await writer.drain()
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Reset():
                    sock = writer.get_extra_info("socket")
                    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()
                    return False
                case Close():
                    return False
                case Stall():
                    await asyncio.Event().wait()
                case Repeat(data, seconds):
                    while True:
                        writer.write(data)
                        await writer.drain()
                        await asyncio.sleep(seconds)
        return True


def main() -> None:
    """Print the address and serve until killed."""
    parser = argparse.ArgumentParser(description="A model API that misbehaves on demand.")
    parser.add_argument("--port", type=int, default=0, help="0 for any free port")

    async def serve(port: int) -> None:
        async with FakeUpstream(port=port) as upstream:
            print(upstream.base_url, flush=True)
            await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    # The cases' steps are classes of the module, of which this one is only a copy.
    from tests.fakes import upstream as module

    module.main()
