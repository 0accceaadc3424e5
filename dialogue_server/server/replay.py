"""A server that answers from a recording: the real protocol and sockets, no model, no content."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .. import __version__
from ..backends.scripted import ScriptedBackend
from ..domain.persona import World
from ..domain.recordings.exchanges import exchanges
from ..domain.recordings.recording import Recording
from ..domain.recordings.replaying import Match
from ..engine.context import EngineContext, EngineLimits
from ..engine.observer import Observer
from ..engine.registry import Registry
from ..engine.replaying import replaying
from ..stores.memory import MemoryStore
from .websocket import Listener

_WRITE_BYTES = 4_000_000
_GRACE = 1.0


@asynccontextmanager
async def replay_server(
    *recordings: Recording,
    observe: Observer,
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float = 1.0,
    match: Match = "normalised",
) -> AsyncIterator[str]:
    """Serve while the block runs; gives the address. Every client that connects gets the
    recording from its beginning, of several the next one; and two that say the same get the same
    bytes: ids are counted, not drawn. SettingsError if the port cannot be had."""
    numbers = itertools.count()
    context = EngineContext(
        world=World("", ""),
        personas={},
        backend=ScriptedBackend(),
        store=MemoryStore(),
        observe=observe,
        limits=EngineLimits(messages_per_second=0, lines_per_minute=0),
        server=f"dialogue-server {__version__} (replay)",
        new_id=lambda: f"replay-{next(numbers)}",
    )
    sessions = map(exchanges, recordings)
    registry = Registry(context, replaying(*sessions, match=match, speed=speed))
    listener = Listener(
        context,
        registry,
        host=host,
        port=port,
        write_bytes=_WRITE_BYTES,
        handshake_seconds=10.0,
    )
    bound = await listener.start()
    try:
        yield f"ws://{f'[{host}]' if ':' in host else host}:{bound}"
    finally:
        await registry.drain(_GRACE)
        await listener.stop()
