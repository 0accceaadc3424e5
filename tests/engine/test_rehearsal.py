"""A world's questions put to its NPCs."""

from __future__ import annotations

from dialogue_protocol.codes import ErrorCode

from dialogue_server.backends.base import ModelRequest
from dialogue_server.backends.scripted import Answer, ScriptedBackend
from dialogue_server.domain.evaluation import Case
from dialogue_server.domain.persona import Fact, Persona, World
from dialogue_server.engine.context import EngineContext
from dialogue_server.engine.rehearsal import Answered, rehearse
from dialogue_server.errors import BackendError
from dialogue_server.stores.memory import MemoryStore

WORLD = World("Vale", "A valley.", state={"mine": "open", "day": 1})
MIRA = Persona("mira", "Mira", "A smith.", knowledge=[Fact("It is flooded.", "mine == 'wet'")])
CASES = (Case("mira", "Is the mine open?", [["flooded"]], {"mine": "wet"}),)


async def ask(
    cases: tuple[Case, ...], answer: Answer, seeds: tuple[int, ...] = (1,)
) -> list[Answered]:
    asked: list[ModelRequest] = []

    def reply(request: ModelRequest) -> Answer:
        asked.append(request)
        return answer

    backend = ScriptedBackend(reply)
    await backend.start()
    context = EngineContext(
        world=WORLD,
        personas={"mira": MIRA},
        backend=backend,
        store=MemoryStore(),
        observe=lambda _: None,
    )
    found = [one async for one in rehearse(context, cases, seeds=seeds)]
    assert [request.sampling.seed for request in asked] == list(seeds)[: len(asked)]
    assert all("flooded" in str(request.messages) for request in asked)
    await backend.aclose()
    return found


async def test_each_question_is_asked_once_with_every_seed_in_its_own_state() -> None:
    answers = await ask(CASES, Answer("It is flooded."), seeds=(1, 2))
    assert [(one.seed, one.text, one.passed) for one in answers] == [
        (1, "It is flooded.", True),
        (2, "It is flooded.", True),
    ]


async def test_a_wrong_answer_says_what_it_lacks() -> None:
    (answer,) = await ask(CASES, Answer("No idea."))
    assert answer.problems == ("lacks flooded",)


async def test_a_model_that_fails_is_an_answer_with_that_problem() -> None:
    error = BackendError(ErrorCode.MODEL_FAILED, "it broke")
    (answer,) = await ask(CASES, Answer("It is", error=error))
    assert answer.problems == ("model_failed: it broke",)


async def test_a_question_to_nobody_is_told() -> None:
    (answer,) = await ask((Case("tom", "Hm?"),), Answer("x"))
    assert answer.problems == ("there is no NPC 'tom'",)
