"""`dialogue-server serve`: the server, until it is told to stop."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..server import app, workers
from .flags import setting_flags, settings_of
from .invocation import Invocation


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@setting_flags
@click.pass_obj
def serve(
    invocation: Invocation, /, folder: Path | None, config: Path | None, **given: Any
) -> None:
    """Serve the world in DIR (the current folder by default) to games.

    \b
      dialogue-server serve village
      dialogue-server serve village --host 0.0.0.0 --port 9000
      dialogue-server serve village --backend openrouter      (key in OPENROUTER_API_KEY)
      dialogue-server serve village --workers 4 --store redis://127.0.0.1
      dialogue-server serve village --backend llamacpp --base-url http://gpu-box:8080/v1

    Ctrl-C or SIGTERM stops it: running turns may finish, and everything said is kept. Every
    flag is also a key of DIR/dialogue.toml and an environment variable, and there are more than
    are shown here: `dialogue-server settings` lists all.
    """
    loaded = settings_of(folder, config, given)

    if loaded.settings.server.workers > 1:
        own = ("--server-workers", "1", "--server-reuse-port", "on")
        command = (sys.executable, "-m", "dialogue_server", *sys.argv[1:], *own)
        asyncio.run(workers.supervise(loaded.settings, command, app.signals))
        return

    def ready(running: app.App) -> None:
        if loaded.settings.server.worker:
            workers.stop_with_parent(running.request_stop)
        if invocation.terminal.interactive:
            npc = sorted(running.context.personas)[0]
            invocation.terminal.hint(
                f"Try it from another terminal: dialogue-server chat {running.url} --npc {npc}"
            )

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(app.serve(loaded.settings, ready))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """For asyncio.Runner: uvloop's where the extra is installed, else the standard one."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(
        "uvloop"
    ).new_event_loop
    return factory
