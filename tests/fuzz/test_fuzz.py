"""A short look by the fuzzer; `python -m tests.fuzz` is the long one (docs/testing.md)."""

from __future__ import annotations

import random

import pytest

from .mutation import mutate, pieces
from .runner import fuzz
from .targets import TARGETS

_KNOWN: dict[str, str] = {}
"""What is found and not mended yet; the mark fails when it is."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[pytest.mark.xfail(reason=_KNOWN[name], strict=True)] if name in _KNOWN else [],
        )
        for name in sorted(TARGETS)
    ],
)
def test_nothing_that_reads_foreign_bytes_breaks(name: str) -> None:
    assert fuzz(name, 1500, seed=1).findings == ()


def test_a_broken_promise_is_found_and_told_with_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: bytes, _: random.Random) -> None:
        assert b"\xff" not in data

    monkeypatch.setitem(TARGETS, "broken", (broken, [b"fine", b"also fine"]))
    (finding,) = fuzz("broken", 2000, seed=1).findings
    assert "AssertionError at" in finding
    assert "ff" in finding.splitlines()[-1]


def test_mutations_follow_from_the_seed_and_pieces_join_to_the_whole() -> None:
    seeds = TARGETS["event stream"][1]
    made = [mutate(seeds, random.Random(number)) for number in range(200)]
    assert made == [mutate(seeds, random.Random(number)) for number in range(200)]
    assert len(set(made)) > 150
    for number, data in enumerate(made):
        assert b"".join(pieces(data, random.Random(number))) == data
