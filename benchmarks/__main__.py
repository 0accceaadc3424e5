"""`python -m benchmarks`: measure, and print the table."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import statistics
import sys
from pathlib import Path
from typing import Any

import msgspec

from . import litellm
from .targets import GUARDED, Bench, Run, Target, bench, idle_memory, measure
from .upstream import SENTENCE

try:  # POSIX: room for a thousand connections in each process
    import resource
except ImportError:  # pragma: no cover
    resource = None  # type: ignore[assignment]


LITELLM_TOKENS = 600.0
"""Tokens a second that the LiteLLM proxy is given, for about half of one core."""


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the server beside a bare forwarder. Takes about four minutes.",
    )
    parser.add_argument("--quick", action="store_true", help="a short look, of little precision")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--streams", type=int, default=200, help="streams at once (200)")
    parser.add_argument("--rate", type=float, default=30.0, help="tokens a second each (30)")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of a paced run (8)")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions (3)")
    parser.add_argument("--idle", type=int, default=1000, help="idle connections (1000)")
    parser.add_argument(
        "--litellm",
        action="store_true",
        help="the LiteLLM proxy too (python -m benchmarks.litellm)",
    )
    parser.add_argument(
        "--no-guards", action="store_true", help="without the server with guards and a recording"
    )
    parser.add_argument("--server-flags", default="", help="more flags for the server, in quotes")
    options = parser.parse_args(argv)
    if options.quick:
        options.seconds, options.repeat = min(options.seconds, 2.0), 1
        options.idle = min(options.idle, 200)
    return options


def machine() -> str:
    """What the figures were measured on."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("websockets", "httpx", "httpx-aiohttp", "aiohttp", "msgspec")
    )
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}"
    )


def room_for(connections: int) -> None:
    """Let this process, and those it starts, have so many files."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard == resource.RLIM_INFINITY or hard >= connections:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, connections), hard))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _series(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _figures(runs: list[Run]) -> dict[str, Any]:
    def each(read: Any) -> dict[str, float]:
        return _series([float(read(run)) for run in runs])

    return {
        "cpu_us_per_token": each(lambda r: r.cpu_us_per_token),
        "latency_p50_us": each(lambda r: r.outcome.p50),
        "latency_p99_us": each(lambda r: r.outcome.p99),
        "whole_latency_p50_us": each(lambda r: r.outcome.whole_p50),
        "wire_bytes_per_token": each(lambda r: r.outcome.wire_bytes / r.outcome.tokens),
        "text_bytes_per_token": each(lambda r: r.outcome.text_bytes / r.outcome.tokens),
        "sse_bytes_per_token": each(lambda r: r.sse_bytes_per_token),
        "tokens_per_frame": each(lambda r: r.outcome.tokens / r.outcome.frames),
        "tokens_per_second": each(lambda r: r.outcome.tokens / r.outcome.seconds),
        "memory_bytes": each(lambda r: r.memory),
        "tokens": sum(r.outcome.tokens for r in runs),
    }


def _compare(
    bench: Bench, label: str, *, streams: int, rate: float, tokens: int, repeat: int, most: float
) -> dict[str, Any]:
    """Alternate the targets, so that a machine that slows down slows all. `most` is what LiteLLM
    can pass on a second, about: it gets streams in proportion, or it would be measured in a jam
    that lasts for minutes. The cost of a token is compared, and does not depend on it."""
    runs: dict[str, list[Run]] = {target.name: [] for target in bench.targets}

    def load(target: Target, share: int = 1) -> Run:
        few = target.dialect == "sse"
        return measure(
            bench,
            target,
            streams=max(1, min(streams, round(most / rate) if rate else 20)) if few else streams,
            rate=rate,
            tokens=max(10, (tokens if rate or not few else tokens // 3) // share),
        )

    for target in bench.targets:
        _say(f"{label}: warming {target.name}")
        load(target, 8)
    for number in range(repeat):
        order = bench.targets if number % 2 == 0 else bench.targets[::-1]
        for target in order:
            run = load(target)
            runs[target.name].append(run)
            _say(
                f"{label} {number + 1}/{repeat}: {target.name}: "
                f"{run.cpu_us_per_token:.1f} us/token, p99 {run.outcome.p99 / 1000:.1f} ms"
            )
    result: dict[str, Any] = {
        name: _figures(each) | {"ratio": _series(_ratios(runs["bare forwarder"], each))}
        for name, each in runs.items()
    }
    result["ratio"] = result["server"]["ratio"]
    result["setup"] = {"streams": streams, "rate": rate, "tokens_per_stream": tokens}
    return result


def _ratios(bare: list[Run], ours: list[Run]) -> list[float]:
    return [
        one.cpu_us_per_token / yardstick.cpu_us_per_token
        for yardstick, one in zip(bare, ours, strict=True)
        if yardstick.cpu_us_per_token  # a very short run may be less than the clock's tick
    ] or [0.0]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that the options ask for."""
    room_for(options.idle * 2 + options.streams * 4 + 256)
    result: dict[str, Any] = {"machine": machine()}
    also = ["guards"] * (not options.no_guards) + ["litellm"] * options.litellm
    if options.litellm:
        result["machine"] += f", LiteLLM {litellm.version()}"
    with bench(options.server_flags.split(), also=also) as processes:
        # Memory first: after a load run the allocator has room that hides what a connection costs.
        memory = {}
        for target in processes.targets[:2]:
            _say(f"memory: {options.idle} idle connections to {target.name}")
            memory[target.name] = idle_memory(processes, target, options.idle)
        result["idle_bytes_per_connection"] = memory
        paced = max(1, round(options.seconds * options.rate))
        result["paced"] = _compare(
            processes,
            "paced",
            streams=options.streams,
            rate=options.rate,
            tokens=paced,
            repeat=options.repeat,
            most=LITELLM_TOKENS,
        )
        result["unpaced"] = _compare(
            processes,
            "unpaced",
            streams=options.streams,
            rate=0,
            tokens=paced * 3,
            repeat=options.repeat,
            most=LITELLM_TOKENS,
        )
    return result


