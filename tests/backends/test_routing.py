"""Retry, fallback and circuit breaker, on a clock set by hand."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence

import pytest
from dialogue_protocol.codes import ErrorCode
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from dialogue_server.backends.base import Bill, Finished, ModelRequest
from dialogue_server.backends.openai_http import OpenAIBackend
from dialogue_server.backends.profiles import PROFILES
from dialogue_server.backends.routing import (
    AttemptFailed,
    Breaker,
    GiveUp,
    Policy,
    Route,
    RoutingBackend,
    Try,
    Wait,
)
from dialogue_server.backends.scripted import Answer, ScriptedBackend
from dialogue_server.domain.prompt import Message
from dialogue_server.errors import BackendError
from tests.pulling import pulled

REQUEST = ModelRequest((Message("user", "Hello?"),), model="special")


def failure(code: ErrorCode, retry_after: float = 0.0) -> BackendError:
    return BackendError(code, f"it was {code}", retry_after=retry_after)


DOWN = failure(ErrorCode.MODEL_UNREACHABLE)
SLOW = failure(ErrorCode.MODEL_TIMEOUT)
CUT = failure(ErrorCode.MODEL_FAILED)
EMPTY = failure(ErrorCode.MODEL_EMPTY)


class Chain:
    """A route of scripted backends, with everything that it did."""

    def __init__(self, *scripts: Sequence[str | BackendError], **policy: float) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.heard: list[AttemptFailed] = []
        self.backends = [
            ScriptedBackend(
                [Answer(error=item) if isinstance(item, BackendError) else item for item in script]
            )
            for script in scripts
        ]
        self.routing = RoutingBackend(
            self.backends,
            Policy(**policy),  # type: ignore[arg-type]
            listen=self.heard.append,
            clock=lambda: self.now,
            sleep=self.sleep,
            dice=lambda: 0.0,
        )

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    async def ask(self, request: ModelRequest = REQUEST) -> str:
        items = [item async for item in pulled(self.routing, request)]
        assert isinstance(items[-1], Finished)
        return "".join(item for item in items if isinstance(item, str))

    @property
    def asked(self) -> list[int]:
        return [len(backend.requests) for backend in self.backends]


async def test_what_works_is_asked_once() -> None:
    chain = Chain(["Hello."], ["Never."])
    assert await chain.ask() == "Hello."
    assert (chain.asked, chain.waits) == ([1, 0], [])


async def test_a_passing_failure_is_tried_again_after_a_growing_wait() -> None:
    chain = Chain([DOWN, EMPTY, "Hello."])
    assert await chain.ask() == "Hello."
    assert chain.waits == [0.25, 0.5]
    assert chain.heard == [
        AttemptFailed("scripted", 1, DOWN.code, DOWN.detail),
        AttemptFailed("scripted", 2, EMPTY.code, EMPTY.detail),
    ]


async def test_retry_after_is_obeyed_if_it_is_short_and_else_the_next_is_asked() -> None:
    chain = Chain([failure(ErrorCode.MODEL_RATE_LIMITED, 3), "Hello."], ["Next."])
    assert await chain.ask() == "Hello."
    assert chain.waits == [3]
    chain = Chain([failure(ErrorCode.MODEL_RATE_LIMITED, 300), "Hello."], ["Next."])
    assert await chain.ask() == "Next."
    assert chain.waits == []


@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.MODEL_TIMEOUT,
        ErrorCode.MODEL_UNAUTHORIZED,
        ErrorCode.MODEL_NO_CREDIT,
        ErrorCode.MODEL_BAD_REQUEST,
    ],
)
async def test_what_will_not_pass_goes_to_the_next_at_once(code: ErrorCode) -> None:
    chain = Chain([failure(code)], ["Next."])
    assert await chain.ask() == "Next."
    assert (chain.asked, chain.waits) == ([1, 1], [])


@pytest.mark.parametrize(
    "code",
    [ErrorCode.MODEL_REFUSED, ErrorCode.MODEL_CONTEXT_OVERFLOW, ErrorCode.SHUTTING_DOWN],
)
async def test_what_no_other_model_should_answer_is_passed_on(code: ErrorCode) -> None:
    chain = Chain([failure(code)], ["Next."])
    with pytest.raises(BackendError) as caught:
        await chain.ask()
    assert caught.value.code is code
    assert chain.asked == [1, 0]


async def test_an_overflow_of_a_fallback_goes_to_the_next() -> None:
    chain = Chain([SLOW], [failure(ErrorCode.MODEL_CONTEXT_OVERFLOW)], ["Last."])
    assert await chain.ask() == "Last."


async def test_when_all_fail_the_first_models_error_is_raised() -> None:
    chain = Chain([SLOW], [failure(ErrorCode.MODEL_NO_CREDIT)])
    with pytest.raises(BackendError) as caught:
        await chain.ask()
    assert caught.value is SLOW


async def test_a_refusal_by_a_fallback_is_the_answer() -> None:
    chain = Chain([SLOW], [failure(ErrorCode.MODEL_REFUSED)], ["Never."])
    with pytest.raises(BackendError) as caught:
        await chain.ask()
    assert caught.value.code is ErrorCode.MODEL_REFUSED


async def test_a_special_model_is_asked_of_the_first_only() -> None:
    chain = Chain([SLOW], ["Next."])
    await chain.ask()
    assert [backend.requests[0].model for backend in chain.backends] == ["special", ""]


async def test_after_the_first_text_nothing_is_tried_again() -> None:
    chain = Chain([], ["Never."])
    chain.backends[0] = ScriptedBackend([Answer("Well, ", error=DOWN)])
    routing = RoutingBackend(chain.backends)
    stream = pulled(routing, REQUEST)
    assert await anext(stream) == "Well, "
    with pytest.raises(BackendError) as caught:
        await anext(stream)
    assert caught.value is DOWN
    assert chain.backends[1].requests == []


async def test_patience_ends_the_waiting() -> None:
    chain = Chain([DOWN] * 9, attempts=9, first_wait=4, longest_wait=4, patience=5)
    with pytest.raises(BackendError):
        await chain.ask()
    assert chain.waits == [2, 2]


async def test_no_fallback_starts_when_patience_is_over() -> None:
    chain = Chain([SLOW], ["Next."])
    chain.routing = RoutingBackend(chain.backends, clock=iter([0, 0, 30, 30]).__next__)
    with pytest.raises(BackendError) as caught:
        await chain.ask()
    assert caught.value is SLOW
    assert chain.asked == [1, 0]


async def test_a_backend_that_fails_in_a_row_rests_and_is_tried_again_by_one() -> None:
    chain = Chain([SLOW, SLOW, SLOW, "Back."], ["Next."] * 9, failures=2, rest=30)
    for _ in range(3):
        assert await chain.ask() == "Next."
    assert chain.asked == [2, 3]
    chain.now = 31
    assert await chain.ask() == "Next."
    assert chain.asked == [3, 4], "one try, and it failed: it rests again"
    chain.now = 60
    assert await chain.ask() == "Next."
    chain.now = 62
    assert await chain.ask() == "Back."


async def test_when_all_rest_the_error_says_when_to_come_back() -> None:
    chain = Chain([SLOW], failures=1, rest=30)
    with pytest.raises(BackendError):
        await chain.ask()
    chain.now = 10
    with pytest.raises(BackendError, match="rests after failures") as caught:
        await chain.ask()
    assert (caught.value.retry_after, chain.asked) == (20, [1])


async def test_while_one_tries_a_resting_backend_the_others_stay_away() -> None:
    policy = Policy(failures=1, rest=30)
    breaker = Breaker(policy)
    breaker.begin()
    breaker.failed(SLOW, 0)
    assert breaker.wait(0) == 30
    assert breaker.wait(30) == 0
    breaker.begin()
    assert breaker.wait(31) == 1
    breaker.abandoned()
    assert breaker.wait(31) == 0
    breaker.begin()
    breaker.succeeded()
    assert breaker.wait(31) == 0


async def test_what_speaks_against_the_request_does_not_count_against_the_backend() -> None:
    breaker = Breaker(Policy(failures=1))
    breaker.begin()
    breaker.failed(failure(ErrorCode.MODEL_REFUSED), 0)
    assert breaker.wait(0) == 0


def test_quick_failures_are_no_row_while_other_answers_begin() -> None:
    breaker = Breaker(Policy(failures=2, rest=30))
    for _ in range(3):
        breaker.begin()
        breaker.begin()
        breaker.failed(SLOW, 0)
        assert breaker.wait(0) == 0
        breaker.begun()
        breaker.failed(CUT, 0, begun=True)
        breaker.begin()
        breaker.succeeded()
    for _ in range(2):
        assert breaker.wait(0) == 0
        breaker.begin()
        breaker.failed(SLOW, 0)
    assert breaker.wait(0) == 30


def test_a_row_must_be_long_beside_what_runs() -> None:
    breaker = Breaker(Policy(failures=2, rest=30))
    for _ in range(12):
        breaker.begin()
    for left in range(11, 7, -1):
        breaker.failed(CUT, 0, begun=True)
        # Eleven run, then ten, nine, eight: the fourth failure is the half of eight.
        assert breaker.wait(0) == (30 if left == 8 else 0)
    breaker.abandoned()
    assert breaker.wait(0) == 30, "what ends meanwhile says nothing"


def test_a_backend_that_begins_and_breaks_every_time_rests_too() -> None:
    breaker = Breaker(Policy(failures=2, rest=30))
    for _ in range(2):
        assert breaker.wait(0) == 0
        breaker.begin()
        breaker.begun()
        breaker.failed(CUT, 0, begun=True)
    assert breaker.wait(0) == 30


async def test_a_burst_of_refusals_among_many_answers_does_not_silence_all() -> None:
    """Thirty begin at once; what is refused ends at once, what is answered takes its time."""
    script = ScriptedBackend(
        lambda request: (
            Answer(error=failure(ErrorCode.MODEL_NO_CREDIT))
            if request.user == "refused"
            else Answer("Well, ", stall=True)
        )
    )
    routing = RoutingBackend([script])
    answered: list[asyncio.Task[Finished | None]] = []
    for _ in range(10):
        begun = asyncio.Event()
        request = structs.replace(REQUEST, user="answered")
        show = functools.partial(lambda begun, _: begun.set() or True, begun)
        answered.append(asyncio.create_task(routing.stream(request, show)))
        await begun.wait()
        for _ in range(2):
            with pytest.raises(BackendError) as caught:
                await routing.stream(structs.replace(REQUEST, user="refused"), show)
            assert caught.value.code is ErrorCode.MODEL_NO_CREDIT, caught.value.detail
    assert not any(task.done() for task in answered)
    await routing.aclose()
    await asyncio.wait(answered)
    assert all(isinstance(task.exception(), BackendError) for task in answered)


async def test_a_cancelled_try_leaves_the_way_free_for_the_next() -> None:
    chain = Chain([SLOW], failures=1, rest=30)
    with pytest.raises(BackendError):
        await chain.ask()
    chain.now = 31
    chain.backends[0]._script = [SLOW, Answer("Hm ", stall=True), "Back."]  # type: ignore[list-item]
    stream = pulled(chain.routing, REQUEST)
    assert await anext(stream) == "Hm "
    await stream.aclose()
    assert chain.backends[0].active == 0
    assert await chain.ask() == "Back."


async def test_a_try_that_is_cancelled_before_its_first_text_says_nothing() -> None:
    chain = Chain([SLOW], failures=1, rest=30)
    with pytest.raises(BackendError):
        await chain.ask()
    chain.now = 31
    chain.backends[0]._script = [SLOW, Answer(stall=True), "Back."]  # type: ignore[list-item]
    task = asyncio.create_task(chain.ask())
    while not chain.backends[0].active:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await chain.ask() == "Back."


async def test_what_was_given_up_for_its_slowness_is_on_the_bill_beside_who_answered() -> None:
    bill = Bill(input_price=2.0)  # as the first one fills it in
    chain = Chain([SLOW], ["Well met."])
    assert await chain.ask(structs.replace(REQUEST, bill=bill)) == "Well met."
    (slow,) = bill.given_up
    assert (slow.input_price, slow.backend) == (2.0, "scripted")


async def test_nobody_is_paid_while_a_failed_request_waits_for_its_next_attempt() -> None:
    bill = Bill(bills_on=True)
    chain = Chain([DOWN])
    with pytest.raises(BackendError):
        await chain.ask(structs.replace(REQUEST, bill=bill))
    assert bill.is_free
    assert not bill.given_up


async def test_starting_fails_only_if_none_could_be_started() -> None:
    keyless = OpenAIBackend(PROFILES["openrouter"])
    await RoutingBackend([keyless, ScriptedBackend()]).start()
    with pytest.raises(BackendError, match="OPENROUTER_API_KEY"):
        await RoutingBackend([keyless, keyless]).start()


async def test_the_first_decides_on_prompts_and_closing_closes_all() -> None:
    chain = Chain([], [])
    assert chain.routing.name == "scripted+scripted"
    assert chain.routing.layout == "standard"
    assert chain.routing.context_tokens == 8192
    await chain.routing.warm(REQUEST.messages)
    await chain.routing.aclose()
    for backend in chain.backends:
        with pytest.raises(BackendError):
            await anext(pulled(backend, REQUEST))
    with pytest.raises(ValueError, match="at least one"):
        RoutingBackend([])


async def test_nothing_is_warmed_while_all_rest() -> None:
    chain = Chain([SLOW], failures=1)
    with pytest.raises(BackendError):
        await chain.ask()
    await chain.routing.warm(REQUEST.messages)


ERRORS = st.builds(failure, st.sampled_from(ErrorCode), st.floats(0, 200))


@given(st.lists(st.tuples(ERRORS, st.floats(0, 5)), min_size=60), st.integers(1, 3))
def test_every_route_comes_to_an_end_within_its_patience(
    script: list[tuple[BackendError, float]], count: int
) -> None:
    policy = Policy()
    breakers = [Breaker(policy) for _ in range(count)]
    route = Route(policy, breakers, 0.0)
    now, tries = 0.0, 0
    for error, took in script:
        step = route.step(now)
        while isinstance(step, Wait):
            now += step.seconds
            assert now <= policy.patience
            step = route.step(now)
        if isinstance(step, GiveUp):
            return
        assert isinstance(step, Try)
        assert now <= policy.patience
        tries += 1
        now += took
        breakers[step.index].failed(error, now)
        route.failed(error, 0.5)
    raise AssertionError(f"{tries} tries and no end")
