from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.godot.engine import INSTALL, Engine, find_godot
from tests.godot.server_process import ServerProcess


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The real engine, with the project imported. Without one: skipped here, failed in CI."""
    program = find_godot()
    if program is None:
        reason = f"there is no Godot engine; `{INSTALL}` installs one for the tests"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    found = Engine(program, tmp_path_factory.mktemp("godot_home"))
    run = found.import_project()
    assert run.code == 0, run.text
    assert "ERROR" not in run.text, run.text
    return found


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """The starter world, in a folder of its own."""
    folder = tmp_path / "world"
    command = [sys.executable, "-m", "dialogue_server", "init", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def server(world: Path) -> Iterator[ServerProcess]:
    """The real server with the authored voice, at full speed."""
    process = ServerProcess(world, DIALOGUE_LIMITS_CONVERSATIONS="64")
    process.start()
    yield process
    process.kill()


@pytest.fixture
def slow_server(world: Path) -> Iterator[ServerProcess]:
    """The same, but it speaks 8 words a second."""
    process = ServerProcess(world, delay=0.12)
    process.start()
    yield process
    process.kill()
