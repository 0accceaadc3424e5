"""The real Godot engine as a test sees it: found, prepared once, run with a time limit."""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = CHECKOUT / "godot_client"
VECTORS = CHECKOUT / "protocol" / "vectors"
PREFIX = CHECKOUT / ".tools" / "godot"
INSTALL = "python tests/engines/install_godot.py"

TROUBLE = re.compile(
    r"SCRIPT ERROR|^\s*ERROR:|Parse Error|Leaked instance|ObjectDB instances leaked"
)
"""The engine goes on after a script error, and exits with 0: its words have to be read."""


def find_godot() -> Path | None:
    """GODOT, or the engine that install_godot.py made, or one on the PATH."""
    named = os.environ.get("GODOT")
    if named:
        return Path(named)
    installed = PREFIX / "bin" / "godot"
    if installed.exists():
        return installed
    found = shutil.which("godot")
    return Path(found) if found else None


def find_xvfb() -> Path | None:
    """The X server that install_godot.py made, or one on the PATH."""
    installed = PREFIX / "bin" / "Xvfb"
    if installed.exists():
        return installed
    found = shutil.which("Xvfb")
    return Path(found) if found else None


@dataclass
class Run:
    """What an engine wrote, and how it ended."""

    lines: list[str] = field(default_factory=list)
    code: int | None = None

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def beginning(self, word: str) -> list[str]:
        """The lines that begin with a word, without it."""
        return [line[len(word) + 1 :] for line in self.lines if line.startswith(word + " ")]

    def assert_passed(self, at_least: int = 1) -> None:
        """Every test of the suite passed, and the engine complained of nothing."""
        trouble = [line for line in self.lines if TROUBLE.search(line)]
        failed = self.beginning("FAIL")
        assert not failed, "\n".join(failed)
        assert not trouble, self.text
        assert self.code == 0, f"exit status {self.code}\n{self.text}"
        assert len(self.beginning("PASS")) >= at_least, self.text


class Engine:
    """Runs the project. `home` is a folder that the engine may write to."""

    def __init__(self, program: Path, home: Path) -> None:
        self.program = program
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("XDG_")},
            "HOME": str(home),
        }

    def import_project(self) -> Run:
        """Let the editor read the project; before that no class has its name."""
        return self.run("--editor", "--import", seconds=120)

    def suites(
        self, *names: str, seconds: float = 60, asked: Asked | None = None, **options: str
    ) -> Run:
        """Run test suites of godot_client/tests/suites."""
        pairs = [f"{name}={value}" for name, value in options.items()]
        return self.run("res://tests/main.tscn", "--", *names, *pairs, seconds=seconds, asked=asked)

    def run(
        self,
        *arguments: str,
        seconds: float,
        asked: Asked | None = None,
        headless: bool = True,
        environment: Mapping[str, str] | None = None,
        project: Path = PROJECT,
    ) -> Run:
        """Run to the end, or kill it after so many seconds. A line "ASK x" calls `asked(x)`."""
        command = [str(self.program), *(["--headless"] if headless else [])]
        command += ["--path", str(project), *arguments]
        result = Run()
        lines: queue.Queue[str | None] = queue.Queue()
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**self.environment, **(environment or {})},
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process:
            reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
            reader.start()
            deadline = time.monotonic() + seconds
            try:
                while (line := lines.get(timeout=deadline - time.monotonic())) is not None:
                    result.lines.append(line)
                    if asked is not None and line.startswith("ASK "):
                        asked(line.removeprefix("ASK "))
            except (queue.Empty, ValueError):
                result.lines.append(f"FAIL the engine had not ended after {seconds} s")
                process.kill()
            result.code = process.wait()
        return result


Asked = Callable[[str], None]


def _read(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line.rstrip("\n"))
    lines.put(None)
