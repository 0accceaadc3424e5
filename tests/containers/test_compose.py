"""deploy/compose.yaml, brought up by Docker Compose as its first lines say: two servers, Redis, Caddy."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dialogue_protocol.messages import Delta, Say, Turn, TurnEnd

from dialogue_server.cli import run
from dialogue_server.server.client_socket import ConnectError
from tests.end_to_end.chaos_upstream import answer_to
from tests.end_to_end.server_process import make_world
from tests.harness import Answer, Client

from .docker import copy_of_the_sources, docker, documented, wait_healthy, wait_ready
from .talk import LONG, MODEL, MODEL_COMMAND, MODEL_MOUNT, MODEL_PATH, come_in, make_keys, ticket

pytestmark = pytest.mark.timeout(300)


class Stack:
    """What Compose has brought up, and a client's way to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "deploy"
        self.keys = folder / "keys.json"
        self.url = ""

    def compose(self, *arguments: str) -> str:
        files = ("-f", "compose.yaml", "-f", "test.yaml")
        return docker("compose", *files, *arguments, cwd=self.folder, TALK_HOST="localhost")

    def containers(self, service: str) -> list[str]:
        return sorted(self.compose("ps", "-q", service).split())


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("compose")
    copy_of_the_sources(folder)
    stack = Stack(folder)
    up = documented("compose.yaml", "TALK_HOST=talk.example.org docker compose")[0][2:]
    changes = {
        # A model; ports that are free; and as many files as the one who tests may open.
        "server": {
            "environment": {"DIALOGUE_MODEL_BASE_URL": MODEL},
            "ulimits": {"nofile": min(65536, _may_open())},
        },
        "caddy": {"ports": ["127.0.0.1::443"]},
        "model": {
            "image": "dialogue-server",
            "init": True,
            "entrypoint": ["python"],
            "command": MODEL_COMMAND,
            "environment": {"PYTHONPATH": MODEL_PATH},
            "volumes": [MODEL_MOUNT],
            "networks": ["inside"],
        },
    }
    text = json.dumps({"name": "dialogue-tests", "services": changes})
    (stack.folder / "test.yaml").write_text(text.replace('"ports": ', '"ports": !override '))
    stack.compose("build")
    for name in ("village", "secrets"):
        (stack.folder / name).mkdir()
    make_world(stack.folder / "village")
    make_keys(stack.folder / "secrets" / "keys.json")
    shutil.copy(stack.folder / "secrets" / "keys.json", stack.keys)
    (stack.folder / "secrets" / "model_key").write_text("planted")
    for secret in (stack.folder / "secrets").iterdir():
        os.chown(secret, 10001, -1)
        secret.chmod(0o400)
    try:
        stack.compose(*up[1:])
        port = stack.compose("port", "caddy", "443").rpartition(":")[2]
        stack.url = f"wss://localhost:{port}"
        yield stack
    finally:
        print(stack.compose("logs", "--no-color"))
        stack.compose("down", "--volumes")


@pytest.fixture
def url(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Caddy's address, which the client trusts."""
    root = tmp_path / "root.crt"
    for server in stack.containers("server"):
        wait_healthy(server)
    stack.compose("cp", "caddy:/data/caddy/pki/authorities/local/root.crt", str(root))
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    return wait_ready(stack.url)


def _may_open() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def test_two_servers_a_redis_and_caddy_come_up_as_nobody(stack: Stack, url: str) -> None:
    servers = stack.containers("server")
    assert len(servers) == 2
    for container in (*servers, *stack.containers("redis")):
        status = docker("exec", container, "cat", "/proc/1/status")
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        assert "Uid:\t0" not in status
        docker("exec", container, "touch", "/etc/x", fails=True)
    assert "planted" not in stack.compose("logs")


async def test_players_go_from_server_to_server_in_mid_turn(stack: Stack, url: str) -> None:
    token = ticket(stack.keys)

    async def wander(number: int) -> str:
        client = await come_in(url, token)
        await client.open(f"c{number}")
        await client.send(Say(f"c{number}", "1", f"What of {LONG}?"))
        shown = (await client.expect(Delta)).text
        for _ in range(3):
            client.socket.abort()
            client = await come_in(url, token, client)
            assert client.welcome is not None
            assert client.welcome.resumed
            shown += (await client.expect(Delta)).text
        while not isinstance(message := await client.next(), TurnEnd):
            shown += message.text if isinstance(message, Delta) else ""
        assert shown == answer_to(LONG).text
        await client.leave()
        assert client.welcome is not None
        return client.welcome.session.partition("-")[0]

    homes = await asyncio.gather(*(wander(number) for number in range(8)))
    assert len(set(homes)) == 2


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_players_go_on_when_one_of_the_servers_ends(stack: Stack, url: str, how: str) -> None:
    token = ticket(stack.keys)
    clients = [await come_in(url, token) for _ in range(6)]
    for number, client in enumerate(clients):
        await client.open(f"{how}{number}")
        await client.send(Say(f"{how}{number}", "1", f"What of {LONG}?"))
        await client.expect(Delta)
    gone = stack.containers("server")[0]
    ended = asyncio.create_task(asyncio.to_thread(docker, how, gone))
    answers = (finish(c, url, token, f"{how}{number}") for number, c in enumerate(clients))
    for answer in await asyncio.gather(*answers):
        assert answer.text == answer_to(LONG).text
        assert answer.ended.reason == "complete"
    await ended
    docker("start", gone)


async def finish(client: Client, url: str, token: str, conversation: str) -> Answer:
    """The whole answer to a line, for one who comes back as often as it has to."""
    answer = Answer(next(m for m in client.received if isinstance(m, Turn)))
    for message in client.received:
        if isinstance(message, Delta | TurnEnd):
            answer.add(message)
    while True:
        try:
            answer = await client.rest_of(answer)
            await client.leave()
            return answer
        except (StopAsyncIteration, TimeoutError):
            pass
        async with asyncio.timeout(30):
            while True:
                try:
                    client = await come_in(url, token, client)
                    break
                except (ConnectError, StopAsyncIteration):
                    await asyncio.sleep(0.1)
        assert client.welcome is not None
        if not client.welcome.resumed:
            await client.open(conversation)
            await client.send(Say(conversation, "1", f"What of {LONG}?"))
            answer = await client.answer()
            await client.leave()
            return answer


async def test_a_new_key_is_taken_when_the_servers_are_restarted(stack: Stack, url: str) -> None:
    old = ticket(stack.keys)
    keys = stack.folder / "secrets" / "keys.json"
    assert run(["ticket", "--make-key", str(keys)]) == 0
    for server in stack.containers("server"):
        docker("restart", server)
        wait_healthy(server)
    for token in (old, ticket(keys)):
        for _ in range(2):
            await (await come_in(wait_ready(url), token)).leave()


async def test_talks_outlive_all_containers(stack: Stack, url: str) -> None:
    token = ticket(stack.keys)
    client = await come_in(url, token)
    await client.open("kept")
    assert (await client.say(f"What of {LONG}?", "kept")).text == answer_to(LONG).text
    await client.leave()
    stack.compose("down")
    stack.compose("up", "--detach")
    port = stack.compose("port", "caddy", "443").rpartition(":")[2]
    client = await come_in(wait_ready(f"wss://localhost:{port}"), token)
    assert (await client.open("kept")).history == 2
    await client.leave()
