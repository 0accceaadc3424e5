"""A short, seeded run of the chaos; `python -m tests.end_to_end.chaos` is the long one."""

from __future__ import annotations

import sys

import pytest

from .chaos import run


@pytest.mark.skipif(sys.platform == "win32", reason="kills and stops by POSIX signals")
async def test_every_promise_holds_while_sockets_are_cut_and_the_server_is_killed() -> None:
    report = await run(20, seed=1, turns=3, kills=2, at_once=20)
    assert "2 kills" in report
