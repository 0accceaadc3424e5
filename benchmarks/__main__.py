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

from .targets import Bench, Run, bench, idle_memory, measure

try:  # POSIX: room for a thousand connections in each process
    import resource
except ImportError:  # pragma: no cover
    resource = None  # type: ignore[assignment]


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the server beside a bare forwarder. Takes about two minutes.",
    )
    parser.add_argument("--quick", action="store_true", help="a short look, of little precision")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--streams", type=int, default=200, help="streams at once (200)")
    parser.add_argument("--rate", type=float, default=30.0, help="tokens a second each (30)")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of a paced run (8)")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions (3)")
    parser.add_argument("--idle", type=int, default=1000, help="idle connections (1000)")
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
        "tokens": sum(r.outcome.tokens for r in runs),
    }


def _compare(
    bench: Bench, label: str, *, streams: int, rate: float, tokens: int, repeat: int
) -> dict[str, Any]:
    """Alternate the targets, so that a machine that slows down slows both."""
    runs: dict[str, list[Run]] = {target.name: [] for target in bench.targets}
    for target in bench.targets:
        _say(f"{label}: warming {target.name}")
        measure(bench, target, streams=streams, rate=rate, tokens=max(10, tokens // 8))
    for number in range(repeat):
        order = bench.targets if number % 2 == 0 else bench.targets[::-1]
        for target in order:
            run = measure(bench, target, streams=streams, rate=rate, tokens=tokens)
            runs[target.name].append(run)
            _say(
                f"{label} {number + 1}/{repeat}: {target.name}: "
                f"{run.cpu_us_per_token:.1f} us/token, p99 {run.outcome.p99 / 1000:.1f} ms"
            )
    ratios = [
        ours.cpu_us_per_token / bare.cpu_us_per_token
        for bare, ours in zip(runs["bare forwarder"], runs["server"], strict=True)
        if bare.cpu_us_per_token  # a very short run may be less than the clock's tick
    ]
    result: dict[str, Any] = {name: _figures(each) for name, each in runs.items()}
    result["ratio"] = _series(ratios or [0.0])
    result["setup"] = {"streams": streams, "rate": rate, "tokens_per_stream": tokens}
    return result


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that the options ask for."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = options.idle * 2 + options.streams * 4 + 256
        if hard == resource.RLIM_INFINITY or hard >= wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    result: dict[str, Any] = {"machine": machine()}
    with bench(options.server_flags.split()) as processes:
        # Memory first: after a load run the allocator has room that hides what a connection costs.
        memory = {}
        for target in processes.targets:
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
        )
        result["unpaced"] = _compare(
            processes,
            "unpaced",
            streams=options.streams,
            rate=0,
            tokens=paced * 3,
            repeat=options.repeat,
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
]


def table(result: dict[str, Any]) -> str:
    """The figures for people: medians, with the lowest and highest in brackets."""
    lines = [result["machine"]]
    for name in ("paced", "unpaced"):
        part = result[name]
        setup = part["setup"]
        pace = f"{setup['rate']:g} tokens/s each" if setup["rate"] else "as fast as it goes"
        lines += [
            "",
            f"{name}: {setup['streams']} streams, {pace}, {setup['tokens_per_stream']} tokens each",
            f"  {'':32}{'bare forwarder':>24}{'server':>24}",
        ]
        for label, key, scale, form in _ROWS:
            cells = []
            for target in ("bare forwarder", "server"):
                value = part[target][key]
                low, high = value["min"] * scale, value["max"] * scale
                cells.append(
                    f"{form.format(value['median'] * scale)} "
                    f"({form.format(low)}-{form.format(high)})"
                )
            lines.append(f"  {label:32}{cells[0]:>24}{cells[1]:>24}")
        ratio = part["ratio"]
        lines.append(
            f"  CPU, server / bare forwarder: {ratio['median']:.2f} "
            f"({ratio['min']:.2f}-{ratio['max']:.2f})"
        )
    idle = result["idle_bytes_per_connection"]
    cells = [f"{idle[target] / 1024:.1f} KiB" for target in ("bare forwarder", "server")]
    lines += ["", f"  {'memory per idle connection':32}{cells[0]:>24}{cells[1]:>24}"]
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
