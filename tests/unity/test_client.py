"""Runs the NUnit tests of the Unity client: real C#, real sockets, the real server process."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from conftest import build_tests
from toolchain import Toolchain


@pytest.mark.parametrize("name", ["core", "mono"])
@pytest.mark.timeout(150)
def test_the_client_works_on(
    name: str, tools: Toolchain, rig: dict[str, str], tmp_path: Path
) -> None:
    runtime = tools.runtimes[name]
    program = build_tests(tools, runtime, tmp_path)
    equipped = dataclasses.replace(runtime, environment={**runtime.environment, **rig})
    done = tools.run(equipped, program, timeout=120)
    print(done.stdout)
    found = re.search(r"^(\d+) passed, (\d+) failed$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    failed = re.findall(r"^failed .*(?:\n    .*)*", done.stdout, re.MULTILINE)
    assert not failed, "\n".join(failed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(found[1]) > 150
