"""`python -m benchmarks.scaling`: does a token cost the same with more streams and more workers?

- **Streams**: the same number of tokens a second, spread over 50 to 1,000 streams. Linear means
  that a token costs the same however many streams there are.
- **Turns**: answers of 30 and of 300 tokens at 30 tokens a second, 100 streams: what a turn costs
  by itself (prompt, memory, store, request), and what each token adds; beside the forwarder.
- **Workers**: one worker over Redis, then two, as fast as they go. Load and upstream are processes
  beside them: with fewer than four cores two workers cannot show twice the speed. What any machine
  can show is what a token costs with two workers, and how evenly the kernel shares the connections
  out: if a token costs the same, and each has half, two cores do twice as much.

Needs Redis for the last part (`python tests/services/install_services.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from .__main__ import machine, room_for
from .targets import Bench, Children, Run, Target, children, measure

_SERVICES = Path(__file__).resolve().parents[1] / ".tools" / "services" / "bin"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def streams(options: argparse.Namespace) -> list[dict[str, float]]:
    """CPU per token at each number of streams."""
    rows = []
    with children() as started:
        upstream, port = started.upstream()
        target = started.server("server", port, *options.server_flags.split())
        bench = Bench(upstream=upstream, targets=[target], log=started.log)
        measure(bench, target, streams=50, rate=20, tokens=20)
        for count in options.streams:
            rate = options.tokens_per_second / count
            # A hundred turns begin each second, however many there are: else beginnings would be
            # what is measured.
            runs = [
                measure(
                    bench,
                    target,
                    streams=count,
                    rate=rate,
                    tokens=options.tokens,
                    spread=max(1.0, count / 100),
                )
                for _ in range(options.repeat)
            ]
            rows.append(
                {
                    "streams": count,
                    "rate": rate,
                    "tokens": options.tokens,
                    "cpu_us_per_token": statistics.median(r.cpu_us_per_token for r in runs),
                    "latency_p99_us": statistics.median(r.outcome.p99 for r in runs),
                    "memory_bytes": statistics.median(r.memory for r in runs),
                }
            )
            _say(f"streams: {rows[-1]}")
    return rows


def turns(options: argparse.Namespace) -> list[dict[str, float | str]]:
    """Fixed and running costs, of forwarder and server."""
    short, long = options.lengths
    costs: dict[str, dict[int, list[float]]] = {}
    with children() as started:
        upstream, port = started.upstream()
        targets = [
            started.forwarder(port),
            started.server("server", port, *options.server_flags.split()),
        ]
        bench = Bench(upstream=upstream, targets=targets, log=started.log)
        for number in range(options.repeat + 1):
            for target in targets:
                for tokens in (short, long):
                    run = measure(bench, target, streams=options.turns, rate=30, tokens=tokens)
                    if number:  # the first warms
                        spent = run.cpu_us_per_token * tokens
                        costs.setdefault(target.name, {}).setdefault(tokens, []).append(spent)
                        _say(f"turns: {target.name}, {tokens} tokens: {spent / 1000:.2f} ms a turn")
    rows: list[dict[str, float | str]] = []
    for name, by_length in costs.items():
        low, high = (statistics.median(by_length[tokens]) for tokens in (short, long))
        token = (high - low) / (long - short)
        rows.append({"name": name, "us_per_turn": low - token * short, "us_per_token": token})
    return rows


def _redis(started: Children) -> str:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None and (_SERVICES / "redis-server").exists():
        program = str(_SERVICES / "redis-server")
    if program is None:
        raise SystemExit("no redis-server: `python tests/services/install_services.py` fetches one")
    socket = started.root / "r.sock"
    started.run(
        [program, "--port", "0", "--unixsocket", str(socket), "--dir", str(started.root)],
        dict(os.environ),
    )
    deadline = time.monotonic() + 10
    while not socket.exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"Redis does not start:\n{started.log.read_text()[-2000:]}")
        time.sleep(0.05)
    return f"unix://{socket}"


def workers(options: argparse.Namespace) -> list[dict[str, Any]]:
    """One worker and two, in turns."""
    with children() as started:
        upstream, port = started.upstream()
        store = _redis(started)
        targets: list[Target] = []
        for count in (1, 2):
            flags = ("--store", store, "--workers", str(count), *options.server_flags.split())
            targets.append(started.server(f"workers {count}", port, *flags))
        time.sleep(2)  # the port is there with the first worker
        bench = Bench(upstream=upstream, targets=targets, log=started.log)
        runs: dict[str, list[Run]] = {target.name: [] for target in targets}
        for number in range(options.repeat + 1):
            for target in targets:
                run = measure(bench, target, streams=100, rate=0, tokens=options.unpaced)
                if number:  # the first warms
                    runs[target.name].append(run)
                    _say(f"{target.name}: {run.cpu_us_per_token:.1f} us/token")
    return [
        {
            "workers": name.removeprefix("workers "),
            "cpu_us_per_token": statistics.median(r.cpu_us_per_token for r in each),
            "tokens_per_second": statistics.median(
                r.outcome.tokens / r.outcome.seconds for r in each
            ),
            "largest_share": statistics.median(max(r.shares) for r in each),
        }
        for name, each in runs.items()
    ]


def table(result: dict[str, Any]) -> str:
    """For people."""
    lines = [
        result["machine"],
        "",
        "| streams | tokens/s each | CPU, µs per token | p99, ms | MB |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['streams']} | {row['rate']:.1f} | {row['cpu_us_per_token']:.1f} | "
        f"{row['latency_p99_us'] / 1000:.1f} | {row['memory_bytes'] / 1e6:.0f} |"
        for row in result["streams"]
    ]
    lines += ["", "| | CPU, ms per turn | µs per token |", "|---|---|---|"]
    lines += [
        f"| {row['name']} | {row['us_per_turn'] / 1000:.2f} | {row['us_per_token']:.1f} |"
        for row in result["turns"]
    ]
    rows = result["workers"]
    if rows:
        lines += ["", "| workers | CPU, µs per token | tokens/s | largest share of the CPU |",
                  "|---|---|---|---|"]  # fmt: skip
        lines += [
            f"| {row['workers']} | {row['cpu_us_per_token']:.1f} | "
            f"{row['tokens_per_second']:.0f} | {row['largest_share']:.0%} |"
            for row in rows
        ]
        one, two = rows
        cost = one["cpu_us_per_token"] / two["cpu_us_per_token"]
        lines += ["", f"two workers on cores of their own: {cost / two['largest_share']:.2f} x one"]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling",
        description=(__doc__ or "").split("\n\n")[1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--streams", type=int, nargs="*", default=[50, 200, 500, 1000])
    parser.add_argument("--tokens-per-second", type=float, default=4000.0, help="in all (4000)")
    parser.add_argument("--tokens", type=int, default=120, help="of each stream's answer (120)")
    parser.add_argument("--turns", type=int, default=100, help="streams for turns (100)")
    parser.add_argument("--lengths", type=int, nargs=2, default=[30, 300], help="of answers")
    parser.add_argument("--unpaced", type=int, default=1000, help="tokens a stream, workers (1000)")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions (3)")
    parser.add_argument("--no-workers", action="store_true", help="streams only; needs no Redis")
    parser.add_argument("--server-flags", default="", help="more flags for the servers, in quotes")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args(argv)
    room_for(4 * max([100, *options.streams]) + 256)
    result: dict[str, Any] = {
        "machine": machine(),
        "streams": streams(options),
        "turns": turns(options),
        "workers": [],
    }
    if not options.no_workers:
        result["workers"] = workers(options)
    print(table(result))
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
