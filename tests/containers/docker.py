"""Docker, by its client, for the tests that `make image` runs; DOCKER_HOST says which."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SECONDS = 60.0
"""How long a state may take to come."""


def docker(
    *arguments: str, cwd: Path = ROOT, given: str = "", fails: bool = False, **variables: str
) -> str:
    """What a command says. With `fails` its exit code must not be 0, and its errors count."""
    done = subprocess.run(
        ["docker", *arguments],
        cwd=cwd,
        input=given,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if fails else subprocess.PIPE,
        encoding="utf-8",
        timeout=600,
    )
    assert (done.returncode != 0) == fails, f"{shlex.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def documented(file: str, start: str) -> list[list[str]]:
    """The commands in a file's comment that begin with `start`, continued lines joined, as words."""
    text = re.sub(r"\\\n#\s+", "", (DEPLOY / file).read_text("utf-8"))
    commands = [shlex.split(line) for line in re.findall(rf"^#   ({start} .*)$", text, re.M)]
    assert commands, f"{file} has no {start}"
    return commands


def swapped(command: list[str], changes: dict[str, str]) -> list[str]:
    """A command for a test: each of these words must be in it."""
    assert set(changes) <= set(command), command
    return [changes.get(word, word) for word in command]


def state(container: str) -> dict[str, Any]:
    """What Docker knows of a container's state."""
    found: dict[str, Any] = json.loads(docker("inspect", container, "--format", "{{json .State}}"))
    return found


def wait_healthy(container: str) -> None:
    """Until Docker itself finds it healthy."""
    deadline = time.monotonic() + SECONDS
    while (now := state(container))["Health"]["Status"] != "healthy":
        assert now["Running"], log(container)
        assert time.monotonic() < deadline, (now, log(container))
        time.sleep(0.2)


def wait_ready(url: str, context: ssl.SSLContext | None = None) -> str:
    """Until a server says that it is; its address."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            address = url.replace("ws", "http", 1) + "/health/ready"
            with urllib.request.urlopen(address, timeout=5, context=context) as answer:
                assert answer.status == 200
                return url
        except OSError as error:
            assert time.monotonic() < deadline, error
            time.sleep(0.2)


def log(container: str) -> str:
    """All that a container has said."""
    return subprocess.run(
        ["docker", "logs", container],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=True,
    ).stdout


def copy_of_the_sources(folder: Path) -> None:
    """What an image is made of, and deploy/, as in a fresh clone."""
    wanted = re.findall(r"^!(.*)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.M)
    for name in [*wanted, "deploy"]:
        source = ROOT / name
        if source.is_dir():
            hidden = shutil.ignore_patterns("__pycache__", "*.db*")
            shutil.copytree(source, folder / name, ignore=hidden)
        else:
            shutil.copy(source, folder / name)
