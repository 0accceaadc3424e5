"""Turns as OpenTelemetry traces, sent by OTLP over HTTP. Sole owner of opentelemetry, which the
extra `traces` brings.

A turn becomes a trace when it is over: a span with its outcome and cost, and below it one for each
stretch of its time. Nothing is done per token, and nothing of what was said is sent. Where to, and
with which headers, the standard variables say (OTEL_EXPORTER_OTLP_ENDPOINT and its like).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..engine.observer import GuardHit, ModelUsed, Record, TurnFinished
from ..errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

STRETCHES = {
    "prompt": "prepare",
    "placed": "wait for a place",
    "connected": "connect",
    "model_text": "wait for the model",
    "first_token": "hold for guards",
    "total": "speak",
}
"""What a turn's time goes into until each of its moments (spec.md, "inspected")."""
_MAX_HITS = 1000


class Tracing:
    """An Observer that sends traces. After the last record, call `aclose`."""

    def __init__(self, server: str, *, now: Callable[[], int] = time.time_ns) -> None:
        """`server` is the name and version, such as "dialogue-server 0.1.0". Raises SettingsError
        where the extra is missing."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter,
            )
            from opentelemetry.sdk.resources import (  # noqa: PLC0415
                OTELResourceDetector,
                Resource,
            )
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        except ImportError:
            raise SettingsError(
                "server.traces: OpenTelemetry is not installed; "
                "`pip install 'dialogue-server[traces]'` brings it"
            ) from None
        name, _, version = server.partition(" ")
        # The variables OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go over this.
        resource = Resource.create({"service.name": name, "service.version": version}).merge(
            OTELResourceDetector().detect()
        )
        self._provider: TracerProvider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(name, version)
        self._now = now
        self._hits: dict[str, list[tuple[int, GuardHit]]] = {}

    def __call__(self, record: Record) -> None:
        """Note a record; a turn that is over is sent."""
        match record:
            case TurnFinished():
                self._send(record)
            case GuardHit(turn=turn):
                if len(self._hits) < _MAX_HITS:
                    self._hits.setdefault(turn, []).append((self._now(), record))
            case ModelUsed():
                self._tracer.start_span(
                    f"model {record.purpose}",
                    attributes={
                        "dialogue.conversation": record.conversation,
                        "dialogue.backend": record.backend,
                        "dialogue.counted_tokens": record.tokens,
                        "dialogue.dollars": record.dollars,
                    },
                ).end()
            case _:
                pass

    async def aclose(self) -> None:
        """Send what is left, for a few seconds at most."""
        await asyncio.to_thread(self._provider.shutdown)

    def _send(self, turn: TurnFinished) -> None:
        from opentelemetry.trace import (  # noqa: PLC0415
            SpanKind,
            Status,
            StatusCode,
            set_span_in_context,
        )

        end = self._now()
        began = end - 1_000_000 * turn.total_ms
        span = self._tracer.start_span(
            f"turn {turn.npc}", kind=SpanKind.SERVER, start_time=began, attributes=_attributes(turn)
        )
        for at, hit in self._hits.pop(turn.turn, ()):
            about = {"guard": hit.guard, "rule": hit.rule, "action": hit.action}
            span.add_event("guard.hit", about, timestamp=at)
        if turn.code:
            span.set_status(Status(StatusCode.ERROR, f"{turn.code}: {turn.detail}"))
        inside = set_span_in_context(span)
        for name, since, until in stretches(turn.moments):
            part = self._tracer.start_span(
                name, context=inside, start_time=began + round(1_000_000 * since)
            )
            part.end(began + round(1_000_000 * until))
        span.end(end)


def stretches(moments: Mapping[str, float]) -> Iterator[tuple[str, float, float]]:
    """What the time of a turn went into: names, begins and ends, in milliseconds. What did not
    come is left out, and belongs to what comes next."""
    at = 0.0
    for until, name in STRETCHES.items():
        if until in moments:
            yield name, at, max(at, moments[until])
            at = max(at, moments[until])


def _attributes(turn: TurnFinished) -> dict[str, Any]:
    """By OpenTelemetry's names for generative models where there are such."""
    return {
        "session.id": turn.session,
        "gen_ai.conversation.id": turn.conversation,
        "gen_ai.agent.id": turn.npc,
        "gen_ai.request.model": turn.backend,
        "gen_ai.response.model": turn.model,
        "gen_ai.response.finish_reasons": (turn.reason,),
        "gen_ai.usage.input_tokens": turn.input_tokens,
        "gen_ai.usage.output_tokens": turn.output_tokens,
        "dialogue.turn": turn.turn,
        "dialogue.code": turn.code,
        "dialogue.first_token_ms": turn.first_token_ms,
        "dialogue.longest_gap_ms": turn.longest_gap_ms,
        "dialogue.counted_tokens": turn.counted_tokens,
        "dialogue.dollars": turn.dollars,
        "dialogue.budget": turn.budget,
        "dialogue.limit": turn.limit,
    }
