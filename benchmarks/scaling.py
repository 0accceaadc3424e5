"""`python -m benchmarks.scaling`: does a token cost the same with more streams and more workers?

- **Streams**: 50 to 1,000 of the same rate. Linear means that a token costs the same however many
  streams there are. Then the same number of tokens a second spread over so many, which no server
  can do at the same cost: what belongs to a stream has left the CPU's cache when its next token
  comes. The forwarder beside it shows what of all that is the machine's.
- **Turns**: answers of 30 and of 300 tokens at 30 tokens a second, 100 streams: what a turn costs
  by itself (prompt, memory, store, request), and what each token adds; beside the forwarder.
- **Workers**: one worker over Redis, then two, as fast as they go. Load and upstream are processes
  beside them, so each worker is held to a part of a core (quota.py): then the machine has room for
  two, and twice the workers may do twice as much. Where that cannot be (no Linux, no root), what is
  left to see is what a token costs with two, and how evenly the kernel shares the connections out.

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
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .__main__ import machine, room_for
from .quota import limited
from .targets import Bench, Children, Run, Target, children, measure

_SERVICES = Path(__file__).resolve().parents[1] / ".tools" / "services" / "bin"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def streams(options: argparse.Namespace) -> list[dict[str, Any]]:
    """CPU per token at each number of streams: of the same rate each, and of the same in all."""
    rows = []
    with children() as started:
        upstream, port = started.upstream()
        targets = [
            started.forwarder(port),
            started.server("server", port, *options.server_flags.split()),
        ]
        bench = Bench(upstream=upstream, targets=targets, log=started.log)
        series = [(count, options.rate) for count in options.streams]
        series += [(count, options.tokens_per_second / count) for count in options.streams]
        for target in targets:
            measure(bench, target, streams=50, rate=20, tokens=20)
        for count, rate in series:
            row: dict[str, Any] = {"streams": count, "rate": rate, "tokens": options.tokens}
            for target in targets:
                # A hundred turns begin each second, however many there are: else beginnings would
                # be what is measured.
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
                row[target.name] = {
                    "cpu_us_per_token": statistics.median(r.cpu_us_per_token for r in runs),
                    "latency_p99_us": statistics.median(r.outcome.p99 for r in runs),
                    "memory_bytes": statistics.median(r.memory for r in runs),
                }
            rows.append(row)
            _say(f"streams: {row}")
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


def _run_in_turns(bench: Bench, runs: dict[str, list[Run]], options: argparse.Namespace) -> None:
    for number in range(options.repeat + 1):
        for target in bench.targets:
            run = measure(bench, target, streams=100, rate=0, tokens=options.unpaced)
            if number:  # the first warms
                runs[target.name].append(run)
                _say(f"{target.name}: {run.cpu_us_per_token:.1f} us/token")


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
        held = False
        with ExitStack() as quotas:
            try:
                for target in targets:
                    pids = [one.pid for one in target.family()]
                    quotas.enter_context(limited(pids, options.share))
                held = True
            except OSError as error:
                quotas.close()
                _say(f"workers: not held to a part of a core ({error})")
            _run_in_turns(bench, runs, options)
    return [
        {
            "workers": name.removeprefix("workers "),
            "cpu_us_per_token": statistics.median(r.cpu_us_per_token for r in each),
            "tokens_per_second": statistics.median(
                r.outcome.tokens / r.outcome.seconds for r in each
            ),
            "largest_share": statistics.median(max(r.shares) for r in each),
            "held_to": options.share if held else 0,
        }
        for name, each in runs.items()
    ]


def table(result: dict[str, Any]) -> str:
    """For people."""
    lines = [result["machine"]]
    if result["streams"]:
        lines += ["", "| streams | tokens/s each | µs per token | forwarder's | p99, ms | MB |",
                  "|---|---|---|---|---|---|"]  # fmt: skip
    for row in result["streams"]:
        ours, bare = row["server"], row["bare forwarder"]
        lines.append(
            f"| {row['streams']} | {row['rate']:.1f} | {ours['cpu_us_per_token']:.1f} | "
            f"{bare['cpu_us_per_token']:.1f} | {ours['latency_p99_us'] / 1000:.1f} | "
            f"{ours['memory_bytes'] / 1e6:.0f} |"
        )
    if result["turns"]:
        lines += ["", "| | CPU, ms per turn | µs per token |", "|---|---|---|"]
    lines += [
        f"| {row['name']} | {row['us_per_turn'] / 1000:.2f} | {row['us_per_token']:.1f} |"
        for row in result["turns"]
    ]
    if result["workers"]:
        lines += ["", *_workers_table(result["workers"])]
    return "\n".join(lines)


def _workers_table(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| workers | CPU, µs per token | tokens/s | largest share of the CPU |",
             "|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {row['workers']} | {row['cpu_us_per_token']:.1f} | {row['tokens_per_second']:.0f} | "
        f"{row['largest_share']:.0%} |"
        for row in rows
    ]
    one, two = rows
    if two["held_to"]:
        speed = two["tokens_per_second"] / one["tokens_per_second"]
        told = f"each held to {two['held_to']:.0%} of a core: two do {speed:.2f} x one"
    else:
        speed = one["cpu_us_per_token"] / two["cpu_us_per_token"] / two["largest_share"]
        told = f"two workers on cores of their own, reckoned: {speed:.2f} x one"
    return [*lines, "", told]


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling",
        description=(__doc__ or "").split("\n\n")[1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--streams", type=int, nargs="*", default=[50, 200, 500, 1000])
    parser.add_argument("--rate", type=float, default=4.0, help="tokens a second, each stream (4)")
    parser.add_argument("--tokens-per-second", type=float, default=4000.0, help="in all (4000)")
    parser.add_argument("--tokens", type=int, default=120, help="of each stream's answer (120)")
    parser.add_argument("--turns", type=int, default=100, help="streams for turns (100)")
    parser.add_argument("--lengths", type=int, nargs=2, default=[30, 300], help="of answers")
    parser.add_argument("--unpaced", type=int, default=1000, help="tokens a stream, workers (1000)")
    parser.add_argument("--share", type=float, default=0.25, help="of a core, workers (0.25)")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions (3)")
    parser.add_argument("--only-workers", action="store_true", help="nothing else")
    parser.add_argument("--no-workers", action="store_true", help="streams only; needs no Redis")
    parser.add_argument("--server-flags", default="", help="more flags for the servers, in quotes")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args(argv)
    room_for(4 * max([100, *options.streams]) + 256)
    result: dict[str, Any] = {
        "machine": machine(),
        "streams": [] if options.only_workers else streams(options),
        "turns": [] if options.only_workers else turns(options),
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
