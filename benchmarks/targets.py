"""Starts and stops the processes of a run, and reads what they cost."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil  # type: ignore[import-untyped]

from . import litellm
from .load import Job, Outcome
from .world import NPC, write_world

_ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 30
GUARDED = "server, guards, recording"


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DIALOGUE_")}
    path = os.pathsep.join(
        [str(_ROOT), str(_ROOT / "protocol"), *filter(None, [kept.get("PYTHONPATH")])]
    )
    return kept | {"PYTHONPATH": path, "DIALOGUE_BENCH_KEY": "none"}


def spawn(arguments: list[str], log: Path, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """A child of this Python; what it complains of goes to `log`."""
    with log.open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=errors,
            text=True,
            env=_environment(),
            cwd=_ROOT,
        )


def ask(process: subprocess.Popen[str], order: object) -> None:
    """Write one JSON line to a child."""
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(order).decode() + "\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str], log: Path) -> Any:
    """Read one JSON line from a child."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"a benchmark process ended: {process.args!r}\n{log.read_text()[-2000:]}")
    return json.loads(line)


class Target(msgspec.Struct):
    """A process under test."""

    name: str
    dialect: str
    port: int
    process: psutil.Process

    def family(self) -> list[psutil.Process]:
        """The process and those that it has started."""
        return [self.process, *self.process.children(recursive=True)]

    def cpu_each(self) -> dict[int, float]:
        """Seconds of CPU that each of them has used, by process id."""
        spent = {}
        for one in self.family():
            times = one.cpu_times()
            spent[one.pid] = float(times.user + times.system)
        return spent

    def cpu(self) -> float:
        """Seconds of CPU that they have used."""
        return sum(self.cpu_each().values())

    def memory(self) -> int:
        """Resident bytes of all of them."""
        return sum(int(one.memory_info().rss) for one in self.family())


class Bench(msgspec.Struct):
    """The processes of a run."""

    upstream: subprocess.Popen[str]
    targets: list[Target]
    log: Path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(
    port: int, process: subprocess.Popen[str], log: Path, seconds: float = _START_SECONDS
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"it did not start: {process.args!r}\n{log.read_text()[-2000:]}")


class Children:
    """The processes of a run, and the one log that they complain to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "stderr.log"
        self.log.touch()
        self._all: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """A child of this Python."""
        self._all.append(spawn(list(arguments), self.log, stdout))
        return self._all[-1]

    def run(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
        """Another program."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True, env=environment
            )
        self._all.append(process)
        return process

    def upstream(self) -> tuple[subprocess.Popen[str], int]:
        """The model's process and its port."""
        process = self.start("-m", "benchmarks.upstream")
        return process, int(answer(process, self.log)["port"])

    def forwarder(self, upstream: int) -> Target:
        """The bare forwarder."""
        process = self.start("-m", "benchmarks.forwarder", str(upstream))
        port = answer(process, self.log)["port"]
        return Target("bare forwarder", "bare", port, psutil.Process(process.pid))

    def server(self, name: str, upstream: int, *flags: str, guards: bool = False) -> Target:
        """A server with a world and a store of its own."""
        folder = self.root / name.replace(" ", "-").replace(",", "")
        write_world(folder, guards=guards)
        port = _free_port()
        process = self.start(
            *("-m", "dialogue_server", "serve", str(folder), "--port", str(port)),
            *("--backend", "openrouter", "--base-url", f"http://127.0.0.1:{upstream}/v1"),
            *("--model-key-env", "DIALOGUE_BENCH_KEY", "--log-format", "json"),
            *("--limits-turns", "0", *flags),
            stdout=subprocess.DEVNULL,
        )
        _await_port(port, process, self.log)
        return Target(name, "dialogue", port, psutil.Process(process.pid))

    def litellm(self, upstream: int) -> Target:
        """The LiteLLM proxy, with one worker."""
        port = _free_port()
        command, environment = litellm.command(self.root, port, upstream)
        process = self.run(command, environment)
        _await_port(port, process, self.log, litellm.START_SECONDS)
        return Target("LiteLLM proxy", "sse", port, psutil.Process(process.pid))

    def close(self) -> None:
        """End all of them."""
        for process in self._all:
            process.terminate()
        for process in self._all:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


