"""Workers that tell each other their metrics, over real sockets."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from dialogue_server.server import siblings
from dialogue_server.server.siblings import Siblings

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a port cannot be shared there")


def text(value: int) -> bytes:
    return f"# HELP a About.\n# TYPE a gauge\na {value}\n".encode()


async def test_whoever_is_asked_tells_of_all(tmp_path: Path) -> None:
    workers = [Siblings(tmp_path / str(number), lambda n=number: text(n)) for number in range(3)]
    for worker in workers:
        await worker.start()
    told = [(await worker.metrics()).decode().splitlines() for worker in workers]
    for lines in told:
        assert lines[:2] == ["# HELP a About.", "# TYPE a gauge"]
        assert sorted(lines[2:]) == ['a{worker="0"} 0', 'a{worker="1"} 1', 'a{worker="2"} 2']
    for worker in workers:
        await worker.aclose()
    assert list(tmp_path.iterdir()) == []


async def test_one_that_died_or_hangs_is_left_out_and_its_follower_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siblings, "PATIENCE", 0.05)
    worker = Siblings(tmp_path / "0", lambda: text(0))
    await worker.start()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "1"))
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(tmp_path / "2"))
        hanging.listen()
        assert b"worker" in (alone := await worker.metrics())
        assert b'"1"' not in alone
        assert b'"2"' not in alone
    follower = Siblings(tmp_path / "1", lambda: text(1))
    await follower.start()
    assert b'a{worker="1"} 1' in await worker.metrics()
    await follower.aclose()
    await worker.aclose()
