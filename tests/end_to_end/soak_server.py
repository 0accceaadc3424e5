"""The processes of a soak: a whole server that counts itself when it is asked, and its model.

    python -m tests.end_to_end.soak_server serve FOLDER BASE_URL
    python -m tests.end_to_end.soak_server upstream

The first is `dialogue-server serve` but for one thing: a line on its standard input is answered by
a line of JSON, a `Census`. It stops when its input ends.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import psutil  # type: ignore[import-untyped]
from msgspec import Struct

from dialogue_server.server.app import App
from dialogue_server.settings_sources import load
from tests.fakes.upstream import FakeUpstream, Script
from tests.fakes.upstream_cases import DONE, delta, finish, stream

from .chaos_upstream import MARKER, script

DETACH_GRACE = 2.0


class Census(Struct):
    """What a process holds. `objects` are Python objects by their type, those alone that the
    garbage collector knows, after a collection."""

    rss: int
    files: int
    sockets: int
    threads: int
    sessions: int
    conversations: int
    watchers: int
    replay_bytes: int
    tasks: dict[str, int]
    objects: dict[str, int]
    turns: int


def _name(of: type) -> str:
    return f"{of.__module__}.{of.__qualname__}"


def census(app: App, turns: int) -> Census:
    """Count everything."""
    process = psutil.Process()
    gc.collect()
    tasks = Counter(
        getattr(task.get_coro(), "__qualname__", "?")
        for task in asyncio.all_tasks()
        if task is not asyncio.current_task()
    )
    registry = app._registry
    assert registry is not None
    return Census(
        rss=process.memory_info().rss,
        files=process.num_fds(),
        sockets=len(process.net_connections()),
        threads=threading.active_count(),
        sessions=registry.count,
        conversations=len(app.context.conversations),
        watchers=len(app.context.watchers),
        replay_bytes=registry.replay_bytes,
        tasks=dict(tasks),
        objects=dict(Counter(_name(type(each)) for each in gc.get_objects())),
        turns=turns,
    )


async def serve(folder: Path, base_url: str) -> None:
    """Run the server until the input ends."""
    loaded = load(
        folder=folder,
        environ={},
        flags={
            "server.port": 0,
            "server.log_format": "json",
            "model.backend": "openai-compatible",
            "model.base_url": base_url,
            "model.name": "any",
            "limits.detach_grace": DETACH_GRACE,
            "limits.handshake": 8.0,
            "record.folder": str(folder / "recordings"),
            "record.total_megabytes": 64.0,
        },
    )
    app = App(loaded.settings)
    turns = 0
    observe = app._observe

    def counting(record: Any) -> None:
        nonlocal turns
        turns += type(record).__name__ == "TurnFinished"
        observe(record)

    app._observe = counting  # type: ignore[method-assign]
    await app.start()
    print(app.url, flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(msgspec.json.encode(census(app, turns)).decode(), flush=True)
    await app.stop()


async def upstream() -> None:
    """A model for an endless time: it keeps nothing of what it was asked."""

    def chosen(_model: str, body: dict[str, Any], _before: int) -> Script:
        model.seen.clear()
        markers = MARKER.findall(body["messages"][-1]["content"])
        if body.get("max_tokens") == 1 or not markers:  # a warm-up
            return stream(delta("."), finish("length"), DONE)
        return script(markers[-1])

    async with FakeUpstream(chosen) as model:
        print(model.base_url, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(Path(sys.argv[2]), sys.argv[3]))
    else:
        asyncio.run(upstream())
    sys.stdout.flush()
    os._exit(0) if sys.argv[1] == "upstream" else None
