"""The fault zoo, seen by a game: for each quirk and failure of a model's API, the exact messages
that reach the client. Everything is real but the model's service, which is nasty on purpose."""

from __future__ import annotations

import asyncio

import pytest
from dialogue_protocol.codes import EndReason, ErrorCode
from dialogue_protocol.messages import (
    MAX_DELTA_CHARS,
    Cue,
    Delta,
    Interrupt,
    Say,
    ServerMessage,
    Turn,
    TurnEnd,
)
from msgspec import structs

from dialogue_server.backends.openai_http import OpenAIBackend
from dialogue_server.backends.profiles import PROFILES
from dialogue_server.backends.routing import Policy, RoutingBackend
from dialogue_server.domain.graphemes import split
from dialogue_server.domain.stream import TextStream
from dialogue_server.engine.context import EngineLimits
from tests.fakes.upstream import FakeUpstream, Reset, Stall
from tests.fakes.upstream_cases import (
    CASES,
    PATIENT,
    Case,
    delta,
    error,
    open_stream,
    refusal,
    then_good,
)
from tests.harness import MIRA, Client, serving

FALLBACK = "Give me a moment, the kettle calls."
NO_RETRY = Policy(attempts=1)
"""So that a case's own answer is what the client sees; retries have tests of their own."""


NATIVE = structs.replace(PROFILES["minimax"], name="minimax-native", native_roles=True)


def shown(text: str) -> str:
    """What a player reads of a model's whole text (domain/stream.py, tested on its own)."""
    stream = TextStream(MIRA, speakers=("Ann",))
    stream.feed(text)
    stream.finish()
    return stream.text


def expected_end(case: Case) -> tuple[str, EndReason, str]:
    """Text, reason and code that a client must see."""
    if isinstance(case.end, ErrorCode):
        if case.text:
            return shown(case.text), EndReason.TRUNCATED, case.end
        return FALLBACK, EndReason.FALLBACK, case.end
    if case.end.reason == "content_filter":
        if case.text:
            return shown(case.text), EndReason.FILTERED, ErrorCode.MODEL_REFUSED
        return FALLBACK, EndReason.FALLBACK, ErrorCode.MODEL_REFUSED
    reason = EndReason.LENGTH if case.end.reason == "length" else EndReason.COMPLETE
    return shown(case.text), reason, ""


def merged(messages: list[ServerMessage]) -> list[ServerMessage]:
    """Neighbouring deltas as one: how the bytes fell into chunks is the network's affair."""
    result: list[ServerMessage] = []
    for message in messages:
        last = result[-1] if result else None
        if isinstance(message, Delta) and isinstance(last, Delta):
            result[-1] = Delta(last.turn, last.text + message.text)
        else:
            result.append(message)
    return result


@pytest.mark.parametrize("name", CASES)
async def test_a_client_sees_exactly_these_messages(name: str) -> None:
    case = CASES[name]
    async with FakeUpstream() as upstream:
        profile = PROFILES.get(case.profile, NATIVE)
        backend = RoutingBackend(
            [
                OpenAIBackend(
                    structs.replace(profile, key_required=False),
                    base_url=upstream.base_url,
                    model=name,
                    timeouts=case.timeouts,
                )
            ],
            NO_RETRY,
        )
        async with serving(backend, limits=EngineLimits(filler_seconds=0)) as served:
            client = await Client.connect(served.url)
            await client.open(npcs=("mira",))
            await client.send(Say("c", "1", "Good weather?"))
            turn = await client.expect(Turn)
            before = len(client.received)
            end = await client.expect(TurnEnd)
            text, reason, code = expected_end(case)
            seen = merged(client.received[before:])
            told = structs.replace(end, reason=reason, length=len(text), code=code)
            long = [Delta(turn.turn, part) for part in split(text, MAX_DELTA_CHARS)]
            assert [m for m in seen if not isinstance(m, Cue)] == [*merged([*long]), told]
            assert bool(end.detail) == bool(code)
            assert 0 <= end.first_token_ms <= end.total_ms
            await client.send(Say("c", "2", "Still there?"))  # and the session lives on
            await client.expect(Turn)
            await client.expect(TurnEnd)


def test_the_zoo_has_at_least_forty_cases() -> None:
    assert len(CASES) >= 40


def service(upstream: FakeUpstream, model: str) -> OpenAIBackend:
    return OpenAIBackend(
        PROFILES["openai-compatible"], base_url=upstream.base_url, model=model, timeouts=PATIENT
    )


async def test_an_interrupt_closes_the_request_to_the_model_at_once() -> None:
    async with FakeUpstream(lambda *_: open_stream(delta("The mine is"), Stall())) as upstream:
        async with serving(service(upstream, "any")) as served:
            client = await Client.connect(served.url)
            await client.open()
            await client.send(Say("c", "1", "Hello?"))
            turn = await client.expect(Turn)
            await client.expect(Delta)
            (seen,) = await upstream.requests(1)
            assert not seen.gone.is_set()
            await client.send(Interrupt(turn.turn, 3))
            end = await client.expect(TurnEnd)
            assert (end.reason, end.length) == ("interrupted", 3)
            async with asyncio.timeout(2):
                await seen.gone.wait()


async def test_the_next_model_of_the_chain_answers_when_the_first_cannot() -> None:
    tried: list[str] = []
    async with FakeUpstream() as upstream:
        chain = RoutingBackend(
            [service(upstream, "402"), service(upstream, "plain")],
            listen=lambda failed: tried.append(failed.code),
        )
        async with serving(chain) as served:
            client = await Client.connect(served.url)
            await client.open()
            answer = await client.say("Hello?")
            assert (answer.text, answer.ended.reason) == ("Hello there.", "complete")
            assert tried == ["model_no_credit"]


async def test_a_model_that_is_busy_is_asked_again_before_anything_is_shown() -> None:
    busy = refusal("429 Too Many Requests", error("slow down"), "Retry-After: 0.01")
    async with FakeUpstream(lambda *a: then_good(busy, busy)(a[1], a[2])) as upstream:
        chain = RoutingBackend([service(upstream, "any")], Policy(first_wait=0.01))
        async with serving(chain) as served:
            client = await Client.connect(served.url)
            await client.open()
            answer = await client.say("Hello?")
            assert (answer.text, answer.ended.reason) == ("Hello there.", "complete")
            assert len(upstream.seen) == 3


async def test_nothing_is_asked_again_once_a_word_was_shown() -> None:
    async with FakeUpstream(lambda *_: open_stream(delta("The mine "), Reset())) as upstream:
        async with serving(RoutingBackend([service(upstream, "any")])) as served:
            client = await Client.connect(served.url)
            await client.open()
            answer = await client.say("Hello?")
            assert (answer.text, answer.ended.reason) == ("The mine", "truncated")
            assert len(upstream.seen) == 1
