"""Several processes on one port: `server.workers` of them, watched over by one that does nothing
else.

Each listens on the same port (SO_REUSEPORT: the kernel hands out the connections) and on one of
its own, by which the others pass clients through to it (client_socket.relay), and tells them its
metrics (siblings.py). What they share is in Redis. One that dies is started again; a signal to stop
goes to all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import SettingsError
from ..instrumentation.logging import Log
from ..settings import Settings

PAUSE = 1.0
"""Seconds before a worker that died is started again."""
WRONG_SETTINGS = 2
"""The exit code of a worker that cannot run with its settings (cli/__init__.py)."""


def check(settings: Settings) -> None:
    """Raise a SettingsError that says what several workers need."""
    if not hasattr(socket, "SO_REUSEPORT") or sys.platform == "win32":
        raise SettingsError(
            "server.workers: this system cannot share a port among processes; run one server for "
            "each port, and a proxy before them."
        )
    if "://" not in settings.store.path:
        raise SettingsError(
            "server.workers: several workers need a Redis to share: store.path = "
            '"redis://127.0.0.1" (docs/scaling.md).'
        )
    if settings.server.port == 0:
        raise SettingsError("server.workers: several workers need a port; set server.port.")


class Workers:
    """The processes. `run` until `request_stop`."""

    def __init__(self, settings: Settings, command: Sequence[str], log: Log | None = None) -> None:
        """`command` starts one worker, the flags that tell it so included, but for its own
        socket (server.worker)."""
        self._count = settings.server.workers
        self._grace = settings.server.shutdown_grace + 5
        self._command = list(command)
        self._log = log or Log(settings.server.log_format, settings.server.log_level)
        self._stopping = asyncio.Event()
        self._is_set_wrong = False

    def request_stop(self) -> None:
        """Let `run` end the workers and return."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep them running; at the end, let them drain. A SettingsError where one found at its
        first start that it cannot run with these settings: it would not at the next either."""
        with tempfile.TemporaryDirectory(prefix="workers-") as folder:
            places = (Path(folder) / str(number) for number in range(self._count))
            await asyncio.gather(*(self._keep(place) for place in places))
        if self._is_set_wrong:
            raise SettingsError("the workers cannot start so; what is wrong stands above")

    async def _keep(self, place: Path) -> None:
        number, own = int(place.name), ("--server-worker", str(place))
        is_first = True
        while not self._stopping.is_set():
            process = await asyncio.create_subprocess_exec(
                *self._command, *own, stdin=asyncio.subprocess.PIPE
            )
            self._log.info("worker.started", worker=number, pid=process.pid)
            ended = asyncio.create_task(process.wait())
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if is_first and process.returncode == WRONG_SETTINGS:
                self._is_set_wrong = True
                self._stopping.set()
            is_first = False
            if not self._stopping.is_set():
                self._log.warning("worker.died", worker=number, code=process.returncode)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), PAUSE)
                continue
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(asyncio.shield(ended), self._grace)
            except TimeoutError:
                process.kill()
                await ended
            self._log.info("worker.ended", worker=number, code=process.returncode)


def stop_with_parent(stop: Callable[[], None]) -> None:
    """In a worker: call `stop` once the one that watches over it is gone, however that went. Its
    end of our standard input closes then, and nothing is ever written there."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while os.read(0, 1024):  # not sys.stdin: its lock would be held when Python ends
            pass
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            loop.call_soon_threadsafe(stop)

    threading.Thread(target=wait, name="watch the parent", daemon=True).start()


async def supervise(
    settings: Settings,
    command: Sequence[str],
    signals: Callable[..., contextlib.AbstractContextManager[None]],
) -> None:
    """Run workers until SIGINT or SIGTERM."""
    check(settings)
    workers = Workers(settings, command)
    with signals(workers.request_stop):
        await workers.run()
