"""Moods, scenes, groups and triggers over a real socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from dialogue_protocol.messages import (
    Advance,
    Close,
    Closed,
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
    Script,
    State,
    StateOk,
    Transcript,
    Trigger,
    Turn,
    TurnEnd,
)
from msgspec.structs import replace

from dialogue_server.domain.persona import Persona, World
from dialogue_server.domain.staging import Happening, Relation, Scene, Stage, ToneRule
from dialogue_server.domain.staging import Trigger as TriggerSpec
from dialogue_server.engine.context import EngineLimits
from dialogue_server.engine.direction import Direction
from dialogue_server.engine.observer import Failure, TriggerFired, TriggerJudged
from dialogue_server.errors import StoreError
from dialogue_server.stores.base import Store
from dialogue_server.stores.memory import MemoryStore
from dialogue_server.stores.sqlite import SQLiteStore
from tests.fakes.steered import Call, SteeredBackend
from tests.harness import Answer, Client, Served, serving

MIRA = Persona(
    "mira",
    "Mira",
    "Keeps the tavern.",
    moods=["calm", "cross"],
    mood="calm",
    mood_texts={"cross": "Answers in three words."},
    tone=[ToneRule("cross", keys=["idiot"], change=50)],
    relationships={"borin": [Relation("Owes her money.")]},
    greeting="Come in.",
)
BORIN = Persona("borin", "Borin", "A smith.", talkativeness=0.9)
WEN = Persona("wen", "Wen", "A healer.", talkativeness=0.2)
TELLER = Persona("teller", "The Night", "Tells.", narrator=True, talkativeness=0.0)
INN = Scene(
    "The common room.",
    cast=["wen", "nobody"],
    narrator="teller",
    happened=[Happening("Abel fell off the wall.")],
    stages=[Stage("arrival", "Nobody knows the player."), Stage("quarrel", "A knife is drawn.")],
    triggers=[
        TriggerSpec("quarrel", asked=["debt"], to="quarrel", args={"music": "drums"}),
        TriggerSpec("very_cross", npc="mira", mood="cross", at_least=60),
    ],
)
WORLD = World("Testholm", "A village.", scenes={"inn": INN})
ANN = Player("ann", "Ann")


def served(backend: SteeredBackend, store: Store | None = None, world: World = WORLD):  # type: ignore[no-untyped-def]
    return serving(backend, store=store, personas=(MIRA, BORIN, WEN, TELLER), world=world)


async def turn(
    client: Client, backend: SteeredBackend, message: object, says: str
) -> tuple[Answer, Call]:
    await client.send(message)  # type: ignore[arg-type]
    call = await backend.call()
    call.say(says)
    call.finish()
    return await client.answer(), call


def prompt(call: Call) -> str:
    return "\n".join(message.content for message in call.request.messages)


async def triggers(client: Client) -> list[tuple[str, str]]:
    """All triggers so far: whatever comes before the answer to a question that changes nothing."""
    await client.send(History("c", 1))
    await client.expect(Transcript)
    return [(m.name, m.stage) for m in client.received if isinstance(m, Trigger)]


# ---------------------------------------------------------------- moods


async def test_an_insult_moves_the_mood_which_is_told_before_the_first_word() -> None:
    backend = SteeredBackend()
    async with served(backend) as server:
        client = await Client.connect(server.url)
        opened = await client.open()
        assert (opened.npcs[0].mood, opened.npcs[0].intensity) == ("calm", 30)
        answer, call = await turn(
            client, backend, Say("c", "1", "You idiot!"), "Out. [mood: calm 70] Well."
        )
        assert "Your mood now: quite cross (50 of 100). Answers in three words." in prompt(call)
        assert [(c.offset, c.name, c.args) for c in answer.cues] == [
            (0, "cross", {"intensity": 50}),
            (4, "calm", {"intensity": 70}),
        ]
        await client.send(History("c"))
        lines = (await client.expect(Transcript)).lines
        assert (lines[-1].mood, lines[-1].intensity) == ("calm", 70)
        opened = await client.open()
        assert (opened.npcs[0].mood, opened.npcs[0].intensity) == ("calm", 70)


async def test_a_tag_that_says_what_the_rule_has_told_is_no_second_cue() -> None:
    backend = SteeredBackend()
    async with served(backend) as server:
        client = await Client.connect(server.url)
        await client.open()
        answer, _ = await turn(
            client, backend, Say("c", "1", "You idiot!"), "[mood: cross] Out. [mood: cross] Now."
        )
        moods = [(cue.offset, cue.name, cue.args) for cue in answer.cues]
        assert moods == [(0, "cross", {"intensity": 50}), (4, "cross", {"intensity": 50})]


async def test_a_mood_goes_back_with_a_save_slot_and_a_regenerated_answer() -> None:
    backend = SteeredBackend()
    async with served(backend) as server:
        client = await Client.connect(server.url)
        await client.open()
        await client.send(Save("c"))
        saved = await client.expect(Saved)
        answer, _ = await turn(client, backend, Say("c", "1", "You idiot!"), "[mood: cross 90]Out!")
        again, _ = await turn(client, backend, Regenerate("c", answer.turn.id, "1b"), "Hm.")
        assert [cue.args for cue in again.cues] == [{"intensity": 50}]
        assert (await client.open()).npcs[0].intensity == 50
        await client.send(Load("c", saved.checkpoint))
        opened = await client.expect(Opened)
        assert (opened.npcs[0].mood, opened.npcs[0].intensity) == ("calm", 30)


async def test_only_what_the_player_saw_of_an_answer_moves_the_mood() -> None:
    backend = SteeredBackend()
    async with served(backend) as server:
        client = await Client.connect(server.url)
        await client.open()
        await client.send(Say("c", "1", "Hello!"))
        call = await backend.call()
        call.say("Well met, I say. [mood: cross 90] Or not, since you are late.")
        answer = Answer(await client.expect(Turn))
        await client.expect(Delta, lambda m: "late" in m.text)
        await client.send(Interrupt(answer.turn.turn, 9))
        await client.expect(TurnEnd)
        opened = await client.open()
        assert (opened.npcs[0].mood, opened.npcs[0].intensity) == ("calm", 30)


async def test_an_interrupt_after_the_end_takes_back_the_mood_that_was_not_seen(
    tmp_path: Path,
) -> None:
    backend = SteeredBackend()
    async with served(backend, SQLiteStore(tmp_path / "talk.db")) as server:
        client = await Client.connect(server.url)
        await client.open()
        says = "Well met, I say. [mood: cross 90] Or not, since you are late."
        answer, _ = await turn(client, backend, Say("c", "1", "Hello!"), says)
        await client.send(Interrupt(answer.turn.turn, 9))
        await client.send(Save("c"))
        await client.expect(Saved)
        opened = await client.open()
        assert (opened.npcs[0].mood, opened.npcs[0].intensity) == ("calm", 30)
    async with served(SteeredBackend(), SQLiteStore(tmp_path / "talk.db")) as server:
        opened = await (await Client.connect(server.url)).open()
        assert (opened.npcs[0].mood, opened.npcs[0].intensity) == ("calm", 30)


async def test_authored_lines_and_events_move_the_mood_too() -> None:
    backend = SteeredBackend()
    async with served(backend) as server:
        client = await Client.connect(server.url)
        await client.open()
        await client.send(Script("c", "s", "[mood: cross 80] Get out!", "mira"))
        answer = await client.answer()
        assert [cue.args["intensity"] for cue in answer.cues] == [80]
        await client.send(Event("c", "e", "Somebody calls Mira an idiot.", "never"))
        await client.expect(Noted)
        assert (await client.open()).npcs[0].intensity == 100


# ---------------------------------------------------------------- groups


async def test_the_scenes_own_people_take_part_and_each_sees_the_others_by_name() -> None:
    backend = SteeredBackend()
    async with served(backend) as server:
        client = await Client.connect(server.url)
        opened = await client.open(npcs=("mira", "borin"), scene="inn")
        assert [npc.id for npc in opened.npcs] == ["mira", "borin", "wen", "teller"]
        one, call = await turn(client, backend, Say("c", "1", "Borin, how is trade?"), "Slow.")
        assert one.turn.npc == "borin"
        assert "Also here: Mira, Wen." in prompt(call)
        assert "Abel fell off the wall." in prompt(call)
        assert "- Nobody knows the player." in prompt(call)
        two, call = await turn(client, backend, Say("c", "2", "And what do you say, Mira?"), "Pah.")
        assert two.turn.npc == "mira"
        assert "[Ann says]\nBorin, how is trade?\n[Borin says]\nSlow." in prompt(call)
        assert "- Borin: Owes her money." in prompt(call)
        three, _ = await turn(client, backend, Say("c", "3", "Why?"), "Because.")
        assert three.turn.npc == "mira"


async def test_whoever_spoke_last_does_not_answer_a_line_to_all() -> None:
    backend = SteeredBackend()
    async with served(backend) as server:
        client = await Client.connect(server.url)
        await client.open(npcs=("mira", "borin", "wen"))
        last = "mira"
        seen = set()
        for number in range(12):
            line = Say("c", str(number), "The rain has not stopped since the early morning.")
            answer, _ = await turn(client, backend, line, "True.")
            assert answer.turn.npc != last
            last = answer.turn.npc
            seen.add(last)
        assert seen >= {"mira", "borin"}


async def test_the_conversation_goes_on_among_npcs_and_a_narrator_sets_the_scene() -> None:
    backend = SteeredBackend()
    async with served(backend) as server:
        client = await Client.connect(server.url)
        await client.open(npcs=("mira", "borin"), scene="inn")
        one, call = await turn(client, backend, Advance("c", "a1"), "Cold tonight.")
        assert one.turn.npc in ("borin", "wen")
        assert "goes on, and speaks to the others]" in prompt(call)
        two, call = await turn(client, backend, Advance("c", "a2"), "It is.")
        assert two.turn.npc not in (one.turn.npc, "teller")
        assert "Cold tonight." in prompt(call)
        three, call = await turn(client, backend, Advance("c", "a3", "teller"), "The fire sinks.")
        assert three.turn.npc == "teller"
        assert call.request.messages[0].content.startswith("You are the narrator")
        four, call = await turn(client, backend, Say("c", "1", "And then?"), "Nothing.")
        assert four.turn.npc != "teller"
        assert "[The Night says]\nThe fire sinks." in prompt(call)


# ---------------------------------------------------------------- triggers


async def test_a_trigger_moves_the_scene_and_is_told_once_after_its_turn() -> None:
    backend = SteeredBackend()
    async with served(backend) as server:
        client = await Client.connect(server.url)
        await client.open(npcs=("mira",), scene="inn")
        await turn(client, backend, Say("c", "1", "Mira, what of the debt?"), "Who told you?")
        trigger = await client.expect(Trigger)
        assert trigger == Trigger("c", "quarrel", "quarrel", {"music": "drums"})
        _, call = await turn(client, backend, Say("c", "2", "The debt, Mira!"), "Hush.")
        assert "- A knife is drawn." in prompt(call)
        assert await triggers(client) == [("quarrel", "quarrel")]


async def test_a_client_that_lost_its_socket_gets_the_trigger_once_by_its_resume() -> None:
    backend = SteeredBackend()
    async with serving(backend, personas=(MIRA, BORIN, WEN, TELLER), world=WORLD) as server:
        client = await Client.connect(server.url)
        await client.open(npcs=("mira",), scene="inn")
        await client.send(Say("c", "1", "Mira, what of the debt?"))
        call = await backend.call()
        await client.leave()
        call.say("Who told you?")
        call.finish()
        client = await client.resume(server.url)
        assert (await client.answer()).text == "Who told you?"
        assert (await client.expect(Trigger)).name == "quarrel"
        client = await client.resume(server.url)
        assert await triggers(client) == []


async def test_an_answer_told_anew_may_set_off_what_the_old_one_did() -> None:
    backend = SteeredBackend()
    async with served(backend) as server:
        client = await Client.connect(server.url)
        await client.open(npcs=("mira",), scene="inn")
        answer, _ = await turn(client, backend, Say("c", "1", "Mira, the debt!"), "Hush.")
        _, call = await turn(client, backend, Regenerate("c", answer.turn.id, "1b"), "What debt?")
        assert "- Nobody knows the player." in prompt(call)
        assert await triggers(client) == [("quarrel", "quarrel")] * 2


async def test_a_mood_that_passes_its_bound_sets_off_a_trigger() -> None:
    backend = SteeredBackend()
    async with served(backend) as server:
        client = await Client.connect(server.url)
        await client.open(npcs=("mira",), scene="inn")
        await turn(client, backend, Say("c", "1", "Mira, you idiot."), "Careful.")
        assert await triggers(client) == []
        await turn(client, backend, Say("c", "2", "Mira, you idiot."), "Out!")
        assert await triggers(client) == [("very_cross", "")]


async def test_triggers_and_stage_outlive_the_server_and_go_back_with_a_save_slot(
    tmp_path: Path,
) -> None:
    backend = SteeredBackend()
    async with served(backend, SQLiteStore(tmp_path / "talk.db")) as server:
        client = await Client.connect(server.url)
        await client.open(npcs=("mira",), scene="inn")
        await client.send(Save("c"))
        saved = await client.expect(Saved)
        first, _ = await turn(client, backend, Say("c", "1", "Mira, the debt!"), "Hush.")
        assert await triggers(client) == [("quarrel", "quarrel")]
    backend = SteeredBackend()
    async with served(backend, SQLiteStore(tmp_path / "talk.db")) as server:
        client = await Client.connect(server.url)
        await client.open(npcs=("mira",), scene="inn")
        _, call = await turn(client, backend, Say("c", "2", "Mira, the debt!"), "I said hush.")
        assert "- A knife is drawn." in prompt(call)
        assert await triggers(client) == []
        # The line of the first turn, repeated by a client that had lost its answer: it is told
        # again, with what it set off.
        await client.send(Say("c", "1", "Mira, the debt!"))
        again = await client.answer()
        assert again.turn.id == first.turn.id
        assert await triggers(client) == [("quarrel", "quarrel")]
        await client.send(Load("c", saved.checkpoint))
        await client.expect(Opened)
        _, call = await turn(client, backend, Say("c", "3", "Mira, the debt!"), "Hush.")
        assert "- Nobody knows the player." in prompt(call)
        assert await triggers(client) == [("quarrel", "quarrel")] * 2


async def test_what_nobody_answers_may_set_off_a_trigger_too() -> None:
    spec = TriggerSpec("found", event="item_found", when="event.item == 'key'", args={"n": 1})
    backend = SteeredBackend()
    async with served(backend, world=replace(WORLD, triggers=[spec])) as server:
        client = await Client.connect(server.url)
        await client.open()
        event = Event("c", "e", "Ann finds a key.", "never", "", "item_found", {"item": "key"})
        await client.send(event)
        await client.expect(Noted)
        assert (await client.expect(Trigger)).args == {"n": 1}
        await client.send(replace(event, line="e2"))
        await client.expect(Noted)
        assert len(await triggers(client)) == 1


async def test_a_state_that_opens_a_stage_is_noticed_with_the_next_turn() -> None:
    scene = Scene("Inn.", stages=[Stage("dark"), Stage("lit", "It is bright.", "lamp == 'lit'")])
    lit = TriggerSpec("lit", stage="lit")
    world = World("W", "D", scenes={"inn": replace(scene, triggers=[lit])})
    backend = SteeredBackend()
    async with served(backend, world=world) as server:
        client = await Client.connect(server.url)
        await client.open(scene="inn")
        await client.send(State("c", 1, {"lamp": "lit"}))
        await client.expect(StateOk)
        _, call = await turn(client, backend, Say("c", "1", "Look!"), "Oh.")
        assert "- It is bright." in prompt(call)
        assert await triggers(client) == [("lit", "")]
        await client.send(State("c", 2, {"lamp": "dark"}))
        await client.expect(StateOk)
        _, call = await turn(client, backend, Say("c", "2", "And now?"), "Hm.")
        assert "- It is bright." in prompt(call)


JUDGED = TriggerSpec(
    "promised", asked=["lamp"], judge="Does the player promise help?", args={"q": 1}
)


async def judged(server: Served, backend: SteeredBackend) -> tuple[Client, Call]:
    """A client after a line that a judge is asked about, and the judge's call."""
    client = await Client.connect(server.url)
    await client.open()
    await turn(client, backend, Say("c", "1", "I'll mend the lamp."), "Good.")
    call = await backend.call()
    assert "Ann: I'll mend the lamp.\nMira: Good.\n\nQuestion: Does the player" in prompt(call)
    return client, call


