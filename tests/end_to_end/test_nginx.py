"""deploy/nginx.conf before a real server: upgrade, tickets, pings, big frames, drain.

Needs nginx: on the path, or named by NGINX.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from dialogue_protocol.codec import JSON
from dialogue_protocol.codes import CloseCode, ErrorCode
from dialogue_protocol.messages import (
    Delta,
    Error,
    GoAway,
    Hello,
    History,
    Resume,
    Say,
    State,
    StateOk,
    Transcript,
    Turn,
)

from dialogue_server.engine.context import EngineLimits
from dialogue_server.instrumentation.metrics import Metrics
from dialogue_server.server.admission import Admission, Claims, issue, read_keys
from dialogue_server.server.client_socket import ClientSocket
from dialogue_server.settings import Access
from tests.fakes.certificate import write_certificate
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, Served, serving
from tests.services.install_services import find

NGINX = os.environ.get("NGINX") or find("nginx") or ""
CONF = Path(__file__).parents[2] / "deploy" / "nginx.conf"
SECRET = "a secret of thirty-two characters"
TOKEN = issue(read_keys(SECRET, ""), Claims(4e9, "dialogue-server", "ann"))


@pytest.fixture(autouse=True)
def _nginx() -> None:
    """A test without one fails in CI and is skipped elsewhere."""
    if not NGINX:
        missing = "no nginx: `python tests/services/install_services.py` fetches one"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@asynccontextmanager
async def proxied(
    folder: Path, monkeypatch: pytest.MonkeyPatch, read_timeout: str = "75s", **more: Any
) -> AsyncIterator[tuple[str, Served, SteeredBackend]]:
    """The address of an nginx with our file, the server behind it, and its model."""
    certificate = write_certificate(folder / "localhost.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    backend = SteeredBackend()
    admission = Admission(Access(key_env="KEYS"), {"KEYS": SECRET})
    async with serving(backend, admission=admission, **more) as served:
        port = free_port()
        ours = replaced(
            CONF.read_text("utf-8"),
            {
                "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
                "talk.example.org;": "localhost;",
                "/etc/ssl/talk.example.org.pem": str(certificate),
                "/etc/ssl/talk.example.org.key": str(certificate),
                "127.0.0.1:8765": served.url.removeprefix("ws://"),
                "proxy_read_timeout 75s": f"proxy_read_timeout {read_timeout}",
            },
        )
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"pid {folder}/pid;\nerror_log stderr;\ndaemon off;\nmaster_process off;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{ours}}}\n",
            "utf-8",
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=log
            )
        try:
            await listening(port, process, folder / "log")
            yield f"wss://localhost:{port}", served, backend
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 10)


async def listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    async with asyncio.timeout(10):
        while True:
            assert process.poll() is None, log.read_text("utf-8")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


async def come_in(url: str) -> Client:
    return await Client.connect(url, hello=Hello(client="test", token=TOKEN))


async def test_a_talk_goes_through_and_everybody_needs_a_ticket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxied(tmp_path, monkeypatch) as (url, _, backend):
        client = await come_in(url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Well met.")
        call.finish()
        assert (await client.answer()).text == "Well met."
        stranger = await ClientSocket.connect(url, JSON)
        await stranger.send(JSON.encode(Hello()))
        (error,) = [JSON.decode_server(frame) async for frame in stranger]
        assert isinstance(error, Error)
        assert error.code == ErrorCode.UNAUTHORIZED
        assert stranger.close_code == CloseCode.UNAUTHORIZED


async def test_big_messages_pass_in_both_directions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = EngineLimits(state_bytes=300_000, message_bytes=400_000)
    async with proxied(tmp_path, monkeypatch, limits=limits) as (url, _, backend):
        client = await come_in(url)
        await client.open()
        await client.send(State("c", 1, snapshot={"book": "word " * 50_000}))
        assert (await client.expect(StateOk)).revision == 1
        await client.send(Say("c", "1", "Tell me all."))
        call = await backend.call()
        call.say("word " * 20_000)
        call.finish()
        answer = await client.answer()
        assert len(answer.text) > 99_000
        await client.send(History("c"))
        (*_, told) = (await client.expect(Transcript)).lines
        assert told.text == answer.text
        assert len(client.frames[-1]) > 99_000


async def test_the_servers_pings_keep_a_quiet_talk_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With pings it outlives nginx's patience, without them it does not."""
    async with proxied(tmp_path, monkeypatch, "1s", ping_interval=0.3) as (url, _, _backend):
        client = await come_in(url)
        await asyncio.sleep(2.5)
        await client.open()
    other = tmp_path / "other"
    other.mkdir()
    async with proxied(other, monkeypatch, "1s", ping_interval=60) as (url, _, _backend):
        client = await come_in(url)
        assert await client.close_code() == 1006


async def test_a_drain_is_told_through_it_and_the_turn_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxied(tmp_path, monkeypatch) as (url, served, backend):
        client = await come_in(url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        await client.expect(Turn)
        draining = asyncio.create_task(served.registry.drain(10))
        await client.expect(GoAway)
        call.say("Farewell.")
        call.finish()
        assert await client.close_code() == CloseCode.GOING_AWAY
        said = "".join(each.text for each in client.received if isinstance(each, Delta))
        assert said == "Farewell."
        await draining


async def test_a_dropped_client_resumes_through_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxied(tmp_path, monkeypatch) as (url, _, _backend):
        client = await come_in(url)
        await client.open()
        assert client.welcome is not None
        client.socket.abort()
        position = Resume(client.welcome.session, client.welcome.epoch, client.sequenced)
        again = await Client.connect(url, hello=Hello(token=TOKEN, resume=position))
        assert again.welcome is not None
        assert again.welcome.resumed


async def test_what_is_for_operators_and_designers_stays_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more: dict[str, Any] = {"metrics": Metrics().text}
    async with proxied(tmp_path, monkeypatch, **more) as (url, _, _backend):
        trusted = ssl.create_default_context(cafile=str(tmp_path / "localhost.pem"))

        def status(path: str) -> int:
            address = url.replace("wss://", "https://") + path
            request = urllib.request.Request(address, headers={"Authorization": f"Bearer {TOKEN}"})
            try:
                with urllib.request.urlopen(request, timeout=10, context=trusted) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                error.close()
                return error.code

        paths = ("/health/ready", "/metrics", "/dev/", "/dev")
        found = [await asyncio.to_thread(status, path) for path in paths]
        assert found == [200, 404, 404, 404]
