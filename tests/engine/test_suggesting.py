"""Suggestions over a real socket: from a model, from the designer, never in a turn's way."""

from __future__ import annotations

import asyncio

import pytest
from dialogue_protocol.messages import (
    Error,
    Open,
    Opened,
    Player,
    Say,
    Suggest,
    Suggestions,
    Turn,
    TurnEnd,
)
from msgspec.structs import replace

from dialogue_server.backends.scripted import ScriptedBackend
from dialogue_server.domain.staging import Suggestion
from dialogue_server.engine.context import EngineLimits
from dialogue_server.engine.observer import Failure, SuggestionsMade
from dialogue_server.engine.pacing import Pace
from dialogue_server.errors import BackendError
from tests.fakes.steered import SteeredBackend
from tests.harness import MIRA, Answer, Client, serving

OWN = ["What's new here?", "Is the mine still flooded?"]
HOST = replace(MIRA, suggestions=[Suggestion(text) for text in OWN])


async def suggested(client: Client, line: str) -> list[str]:
    return (await client.expect(Suggestions, lambda m: m.line == line)).texts


async def test_a_model_suggests_lines_in_the_players_voice() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(HOST,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "s1", 2))
        call = await backend.call()
        prompt = "\n".join(message.content for message in call.request.messages)
        assert "Write 2 different lines that Ann could say next." in prompt
        assert "Mira: Come in, mind the step." in prompt
        call.say("1. Who are ", "you?\n2. Mira: Hello!\n3. Good evening, Mira.\n4. Bye.")
        call.finish()
        assert await suggested(client, "s1") == ["Who are you?", "Good evening, Mira."]


async def test_what_a_model_leaves_open_the_designers_own_fill() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(HOST,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "s1", 3))
        call = await backend.call()
        call.say("- Who are you?")
        call.finish()
        assert await suggested(client, "s1") == ["Who are you?", *OWN]
        await client.send(Suggest("c", "s2", 3))
        call = await backend.call()
        call.fail(BackendError("model_unreachable", "No."))  # type: ignore[arg-type]
        assert await suggested(client, "s2") == OWN
        first, second = served.seen(SuggestionsMade)
        assert (first.lines, first.by_model, first.problem) == (3, 1, "")
        assert (second.lines, second.by_model, second.problem) == (2, 0, "No.")


async def test_lines_in_another_language_than_the_players_are_dropped() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(HOST,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "s1", 1, "ru"))
        call = await backend.call()
        assert "Write in Russian." in call.request.messages[0].content
        call.say("Where is the mill?\nГде мельница?")
        call.finish()
        assert await suggested(client, "s1") == ["Где мельница?"]


async def test_a_late_model_is_not_waited_for() -> None:
    backend = SteeredBackend()
    limits = EngineLimits(suggestion_seconds=0.05)
    async with serving(backend, personas=(HOST,), limits=limits) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "s1"))
        call = await backend.call()
        assert await suggested(client, "s1") == OWN
        await call.cancelled()


async def test_a_turn_takes_the_model_over_and_the_suggestions_still_come() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(HOST,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "s1"))
        asking = await backend.call()
        await client.send(Say("c", "1", "Hello there, old friend!"))
        turn = await backend.call()
        answer = Answer(await client.expect(Turn))
        await asking.cancelled()
        assert await suggested(client, "s1") == OWN
        turn.say("Well met.")
        turn.finish()
        assert (await client.rest_of(answer)).text == "Well met."


async def test_suggestions_wait_for_the_turn_that_runs_and_know_its_answer() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(HOST,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello!"))
        turn = await backend.call()
        await client.send(Suggest("c", "s1"))
        turn.say("Well met.")
        turn.finish()
        await client.answer()
        asking = await backend.call()
        assert "Mira: Well met." in asking.request.messages[-1].content
        asking.say("And to you.")
        asking.finish()
        assert (await suggested(client, "s1"))[0] == "And to you."


async def test_each_of_several_requests_is_answered() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(HOST,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "s1"))
        await backend.call()
        await client.send(Suggest("c", "s2"))
        assert await suggested(client, "s1") == OWN
        call = await backend.call()
        call.say("Who are you?")
        call.finish()
        assert (await suggested(client, "s2"))[0] == "Who are you?"
        await client.send(Suggest("c", "s3", 0))
        assert await suggested(client, "s3") == []