_ROWS = [
    ("CPU, us per token", "cpu_us_per_token", 1.0, "{:.1f}"),
    ("added latency p50, ms", "latency_p50_us", 1e-3, "{:.2f}"),
    ("added latency p99, ms", "latency_p99_us", 1e-3, "{:.2f}"),
    ("  p50 with the last character", "whole_latency_p50_us", 1e-3, "{:.2f}"),
    ("bytes on the wire per token", "wire_bytes_per_token", 1.0, "{:.1f}"),
    ("  of which text", "text_bytes_per_token", 1.0, "{:.1f}"),
    ("  the same token as SSE", "sse_bytes_per_token", 1.0, "{:.1f}"),
    ("tokens per frame", "tokens_per_frame", 1.0, "{:.2f}"),
    ("tokens per second, all streams", "tokens_per_second", 1.0, "{:.0f}"),
    ("resident memory, MB", "memory_bytes", 1e-6, "{:.0f}"),
    ("CPU / bare forwarder's", "ratio", 1.0, "{:.2f}"),
]


def table(result: dict[str, Any]) -> str:
    """The figures for people: medians, with the lowest and highest in brackets."""
    lines = [result["machine"]]
    for name in ("paced", "unpaced"):
        part = result[name]
        setup = part["setup"]
        pace = f"{setup['rate']:g} tokens/s each" if setup["rate"] else "as fast as it goes"
        targets = [key for key, value in part.items() if "cpu_us_per_token" in value]
        lines += [
            "",
            f"{name}: {setup['streams']} streams, {pace}, {setup['tokens_per_stream']} tokens each",
            f"  {'':32}" + "".join(f"{target:>28}" for target in targets),
        ]
        for label, key, scale, form in _ROWS:
            cells = ""
            for target in targets:
                value = part[target][key]
                low, high = value["min"] * scale, value["max"] * scale
                middle = form.format(value["median"] * scale)
                cells += f"{f'{middle} ({form.format(low)}-{form.format(high)})':>28}"
            lines.append(f"  {label:32}{cells}")
        if GUARDED in targets:
            lines.append(f"  {GUARDED}: a sentence is shown when it is whole, {SENTENCE} tokens")
    idle = result["idle_bytes_per_connection"]
    cells = "".join(
        f"{f'{idle[each] / 1024:.1f} KiB':>28}" for each in ("bare forwarder", "server")
    )
    lines += ["", f"  {'memory per idle connection':32}{cells}"]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and write the JSON where asked."""
    options = _arguments(argv)
    result = run(options)
    print(table(result))
    if options.json:
        Path(options.json).write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
