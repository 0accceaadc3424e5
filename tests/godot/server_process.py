"""The real server in a process of its own, that a test starts, kills and starts again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

READY = re.compile(r'"url":"ws://[^"]*:(\d+)".*"server.ready"')
SLOW = Path(__file__).with_name("slow_server.py")


class ServerProcess:
    """`dialogue-server serve` on the folder `world`. `delay` is in seconds before each word."""

    def __init__(
        self,
        world: Path,
        *,
        delay: float = 0.0,
        backend: tuple[str, ...] = ("scripted",),
        **settings: str,
    ) -> None:
        self.world = world
        self.delay = delay
        self.backend = backend
        self.settings = settings
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.world / "server.log").read_text(encoding="utf-8")

    def start(self) -> None:
        """Start it, on the port of before if there was one, and wait until it listens."""
        command = [sys.executable, str(SLOW), str(self.delay), "serve", str(self.world)]
        command += ["--backend", *self.backend, "--port", str(self.port), "--log-format", "json"]
        environment = {**os.environ, **self.settings, "PYTHONUNBUFFERED": "1"}
        log = self.world / "server.log"
        log.unlink(missing_ok=True)
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                command, stdout=sink, stderr=subprocess.STDOUT, env=environment
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            found = READY.search(self.log)
            if found:
                self.port = int(found[1])
                return
            time.sleep(0.02)
        self.kill()
        raise AssertionError(self.log)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)

    def stop(self) -> None:
        """End it politely."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)
            self._process = None
