"""A bad network between players and server: a TCP proxy that delays, refuses and cuts.

What befalls a connection is drawn when it comes:

- `refused`: accepted and reset at once;
- `cut`: reset on both sides after so many bytes, in either direction, wherever that falls;
- `silent`: after so many bytes nothing is passed on any more, and nothing is said;
- `ghost`: the client loses the connection right after its hello, which reaches the server later,
  when the client has perhaps come back by another way: connections change their order;
- `calm`: only delayed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Self

FATES = {"refused": 1.0, "cut": 5.0, "silent": 0.4, "ghost": 1.0, "calm": 2.0}


class Proxy:
    """Listens on `port` and passes on to `target`. Once `kind` is true, every fate is calm."""

    def __init__(self, target: int, seed: int) -> None:
        self.port = 0
        self.kind = False
        self.fates: dict[str, int] = dict.fromkeys(FATES, 0)
        self._target = target
        self._dice = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await self._carry(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dice = self._dice
        fate = "calm" if self.kind else dice.choices(list(FATES), list(FATES.values()))[0]
        self.fates[fate] += 1
        if fate == "refused":
            return
        await asyncio.sleep(0 if self.kind else dice.choice((0, 0, 0.01, 0.1)))
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            if fate == "ghost":
                await self._haunt(reader, writer, there, back)
                return
            budget = dice.randrange(1, dice.choice((600, 2000, 9000)))
            if fate == "calm":
                budget = 1 << 60
            latency = dice.choice((0, 0, 0.002))
            up = asyncio.create_task(self._pipe(reader, back, budget, latency))
            down = asyncio.create_task(self._pipe(there, writer, budget, latency))
            try:
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
                if fate == "silent":
                    await asyncio.sleep(3)
            finally:
                for task in (up, down):
                    task.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
        finally:
            back.transport.abort()

    async def _pipe(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        budget: int,
        latency: float,
    ) -> None:
        with contextlib.suppress(OSError):
            while budget > 0 and (data := await reader.read(4096)):
                if latency:
                    await asyncio.sleep(latency)
                writer.write(data[:budget])
                await writer.drain()
                budget -= len(data)
        await asyncio.sleep(0.001)  # what was written leaves before the reset

    async def _haunt(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        back: asyncio.StreamWriter,
    ) -> None:
        back.write(await reader.readuntil(b"\r\n\r\n"))
        writer.write(await there.readuntil(b"\r\n\r\n"))
        hello = await reader.read(4096)
        writer.transport.abort()
        await asyncio.sleep(self._dice.choice((0.05, 0.3, 0.6)))
        back.write(hello)
        await back.drain()
        await asyncio.sleep(0.2)
