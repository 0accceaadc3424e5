"""What a player may do in all of its sessions together."""

from __future__ import annotations

import pytest

from dialogue_server.engine.allowances import Allowance


def test_each_name_has_a_bucket_of_its_own() -> None:
    allowance = Allowance(1, 2)
    assert [allowance.take("ann", 0) for _ in range(3)] == [0, 0, pytest.approx(1)]
    assert allowance.take("bob", 0) == 0


def test_a_rate_of_0_bounds_nothing() -> None:
    allowance = Allowance(0, 0)
    assert all(allowance.take("ann", 0) == 0 for _ in range(1000))


def test_memory_is_bounded_by_those_who_have_just_been_there() -> None:
    allowance = Allowance(1, 2)
    for number in range(10_000):
        allowance.take(f"p{number}", float(number))
    assert len(allowance._buckets) <= 2048


def test_a_bucket_that_is_not_full_is_never_forgotten() -> None:
    allowance = Allowance(1, 2)
    for number in range(3000):
        assert allowance.take(f"p{number}", 0) == 0
    for _ in range(1):
        assert allowance.take("p0", 0) == 0
    assert allowance.take("p0", 0) > 0
