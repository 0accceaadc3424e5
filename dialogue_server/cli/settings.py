"""`dialogue-server settings`: what is in force, and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..settings_option import shown
from ..settings_table import options, render_reference
from .flags import setting_flags, settings_of
from .invocation import Invocation


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--markdown", is_flag=True, help="Print the reference of all settings instead.")
@setting_flags
@click.pass_obj
def settings(
    invocation: Invocation,
    /,
    folder: Path | None,
    config: Path | None,
    markdown: bool,
    **given: Any,
) -> None:
    """List every setting, its value in force, and where that comes from.

    A setting is a key of dialogue.toml (`[server] port = 8765`), a variable
    (`DIALOGUE_SERVER_PORT=8765`) or a flag (`--server-port 8765`); the later wins.

    \b
      dialogue-server settings village
      dialogue-server settings --markdown > settings.md
    """
    terminal = invocation.terminal
    if markdown:
        click.echo(render_reference(), nl=False)
        return
    loaded = settings_of(folder, config, given)
    rows = []
    for option in options():
        value = getattr(getattr(loaded.settings, option.section), option.name)
        # The address of a store may hold a password.
        text = "" if value is None else shown(str(value))
        rows.append((option.key, text, loaded.origins.get(option.key, "default"), option.help))
    terminal.table(("setting", "value", "from", "what it is"), rows)
