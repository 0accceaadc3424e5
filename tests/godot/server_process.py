"""The real server in a process of its own, that a test starts, kills and starts again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

SLOW = Path(__file__).with_name("slow_server.py")


class ServerProcess:
    """`dialogue-server serve` on the folder `world`. `delay` is in seconds before each word."""

    def __init__(self, world: Path, *, delay: float = 0.0, **settings: str) -> None:
        self.world = world
        self.delay = delay
        self.settings = settings
        self.port = 0
        self.log: list[dict[str, Any]] = []
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the port of before if there was one, and wait until it listens."""
        command = [sys.executable, str(SLOW), str(self.delay), "serve", str(self.world)]
        command += ["--backend", "scripted", "--port", str(self.port), "--log-format", "json"]
        environment = {**os.environ, **self.settings, "PYTHONUNBUFFERED": "1"}
        log = (self.world / "server.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            record = json.loads(line)
            self.log.append(record)
            if record["event"] == "server.ready":
                self.port = int(record["url"].rpartition(":")[2])
                return
        raise AssertionError((self.world / "server.log").read_text(encoding="utf-8"))

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)

    def stop(self) -> None:
        """End it politely."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.communicate(timeout=30)
            self._process = None
