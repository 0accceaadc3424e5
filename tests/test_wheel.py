"""The wheel, in an environment of its own: it carries the starter world and runs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [
            *(sys.executable, "-m", "build", "--wheel", "--no-isolation"),
            *("--outdir", str(folder), str(ROOT)),
        ],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_carries_both_packages_and_the_starter_world(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "dialogue_server/starter/world.toml",
        "dialogue_server/starter/scenarios/lamp.toml",
        "dialogue_server/py.typed",
        "dialogue_server/server/page/index.html",
        "dialogue_server/server/page/main.js",
        "dialogue_protocol/messages.py",
        "dialogue_protocol/py.typed",
    } <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


@pytest.mark.slow
def test_a_clean_environment_can_install_and_use_it(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    installed = subprocess.run(
        [
            *(
                str(scripts / "python"),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ),
            *("-c", str(ROOT / "constraints.txt"), str(wheel)),
        ],
        capture_output=True,
        text=True,
    )
    if installed.returncode and not os.environ.get("CI"):
        pytest.skip(f"needs a package index: {installed.stderr[-200:]}")
    assert installed.returncode == 0, installed.stderr
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(scripts / "dialogue-server"), *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )

    assert "0.1.0" in run("--version").stdout
    run("init", "village")
    assert (tmp_path / "village" / "world.toml").exists()
    shown = run("demo", "--backend", "scripted", "--speed", "0")
    assert "4 of 4 answered" in shown.stdout + shown.stderr
