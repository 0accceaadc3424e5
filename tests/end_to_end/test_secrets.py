"""No secret comes out, whatever fails: canaries are planted where secrets come from, and searched
for in all that a server writes, sends and shows."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import shutil
import ssl
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import redis
from dialogue_protocol.codec import JSON, MSGPACK
from dialogue_protocol.codes import CloseCode
from dialogue_protocol.messages import Event, Hello, Inspect, Open, Player, Save, Suggest, TurnEnd
from msgspec import structs

from dialogue_server.cli import run
from dialogue_server.instrumentation.logging import Log
from dialogue_server.server.app import App
from dialogue_server.server.client_socket import ClientSocket, ConnectError
from dialogue_server.settings import Settings
from dialogue_server.settings_option import shown
from tests.cli.processes import ROOT, environment
from tests.fakes.canaries import found, found_in_folder
from tests.fakes.certificate import write_certificate
from tests.fakes.upstream import FakeUpstream, Reset, Script, Stall
from tests.fakes.upstream_cases import DONE, delta, finish, head, open_stream, sse, stream
from tests.harness import Client
from tests.services.redis_server import new_redis

STARTER = ROOT / "dialogue_server" / "starter"
API_KEY = "sk-or-v1-7d1f0canary9e2b4c6a8d0f1e3b5c7"
TICKET_SECRET = "canary-5b1e8c3f7a2d9064-of-forty-characters"
REDIS_PASSWORD = "canary-a8f4/2c?6e@0b#1d:93%57"


def test_the_search_finds_what_is_there() -> None:
    """In every form; else the tests below could not fail."""
    secrets = {"key": API_KEY}
    for planted in (
        f"Authorization: Bearer {API_KEY}",
        json.dumps({"a": API_KEY}),
        API_KEY.encode().hex(),
        jwt.utils.base64url_encode(f"Bearer {API_KEY}, and more".encode()).decode(),
    ):
        assert found(secrets, "x", planted)
    assert not found(secrets, "x", "nothing of it")
    assert found({"password": REDIS_PASSWORD}, "x", "canary-a8f4%2F2c%3F6e%400b%231d%3A93%2557")


# ---------------------------------------------------------------- a model's API that echoes


def refusal(status: str, body: object, kind: str = "application/json") -> Script:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return (head(status, f"Content-Length: {len(data)}", kind=kind), data)


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


ECHO = f"key {API_KEY} (Authorization: Bearer {API_KEY})"
FAILURES: dict[str, Script] = {
    "a refused key": refusal("401 Unauthorized", error(ECHO, code="invalid_api_key", type=API_KEY)),
    "a key of another region": refusal(
        "200 OK", {"base_resp": {"status_code": 2049, "status_msg": ECHO}}
    ),
    "forbidden": refusal("403 Forbidden", error(ECHO, param=API_KEY)),
    "no credit": refusal("402 Payment Required", error(ECHO)),
    "an unsupported parameter": refusal("400 Bad Request", error(f"unsupported: {ECHO}")),
    "an unknown model": refusal("404 Not Found", {"detail": ECHO, "code": API_KEY}),
    "a page of HTML": refusal("502 Bad Gateway", f"<html>{ECHO}</html>", "text/html"),
    "a page instead of a stream": refusal("200 OK", f"<html>{ECHO}</html>", "text/html"),
    "too many requests": refusal("429 Too Many Requests", error(ECHO)),
    "a crash with a dump of headers": refusal("500 Internal Server Error", ECHO, "text/plain"),
    "an error in the stream": stream(sse(error(ECHO, code=API_KEY)), DONE),
    "an error after some text": stream(delta("Well met. "), sse(error(ECHO)), DONE),
    "broken JSON": stream(delta("Well met. "), b"data: {" + ECHO.encode() + b"\n\n"),
    "a comment and an unknown event": stream(
        f": {ECHO}\n\nevent: {API_KEY}\n".encode(), delta("Well met."), finish(), DONE
    ),
    "an odd reason to finish": stream(delta("Well met."), finish(API_KEY), DONE),
    "an answer that breaks off": open_stream(delta("Well "), Reset()),
    "no HTTP at all": (f"{ECHO}\r\n\r\n".encode(),),
    "a bad header": (
        f"HTTP/1.1 200 OK\r\nContent-Length: {API_KEY}\r\n\r\n".encode(),
        Stall(),
    ),
    "a redirect": (head("307 Temporary Redirect", f"Location: http://127.0.0.1:9/?k={API_KEY}"),),
}


class Watched:
    """A server in this process, and all that it writes and sends."""

    def __init__(self, app: App, log: io.StringIO, folder: Path) -> None:
        self.app = app
        self.clients: list[Client] = []
        self.extra: list[str] = []
        self._log = log
        self._folder = folder

    async def client(self, **more: Any) -> Client:
        client = await Client.connect(self.app.url, **more)
        self.clients.append(client)
        return client

    def leaks(self, secrets: dict[str, str]) -> list[str]:
        frames = [
            frame.encode() if isinstance(frame, str) else frame
            for client in self.clients
            for frame in client.frames
        ]
        return [
            *found(secrets, "the log", self._log.getvalue()),
            *found(secrets, "the wire", b"\n".join(frames)),
            *found(secrets, "the metrics", self.app.metrics.text()),
            *found(secrets, "what else was shown", "\n".join(self.extra)),
            *found_in_folder(secrets, self._folder),
        ]


@contextlib.asynccontextmanager
async def watched(tmp_path: Path, **sections: dict[str, Any]) -> AsyncIterator[Watched]:
    """`sections` change the settings: model={"backend": …}."""
    world = Path(shutil.copytree(STARTER, tmp_path / "world"))
    written = tmp_path / "written"
    base = Settings()
    given: dict[str, dict[str, Any]] = {
        "server": {"port": 0},
        "content": {"folder": str(world)},
        "store": {"path": str(written / "dialogue.db")},
        "record": {"folder": str(written / "recordings")},
    } | sections
    settings = structs.replace(
        base,
        **{name: structs.replace(getattr(base, name), **each) for name, each in given.items()},
    )
    log = io.StringIO()
    app = App(settings, Log("json", "debug", log))
    await app.start()
    running = Watched(app, log, written)
    try:
        yield running
    finally:
        await app.stop()


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What every library says, at its chattiest."""
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.mark.parametrize(
    ("failure", "source"),
    [*((failure, "environment") for failure in FAILURES), ("a refused key", "file")],
)
async def test_the_key_of_an_api_comes_out_nowhere_however_the_api_fails(
    failure: str,
    source: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    everything_logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    model: dict[str, Any] = {"backend": "openai-compatible", "name": "any"}
    if source == "file":
        (tmp_path / "key.txt").write_text(API_KEY + "\n")
        model["key_file"] = str(tmp_path / "key.txt")
    else:
        monkeypatch.setenv("OPENAI_COMPATIBLE_API_KEY", API_KEY)
    async with FakeUpstream(lambda *_: FAILURES[failure]) as upstream:
        model["base_url"] = upstream.base_url
        async with watched(tmp_path, model=model) as served:
            client = await served.client(hello=Hello(capabilities=["designer"]))
            await client.open(npcs=("pell",))
            answer = await client.say("Who are you?")
            assert answer.ended.reason
            await client.send(Inspect("c", turn=answer.turn.turn))
            await client.send(Suggest("c", "s", 2))
            await client.send(Save("c"))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    while True:
                        await client.next()
            await client.leave()
    sent = [seen.headers["authorization"] for seen in upstream.seen]
    assert set(sent) == {f"bearer {API_KEY}"}  # the fake lowers what it reads
    served.extra += [json.dumps(seen.body) for seen in upstream.seen]
    served.extra += [everything_logged.text, *capfd.readouterr()]
    assert not served.leaks({"key": API_KEY})


@pytest.mark.parametrize(
    "flags",
    [
        ("--model-key-file", "key.txt"),  # there is a line break in it
        ("--model-key-env", API_KEY),
        ("--access-key-env", API_KEY),
        ("--model-key", API_KEY),
    ],
)
def test_a_key_in_a_wrong_place_is_not_shown(
    flags: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("key.txt").write_text(API_KEY + "\nx")
    api = ("--backend", "openai-compatible", "--base-url", "http://127.0.0.1:9/v1", "--port", "0")
    assert run(["--debug", "serve", str(STARTER), *api, *flags])
    output = "".join(capfd.readouterr())
    assert "error: " in output
    assert not found({"key": API_KEY}, "output", output)


# ---------------------------------------------------------------- tickets


def ticket(secret: str = TICKET_SECRET, **more: Any) -> str:
    claims = {"exp": time.time() + 600, "aud": "dialogue-server", "sub": "ann", **more}
    return jwt.encode(claims, secret, "HS256")


GOOD = ticket(rights=["player", "designer"])
BAD = {
    "of another secret": ticket("another secret of at least thirty-two"),
    "expired": ticket(exp=time.time() - 3600),
    "for another service": ticket(aud="canary-of-a-service"),
    "with claims of wrong form": ticket(npcs="canary-of-an-npc-list", rights=["canary-of-a-right"]),
    "with no algorithm": jwt.encode({"sub": "ann"}, "", "none"),
    "with a key's name": jwt.encode({"sub": "ann"}, TICKET_SECRET, headers={"kid": TICKET_SECRET}),
    "cut short": GOOD[:-9],
    "that is the secret": TICKET_SECRET,
    "too long": GOOD * 40,
}


async def test_neither_tickets_nor_their_key_come_out(
    tmp_path: Path,
    everything_logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TICKET_KEYS", TICKET_SECRET)
    model = {"backend": "scripted"}
    async with watched(tmp_path, access={"key_env": "TICKET_KEYS"}, model=model) as served:
        client = await served.client(hello=Hello(token=GOOD, capabilities=["designer"]))
        await client.open(npcs=("pell",))
        await client.say("Who are you?")
        for codec in (MSGPACK, JSON):
            for bad in BAD.values():
                socket = await ClientSocket.connect(served.app.url, codec)
                await socket.send(codec.encode(Hello(token=bad)))
                served.extra += [repr(frame) async for frame in socket]
                served.extra.append(socket.close_reason)
                assert socket.close_code in (CloseCode.UNAUTHORIZED, CloseCode.PROTOCOL_ERROR)
        await client.send(Open("d", ["pell"], Player("bob")))  # another's
        with contextlib.suppress(AssertionError):
            await client.expect(TurnEnd)
        await client.leave()
    assert served.app.metrics.text().count(b"unauthorized")
    served.extra += [everything_logged.text, *capfd.readouterr()]
    secrets = {"secret": TICKET_SECRET, "ticket": GOOD, "signature": GOOD.rpartition(".")[2]}
    for name, bad in BAD.items():
        secrets |= {f"ticket {name}": bad}
        if bad.rpartition(".")[2]:
            secrets[f"signature of a ticket {name}"] = bad.rpartition(".")[2]
    secrets = {name: each for name, each in secrets.items() if len(each) >= 8}
    assert not served.leaks(secrets)


async def test_a_broken_key_file_is_told_without_its_content(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(TICKET_SECRET)
    model = {"backend": "scripted"}
    async with watched(tmp_path, access={"key_file": str(file)}, model=model) as served:
        (await served.client(hello=Hello(token=GOOD))).socket.abort()
        for content in (
            json.dumps({"keys": [{"kty": "oct", "k": TICKET_SECRET, "alg": "HS512"}]}),
            json.dumps({"keys": [TICKET_SECRET]}),
            '{"keys": [{"k": "' + TICKET_SECRET,
            f"-----BEGIN PRIVATE KEY-----\n{TICKET_SECRET}\n-----END PRIVATE KEY-----\n",
            TICKET_SECRET[:31],
        ):
            file.write_text(content)
            (await served.client(hello=Hello(token=GOOD))).socket.abort()
        assert served.leaks({"x": "keys_unusable"})  # it was told
        assert not served.leaks({"secret": TICKET_SECRET, "part": TICKET_SECRET[:31]})


# ---------------------------------------------------------------- a whole server as a process


PASSWORD = "canary7f3a9c"


@pytest.mark.parametrize(
    "address",
    [
        f"redis://:{PASSWORD}@127.0.0.1:1/0",
        f"redis://user:{PASSWORD}@127.0.0.1:99999/0",
        f"redis://:{PASSWORD}/x@127.0.0.1:1/0",
        f"redis://:x/{PASSWORD}@127.0.0.1:1/0",
        f"redis://:{PASSWORD}#x@127.0.0.1:1/0",
        f"redis://:{PASSWORD}?x@127.0.0.1:1/0",
        f"redis://:x@{PASSWORD}@127.0.0.1:1/0",
        f"redis://127.0.0.1:1/0?password={PASSWORD}",
        f"redis://:{PASSWORD}",
        f"rediss://:{PASSWORD}@127.0.0.1:1",
        f"unix://:{PASSWORD}@/nowhere.sock",
        f"other://:{PASSWORD}@127.0.0.1",
    ],
)
def test_the_password_of_a_redis_is_shown_by_no_command(
    address: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert PASSWORD not in shown(address)
    monkeypatch.setenv("DIALOGUE_STORE_PATH", address)
    assert run(["settings"]) == 0
    for command in ("serve", "conversations"):
        assert run(["--debug", command, str(STARTER)])
    output = "".join(capfd.readouterr())
    assert output.count("error: ") == 2
    assert "store.path" in output
    assert not found({"password": PASSWORD}, "output", output)


@pytest.mark.timeout(120)
async def test_a_whole_server_keeps_its_secrets_while_everything_around_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS, a Redis with a password, tickets by a key file, and a model that refuses its key; then
    the Redis goes, and the server is stopped."""
    written = tmp_path / "written"
    written.mkdir()
    certificate = write_certificate(tmp_path / "tls.pem")
    pem = certificate.read_text().partition("-----BEGIN PRIVATE KEY-----")[2]
    private = pem.partition("-----END")[0].strip().replace("\n", "")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    key_set = {"keys": [{"kty": "oct", "kid": "k1", "k": TICKET_SECRET, "alg": "HS256"}]}
    (tmp_path / "keys.json").write_text(json.dumps(key_set))
    secret = jwt.utils.base64url_decode(TICKET_SECRET.encode())
    claims = {"exp": time.time() + 600, "aud": "dialogue-server", "sub": "ann"}
    good = jwt.encode(claims, secret, "HS256", headers={"kid": "k1"})
    scrape = jwt.encode({**claims, "rights": ["operator"]}, secret, "HS256", headers={"kid": "k1"})
    server = new_redis(tmp_path / "redis")
    with redis.Redis.from_url(server.url) as client:
        client.config_set("requirepass", PASSWORD)
    log = written / "log"
    wire: list[bytes] = []
    try:
        async with FakeUpstream(lambda *_: FAILURES["a refused key"]) as upstream:
            with log.open("wb") as output:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-X", "dev", "-m", "dialogue_server", "--debug", "serve"),
                    *(str(STARTER), "--port", "0", "--log-format", "json", "--log-level", "debug"),
                    *("--backend", "openai-compatible", "--base-url", upstream.base_url),
                    *("--model", "any", "--access-key-file", str(tmp_path / "keys.json")),
                    *("--server-tls-certificate", str(certificate)),
                    *("--record", str(written / "recordings")),
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=output,
                    cwd=ROOT,
                    env=environment(
                        OPENAI_COMPATIBLE_API_KEY=API_KEY,
                        PYTHONASYNCIODEBUG="1",
                        DIALOGUE_STORE_PATH=server.url.replace("unix://", f"unix://:{PASSWORD}@"),
                    ),
                )
            try:
                url = await ready(log)
                talker = await Client.connect(url, hello=Hello(token=good))
                await talker.open(npcs=("pell",))
                for line in ("1", "2"):
                    await talker.say("Who are you?", line=line)
                for bad in (good[:-5], "x" * 500, TICKET_SECRET):
                    socket = await ClientSocket.connect(url)
                    await socket.send(MSGPACK.encode(Hello(token=bad)))
                    wire += [frame async for frame in socket if isinstance(frame, bytes)]
                    wire.append(socket.close_reason.encode())
                with contextlib.suppress(ConnectError):
                    await ClientSocket.connect(url.replace("wss://", "ws://"))
                wire.append(await scraped(url, scrape, certificate))
                assert b"dialogue_turns_total" in wire[-1]
                with redis.Redis.from_url(
                    server.url.replace("unix://", f"unix://:{PASSWORD}@")
                ) as client:
                    client.config_set("requirepass", "another-one-than-before")
                    client.client_kill_filter(_type="normal", skipme=True)
                await talker.send(Event("c", "3", "The lamp goes out.", "never"))
                await talker.next()
                server.kill()
                await talker.send(Event("c", "4", "The lamp goes on.", "never"))
                await talker.next()
                wire += [frame for frame in talker.frames if isinstance(frame, bytes)]
                talker.socket.abort()
            finally:
                process.terminate()
                await process.wait()
    finally:
        server.close()
    text = log.read_text()
    assert "store_failed" in text
    assert "model.attempt_failed" in text
    assert "request.refused" in text
    secrets = {
        "API key": API_KEY,
        "ticket secret": TICKET_SECRET,
        "ticket": good,
        "signature": good.rpartition(".")[2],
        "operator's ticket": scrape,
        "password": PASSWORD,
        "TLS key": private[24:56],
    }
    assert not found(secrets, "the wire", b"\n".join(wire))
    assert not found_in_folder(secrets, written)


async def ready(log: Path) -> str:
    """The address of a server, once it listens."""
    async with asyncio.timeout(30):
        while True:
            for line in log.read_text().splitlines():
                if '"server.ready"' in line:
                    return str(json.loads(line)["url"]).replace("127.0.0.1", "localhost")
            await asyncio.sleep(0.05)


async def scraped(url: str, token: str, certificate: Path) -> bytes:
    """/metrics, as an operator gets it."""
    address = url.replace("wss://", "https://") + "/metrics"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    context = ssl.create_default_context(cafile=str(certificate))

    def get() -> bytes:
        with urllib.request.urlopen(request, context=context) as answer:
            data: bytes = answer.read()
            return data

    return await asyncio.to_thread(get)
