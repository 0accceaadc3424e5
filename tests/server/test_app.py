"""The composition root: what happens when a part of it cannot start."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import sys
from pathlib import Path

import pytest
from dialogue_protocol.messages import Error, Say, Suggest, Suggestions
from msgspec import structs

from dialogue_server.domain.conversation import ConversationKey, Node
from dialogue_server.engine.observer import Record
from dialogue_server.errors import BackendError, SettingsError
from dialogue_server.instrumentation.logging import Log
from dialogue_server.server.app import App
from dialogue_server.server.joining import is_near
from dialogue_server.settings import MEMORY, Settings
from dialogue_server.stores.sqlite import SQLiteStore
from tests.fakes.certificate import write_certificate
from tests.harness import Client
from tests.services.redis_server import new_redis

STARTER = Path(__file__).parents[2] / "dialogue_server" / "starter"


def settings_for(world: Path, backend: str, weights: Path) -> Settings:
    base = Settings()
    return structs.replace(
        base,
        server=structs.replace(base.server, port=0),
        content=structs.replace(base.content, folder=str(world)),
        model=structs.replace(base.model, backend=backend),
        local=structs.replace(base.local, model=str(weights)),
        store=structs.replace(base.store, path=MEMORY),
    )


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STARTER, tmp_path / "world"))


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A file that looks like a model and cannot be loaded."""
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF\x03\x00\x00\x00" + b"\x00" * 4096)
    return file


async def test_a_model_that_was_only_found_and_cannot_start_is_stood_in_for(
    world: Path, damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENROUTER_API_KEY", "MINIMAX_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    said = io.StringIO()
    app = App(settings_for(world, "auto", damaged), Log("json", stream=said))
    await app.start()
    assert "the model that was found cannot start: " in said.getvalue()
    client = await Client.connect(app.url)
    await client.open(npcs=("pell",))
    answer = await client.say("Who are you?")
    assert answer.text
    assert answer.ended.reason == "complete"
    await client.leave()
    await app.stop()


async def test_a_model_that_was_asked_for_and_cannot_start_stops_the_start(
    world: Path, damaged: Path
) -> None:
    app = App(settings_for(world, "local", damaged), Log("json", stream=io.StringIO()))
    with pytest.raises(BackendError, match=r"model\.gguf"):
        await app.start()


async def test_old_branches_are_collected_at_the_start_and_the_log_says_how_many(
    world: Path,
) -> None:
    key = ConversationKey("ann", "tavern")
    store = SQLiteStore(world / "dialogue.db")
    await store.start()
    for node, parent in (("a", ""), ("b", "a"), ("b2", "a")):
        await store.append(key, Node(node, parent, "npc", "mira", "Hm.", 1.0))
    await store.aclose()
    settings = settings_for(world, "scripted", Path())
    kept = structs.replace(settings.store, path=str(world / "dialogue.db"), keep_days=30.0)
    said = io.StringIO()
    app = App(structs.replace(settings, store=kept), Log("json", stream=said))
    await app.start()
    async with asyncio.timeout(10):
        while "store.collected" not in said.getvalue():
            await asyncio.sleep(0.01)
    assert await app.context.store.path(key, "b") == ()
    await app.stop()
    (line,) = [line for line in said.getvalue().splitlines() if "store.collected" in line]
    assert json.loads(line)["nodes"] == 1


async def test_sessions_are_recorded_where_a_folder_is_named(
    world: Path, damaged: Path, tmp_path: Path
) -> None:
    settings = settings_for(world, "scripted", damaged)
    folder = tmp_path / "recordings"
    settings = structs.replace(
        settings, record=structs.replace(settings.record, folder=str(folder), players="covered")
    )
    app = App(settings, Log("json", stream=io.StringIO()))
    await app.start()
    client = await Client.connect(app.url)
    await client.open(npcs=("pell",))
    answer = await client.say("Who are you?")
    await client.leave()
    await app.stop()
    (file,) = folder.iterdir()
    text = file.read_text(encoding="utf-8")
    assert answer.ended.reason in text
    assert "Who are you?" in text
    assert "Ann" not in text


@pytest.mark.parametrize(("host", "said_so"), [("0.0.0.0", True), ("127.0.0.1", False)])
async def test_a_port_open_to_others_that_takes_none_of_them_is_told(
    world: Path, host: str, said_so: bool
) -> None:
    settings = settings_for(world, "scripted", Path())
    server = structs.replace(settings.server, host=host)
    said = io.StringIO()
    app = App(structs.replace(settings, server=server), Log("json", stream=said))
    await app.start()
    await app.stop()
    assert ("--make-key FILE" in said.getvalue()) is said_so


@pytest.mark.parametrize(
    ("host", "code"),
    [("10.255.255.1", "This machine has no such address"), ("no.such.host.invalid", "no such")],
)
async def test_an_address_that_is_none_of_this_machine_is_told(
    world: Path, host: str, code: str
) -> None:
    settings = settings_for(world, "scripted", Path())
    server = structs.replace(settings.server, host=host)
    app = App(structs.replace(settings, server=server), Log("json", stream=io.StringIO()))
    with pytest.raises(SettingsError, match=code) as told:
        await app.start()
    assert "stop what holds it" not in told.value.detail


@pytest.mark.parametrize(("days", "warned"), [(-1, True), (1, False)])
async def test_a_certificate_that_clients_refuse_is_told_at_the_start(
    world: Path, tmp_path: Path, days: int, warned: bool
) -> None:
    file = write_certificate(tmp_path / "c.pem", days=days)
    settings = settings_for(world, "scripted", Path())
    server = structs.replace(settings.server, tls_certificate=str(file))
    said = io.StringIO()
    app = App(structs.replace(settings, server=server), Log("json", stream=said))
    await app.start()
    await app.stop()
    assert ("c.pem: clients refuse it: certificate has expired" in said.getvalue()) is warned


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("wss://localhost:8765", []),
        ("wss://10.0.0.5:8765", ["server.certificate"]),
        ("wss://0.0.0.0:8765", ["server.unreachable", "server.certificate"]),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="there is no Redis for it")
