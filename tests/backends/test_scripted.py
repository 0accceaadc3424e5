"""The authored voice, and the scripts of tests."""

from __future__ import annotations

import pytest
from dialogue_protocol.codes import ErrorCode

from dialogue_server.backends.base import Finished, ModelRequest
from dialogue_server.backends.scripted import Answer, ScriptedBackend
from dialogue_server.domain.prompt import Message
from dialogue_server.errors import BackendError
from tests.pulling import pulled

MESSAGES = (Message("user", "Hello?"),)


async def test_it_says_the_authored_line_word_by_word_tags_included() -> None:
    backend = ScriptedBackend()
    request = ModelRequest(MESSAGES, authored="[mood: grim] No  ore, friend.")
    items = [item async for item in pulled(backend, request)]
    assert ["[mood: ", "grim] ", "No  ", "ore, ", "friend.", Finished()] == items
    assert backend.requests == []


async def test_each_word_waits_its_delay() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    backend = ScriptedBackend(delay=0.25, sleep=sleep, layout="compact")
    async for _ in pulled(backend, ModelRequest(MESSAGES, authored="One two three.")):
        pass
    assert waits == [0.25] * 3
    assert backend.layout == "compact"


async def test_without_an_authored_line_it_says_what_to_write() -> None:
    with pytest.raises(BackendError, match="`lines` or `fallback`") as caught:
        await anext(pulled(ScriptedBackend(), ModelRequest(MESSAGES, authored=" ")))
    assert caught.value.code is ErrorCode.MODEL_EMPTY


async def test_a_script_is_played_in_order_and_ends_with_an_error() -> None:
    backend = ScriptedBackend(["One.", Answer(pieces=("T", "wo."), reason="length")])
    request = ModelRequest(MESSAGES, authored="not this")
    assert [item async for item in pulled(backend, request)] == ["One.", Finished()]
    items = [item async for item in pulled(backend, request)]
    assert items == ["T", "wo.", Finished("length")]
    with pytest.raises(BackendError, match="ends after 2 answers"):
        await anext(pulled(backend, request))
    assert backend.requests == [request] * 3
