"""The turn tree from the wire: regenerate, save, load, history, and who has it open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from dialogue_protocol.messages import (
    Advance,
    Cue,
    Delta,
    Error,
    Event,
    History,
    Interrupt,
    Load,
    Noted,
    Open,
    Opened,
    Player,
    Regenerate,
    Save,
    Saved,
    Say,
    State,
    StateOk,
    Transcript,
    Turn,
    TurnEnd,
)

from dialogue_server.engine.context import EngineLimits
from dialogue_server.stores.sqlite import SQLiteStore
from tests.fakes.steered import SteeredBackend
from tests.harness import MIRA, Answer, Client, serving

ANN = Player("ann", "Ann")


async def talk(
    client: Client, backend: SteeredBackend, line: str, text: str, answer: str
) -> Answer:
    await client.send(Say("c", line, text))
    call = await backend.call()
    call.say(answer)
    call.finish()
    return await client.answer()


async def lines(client: Client, turn: str = "") -> list[str]:
    await client.send(History("c", 50, turn))
    return [line.text for line in (await client.expect(Transcript)).lines]


async def test_a_regenerated_turn_is_a_sibling_and_the_talk_goes_on_from_it() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        first = await talk(client, backend, "1", "Hello?", "Good day.")
        await client.send(Regenerate("c", first.turn.id, "1b"))
        call = await backend.call()
        prompt = "\n".join(m.content for m in call.request.messages)
        assert prompt.count("Hello?") == 1
        assert "Good day." not in prompt
        call.say("Well met.")
        call.finish()
        second = await client.answer()
        assert (second.turn.line, second.turn.npc) == ("1b", "mira")
        assert second.turn.id != first.turn.id
        assert (await lines(client))[1:] == ["Hello?", "Well met."]
        assert (await lines(client, first.turn.id))[1:] == ["Hello?", "Good day."]
        third = await talk(client, backend, "2", "And?", "And what?")
        assert third.text == "And what?"
        assert (await lines(client))[1:] == ["Hello?", "Well met.", "And?", "And what?"]


async def test_a_line_is_answered_anew_in_its_own_language() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hallo?", locale="de"))
        first = await backend.call()
        first.say("Guten Tag.")
        first.finish()
        old = await client.answer()
        await client.send(Regenerate("c", old.turn.id, "1b"))
        again = await backend.call()
        assert again.request.messages == first.request.messages
        assert "[Answer in German.]" in again.request.messages[-1].content
        again.finish()
        await client.answer()


async def test_what_an_npc_said_unasked_is_said_anew_unasked() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Event("c", "e", "A cart goes by.", react="never"))
        await client.expect(Noted)
        await client.send(Advance("c", "a"))
        first = await backend.call()
        first.say("Look.")
        first.finish()
        old = await client.answer()
        await client.send(Regenerate("c", old.turn.id, "1b"))
        again = await backend.call()
        assert again.request.messages == first.request.messages
        again.finish()
        await client.answer()


async def test_a_repeated_regenerate_never_makes_a_third_turn() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        first = await talk(client, backend, "1", "Hello?", "Good day.")
        request = Regenerate("c", first.turn.id, "1b")
        await client.send(request)
        call = await backend.call()
        await client.send(request)
        call.say("Well met.")
        call.finish()
        second = await client.answer()
        await client.send(request)
        again = await client.answer()
        assert (again.turn.id, again.text) == (second.turn.id, "Well met.")
        assert again.turn.line == "1b"
        assert backend.calls.empty()


async def test_only_an_answer_to_a_line_can_be_regenerated() -> None:
    async with serving(SteeredBackend()) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(History("c"))
        greeting = (await client.expect(Transcript)).lines[0]
        for turn in (greeting.id, "nothing"):
            await client.send(Regenerate("c", turn, "x"))
            error = await client.expect(Error)
            assert (error.code, error.line) == ("unknown_turn", "x")
        assert await lines(client) == ["Come in, mind the step."]


async def test_a_saved_moment_comes_back_with_its_history_mood_and_state() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(State("c", 1, {"quest": {"mine": "flooded"}}))
        await client.expect(StateOk)
        await talk(client, backend, "1", "Hello?", "[mood: wary]Good day.")
        await client.send(Save("c"))
        saved = await client.expect(Saved)
        await client.send(State("c", 2, {"quest": {"mine": "drained"}}))
        await client.expect(StateOk)
        later = await talk(client, backend, "2", "A secret?", "[mood: calm]The king is dead.")
        await client.send(Load("c", saved.checkpoint))
        opened = await client.expect(Opened)
        assert (opened.history, opened.revision, opened.greeting) == (2, 1, "")
        assert opened.npcs[0].mood == "wary"
        await client.send(Say("c", "3", "What do you know?"))
        prompt = "\n".join(m.content for m in (await backend.call()).request.messages)
        assert "king" not in prompt
        assert "quest.mine: flooded" in prompt
        assert (await lines(client, later.turn.id))[-1] == "The king is dead."


async def test_a_load_stops_a_running_turn_and_keeps_it_on_its_own_branch() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Save("c"))
        saved = await client.expect(Saved)
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Good day, ")
        turn = await client.expect(Turn)
        await client.expect(Delta)
        await client.send(Load("c", saved.checkpoint))
        assert (await client.expect(TurnEnd)).reason == "truncated"
        assert (await client.expect(Opened)).history == 1
        await call.cancelled()
        assert (await lines(client, turn.id))[-1] == "Good day,"
        assert await lines(client) == ["Come in, mind the step."]


async def test_an_unknown_checkpoint_changes_nothing() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await talk(client, backend, "1", "Hello?", "Good day.")
        await client.send(Load("c", "nothing"))
        error = await client.expect(Error)
        assert (error.code, error.conversation) == ("unknown_checkpoint", "c")
        assert (await lines(client))[1:] == ["Hello?", "Good day."]
        await client.send(Open("d", ["mira"], ANN, checkpoint="nothing"))
        assert (await client.expect(Error)).code == "unknown_checkpoint"


async def test_branches_and_checkpoints_survive_a_restart(tmp_path: Path) -> None:
    backend, path = SteeredBackend(), tmp_path / "talk.db"
    async with serving(backend, store=SQLiteStore(path)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(State("c", 4, {"day": 1}))
        await client.expect(StateOk)
        first = await talk(client, backend, "1", "Hello?", "Good day.")
        await client.send(Save("c"))
        saved = await client.expect(Saved)
        await talk(client, backend, "2", "And?", "And what?")
    backend = SteeredBackend()
    async with serving(backend, store=SQLiteStore(path)) as served:
        client = await Client.connect(served.url)
        opened = await client.open(checkpoint=saved.checkpoint)
        assert (opened.history, opened.revision) == (2, 4)
        again = await client.say("Hello?", line="1")  # the client never saw the answer: repeat it
        assert (again.turn.id, again.text) == (first.turn.id, "Good day.")
        assert backend.calls.empty()


async def test_a_transcript_tells_who_said_what_and_how_it_ended() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("[mood: wary]Good day, friend.")
        turn = await client.expect(Turn)
        await client.expect(Delta)
        await client.send(Interrupt(turn.turn, 8))
        await client.expect(TurnEnd)
        await client.send(History("c", 2))
        asked, answered = (await client.expect(Transcript)).lines
        assert (asked.kind, asked.speaker, asked.text, asked.line) == (
            "player",
            "Ann",
            "Hello?",
            "1",
        )
        assert (answered.kind, answered.speaker, answered.text) == ("npc", "mira", "Good day")
        assert (answered.reason, answered.mood, answered.id) == ("interrupted", "wary", turn.id)


async def test_a_newer_connection_takes_a_conversation_over() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        old = await Client.connect(served.url)
        await old.open()
        await old.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Good day, friend.")
        await old.expect(Delta)
        new = await Client.connect(served.url)
        opened = await new.open()
        await call.cancelled()
        assert opened.history == 2
        assert (await old.expect(TurnEnd)).reason == "truncated"
        await old.send(Say("c", "2", "And?"))
        assert (await old.expect(Error)).code == "unknown_conversation"
        again = await new.say("Hello?", line="1")
        assert (again.text, again.ended.reason) == ("Good day, friend.", "truncated")
        assert backend.calls.empty()


async def test_a_late_first_word_is_bridged_by_a_filler_that_nobody_remembers() -> None:
    backend = SteeredBackend()
    mira = msgspec.structs.replace(MIRA, fillers=["[mood: wary] Hm …"])
    limits = EngineLimits(filler_seconds=0.01)
    async with serving(backend, personas=(mira,), limits=limits) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        filler = await client.expect(Cue)
        assert (filler.offset, filler.kind, filler.args) == (0, "filler", {"text": "Hm …"})
        call.say("Good day.")
        call.finish()
        answer = await client.rest_of(Answer(Turn(filler.turn, "", "c", "mira")))
        assert (answer.text, answer.ended.length) == ("Good day.", 9)
        assert (await lines(client))[1:] == ["Hello?", "Good day."]
        assert (await client.say("Hello?", line="1")).cues == []


async def test_a_prompt_answer_needs_no_filler() -> None:
    backend = SteeredBackend()
    mira = msgspec.structs.replace(MIRA, fillers=["Hm …"])
    limits = EngineLimits(filler_seconds=0.05)
    async with serving(backend, personas=(mira,), limits=limits) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Good day. ", "Sit.")
        await client.expect(Delta)
        await asyncio.sleep(0.1)  # longer than the filler would wait
        call.finish()
        answer = await client.rest_of(Answer(Turn(1, "", "c", "mira")))
        assert answer.cues == []
