"""The addon plays its live suite again against a recording of it: no world, no model."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.godot.engine import Engine
from tests.godot.server_process import ServerProcess
from tests.godot.test_suites import add_orator


def test_the_live_suite_passes_against_its_own_recording(
    engine: Engine, world: Path, tmp_path: Path
) -> None:
    recordings = tmp_path / "recordings"
    add_orator(world)
    server = ServerProcess(
        world, DIALOGUE_LIMITS_CONVERSATIONS="64", DIALOGUE_RECORD_FOLDER=str(recordings)
    )
    server.start()
    try:
        live = engine.suites("live", url=server.url)
    finally:
        server.stop()
    live.assert_passed(at_least=14)
    with replaying(recordings, tmp_path / "replay.log") as url:
        again = engine.suites("live", url=url)
    again.assert_passed(at_least=14)
    assert again.beginning("PASS") == live.beginning("PASS")


@contextmanager
def replaying(recordings: Path, log: Path) -> Iterator[str]:
    """The address of a process that answers each game with the next recording."""
    command = [sys.executable, "-m", "dialogue_server", "replay", str(recordings), "--serve"]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, "--port", "0"],  # as fast as it was: the suite times what comes at once
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            text=True,
        )
    try:
        assert process.stdout is not None
        found = re.search(r"ws://\S+:\d+", process.stdout.readline())
        assert found is not None, log.read_text(encoding="utf-8")
        yield found[0]
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()  # type: ignore[union-attr]