async def test_a_judges_yes_sets_off_a_trigger_in_the_background_once(tmp_path: Path) -> None:
    world = replace(WORLD, triggers=[JUDGED])
    backend = SteeredBackend()
    async with served(backend, SQLiteStore(tmp_path / "talk.db"), world) as server:
        client, call = await judged(server, backend)
        call.say("Yes", ".")
        call.finish()
        assert (await client.expect(Trigger)).args == {"q": 1}
        assert server.seen(TriggerJudged) == [TriggerJudged("c", "world:promised", "yes")]
        assert server.seen(TriggerFired) == [TriggerFired("c", "world:promised", "")]
    backend = SteeredBackend()
    async with served(backend, SQLiteStore(tmp_path / "talk.db"), world) as server:
        client = await Client.connect(server.url)
        await client.open()
        await turn(client, backend, Say("c", "2", "The lamp, the lamp!"), "Yes, yes.")
        assert await triggers(client) == []
        assert backend.calls.empty()


async def test_two_judges_who_agree_at_once_are_both_remembered(tmp_path: Path) -> None:
    world = replace(WORLD, triggers=[JUDGED, replace(JUDGED, name="friendly")])
    backend = SteeredBackend()
    async with served(backend, SQLiteStore(tmp_path / "talk.db"), world) as server:
        client, first = await judged(server, backend)
        for call in (first, await backend.call()):
            call.say("Yes.")
            call.finish()
        names = {(await client.expect(Trigger)).name, (await client.expect(Trigger)).name}
        assert names == {"promised", "friendly"}
    backend = SteeredBackend()
    async with served(backend, SQLiteStore(tmp_path / "talk.db"), world) as server:
        client = await Client.connect(server.url)
        await client.open()
        await turn(client, backend, Say("c", "2", "The lamp, the lamp!"), "Yes, yes.")
        assert await triggers(client) == []
        assert backend.calls.empty()


