"""A real Redis of a test's own: on a socket in a folder, stopped and restarted as it likes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import redis
import redis.asyncio

from tests.services.install_services import find

PATIENCE = 10.0


class RedisServer:
    """One process on a Unix socket. Everything is written to a file at once (`appendfsync
    always`), so that a kill loses nothing that was acknowledged."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._command = [
            *(program, "--port", "0", "--unixsocket", "r.sock", "--dir", "."),
            *("--appendonly", "yes", "--appendfsync", "always", "--save", "", *options),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        # The address of a socket is short; the folder of a test is not.
        self._short = Path("/tmp") / f"d{os.getpid()}-{id(self):x}"
        self._short.symlink_to(folder)
        self.url = f"unix://{self._short}/r.sock"

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._short, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < until, "Redis does not start"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.exceptions.RedisError:
            return False

    def pause(self) -> None:
        """Hang, as an overloaded machine does."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Wake from a pause."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Die at once."""
        assert self._process is not None
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def close(self) -> None:
        """End, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.go_on()
            self.kill()
        self._short.unlink(missing_ok=True)


def new_redis(folder: Path, *options: str) -> RedisServer:
    """A Redis that runs; a test without one fails in CI and is skipped elsewhere."""
    program = find("redis-server")
    if program is None:
        missing = "no redis-server: `python tests/services/install_services.py` fetches one"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    server = RedisServer(program, folder, *options)
    server.start()
    return server


async def empty(url: str) -> None:
    """Forget everything."""
    async with redis.asyncio.Redis.from_url(url) as client:
        await client.flushall()
