"""`dialogue-server replay FILE... --against DIR`: recorded sessions on today's content."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from ..backends.base import ModelBackend, Sampling
from ..backends.scripted import ScriptedBackend
from ..domain.recordings.recording import Recording
from ..domain.recordings.rerun import ANSWER, WHAT, Bounds, Compared, compare, exceeded
from ..domain.recordings.rerun_page import page
from ..domain.recordings.rerun_report import HEADERS, details, junit, sources, summary, table
from ..domain.recordings.rerun_report import notes as about
from ..engine.context import EngineContext
from ..engine.languages import prepare_detector
from ..errors import SettingsError
from ..server.app import engine_limits
from ..server.models import choose_backend, prompt_profile
from ..server.rerun import play_again
from ..settings import Settings
from ..stores import content
from ..stores.memory import MemoryStore
from .terminal import Terminal

RECORDED = "recorded"
"""The backend that says what was recorded."""
_SHOWN = 20
"""Answers that are otherwise, shown in a terminal unless all are asked for."""


class Wanted(Struct, frozen=True):
    """What a re-run is to write and to judge."""

    html: Path | None = None
    junit: Path | None = None
    bounds: Bounds = Bounds()
    verbose: bool = False


def bounds_of(changed: Sequence[str], slower: float | None) -> Bounds:
    """From the command line: "10", "10%", "moods=0"."""
    found = {}
    for given in changed:
        name, equals, number = given.rpartition("=")
        name = name if equals else "answers"
        try:
            share = float(number.strip().removesuffix("%"))
        except ValueError:
            share = -1.0
        if name not in (*WHAT, "answers") or not 0 <= share <= 100:
            raise SettingsError(
                f"--max-changed {given}: a share in per cent, such as 10, or of one thing, such "
                f"as moods=0; the things are answers, {', '.join(WHAT)}."
            )
        found[name] = share
    return Bounds(found, slower)


def against(
    terminal: Terminal,
    recordings: Sequence[tuple[str, Recording]],
    world: Path,
    settings: Settings,
    wanted: Wanted,
    *,
    recorded: bool,
) -> bool:
    """Play them again, tell what is otherwise; whether the bounds hold. `recorded`: no model is
    asked."""
    if not (world / content.WORLD_FILE).is_file():
        raise SettingsError(
            f"{world}: no {content.WORLD_FILE} there, so that there are no NPCs to talk to. "
            "--against names the folder that you serve."
        )
    today = content.load(world)
    for error in today.errors:
        terminal.warn(error.detail)
    sessions, voice = asyncio.run(_play(terminal, recordings, today, settings, recorded))
    compared = [
        each
        for file, before, now in sessions
        for each in compare(file, before, now, timed=not recorded)
    ]
    if not compared:
        raise SettingsError("nothing was said in these recordings; there is nothing to compare")
    number = f"{len(recordings)} recording{'s' * (len(recordings) > 1)}"
    notes = [f"{number}, answered by {voice}", *about(sessions, "" if recorded else voice)]
    over = exceeded(compared, wanted.bounds)
    _show(terminal, compared, notes, verbose=wanted.verbose)
    title = f"{world.resolve().name} beside {number}"
    for file, text in (
        (wanted.html, page(compared, title, [*notes, *over.values()]) if wanted.html else ""),
        (wanted.junit, junit(compared, over, title) if wanted.junit else ""),
    ):
        if file is not None:
            file.write_text(text, encoding="utf-8", newline="\n")
            terminal.note(f"{file}: written")
    for sentence in over.values():
        terminal.error(sentence)
    return not over


async def _play(
    terminal: Terminal,
    recordings: Sequence[tuple[str, Recording]],
    today: content.Content,
    settings: Settings,
    recorded: bool,
) -> tuple[list[tuple[str, Recording, Recording]], str]:
    backend: ModelBackend
    if recorded:
        # Not asked: it tells what prompts are laid out for where the file does not.
        profile = prompt_profile(settings)
        backend = ScriptedBackend(layout=profile.layout, context_tokens=profile.context_tokens)
    else:
        choice = choose_backend(settings)
        backend = choice.backend
        for note in choice.notes:
            terminal.note(note)
    sessions: list[tuple[str, Recording, Recording]] = []
    store = MemoryStore()  # of all: who comes back is known
    try:
        await store.start()
        await backend.start()
        context = EngineContext(
            world=today.world,
            personas=today.personas,
            backend=backend,
            store=store,
            observe=lambda _: None,
            limits=engine_limits(settings),
            sampling=Sampling(temperature=settings.model.temperature),
            language=settings.content.language,
        )
        await prepare_detector(context)
        for file, recording in recordings:
            now = await play_again(context, recording, store, None if recorded else backend)
            sessions.append((file, recording, now))
    finally:
        await backend.aclose()
        await store.aclose()
    return sessions, RECORDED if recorded else backend.name


def _show(
    terminal: Terminal, compared: Sequence[Compared], notes: Sequence[str], *, verbose: bool
) -> None:
    for note in notes:
        terminal.note(note)
    changed = [each for each in compared if each.what]
    # What a player notices comes first; what only the history changed is a consequence.
    shown = [each for each in changed if verbose or each.what != ("history",)]
    shown.sort(key=lambda each: not any(name in ANSWER for name in each.what))
    limit = len(shown) if verbose else _SHOWN
    styles = {"-": "red", "+": "green", "~": "dim", ">": "bold"}
    for each in shown[:limit]:
        head, *lines = details(each, prompts=verbose or not any(w in ANSWER for w in each.what))
        terminal.heading(head)
        for line in lines:
            terminal.say(f"  {line}", styles.get(line[:1], ""))
    if len(shown) > limit:
        terminal.note(f"{len(shown) - limit} more; -v shows all, --html writes them as a page.")
    terminal.heading("NPCs, the most changed first")
    terminal.table(HEADERS, table(compared))
    found = sources(compared)
    if found:
        terminal.heading("What changed the prompts")
        rows = [(source, f"{number} prompts") for source, number in found]
        terminal.table(("source", "where"), rows[:_SHOWN])
    terminal.heading("In all")
    terminal.say(f"  {summary(compared)}")
