"""deploy/Caddyfile, as it is, before a real server: upgrade, tickets, big frames, resume, drain."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dialogue_protocol.codec import JSON
from dialogue_protocol.codes import CloseCode, ErrorCode
from dialogue_protocol.messages import Error, GoAway, Hello, Resume, Say, State, StateOk, Turn

from dialogue_server.engine.context import EngineLimits
from dialogue_server.instrumentation.metrics import Metrics
from dialogue_server.server.admission import Admission, Claims, issue, read_keys
from dialogue_server.server.client_socket import ClientSocket
from dialogue_server.settings import Access
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, Served, serving
from tests.services.install_services import find

CADDY = find("caddy")
CONF = Path(__file__).parents[2] / "deploy" / "Caddyfile"
SECRET = "a secret of thirty-two characters"
TOKEN = issue(read_keys(SECRET, ""), Claims(4e9, "dialogue-server", "ann"))

pytestmark = pytest.mark.skipif(
    not CADDY and not os.environ.get("CI"),
    reason="no caddy: `python tests/services/install_services.py` fetches one",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def proxied(folder: Path) -> AsyncIterator[tuple[str, Served, SteeredBackend]]:
    """The address of a Caddy with our file, the server behind it, and its model."""
    assert CADDY, "no caddy"
    backend = SteeredBackend()
    admission = Admission(Access(key_env="KEYS"), {"KEYS": SECRET})
    limits = EngineLimits(state_bytes=300_000, message_bytes=400_000)
    async with serving(
        backend, admission=admission, limits=limits, metrics=Metrics().text
    ) as served:
        port, own = free_port(), folder / "caddy"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(own),
            "CADDY_ADMIN": f"unix/{own}/admin.sock",
            # Without a certificate: one for a test's name cannot be had.
            "TALK_HOST": f"http://localhost:{port}",
            "TALK_PORT": served.url.rpartition(":")[2],
        }
        own.mkdir()
        log = folder / "caddy.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [CADDY, "run", "--config", str(CONF), "--adapter", "caddyfile"],
                env=environment,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(20):
                while True:
                    assert process.poll() is None, log.read_text("utf-8")
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                    except OSError:
                        await asyncio.sleep(0.02)
                    else:
                        writer.close()
                        break
            yield f"ws://localhost:{port}", served, backend
        finally:
            process.kill()
            process.wait()


async def test_a_talk_goes_through_with_big_messages_drops_and_a_drain(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (url, served, backend):
        client = await Client.connect(url, hello=Hello(client="test", token=TOKEN))
        await client.open()
        await client.send(State("c", 1, snapshot={"book": "word " * 50_000}))
        assert (await client.expect(StateOk)).revision == 1
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        await client.expect(Turn)
        assert client.welcome is not None
        client.socket.abort()
        call.say("Well met. ")
        position = Resume(client.welcome.session, client.welcome.epoch, client.sequenced)
        again = await Client.connect(url, hello=Hello(token=TOKEN, resume=position))
        assert again.welcome is not None
        assert again.welcome.resumed
        draining = asyncio.create_task(served.registry.drain(10))
        await again.expect(GoAway)
        call.say("Farewell.")
        call.finish()
        assert await again.close_code() == CloseCode.GOING_AWAY
        said = "".join(getattr(each, "text", "") for each in again.received)
        assert said == "Well met. Farewell."
        await draining


async def test_whoever_comes_through_it_is_no_client_of_this_machine(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (url, _served, _backend):
        stranger = await ClientSocket.connect(url, JSON)
        await stranger.send(JSON.encode(Hello()))
        (error,) = [JSON.decode_server(frame) async for frame in stranger]
        assert isinstance(error, Error)
        assert error.code == ErrorCode.UNAUTHORIZED

        def status(path: str) -> int:
            address = url.replace("ws://", "http://") + path
            try:
                with urllib.request.urlopen(address, timeout=10) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                error.close()
                return error.code

        paths = ("/health/ready", "/metrics", "/dev/", "/dev")
        found = [await asyncio.to_thread(status, path) for path in paths]
        assert found == [200, 404, 404, 404]
