"""`dialogue-server init`: a copy of the starter world to begin with."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from ..errors import SettingsError
from .invocation import Invocation


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_obj
def init(invocation: Invocation, /, folder: Path) -> None:
    """Copy the starter world into DIR.

    DIR is made if need be, and must be empty otherwise: nothing is ever overwritten.

    \b
      dialogue-server init village
    """
    copied = copy_starter(folder)
    say = invocation.terminal.say
    invocation.terminal.heading(f"{folder} is a world of your own ({copied} files).")
    say("  world.toml        what everybody there knows, and the state of the game")
    say("  personas/*.toml   one NPC each; the file's name is its id")
    say("  scenarios/*.toml  conversations, with what the answers must be")
    say("  lore/*.toml       what only some of them know: yours to make (docs/lore.md)")
    there = f'"{folder}"' if " " in str(folder) else str(folder)
    say("\nNext:")
    say(f"  dialogue-server dev {there}      work on it in the browser; change a file and talk on")
    say(f"  dialogue-server chat {there}     talk to them in this terminal")
    say(f"  dialogue-server check {there}    find mistakes in them")
    say(f"  dialogue-server test {there}     play the scenarios")
    say(f"  dialogue-server serve {there}    serve them to a game")


def copy_starter(folder: Path) -> int:
    """Copy the starter world; returns how many files. Raises SettingsError if anything is in
    the way."""
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder} is a file; name a folder that is new or empty")
    if folder.is_dir() and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty; name a folder that is new or empty")
    return _copy(files("dialogue_server") / "starter", folder)


def _copy(source: Traversable, target: Path) -> int:
    target.mkdir(parents=True, exist_ok=True)
    count = 0
    for entry in source.iterdir():
        if entry.is_dir():
            if entry.name != "__pycache__":
                count += _copy(entry, target / entry.name)
        elif not entry.name.endswith((".py", ".pyc")):
            (target / entry.name).write_bytes(entry.read_bytes())
            count += 1
    return count
