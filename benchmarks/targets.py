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

from .load import Job, Outcome

_ROOT = Path(__file__).resolve().parents[1]
NPC = "bench"
_START_SECONDS = 30

_WORLD = """
name = "Benchmark"
description = "A village on a river, with a mine that has been flooded since spring."
"""
# Every feature of the stream is on: declared moods and actions make the tag parser work, and the
# store writes each line.
_PERSONA = f"""
id = "{NPC}"
name = "Bench"
description = "A blacksmith who answers whatever is asked."
moods = ["calm", "angry"]
mood = "calm"
greeting = "Well?"
fallback = ["Not now."]

[[knowledge]]
text = "The mine is flooded."

[[actions]]
name = "wave"
description = "Wave a hand."
"""


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

    def cpu(self) -> float:
        """Seconds of CPU that the process itself has used, its children excluded."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Resident bytes."""
        return int(self.process.memory_info().rss)


class Bench(msgspec.Struct):
    """The processes of a run."""

    upstream: subprocess.Popen[str]
    targets: list[Target]
    log: Path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int, process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"the server did not start:\n{log.read_text()[-2000:]}")


@contextmanager
def bench(extra: list[str]) -> Iterator[Bench]:
    """Start upstream, forwarder and server. `extra` are more flags for the server."""
    with tempfile.TemporaryDirectory(prefix="dialogue-bench-") as folder:
        root = Path(folder)
        log = root / "stderr.log"
        log.touch()
        (root / "world.toml").write_text(_WORLD, encoding="utf-8")
        (root / "personas").mkdir()
        (root / "personas" / f"{NPC}.toml").write_text(_PERSONA, encoding="utf-8")
        children: list[subprocess.Popen[str]] = []

        def child(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
            children.append(spawn(list(arguments), log, stdout))
            return children[-1]

        try:
            upstream = child("-m", "benchmarks.upstream")
            upstream_port = answer(upstream, log)["port"]
            bare = child("-m", "benchmarks.forwarder", str(upstream_port))
            bare_port = answer(bare, log)["port"]
            port = _free_port()
            server = child(
                *("-m", "dialogue_server", "serve", str(root), "--port", str(port)),
                *("--backend", "openrouter"),
                *("--base-url", f"http://127.0.0.1:{upstream_port}/v1"),
                *("--model-key-env", "DIALOGUE_BENCH_KEY", "--log-format", "json"),
                *extra,
                stdout=subprocess.DEVNULL,
            )
            _await_port(port, server, log)
            yield Bench(
                upstream=upstream,
                targets=[
                    Target("bare forwarder", "bare", bare_port, psutil.Process(bare.pid)),
                    Target("server", "dialogue", port, psutil.Process(server.pid)),
                ],
                log=log,
            )
        finally:
            for process in children:
                process.terminate()
            for process in children:
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        pipe.close()


class Run(msgspec.Struct):
    """One measured repetition."""

    target: str
    cpu_us_per_token: float
    sse_bytes_per_token: float
    outcome: Outcome


def measure(bench: Bench, target: Target, *, streams: int, rate: float, tokens: int) -> Run:
    """Let every stream say one line and read its answer; read the target's CPU around it."""
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
            spread=1.0 if rate else 0.0,
        )
        ask(client, job)
        ready = answer(client, bench.log)
        if not ready["ready"]:
            raise SystemExit(f"{target.name}: could not connect: {ready['failures']}")
        ask(bench.upstream, {"report": True})
        answer(bench.upstream, bench.log)
        before = target.cpu()
        ask(client, {"go": True})
        outcome = msgspec.convert(answer(client, bench.log), Outcome)
        spent = target.cpu() - before
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
