"""What requests cost, told or reckoned."""

from __future__ import annotations

import pytest
from dialogue_protocol.codes import ErrorCode

from dialogue_server.backends.base import Bill, ModelRequest, Usage
from dialogue_server.domain.prompt import Message
from dialogue_server.engine.metering import Gaps, Meter, reckon, timings
from dialogue_server.errors import BackendError

PRICED = Bill("x", input_price=1.0, output_price=10.0)
TOLD = Usage(100, 20, 50, 0.25)


def failed(code: ErrorCode) -> BackendError:
    return BackendError(code, "x")


def test_what_the_provider_says_goes_over_everything() -> None:
    assert reckon(PRICED, TOLD, "text", 999, 999) == TOLD
    assert reckon(PRICED, TOLD, "text", 999, 999, failed(ErrorCode.MODEL_FAILED)) == TOLD


def test_without_its_word_tokens_are_estimated_and_priced() -> None:
    found = reckon(PRICED, Usage(), "Seventy letters of plain English text", 1000, 300)
    assert (found.input_tokens, found.output_tokens) == (1000, 10)
    assert found.cost == pytest.approx((1000 * 1 + 10 * 10) / 1e6)


def test_a_cost_without_tokens_is_kept() -> None:
    assert reckon(PRICED, Usage(cost=0.5), "a", 10, 300).cost == 0.5


def test_an_answer_that_is_stopped_counts_as_far_as_it_came() -> None:
    assert reckon(PRICED, None, "Hello.", 1000, 300).output_tokens == 2


def test_where_the_provider_bills_on_it_counts_whole() -> None:
    bill = Bill("x", output_price=10.0, bills_on=True)
    found = reckon(bill, None, "Hello.", 1000, 300)
    assert found.output_tokens == 300
    assert found.cost == pytest.approx(300 * 10 / 1e6)
    assert reckon(bill, Usage(), "Hello.", 1000, 300).output_tokens == 2  # it had ended by itself


def test_what_fails_before_its_first_word_costs_nothing_unless_it_was_too_slow() -> None:
    assert reckon(PRICED, None, "", 1000, 300, failed(ErrorCode.MODEL_RATE_LIMITED)) == Usage()
    assert reckon(PRICED, None, "", 1000, 300, failed(ErrorCode.MODEL_TIMEOUT)).input_tokens == 1000
    assert reckon(PRICED, None, "A", 1000, 300, failed(ErrorCode.MODEL_FAILED)).output_tokens == 1


def test_authored_lines_are_free() -> None:
    assert reckon(Bill("scripted", is_free=True), Usage(), "Hello.", 1000, 300) == Usage()


def test_the_requests_of_a_turn_add_up_and_each_has_a_bill_of_its_own() -> None:
    meter = Meter()
    first = meter.begin(ModelRequest((), max_tokens=50))
    assert first.bill is meter.bill
    first.bill.backend, first.bill.bills_on = "x", True
    meter.end(None, ["Hel", "lo."], 100)
    second = meter.begin(ModelRequest((), max_tokens=50))
    assert second.bill is meter.bill
    assert meter.bill == Bill()
    meter.end(TOLD, ["Hello."], 100)
    assert meter.spent == Usage(200, 70, 50, 0.25)


def test_what_a_chain_gave_up_for_its_slowness_counts_beside_who_answered() -> None:
    meter = Meter()
    request = meter.begin(ModelRequest((), max_tokens=50))
    assert request.bill is not None
    request.bill.given_up.append(Bill("slow", 1.0, 2.0, bills_on=True))
    meter.end(Usage(90, 10), ["Hello."], 100)
    assert meter.spent == Usage(190, 60, 0, pytest.approx(200 / 1e6))  # type: ignore[arg-type]


def test_gaps_between_pieces_are_measured_in_milliseconds() -> None:
    moments = iter([1.0, 1.1, 1.4, 1.5])
    gaps = Gaps(lambda: next(moments))
    assert (gaps.mean_ms, gaps.longest_ms) == (0, 0)
    gaps.piece()
    assert (gaps.mean_ms, gaps.longest_ms) == (0, 0)
    for _ in range(3):
        gaps.piece()
    assert (gaps.mean_ms, gaps.longest_ms) == (167, 300)


def test_moments_are_told_from_the_request_and_only_those_that_came() -> None:
    meter = Meter()
    asked = meter.begin(ModelRequest((Message("user", "?"),)), 12.0)
    assert meter.connected == 0.0
    assert asked.bill is not None
    asked.bill.backend, asked.bill.connect_seconds = "x:y", 0.25
    asked.bill.input_price = 2.0
    meter.end(None, [], 1_000_000)
    moments = {"connected": meter.connected, "first_token": 0.0}
    assert timings(10.0, moments, meter) == {"connected": 2250.0, "model": "x:y", "dollars": 2.0}
    assert timings(10.0, moments, Meter()) == {"connected": 2250.0}
