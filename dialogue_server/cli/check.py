"""`dialogue-server check`: what is wrong with a world, before a player meets it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from ..domain.leaks import LeakReport, check_leaks
from ..domain.lint.findings import Finding, lint, located, of_errors, of_leaks
from ..domain.lint.subject import Severity
from ..domain.scenarios.scenario import decode
from ..errors import ContentError, SettingsError
from ..stores import content
from .invocation import Invocation
from .terminal import Terminal

_STYLES: dict[Severity, str] = {"error": "red", "warning": "yellow", "note": "dim"}
_MOST_FILES = 10_000
SCENARIOS = "scenarios"


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--leaks",
    is_flag=True,
    help="Prove that no gate leaks: try every NPC's prompts in every state that matters.",
)
@click.option("--strict", is_flag=True, help="Exit with code 1 for warnings too.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one object.")
@click.pass_obj
def check(
    invocation: Invocation, /, folder: Path, leaks: bool, strict: bool, as_json: bool
) -> None:
    """Check the world in DIR: its files, what they mean, and what a player might stumble on.

    Each finding names file and line and says how to mend it. Errors are what the server refuses,
    and secrets that are told; warnings are almost surely mistakes; notes are advice. Exits with
    0 if all is well, 1 for errors (with --strict for warnings too), 2 for wrong usage.

    \b
      dialogue-server check village
      dialogue-server check village --leaks --strict     in front of every release
    """
    if not folder.is_dir():
        raise SettingsError(f"{folder}: no such folder; `dialogue-server init` makes one")
    world = content.load(folder)
    texts = content.texts(folder)
    findings = of_errors(world.errors or _of_scenarios(folder, world))
    report: LeakReport | None = None
    if not any(error.file == content.WORLD_FILE for error in world.errors):
        files = list(_files(folder))
        findings += lint(world.world, world.personas, texts, files, spoken_secrets=not leaks)
        if leaks:
            report = _leaks(invocation.terminal, world)
            findings += located(of_leaks(report), texts)
    counts = Counter(finding.severity for finding in findings)
    failed = counts["error"] or (strict and counts["warning"])
    if as_json:
        result = {"findings": findings, "leaks": report and _tried(report), "ok": not failed}
        click.echo(msgspec.json.encode(result).decode())
    else:
        _show(invocation.terminal, folder, findings)
        _summary(invocation.terminal, world, counts, report)
    if failed:
        click.get_current_context().exit(1)


def _of_scenarios(folder: Path, world: content.Content) -> Iterator[ContentError]:
    """What is wrong with the files that `dialogue-server test` plays, in a world without errors:
    they name what is in it."""
    for path in sorted((folder / SCENARIOS).glob("*.toml")):
        if path.is_file() and not content.is_backup(path.name):
            file = f"{SCENARIOS}/{path.name}"
            yield from decode(file, path.read_bytes(), world.world, world.personas)[1]


def _files(folder: Path) -> Iterator[str]:
    """All files of the folder, relative, with "/"; hidden ones and backups left out."""
    count = 0
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not content.is_backup(name))
        for name in sorted(names):
            if content.is_backup(name):
                continue
            count += 1
            if count > _MOST_FILES:
                return
            yield (Path(here) / name).relative_to(folder).as_posix()


def _leaks(terminal: Terminal, world: content.Content) -> LeakReport:
    with terminal.progress("steps") as bar:
        return check_leaks(
            world.world,
            world.personas,
            lambda done, total: bar.update("Trying all gates", done, total),
        )


def _tried(report: LeakReport) -> dict[str, int | bool]:
    return {
        "found": len(report.leaks),
        "gates": report.gates,
        "states": report.states,
        "prompts": report.prompts,
        "complete": report.complete,
    }


# ---------------------------------------------------------------- how it looks


def _show(terminal: Terminal, folder: Path, findings: list[Finding]) -> None:
    for finding in findings:
        place = (folder / finding.file).as_posix()
        if finding.line:
            place += f":{finding.line}"
        key = f"{finding.key}: " if finding.key else ""
        text = f"{place}: {finding.severity}: {key}{finding.problem} [{finding.rule}]"
        terminal.say(text, _STYLES[finding.severity])


def _summary(
    terminal: Terminal, world: content.Content, counts: Counter[Severity], report: LeakReport | None
) -> None:
    if report is not None:
        proof = "" if report.complete else ", and there are more"
        terminal.say(
            f"{_count(report.gates, 'gate')} tried in {_count(report.prompts, 'prompt')}, in "
            f"{_count(report.states, 'state')}{proof}: {_count(len(report.leaks), 'leak')}."
        )
    books = sum(len(book.entries) for book in world.world.books.values())
    entries = len(world.world.lore) + books
    what = f"{_count(len(world.personas), 'NPC')} and {_count(entries, 'entry', 'entries')} of lore"
    said = [_count(counts[kind], kind) for kind in _STYLES if counts[kind]]
    terminal.say(f"{what}: {', '.join(said) or 'nothing to mend'}.")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
