"""The settings as command-line flags, and the settings that a command runs with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..settings_sources import Loaded, load
from ..settings_table import Option, options

Command = TypeVar("Command", bound=Callable[..., Any])


def _parameter(option: Option) -> str:
    return option.key.replace(".", "__")


def _metavar(option: Option) -> str:
    if option.choices:
        return "|".join(option.choices)
    if option.path:
        return "PATH"
    return {str: "TEXT", int: "N"}.get(option.kind, "NUMBER")


def setting_flags(command: Command) -> Command:
    """Give a command a flag for every setting, and --config.

    The usual ones are shown in --help; the others work too, and `dialogue-server settings`
    lists them.
    """
    for option in reversed(list(options())):
        if option.key == "content.folder":  # the commands' DIR
            continue
        default = "" if option.default in ("", None) else f"  [default: {option.default}]"
        command = click.option(
            *option.flags,
            _parameter(option),
            metavar=_metavar(option),
            help=option.help + default,
            hidden=not option.short_flag,
        )(command)
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Read settings from FILE.  [default: dialogue.toml in DIR]",
    )(command)


def settings_of(
    folder: Path | None, config: Path | None, parameters: dict[str, Any], **more: str
) -> Loaded:
    """Read all sources. `parameters` are the command's, `more` are values by key (dots as
    double underscores) for settings that the command decides and no flag was given for."""
    given = {
        option.key: parameters[_parameter(option)]
        for option in options()
        if parameters.get(_parameter(option)) is not None
    }
    for name, value in more.items():
        given.setdefault(name.replace("__", "."), value)
    return load(folder=folder, config=config, environ=os.environ, flags=given)
