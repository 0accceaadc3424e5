"""`dialogue-server dev`: the server with the page where designers work."""

from __future__ import annotations

import asyncio
import threading
import webbrowser
from pathlib import Path
from typing import Any

import click

from ..errors import SettingsError
from ..server import app
from ..server.http import PAGE
from .flags import setting_flags, settings_of
from .hosting import TerminalLog
from .invocation import Invocation
from .serve import loop_factory


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--no-browser", is_flag=True, help="Only say the page's address.")
@setting_flags
@click.pass_obj
def dev(
    invocation: Invocation,
    /,
    folder: Path | None,
    config: Path | None,
    no_browser: bool,
    **given: Any,
) -> None:
    """Work on the world in DIR (the current folder by default) in the browser.

    \b
      dialogue-server dev village
      dialogue-server dev village --backend scripted      (the authored lines, no model)

    The page talks to the NPCs, shows the exact prompt of every turn and where each word of it
    comes from, edits the game's state, and compares NPCs and models. Save a file, and the page
    has it within a second, with what is wrong in it. Games may connect at the same time.
    """
    if given["server__workers"] not in (None, "1"):
        raise SettingsError(
            "--workers: the page works with one process, whose files and talks it shows; leave "
            "--workers out here, and try several with `dialogue-server serve`"
        )
    loaded = settings_of(folder, config, given, server__page="on")
    terminal = invocation.terminal

    def ready(running: app.App) -> None:
        address = _address(running)
        terminal.say(f"The page: {address}    (Ctrl-C ends)")
        if not no_browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(app.serve(loaded.settings, ready, TerminalLog(terminal)))


def _address(running: app.App) -> str:
    """The page's address, for this machine's browser."""
    return running.url.replace("ws", "http", 1).replace("0.0.0.0", "127.0.0.1") + PAGE  # noqa: S104