async def test_a_no_and_a_failing_judge_set_off_nothing_and_are_asked_again_next_time() -> None:
    backend = SteeredBackend()
    async with served(backend, MemoryStore(), replace(WORLD, triggers=[JUDGED])) as server:
        client, call = await judged(server, backend)
        call.say("No.")
        call.finish()
        await turn(client, backend, Say("c", "2", "The lamp!"), "Well?")
        call = await backend.call()
        call.fail(RuntimeError("broken"))
        await turn(client, backend, Say("c", "3", "The lamp!"), "Well?")
        call = await backend.call()
        assert await triggers(client) == []
        await client.leave()
    await call.cancelled()


async def test_a_judges_yes_after_the_game_went_back_comes_too_late() -> None:
    backend = SteeredBackend()
    async with served(backend, MemoryStore(), replace(WORLD, triggers=[JUDGED])) as server:
        client = await Client.connect(server.url)
        await client.open()
        await client.send(Save("c"))
        saved = await client.expect(Saved)
        await turn(client, backend, Say("c", "1", "I'll mend the lamp."), "Good.")
        call = await backend.call()
        await client.send(Load("c", saved.checkpoint))
        await client.expect(Opened)
        call.say("Yes.")
        call.finish()
        await call.cancelled()
        assert await triggers(client) == []


