"""The servers of a chaos run, each behind a bad network, and the disasters that befall them.

One has a SQLite store. Several share a Redis, which has disasters of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from dialogue_server.domain.conversation import Archive
from dialogue_server.stores.base import Store
from dialogue_server.stores.redis import RedisStore
from dialogue_server.stores.sqlite import SQLiteStore
from tests.services.redis_server import RedisServer

from .chaos_proxy import Proxy
from .server_process import ServerProcess, make_world

STANDSTILLS = (0.5, 2.0, 6.5)
"""Seconds, some longer than a server's lease (stores/redis_directory.py)."""


class Servers:
    """`count` servers that run, until the end of an `async with`. More than one need a Redis."""

    def __init__(
        self,
        folder: Path,
        base_url: str,
        seed: int,
        count: int = 1,
        redis: RedisServer | None = None,
    ) -> None:
        self.disasters: Counter[str] = Counter()
        self._folder = folder
        self._count = count
        self._dice = random.Random(seed)
        self._stack = contextlib.AsyncExitStack()
        self._base_url = base_url
        self._seed = seed
        self._redis = redis
        self.all: list[ServerProcess] = []
        self.proxies: list[Proxy] = []

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            more = ["--limits-replay-bytes", "6000"]
            if self._redis is not None:
                more += ["--store", self._redis.url]
            for number in range(self._count):
                own = self._folder / f"server-{number}"
                own.mkdir()
                make_world(own)
                server = ServerProcess(own, self._base_url, *more)
                stack.push_async_callback(server.kill)
                await server.start()
                proxy = await stack.enter_async_context(Proxy(server.port, self._seed + number))
                self.all.append(server)
                self.proxies.append(proxy)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def be_kind(self) -> None:
        """From now on the network is a good one."""
        for proxy in self.proxies:
            proxy.kind = True

    async def disaster(self) -> None:
        """Let something happen to a server, or to what all share; it is over afterwards."""
        kinds: dict[str, tuple[int, Callable[[], Awaitable[None]]]] = {"killed": (6, self._kill)}
        if self._redis is not None:
            kinds |= {
                "stood still": (4, self._freeze),
                "Redis killed": (1, self._kill_redis),
                "Redis stood still": (1, self._freeze_redis),
            }
        name = self._dice.choices(list(kinds), [weight for weight, _ in kinds.values()])[0]
        self.disasters[name] += 1
        await kinds[name][1]()

    async def _kill(self) -> None:
        server = self._dice.choice(self.all)
        await server.kill()
        await asyncio.sleep(self._dice.choice((0, 0.2)))
        await server.start()

    async def _freeze(self) -> None:
        server = self._dice.choice(self.all)
        server.send(signal.SIGSTOP)
        await asyncio.sleep(self._dice.choice(STANDSTILLS))
        server.send(signal.SIGCONT)

    async def _kill_redis(self) -> None:
        assert self._redis is not None
        self._redis.kill()
        await asyncio.sleep(self._dice.choice((0, 1.0)))
        await asyncio.to_thread(self._redis.start)

    async def _freeze_redis(self) -> None:
        assert self._redis is not None
        self._redis.pause()
        await asyncio.sleep(self._dice.choice(STANDSTILLS))
        self._redis.go_on()

    async def stop(self) -> list[Archive]:
        """Stop all in order, which none complains about; what they have stored."""
        for server in self.all:
            assert await server.stop() == 0
            assert not server.complaints(), server.complaints()
        store: Store
        if self._redis is not None:
            store = RedisStore(self._redis.url)
        else:
            path = self._folder / "server-0" / "dialogue.db"
            with contextlib.closing(sqlite3.connect(path)) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            store = SQLiteStore(path)
        await store.start()
        archives = [await store.export(listed.key) for listed in await store.conversations()]
        await store.aclose()
        return [archive for archive in archives if archive is not None]
