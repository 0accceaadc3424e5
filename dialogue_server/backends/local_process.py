"""One run of the embedded model's process: start, port, end, and why it could not.

What the child says is in local_child.py, which imports nothing but what it needs to serve.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import dialogue_protocol
import msgspec
from dialogue_protocol.codes import ErrorCode

from ..errors import BackendError
from .local_child import ChildConfig, Failed, Ready

_CHILD = "dialogue_server.backends.local_child"
_LOAD_SECONDS = 120.0
_STOP_SECONDS = 2.0
_TAIL = 16 * 1024
"""Bytes of the child's stderr that are kept: they say why a model does not load."""

_ILLEGAL_INSTRUCTION = (-4, 132, 0xC000001D, 0xC000001D - (1 << 32))
_KILLED = (-9, 137)

_NEXT = "name another model with --local-model, or an API with --backend"
_IMPORT_SAYS = (
    ("No module named", "its runtime is not installed: pip install 'dialogue-server[local]'"),
    (
        "DLL load failed",
        "its runtime needs the Microsoft Visual C++ Redistributable (x64): install it, then start "
        "again",
    ),
    (
        "libgomp",
        "its runtime needs the library libgomp: install it (on Debian and its kin `apt install "
        "libgomp1`), then start again",
    ),
    ("", "its runtime cannot be loaded on this machine: name an API with --backend"),
)
_LOAD_SAYS = (
    ("not within the file bounds", "is cut short: get it again"),
    ("corrupted or incomplete", "is cut short: get it again"),
    ("invalid magic", f"is no GGUF file: {_NEXT}"),
    ("unknown model architecture", f"is of a kind that this runtime does not know: {_NEXT}"),
    ("unable to allocate", "does not fit into memory: lower local.parallel or local.context"),
    ("failed to allocate", "does not fit into memory: lower local.parallel or local.context"),
    ("bad_alloc", "does not fit into memory: lower local.parallel or local.context"),
    ("", f"cannot be loaded: {_NEXT}"),
)


def available_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LocalProcess:
    """A child process. `start` once; it is over when `wait` says so or `stop` returns."""

    def __init__(self, config: ChildConfig, file: str, *, module: str = _CHILD) -> None:
        self._config = config
        self._file = file
        self._module = module
        self._process: asyncio.subprocess.Process
        self._tail = bytearray()
        self._reader: asyncio.Task[None]
        self.port = 0
        self.load_seconds = 0.0

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def obituary(self) -> str:
        """How it ended, for a developer."""
        return f"exit code {self._process.returncode}"

    async def start(self) -> None:
        """Start, and wait until the model is loaded; a BackendError says why it cannot be."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # what lies in the current folder is not imported
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": _python_path()},
        )
        self._reader = asyncio.create_task(self._read_stderr(), name="embedded model's stderr")
        try:
            report = await self._report()
        except BaseException:
            await self.stop()
            raise
        self.port, self.load_seconds = report.port, report.load_seconds

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, at most `seconds`; whether it has ended."""
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """End it at once. Idempotent."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        if not await self.wait(_STOP_SECONDS):
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self.wait()
        await self._reader

    async def _report(self) -> Ready:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(ConnectionError):  # it died; what follows says why
            process.stdin.write(msgspec.json.encode(self._config) + b"\n")
            await process.stdin.drain()
        try:
            async with asyncio.timeout(_LOAD_SECONDS):
                line = await process.stdout.readline()
        except TimeoutError:
            raise self._error(f"{self._file} took more than {_LOAD_SECONDS:g} s to load") from None
        if not line:
            await process.wait()
            raise self._error(self._sudden_end())
        report = msgspec.json.decode(line, type=Ready | Failed)
        if isinstance(report, Failed):
            # What it wrote before that is on its way.
            if await self.wait(_STOP_SECONDS):
                await self._reader
            raise self._error(self._why(report))
        return report

    def _sudden_end(self) -> str:
        code = self._process.returncode
        if code in _ILLEGAL_INSTRUCTION:
            return "this processor lacks AVX2, which its runtime needs: name an API with --backend"
        if code in _KILLED:
            return f"its process was killed while {self._file} loaded: too little memory, probably"
        return f"its process ended while {self._file} loaded ({self.obituary}): {_NEXT}"

    def _why(self, report: Failed) -> str:
        if report.kind == "import":
            return _says(_IMPORT_SAYS, report.detail)
        said = f"{report.detail} {self._tail.decode(errors='replace')}"
        if report.kind == "memory":
            said += "bad_alloc"
        return f"{self._file} {_says(_LOAD_SAYS, said)}"

    def _error(self, detail: str) -> BackendError:
        return BackendError(ErrorCode.MODEL_FAILED, f"the embedded model: {detail}")

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(4096):
            self._tail += data
            del self._tail[:-_TAIL]


def _says(table: tuple[tuple[str, str], ...], said: str) -> str:
    return next(says for text, says in table if text in said)


def _python_path() -> str:
    """Where the child finds what this process runs, installed or not."""
    roots = [str(Path(__file__).parents[2]), str(Path(dialogue_protocol.__file__ or "").parents[1])]
    inherited = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join(dict.fromkeys([*roots, *filter(None, inherited.split(os.pathsep))]))
