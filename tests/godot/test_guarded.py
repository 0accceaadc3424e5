"""A guard that reads while the text already streams takes some of it back, in the real engine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.upstream import FakeUpstream, Pause, Step
from tests.fakes.upstream_cases import DONE, delta, finish, head
from tests.godot.engine import Engine
from tests.godot.server_process import ServerProcess

ANSWER = [
    "Good day",
    " to you.",
    " They say",
    " that the",
    " old queen",
    " is ill.",
    " Poor thing.",
]
GUARDS = '[guards]\nhold = "first"\nforbidden = ["old queen"]\n'


def test_what_a_guard_takes_back_is_hidden_again(
    engine: Engine, world: Path, talkative_model: str
) -> None:
    settings = world / "world.toml"
    text = settings.read_text(encoding="utf-8")
    assert "[guards]\n" in text
    settings.write_text(text.replace("[guards]\n", GUARDS), encoding="utf-8")
    model = ("openai-compatible", "--base-url", talkative_model, "--model", "any")
    server = ServerProcess(world, backend=model, OPENAI_COMPATIBLE_API_KEY="none")
    try:
        server.start()
        engine.suites("guarded", url=server.url).assert_passed()
    finally:
        server.stop()


@pytest.fixture
def talkative_model() -> Iterator[str]:
    """The address of a model that says ANSWER, whatever it is asked."""
    script: list[Step] = [head("200 OK", "Connection: close")]
    for text in ANSWER:
        script += [delta(text), Pause(0.05)]
    script += [finish(), DONE]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    upstream = FakeUpstream(lambda *_: tuple(script))
    asyncio.run_coroutine_threadsafe(upstream.__aenter__(), loop).result(10)
    yield upstream.base_url
    asyncio.run_coroutine_threadsafe(upstream.__aexit__(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()
