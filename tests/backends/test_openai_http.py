"""The HTTP backend against a real socket: every case of the fault zoo, and what it sends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import types
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
import pytest
from dialogue_protocol.codes import ErrorCode
from msgspec import structs

from dialogue_server.backends.base import Bill, Finished, ModelRequest, Sampling
from dialogue_server.backends.clocks import Timeouts
from dialogue_server.backends.http_client import LIBRARY_ERRORS, backend_error
from dialogue_server.backends.openai_http import OpenAIBackend
from dialogue_server.backends.profiles import PROFILES, Profile
from dialogue_server.domain.prompt import Message
from dialogue_server.errors import BackendError, SettingsError
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream_cases import CASES, Case
from tests.pulling import pulled

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
        async for item in pulled(backend, request):
            assert end is None
            if isinstance(item, str):
                assert item
                text += item
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


HELLO = (Message("user", "Hello?"),)


async def collect(backend: OpenAIBackend, request: ModelRequest) -> list[str | Finished]:
    return [item async for item in pulled(backend, request)]


@asynccontextmanager
async def opened(profile: str | Profile, **options: Any) -> AsyncIterator[OpenAIBackend]:
    chosen = PROFILES[profile] if isinstance(profile, str) else profile
    backend = OpenAIBackend(chosen, **options)
    try:
        yield backend
    finally:
        await backend.aclose()


# ---------------------------------------------------------------- what is sent


async def test_m2_her_is_asked_only_for_what_it_takes(upstream: FakeUpstream) -> None:
    request = ModelRequest(
        MESSAGES,
        max_tokens=9000,
        sampling=Sampling(temperature=0.7, top_p=0.9, min_p=0.1, repeat_penalty=1.1, seed=3),
        stop=("\n",),
        model="minimax/minimax-m2-her",
        session="c1",
        user="p1",
    )
    async with opened("openrouter", base_url=upstream.base_url, api_key=KEY) as backend:
        with pytest.raises(BackendError, match="model's name"):
            await collect(backend, request)
    (seen,) = upstream.seen
    messages = seen.body.pop("messages")
    assert [message["role"] for message in messages] == ["system", "user"]
    assert seen.body == {
        "model": "minimax/minimax-m2-her",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 2048,
        "temperature": 0.7,
        "top_p": 0.9,
        "session_id": "c1",
        "user": "p1",
    }
    assert f"bearer {KEY}" == seen.headers["authorization"]
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.path == "/v1/chat/completions"


async def test_what_was_refused_is_not_asked_for_in_the_next_request(
    upstream: FakeUpstream,
) -> None:
    request = ModelRequest(MESSAGES, model="roles_refused")
    async with opened(NATIVE, base_url=upstream.base_url, api_key=KEY) as backend:
        await collect(backend, request)
        await collect(backend, request)
    roles = [{message["role"] for message in seen.body["messages"]} for seen in upstream.seen]
    assert ["user_system" in each for each in roles] == [True, False, False]
    assert upstream.seen[0].path == "/v1/text/chatcompletion_v2"


async def test_warming_reads_the_prompt_where_that_is_free(upstream: FakeUpstream) -> None:
    async with opened("llamacpp", base_url=upstream.base_url, model="plain") as backend:
        await backend.warm(MESSAGES)
        assert [seen.body["max_tokens"] for seen in upstream.seen] == [1]
    async with opened("openai-compatible", base_url=upstream.base_url) as backend:
        await backend.warm(MESSAGES)
    assert len(upstream.seen) == 1


async def test_a_burst_is_one_delta(upstream: FakeUpstream) -> None:
    async with opened("openai-compatible", base_url=upstream.base_url) as backend:
        items = await collect(backend, ModelRequest(HELLO, model="many_chunks_at_once"))
    assert len(items) < 10


async def test_the_fake_upstream_runs_as_a_process_too() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.upstream", stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        async with opened("openai-compatible", base_url=url) as backend:
            items = await collect(backend, ModelRequest(HELLO, model="slow_but_well"))
        assert Finished() == items[-1]
    finally:
        process.kill()
        await process.wait()


# ---------------------------------------------------------------- connections


async def test_a_connection_serves_the_next_request_unless_the_profile_forbids_it(
    upstream: FakeUpstream,
) -> None:
    for profile, connections in (("openai-compatible", 1), ("local", 3)):
        upstream.connections = 0
        async with opened(profile, base_url=upstream.base_url) as backend:
            for _ in range(3):
                await collect(backend, ModelRequest(HELLO, model="plain"))
        assert connections == upstream.connections


async def test_more_than_a_hundred_streams_run_at_once(upstream: FakeUpstream) -> None:
    request = ModelRequest(HELLO, model="stall_after_text")
    async with opened("openai-compatible", base_url=upstream.base_url) as backend:
        streams = [pulled(backend, request) for _ in range(150)]
        async with asyncio.timeout(30):
            firsts = await asyncio.gather(*(anext(stream) for stream in streams))
            assert firsts == ["Hello "] * 150
            await asyncio.gather(*(stream.aclose() for stream in streams))
            for seen in upstream.seen:
                await seen.gone.wait()


async def test_a_text_is_shown_from_the_transport_without_a_switch_of_tasks(
    upstream: FakeUpstream,
) -> None:
    shown_by: list[asyncio.Task[object] | None] = []

    def show(text: str) -> bool:
        shown_by.append(asyncio.current_task())
        return True

    async with opened("openai-compatible", base_url=upstream.base_url) as backend:
        await backend.stream(ModelRequest(HELLO, model="slow_but_well"), show)
    # The first may have come with the headers, which a task waits for.
    assert len(shown_by) > 1
    assert shown_by[1:] == [None] * (len(shown_by) - 1)


async def test_nobody_listens_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        async with opened("llamacpp", base_url=url) as backend:
            with pytest.raises(BackendError, match="is it running") as caught:
                await collect(backend, ModelRequest(HELLO))
    assert caught.value.code is ErrorCode.MODEL_UNREACHABLE


@pytest.mark.skipif(sys.platform != "linux", reason="relies on how Linux fills a backlog")
async def test_a_connection_that_is_not_accepted_in_time_is_given_up() -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        async with opened("llamacpp", base_url=url, timeouts=Timeouts(connect=0.2)) as backend:
            with pytest.raises(BackendError, match="in time") as caught:
                await collect(backend, ModelRequest(HELLO))
    assert caught.value.code is ErrorCode.MODEL_UNREACHABLE


async def test_https_to_a_server_that_speaks_http() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with opened("openai-compatible", base_url=url) as backend:
            with pytest.raises(BackendError, match="TLS") as caught:
                await collect(backend, ModelRequest(HELLO))
    assert caught.value.code is ErrorCode.MODEL_UNREACHABLE


async def test_the_proxy_of_the_environment_is_used_but_not_for_this_machine(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", upstream.base_url.removesuffix("/v1"))
    monkeypatch.delenv("no_proxy", raising=False)
    for url in ("http://model.example/v1", upstream.base_url):
        async with opened("openai-compatible", base_url=url) as backend:
            await collect(backend, ModelRequest(HELLO, model="plain"))
    assert [seen.path for seen in upstream.seen] == [
        "http://model.example/v1/chat/completions",
        "/v1/chat/completions",
    ]


@pytest.mark.parametrize("library", [httpx, aiohttp.client_exceptions])
def test_every_exception_of_the_libraries_has_a_meaning(library: types.ModuleType) -> None:
    kinds = [
        kind
        for kind in vars(library).values()
        if isinstance(kind, type)
        and issubclass(kind, Exception)
        # What only a WebSocket raises; and a TypeError is a fault of ours.
        and kind is not getattr(aiohttp, "WSMessageTypeError", None)
    ]
    assert len(kinds) >= 20
    for kind in kinds:
        assert issubclass(kind, LIBRARY_ERRORS), kind
        error = backend_error("x at y", kind.__new__(kind))
        assert error.detail.startswith("x at y ")
        assert "unforeseen" not in error.detail
        assert kind.__name__ in error.detail


def test_an_exception_that_nobody_foresaw_is_still_a_backend_error() -> None:
    error = backend_error("x at y", KeyError(KEY))
    assert ErrorCode.INTERNAL is error.code
    assert KEY not in error.detail


async def test_closing_the_backend_ends_a_request_that_waits_for_its_headers(
    upstream: FakeUpstream,
) -> None:
    async with opened("openai-compatible", base_url=upstream.base_url) as backend:
        task = asyncio.create_task(collect(backend, ModelRequest(HELLO, model="silent")))
        await upstream.requests(1)
        await backend.aclose()
        async with asyncio.timeout(10):
            with pytest.raises(BackendError) as caught:
                await task
    assert caught.value.code is ErrorCode.SHUTTING_DOWN


# ---------------------------------------------------------------- keys and addresses


async def test_a_missing_key_is_named_by_its_environment_variable() -> None:
    async with opened("openrouter") as backend:
        for attempt in (backend.start(), anext(pulled(backend, ModelRequest(HELLO)))):
            with pytest.raises(BackendError, match="OPENROUTER_API_KEY") as caught:
                await attempt
            assert caught.value.code is ErrorCode.MODEL_UNAUTHORIZED


async def test_a_key_shows_in_no_representation() -> None:
    async with opened("openrouter", api_key=f" {KEY}\n", name="main") as backend:
        await backend.start()
        assert backend.name == "main"
        assert "https://openrouter.ai/api/v1" in repr(backend)
        assert KEY not in repr(backend)


@pytest.mark.parametrize("key", ["ключ", "two words", "a\x00b"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(SettingsError, match="check OPENAI_API_KEY") as caught:
        OpenAIBackend(PROFILES["openai"], api_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "ftp://x/v1", "http:///v1", "http://u:p@h/v1", "http://h/v1?k=v"]
)
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="base_url") as caught:
        OpenAIBackend(structs.replace(PROFILES["openai"], base_url=""), base_url=url)
    assert "u:p" not in str(caught.value)


async def test_a_bill_tells_how_long_the_service_took_to_accept(upstream: FakeUpstream) -> None:
    backend = backend_for(upstream, CASES["plain"])
    bill = Bill()
    stream = pulled(backend, ModelRequest(MESSAGES, bill=bill))
    assert bill.connect_seconds == 0.0
    await anext(stream)
    assert 0.0 < bill.connect_seconds < 5.0
    await stream.aclose()
    await backend.aclose()
