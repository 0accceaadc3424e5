"""What a game does besides the player's lines: events, scripts, results of actions, advance."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from dialogue_protocol.messages import (
    ActionResult,
    Advance,
    Delta,
    Error,
    Event,
    History,
    Interrupt,
    Load,
    Noted,
    Npcs,
    Regenerate,
    Save,
    Saved,
    Say,
    Script,
    Transcript,
    Turn,
    TurnEnd,
)

from dialogue_server.backends.scripted import ScriptedBackend
from dialogue_server.domain.persona import Action, Parameter, Reaction
from dialogue_server.stores.sqlite import SQLiteStore
from tests.fakes.steered import SteeredBackend
from tests.harness import BORIN, MIRA, Answer, Client, serving

POURING = msgspec.structs.replace(
    MIRA,
    actions=[
        Action("pour", "Pours.", {"drink": Parameter(values=["ale", "water"])}, awaits=True),
        Action("nod", "Nods."),
    ],
    reacts=[Reaction(name="bell"), Reaction(keys=["thunder"], when="quest.mine == 'flooded'")],
)


async def answered(client: Client, backend: SteeredBackend, text: str) -> tuple[Answer, str]:
    """Let the model say `text`; the turn, and the last message of the prompt."""
    call = await backend.call()
    call.say(text)
    call.finish()
    return await client.answer(), call.request.messages[-1].content


async def transcript(client: Client) -> list[tuple[str, str, str]]:
    await client.send(History("c"))
    lines = (await client.expect(Transcript)).lines
    return [(line.kind, line.speaker, line.text) for line in lines]


async def test_an_event_that_nobody_has_to_answer_is_noted_and_remembered() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Event("c", "e1", "A cart goes by.", react="never"))
        assert await client.expect(Noted) == Noted("c", "e1")
        await client.send(Say("c", "1", "What was that?"))
        call = await backend.call()
        call.say("A cart.")
        call.finish()
        await client.answer()
        assert any("[This happens: A cart goes by.]" in m.content for m in call.request.messages)
        assert ("event", "", "A cart goes by.") in await transcript(client)


async def test_an_event_with_must_is_answered_by_a_turn() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open(npcs=("mira", "borin"))
        await client.send(Event("c", "e1", "The roof leaks.", react="must", npc="borin"))
        answer, asked = await answered(client, backend, "Not my roof.")
        assert (answer.turn.npc, answer.turn.line, answer.text) == ("borin", "e1", "Not my roof.")
        assert "[This happens: The roof leaks.]" in asked


async def test_an_event_that_may_be_answered_is_by_whom_the_author_or_the_text_named() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(POURING, BORIN)) as served:
        client = await Client.connect(served.url)
        await client.open(npcs=("borin", "mira"))
        await client.send(Event("c", "e1", "Three strokes.", name="bell"))
        assert (await answered(client, backend, "It is late."))[0].turn.npc == "mira"
        await client.send(Event("c", "e2", "Thunder rolls."))
        assert (await answered(client, backend, "Rain."))[0].turn.npc == "mira"
        await client.send(Event("c", "e3", "Somebody calls for Borin."))
        assert (await answered(client, backend, "Aye?"))[0].turn.npc == "borin"
        await client.send(Event("c", "e4", "A leaf falls."))
        assert (await client.expect(Noted)).line == "e4"


async def test_a_repeated_event_is_answered_once(tmp_path: Path) -> None:
    backend = SteeredBackend()
    async with serving(backend, store=SQLiteStore(tmp_path / "d.db")) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Event("c", "e1", "A cart goes by.", react="never"))
        await client.expect(Noted)
        await client.send(Event("c", "e2", "The roof leaks.", react="must"))
        first, _ = await answered(client, backend, "Not again.")
    async with serving(SteeredBackend(), store=SQLiteStore(tmp_path / "d.db")) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Event("c", "e1", "A cart goes by.", react="never"))
        assert await client.expect(Noted) == Noted("c", "e1")
        await client.send(Event("c", "e2", "The roof leaks.", react="must"))
        again = await client.answer()
        assert (again.turn.id, again.text) == (first.turn.id, "Not again.")
        assert len([line for line in await transcript(client) if line[0] == "event"]) == 2


@pytest.mark.parametrize(
    ("text", "said", "reason", "code"),
    [
        ("Water runs out of the mine.", "The mine? Under water, all of it.", "complete", ""),
        ("A cart falls over.", "Give me a moment, the kettle calls.", "fallback", "model_empty"),
    ],
)
async def test_without_a_model_only_a_line_that_fits_is_an_answer_to_an_event(
    text: str, said: str, reason: str, code: str
) -> None:
    async with serving(ScriptedBackend()) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Event("c", "1", text, react="must"))
        answer = await client.answer()
        assert (answer.text, answer.ended.reason, answer.ended.code) == (said, reason, code)
        await client.leave()


async def test_an_event_while_an_npc_speaks_waits_for_the_end_of_the_turn() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Tell me."))
        call = await backend.call()
        call.say("It was ")
        await client.expect(Delta)
        await client.send(Event("c", "e1", "A cart goes by.", react="never"))
        await client.send(Event("c", "e2", "The roof leaks.", react="must"))
        call.say("long ago.")
        call.finish()
        await client.expect(TurnEnd)
        assert (await client.expect(Noted)).line == "e1"
        answer, _ = await answered(client, backend, "Oh.")
        assert answer.turn.line == "e2"
        kinds = [(kind, text) for kind, _, text in await transcript(client)]
        assert kinds[-4:] == [
            ("npc", "It was long ago."),
            ("event", "A cart goes by."),
            ("event", "The roof leaks."),
            ("npc", "Oh."),
        ]


async def test_an_npc_s_script_is_said_as_it_is_with_its_cues_and_without_a_model() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        text = "[mood: wary]Stop. [action: pour drink=ale]As an AI, I pour."
        await client.send(Script("c", "s1", text, "mira"))
        answer = await client.answer()
        assert (answer.text, answer.ended.reason) == ("Stop. As an AI, I pour.", "complete")
        assert [(cue.kind, cue.name, cue.offset) for cue in answer.cues] == [
            ("mood", "wary", 0),
            ("action", "pour", 5),
        ]
        await client.send(Script("c", "s1", text, "mira"))
        assert (await client.answer()).turn.id == answer.turn.id
        await client.send(Script("c", "s2", "I have no coin."))
        assert (await client.expect(Noted)).line == "s2"
        assert (await transcript(client))[1:] == [
            ("npc", "mira", "Stop. As an AI, I pour."),
            ("player", "Ann", "I have no coin."),
        ]
        assert backend.calls.empty()
        await client.send(Regenerate("c", answer.turn.id, "s3"))
        assert (await client.expect(Error)).code == "unknown_turn"


async def test_npcs_talk_on_among_themselves_and_in_turn() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open(npcs=("mira", "borin"))
        speakers = []
        for number in range(3):
            await client.send(Advance("c", f"a{number}"))
            answer, _ = await answered(client, backend, f"Word {number}.")
            speakers.append(answer.turn.npc)
        assert speakers == ["borin", "mira", "borin"]  # mira has greeted
        await client.send(Advance("c", "a9", "mira"))
        answer, asked = await answered(client, backend, "Aye.")
        assert answer.turn.npc == "mira"
        assert asked.endswith("speaks to the others]")
        await client.send(Regenerate("c", answer.turn.id, "r1"))
        again, _ = await answered(client, backend, "No.")
        assert (again.turn.npc, again.text) == ("mira", "No.")
        assert [text for _, _, text in await transcript(client)][-2:] == ["Word 2.", "No."]


@pytest.mark.parametrize("accepted", [True, False])
async def test_an_npc_speaks_of_what_really_became_of_its_action(accepted: bool) -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(POURING,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Ale!"))
        turn, _ = await answered(client, backend, "Here. [action: nod][action: pour drink=ale]")
        assert [(cue.name, cue.action) for cue in turn.cues] == [("nod", 0), ("pour", 1)]
        result = ActionResult("c", "x1", turn.turn.id, 1, accepted, "The keg is [empty].")
        await client.send(result)
        answer, asked = await answered(client, backend, "So it is.")
        assert answer.turn.npc == "mira"
        outcome = "done" if accepted else "it does not happen"
        assert f"Mira tries to pour (drink: ale): {outcome}. The keg is (empty)." in asked
        await client.send(result)
        assert (await client.answer()).turn.id == answer.turn.id
        await client.send(msgspec.structs.replace(result, line="x2"))
        error = await client.expect(Error)
        assert (error.code, error.line) == ("unknown_action", "x2")


async def test_a_result_that_comes_before_the_end_of_its_turn_waits_for_it() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(POURING,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Ale!"))
        call = await backend.call()
        call.say("Here. [action: pour drink=ale] Drink")
        turn = await client.expect(Turn)
        await client.send(ActionResult("c", "x1", turn.id, 1, True, react="never"))
        call.say(" it.")
        call.finish()
        assert (await client.expect(Noted)).line == "x1"


async def test_a_load_takes_back_what_happened() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Save("c"))
        saved = await client.expect(Saved)
        await client.send(Event("c", "e1", "The roof leaks.", react="never"))
        await client.expect(Noted)
        await client.send(Load("c", saved.checkpoint))
        assert [kind for kind, _, _ in await transcript(client)] == ["npc"]
        for _ in range(2):
            await client.send(Event("c", "e1", "The roof leaks.", react="never"))
            await client.expect(Noted)
        assert [kind for kind, _, _ in await transcript(client)] == ["npc", "event"]


async def test_a_script_can_be_interrupted_late_and_is_cut() -> None:
    async with serving(ScriptedBackend()) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Script("c", "s1", "One. Two. Three.", "mira"))
        turn = await client.answer()
        await client.send(Interrupt(turn.turn.turn, 4))
        assert (await transcript(client))[-1] == ("npc", "mira", "One.")


@pytest.mark.parametrize(
    ("message", "code", "part"),
    [
        (Event("c", "1", "  "), "empty_line", "event.text"),
        (Event("c", "1", "x" * 1001), "line_too_long", "limits.line_chars"),
        (Event("c", "1", "x", react="perhaps"), "bad_message", "event.react"),
        (Event("c", "1", "x", npc="zoe"), "unknown_npc", "event.npc"),
        (Script("c", "1", "x", "zoe"), "unknown_npc", "script.npc"),
        (Script("c", "1", " "), "empty_line", "script.text"),
        (Advance("c", "1", "zoe"), "unknown_npc", "advance.npc"),
        (ActionResult("c", "1", "t-9", 1, True), "unknown_turn", "action_result.id"),
        (ActionResult("c", "1", "t-9", 1, True, react="x"), "bad_message", "action_result.react"),
        (Npcs(), "forbidden", "designer"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(
    message: Event, code: str, part: str
) -> None:
    async with serving(ScriptedBackend()) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(message)
        error = await client.expect(Error)
        assert error.code == code
        assert part in error.detail
        assert error.line == getattr(message, "line", "")


async def test_one_who_has_left_neither_answers_anew_nor_speaks_of_his_action() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(POURING, BORIN)) as served:
        client = await Client.connect(served.url)
        await client.open(npcs=("mira", "borin"))
        await client.send(Say("c", "1", "Ale, Mira."))
        poured, _ = await answered(client, backend, "Here. [action: pour drink=ale]")
        await client.open(npcs=("borin",))
        await client.send(Regenerate("c", poured.turn.id, "r"))
        refused = await client.expect(Error)
        assert (refused.code, refused.line) == ("unknown_npc", "r")
        assert refused.detail.startswith("regenerate.id: 'mira' takes no part in 'c'")
        await client.send(ActionResult("c", "a", poured.turn.id, 1, accepted=True))
        assert await client.expect(Noted) == Noted("c", "a")
        assert (await transcript(client))[-1][0] == "event"


async def test_what_was_said_unasked_after_an_event_is_told_again_and_not_noted() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Event("c", "e1", "A cart goes by.", react="never"))
        await client.expect(Noted)
        await client.send(Advance("c", "a1"))
        first, _ = await answered(client, backend, "Look, a cart.")
        await client.send(Advance("c", "a1"))
        again = await client.answer()
        assert (again.turn.id, again.text) == (first.turn.id, "Look, a cart.")
        await client.send(Event("c", "e1", "A cart goes by.", react="never"))
        assert await client.expect(Noted) == Noted("c", "e1")


async def test_details_that_are_too_large_to_be_kept_with_a_line_are_refused() -> None:
    async with serving(SteeredBackend(), personas=(POURING,)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Event("c", "1", "A bell rings.", "never", data={"a": "x" * 4088}))
        await client.expect(Noted)
        await client.send(Event("c", "2", "A bell rings.", "never", data={"a": "x" * 4089}))
        error = await client.expect(Error)
        assert (error.line, error.code) == ("2", "bad_message")
        assert error.detail.startswith("event.data: 4097 bytes as JSON")
        await client.leave()
