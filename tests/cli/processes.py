"""Child processes for the command's tests: in a pipe, and in a terminal of their own."""

from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0

# Makes the pseudo-terminal the child's controlling one, so that the byte of Ctrl-C becomes the
# signal, for the whole foreground process group, as at a desk.
_IN_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'dialogue_server', *sys.argv[1:]])\n"
)


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DIALOGUE_", "COV_"))}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "OPENROUTER_API_KEY"):
        kept.pop(name, None)
    kept.pop("OPENAI_API_KEY", None)
    path = os.pathsep.join([str(ROOT), str(ROOT / "protocol")])
    return kept | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "TERM": "xterm"} | more


def run(
    *arguments: str, given: str = "", timeout: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    """A command in a pipe, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "dialogue_server", *arguments],
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        env=environment(),
    )


class InTerminal:
    """A command in a pseudo-terminal: what it shows, and keys for it."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.shown = ""
        self._master = master

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read_until(self, wanted: str, *, start: int = 0) -> int:
        """Wait for a text after `start`; where it ends. Colours are taken out of `shown`."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.shown.find(wanted, start)) < 0:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"{wanted!r} was not shown, but:\n{self.shown}")
        return found + len(wanted)

    def exit_code(self) -> int:
        deadline = time.monotonic() + PATIENCE
        while self._read(max(0.0, deadline - time.monotonic())):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the child has closed its end
            return False
        text = data.decode("utf-8", "replace").replace("\r\n", "\n")
        self.shown += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
        return bool(data)


@contextmanager
def in_terminal(*arguments: str, columns: int = 200) -> Iterator[InTerminal]:
    import fcntl
    import pty
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_TERMINAL, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env=environment(),
    )
    os.close(slave)
    try:
        yield InTerminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        with contextlib.suppress(OSError):
            os.close(master)
