"""The engine's records as metrics for Prometheus. Sole owner of prometheus-client.

Names and meanings are listed in docs/operating.md. Every label has a bound: what a client or a
designer can make up never becomes one, and of the rest each label keeps its first values and
counts later ones as `other`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dialogue_protocol.codes import EndReason, ErrorCode
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from ..engine.observer import (
    BranchesCollected,
    CueDropped,
    Failure,
    GuardHit,
    ModelUsed,
    Record,
    RequestRefused,
    SessionEnded,
    SessionStarted,
    TurnFinished,
    TurnStarted,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series each that nobody reads
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
MOST_VALUES = 32
"""Values of a label that is not a closed set, before `other`."""
OTHER = "other"
_FIRST_TOKEN = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
_TURN = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 60.0, 120.0)
_GAP = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0)
_REASONS = frozenset(EndReason)
_CODES = frozenset(ErrorCode)
_ENDINGS = {
    "expired": "expired",
    "the server restarts": "restart",
    "its place was needed (limits.sessions)": "evicted",
}


class Metrics:
    """Counts what the engine tells. An Observer, and more: `watch` adds what is asked for at
    each scrape, `text` is the answer to one."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._values: dict[str, set[str]] = {}
        self._running: set[str] = set()

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"dialogue_{name}", about, labels, registry=registry)

        def histogram(name: str, about: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(
                f"dialogue_{name}", about, ("backend",), registry=registry, buckets=buckets
            )

        self._sessions = counter("sessions_started", "Hellos that were accepted.", "resumed")
        self._ended = counter("sessions_ended", "Sessions that are over.", "reason")
        self._started = counter("turns_started", "Turns that began.", "backend")
        self._turns = counter("turns", "Turns that are over.", "backend", "reason", "code")
        self._first = histogram(
            "first_token_seconds", "From the player's line to the first text.", _FIRST_TOKEN
        )
        self._whole = histogram("turn_seconds", "From the player's line to the end.", _TURN)
        self._tokens = counter(
            "tokens", "As the models count them; cached are a part of input.", "backend", "kind"
        )
        self._gap = histogram(
            "token_gap_seconds", "The mean time between two pieces of a turn's text.", _GAP
        )
        self._longest = histogram(
            "longest_gap_seconds", "The longest time between two pieces of a turn's text.", _GAP
        )
        self._queued = histogram(
            "queue_seconds", "What turns waited for a place, those that waited.", _TURN
        )
        self._dollars = counter(
            "cost_dollars", "What models cost, as they say or estimated.", "backend", "purpose"
        )
        self._counted = counter(
            "counted_tokens", "What budgets count, estimates included.", "backend", "purpose"
        )
        self._limited = counter("budget_limited", "Turns that a budget limited.", "limit", "level")
        self._attempts = counter(
            "model_attempts_failed", "Attempts that failed before any text.", "backend", "code"
        )
        self._refused = counter("requests_refused", "Messages answered by an error.", "code")
        self._dropped = counter("cues_dropped", "Tags that no persona declares.", "kind")
        self._guards = counter("guard_hits", "Sentences that a guard caught.", "guard", "action")
        self._collected = counter("nodes_collected", "Nodes of old branches deleted.")
        self._failures = counter("failures", "What should not happen and did.", "where")
        self.watch("turns_running", "Turns that run now.", lambda: len(self._running))

    def __call__(self, record: Record) -> None:
        """Count a record."""
        match record:
            case TurnFinished():
                self._finish(record)
            case TurnStarted(turn=turn, backend=backend):
                self._running.add(turn)
                self._started.labels(self._bounded("backend", backend)).inc()
            case SessionStarted(resumed=resumed):
                self._sessions.labels("yes" if resumed else "no").inc()
            case SessionEnded(reason=reason):
                self._ended.labels(_ENDINGS.get(reason, OTHER)).inc()
            case RequestRefused(code=code):
                self._refused.labels(code if code in _CODES else OTHER).inc()
            case CueDropped(kind=kind):
                self._dropped.labels(self._bounded("kind", kind)).inc()
            case GuardHit(guard=guard, action=action):
                self._guards.labels(
                    self._bounded("guard", guard), self._bounded("action", action)
                ).inc()
            case BranchesCollected(nodes=nodes):
                self._collected.inc(nodes)
            case ModelUsed():
                self._pay(record.backend, record.purpose, record.tokens, record.dollars)
            case Failure(where=where):
                self._failures.labels(self._bounded("where", where.partition(" ")[0])).inc()
            case _:
                pass

    def attempt_failed(self, backend: str, code: str) -> None:
        """A model was asked, and failed before its first text."""
        self._attempts.labels(
            self._bounded("backend", backend), code if code in _CODES else OTHER
        ).inc()

    def watch(self, name: str, about: str, value: Callable[[], float]) -> None:
        """A gauge `dialogue_<name>` that is read at each scrape."""
        Gauge(f"dialogue_{name}", about, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format, of the type CONTENT_TYPE."""
        return generate_latest(self._registry)

    def names(self) -> set[str]:
        """Every series name that a scrape may show."""
        found: set[str] = set()
        for metric in self._registry.collect():
            ending = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
            found.update(metric.name + end for end in ending.get(metric.type, ("",)))
        return found

    def _finish(self, turn: TurnFinished) -> None:
        self._running.discard(turn.turn)
        backend = self._bounded("backend", turn.backend)
        reason = turn.reason if turn.reason in _REASONS else OTHER
        code = turn.code if not turn.code or turn.code in _CODES else OTHER
        self._turns.labels(backend, reason, code).inc()
        self._whole.labels(backend).observe(turn.total_ms / 1000)
        if turn.first_token_ms:
            self._first.labels(backend).observe(turn.first_token_ms / 1000)
        if turn.longest_gap_ms:
            self._gap.labels(backend).observe(turn.gap_ms / 1000)
            self._longest.labels(backend).observe(turn.longest_gap_ms / 1000)
        if turn.queued_ms:
            self._queued.labels(backend).observe(turn.queued_ms / 1000)
        self._pay(turn.backend, "turn", turn.counted_tokens, turn.dollars)
        if turn.limit:
            level, _, limit = turn.limit.partition(" ")
            self._limited.labels(limit, level).inc()
        for kind, tokens in (
            ("input", turn.input_tokens),
            ("output", turn.output_tokens),
            ("cached", turn.cached_tokens),
        ):
            if tokens:
                self._tokens.labels(backend, kind).inc(tokens)

    def _pay(self, backend: str, purpose: str, tokens: int, dollars: float) -> None:
        labels = self._bounded("backend", backend), self._bounded("purpose", purpose)
        if tokens:
            self._counted.labels(*labels).inc(tokens)
        if dollars:
            self._dollars.labels(*labels).inc(dollars)

    def _bounded(self, label: str, value: str) -> str:
        if not value.isprintable():
            value = ascii(value)
        known = self._values.setdefault(label, set())
        if value in known:
            return value
        if len(known) >= MOST_VALUES:
            return OTHER
        known.add(value)
        return value


def by_worker(texts: Mapping[str, bytes]) -> bytes:
    """The metrics of several processes as one text, by the name that becomes the label `worker`.
    Each metric is described once, with the series of all below it, as the format demands."""
    families: dict[str, list[str]] = {}
    for worker, text in texts.items():
        label, family = f'worker="{worker}"', ""
        for line in text.decode().removesuffix("\n").split("\n"):
            if line.startswith("# "):
                family = line.split(" ", 3)[2]
                described = families.setdefault(family, [])
                if line not in described:
                    described.append(line)
            else:
                name, brace, rest = line.partition("{")
                if brace:
                    series = f"{name}{{{label},{rest}"
                else:
                    name, _, value = line.partition(" ")
                    series = f"{name}{{{label}}} {value}"
                families[family].append(series)
    return "".join(f"{line}\n" for lines in families.values() for line in lines).encode()
