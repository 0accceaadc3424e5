"""`dialogue-server ticket`: keys and tickets for development, as the game's backend makes them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import stat
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import click

from ..engine.identity import PLAYER, RIGHTS
from ..errors import SettingsError
from ..server.admission import Claims, issue, make_key, read_key_file, read_keys
from ..settings import Access
from .flags import settings_of
from .invocation import Invocation

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--player", metavar="ID", default="", help="Whose: the `player.id` of its opens.")
@click.option("--npc", "npcs", metavar="ID", multiple=True, help="Only for this NPC; repeatable.")
@click.option(
    "--scene", "scenes", metavar="NAME", multiple=True, help="Only in this scene; repeatable."
)
@click.option(
    "--right",
    "rights",
    type=click.Choice(RIGHTS),
    multiple=True,
    help="What it is good for; repeatable.  [default: player]",
)
@click.option("--budget", metavar="CLASS", default="", help="The class of budget it counts on.")
@click.option(
    "--for",
    "span",
    metavar="TIME",
    default="12h",
    help="How long, as 30m, 12h, 7d.  [default: 12h]",
)
@click.option("--kid", metavar="NAME", help="The key to sign with.  [default: the last one]")
@click.option(
    "--make-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Make a key instead, in FILE; added to those that are there.",
)
@click.option(
    "--access-key-file",
    "key_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The key to sign with.  [default: access.key_file or access.key_env of DIR]",
)
@click.pass_obj
def ticket(
    invocation: Invocation,
    /,
    *,
    folder: Path | None,
    player: str,
    npcs: tuple[str, ...],
    scenes: tuple[str, ...],
    rights: tuple[Literal["player", "designer", "operator"], ...],
    budget: str,
    span: str,
    kid: str | None,
    make_key: Path | None,
    key_file: Path | None,
) -> None:
    """Print a ticket that lets a client in, signed with the key of the world in DIR.

    \b
      dialogue-server ticket --make-key keys.json
      dialogue-server serve village --access-key-file keys.json
      dialogue-server ticket village --access-key-file keys.json --player ann
      dialogue-server ticket village --access-key-file keys.json --player ann --right designer

    The last two print a ticket for a client to send in its hello (`token`). In production
    the game's own backend makes them, once the player has logged in: any JWT library does it
    (docs/operating.md, "Tickets"). Set `[access] key_file` in dialogue.toml in place of the flag.
    """
    terminal = invocation.terminal
    if make_key is not None:
        _make_key(invocation, make_key)
        return
    rights = rights or ("player",)
    if PLAYER in rights and not player:
        raise click.UsageError("Say whose ticket it is: --player ID, as the game names the player.")
    seconds = _seconds(span)
    given = {"access__key_file": str(key_file)} if key_file else {}
    settings = settings_of(folder, None, given).settings
    access = settings.access
    expires = int(time.time()) + seconds
    claims = Claims(
        exp=expires,
        aud=access.audience,
        sub=player,
        rights=rights,
        npcs=list(npcs) or None,
        scenes=list(scenes) or None,
        budget=budget,
    )
    click.echo(issue(_keys(access), claims, kid))
    until = datetime.fromtimestamp(expires).strftime("%Y-%m-%d %H:%M")
    whom = ", ".join(npcs) or "every NPC"
    terminal.hint(f"For {player or 'any player'} ({', '.join(rights)}), {whom}, until {until}.")
    if terminal.interactive:
        terminal.hint("A game sends it in its hello. To try it here:")
        port = settings.server.port
        terminal.hint(f"  dialogue-server chat ws://127.0.0.1:{port} --npc ID --ticket TICKET")


def _keys(access: Access) -> list[Any]:
    if access.key_file:
        return read_key_file(Path(access.key_file))
    if access.key_env and os.environ.get(access.key_env):
        return read_keys(os.environ[access.key_env], f"access.key_env: {access.key_env}")
    raise SettingsError(
        "there is no key to sign with. `dialogue-server ticket --make-key keys.json` makes one; "
        "then set `[access] key_file` in dialogue.toml, or give --access-key-file keys.json, here "
        "and to `serve`"
    )


def _seconds(span: str) -> int:
    found = re.fullmatch(r"([1-9]\d{0,6})([smhd])", span)
    if found is None:
        raise click.UsageError("--for: a number and a unit, as 90s, 30m, 12h or 7d.")
    return int(found[1]) * _UNITS[found[2]]


def _make_key(invocation: Invocation, file: Path) -> None:
    old: list[Any] = []
    if file.exists():
        read_key_file(file)  # says what is wrong with it
        content = file.read_text("utf-8-sig").strip()
        if not content.startswith("{") or "keys" not in json.loads(content):
            raise SettingsError(f"{file}: is no JSON Web Key Set, where a key could be added")
        old = json.loads(content)["keys"]
    name = f"{datetime.now():%Y-%m-%d}-{secrets.token_hex(2)}"
    # Beside it, then in its place: a server may read it at any moment, and nobody else should.
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(json.dumps({"keys": [*old, make_key(name)]}, indent=2) + "\n", "utf-8")
    if file.exists() and os.name == "posix":
        # The server's user may go on reading it when root adds a key.
        before = file.stat()
        with contextlib.suppress(PermissionError):
            os.chown(new, before.st_uid, before.st_gid)
        new.chmod(stat.S_IMODE(before.st_mode))
    new.replace(file)
    terminal = invocation.terminal
    terminal.say(f"The key {name} (HS256) is in {file}. Keep it secret: it makes tickets.")
    if old:
        terminal.say(
            "New tickets are signed with it. Those of the older keys are good until you take "
            "their keys out of the file; the server reads it again by itself."
        )
        return
    terminal.say("\nNext:")
    terminal.say(f"  dialogue-server serve DIR --access-key-file {file}")
    terminal.say(f"  dialogue-server ticket DIR --access-key-file {file} --player ann")
