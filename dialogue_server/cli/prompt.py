"""`dialogue-server prompt`: what exactly a model would read, and why."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any, cast

import click
import msgspec
from dialogue_protocol.messages import Inspected, Player, PromptPart
from msgspec import structs

from ..backends.profiles import Profile, flatten
from ..backends.scripted import ScriptedBackend
from ..domain.leaks import Layout
from ..domain.prompt import Message, Role
from ..domain.sources import Sources
from ..domain.state import merge_patch
from ..domain.talk_files import TalkLine, decode_talk
from ..engine.context import EngineContext
from ..engine.preview import Moment, preview
from ..errors import ContentError, SettingsError
from ..server.app import engine_limits
from ..server.models import prompt_profile
from ..settings import Settings
from ..stores import content
from ..stores.memory import MemoryStore
from .chat_loop import patch_of
from .flags import setting_flags, settings_of
from .invocation import Invocation
from .terminal import Terminal

LINE = "Hello."
_SHOWN = 60
"""Code points of a part in the tables; --json has them whole."""


@click.command()
@click.argument("npc", metavar="NPC")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--say", metavar="TEXT", default=LINE, help=f"The player's line.  [default: {LINE}]")
@click.option(
    "--state",
    "state_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The game's state, JSON or TOML, laid over [state] of world.toml.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one value of the state: --set quest.lamp=lit.",
)
@click.option(
    "--history",
    "history_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help='What was said before: lines such as "player: Hello", or a transcript as JSON.',
)
@click.option("--scene", metavar="NAME", default="", help="Where: a scene of world.toml.")
@click.option("--name", metavar="NAME", default="Traveller", help="The player's name.")
@click.option("--about", metavar="TEXT", default="", help="Who the player is in the game.")
@click.option("--locale", metavar="TAG", default="", help="The player's language, such as de.")
@click.option(
    "--layout",
    type=click.Choice(["standard", "compact", "both"]),
    help="[default: the one that suits the model]",
)
@click.option(
    "--as",
    "service",
    metavar="PROFILE",
    default="",
    help="As this service would get it: openrouter, minimax, openai, ollama, local, ...",
)
@click.option("--json", "as_json", is_flag=True, help="For programs: one object per layout.")
@setting_flags
@click.pass_obj
def prompt(
    invocation: Invocation,
    /,
    *,
    npc: str,
    folder: Path | None,
    say: str,
    state_file: Path | None,
    changes: tuple[str, ...],
    history_file: Path | None,
    scene: str,
    name: str,
    about: str,
    locale: str,
    layout: str | None,
    service: str,
    as_json: bool,
    config: Path | None,
    **given: Any,
) -> None:
    """Show what the model would read if the player said something to NPC of the world in DIR.

    Nothing is sent anywhere. You see the exact messages; each part of them with its file, line
    and key; what it costs, in estimated tokens; and what was left out, and why.

    \b
      dialogue-server prompt tove village --say "Who broke the lamp?"
      dialogue-server prompt tove village --set quest.lamp=lit --layout both
      dialogue-server prompt tove village --as minimax --model-roles native
    """
    settings = _settings(folder, config, given, service)
    profile = prompt_profile(settings)
    root = Path(settings.content.folder)
    world = content.load(root)
    for error in world.errors:
        invocation.terminal.warn(error.detail)
    persona = world.personas.get(npc)
    if persona is None:
        known = ", ".join(world.personas) or "none that can be read"
        raise SettingsError(f"there is no NPC {npc!r} in {root}; there are: {known}")
    moment = Moment(
        npc=npc,
        player=Player(id="prompt", name=name, persona=about),
        scene=scene,
        locale=locale,
        state=_state(state_file, changes, world.world.state),
        history=_history(history_file, world, name),
    )
    layouts = ("standard", "compact") if layout == "both" else (layout or profile.layout,)
    sources = Sources(content.texts(root))
    for each in layouts:
        shown = structs.replace(profile, layout=cast(Layout, each))
        made = asyncio.run(_preview(settings, world, shown, moment, say))
        messages = _sent(made, profile)
        if as_json:
            plain = _plain(made, messages, sources, profile)
            click.echo(msgspec.json.encode(plain).decode())
        else:
            _show(invocation.terminal, made, messages, sources, persona.name, profile)


async def _preview(
    settings: Settings, world: content.Content, profile: Profile, moment: Moment, say: str
) -> Inspected:
    """The prompt as a server with these settings would make it; no model is asked."""
    limits = engine_limits(settings)
    context = EngineContext(
        world=world.world,
        personas=world.personas,
        backend=ScriptedBackend(layout=profile.layout, context_tokens=profile.context_tokens),
        store=MemoryStore(),
        observe=lambda _: None,
        limits=structs.replace(limits, messages_per_second=0, lines_per_minute=0),
        language=settings.content.language,
    )
    return await preview(context, moment, say)


def _settings(
    folder: Path | None, config: Path | None, given: dict[str, Any], service: str
) -> Settings:
    """The settings in force. With --as, those of the model that are meant for another service
    do not count."""
    if not service:
        return settings_of(folder, config, given).settings
    chosen = {**given, "model__backend": service}
    if given.get("model__name") is None:
        chosen["model__name"] = ""
    return settings_of(folder, config, chosen).settings


def _state(file: Path | None, changes: tuple[str, ...], base: dict[str, Any]) -> dict[str, Any]:
    """The world's own state, with a file laid over it and then the single changes."""
    state = base if file is None else merge_patch(base, _state_file(file))
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(
                f"--set: write KEY=VALUE, such as quest.lamp=lit, not {change!r}"
            )
        state = merge_patch(state, patch_of(key.strip(), value.strip()))
    return cast(dict[str, Any], state)


