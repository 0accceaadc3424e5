"""Several listeners to one engine."""

from __future__ import annotations

from dialogue_server.engine.observer import Failure, Record, SessionEnded, tell_all

ENDED = SessionEnded(session="s", reason="expired")


def broken(record: Record) -> None:
    raise ZeroDivisionError(str(record))


def test_every_listener_is_told_in_order() -> None:
    told: list[tuple[str, Record]] = []
    tell_all(
        [lambda record: told.append(("a", record)), lambda record: told.append(("b", record))],
        ENDED,
    )
    assert told == [("a", ENDED), ("b", ENDED)]


def test_the_others_are_told_what_one_has_raised() -> None:
    before: list[Record] = []
    after: list[Record] = []
    tell_all([before.append, broken, after.append], ENDED)
    assert before[0] == ENDED and after[-1] == ENDED
    for told in (before, after):
        (failure,) = [record for record in told if isinstance(record, Failure)]
        assert failure.where == "observer"
        assert "ZeroDivisionError" in failure.error


def test_listeners_that_all_fail_harm_nobody() -> None:
    tell_all([broken, broken], ENDED)
