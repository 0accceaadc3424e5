"""The Unity client plays tests of its components again, against a recording of them: no world, no
model."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import rigs
from conftest import build_tests
from toolchain import Toolchain

# Not An_interrupt: its transcript is the recorded one, with what was seen then.
NAMES = tuple(
    f"ComponentTests.{name}"
    for name in (
        "A_line",
        "Cues_happen",
        "The_reveal",
        "A_new_line",
        "The_state",
        "Save_load",
        "A_refused",
        "Fifty",
        "Destroying",
        "A_scene_change",
        "An_exception",
        "A_drop",
    )
)


@pytest.mark.timeout(240)
def test_components_play_against_their_own_recording(
    tools: Toolchain, rig: dict[str, str], tmp_path: Path
) -> None:
    runtime = next(iter(tools.runtimes.values()))
    program = build_tests(tools, runtime, tmp_path / "program", "editor")

    def play(url: str) -> list[str]:
        environment = {**runtime.environment, **rig, "TEST_SERVER_URL": url}
        equipped = dataclasses.replace(runtime, environment=environment)
        done = tools.run(equipped, program, *NAMES, timeout=120)
        failed = re.findall(r"^failed .*(?:\n    .*)*", done.stdout, re.MULTILINE)
        assert not failed, "\n".join(failed)
        assert done.returncode == 0, done.stdout + done.stderr
        return re.findall(r"^passed (\S+)", done.stdout, re.MULTILINE)

    recordings = tmp_path / "recordings"
    rigs.write_world(tmp_path / "world")
    command = rigs.serve_command(tmp_path / "world", rig["TEST_MODEL_URL"])
    with rigs.server([*command, "--record", str(recordings)], tmp_path / "server.log") as url:
        live = play(url)
    assert len(live) >= len(NAMES)
    with replaying(recordings, tmp_path / "replay.log") as url:
        assert play(url) == live


@contextmanager
def replaying(recordings: Path, log: Path) -> Iterator[str]:
    """The address of a process that answers each game with the next recording."""
    command = [sys.executable, "-m", "dialogue_server", "replay", str(recordings), "--serve"]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**rigs.environment(), "PYTHONUNBUFFERED": "1"},
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
