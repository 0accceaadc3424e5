"""A backend that says again what was recorded."""

from __future__ import annotations

import pytest
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import Say, Turn

from dialogue_server.backends.base import Finished, ModelRequest, Usage
from dialogue_server.backends.recorded import RecordedBackend
from dialogue_server.domain.prompt import Message
from dialogue_server.domain.recordings.exchanges import Exchange
from dialogue_server.domain.recordings.recording import (
    Answered,
    Asked,
    Ended,
    Entry,
    Head,
    Recording,
    Streamed,
    What,
)
from dialogue_server.errors import BackendError
from tests.pulling import pulled

ANY = ModelRequest((Message("user", "?"),))


def backend(*whats: What) -> RecordedBackend:
    entries = tuple(Entry(float(at), what) for at, what in enumerate(whats))
    return RecordedBackend(Recording(Head(), entries))


def exchange(turn: int) -> Exchange:
    return Exchange(0.0, Say("c", "1", "x"), [(0.0, Turn(turn, "n", "c", "mira", "1"))])


async def said(voice: RecordedBackend) -> list[str | Finished]:
    return [item async for item in pulled(voice, ANY)]


async def test_a_turn_gets_its_own_answer_piece_by_piece() -> None:
    voice = backend(
        Streamed(9, "lost"),
        Answered(turn=9),
        Asked(turn=1, layout="compact"),
        Streamed(1, "Under "),
        Asked(turn=2),
        Streamed(2, "No."),
        Streamed(1, "water."),
        Answered(turn=1, reason="length", input_tokens=5, output_tokens=2),
        Ended("over"),
    )
    assert (voice.name, voice.layout, voice.context_tokens) == ("recorded", "compact", 8192)
    await voice.start()
    await voice.warm(ANY.messages)
    voice.turn_to(exchange(1))
    assert await said(voice) == [
        "Under ", "water.", Finished("length", Usage(5, 2))
    ]  # fmt: skip
    voice.turn_to(exchange(2))
    assert await said(voice) == ["No.", Finished("stop")]
    await voice.aclose()


async def test_asked_again_for_a_turn_it_says_what_was_said_then_and_at_last_the_same() -> None:
    voice = backend(Asked(turn=1), Streamed(1, "Bad."), Asked(turn=1), Streamed(1, "Good."))
    voice.turn_to(exchange(1))
    texts = [(await said(voice))[0] for _ in range(3)]
    assert texts == ["Bad.", "Good.", "Good."]


@pytest.mark.parametrize(
    ("told", "code"),
    [("model_timeout", ErrorCode.MODEL_TIMEOUT), ("of_next_year", ErrorCode.MODEL_FAILED)],
)
async def test_it_fails_as_the_model_failed(told: str, code: ErrorCode) -> None:
    voice = backend(Asked(turn=1), Answered(turn=1, code=told, detail="late"))
    voice.turn_to(exchange(1))
    with pytest.raises(BackendError, match="late") as caught:
        await said(voice)
    assert caught.value.code == code


async def test_what_was_not_recorded_is_told() -> None:
    voice = backend(Asked(turn=1))
    voice.turn_to(Exchange(0.0, Say("c", "1", "x")))
    with pytest.raises(BackendError, match="nothing was recorded here"):
        await said(voice)
