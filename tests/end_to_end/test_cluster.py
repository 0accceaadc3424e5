"""Several real server processes over one real Redis: on one port, and on several machines' ports."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import Delta, Error, Say, Turn, TurnEnd
from prometheus_client.parser import text_string_to_metric_families

from dialogue_server.domain.conversation import ConversationKey
from dialogue_server.server.client_socket import ConnectError
from dialogue_server.server.joining import own_host
from dialogue_server.stores.redis import RedisStore
from tests.fakes.certificate import write_certificate
from tests.harness import Answer, Client
from tests.server.test_metrics_page import get
from tests.services.redis_server import RedisServer, empty, new_redis

from .chaos_upstream import answer_to
from .server_process import ServerProcess, make_world, start_upstream

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills by POSIX signals")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = new_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.close()


@pytest.fixture
async def upstream(tmp_path: Path, redis: RedisServer) -> AsyncIterator[str]:
    await empty(redis.url)
    process, url = await start_upstream(tmp_path / "asked")
    yield url
    process.kill()
    await process.wait()


async def two_workers(folder: Path, upstream: str, redis: RedisServer) -> ServerProcess:
    """A server of two processes, both of which listen."""
    make_world(folder)
    server = ServerProcess(folder, upstream, "--workers", "2", "--store", redis.url)
    await server.start()
    await logged(server, "server.ready", 2)
    return server


def long_marker(*, well: bool = True) -> str:
    """A line whose answer takes a while, and ends well."""
    for number in range(1000):
        answer = answer_to(f"#{number}#")
        if len(answer.chunks) > 50 and answer.pause >= 0.02 and (answer.fate == "well") is well:
            return f"#{number}#"
    raise AssertionError


async def test_workers_share_a_port_and_find_each_other_s_sessions(
    tmp_path: Path, upstream: str, redis: RedisServer
) -> None:
    server = await two_workers(tmp_path, upstream, redis)
    try:
        homes = await asyncio.gather(*(wander(server.url, f"c{number}") for number in range(8)))
        assert len(set(homes)) == 2
        assert await server.stop() == 0
    finally:
        await server.kill()
    assert server.complaints() == ""


async def wander(url: str, conversation: str) -> str:
    """Ask for a long answer, and drop and resume in the midst of it; the session's home."""
    marker = long_marker()
    client = await Client.connect(url)
    assert client.welcome is not None
    home = client.welcome.session.partition("-")[0]
    await client.open(conversation)
    await client.send(Say(conversation, "1", marker))
    shown = (await client.expect(Delta)).text
    for _ in range(3):  # the kernel chooses the worker anew each time
        client.socket.abort()
        client = await client.resume(url)
        assert client.welcome is not None
        assert client.welcome.resumed
        shown += (await client.expect(Delta)).text
    while not isinstance(message := await client.next(), TurnEnd):
        shown += message.text if isinstance(message, Delta) else ""
    assert shown == answer_to(marker).text
    await client.leave()
    return home


async def test_a_worker_that_is_killed_is_started_again_and_its_lines_are_answered_once(
    tmp_path: Path, upstream: str, redis: RedisServer
) -> None:
    server = await two_workers(tmp_path, upstream, redis)
    try:
        marker = long_marker()
        clients = [await Client.connect(server.url) for _ in range(6)]
        for number, client in enumerate(clients):
            await client.open(f"c{number}")
            await client.send(Say(f"c{number}", "1", marker))
            await client.expect(Delta)
        victim = int(str(events(server, "worker.started")[0]["pid"]))
        os.kill(victim, signal.SIGKILL)
        work = (finish(c, server.url, f"c{number}", marker) for number, c in enumerate(clients))
        for answer in await asyncio.gather(*work):
            assert answer.text == answer_to(marker).text
            assert answer.ended.reason == "complete"
        store = RedisStore(redis.url)
        for number in range(len(clients)):
            nodes = (await store.load(ConversationKey("ann", f"c{number}"))).nodes
            assert [node.kind for node in nodes] == ["npc", "player", "npc"]
        await store.aclose()
        await logged(server, "worker.started", 3)
        assert await server.stop() == 0
    finally:
        await server.kill()


async def test_workers_end_when_the_one_that_watches_over_them_is_killed(
    tmp_path: Path, upstream: str, redis: RedisServer
) -> None:
    server = await two_workers(tmp_path, upstream, redis)
    await server.kill()
    await logged(server, "server.stopped", 2)


@pytest.fixture
async def machines(
    tmp_path: Path, upstream: str, redis: RedisServer
) -> AsyncIterator[list[ServerProcess]]:
    """Two servers, each by itself, over one Redis."""
    servers = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        make_world(tmp_path / name)
        servers.append(ServerProcess(tmp_path / name, upstream, "--store", redis.url))
        await servers[-1].start()
    yield servers
    for server in servers:
        await server.kill()


async def test_a_player_goes_on_at_another_machine_when_his_dies_in_mid_turn(
    machines: list[ServerProcess],
) -> None:
    first, second = machines
    marker = long_marker()
    client = await Client.connect(first.url)
    await client.open()
    await client.send(Say("c", "1", marker))
    await client.expect(Delta)
    await first.kill()
    answer = await finish(client, second.url, "c", marker)
    assert answer.text == answer_to(marker).text
    assert await second.stop() == 0
    assert second.complaints() == ""