class SlowToAnnotate(MemoryStore):
    """Returns from annotating when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.annotated = asyncio.Event()
        self.may = asyncio.Event()

    async def annotate(self, node: str, meta: dict[str, Any]) -> None:
        await super().annotate(node, meta)
        self.annotated.set()
        await self.may.wait()


async def test_a_trigger_that_is_kept_is_told_though_its_conversation_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It fires once: what is recorded and not told would never be told."""
    backend, store = SteeredBackend(), SlowToAnnotate()
    real = Direction.stop

    async def stop(direction: Direction) -> None:
        asyncio.get_running_loop().call_soon(store.may.set)  # once the judges are stopped
        await real(direction)

    monkeypatch.setattr(Direction, "stop", stop)
    async with served(backend, store, replace(WORLD, triggers=[JUDGED])) as server:
        client, call = await judged(server, backend)
        call.say("Yes.")
        call.finish()
        await store.annotated.wait()
        await client.send(Close("c"))
        assert (await client.expect(Trigger)).name == "promised"
        await client.expect(Closed)
        assert server.seen(TriggerFired) == [TriggerFired("c", "world:promised", "")]


async def test_a_trigger_is_not_told_of_a_talk_that_the_game_leaves_while_it_is_kept() -> None:
    backend, store = SteeredBackend(), SlowToAnnotate()
    async with served(backend, store, replace(WORLD, triggers=[JUDGED])) as server:
        client = await Client.connect(server.url)
        await client.open()
        await client.send(Save("c"))
        saved = await client.expect(Saved)
        await turn(client, backend, Say("c", "1", "I'll mend the lamp."), "Good.")
        call = await backend.call()
        call.say("Yes.")
        call.finish()
        await store.annotated.wait()
        await client.send(Load("c", saved.checkpoint))
        await client.expect(Opened)
        store.may.set()
        assert await triggers(client) == []
        assert server.seen(TriggerFired) == []