def _state_file(file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    try:
        if file.suffix.lower() == ".toml":
            patch = tomllib.loads(data.decode())
        else:
            patch = msgspec.json.decode(data)
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, UnicodeDecodeError) as error:
        kind = "TOML" if file.suffix.lower() == ".toml" else "JSON"
        raise ContentError(file.name, "", f"not {kind}: {error}") from None
    if not isinstance(patch, dict):
        raise ContentError(file.name, "", 'the state must be an object, such as {"tide": "low"}')
    return patch


def _history(file: Path | None, world: content.Content, player: str) -> tuple[TalkLine, ...]:
    if file is None:
        return ()
    return decode_talk(file.name, file.read_bytes(), world.personas, player)


def _sent(made: Inspected, profile: Profile) -> list[dict[str, str]]:
    """The messages as the service gets them."""
    messages = (Message(cast(Role, m.role), m.content, m.name) for m in made.messages)
    return flatten(tuple(messages), profile)


# ---------------------------------------------------------------- how it looks


def _plain(
    made: Inspected, messages: list[dict[str, str]], sources: Sources, profile: Profile
) -> dict[str, Any]:
    """The lists of the wire's `inspected`, and beside each source its file, line and key."""

    def placed(parts: list[PromptPart]) -> list[dict[str, Any]]:
        return [
            {**structs.asdict(part), **structs.asdict(sources.place(part.source))} for part in parts
        ]

    return {
        "npc": made.npc,
        "layout": made.layout,
        "profile": profile.name,
        "model": profile.model,
        "tokens": made.tokens,
        "budget": made.budget,
        "messages": messages,
        "parts": placed(made.parts),
        "dropped": placed(made.dropped),
    }


def _show(
    terminal: Terminal,
    made: Inspected,
    messages: list[dict[str, str]],
    sources: Sources,
    name: str,
    profile: Profile,
) -> None:
    model = f"{profile.name} {profile.model}" if profile.model != profile.name else profile.name
    terminal.heading(
        f"{name}, {made.layout} layout, as {model.strip()} gets it: about {made.tokens} of "
        f"{made.budget} tokens"
    )
    for message in messages:
        speaker = f" {message['name']}" if message.get("name") else ""
        terminal.say(f"\n[{message['role']}{speaker}]", "bold cyan")
        terminal.say(message["content"])
    terminal.heading("Where each part comes from")
    terminal.table(
        ("tokens", "where", "what"),
        [
            (f"{part.tokens:>6}", str(sources.place(part.source)), _short(part.text))
            for part in made.parts
        ],
    )
    if not made.dropped:
        terminal.note("\nNothing was left out.")
        return
    terminal.heading("What was left out, and why")
    terminal.table(
        ("tokens", "why", "where", "what"),
        [
            (f"{part.tokens:>6}", part.why, str(sources.place(part.source)), _short(part.text))
            for part in sorted(made.dropped, key=lambda part: part.why)
        ],
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 2]} …"
