"""The systemd unit under a real systemd, in a container, installed by its own first lines."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dialogue_protocol.codes import CloseCode
from dialogue_protocol.messages import Delta, GoAway, Say, TurnEnd

from tests.end_to_end.chaos_upstream import answer_to
from tests.end_to_end.server_process import make_world

from .docker import DEPLOY, SECONDS, copy_of_the_sources, docker, wait_ready
from .talk import LONG, MODEL_COMMAND, come_in, ticket

pytestmark = pytest.mark.timeout(300)

UNIT = "dialogue-server.service"
IMAGE = """
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
    ca-certificates dbus libgomp1 python3-venv systemd systemd-sysv
CMD ["sh", "-c", "mount --make-rshared /; mount -o remount,rw /sys/fs/cgroup; exec /sbin/init"]
"""
# It shares its mounts and writes cgroups, as on a machine; with fewer rights than --privileged,
# which not every machine can give.
RIGHTS = (
    *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--cgroupns", "private"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--tmpfs", "/run", "--tmpfs", "/tmp", "--env", "container=docker"),
)
OURS = """
[Service]
Environment=DIALOGUE_SERVER_HOST=0.0.0.0
Environment=DIALOGUE_MODEL_BASE_URL=http://127.0.0.1:9000/v1
"""


def inside(script: str) -> str:
    return docker("exec", "--interactive", "systemd", "bash", "-euc", script)


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline, inside(f"journalctl --no-pager -n 30 -u {UNIT}")
        time.sleep(0.2)


def installation() -> str:
    """The commands that the unit begins with, for the sources in place of a release."""
    lines = re.findall(r"^#   (.*?)(?:\s{2,}.*)?$", (DEPLOY / UNIT).read_text("utf-8"), re.M)
    text = "\n".join(lines)
    assert text.count("install dialogue-server") == 1
    assert text.count("/dev/stdin") == 1
    text = text.replace("install dialogue-server", "install -q -c constraints.txt '.[local]'")
    text = text.replace("cp dialogue-server.service", "cp deploy/dialogue-server.service")
    return "cd /source\n" + re.sub(r"^(.*/dev/stdin.*)$", r"echo planted | \1", text, flags=re.M)


@pytest.fixture(scope="module", autouse=True)
def _systemd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    sources = tmp_path_factory.mktemp("unit")
    copy_of_the_sources(sources)
    docker("build", "--tag", "dialogue-systemd", "-", given=IMAGE)
    run = ("run", "--detach", "--name", "systemd", "--publish", "127.0.0.1::8765", *RIGHTS)
    docker(*run, "dialogue-systemd")
    try:
        docker("cp", str(sources), "systemd:/source")
        inside("until systemctl is-system-running --wait | grep running; do sleep 0.2; done")
        inside(installation())
        yield
    finally:
        docker("rm", "--force", "systemd")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the unit serves a world with a known model; `systemctl edit` has said so."""
    world = tmp_path_factory.mktemp("world") / "village"
    world.mkdir()
    make_world(world)
    inside("rm -r /etc/dialogue-server/village")
    docker("cp", str(world), "systemd:/etc/dialogue-server/village")
    docker("cp", f"{DEPLOY.parent}/tests", "systemd:/source/tests")
    model = "PYTHONPATH=/source exec /opt/dialogue-server/bin/python " + " ".join(MODEL_COMMAND)
    docker("exec", "--detach", "systemd", "sh", "-c", model)
    inside(
        f"mkdir /etc/systemd/system/{UNIT}.d; echo '{OURS}' > /etc/systemd/system/{UNIT}.d/o.conf"
    )
    inside("systemctl daemon-reload; systemctl restart dialogue-server")
    return wait_ready("ws://" + docker("port", "systemd", "8765").splitlines()[0])


@pytest.fixture
def token(tmp_path: Path) -> str:
    docker("cp", "systemd:/etc/dialogue-server/keys.json", str(tmp_path / "keys.json"))
    return ticket(tmp_path / "keys.json")


def test_it_runs_as_a_user_that_owns_nothing_but_its_talks(url: str) -> None:
    show = f"systemctl show --property MainPID --value {UNIT}"
    status = inside(f"cat /proc/$({show})/status")
    assert re.search(r"^Uid:\t6\d{4}\t", status, re.M)  # one that systemd has made
    assert status.count("\t0000000000000000\n") >= 4
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert inside("stat -c %U:%a /etc/dialogue-server/*key*").split() == ["root:600"] * 2
    assert "planted" not in inside("journalctl --no-pager")


async def test_it_keeps_talks_and_is_started_again_when_it_is_killed(url: str, token: str) -> None:
    client = await come_in(url, token)
    assert (await client.open()).history == 0
    assert (await client.say(f"What of {LONG}?")).text == answer_to(LONG).text
    inside(f"systemctl kill --signal KILL {UNIT}")
    await client.leave()
    client = await come_in(wait_ready(url), token)
    assert (await client.open()).history == 2
    await client.leave()


async def test_it_lets_a_turn_finish_when_it_is_stopped(url: str, token: str) -> None:
    client = await come_in(url, token)
    await client.open("stopped")
    await client.send(Say("stopped", "1", f"What of {LONG}?"))
    await client.expect(Delta)
    stopped = asyncio.create_task(asyncio.to_thread(inside, f"systemctl stop {UNIT}"))
    assert await client.close_code() == CloseCode.GOING_AWAY
    await stopped
    assert any(isinstance(message, GoAway) for message in client.received)
    (end,) = [message for message in client.received if isinstance(message, TurnEnd)]
    assert end.reason == "complete"
    assert "Result=success" in inside(f"systemctl show {UNIT}")
    await client.leave()
    inside(f"systemctl start {UNIT}")


async def test_a_new_key_is_taken_at_a_restart(url: str, token: str, tmp_path: Path) -> None:
    command = "/opt/dialogue-server/bin/dialogue-server ticket --make-key"
    inside(f"{command} /etc/dialogue-server/keys.json; systemctl restart {UNIT}")
    docker("cp", "systemd:/etc/dialogue-server/keys.json", str(tmp_path / "new.json"))
    wait_ready(url)
    for each in (token, ticket(tmp_path / "new.json")):
        await (await come_in(url, each)).leave()


def test_it_goes_on_trying_however_often_it_fails(url: str) -> None:
    inside("mv /opt/dialogue-server /opt/away")
    inside(f"systemctl kill {UNIT}")
    restarts = f"systemctl show --property NRestarts --value {UNIT}"
    until(lambda: int(inside(restarts)) > 8)
    inside("mv /opt/away /opt/dialogue-server")
    wait_ready(url)


async def test_the_embedded_model_runs_in_it(url: str, token: str) -> None:
    fetch = re.findall(r"`(XDG_CACHE_HOME=.* model get)`", (DEPLOY / UNIT).read_text("utf-8"))
    inside(f"PATH=/opt/dialogue-server/bin:$PATH {fetch[0]}")
    inside(f"echo Environment=DIALOGUE_MODEL_BACKEND=local >> /etc/systemd/system/{UNIT}.d/o.conf")
    inside(f"systemctl daemon-reload; systemctl restart {UNIT}")
    client = await come_in(wait_ready(url), token)
    assert "local/gemma-3-270m" in inside(f"journalctl --no-pager -n 50 -u {UNIT}")
    await client.open("embedded")
    answer = await client.say("Who are you, and what do you do here all day?", "embedded")
    assert answer.ended.reason == "complete"
    await client.leave()