async def test_what_a_judges_yes_cannot_be_kept_for_is_told_the_operator() -> None:
    class Failing(MemoryStore):
        async def annotate(self, node: str, meta: dict[str, Any]) -> None:
            raise StoreError("The disk is full.")

    backend = SteeredBackend()
    async with served(backend, Failing(), replace(WORLD, triggers=[JUDGED])) as server:
        client, call = await judged(server, backend)
        call.say("Yes.")
        call.finish()
        await turn(client, backend, Say("c", "2", "The lamp!"), "Well?")
        call = await backend.call()
        server.context.personas = {}  # the content has changed meanwhile
        call.say("Yes.")
        call.finish()
        assert await triggers(client) == []
        full, gone = server.seen(Failure)
        assert full == Failure("judge world:promised", "The disk is full.")
        assert "There is no NPC 'mira'" in gone.error


async def test_a_client_can_name_only_npcs_that_there_are() -> None:
    async with served(SteeredBackend()) as server:
        client = await Client.connect(server.url)
        await client.send(Open("c", ["nobody"], ANN, "inn"))
        assert (await client.expect(Error)).code == "unknown_npc"


async def test_a_translated_npc_is_known_by_its_name_and_moved_by_words_of_its_language() -> None:
    german = replace(MIRA, name="Mirjam", tone=[ToneRule("cross", keys=["Dummkopf"], change=50)])
    mira = replace(MIRA, translations={"de": german})
    backend = SteeredBackend()
    async with serving(backend, personas=(mira, BORIN), world=WORLD) as server:
        client = await Client.connect(server.url)
        await client.open(npcs=("borin", "mira"), locale="de")
        line = Say("c", "1", "Borin sagt, du bist ein Dummkopf, Mirjam!")
        answer, call = await turn(client, backend, line, "Raus.")
        assert answer.turn.npc == "mira"
        assert [cue.args for cue in answer.cues] == [{"intensity": 50}]
        _, call = await turn(client, backend, Say("c", "2", "Borin?"), "Ja?")
        assert "[Mirjam says]\nRaus." in prompt(call)


async def test_a_judge_is_not_asked_while_turns_wait_for_the_model() -> None:
    backend = SteeredBackend()
    async with serving(
        backend,
        personas=(MIRA, BORIN),
        world=replace(WORLD, triggers=[JUDGED]),
        limits=EngineLimits(turns=1),
    ) as server:
        client = await Client.connect(server.url)
        for name in ("c", "d", "e"):
            await client.open(name)
        await client.send(Say("c", "1", "I'll mend the lamp."))
        first = await backend.call()
        await client.send(Say("d", "1", "Hello!"))
        await client.send(Say("e", "1", "Hello!"))
        while server.context.places.waiting < 2:
            await asyncio.sleep(0)
        first.finish()
        await client.expect(TurnEnd)
        second = await backend.call()
        while not server.seen(TriggerJudged):
            await asyncio.sleep(0)
        (told,) = server.seen(TriggerJudged)
        assert (told.answer, told.problem) == ("", "turns wait for the model")
        second.finish()
        (await backend.call()).finish()
