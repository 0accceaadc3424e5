"""Turns as OpenTelemetry traces, received as a collector receives them."""

from __future__ import annotations

import asyncio
import gzip
import io
import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from dialogue_server.engine.observer import (
    GuardHit,
    ModelUsed,
    SessionStarted,
    TurnFinished,
)
from dialogue_server.errors import SettingsError
from dialogue_server.instrumentation.logging import Log
from dialogue_server.instrumentation.tracing import Tracing, stretches
from dialogue_server.server.app import App
from dialogue_server.settings import MEMORY, Settings
from tests.harness import Client

STARTER = Path(__file__).parents[2] / "dialogue_server" / "starter"
AT = 1_795_478_400_000_000_000
MOMENTS = {
    "prompt": 4.0,
    "placed": 104.0,
    "connected": 150.0,
    "model_text": 400.0,
    "first_token": 450.0,
    "total": 1500.0,
}


class Collector:
    """Takes traces by HTTP, as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.headers.append({k.lower(): v for k, v in self.headers.items()})
                if self.path == "/v1/traces":
                    collector.requests.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    found = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
    yield found
    found.stop()


def attributes(span: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
    }


def finished(**changes: Any) -> TurnFinished:
    given: dict[str, Any] = {
        "session": "s1",
        "conversation": "c1",
        "turn": "t1",
        "npc": "mira",
        "backend": "openrouter+local",
        "reason": "complete",
        "code": "",
        "length": 10,
        "first_token_ms": 450,
        "total_ms": 1500,
        "input_tokens": 100,
        "output_tokens": 20,
        "cached_tokens": 0,
        "model": "openrouter:m2",
        "dollars": 0.25,
        "moments": MOMENTS,
    }
    return TurnFinished(**{**given, **changes})


async def test_a_turn_is_a_trace_that_says_where_its_time_went(collector: Collector) -> None:
    tracing = Tracing("dialogue-server 1.2.3", now=lambda: AT)
    tracing(SessionStarted("s1", "game", False))
    tracing(GuardHit("t1", "mira", "topics", "gold", "regenerated"))
    tracing(finished())
    await tracing.aclose()
    turn = next(span for span in collector.spans if span.name == "turn mira")
    parts = sorted(
        (span for span in collector.spans if span is not turn),
        key=lambda span: span.start_time_unix_nano,
    )
    assert (turn.start_time_unix_nano, turn.end_time_unix_nano) == (AT - 1_500_000_000, AT)
    assert {span.trace_id for span in parts} == {turn.trace_id}
    assert {span.parent_span_id for span in parts} == {turn.span_id}
    assert [span.name for span in parts] == [
        "prepare",
        "wait for a place",
        "connect",
        "wait for the model",
        "hold for guards",
        "speak",
    ]
    milliseconds = [(s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 for s in parts]
    assert milliseconds == [4, 100, 46, 250, 50, 1050]
    told = attributes(turn)
    assert told["session.id"] == "s1"
    assert told["dialogue.turn"] == "t1"
    assert told["gen_ai.response.model"] == "openrouter:m2"
    assert told["gen_ai.usage.output_tokens"] == 20
    assert told["dialogue.dollars"] == 0.25
    assert [event.name for event in turn.events] == ["guard.hit"]
    resource = collector.requests[0].resource_spans[0].resource
    assert attributes(resource)["service.name"] == "dialogue-server"
    assert attributes(resource)["service.version"] == "1.2.3"


async def test_a_failed_turn_is_an_error_with_its_code(collector: Collector) -> None:
    tracing = Tracing("dialogue-server 1")
    tracing(finished(reason="fallback", code="model_timeout", detail="took too long"))
    tracing(ModelUsed("c1", "summary", "local", 50, 0.5))
    await tracing.aclose()
    turn = next(span for span in collector.spans if span.name == "turn mira")
    assert turn.status.code == 2
    assert turn.status.message == "model_timeout: took too long"
    used = next(span for span in collector.spans if span.name == "model summary")
    assert attributes(used)["dialogue.counted_tokens"] == 50


def test_what_did_not_come_belongs_to_what_comes_next() -> None:
    assert list(stretches({"prompt": 4.0, "total": 30.0})) == [
        ("prepare", 0.0, 4.0),
        ("speak", 4.0, 30.0),
    ]
    assert list(stretches({"prompt": 4.0, "placed": 3.0})) == [
        ("prepare", 0.0, 4.0),
        ("wait for a place", 4.0, 4.0),
    ]
    assert list(stretches({})) == []


async def test_hits_of_turns_that_never_end_are_bounded(collector: Collector) -> None:
    tracing = Tracing("dialogue-server 1")
    for number in range(2000):
        tracing(GuardHit(f"t{number}", "mira", "topics", "gold", "cut"))
    assert len(tracing._hits) == 1000
    await tracing.aclose()


def test_without_the_extra_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match=r"dialogue-server\[traces\]"):
        Tracing("dialogue-server 1")


async def test_a_server_sends_its_turns_and_nothing_of_what_was_said(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "village")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20collector-key")
    world = shutil.copytree(STARTER, tmp_path / "world")
    base, log = Settings(), io.StringIO()
    settings = structs.replace(
        base,
        server=structs.replace(base.server, port=0, traces="on"),
        content=structs.replace(base.content, folder=str(world)),
        model=structs.replace(base.model, backend="scripted"),
        store=structs.replace(base.store, path=MEMORY),
    )
    app = App(settings, Log("json", "debug", log))
    await app.start()
    client = await Client.connect(app.url)
    await client.open(npcs=("pell",))
    answer = await client.say("A canary of mine?")
    await client.leave()
    async with asyncio.timeout(20):
        await app.stop()
    turn = next(span for span in collector.spans if span.name == "turn pell")
    assert attributes(turn)["dialogue.turn"] == answer.turn.id
    assert collector.headers[0]["authorization"] == "Bearer collector-key"
    resource = collector.requests[0].resource_spans[0].resource
    assert attributes(resource)["service.name"] == "village"
    sent = str(collector.requests)
    assert "canary" not in sent
    assert answer.text not in sent
    assert "collector-key" not in log.getvalue()
