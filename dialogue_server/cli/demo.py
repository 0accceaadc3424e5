"""`dialogue-server demo`: a short scene of the starter world, played for real.

Nothing in it is canned but the player's lines: the server runs, the lines go over its
WebSocket, and the NPCs answer with whatever model there is. Between two askings of the same
question the game's state changes, so that the answers show whether it reached the prompt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import click
from dialogue_protocol.messages import Player
from msgspec import Struct

from ..settings import MEMORY, Settings
from .chat import TYPEWRITER
from .chat_loop import ChatLoop, merge
from .flags import setting_flags, settings_of
from .hosting import hosted
from .invocation import Invocation
from .link import Link, connected
from .talk import Report, Talk
from .terminal import Terminal


class Say(Struct, frozen=True):
    """The player says a line."""

    text: str


class Change(Struct, frozen=True):
    """The game's state changes; `story` says what happened in the game."""

    story: str
    patch: dict[str, Any]


class Meet(Struct, frozen=True):
    """The player goes to an NPC in a scene."""

    npc: str
    scene: str
    story: str


Step = Say | Change | Meet

SCENE: Sequence[Step] = (
    Meet("pell", "dry_boot", "Sallow Reach, nineteen houses on a tidal marsh. The Dry Boot inn."),
    Say("How can I help with the lamp?"),
    Change("You fetch the glass from Tove's workshop.", {"quest": {"lamp": "glass"}}),
    Say("How can I help with the lamp?"),
    Meet("jory", "lamp_post", "The far end of the causeway. A boy, a ladder, a dark lamp."),
    Say("Who broke the lamp?"),
    Change("The glass is in its frame. The lamp burns again.", {"quest": {"lamp": "lit"}}),
    Say("Who broke the lamp?"),
)

_PLAYER = Player(id="demo", name="Traveller", persona="A traveller who crossed at low tide.")


@click.command()
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=TYPEWRITER,
    metavar="N",
    help=f"Letters a second; 0 for at once.  [default: {TYPEWRITER:g}]",
)
@setting_flags
@click.pass_obj
def demo(invocation: Invocation, /, speed: float, config: Path | None, **given: Any) -> None:
    """Play a short scene with two NPCs, then hand over to you.

    Starts a server of the starter world on a free port and talks to it as a game would. Uses
    the embedded model if it is there (`dialogue-server model get`), or any other:

    \b
      dialogue-server demo
      dialogue-server demo --backend openrouter         (key in OPENROUTER_API_KEY)
      dialogue-server demo --backend scripted           (no model: the authored lines)
    """
    with as_file(files("dialogue_server") / "starter") as folder:
        loaded = settings_of(folder, config, given, server__port="0", store__path=MEMORY)
        asyncio.run(_demo(invocation.terminal, loaded.settings, speed))


async def _demo(terminal: Terminal, settings: Settings, speed: float) -> None:
    terminal.note("Starting the server ...")
    async with hosted(settings, terminal) as app:
        backend = app.context.backend
        terminal.say(f"The server listens on {app.url}. {voice(backend.name, backend.layout)}")
        async with connected(app.url) as link:
            reports = await play(link, terminal, SCENE, speed)
            _summary(terminal, backend.name, reports)
            if not terminal.interactive:
                return
            terminal.heading("Your turn.")
            loop = ChatLoop(
                link,
                terminal,
                _PLAYER,
                speed=speed,
                everybody=sorted(app.context.personas),
                state=state_after(SCENE),
            )
            await loop.run("tove", "workshop")
    terminal.note("A world of your own: dialogue-server init village")


def voice(name: str, layout: str) -> str:
    """What speaks, and what to expect of it."""
    if name.startswith("scripted"):
        return (
            "No model speaks: the NPCs choose among lines that an author wrote, by the words of "
            "the player's line and the state of the game."
        )
    if layout == "compact":
        return (
            f"The voice is {name}, a very small model on this machine's processor. It is quick "
            "and free and often beside the point: a demonstration, and a floor when nothing else "
            "answers. Point the server at a better model before you judge the NPCs "
            "(--backend openrouter, ollama, llamacpp, vllm ...)."
        )
    return f"The voice is {name}."


async def play(link: Link, terminal: Terminal, scene: Sequence[Step], speed: float) -> list[Report]:
    """Play the scene, printing each turn's figures below it."""
    talk = Talk(link, terminal, _PLAYER, speed=speed)
    state: dict[str, Any] = {}
    reports = []
    for step in scene:
        match step:
            case Meet():
                terminal.heading(step.story)
                await talk.open(f"demo-{step.npc}", [step.npc], step.scene)
                if state:
                    await talk.set_state(state)
            case Change():
                revision = await talk.set_state(step.patch)
                merge(state, step.patch)
                terminal.note(
                    f"\n  [{step.story} The game sends {_flat(step.patch)}, revision {revision}.]\n"
                )
            case Say():
                terminal.say(f"You: {step.text}", "bold")
                report = await talk.say(step.text)
                reports.append(report)
                terminal.note(f"  {figures(report)}")
    await talk.close()
    return reports


def state_after(scene: Sequence[Step]) -> dict[str, Any]:
    """What the scene's changes come to."""
    state: dict[str, Any] = {}
    for step in scene:
        if isinstance(step, Change):
            merge(state, step.patch)
    return state


def figures(report: Report) -> str:
    """One turn in numbers."""
    if report.reason == "refused":
        return f"no answer: {report.detail} ({report.code})"
    parts = [f"first token after {report.first_token_ms:.0f} ms"]
    if report.tokens_per_second:
        parts.append(f"{report.output_tokens} tokens at {report.tokens_per_second:.0f} a second")
    if report.reason != "complete":
        parts.append(report.reason + (f" ({report.detail})" if report.detail else ""))
    return ", ".join(parts)


def _summary(terminal: Terminal, model: str, reports: list[Report]) -> None:
    answered = [report for report in reports if report.reason != "refused"]
    terminal.heading("In all")
    terminal.say(f"  model              {model}")
    terminal.say(f"  turns              {len(answered)} of {len(reports)} answered")
    if not answered:
        return
    first = sorted(report.first_token_ms for report in answered)
    median, worst = first[len(first) // 2], first[-1]
    terminal.say(f"  first token        {median:.0f} ms (median), {worst:.0f} ms at worst")
    tokens = sum(report.output_tokens for report in answered)
    seconds = sum(report.total_ms - report.first_token_ms for report in answered) / 1000
    if tokens and seconds > 0:
        terminal.say(f"  tokens             {tokens}, {tokens / seconds:.0f} a second")


def _flat(patch: dict[str, Any], before: str = "") -> str:
    parts = []
    for key, value in patch.items():
        if isinstance(value, dict):
            parts.append(_flat(value, f"{before}{key}."))
        else:
            parts.append(f"{before}{key}={value}")
    return ", ".join(parts)
