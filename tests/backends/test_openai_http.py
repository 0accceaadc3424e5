"""The HTTP backend against a real socket: every case of the fault zoo, and what it sends."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec import structs

from dialogue_server.backends.base import Delta, Finished, ModelRequest, Sampling
from dialogue_server.backends.openai_http import OpenAIBackend
from dialogue_server.backends.profiles import PROFILES, Profile
from dialogue_server.domain.prompt import Message
from dialogue_server.errors import BackendError
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream_cases import CASES, Case

MESSAGES = (
    Message("system", "You are Mira."),
    Message("user_system", "A tired knight."),
    Message("sample_message_user", "Hi."),
    Message("sample_message_ai", "Hm."),
    Message("user", "Hello?"),
)
NATIVE = structs.replace(PROFILES["minimax"], name="minimax-native", native_roles=True)
KEY = "sk-canary-0123456789"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def backend_for(upstream: FakeUpstream, case: Case) -> OpenAIBackend:
    profile: Profile = PROFILES.get(case.profile, NATIVE)
    return OpenAIBackend(
        profile,
        base_url=upstream.base_url,
        model=case.name,
        api_key=KEY,
        timeouts=case.timeouts,
        clock=lambda: 1000.0,
    )


@pytest.mark.parametrize("name", CASES)
async def test_the_fault_zoo(upstream: FakeUpstream, name: str) -> None:
    case = CASES[name]
    backend = backend_for(upstream, case)
    request = ModelRequest(MESSAGES, sampling=Sampling(temperature=0.7))
    text = ""
    end: Finished | BackendError | None = None
    try:
        async for item in backend.stream(request):
            assert end is None
            if isinstance(item, Delta):
                assert item.text
                text += item.text
            else:
                end = item
    except BackendError as error:
        assert end is None
        end = error
    finally:
        await backend.aclose()
    assert case.text == text
    if isinstance(case.end, Finished):
        assert case.end == end
    else:
        assert isinstance(end, BackendError), end
        assert case.end == end.code, end
        assert case.detail in end.detail
        assert case.retry_after == pytest.approx(end.retry_after)
        assert_no_secret(end)
    assert case.requests == len(upstream.seen)


def assert_no_secret(error: BackendError) -> None:
    seen: BaseException | None = error
    while seen is not None:
        assert KEY not in f"{seen} {seen!r}"
        seen = seen.__cause__ or seen.__context__
    assert "the player's words" not in error.detail
