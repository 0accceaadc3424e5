"""What the commands show, and how: the sole owner of `rich`.

Colours go only to a terminal and obey NO_COLOR; what a program reads (a pipe, a file) gets the
same words without them. Answers go to standard output, complaints and progress to standard
error.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from dialogue_protocol.messages import Cue
from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

Unit = Literal["bytes", "steps"]
_SPEAKERS = ("cyan", "magenta", "yellow", "green", "blue")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # rich drops returns


def _visible(text: str) -> str:
    """A text without orders to the terminal: files and models are not always one's own."""
    return _CONTROL.sub(lambda control: f"\\x{ord(control[0]):02x}", text)


class _Screen(Console):
    """Shows every text, and obeys none."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich prints them."""
        shown = (_visible(each) if isinstance(each, str) else each for each in objects)
        super().print(*shown, **options)


class Terminal:
    """Standard output and standard error."""

    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            # A character that the console's code page lacks becomes "?", never a crash.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        self._out = _Screen(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._err = _Screen(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._colours: dict[str, str] = {}

    @property
    def interactive(self) -> bool:
        """Whether a person sits at both ends."""
        return sys.stdin.isatty() and sys.stdout.isatty()

    # ------------------------------------------------------------ lines

    def say(self, text: str = "", style: str = "") -> None:
        """A line of the answer."""
        # Whole words in a terminal, whole lines in a pipe.
        self._out.print(text, style=style or None, soft_wrap=not self._out.is_terminal)

    def heading(self, text: str) -> None:
        """A line that begins a part."""
        self._out.print(f"\n{text}", style="bold")

    def note(self, text: str) -> None:
        """A line beside the answer."""
        self._out.print(text, style="dim")

    def warn(self, text: str) -> None:
        """Something the person has to know, loudly."""
        self._err.print(text, style="bold yellow")

    def error(self, text: str) -> None:
        """Why the command failed, and what to do."""
        self._err.print(Text.assemble(("error: ", "bold red"), _visible(text)))

    def hint(self, text: str) -> None:
        """What one might do next, beside a log."""
        self._err.print(text, style="dim")

    def complain(self, text: str) -> None:
        """A line after an error."""
        self._err.print(text)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table; its cells are wrapped to a terminal, and kept whole in a pipe."""
        kept = [list(map(_visible, row)) for row in rows]
        if self._out.is_terminal:
            table = Table(*head, box=None, pad_edge=False, header_style="bold")
            for row in kept:
                table.add_row(*[Text(cell) for cell in row])
            self._out.print(table, soft_wrap=False)
            return
        widths = [max(map(len, column)) for column in zip(head, *kept, strict=True)]
        for row in [list(head), *kept]:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self._out.print("  ".join(cells).rstrip())

    def progress(self, unit: Unit = "bytes") -> ProgressBar:
        """A bar for what takes long, on standard error."""
        return ProgressBar(self._err, unit)

    # ------------------------------------------------------------ a conversation

    def prompt(self, text: str) -> None:
        """What stands before the player's line."""
        self._out.print(text, end="", style="bold")
        sys.stdout.flush()

    def speech(self, npc: str, name: str) -> Speech:
        """Begin an NPC's line."""
        style = self._colours.setdefault(npc, _SPEAKERS[len(self._colours) % len(_SPEAKERS)])
        return Speech(self._out, name, style)


class Speech:
    """An NPC's line as it appears. Words are not broken at the terminal's edge."""

    def __init__(self, console: Console, name: str, style: str) -> None:
        self._console = console
        self._column = 0
        self._gap = False
        self._write(f"{name}: ", f"bold {style}")

    def text(self, cluster: str, upcoming: str) -> None:
        """The next cluster; `upcoming` is as much of the next word as is known."""
        if cluster in ("\n", "\r\n"):
            self._newline()
            return
        if unicodedata.category(cluster[0]) == "Cc":
            return  # a model must not move the cursor or set the window's title
        if self._gap:
            self._gap = False
            if not cluster.isspace():
                self._write(" ")
        room = self._console.width if self._console.is_terminal else sys.maxsize
        if cluster.isspace() and self._column + 1 + cell_len(upcoming) >= room:
            self._newline()
        else:
            self._write(cluster)

    def cue(self, cue: Cue) -> None:
        """A mood or an action, where it happens."""
        if cue.kind == "pause":
            return
        if cue.kind == "mood":
            self._aside(f"({cue.name})", "dim italic")
            return
        shown = cue.name
        if cue.args:
            shown += " " + " ".join(f"{key}={_shown(value)}" for key, value in cue.args.items())
        self._aside(f"*{shown}*", "bold")

    def end(self, remark: str = "") -> None:
        """The line is over; `remark` says why it is shorter than it might be."""
        if remark:
            self._aside(remark, "dim")
        self._newline()

    def _aside(self, text: str, style: str) -> None:
        # A space before it unless there is one; one after it when text follows.
        before = "" if self._spaced else " "
        if self._console.is_terminal and self._column + cell_len(text) + 2 >= self._console.width:
            self._newline()
            before = ""
        self._write(f"{before}{text}", style)
        self._gap = True

    def _newline(self) -> None:
        self._console.print()
        self._column, self._spaced, self._gap = 0, True, False

    def _write(self, text: str, style: str | None = None) -> None:
        self._console.print(text, end="", style=style)
        self._console.file.flush()
        self._column += cell_len(text)
        self._spaced = text[-1:].isspace()


class ProgressBar:
    """How far something is, on standard error; lines and no bar where that is no terminal. Use
    as a context manager; `update` may come as often as it likes."""

    def __init__(self, console: Console, unit: Unit) -> None:
        self._console = console
        self._unit = unit
        count = (DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            *(count if unit == "bytes" else (MofNCompleteColumn(),)),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def update(self, what: str, done: int, total: int) -> None:
        """Bytes or steps so far, and of how many (0 where that is not known)."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total or None)
            if not self._console.is_terminal:
                size = f" ({total / 1e6:.0f} MB)" if total and self._unit == "bytes" else ""
                self._console.print(f"{what}{size} ...")
        self._progress.update(self._tasks[what], completed=done, total=total or None)


def _shown(value: Any) -> str:
    if isinstance(value, str) and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False)
