"""What all commands of one run share."""

from __future__ import annotations

from .terminal import Terminal


class Invocation:
    """The terminal, and whether tracebacks are wanted."""

    def __init__(self) -> None:
        self.terminal = Terminal()
        self.debug = False
