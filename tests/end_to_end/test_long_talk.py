"""A talk of a hundred turns runs to its end within its budget, and does not slow down."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from dialogue_server.backends.base import ModelRequest
from dialogue_server.backends.local import LocalBackend
from dialogue_server.backends.scripted import ScriptedBackend
from dialogue_server.engine.context import EngineLimits
from dialogue_server.engine.observer import TurnStarted
from dialogue_server.stores import content
from dialogue_server.stores.memory import MemoryStore
from tests.embedded import embedded_weights
from tests.harness import Client, serving

STARTER = content.load(Path(content.__file__).parents[1] / "starter")
PERSONAS = tuple(STARTER.personas.values())
TURNS, WITH_MODEL = 100, 10
LIMITS = EngineLimits(messages_per_second=0, lines_per_minute=0, prompt_tokens=1_500)
ASKED = ("How can I help with the lamp?", "What does a kettle cost?", "What happened to your hand?")


def line(turn: int) -> str:
    return f"{ASKED[turn % len(ASKED)]} I ask you for the {turn + 1}. time."


@pytest.mark.parametrize("layout", ["standard", "compact"])
async def test_every_prompt_of_a_hundred_turns_is_within_budget_and_begins_alike(
    layout: Literal["standard", "compact"],
) -> None:
    def say(request: ModelRequest) -> str:
        return f"Hm. That is {len(backend.requests)} now, and I have a kettle on. " * 3

    backend = ScriptedBackend(say, layout=layout)
    async with serving(backend, personas=PERSONAS, world=STARTER.world, limits=LIMITS) as served:
        client = await Client.connect(served.url)
        await client.open(npcs=("tove",))
        reasons = [(await client.say(line(n), line=str(n))).ended.reason for n in range(TURNS)]
        await client.leave()
    assert reasons == ["complete"] * TURNS
    started = served.seen(TurnStarted)
    assert len(started) == TURNS
    assert max(record.prompt_tokens for record in started) <= LIMITS.prompt_tokens
    systems = {request.messages[0] for request in backend.requests}
    assert len(systems) == 1
    # What grows is bounded: the second half of the talk needs no more than the first.
    sizes = [sum(len(m.content) for m in request.messages) for request in backend.requests]
    assert max(sizes[TURNS // 2 :]) <= 1.1 * max(sizes[: TURNS // 2])


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_embedded_model_ends_a_talk_of_a_hundred_turns() -> None:
    """The first ninety lines are answered by a script; `make bench` has the model answer all."""
    store = MemoryStore()
    weights = embedded_weights()
    fresh = await _talk(LocalBackend(weights), MemoryStore(), range(len(ASKED)))
    before = range(TURNS - WITH_MODEL)
    await _talk(ScriptedBackend(lambda _: "Hm. Ask me tomorrow.", layout="compact"), store, before)
    late = await _talk(LocalBackend(weights), store, range(TURNS - WITH_MODEL, TURNS))
    assert all(reason in ("complete", "length") for reason, _ in (*fresh, *late))
    room = 2048 - LIMITS.answer_tokens
    asked = [tokens for _, tokens in late if tokens]  # an authored line costs none
    assert len(asked) > WITH_MODEL // 2
    assert max(asked) <= min(room, 1.2 * max(tokens for _, tokens in fresh))


async def _talk(
    backend: LocalBackend | ScriptedBackend, store: MemoryStore, turns: range
) -> list[tuple[str, int]]:
    """The reason and the prompt's tokens of each turn, as the model counted them."""
    world = STARTER.world
    async with serving(
        backend, store=store, personas=PERSONAS, world=world, limits=LIMITS
    ) as served:
        client = await Client.connect(served.url)
        opened = await client.open(npcs=("tove",))
        assert opened.history >= turns[0]
        ended = []
        for turn in turns:
            answer = await client.say(line(turn), line=str(turn))
            ended.append((answer.ended.reason, answer.ended.input_tokens))
        await client.leave()
    return ended
