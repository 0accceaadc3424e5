"""/metrics over real HTTP: who may read it, and that a real talk shows in it."""

from __future__ import annotations

import asyncio
import http.client
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jwt
from msgspec import structs
from prometheus_client.parser import text_string_to_metric_families

from dialogue_server.instrumentation.logging import Log
from dialogue_server.instrumentation.metrics import CONTENT_TYPE, Metrics
from dialogue_server.server.admission import Admission
from dialogue_server.server.app import App
from dialogue_server.settings import MEMORY, Access, Settings
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, Served, serving
from tests.server.test_app import STARTER

SECRET = "a secret of thirty-two characters"


async def get(url: str, authorization: str = "", *more: tuple[str, str]) -> tuple[int, str, str]:
    """Status, type and body of /metrics."""

    def ask() -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(url.removeprefix("ws://"), timeout=10)
        headers = {"Authorization": authorization} if authorization else {}
        connection.request("GET", "/metrics?x=1", headers={**headers, **dict(more)})
        answer = connection.getresponse()
        kind, body = answer.getheader("Content-Type") or "", answer.read().decode()
        connection.close()
        return answer.status, kind, body

    return await asyncio.to_thread(ask)


def ticket(*rights: str, lasts: int = 3600) -> str:
    claims = {
        "exp": int(time.time()) + lasts,
        "aud": "dialogue-server",
        "sub": "ann",
        "rights": list(rights),
    }
    return f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"


@asynccontextmanager
async def demanding() -> AsyncIterator[Served]:
    admission = Admission(Access(key_env="KEYS"), {"KEYS": SECRET})
    async with serving(SteeredBackend(), admission=admission, metrics=Metrics().text) as served:
        yield served


async def test_a_name_that_suddenly_leads_here_reads_nothing() -> None:
    async with serving(SteeredBackend(), metrics=Metrics().text) as served:
        assert (await get(served.url))[0] == 200
        for name in ("localhost:1", "127.0.0.1", "[::1]:80"):
            assert (await get(served.url, "", ("Host", name)))[0] == 200
        for name in ("evil.example", "evil.example:80", ""):
            assert (await get(served.url, "", ("Host", name)))[0] == 401


async def test_only_an_operators_ticket_opens_it_where_tickets_are_wanted() -> None:
    async with demanding() as served:
        status, _, body = await get(served.url)
        assert status == 401
        assert body.startswith("Authorization: the ticket is empty")
        assert (await get(served.url, "Basic YTpi"))[0] == 401
        assert (await get(served.url, "Bearer nonsense"))[0] == 401
        assert (await get(served.url, ticket("player", "designer")))[0] == 403
        assert (await get(served.url, ticket("operator", lasts=-90)))[0] == 403
        status, kind, body = await get(served.url, ticket("operator"))
        assert (status, kind) == (200, CONTENT_TYPE)
        assert "# TYPE dialogue_turns_total counter" in body


async def test_this_machine_may_read_it_while_there_are_no_keys() -> None:
    async with serving(SteeredBackend(), metrics=Metrics().text) as served:
        assert (await get(served.url))[0] == 200
        assert (await get(served.url, "", ("X-Forwarded-For", "1.2.3.4")))[0] == 401


async def test_a_talk_shows_in_the_metrics_of_a_whole_server() -> None:
    base = Settings()
    settings = structs.replace(
        base,
        server=structs.replace(base.server, port=0),
        content=structs.replace(base.content, folder=str(STARTER)),
        model=structs.replace(base.model, backend="scripted"),
        store=structs.replace(base.store, path=MEMORY),
    )
    app = App(settings, Log("json", stream=io.StringIO()))
    await app.start()
    try:
        client = await Client.connect(app.url)
        await client.open(npcs=("pell",))
        await client.say("Who are you?")
        _, _, body = await get(app.url)
    finally:
        await app.stop()
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    backend = ("backend", "scripted")
    assert samples["dialogue_sessions_started_total", ("resumed", "no")] == 1
    done = ("dialogue_turns_total", backend, ("code", ""), ("reason", "complete"))
    assert samples[done] == 1
    assert samples["dialogue_turn_seconds_count", backend] == 1
    assert samples["dialogue_sessions",] == 1
    assert samples["dialogue_sessions_attached",] == 1
    assert samples["dialogue_conversations",] == 1
    assert samples["dialogue_turns_running",] == 0
    assert samples["dialogue_replay_bytes",] > 0
    assert samples["dialogue_draining",] == 0