@contextmanager
def children() -> Iterator[Children]:
    """Room for the processes of a run, which ends with them."""
    with tempfile.TemporaryDirectory(prefix="dialogue-bench-") as folder:
        started = Children(Path(folder))
        try:
            yield started
        finally:
            started.close()


@contextmanager
def bench(extra: list[str], *, also: list[str] | None = None) -> Iterator[Bench]:
    """Start upstream, forwarder and server, and what `also` names: "guards" (a server with guards
    and a recording as well), "litellm". `extra` are more flags for the servers."""
    with children() as started:
        upstream, port = started.upstream()
        targets = [started.forwarder(port), started.server("server", port, *extra)]
        if "guards" in (also or []):
            folder = str(started.root / "recordings")
            recorded = ("--record", folder, *extra)
            targets.append(started.server(GUARDED, port, *recorded, guards=True))
        if "litellm" in (also or []):
            targets.append(started.litellm(port))
        yield Bench(upstream=upstream, targets=targets, log=started.log)


class Run(msgspec.Struct):
    """One measured repetition."""

    target: str
    cpu_us_per_token: float
    sse_bytes_per_token: float
    memory: int
    """Resident bytes of the target afterwards."""
    shares: list[float]
    """How the CPU was spread over the target's processes."""
    outcome: Outcome


def measure(
    bench: Bench,
    target: Target,
    *,
    streams: int,
    rate: float,
    tokens: int,
    spread: float = 1.0,
) -> Run:
    """Let every stream say one line and read its answer; read the target's CPU around it. Paced
    answers begin within `spread` seconds of each other."""
    ask(bench.upstream, {"rate": rate, "tokens": tokens})
    client = spawn(["-m", "benchmarks.load"], bench.log)
    try:
        job = Job(
            dialect=target.dialect,
            port=target.port,
            streams=streams,
            tokens=tokens,
            npc=NPC,
            # Unpaced, all at once: the question is what the target can do at most.
            spread=spread if rate else 0.0,
        )
        ask(client, job)
        ready = answer(client, bench.log)
        if not ready["ready"]:
            raise SystemExit(f"{target.name}: could not connect: {ready['failures']}")
        ask(bench.upstream, {"report": True})
        answer(bench.upstream, bench.log)
        before = target.cpu_each()
        ask(client, {"go": True})
        outcome = msgspec.convert(answer(client, bench.log), Outcome)
        each = {pid: cpu - before.get(pid, 0.0) for pid, cpu in target.cpu_each().items()}
        spent = sum(each.values())
        ask(bench.upstream, {"report": True})
        sent = answer(bench.upstream, bench.log)
        client.wait(30)
    finally:
        _end(client)
    if outcome.failures:
        raise SystemExit(f"{target.name}: {outcome.failures}\n{bench.log.read_text()[-2000:]}")
    return Run(
        target=target.name,
        cpu_us_per_token=spent * 1e6 / outcome.tokens,
        sse_bytes_per_token=sent["bytes"] / sent["tokens"],
        memory=target.memory(),
        shares=[one / spent for one in each.values()] if spent else [],
        outcome=outcome,
    )


def idle_memory(bench: Bench, target: Target, connections: int) -> float:
    """Bytes that an idle connection (hello done, nothing open) adds to the target's memory."""
    before = target.memory()
    client = spawn(["-m", "benchmarks.load"], bench.log)
    try:
        ask(client, Job(dialect=target.dialect, port=target.port, streams=connections, tokens=0))
        ready = answer(client, bench.log)
        if not ready["ready"]:
            raise SystemExit(f"{target.name}: could not connect: {ready['failures']}")
        grown = target.memory() - before
        ask(client, {"go": True})
        client.wait(60)
    finally:
        _end(client)
    return grown / connections


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
