"""Builds the package and its tests once, and gives each runtime's results."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engines"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import install_node
import manuals
import package
import rigs
import toolchain
from toolchain import ROOT, Assembly, Runtime, Toolchain


@pytest.fixture(scope="session")
def tools() -> Toolchain:
    found = toolchain.find()
    if isinstance(found, str):
        missing(found)
    return found


def missing(what: str) -> NoReturn:
    """Skips a test that cannot run on this machine, but lets it fail where all have to run."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def page_command(browser: str) -> str:
    """How to start a page with DialogueSocket.jslib in it, a word on each line: in "node" or in
    "chromium"; "" if this machine has none."""
    (library,) = package.PACKAGE.rglob("*.jslib")
    folder = package.HERE / "browser"
    if browser == "node":
        node = install_node.command()
        return "\n".join([*node, str(folder / "page.js"), str(library)]) if node else ""
    command = [sys.executable, str(folder / "chromium.py")]
    tried = subprocess.run(command, capture_output=True, check=False)
    return "\n".join([*command, str(library)]) if not tried.returncode else ""


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the C# tests find in their environment."""
    home = tmp_path_factory.mktemp("unity_rig")
    rigs.write_world(home / "world")
    with (
        rigs.model() as model_url,
        rigs.server(rigs.serve_command(home / "world", model_url), home / "server.log") as url,
        rigs.server(rigs.village(home / "village"), home / "village.log") as village,
        tickets(home, model_url) as (guarded, ticket),
    ):
        yield {
            "TEST_VECTORS": str(ROOT / "protocol" / "vectors"),
            "TEST_SERVER_URL": url,
            "TEST_VILLAGE_URL": village,
            "TEST_GUARDED_URL": guarded,
            "TEST_TICKET": ticket,
            "TEST_MODEL_URL": model_url,
            "PYTHONPATH": rigs.environment()["PYTHONPATH"],
        }


@contextmanager
def tickets(home: Path, model_url: str) -> Iterator[tuple[str, str]]:
    """The URL of a server that demands a ticket, and a ticket of the player "ann" for it."""
    shutil.copytree(home / "world", home / "guarded_world")
    command, issue = rigs.with_tickets(home, rigs.serve_command(home / "guarded_world", model_url))
    with rigs.server(command, home / "guarded.log") as url:
        done = subprocess.run(issue, env=rigs.environment(), capture_output=True, text=True)
        assert not done.returncode, done.stderr
        yield url, done.stdout.strip()


def build_tests(tools: Toolchain, runtime: Runtime, folder: Path, platform: str = "player") -> Path:
    """The package, its own tests and ours as one program. For "webgl" the functions of the .jslib
    are called in a Node process."""
    variant = package.variant(platform)
    built = package.assemblies(variant)
    assert variant.editor == any(assembly.name.endswith("Editor") for assembly in built)
    if platform == "webgl":
        built = package.replaced(built, package.HERE / "browser" / "WebGLSocket.cs")
    sources = sorted((package.HERE / "nunit").glob("*.cs"))
    sources += package.sources(package.PACKAGE / "Tests")
    sources += manuals.write(folder / "manuals")
    program = Assembly(
        "DialogueServer.Tests",
        tuple(sources),
        (*built, tools.nunit),
        variant.defines,
        executable=True,
        options=package.INSPECTOR,
    )
    said = tools.compile(runtime, [*built, program], folder)
    assert not said, said
    shutil.copy(tools.nunit, folder)
    return folder / program.file_name