async def test_an_address_where_other_servers_cannot_come_is_told(
    world: Path, tmp_path: Path, address: str, told: list[str]
) -> None:
    redis = new_redis(tmp_path / "redis")
    settings = settings_for(world, "scripted", Path())
    certificate = str(write_certificate(tmp_path / "c.pem"))
    server = structs.replace(settings.server, tls_certificate=certificate, address=address)
    store = structs.replace(settings.store, path=redis.url)
    said = io.StringIO()
    app = App(structs.replace(settings, server=server, store=store), Log("json", stream=said))
    try:
        await app.start()
        await app.stop()  # at once: this had hung
    finally:
        redis.close()
    events = [json.loads(line)["event"] for line in said.getvalue().splitlines()]
    assert [e for e in events if e in ("server.certificate", "server.unreachable")] == told


def test_a_redis_of_this_machine_is_known_by_its_address() -> None:
    near = ["unix:///run/r.sock", "redis://localhost", "rediss://:x@127.0.0.1:1/0", "redis://[::1]"]
    assert all(map(is_near, near))
    assert not is_near("redis://:x@redis.internal:6379")


def test_a_line_of_the_log_is_one_write_so_that_workers_do_not_tear_each_others() -> None:
    writes: list[str] = []

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            writes.append(text)
            return len(text)

    Log("json", stream=Stream()).info("worker.started", worker=1)
    (line,) = writes
    assert line.endswith("}\n")


async def test_a_listener_that_fails_ends_no_turn_and_no_session(
    world: Path, damaged: Path
) -> None:
    class Broken(Log):
        def __call__(self, record: Record) -> None:
            raise ZeroDivisionError

    app = App(settings_for(world, "scripted", damaged), Broken("json", stream=io.StringIO()))
    await app.start()
    client = await Client.connect(app.url)
    await client.open(npcs=("pell",))
    answer = await client.say("Who are you?")
    assert answer.text and answer.ended.reason == "complete"
    await client.send(Say("none", "x", "Hello?"))
    assert (await client.expect(Error)).code == "unknown_conversation"
    await client.send(Suggest("c", "s"))
    await client.expect(Suggestions)
    client.socket.abort()
    client = await client.resume(app.url)
    assert client.welcome is not None and client.welcome.resumed
    assert (await client.say("And you?", line="2")).ended.reason == "complete"
    await client.leave()
    await app.stop()
    counted = app.metrics.text().decode()
    assert 'dialogue_turns_total{backend="scripted",code="",reason="complete"} 2.0' in counted
    assert 'dialogue_sessions_started_total{resumed="yes"} 1.0' in counted
    assert 'dialogue_sessions_ended_total{reason="restart"} 1.0' in counted
    assert 'dialogue_failures_total{where="observer"}' in counted


async def test_a_language_that_is_none_stops_the_start(world: Path, damaged: Path) -> None:
    settings = settings_for(world, "scripted", damaged)
    content = structs.replace(settings.content, language="German!")
    app = App(structs.replace(settings, content=content), Log("json", stream=io.StringIO()))
    with pytest.raises(SettingsError, match=r"content\.language: 'German!' is no language tag"):
        await app.start()
