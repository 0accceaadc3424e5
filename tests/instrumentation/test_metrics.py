"""Records become metrics whose labels nobody can make grow."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dialogue_server.engine.observer import (
    BranchesCollected,
    ContentRead,
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
from dialogue_server.instrumentation.metrics import MOST_VALUES, Metrics, by_worker
from dialogue_server.settings import Settings

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "docs" / "grafana-dashboard.json"


def finished(**changes: Any) -> TurnFinished:
    given: dict[str, Any] = {
        "session": "s",
        "conversation": "c",
        "turn": "t",
        "npc": "mira",
        "backend": "scripted",
        "reason": "complete",
        "code": "",
        "length": 10,
        "first_token_ms": 250,
        "total_ms": 1500,
        "input_tokens": 100,
        "output_tokens": 20,
        "cached_tokens": 0,
    }
    return TurnFinished(**{**given, **changes})


def told(*records: Record) -> dict[tuple[Any, ...], float]:
    """The samples after these records, by name and the labels' values in the order of names."""
    metrics = Metrics()
    for record in records:
        metrics(record)
    return samples(metrics)


def samples(metrics: Metrics) -> dict[tuple[Any, ...], float]:
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def test_turns_are_counted_by_outcome_and_timed_in_seconds() -> None:
    found = told(
        TurnStarted("s", "c", "t", "mira", "scripted", 50, 0),
        TurnStarted("s", "c", "t2", "mira", "scripted", 50, 0),
        finished(),
        finished(reason="fallback", code="model_timeout", first_token_ms=0),
    )
    assert found["dialogue_turns_started_total", "scripted"] == 2
    assert found["dialogue_turns_running",] == 1
    assert found["dialogue_turns_total", "scripted", "", "complete"] == 1
    assert found["dialogue_turns_total", "scripted", "model_timeout", "fallback"] == 1
    assert found["dialogue_first_token_seconds_sum", "scripted"] == 0.25
    assert found["dialogue_first_token_seconds_count", "scripted"] == 1
    assert found["dialogue_turn_seconds_sum", "scripted"] == 3.0
    assert found["dialogue_tokens_total", "scripted", "input"] == 200
    assert found["dialogue_tokens_total", "scripted", "output"] == 40
    assert ("dialogue_tokens_total", "scripted", "cached") not in found


def test_gaps_and_waits_are_timed_and_costs_added_up() -> None:
    found = told(
        finished(gap_ms=40, longest_gap_ms=200, queued_ms=1500, counted_tokens=120, dollars=0.25),
        finished(counted_tokens=30, limit="soft player_tokens"),
        finished(limit="hard all_dollars"),
        ModelUsed("c", "summary", "scripted", 50, 0.5),
    )
    assert found["dialogue_token_gap_seconds_sum", "scripted"] == 0.04
    assert found["dialogue_token_gap_seconds_count", "scripted"] == 1
    assert found["dialogue_longest_gap_seconds_sum", "scripted"] == 0.2
    assert found["dialogue_queue_seconds_sum", "scripted"] == 1.5
    assert found["dialogue_queue_seconds_count", "scripted"] == 1
    assert found["dialogue_cost_dollars_total", "scripted", "turn"] == 0.25
    assert found["dialogue_cost_dollars_total", "scripted", "summary"] == 0.5
    assert found["dialogue_counted_tokens_total", "scripted", "turn"] == 150
    assert found["dialogue_budget_limited_total", "soft", "player_tokens"] == 1
    assert found["dialogue_budget_limited_total", "hard", "all_dollars"] == 1


@pytest.mark.parametrize(
    ("record", "sample"),
    [
        (SessionStarted("s", "game", True), ("dialogue_sessions_started_total", "yes")),
        (SessionEnded("s", "expired"), ("dialogue_sessions_ended_total", "expired")),
        (SessionEnded("s", "anything"), ("dialogue_sessions_ended_total", "other")),
        (RequestRefused("s", "busy", "x"), ("dialogue_requests_refused_total", "busy")),
        (RequestRefused("s", "made up", "x"), ("dialogue_requests_refused_total", "other")),
        (CueDropped("t", "mira", "action", "fly", "x"), ("dialogue_cues_dropped_total", "action")),
        (
            GuardHit("t", "mira", "topics", "x", "cut"),
            ("dialogue_guard_hits_total", "cut", "topics"),
        ),
        (Failure("turn 8f3a", "x"), ("dialogue_failures_total", "turn")),
        (finished(reason="made up"), ("dialogue_turns_total", "scripted", "", "other")),
        (finished(code="made up"), ("dialogue_turns_total", "scripted", "other", "complete")),
    ],
)
def test_a_record_is_counted_under_labels_of_a_closed_set(
    record: Record, sample: tuple[str, ...]
) -> None:
    assert told(record)[sample] == 1


