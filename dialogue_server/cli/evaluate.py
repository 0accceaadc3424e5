"""`dialogue-server evaluate`: a world's own questions, put to its NPCs."""

from __future__ import annotations

import asyncio
from collections import Counter
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import click

from ..backends.base import Sampling
from ..domain import evaluation
from ..engine.context import EngineContext
from ..engine.rehearsal import Answered, rehearse
from ..errors import SettingsError
from ..server.app import engine_limits
from ..server.models import choose_backend
from ..settings import Settings
from ..stores import content
from ..stores.memory import MemoryStore
from .flags import setting_flags, settings_of
from .invocation import Invocation
from .terminal import Terminal

QUESTIONS = "evaluation.toml"


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    show_default=True,
    help="Ask everything N times, each time with another seed.",
)
@click.option(
    "--minimum",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit with code 1 if a smaller share passes.",
)
@setting_flags
@click.pass_obj
def evaluate(
    invocation: Invocation,
    /,
    folder: Path | None,
    seeds: int,
    minimum: float | None,
    config: Path | None,
    **given: Any,
) -> None:
    """Ask the questions of DIR/evaluation.toml and check the answers.

    Each answer must hold the fact that its question is about, and stay in character: at most
    two sentences, no loops, no talk of models. Without DIR it is the starter world's turn;
    without --backend, the embedded model's, so that it never costs anything by surprise.

    \b
      dialogue-server evaluate
      dialogue-server evaluate village --seeds 3 --minimum 75
      dialogue-server evaluate village --backend openrouter
    """
    with as_file(files("dialogue_server") / "starter") as starter:
        world = folder or starter
        loaded = settings_of(world, config, given)
        if "model.backend" not in loaded.origins:
            loaded = settings_of(world, config, given, model__backend="local")
        answers = asyncio.run(_evaluate(invocation.terminal, world, loaded.settings, seeds))
    share = 100 * sum(answer.passed for answer in answers) / len(answers)
    _summary(invocation.terminal, answers, share)
    if minimum is not None and share < minimum:
        invocation.terminal.error(f"{share:.0f} % is less than the {minimum:g} % asked for")
        click.get_current_context().exit(1)


async def _evaluate(
    terminal: Terminal, folder: Path, settings: Settings, seeds: int
) -> list[Answered]:
    file = folder / QUESTIONS
    if not file.is_file():
        raise SettingsError(
            f"{file}: there is no such file; the starter world's shows how to write one "
            "(dialogue-server init DIR)"
        )
    cases = evaluation.decode(QUESTIONS, file.read_bytes())
    world = content.load(folder)
    for error in world.errors:
        terminal.warn(error.detail)
    choice = choose_backend(settings)
    for note in choice.notes:
        terminal.warn(note)
    backend = choice.backend
    answers = []
    try:
        await backend.start()
        terminal.say(f"{len(cases)} questions, {seeds} time(s) each, to {backend.name}.")
        context = EngineContext(
            world=world.world,
            personas=world.personas,
            backend=backend,
            store=MemoryStore(),
            observe=lambda _: None,
            limits=engine_limits(settings),
            sampling=Sampling(temperature=settings.model.temperature),
        )
        async for answer in rehearse(context, cases, seeds=range(1, seeds + 1)):
            answers.append(answer)
            _show(terminal, answer)
    finally:
        await backend.aclose()
    if not answers:
        raise SettingsError(f"{file}: has no [[case]]; add at least one question")
    return answers


def _show(terminal: Terminal, answer: Answered) -> None:
    terminal.say(f"\n{answer.case.npc} <- {answer.case.ask}", "dim")
    terminal.say(f"  {answer.text}")
    if not answer.passed:
        terminal.say(f"  FAILED: {', '.join(answer.problems)}", "red")


def _summary(terminal: Terminal, answers: list[Answered], share: float) -> None:
    terminal.heading("In all")
    passed = sum(answer.passed for answer in answers)
    terminal.say(f"  passed             {passed} of {len(answers)}, {share:.0f} %")
    first = sorted(a.first_token_ms for a in answers if a.first_token_ms)
    if first:
        terminal.say(f"  first token        {first[len(first) // 2]} ms (median)")
    for problem, count in Counter(p for a in answers for p in a.problems).most_common(5):
        terminal.say(f"  {count:3} x            {problem}")
