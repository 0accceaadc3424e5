"""A short, seeded soak; `make soak` is the hour. And that the soak would see a leak."""

from __future__ import annotations

import sys

import pytest

from .soak import SETTLING, Soak, leaks, report, run
from .soak_server import Census


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="counts files as POSIX does")
async def test_mixed_load_leaves_nothing_behind() -> None:
    soak = await run(6, rounds=SETTLING + 1, seed=1, players=6)
    assert not leaks(soak), report(soak)
    for what in ("talks", "resumes", "floods", "slow readers", "storms", "reloads", "scrapes"):
        assert soak.done[what], what


def counted(turns: int, **changes: object) -> Census:
    plain = Census(
        rss=100_000_000,
        files=20,
        sockets=5,
        threads=4,
        sessions=0,
        conversations=0,
        watchers=0,
        replay_bytes=0,
        tasks={"App.watch": 1},
        objects={"builtins.dict": 10_000, "dialogue_server.engine.session.Session": 0},
        turns=turns,
    )
    for name, value in changes.items():
        setattr(plain, name, value)
    return plain


def test_a_server_that_holds_what_it_held_has_no_leak() -> None:
    assert leaks(Soak([counted(turns) for turns in (500, 1000, 5000, 9000)])) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"objects": {"x.Session": 2000}}, "x.Session: 0 -> 2000 in 8000 turns"),
        ({"files": 60}, "files: 20 -> 60"),
        ({"sockets": 60}, "sockets: 5 -> 60"),
        ({"threads": 60}, "threads: 4 -> 60"),
        ({"tasks": {"App.watch": 1, "Session.answer": 3}}, "tasks: "),
        ({"rss": 130_000_000}, "resident memory: 100.0 MB -> "),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_grows_is_told(changes: dict[str, object], told: str) -> None:
    soak = Soak([counted(500), counted(1000), counted(5000), counted(9000, **changes)])
    (found,) = leaks(soak)
    assert found.startswith(told)
    assert f"LEAK: {found}" in report(soak)
