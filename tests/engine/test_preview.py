"""A preview is the prompt that the game would make: word for word what a model is asked."""

from __future__ import annotations

from typing import Any

import pytest
from dialogue_protocol.messages import Player
from msgspec.structs import replace

from dialogue_server.backends.base import ModelRequest
from dialogue_server.backends.scripted import ScriptedBackend
from dialogue_server.domain.persona import Persona
from dialogue_server.domain.staging import Scene, ToneRule
from dialogue_server.domain.talk_files import TalkLine
from dialogue_server.engine.context import EngineContext, EngineLimits
from dialogue_server.engine.preview import Moment, preview
from dialogue_server.errors import RequestError
from dialogue_server.stores.memory import MemoryStore
from tests.harness import BORIN, MIRA, WORLD, Client, serving

ANN = Player("ann", "Ann", "A knight.")
TALE = replace(
    MIRA,
    mood_texts={"wary": "She keeps her hand on the jug."},
    tone=[ToneRule("wary", keys=["sword"], change=60)],
    translations={"de": replace(MIRA, description="Führt die Schenke.", greeting="Herein.")},
)
PLACE = replace(WORLD, scenes={"tavern": Scene("A low room.", cast=["borin"])})
SAID = [("I have a sword.", "Then leave it outside."), ("Why?", "Because I say so.")]


def context(backend: ScriptedBackend | None = None) -> EngineContext:
    return EngineContext(
        world=PLACE,
        personas={"mira": TALE, "borin": BORIN},
        backend=backend or ScriptedBackend(),
        store=MemoryStore(),
        observe=lambda _: None,
        limits=EngineLimits(filler_seconds=0),
    )


async def asked_in_a_game(
    said: list[tuple[str, str]], line: str, mira: Persona = TALE, **more: Any
) -> ModelRequest:
    answers = [answer for _, answer in said]
    backend = ScriptedBackend([*answers, "Hm."])
    async with serving(backend, personas=(mira, BORIN), world=PLACE) as served:
        client = await Client.connect(served.url)
        await client.open(npcs=("mira",), player=ANN, **more)
        for number, text in enumerate([*(asked for asked, _ in said), line]):
            await client.say(text, line=str(number), to="mira")
        await client.leave()
    return backend.requests[-1]


@pytest.mark.parametrize("more", [{}, {"scene": "tavern"}, {"locale": "de"}])
async def test_the_first_line_after_a_greeting(more: dict[str, str]) -> None:
    moment = Moment("mira", ANN, state=PLACE.state, **more)
    made = await preview(context(), moment, "Is the mine open?")
    request = await asked_in_a_game([], "Is the mine open?", **more)
    assert [(m.role, m.content, m.name) for m in made.messages] == [
        (m.role, m.content, m.name) for m in request.messages
    ]
    assert made.budget == 4000


async def test_a_talk_that_went_before_moves_moods_and_is_remembered() -> None:
    lines = [
        TalkLine(npc, text) for pair in SAID for npc, text in zip(("", "mira"), pair, strict=True)
    ]
    made = await preview(context(), Moment("mira", ANN, state=PLACE.state, history=lines), "Well?")
    # The talk itself is the beginning: no greeting came before it.
    request = await asked_in_a_game(SAID, "Well?", replace(TALE, greeting=""))
    assert [message.content for message in made.messages] == [m.content for m in request.messages]
    assert any("She keeps her hand on the jug." in message.content for message in made.messages)


async def test_another_npc_who_spoke_is_in_it_and_a_german_greeting_is_not() -> None:
    lines = [TalkLine("borin", "Hot work."), TalkLine("", "Is it?")]
    moment = Moment("mira", ANN, locale="de", state={"quest": {"mine": "drained"}}, history=lines)
    made = await preview(context(), moment, "Hallo.")
    everything = "\n".join(message.content for message in made.messages)
    assert "Hot work." in everything
    assert "Führt die Schenke." in everything
    assert "quest.mine: drained" in everything
    assert "Herein." not in everything


async def test_what_the_engine_refuses_is_raised_with_its_sentence() -> None:
    with pytest.raises(RequestError, match="There is no NPC 'nobody'"):
        moment = Moment("nobody", ANN, history=[TalkLine("", "Hm.")])
        await preview(context(), moment, "Hm.")
    with pytest.raises(RequestError, match="nested deeper"):
        deep: dict[str, Any] = {}
        for _ in range(20):
            deep = {"a": deep}
        await preview(context(), Moment("mira", ANN, state=deep), "Hm.")
