from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.engine.rate import Bucket


def test_a_burst_passes_and_then_one_message_for_each_share_of_a_second() -> None:
    bucket = Bucket(10, 3)
    assert [bucket.take(100) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(100) == pytest.approx(0.1)
    assert bucket.take(100.1) == 0
    assert bucket.take(100.1) > 0


def test_who_waits_as_told_may_go_on() -> None:
    bucket = Bucket(10, 3)
    now = 0.0
    for _ in range(200):
        now += bucket.take(now, debt=True) + 1e-9
    assert not bucket.broken


def test_whoever_floods_on_sinks_until_the_bucket_breaks_and_stays_broken() -> None:
    bucket = Bucket(10, 3)
    for _ in range(5):
        bucket.take(0, debt=True)
        assert not bucket.broken
    bucket.take(0, debt=True)
    assert bucket.broken
    bucket.take(1000, debt=True)
    assert bucket.broken


def test_without_debt_a_refusal_costs_nothing() -> None:
    bucket = Bucket(10, 3)
    for _ in range(1000):
        bucket.take(0)
    assert bucket.take(0.1) == 0
    assert not bucket.broken


def test_a_rate_of_0_is_no_limit() -> None:
    bucket = Bucket(0, 0)
    assert [bucket.take(0, debt=True) for _ in range(1000)] == [0] * 1000


@given(st.lists(st.floats(0, 2), max_size=60), st.floats(0.5, 50), st.floats(1, 20))
def test_no_more_passes_than_burst_and_rate_allow(
    gaps: list[float], rate: float, burst: float
) -> None:
    bucket, now, passed = Bucket(rate, burst), 0.0, 0
    for gap in gaps:
        now += gap
        passed += bucket.take(now) == 0
    assert passed <= burst + now * rate + 1e-6


def test_a_heavy_message_takes_more_and_the_heaviest_all_that_there_may_be() -> None:
    bucket = Bucket(10, 4)
    assert bucket.take(0, weight=3) == 0
    assert bucket.take(0, weight=3) == pytest.approx(0.2)
    assert bucket.take(0.2, weight=3) == 0
    assert bucket.take(0.2, weight=1000) == pytest.approx(0.4)
    assert bucket.take(0.6, weight=1000) == 0
