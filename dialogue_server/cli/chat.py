"""`dialogue-server chat`: talk to an NPC in the terminal, over the public protocol."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
from dialogue_protocol.messages import Player

from ..errors import SettingsError
from ..server.admission import player_of
from .chat_loop import ChatLoop
from .flags import setting_flags, settings_of
from .hosting import hosted
from .invocation import Invocation
from .link import connected

TYPEWRITER = 55.0
"""Code points a second: a little above reading pace."""


@click.command()
@click.argument("where", metavar="[DIR|URL]", default=".")
@click.option("--npc", metavar="ID", default="", help="Whom to talk to.  [default: the first]")
@click.option("--scene", metavar="NAME", default="", help="Where: a scene of world.toml.")
@click.option("--name", metavar="NAME", default="Traveller", help="Your name in the game.")
@click.option("--about", metavar="TEXT", default="", help="Who you are in the game.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    metavar="N",
    help=f"Letters a second; 0 for at once.  [default: {TYPEWRITER:g} in a terminal, else 0]",
)
@click.option("--ticket", metavar="TICKET", default="", help="What lets you in at URL.")
@setting_flags
@click.pass_obj
def chat(
    invocation: Invocation,
    /,
    *,
    where: str,
    npc: str,
    scene: str,
    name: str,
    about: str,
    speed: float | None,
    ticket: str,
    config: Path | None,
    **given: Any,
) -> None:
    """Talk to an NPC of the world in DIR, or of a running server at URL.

    \b
      dialogue-server chat village --npc tove
      dialogue-server chat ws://127.0.0.1:8765 --npc tove
      echo "Who broke the lamp?" | dialogue-server chat village --npc tove

    Ctrl-C stops the NPC in mid-sentence; it remembers only what you let it say. Enter shows
    the rest at once. Ctrl-C again, or Ctrl-D, leaves. /help lists what else there is: change
    the game's state, turn to another NPC.
    """
    terminal = invocation.terminal
    if speed is None:
        speed = TYPEWRITER if terminal.interactive else 0.0
    player = Player(id=player_of(ticket) or "terminal", name=name, persona=about)

    async def talk(url: str, first: str, everybody: list[str]) -> None:
        async with connected(url, ticket) as link:
            loop = ChatLoop(link, terminal, player, speed=speed, everybody=everybody)
            await loop.run(first, scene)

    async def over_a_socket() -> None:
        if not npc:
            raise click.UsageError("A server does not say who lives there: name one with --npc.")
        await talk(where, npc, [])

    async def in_a_folder() -> None:
        loaded = settings_of(Path(where), config, given, server__port="0")
        async with hosted(loaded.settings, terminal) as app:
            everybody = sorted(app.context.personas)
            terminal.note(f"The model: {app.context.backend.name}.")
            await talk(app.url, npc or everybody[0], everybody)

    if where.startswith(("ws://", "wss://")):
        asyncio.run(over_a_socket())
    elif "://" in where:
        raise SettingsError(f"{where}: the address of a server begins with ws:// or wss://")
    else:
        asyncio.run(in_a_folder())
