"""A limit on the CPU that processes may use (Linux control groups, versions 1 and 2; needs root).

With it, one machine can show what several workers do on cores of their own: each gets the same
small part of a core, and load and upstream have room to spare.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_US = 10_000


@contextmanager
def limited(pids: Iterable[int], share: float) -> Iterator[None]:
    """Give each process at most `share` of one core. Raises an OSError where that cannot be."""
    made: list[Path] = []
    try:
        for pid in pids:
            made.append(_group(f"dialogue-bench-{os.getpid()}-{pid}", share))
            (made[-1] / "cgroup.procs").write_text(str(pid), encoding="ascii")
        yield
    finally:
        for group in made:
            for pid in (group / "cgroup.procs").read_text(encoding="ascii").split():
                (group.parent / "cgroup.procs").write_text(pid, encoding="ascii")
            group.rmdir()


def _group(name: str, share: float) -> Path:
    quota = round(share * _PERIOD_US)
    if (_ROOT / "cpu" / "cpu.shares").exists():
        group = _ROOT / "cpu" / name
        limits = {"cpu.cfs_period_us": f"{_PERIOD_US}", "cpu.cfs_quota_us": f"{quota}"}
    else:
        group = _ROOT / name
        limits = {"cpu.max": f"{quota} {_PERIOD_US}"}
    group.mkdir()
    try:
        for file, value in limits.items():
            (group / file).write_text(value, encoding="ascii")
    except OSError:
        group.rmdir()
        raise
    return group
