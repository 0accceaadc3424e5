"""`dialogue-server replay`: a recorded session, for eyes, for a game, as a page, or on today's
content."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

import click

from ..domain.recordings.page import page
from ..domain.recordings.recording import Recording
from ..domain.recordings.replaying import Match
from ..engine.observer import Failure, Record, RequestRefused, SessionStarted
from ..errors import SettingsError
from ..server.recordings import first_files, read
from ..server.replay import replay_server
from .flags import settings_of
from .invocation import Invocation
from .replay_show import show
from .rerun import RECORDED, Wanted, against, bounds_of
from .serve import loop_factory
from .terminal import Terminal


class Speed(click.ParamType[float]):
    """A factor, or "max": 0, which waits for nothing."""

    name = "speed"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """From the command line."""
        if value == "max":
            return 0.0
        try:
            speed = float(str(value))
        except ValueError:
            speed = 0.0
        if not 0 < speed < 1e6:
            self.fail("a number above 0 (2 is twice as fast), or max", param, ctx)
        return speed


@click.command()
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True),
)
@click.option("--serve", "serving", is_flag=True, help="Answer games from it, as a server.")
@click.option(
    "--against",
    "world",
    metavar="[DIR]",
    is_flag=False,
    flag_value=".",
    type=click.Path(path_type=Path),
    help="Say the same to the world in DIR (this folder) as it is today, and compare.",
)
@click.option(
    "--html",
    "html_file",
    metavar="OUT",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one self-contained page: timeline, moods, timing, prompts; or the comparison.",
)
@click.option(
    "--speed", type=Speed(), default="1", metavar="N|max", help="2 is twice as fast.  [default: 1]"
)
@click.option(
    "--match",
    type=click.Choice(get_args(Match)),
    default="normalised",
    show_default=True,
    help="With --serve: how a line must equal the recorded one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="With --serve.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option(
    "--backend",
    metavar="NAME",
    default="",
    help="With --against: which model answers; recorded gives the recorded answers again.  "
    "[default: that of dialogue.toml, else recorded]",
)
@click.option(
    "--max-changed",
    "changed",
    metavar="[WHAT=]PERCENT",
    multiple=True,
    help="With --against: fail if more answers (or their moods, actions, prompt ...) changed.",
)
@click.option(
    "--max-slower",
    "slower",
    metavar="PERCENT",
    type=click.FloatRange(0),
    help="With --against: fail if the first word comes later by more.",
)
@click.option(
    "--junit",
    "junit_file",
    metavar="OUT",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --against: write JUnit XML, for continuous integration.",
)
@click.option("-v", "--verbose", is_flag=True, help="With --against: show every change whole.")
@click.pass_obj
def replay(
    invocation: Invocation,
    /,
    files: tuple[Path, ...],
    serving: bool,
    world: Path | None,
    html_file: Path | None,
    speed: float,
    match: Match,
    host: str,
    port: int,
    backend: str,
    changed: tuple[str, ...],
    slower: float | None,
    junit_file: Path | None,
    verbose: bool,
) -> None:
    """Play a recorded session again.

    `dialogue-server serve village --record DIR` writes one file a session into DIR.

    \b
      dialogue-server replay DIR/FILE.jsonl                   see it in this terminal
      dialogue-server replay DIR/FILE.jsonl --html talk.html  a page for a bug report
      dialogue-server replay DIR/FILE.jsonl --serve           answer a game with it, no model
      dialogue-server replay DIR/FILE.jsonl --serve --speed max --port 9000
      dialogue-server replay DIR --against village            what is otherwise today?
      dialogue-server replay DIR --against village --backend local --max-changed 10%

    With --serve, the game's lines are looked for in the recording: first as they are, then
    (--match normalised) without regard to capitals, punctuation and spaces, then (--match
    position) the next one whatever it says. One that is not found is answered by an error that
    shows the nearest, and is shown here. Of several recordings each game that connects gets the
    next one, in the order of their times.

    With --against, what players said and did goes to today's personas, prompts and model, from
    one file, several, or a folder; exits with 1 if a bound does not hold.
    """
    terminal = invocation.terminal
    if world is not None:
        wanted = Wanted(html_file, junit_file, bounds_of(changed, slower), verbose)
        recordings = [(file.name, _read(terminal, file)) for file in _first_parts(files)]
        recordings.sort(key=lambda each: each[1].head.started)
        chosen = {"model__backend": backend} if backend not in ("", RECORDED) else {}
        loaded = settings_of(world, None, {}, **chosen)
        asked = backend == RECORDED or "model.backend" not in loaded.origins
        if not against(terminal, recordings, world, loaded.settings, wanted, recorded=asked):
            click.get_current_context().exit(1)
        return
    if changed or slower is not None or junit_file or backend:
        raise click.UsageError(
            "--backend, --max-changed, --max-slower and --junit belong to --against."
        )
    if serving:
        found = [_read(terminal, file) for file in _first_parts(files)]
        found.sort(key=lambda recording: recording.head.started)
        serve = _serve(terminal, found, host=host, port=port, speed=speed, match=match)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(serve)
        return
    file, *more = files
    if more or file.is_dir():
        raise click.UsageError(
            "one FILE is shown at a time; a folder, or several, only with --serve or --against."
        )
    recording = _read(terminal, file)
    if html_file is not None:
        html_file.write_text(page(recording, file.stem), encoding="utf-8", newline="\n")
        terminal.note(f"{html_file}: written")
        return
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(show(terminal, recording, speed))


def _first_parts(paths: Iterable[Path]) -> list[Path]:
    """The files, and those of the folders; further parts of a session come with its first."""
    found: list[Path] = []
    for path in paths:
        inside = first_files(path) if path.is_dir() else [path]
        if not inside:
            raise SettingsError(f"{path}: there is no recording (*.jsonl)")
        found += inside
    return found


def _read(terminal: Terminal, file: Path) -> Recording:
    recording = read(file)
    if recording.cut:
        terminal.warn(f"{file.name}: its last line is cut; the server was killed as it wrote")
    if recording.skipped:
        terminal.warn(f"{file.name}: {recording.skipped} lines of a newer server are passed over")
    return recording


async def _serve(
    terminal: Terminal,
    recordings: Sequence[Recording],
    *,
    host: str,
    port: int,
    speed: float,
    match: Match,
) -> None:
    def observe(record: Record) -> None:
        match record:
            case RequestRefused(detail=detail):
                terminal.error(detail)
            case SessionStarted(client=client, resumed=resumed):
                terminal.note(f"{client or 'a client'} {'is back' if resumed else 'has come'}")
            case Failure(error=error):
                terminal.error(error)
            case _:
                pass

    serving = replay_server(
        *recordings, observe=observe, host=host, port=port, speed=speed, match=match
    )
    async with serving as url:
        what = "The recording answers" if len(recordings) == 1 else f"{len(recordings)} answer"
        terminal.say(f"{what} at {url}. Ctrl-C ends it.")
        await asyncio.Event().wait()
