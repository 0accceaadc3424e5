"""`python -m tests.fuzz`: at least a million inputs over everything that reads foreign bytes."""

from __future__ import annotations

import argparse
import os
import sys

from .runner import fuzz
from .targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_200_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(2)))
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    options = parser.parse_args()
    names = options.target or list(TARGETS)
    each = -(-options.inputs // len(names))
    total, found = 0, 0
    print(f"seed {options.seed}")
    print(f"{'target':24}{'inputs':>9}{'us each':>9}{'slowest ms':>12}{'grown KiB':>11}")
    for name in names:
        figures = fuzz(name, each, options.seed)
        for finding in figures.findings:
            print(finding)
        found += len(figures.findings)
        total += figures.inputs
        micros = 1e6 * figures.seconds / figures.inputs
        print(
            f"{name:24}{figures.inputs:9}{micros:9.0f}{1000 * figures.slowest:12.1f}"
            f"{figures.grown // 1024:11}",
            flush=True,
        )
    print(f"{total} inputs, {found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
