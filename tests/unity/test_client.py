"""Runs the NUnit tests of the Unity client: real C#, real sockets, the real server process.

They wait most of the time, for sockets and for text to be revealed, so the programs for every
runtime run at once.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import rigs
import toolchain
from conftest import build_tests, missing, page_command
from toolchain import Toolchain

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Program:
    """Which runtime runs the tests, built as for which of Unity's platforms; which of them, ()
    for all, and how many there must be at least; what runs the .jslib."""

    runtime: str
    platform: str
    names: tuple[str, ...] = ()
    least: int = 150
    browser: str = ""


IN_A_PAGE = (
    # What the socket has a part in; the rest is the same code as elsewhere.
    "TransportTests",
    *(f"ComponentTests.{name}" for name in ("A_line", "A_drop", "A_killed", "An_absent")),
    *(f"ComponentTests.{name}" for name in ("A_hung", "A_wrong_ticket", "Fifty")),
    "ComponentTests.Destroying",
)
PROGRAMS = {
    "core": Program("core", "editor"),
    "mono": Program("mono", "player"),
    "a page in Node": Program("core", "webgl", IN_A_PAGE, least=20, browser="node"),
    "a page in Chromium": Program("core", "webgl", IN_A_PAGE, least=20, browser="chromium"),
}


@pytest.fixture(scope="module")
def runs(
    tools: Toolchain, rig: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Done]]]:
    home = tmp_path_factory.mktemp("unity_programs")
    browsers = {program.browser for program in PROGRAMS.values() if program.browser}
    pages = {browser: page_command(browser) for browser in browsers}

    def run(name: str, program: Program) -> Done:
        runtime = tools.runtimes[program.runtime]
        folder = home / name
        built = build_tests(tools, runtime, folder, program.platform)
        world = folder / "killed_world"
        rigs.write_world(world)
        environment = {
            **rig,
            "TEST_SERVE_COMMAND": "\n".join(rigs.serve_command(world, rig["TEST_MODEL_URL"])),
            "TEST_PAGE_COMMAND": pages.get(program.browser, ""),
        }
        environment = {**runtime.environment, **environment}
        equipped = dataclasses.replace(runtime, environment=environment)
        return tools.run(equipped, built, *program.names, timeout=180)

    with ThreadPoolExecutor(len(PROGRAMS)) as threads:
        yield {
            name: threads.submit(run, name, program)
            for name, program in PROGRAMS.items()
            if program.runtime in tools.runtimes and (not program.browser or pages[program.browser])
        }


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.timeout(240)
def test_the_client_works_on(name: str, runs: dict[str, Future[Done]]) -> None:
    """In a page it is built for WebGL: all that a transport must do, and the components over it.
    The real .jslib runs there, against the same servers, with a heap that moves."""
    if name not in runs:
        install = {
            "": toolchain.INSTALL,
            "node": "python tests/engines/install_node.py",
            "chromium": "python tests/page/install_chromium.py",
        }[PROGRAMS[name].browser]
        missing(f"{name}: it is not installed; run `{install}`")
    done = runs[name].result()
    print(done.stdout)
    found = re.search(r"^(\d+) passed, (\d+) failed$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    failed = re.findall(r"^failed .*(?:\n    .*)*", done.stdout, re.MULTILINE)
    assert not failed, "\n".join(failed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(found[1]) >= PROGRAMS[name].least