def test_deleted_nodes_are_summed_and_files_read_are_no_metric() -> None:
    found = told(BranchesCollected(3, 30, 1), BranchesCollected(4, 30, 1), ContentRead((), ()))
    assert found["dialogue_nodes_collected_total",] == 7


def test_an_attempt_that_failed_is_counted_by_backend_and_code() -> None:
    metrics = Metrics()
    metrics.attempt_failed("ollama/x", "model_timeout")
    metrics.attempt_failed("ollama/x", "made up")
    found = samples(metrics)
    assert found["dialogue_model_attempts_failed_total", "ollama/x", "model_timeout"] == 1
    assert found["dialogue_model_attempts_failed_total", "ollama/x", "other"] == 1


def test_no_label_grows_beyond_its_bound() -> None:
    metrics = Metrics()
    for number in range(10 * MOST_VALUES):
        metrics(finished(backend=f"backend {number}"))
        metrics(Failure(f"place{number}", "x"))
    names = [key for key in samples(metrics) if key[0] == "dialogue_turns_total"]
    assert len(names) == MOST_VALUES + 1
    assert samples(metrics)["dialogue_turns_total", "other", "", "complete"] == 9 * MOST_VALUES
    places = [key for key in samples(metrics) if key[0] == "dialogue_failures_total"]
    assert len(places) == MOST_VALUES + 1


def test_what_people_say_and_are_called_is_in_no_metric() -> None:
    metrics = Metrics()
    for record in (
        SessionStarted("s", "Canary 1.0", False),
        RequestRefused("s", "busy", "Canary"),
        finished(npc="Canary", session="Canary", conversation="Canary", detail="Canary"),
        CueDropped("t", "Canary", "action", "Canary", "Canary"),
        GuardHit("t", "Canary", "topics", "Canary", "cut"),
        Failure("session", "Canary"),
    ):
        metrics(record)
    assert "Canary" not in metrics.text().decode()


def known_names() -> set[str]:
    """The series of a whole server, those that app.py watches included."""
    app = (ROOT / "dialogue_server" / "server" / "app.py").read_text("utf-8")
    watched = {f"dialogue_{name}" for name in re.findall(r'watch\("(\w+)"', app)}
    assert len(watched) >= 5
    return Metrics().names() | watched


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    asked = {name for query in queries for name in re.findall(r"\bdialogue_\w+", query)}
    assert len(queries) >= 12
    assert asked <= known_names()
    for query in queries:
        assert query.count("(") == query.count(")")
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)


def test_every_metric_is_told_in_the_docs() -> None:
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in known_names()}
    assert {name for name in families if f"`{name}`" not in text} == set()
    assert str(Settings().server.port) in text


def test_the_metrics_of_several_workers_are_one_text_that_a_scraper_can_read() -> None:
    first, second = Metrics(), Metrics()
    first(SessionStarted(session="s", client="g", resumed=False))
    second(SessionStarted(session="s", client="g", resumed=False))
    second(SessionStarted(session="s", client="g", resumed=True))
    second.watch("sessions", "Sessions.", lambda: 2)
    text = by_worker({"0": first.text(), "1": second.text()}).decode()
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)  # each is described once
    started = next(family for family in families if family.name == "dialogue_sessions_started")
    assert {tuple(sorted(s.labels.items())): s.value for s in started.samples} == {
        (("resumed", "no"), ("worker", "0")): 1.0,
        (("resumed", "no"), ("worker", "1")): 1.0,
        (("resumed", "yes"), ("worker", "1")): 1.0,
    }
    assert 'dialogue_sessions{worker="1"} 2.0\n' in text


def test_a_model_of_any_name_leaves_the_metrics_readable() -> None:
    """The name of a file with weights, say."""
    vile = 'a"b\\c\nd\r\x85\u2028\x0b\x1b[2J\udcff'
    metrics = Metrics()
    metrics.attempt_failed(vile, "internal")
    text = metrics.text().decode()
    assert text.replace("\n", "").isprintable()
    for told in (text, by_worker({"0": text.encode()}).decode()):
        families = {family.name: family for family in text_string_to_metric_families(told)}
        (sample,) = families["dialogue_model_attempts_failed"].samples
        assert sample.labels["backend"] == ascii(vile)
