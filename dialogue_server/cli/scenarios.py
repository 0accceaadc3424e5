"""`dialogue-server test`: a world's scenarios, played through the real engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from msgspec import Struct, structs

from ..backends.base import ModelBackend, Sampling
from ..backends.scripted import ScriptedBackend
from ..domain import language_detector, mood_report
from ..domain.recordings.exchanges import exchanges
from ..domain.scenarios.result import (
    Result,
    as_data,
    bound,
    excerpt,
    golden_difference,
    golden_text,
    junit,
    read_golden,
    share,
    title,
    transcript,
)
from ..domain.scenarios.scenario import Suite, decode
from ..domain.tone import Moods
from ..engine.context import EngineContext
from ..engine.languages import prepare_detector
from ..engine.registry import MakeSession
from ..engine.rehearsal import rehearse
from ..engine.replaying import replaying
from ..engine.session import Session
from ..errors import SettingsError
from ..server.app import engine_limits
from ..server.models import choose_backend
from ..server.recordings import read
from ..settings import Settings
from ..stores import content
from ..stores.memory import MemoryStore
from .flags import setting_flags, settings_of
from .invocation import Invocation
from .terminal import Terminal

FOLDER = "scenarios"
GOLDEN = ".golden.txt"
_AUTHORED = "scripted"
"""The backend that answers the same each time."""


class _Chosen(Struct, frozen=True):
    """What of a file is to be played, and where its golden text stands."""

    path: Path
    suite: Suite

    @property
    def golden(self) -> Path:
        return self.path.with_suffix(GOLDEN)


@click.command(name="test")
@click.argument(
    "paths", metavar="[DIR | FILE...]", nargs=-1, type=click.Path(path_type=Path, exists=True)
)
@click.option("-k", "only", metavar="TEXT", default="", help="Only conversations named like TEXT.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    show_default=True,
    help="Play everything N times, each time with another seed.",
)
@click.option(
    "--minimum",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="The share of answers that must be right.  [default: as the file says, else 100]",
)
@click.option(
    "--recording",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Let a recorded session answer, in place of a model.",
)
@click.option("--update", is_flag=True, help="Write what the authored voice says as golden texts.")
@click.option("-v", "--verbose", is_flag=True, help="Show the passing conversations, too.")
@click.option(
    "--junit",
    "junit_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write JUnit XML, for continuous integration.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
@setting_flags
@click.pass_obj
def test(
    invocation: Invocation,
    /,
    paths: tuple[Path, ...],
    only: str,
    seeds: int,
    minimum: float | None,
    recording: Path | None,
    update: bool,
    verbose: bool,
    junit_file: Path | None,
    as_json: bool,
    config: Path | None,
    **given: Any,
) -> None:
    """Play conversations and check the answers.

    A world's scenarios are TOML files in its folder scenarios/: what the player says, what
    happens, and what each answer must be. They are played through the real engine; without
    --backend, and none in the settings, by the authored voice, which costs nothing and always
    answers the same.

    \b
      dialogue-server test village
      dialogue-server test village/scenarios/lamp.toml -k glass -v
      dialogue-server test village --backend local --seeds 3 --minimum 75
      dialogue-server test village --update          (keep the answers as golden texts)
      dialogue-server test village --junit report.xml
      dialogue-server test village --recording recordings/FILE.jsonl -k lamp

    Exits with 0 if enough is right, with 1 if not, with 2 if a file is broken or there is
    nothing to play.
    """
    world = _world_of(paths)
    loaded = settings_of(world, config, given)
    if "model.backend" not in loaded.origins:
        loaded = settings_of(world, config, given, model__backend=_AUTHORED)
    settings = loaded.settings
    if update and (recording or settings.model.backend != _AUTHORED):
        raise SettingsError(
            "--update keeps the answers of the authored voice, word by word; a model answers "
            f"otherwise each time. Write --backend {_AUTHORED} beside it."
        )
    terminal = invocation.terminal
    loaded_world = content.load(world)
    for error in loaded_world.errors:
        terminal.warn(error.detail)
    chosen = _read(terminal, _files(paths or (world,)), loaded_world, only)
    show = _Show(terminal, seeds, verbose=verbose, quiet=as_json)
    play = _play(show, settings, loaded_world, chosen, seeds, compare=not update, file=recording)
    run = asyncio.run(play)
    if update:
        _write_golden(terminal, chosen, run.results, whole=not only)
    good = _judge(show, run, chosen, minimum)
    show.moods(mood_report.moods(run.results, loaded_world.personas))
    if junit_file is not None:
        junit_file.write_text(junit(run.results, run.backend, seeds), encoding="utf-8")
    if as_json:
        data = as_data(run.results, run.backend, good)
        data["moods"] = mood_report.as_data(mood_report.moods(run.results, loaded_world.personas))
        terminal.say(json.dumps(data, ensure_ascii=False))
    if not good:
        click.get_current_context().exit(1)


# ---------------------------------------------------------------- files


def _world_of(paths: Sequence[Path]) -> Path:
    """The folder with the world.toml that the paths belong to."""
    start = paths[0] if paths else Path()
    for folder in (start, *start.absolute().parents):
        if (folder / content.WORLD_FILE).is_file():
            return folder
    raise SettingsError(
        f"{start.absolute()}: no world.toml here or above, so that there are no NPCs to talk "
        "to. `dialogue-server init village` makes a world, with scenarios in it."
    )


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_file():
            found.append(path)
            continue
        folder = path / FOLDER if (path / content.WORLD_FILE).is_file() else path
        inside = sorted(folder.glob("*.toml"))
        if not inside:
            raise SettingsError(
                f"{folder}: there is no scenario (*.toml). The starter world's show how to write "
                "one: dialogue-server init DIR"
            )
        found += inside
    return found


def _read(
    terminal: Terminal, paths: Sequence[Path], world: content.Content, only: str
) -> list[_Chosen]:
    chosen: list[_Chosen] = []
    broken = 0
    for path in paths:
        suite, errors = decode(path.as_posix(), path.read_bytes(), world.world, world.personas)
        for error in errors:
            terminal.error(error.detail)
        broken += bool(errors)
        if suite is not None:
            kept = tuple(s for s in suite.scenarios if only.casefold() in s.name.casefold())
            if kept:
                chosen.append(_Chosen(path, structs.replace(suite, scenarios=kept)))
    if broken:
        raise SettingsError(f"{broken} of {len(paths)} scenario files cannot be read; mend them")
    if not chosen:
        raise SettingsError(f"no conversation has {only!r} in its name")
    return chosen


def _write_golden(
    terminal: Terminal, chosen: Sequence[_Chosen], results: Sequence[Result], *, whole: bool
) -> None:
    if not whole:
        raise SettingsError("--update writes whole files; leave out -k")
    for each in chosen:
        own = [result for result in results if result.scenario.file == each.suite.file]
        text = golden_text([result for result in own if result.seed == own[0].seed])
        old = each.golden.read_text(encoding="utf-8") if each.golden.is_file() else ""
        if text != old:
            each.golden.write_text(text, encoding="utf-8", newline="\n")
            terminal.note(f"{each.golden}: {'changed' if old else 'written'}")


# ---------------------------------------------------------------- playing


class _Run(Struct, frozen=True):
    backend: str
    results: list[Result]


async def _play(
    show: _Show,
    settings: Settings,
    world: content.Content,
    chosen: Sequence[_Chosen],
    seeds: int,
    *,
    compare: bool,
    file: Path | None,
) -> _Run:
    backend: ModelBackend
    make: MakeSession = Session
    store = MemoryStore()
    if file is None:
        choice = choose_backend(settings)
        backend, name = choice.backend, choice.backend.name
        show.notes(choice.notes)
    else:
        backend, name = ScriptedBackend(), file.name  # which nobody asks
        make = replaying(exchanges(read(file)), match="normalised", speed=0)
    # A test may talk faster than a player; nothing but the model should slow it down.
    limits = structs.replace(engine_limits(settings), messages_per_second=0, lines_per_minute=0)
    results: list[Result] = []
    try:
        await store.start()
        await backend.start()
        context = EngineContext(
            world=world.world,
            personas=world.personas,
            backend=backend,
            store=store,
            observe=lambda _: None,
            limits=limits,
            sampling=Sampling(temperature=settings.model.temperature),
            language=settings.content.language,
        )
        await prepare_detector(context)
        if any(p.step.language for c in chosen for s in c.suite.scenarios for p in s.steps):
            context.detector, missing = await asyncio.to_thread(language_detector.load)
            show.notes(filter(None, [missing]))
        for each in chosen:
            golden = {}
            if compare and name == _AUTHORED and each.golden.is_file():
                golden = read_golden(each.golden.read_text(encoding="utf-8"))
            show.file(each.suite, name)
            scenarios = each.suite.scenarios
            async for result in rehearse(context, scenarios, seeds=range(1, seeds + 1), make=make):
                diff = golden_difference(result, golden)
                if diff:
                    problem = "differs from the golden text; if it should, --update keeps it"
                    result = structs.replace(result, problem=problem, diff=diff)  # noqa: PLW2901
                results.append(result)
                show.result(result)
    finally:
        await backend.aclose()
        await store.aclose()
    return _Run(name, results)


def _judge(show: _Show, run: _Run, chosen: Sequence[_Chosen], minimum: float | None) -> bool:
    """Whether each file has as much right as it must. A changed golden text and a conversation
    that could not be played to its end are never right enough."""
    short = [
        f"{result.scenario.file}:{result.scenario.line}: {result.problem}"
        for result in run.results
        if result.problem
    ]
    for each in chosen:
        own = [result for result in run.results if result.scenario.file == each.suite.file]
        needed, got = bound(each.suite.minimum, run.backend, minimum), share(own)
        if got < needed:
            short.append(f"{each.path}: {got:.0f} % right is less than the {needed:g} % needed")
    show.summary(run, short)
    return not short


class _Show:
    """What the person sees of it."""

    def __init__(self, terminal: Terminal, seeds: int, *, verbose: bool, quiet: bool) -> None:
        self._terminal = terminal
        self._seeds = seeds
        self._verbose = verbose
        self._quiet = quiet

    def notes(self, notes: Iterable[str]) -> None:
        """Why this voice."""
        if not self._quiet:
            for note in notes:
                self._terminal.note(note)

    def file(self, suite: Suite, backend: str) -> None:
        """A file begins."""
        if not self._quiet:
            self._terminal.heading(f"{suite.file}  ({backend})")

    def result(self, result: Result) -> None:
        """A conversation is over."""
        if self._quiet:
            return
        name = title(result, self._seeds)
        if result.passed:
            self._terminal.say(f"  ok      {name}", "green")
            if self._verbose:
                self._lines(transcript(result))
            return
        self._terminal.say(f"  FAILED  {name}", "bold red")
        self._terminal.say(f"    {result.scenario.file}:{result.scenario.line}", "dim")
        if not result.problem or any(outcome.problems for outcome in result.outcomes):
            self._lines(excerpt(result))
        if result.problem:
            self._lines([*result.diff, f"^ {result.problem}"])

    def _lines(self, lines: Iterable[str]) -> None:
        styles = {"-": "red", "+": "green", "@": "dim", ">": "bold", "~": "dim", "^": "red"}
        for line in lines:
            self._terminal.say(f"      {line}", styles.get(line[:1], ""))

    def moods(self, found: Mapping[str, Moods]) -> None:
        """How often each NPC was in which mood."""
        if self._verbose and not self._quiet and found:
            self._terminal.heading("Moods")
            for npc, moods in found.items():
                self._terminal.say(f"  {npc:<18} {mood_report.mood_line(moods)}")

    def summary(self, run: _Run, short: Sequence[str]) -> None:
        """The figures, and what falls short."""
        if not self._quiet:
            lines = sum(result.lines for result in run.results)
            right = sum(result.lines_passed for result in run.results)
            passed = sum(result.passed for result in run.results)
            say = self._terminal.say
            self._terminal.heading("In all")
            say(f"  conversations      {passed} of {len(run.results)} as expected")
            say(f"  answers            {right} of {lines}, {share(run.results):.0f} %")
            heard = [o.heard for r in run.results for o in r.outcomes if o.heard and o.heard.npc]
            first = sorted(each.first_ms for each in heard if each.first_ms)
            if first:
                say(f"  first word         {first[len(first) // 2]} ms (median)")
        for line in short:
            self._terminal.error(line)
