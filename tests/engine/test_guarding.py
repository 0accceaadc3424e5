"""Guards in a running turn, over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from dialogue_protocol.messages import Delta, Interrupt, Say, Turn, TurnEnd

from dialogue_server.backends.base import Usage
from dialogue_server.domain.persona import Fact, Guards, Persona
from dialogue_server.engine.observer import GuardHit
from tests.fakes.steered import SteeredBackend
from tests.harness import MIRA, WORLD, Answer, Client, Served, serving

GUARDED = msgspec.structs.replace(
    MIRA,
    guards=Guards(character=True, prompt=True, player=True, repeats=True, forbidden=["dragon"]),
)


class Table:
    """A served NPC under guard, a client at it, and the model to steer."""

    def __init__(self, served: Served, client: Client, model: SteeredBackend) -> None:
        self.served, self.client, self.model = served, client, model

    async def ask(self, *answers: tuple[str, ...], line: str = "1", text: str = "Hello?") -> Answer:
        """Say a line that the model answers with the first chunks, then, when asked anew, with
        the next."""
        await self.client.send(Say("c", line, text))
        for chunks in answers:
            call = await self.model.call()
            call.say(*chunks)
            call.finish()
        return await self.client.answer()

    @property
    def hits(self) -> list[tuple[str, str, str]]:
        return [(hit.guard, hit.rule, hit.action) for hit in self.served.seen(GuardHit)]


async def table(persona: Persona = GUARDED, **more: Any) -> AsyncIterator[Table]:
    model = SteeredBackend(**more)
    async with serving(model, personas=(persona,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        yield Table(served, client, model)
        await client.leave()


@pytest.fixture
async def guarded() -> AsyncIterator[Table]:
    async for one in table():
        yield one


async def test_an_answer_that_passes_arrives_sentence_by_sentence(guarded: Table) -> None:
    answer = await guarded.ask(("Come ", "in. [mood: wary] Mind", " the step."))
    assert answer.deltas == ["Come in.", " Mind the step."]
    assert [(cue.offset, cue.name) for cue in answer.cues if cue.name == "wary"] == [(8, "wary")]
    assert (answer.ended.reason, answer.ended.code) == ("complete", "")
    assert guarded.hits == []


async def test_before_anything_is_shown_the_model_is_asked_anew_with_a_hint(guarded: Table) -> None:
    await guarded.client.send(Say("c", "1", "Hello?"))
    first = await guarded.model.call()
    first.say("[mood: wary] As an AI, I [action: pour drink=ale] can", "not. Sorry")
    second = await guarded.model.call()
    await first.cancelled()
    assert second.request.messages[:-1] == first.request.messages[:-1]
    assert second.request.messages[-1].content.startswith(first.request.messages[-1].content)
    assert "Your last answer was not used" in second.request.messages[-1].content
    second.say("Come in.")
    second.finish()
    answer = await guarded.client.answer()
    assert answer.text == "Come in."
    assert [cue for cue in answer.cues if cue.kind == "action"] == []
    assert (answer.ended.reason, answer.ended.code) == ("complete", "")
    assert guarded.hits == [("character", "out of character", "regenerated")]


async def test_after_the_last_retry_an_authored_line_is_spoken(guarded: Table) -> None:
    answer = await guarded.ask(("As an AI, no.",), ("A dragon!",))
    assert answer.text == MIRA.fallback[0]
    assert (answer.ended.reason, answer.ended.code) == ("fallback", "guarded")
    assert "dragon" not in answer.ended.detail
    assert [action for *_, action in guarded.hits] == ["regenerated", "fallback"]


async def test_after_something_was_shown_the_answer_ends_before_the_sentence(
    guarded: Table,
) -> None:
    answer = await guarded.ask(("Come in. [mood: wary] A dragon sleeps. ", "Quiet now."))
    assert answer.text == "Come in."
    assert answer.ended.length == 8
    assert (answer.ended.reason, answer.ended.code) == ("filtered", "guarded")
    assert not [cue for cue in answer.cues if cue.offset >= 8]
    assert guarded.hits == [("forbidden", "dragon", "cut")]


async def test_only_what_passed_is_remembered(guarded: Table) -> None:
    await guarded.ask(("Come in. A dragon sleeps.",))
    await guarded.client.send(Say("c", "2", "And?"))
    call = await guarded.model.call()
    assert "dragon" not in str(call.request.messages)
    assert "Come in." in str(call.request.messages)
    call.finish()
    await guarded.client.answer()


async def test_an_npc_that_says_the_same_again_is_asked_anew(guarded: Table) -> None:
    said = "The cellar is full of rats and has been for all of my life."
    await guarded.ask((said,))
    answer = await guarded.ask((said,), ("Still full of rats.",), line="2")
    assert answer.text == "Still full of rats."
    assert guarded.hits == [("repeats", "said before", "regenerated")]


async def test_what_both_requests_cost_is_counted(guarded: Table) -> None:
    await guarded.client.send(Say("c", "1", "Hello?"))
    for text in ("As an AI", "Come in."):
        call = await guarded.model.call()
        call.say(text)
        call.finish(usage=Usage(100, 10, 5))
    answer = await guarded.client.answer()
    assert answer.text == "Come in."
    assert (answer.ended.input_tokens, answer.ended.output_tokens) == (200, 20)


async def test_with_no_retries_the_authored_line_is_spoken_at_once() -> None:
    strict = msgspec.structs.replace(MIRA, guards=Guards(character=True, retries=0))
    async for one in table(strict):
        answer = await one.ask(("As an AI, no.",), text="What of the mine?")
        assert answer.text == MIRA.lines[0].text
        assert (answer.ended.reason, answer.ended.code) == ("fallback", "guarded")


async def test_an_npc_without_authored_lines_fails_with_the_reason() -> None:
    silent = msgspec.structs.replace(MIRA, guards=Guards(character=True), fallback=[], lines=[])
    async for one in table(silent):
        answer = await one.ask(("As an AI, no.",), ("I am an AI.",))
        assert (answer.text, answer.ended.reason, answer.ended.code) == ("", "failed", "guarded")


async def test_a_long_answer_just_ends() -> None:
    brief = msgspec.structs.replace(MIRA, guards=Guards(max_sentences=1))
    async for one in table(brief):
        answer = await one.ask(("Come in. Mind the step. ", "It is old."))
        assert answer.text == "Come in."
        assert (answer.ended.reason, answer.ended.code) == ("length", "")
        assert one.hits == [("length", "max_sentences", "cut")]


async def test_reports_leave_the_answer_as_it_is() -> None:
    watched = msgspec.structs.replace(MIRA, guards=Guards(forbidden=["dragon"], report_only=True))
    async for one in table(watched):
        answer = await one.ask(("A dra", "gon sleeps. "), text="Hello?")
        assert answer.text == "A dragon sleeps."
        assert answer.ended.reason == "complete"
        assert one.hits == [("forbidden", "dragon", "reported")]


async def test_a_tiny_model_is_not_asked_anew_and_may_say_its_fact_again() -> None:
    told = "The cellar is full of rats and it has always been full of rats."
    tiny = msgspec.structs.replace(GUARDED, knowledge=[Fact(told, keys=["cellar"])])
    async for one in table(tiny, layout="compact"):
        for line in ("1", "2", "3"):
            answer = await one.ask((told,), line=line, text="What of the cellar?")
            assert (answer.text, answer.ended.reason) == (told, "complete")
        answer = await one.ask(("As an AI, no.",), line="4", text="What of the cellar?")
        assert answer.ended.code == "guarded"


async def test_the_guards_of_the_world_are_everybodys() -> None:
    world = msgspec.structs.replace(WORLD, guards=Guards(anachronisms=["telephone"]))
    model = SteeredBackend()
    async with serving(model, personas=(MIRA,), world=world) as served:
        client = await Client.connect(served.url)
        await client.open()
        one = Table(served, client, model)
        answer = await one.ask(("My telephone rings.",), ("A bell rings.",))
        assert answer.text == "A bell rings."
        await client.leave()


async def test_an_interrupt_keeps_what_was_seen_of_what_passed(guarded: Table) -> None:
    await guarded.client.send(Say("c", "1", "Hello?"))
    turn = await guarded.client.expect(Turn)
    call = await guarded.model.call()
    call.say("Come in. Mind the")
    await guarded.client.expect(Delta)
    await guarded.client.send(Interrupt(turn.turn, 4))
    end = await guarded.client.expect(TurnEnd)
    assert (end.reason, end.length) == ("interrupted", 4)
