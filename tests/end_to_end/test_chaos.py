"""Short, seeded runs of the chaos; `python -m tests.end_to_end.chaos` makes long ones."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

from tests.services.redis_server import new_redis

from .chaos import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills and stops by POSIX signals")


async def test_every_promise_holds_while_sockets_are_cut_and_the_server_is_killed() -> None:
    report = await run(20, seed=1, turns=3, disasters=2, at_once=20)
    assert "disasters: 2 killed" in report


async def test_every_promise_holds_while_servers_of_one_redis_die_and_stand_still(
    tmp_path: Path,
) -> None:
    with contextlib.closing(new_redis(tmp_path)) as redis:
        report = await run(20, seed=1, turns=3, disasters=4, at_once=20, servers=2, redis=redis)
    assert "2 server(s)" in report
