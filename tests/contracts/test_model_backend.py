"""What every ModelBackend owes its caller (backends/base.py), run on each implementation.

To add one, write a fixture function that yields a `Subject` and put it into `SUBJECTS`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from dialogue_protocol.codes import ErrorCode
from msgspec import Struct, structs

from dialogue_server.backends.base import Finished, ModelBackend, ModelRequest, Sampling
from dialogue_server.backends.local import LocalBackend
from dialogue_server.backends.openai_http import OpenAIBackend
from dialogue_server.backends.profiles import PROFILES
from dialogue_server.backends.routing import RoutingBackend
from dialogue_server.backends.scripted import Answer, ScriptedBackend
from dialogue_server.domain.prompt import Message
from dialogue_server.errors import BackendError
from tests.embedded import embedded_weights
from tests.fakes.certificate import write_certificate
from tests.fakes.upstream import FakeUpstream, Script, Stall
from tests.fakes.upstream_cases import CASES, delta, open_stream, script_of, stream
from tests.pulling import pulled

MESSAGES = (Message("system", "You are Mira, a smith."), Message("user", "Hello there!"))
UNICODE = "Grüße, 漢字 👩‍👩‍👧‍👦 e\u0301 \u2028."
LIMIT = 10.0
"""Seconds for what should happen at once; reached only by a failure."""


class Subject(Struct):
    """An implementation, and requests that make it behave in a certain way."""

    backend: ModelBackend
    short: ModelRequest
    """Answers, and ends by itself."""
    endless: ModelRequest
    """Gives a first text and does not end before it is cancelled."""
    failing: ModelRequest
    """Gives a first text; fails after `fail` was called."""
    released: Callable[[], Awaitable[None]]
    """Returns once the upstream is busy with nothing."""
    fail: Callable[[], Awaitable[None]]
    exact: dict[str, str]
    """Texts that are known beforehand: "short", "unicode"; empty where a model decides."""
    unicode: ModelRequest | None = None


def ask(model: str) -> ModelRequest:
    return ModelRequest(MESSAGES, max_tokens=40, model=model)


async def nothing() -> None:
    pass


@asynccontextmanager
async def openai_http(
    tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Subject]:
    def script(model: str, body: dict[str, object], before: int) -> Script:
        if model == "endless":
            return open_stream(delta("Well, "), Stall())
        if model == "unicode":
            pieces = (delta(letter) for letter in UNICODE)
            return stream(*pieces, b"data: [DONE]\n\n")
        return script_of(model, body, before)

    async with FakeUpstream(script, host=host, tls=tls) as upstream:
        backend = OpenAIBackend(PROFILES["openai-compatible"], base_url=upstream.base_url)

        async def released() -> None:
            for seen in upstream.seen:
                await seen.over.wait()

        yield Subject(
            backend,
            short=ask("plain"),
            endless=ask("endless"),
            failing=ask("reset_after_text"),
            released=released,
            fail=nothing,
            exact={"short": CASES["plain"].text, "unicode": UNICODE},
            unicode=ask("unicode"),
        )
        await backend.aclose()


@asynccontextmanager
async def openai_https() -> AsyncIterator[Subject]:
    """As services are reached: bytes pass through the event loop's own TLS."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        certificate = write_certificate(Path(folder) / "model.pem")
        patch.setenv("SSL_CERT_FILE", str(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        async with openai_http(context, "localhost") as subject:
            yield subject


@asynccontextmanager
async def scripted() -> AsyncIterator[Subject]:
    cut = BackendError(ErrorCode.MODEL_FAILED, "cut off")
    answers = {
        "short": Answer("Hello there."),
        "endless": Answer("Well, ", stall=True),
        "failing": Answer("Well, ", error=cut),
        "unicode": Answer(pieces=tuple(UNICODE)),
    }
    backend = ScriptedBackend(lambda request: answers[request.model])

    async def released() -> None:
        while backend.active:
            await asyncio.sleep(0)

    yield Subject(
        backend,
        short=ask("short"),
        endless=ask("endless"),
        failing=ask("failing"),
        released=released,
        fail=nothing,
        exact={"short": "Hello there.", "unicode": UNICODE},
        unicode=ask("unicode"),
    )
    await backend.aclose()


@asynccontextmanager
async def routing() -> AsyncIterator[Subject]:
    async with scripted() as subject:
        chain = RoutingBackend([subject.backend, ScriptedBackend(["Never."])])
        yield structs.replace(subject, backend=chain)
        await chain.aclose()


@asynccontextmanager
async def local() -> AsyncIterator[Subject]:
    """The embedded model itself, in its child process."""
    backend = LocalBackend(embedded_weights(), threads=1, context=512)
    endless = ModelRequest(
        MESSAGES, max_tokens=400, sampling=Sampling(temperature=2.0, min_p=0.0, seed=1)
    )
    await backend.start()

    async def fail() -> None:
        os.kill(backend.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)

    yield Subject(
        backend,
        short=ModelRequest(MESSAGES, max_tokens=8),
        endless=endless,
        failing=endless,
        released=nothing,
        fail=fail,
        exact={},
    )
    await backend.aclose()


SUBJECTS: list[Callable[[], AbstractAsyncContextManager[Subject]]] = [
    openai_http,
    openai_https,
    scripted,
    routing,
    local,
]


@pytest.fixture(params=SUBJECTS, ids=lambda make: make.__name__)
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    async with request.param() as made:
        await made.backend.start()
        yield made


async def collect(backend: ModelBackend, request: ModelRequest) -> tuple[str, list[Finished]]:
    """The text and what finished it; fails the test if anything comes out of order."""
    text, ends = "", []
    async with asyncio.timeout(6 * LIMIT):
        async for item in pulled(backend, request):
            assert not ends, "nothing may follow Finished"
            if isinstance(item, str):
                assert item, "a text is never empty"
                text += item
            else:
                ends.append(item)
    return text, ends


async def test_text_comes_and_then_one_finished(subject: Subject) -> None:
    text, ends = await collect(subject.backend, subject.short)
    assert text.strip()
    assert subject.exact.get("short", text) == text
    assert len(ends) == 1


@pytest.mark.parametrize(
    "subject",
    [make for make in SUBJECTS if make is not local],  # a real model decides what it says
    indirect=True,
    ids=lambda make: make.__name__,
)
async def test_text_of_any_script_comes_through_unharmed(subject: Subject) -> None:
    assert subject.unicode is not None
    text, _ = await collect(subject.backend, subject.unicode)
    assert subject.exact["unicode"] == text


async def test_a_name_a_layout_and_a_context_size_are_known(subject: Subject) -> None:
    assert subject.backend.name
    assert subject.backend.layout in ("standard", "compact")
    assert subject.backend.context_tokens >= 256


async def test_starting_twice_is_harmless(subject: Subject) -> None:
    await subject.backend.start()
    assert (await collect(subject.backend, subject.short))[1]


async def test_an_empty_prompt_is_refused_before_the_model_invents_one(subject: Subject) -> None:
    with pytest.raises(BackendError, match="no messages") as caught:
        await collect(subject.backend, structs.replace(subject.short, messages=()))
    assert caught.value.code is ErrorCode.MODEL_BAD_REQUEST


async def test_closing_the_stream_releases_the_upstream_at_once(subject: Subject) -> None:
    stream = pulled(subject.backend, subject.endless)
    assert isinstance(await anext(stream), str)
    async with asyncio.timeout(LIMIT):
        await stream.aclose()
        await subject.released()


async def test_cancelling_the_stream_releases_the_upstream_and_nothing_more_is_shown(
    subject: Subject,
) -> None:
    begun = asyncio.Event()
    shown: list[str] = []

    def show(text: str) -> bool:
        shown.append(text)
        begun.set()
        return True

    task = asyncio.create_task(subject.backend.stream(subject.endless, show))
    async with asyncio.timeout(LIMIT):
        await begun.wait()
        task.cancel()
        before = list(shown)
        with pytest.raises(asyncio.CancelledError):
            await task
        await subject.released()
    assert before == shown
    assert (await collect(subject.backend, subject.short))[1], "the backend lives on"


async def test_cancelling_before_the_first_token_releases_the_upstream(subject: Subject) -> None:
    task = asyncio.create_task(collect(subject.backend, subject.endless))
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(LIMIT):
        with pytest.raises(asyncio.CancelledError):
            await task
        await subject.released()


async def test_a_reader_that_has_enough_releases_the_upstream(subject: Subject) -> None:
    shown: list[str] = []

    def show(text: str) -> bool:
        shown.append(text)
        return False

    async with asyncio.timeout(LIMIT):
        assert await subject.backend.stream(subject.endless, show) is None
        await subject.released()
    assert len(shown) == 1
    assert (await collect(subject.backend, subject.short))[1], "the backend lives on"


async def test_what_the_reader_raises_leaves_the_stream_and_releases_the_upstream(
    subject: Subject,
) -> None:
    def show(text: str) -> bool:
        raise LookupError(text)

    async with asyncio.timeout(LIMIT):
        with pytest.raises(LookupError):
            await subject.backend.stream(subject.endless, show)
        await subject.released()
    assert (await collect(subject.backend, subject.short))[1], "the backend lives on"


async def test_a_failure_in_mid_stream_is_a_backend_error_after_the_text(subject: Subject) -> None:
    stream = pulled(subject.backend, subject.failing)
    assert isinstance(await anext(stream), str)
    await subject.fail()
    with pytest.raises(BackendError) as caught:
        async with asyncio.timeout(LIMIT):
            async for item in stream:
                assert isinstance(item, str), "a broken answer is never finished"
    assert caught.value.detail
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_streams_run_side_by_side(subject: Subject) -> None:
    results = await asyncio.gather(*(collect(subject.backend, subject.short) for _ in range(4)))
    for text, ends in results:
        assert text.strip()
        assert subject.exact.get("short", text) == text
        assert len(ends) == 1


async def test_warming_never_raises(subject: Subject) -> None:
    async with asyncio.timeout(6 * LIMIT):
        await subject.backend.warm(MESSAGES)
        await subject.backend.warm(())


async def test_closing_ends_running_streams_and_refuses_new_ones(subject: Subject) -> None:
    stream = pulled(subject.backend, subject.endless)
    assert isinstance(await anext(stream), str)
    async with asyncio.timeout(LIMIT):
        await subject.backend.aclose()
        await subject.backend.aclose()
        with pytest.raises(BackendError):
            async for _ in stream:
                pass
    with pytest.raises(BackendError) as caught:
        await collect(subject.backend, subject.short)
    assert caught.value.code is ErrorCode.SHUTTING_DOWN
