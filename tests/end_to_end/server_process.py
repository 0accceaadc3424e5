"""`dialogue-server serve` and its model as processes, on one port and one store for all their lives."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from tests.cli.processes import ROOT, environment

from .chaos_upstream import FALLBACK

_PERSONA = f"""
id = "mira"
name = "Mira"
description = "Keeps the tavern."
moods = ["calm", "wary"]
mood = "calm"
greeting = "Mind the step."
fallback = ["{FALLBACK}"]
"""


def make_world(folder: Path) -> None:
    """One NPC in a village."""
    (folder / "personas").mkdir()
    (folder / "world.toml").write_text('name = "W"\ndescription = "A village."\n', encoding="utf-8")
    (folder / "personas" / "mira.toml").write_text(_PERSONA, encoding="utf-8")


async def start_upstream(asked: Path) -> tuple[Process, str]:
    """The model's process and its address; it writes to `asked` what it is asked."""
    asked.touch()
    upstream = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.end_to_end.chaos_upstream", "--log", str(asked)),
        stdout=PIPE,
        cwd=ROOT,
        env=environment(),
    )
    assert upstream.stdout is not None
    return upstream, (await upstream.stdout.readline()).decode().strip()


class ServerProcess:
    """A server that may be killed, stopped and started again. `strict` runs it with all of
    Python's own warnings (`-X dev`)."""

    def __init__(self, folder: Path, base_url: str, *more: str, strict: bool = False) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"ws://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.kills = 0
        self._environment = environment(**({"PYTHONASYNCIODEBUG": "1"} if strict else {}))
        self._arguments = [
            *(("-X", "dev") if strict else ()),
            *("-m", "dialogue_server", "serve", str(folder), "--port", str(self.port)),
            *("--backend", "openai-compatible", "--base-url", base_url, "--model", "any"),
            *("--log-format", "json", *more),
        ]
        self._process: Process | None = None

    async def start(self) -> None:
        """Start, and wait until it listens."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, *self._arguments),
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=self._environment,
            )
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                assert self._process.returncode is None, self.log.read_text()[-2000:]
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self.kills += 1

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def exit_code(self) -> int:
        """Wait for its end."""
        assert self._process is not None
        async with asyncio.timeout(30):
            return await self._process.wait()

    async def stop(self) -> int:
        """Stop it in order; its exit code."""
        self.send(signal.SIGTERM)
        return await self.exit_code()

    def complaints(self) -> str:
        """What its log holds that no log should; "" for nothing."""
        text = self.log.read_text(encoding="utf-8")
        signs = ("server.failure", "Traceback", "never retrieved", "was destroyed",
                 "never awaited", "ResourceWarning", "Exception ignored")  # fmt: skip
        found = next((sign for sign in signs if sign in text), "")
        return text[max(0, text.index(found) - 300) :][:4000] if found else ""