async def test_of_several_requests_that_wait_for_a_turn_only_the_newest_asks_the_model() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(HOST,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello!"))
        turn = await backend.call()
        for line in ("s1", "s2", "s3"):
            await client.send(Suggest("c", line))
        turn.finish()
        call = await backend.call()
        assert await suggested(client, "s1") == OWN
        assert await suggested(client, "s2") == OWN
        call.say("Who are you?")
        call.finish()
        assert (await suggested(client, "s3"))[0] == "Who are you?"
        assert backend.calls.empty()


async def test_a_conversation_that_is_taken_over_while_the_request_is_counted_asks_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counting, may = asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> None:
        counting.set()
        await may.wait()

    backend = SteeredBackend()
    async with serving(backend, personas=(HOST,)) as served:
        client, another = await Client.connect(served.url), await Client.connect(served.url)
        await client.open()
        monkeypatch.setattr(Pace, "take_line", slow)
        await client.send(Suggest("c", "s1"))
        await counting.wait()
        await another.open()
        may.set()
        error = await client.expect(Error)
        assert (error.code, error.line) == ("unknown_conversation", "s1")
        assert backend.calls.empty()


@pytest.mark.parametrize("layout", ["standard", "compact"])
async def test_without_a_capable_model_the_designers_own_are_given(layout: str) -> None:
    backend = ScriptedBackend(layout=layout)  # type: ignore[arg-type]
    async with serving(backend, personas=(HOST,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "s1"))
        assert await suggested(client, "s1") == OWN
        served.context.personas = {HOST.id: MIRA}
        await client.send(Suggest("c", "s2"))
        assert await suggested(client, "s2") == []


async def test_a_request_that_cannot_be_met_is_answered_by_an_error() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(HOST,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        served.context.personas = {}
        await client.send(Suggest("c", "s1"))
        error = await client.expect(Error)
        assert (error.code, error.line) == ("unknown_npc", "s1")
        served.context.personas = {HOST.id: HOST}
        await client.send(Suggest("c", "s2"))
        (await backend.call()).fail(RuntimeError("broken"))
        error = await client.expect(Error)
        assert (error.code, error.line) == ("internal", "s2")
        assert "broken" in served.seen(Failure)[0].error


async def test_a_conversation_that_is_left_asks_no_more() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(HOST,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "s1"))
        call = await backend.call()
        await client.send(Open("c", ["mira"], Player("ann", "Ann")))
        assert (await client.expect(Error)).line == "s1"
        await call.cancelled()
        await client.expect(Opened)


async def test_while_turns_wait_for_the_model_the_designers_own_are_given() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(HOST,), limits=EngineLimits(turns=1)) as served:
        client = await Client.connect(served.url)
        for name in ("a", "b", "c"):
            await client.open(name)
        await client.send(Say("a", "1", "Hello!"))
        running = await backend.call()
        await client.send(Say("b", "1", "Hello!"))
        while not served.context.places.waiting:
            await asyncio.sleep(0)
        await client.send(Suggest("c", "s1"))
        assert await suggested(client, "s1") == OWN
        running.finish()
        (await backend.call()).finish()


async def test_a_model_that_does_one_thing_at_a_time_is_left_to_the_turn_that_runs() -> None:
    backend = SteeredBackend()
    limits = EngineLimits(summaries="alone")
    async with serving(backend, personas=(HOST,), limits=limits) as served:
        client = await Client.connect(served.url)
        await client.open("a")
        await client.open("b")
        await client.send(Say("a", "1", "Hello!"))
        running = await backend.call()
        await client.send(Suggest("b", "s1"))
        assert await suggested(client, "s1") == OWN
        running.finish()
        await client.expect(TurnEnd)
        await client.send(Suggest("b", "s2"))
        (await backend.call()).finish()
        assert await suggested(client, "s2") == OWN
