"""The person's side of a terminal: lines typed, and Ctrl-C, as events of the loop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any


class Keyboard:
    """Lines of standard input, as they come; `on_enter` is called for an empty one.

    A thread waits for the input, for Windows knows no other way. It reads the descriptor and
    not `sys.stdin`, whose lock it would hold when the interpreter shuts down.
    """

    def __init__(self, on_enter: Callable[[], None] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._on_enter = on_enter
        threading.Thread(target=self._read, name="keyboard", daemon=True).start()

    async def line(self) -> str | None:
        """The next line, without its newline; None at the end of the input."""
        return await self._lines.get()

    def end(self) -> None:
        """Let `line` give None to whoever waits in it."""
        self._lines.put_nowait(None)

    @property
    def pending(self) -> int:
        """Lines that were typed and not taken."""
        return self._lines.qsize()

    def _read(self) -> None:
        encoding = sys.stdin.encoding or "utf-8"
        rest = b""
        while data := self._chunk():
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._put(line.decode(encoding, "replace").rstrip("\r"))
        if rest:
            self._put(rest.decode(encoding, "replace"))
        self._put(None)

    def _chunk(self) -> bytes:
        try:
            if sys.platform == "win32" and sys.stdin.isatty():
                # The console speaks UTF-16; only the stream object knows how to ask it.
                return sys.stdin.readline().encode(sys.stdin.encoding or "utf-8")
            return os.read(sys.stdin.fileno(), 4096)
        except OSError:  # the terminal is gone
            return b""

    def _put(self, line: str | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._arrived, line)
        except RuntimeError:  # the loop is closed: nobody waits for it any more
            return

    def _arrived(self, line: str | None) -> None:
        # An empty line says nothing, but somebody may want to know that Enter was hit.
        if line != "":
            self._lines.put_nowait(line)
        elif self._on_enter is not None:
            self._on_enter()


class Interrupts:
    """While this context is entered, Ctrl-C calls `act` in the loop in place of raising."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._loop = asyncio.get_running_loop()
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        # signal.signal and not add_signal_handler, which Windows lacks. The handler runs between
        # two bytecodes of the main thread; waking the loop is all it may do.
        self._before = signal.signal(signal.SIGINT, self._caught)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _caught(self, _number: int, _frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._act)
