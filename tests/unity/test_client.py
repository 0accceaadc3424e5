"""Runs the NUnit tests of the Unity client: real C#, real sockets, the real server process."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from conftest import build_tests
from toolchain import Runtime, Toolchain

# What the socket has a part in; the rest is the same code as elsewhere.
IN_A_PAGE = (
    "TransportTests",
    *(f"ComponentTests.{name}" for name in ("A_line", "A_drop", "A_killed", "An_absent", "A_hung")),
    *(f"ComponentTests.{name}" for name in ("A_wrong_ticket", "Fifty", "Destroying")),
)


@pytest.mark.parametrize(("name", "platform"), [("core", "editor"), ("mono", "player")])
@pytest.mark.timeout(150)
def test_the_client_works_on(
    name: str, platform: str, tools: Toolchain, rig: dict[str, str], tmp_path: Path
) -> None:
    if name not in tools.runtimes:
        pytest.skip(f"{name} is not installed")
    runtime = tools.runtimes[name]
    program = build_tests(tools, runtime, tmp_path, platform)
    assert run_tests(tools, runtime, program, rig) > 150


@pytest.mark.timeout(150)
def test_the_client_works_in_a_page(
    tools: Toolchain, rig: dict[str, str], page_command: str, tmp_path: Path
) -> None:
    """Built for WebGL: all that a transport must do, and the components over it. The .jslib runs
    in Node, with Node's WebSocket, against the same servers."""
    runtime = tools.runtimes["core"]
    program = build_tests(tools, runtime, tmp_path, "webgl")
    equipped = {**rig, "TEST_PAGE_COMMAND": page_command}
    assert run_tests(tools, runtime, program, equipped, *IN_A_PAGE) > 20


def run_tests(
    tools: Toolchain, runtime: Runtime, program: Path, rig: dict[str, str], *names: str
) -> int:
    """How many tests passed, if none failed."""
    equipped = dataclasses.replace(runtime, environment={**runtime.environment, **rig})
    done = tools.run(equipped, program, *names, timeout=120)
    print(done.stdout)
    found = re.search(r"^(\d+) passed, (\d+) failed$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    failed = re.findall(r"^failed .*(?:\n    .*)*", done.stdout, re.MULTILINE)
    assert not failed, "\n".join(failed)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(found[1])
