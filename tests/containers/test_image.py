"""The image, built and run by Docker with the very commands that its Dockerfile begins with."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from dialogue_protocol.codes import CloseCode
from dialogue_protocol.messages import Delta, GoAway, Say, TurnEnd

from tests.end_to_end.chaos_upstream import answer_to
from tests.end_to_end.server_process import make_world
from tests.harness import Client

from .docker import docker, documented, log, state, swapped, wait_healthy, wait_ready
from .talk import (
    LONG,
    MODEL,
    MODEL_COMMAND,
    MODEL_MOUNT,
    MODEL_PATH,
    come_in,
    make_keys,
    ticket,
)

pytestmark = pytest.mark.timeout(300)
LIMITED = ("--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")


@pytest.fixture(scope="module", autouse=True)
def _image() -> None:
    build, *_ = documented("Dockerfile", "docker build")
    docker(*build[1:], DOCKER_BUILDKIT="1")


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    """A network with a model in it."""
    name = docker("network", "create", "dialogue-tests") and "dialogue-tests"
    docker(
        *("run", "--rm", "--detach", "--name", "model", "--network", name, "-v", MODEL_MOUNT),
        *("-e", f"PYTHONPATH={MODEL_PATH}", "--entrypoint", "python", "dialogue-server"),
        *MODEL_COMMAND,
    )
    yield name
    docker("rm", "--force", "model")
    docker("network", "rm", name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("image")
    (here / "village").mkdir()
    make_world(here / "village")
    make_keys(here / "keys.json")
    return here


@pytest.fixture
def url(folder: Path, network: str) -> Iterator[str]:
    """The address of a server that was started as the Dockerfile says."""
    (command,) = (each for each in documented("Dockerfile", "docker run") if "--detach" in each)
    changes = {
        "8765:8765": "127.0.0.1::8765",
        "./village:/world:ro": f"{folder}/village:/world:ro",
        "talks:/data": "dialogue-tests:/data",
        "dialogue-server": "dialogue-server",
    }
    *words, image = swapped(command[1:], changes)
    docker(
        *(*words, "--network", network, "-e", f"DIALOGUE_MODEL_BASE_URL={MODEL}", image),
        TICKET_KEYS=(folder / "keys.json").read_text("utf-8"),
        OPENROUTER_API_KEY="planted",
    )
    try:
        yield wait_ready("ws://" + address())
    finally:
        docker("rm", "--force", "talk")
        docker("volume", "rm", "dialogue-tests")


def address() -> str:
    return docker("port", "talk", "8765").splitlines()[0]


def test_it_runs_as_nobody_and_can_write_nothing_but_its_volume(url: str) -> None:
    wait_healthy("talk")
    inside = json.loads(docker("exec", "talk", "python", "-c", _LOOK_AROUND))
    assert inside == {
        "user": [10001, 10001],
        "capabilities": ["0" * 16] * 5,
        "new privileges": "1",
        "first process": "dialogue-server",
        "writable": ["/data", "/tmp"],
        "pip": False,
    }
    assert "planted" not in log("talk")


_LOOK_AROUND = """
import importlib.util, json, os, pathlib
status = dict(line.split(":\\t", 1) for line in open("/proc/1/status") if ":\\t" in line)
first = pathlib.Path("/proc/1/cmdline").read_text().split("\\0")
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "capabilities": [status[f"Cap{kind}"].strip() for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")],
    "new privileges": status["NoNewPrivs"].strip(),
    "first process": pathlib.Path(first[1]).name,
    "writable": [p for p in ("/", "/data", "/opt", "/tmp", "/world") if os.access(p, os.W_OK)],
    "pip": importlib.util.find_spec("pip") is not None,
}))
"""


def test_it_adds_little_to_its_base() -> None:
    sizes = [
        int(docker("inspect", image, "--format", "{{.Size}}"))
        for image in ("dialogue-server", "python:3.13-slim")
    ]
    assert sizes[0] - sizes[1] < 80_000_000


async def test_it_takes_whoever_has_a_ticket_and_keeps_its_talks(url: str, folder: Path) -> None:
    with pytest.raises(AssertionError, match="unauthorized"):
        await Client.connect(url)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(url.replace("ws:", "http:") + "/metrics")
    token = ticket(folder / "keys.json")
    client = await come_in(url, token)
    assert (await client.open()).history == 0
    assert (await client.say(f"What of {LONG}?")).text == answer_to(LONG).text
    await client.leave()
    docker("restart", "talk")
    url = wait_ready("ws://" + address())
    client = await come_in(url, token)
    assert (await client.open()).history == 2
    await client.leave()


async def test_it_lets_a_turn_finish_when_docker_stops_it(url: str, folder: Path) -> None:
    client = await come_in(url, ticket(folder / "keys.json"))
    await client.open()
    await client.send(Say("c", "1", f"What of {LONG}?"))
    await client.expect(Delta)
    stopped = asyncio.create_task(asyncio.to_thread(docker, "stop", "talk"))
    assert await client.close_code() == CloseCode.GOING_AWAY
    await stopped
    assert any(isinstance(message, GoAway) for message in client.received)
    (end,) = [message for message in client.received if isinstance(message, TurnEnd)]
    assert end.reason == "complete"
    said = "".join(each.text for each in client.received if isinstance(each, Delta))
    assert said == answer_to(LONG).text
    assert state("talk")["ExitCode"] == 0
    await client.leave()


def test_it_says_what_is_missing(folder: Path) -> None:
    world = f"{folder}/village:/world:ro"
    assert "/world: has no persona" in docker("run", *LIMITED, "dialogue-server", fails=True)
    nobody_s = ("-v", world, "-v", f"{folder}:/data")
    folder.chmod(0o755)
    said = docker("run", *LIMITED, *nobody_s, "dialogue-server", fails=True)
    assert "the server may write there" in said
    local = ("-v", world, "-e", "DIALOGUE_MODEL_BACKEND=local", "dialogue-server")
    assert "dialogue-server model get" in docker("run", *LIMITED, *local, fails=True)
    check = ("-v", world, "dialogue-server", "check", "/world")
    assert "1 NPC" in docker("run", *LIMITED, *check)


def test_the_embedded_model_runs_in_it(folder: Path) -> None:
    _, build = documented("Dockerfile", "docker build")
    tag = {"dialogue-server": "dialogue-server:local"}
    docker(*swapped(build[1:], tag), DOCKER_BUILDKIT="1")
    get, *_ = (each for each in documented("Dockerfile", "docker run") if "model" in each)
    volume = {"talks:/data": "dialogue-tests:/data"}
    try:
        docker(*swapped(get[1:], tag | volume))
        said = docker(
            *("run", *LIMITED, "--interactive", "-v", "dialogue-tests:/data"),
            *("-v", f"{folder}/village:/world:ro", "-e", "DIALOGUE_MODEL_BACKEND=local"),
            *("dialogue-server:local", "chat", "/world", "--npc", "mira"),
            given="Who broke the lamp?\n",
        )
        assert "fallback" not in said
        assert said.count("Mira:") == 2
    finally:
        docker("volume", "rm", "dialogue-tests")