async def test_a_machine_that_stood_still_adds_nothing_to_what_another_went_on_with(
    machines: list[ServerProcess], redis: RedisServer
) -> None:
    """It wakes in mid-turn, and knows of nothing."""
    first, second = machines
    marker = long_marker()
    old = await Client.connect(first.url)
    await old.open()
    await old.send(Say("c", "1", marker))
    await old.expect(Delta)
    first.send(signal.SIGSTOP)
    new = await Client.connect(second.url)
    await new.open()  # within the directory's PATIENCE
    await new.send(Say("c", "1", marker))
    assert (await new.answer()).text == answer_to(marker).text
    first.send(signal.SIGCONT)
    ended = await old.expect(TurnEnd)
    assert ended.code == ErrorCode.UNKNOWN_CONVERSATION
    await old.send(Say("c", "2", "Hello?"))
    assert "taken it over" in (await old.expect(Error)).detail
    store = RedisStore(redis.url)
    nodes = (await store.load(ConversationKey("ann", "c"))).nodes
    await store.aclose()
    assert [node.kind for node in nodes] == ["npc", "player", "npc"]
    assert nodes[-1].text == answer_to(marker).text
    for server in machines:
        assert await server.stop() == 0
        assert server.complaints() == ""


async def test_one_scrape_of_the_shared_port_tells_of_all_workers(
    tmp_path: Path, upstream: str, redis: RedisServer
) -> None:
    server = await two_workers(tmp_path, upstream, redis)
    try:
        clients = [await Client.connect(server.url) for _ in range(8)]
        for _ in range(3):  # whichever worker is asked
            _, _, text = await get(server.url)
            held = [
                (sample.labels["worker"], sample.value)
                for family in text_string_to_metric_families(text)
                for sample in family.samples
                if sample.name == "dialogue_sessions"
            ]
            assert sorted(worker for worker, _ in held) == ["0", "1"]
            assert sum(value for _, value in held) == 8
        for client in clients:
            await client.leave()
        assert await server.stop() == 0
    finally:
        await server.kill()
    assert server.complaints() == ""


async def test_workers_with_a_certificate_find_each_other_s_sessions_too(
    tmp_path: Path, upstream: str, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_world(tmp_path)
    certificate = write_certificate(tmp_path / "certificate.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ("--server-tls-certificate", str(certificate), "--server-tls-key", str(certificate))
    server = ServerProcess(tmp_path, upstream, "--workers", "2", "--store", redis.url, *tls)
    await server.start()
    await logged(server, "server.ready", 2)
    try:
        url = f"wss://localhost:{server.port}"
        homes = await asyncio.gather(*(wander(url, f"c{number}") for number in range(8)))
        assert len(set(homes)) == 2
    finally:
        await server.stop()
        await server.kill()


async def test_workers_whose_settings_are_wrong_are_not_started_again_and_again(
    tmp_path: Path, redis: RedisServer
) -> None:
    make_world(tmp_path)
    command = [
        *(sys.executable, "-m", "dialogue_server", "serve", str(tmp_path)),
        *("--backend", "scripted", "--workers", "2", "--store", redis.url),
        *("--access-key-file", str(tmp_path / "none.json")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "access.key_file: none.json cannot be read" in done.stderr
    assert "the workers cannot start so" in done.stderr
    assert "worker.died" not in done.stderr


@pytest.mark.parametrize(
    ("flags", "host"),
    [
        ((), "127.0.0.1"),
        (("--host", "0.0.0.0"), own_host("0.0.0.0")),
        (("--host", "0.0.0.0", "--server-address", "ws://node-1:8765"), "node-1"),
    ],
)
async def test_each_worker_is_known_by_a_port_of_its_own_that_other_machines_reach(
    tmp_path: Path, upstream: str, redis: RedisServer, flags: tuple[str, ...], host: str
) -> None:
    make_world(tmp_path)
    server = ServerProcess(tmp_path, upstream, "--workers", "2", "--store", redis.url, *flags)
    await server.start()
    await logged(server, "server.ready", 2)
    store = RedisStore(redis.url)
    try:
        names = [name async for name in store.client.scan_iter("d:server:*")]
        addresses = [(await store.client.get(name)).decode() for name in names]
        found = [urlsplit(address) for address in addresses]
        assert {address.hostname for address in found} == {host}
        assert len({address.port for address in found} - {server.port, 8765}) == 2
        for address in found:
            reached = own_host("0.0.0.0") if host == "node-1" else host
            _, writer = await asyncio.open_connection(reached, address.port)
            writer.close()
    finally:
        await store.aclose()
        await server.stop()
        await server.kill()


async def finish(client: Client, url: str, conversation: str, marker: str) -> Answer:
    """The whole answer to a line, as a client gets it that comes back as often as it has to."""
    answer = Answer(next(m for m in client.received if isinstance(m, Turn)))
    for message in client.received:
        if isinstance(message, Delta):
            answer.add(message)
    while True:
        try:
            return await client.rest_of(answer)
        except (StopAsyncIteration, TimeoutError):
            pass
        while True:
            try:
                client = await client.resume(url)
                break
            except (ConnectError, StopAsyncIteration):
                await asyncio.sleep(0.1)
        assert client.welcome is not None
        if not client.welcome.resumed:
            await client.open(conversation)
            await client.send(Say(conversation, "1", marker))
            return await client.answer()


def events(server: ServerProcess, name: str) -> list[dict[str, object]]:
    """What the log holds of a kind."""
    lines = server.log.read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [event for event in found if event["event"] == name]


async def logged(server: ServerProcess, name: str, times: int) -> None:
    """Wait until the log holds an event so often."""
    async with asyncio.timeout(20):
        while len(events(server, name)) < times:
            await asyncio.sleep(0.02)


def test_workers_say_what_they_need() -> None:
    def serve(*flags: str) -> str:
        command = [sys.executable, "-m", "dialogue_server", "serve", "--workers", "2", *flags]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        return done.stderr

    assert 'store.path = "redis://127.0.0.1"' in serve()
    assert "server.port" in serve("--store", "redis://127.0.0.1", "--port", "0")
