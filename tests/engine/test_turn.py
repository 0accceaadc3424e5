"""One turn, seen from the wire: it streams, it can be stopped, it ends exactly once."""

from __future__ import annotations

import msgspec
import pytest
from dialogue_protocol.codes import EndReason, ErrorCode
from dialogue_protocol.messages import Cue, Delta, Error, Interrupt, Say, Turn, TurnEnd

from dialogue_server.backends.base import Usage
from dialogue_server.domain.conversation import ConversationKey, Node
from dialogue_server.engine.context import EngineLimits
from dialogue_server.engine.observer import CueDropped, Failure, TurnFinished, TurnStarted
from dialogue_server.errors import BackendError, StoreError
from dialogue_server.stores.memory import MemoryStore
from tests.fakes.steered import SteeredBackend
from tests.harness import BORIN, MIRA, Answer, Client, serving

KEY = ConversationKey("ann", "c")


async def test_text_moods_actions_and_pauses_arrive_in_order_with_offsets() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "A drink?"))
        call = await backend.call()
        call.say("[mo", "od: wary] The mine is ", "flooded.[pause: 400]", " Here.")
        call.say(" [action: pour drink=ale]")
        call.finish()
        answer = await client.answer()
    assert answer.text == "The mine is flooded. Here."
    assert answer.turn == Turn(1, answer.turn.id, "c", "mira", "1")
    assert [(cue.offset, cue.kind, cue.name, cue.args) for cue in answer.cues] == [
        (0, "mood", "wary", {"intensity": 50}),
        (20, "pause", "", {"ms": 400}),
        (26, "action", "pour", {"drink": "ale"}),
    ]
    end = answer.ended
    assert (end.reason, end.length, end.code) == ("complete", 26, "")
    assert (end.input_tokens, end.output_tokens, end.cached_tokens) == (100, 10, 60)
    assert 0 <= end.first_token_ms <= end.total_ms


async def test_a_cue_arrives_before_the_text_behind_it() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "A drink?"))
        (await backend.call()).say("One. [mood: wary] Two.", " Three.")
        await client.expect(Turn)
        kinds = [type(await client.next()) for _ in range(3)]
        assert kinds == [Delta, Cue, Delta]


async def test_an_undeclared_mood_or_action_is_dropped_and_reported() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("[mood: ecstatic]Yes.[action: explode][action: pour drink=wine]")
        call.finish()
        answer = await client.answer()
        assert (answer.text, answer.cues) == ("Yes.", [])
        assert [(r.kind, r.name) for r in served.seen(CueDropped)] == [
            ("mood", "ecstatic"),
            ("action", "explode"),
            ("action", "pour"),
        ]


async def test_the_model_sees_the_history_and_the_state() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        for line in ("1", "2"):
            await client.send(Say("c", line, f"Question {line}?"))
            call = await backend.call()
            call.say(f"Answer {line}.")
            call.finish()
            await client.answer()
        prompt = "\n".join(message.content for message in call.request.messages)
        for expected in ("Come in, mind the step.", "Question 1?", "Answer 1.", "Question 2?"):
            assert expected in prompt
        assert "quest.mine: flooded" in call.request.messages[-1].content
        assert call.request.messages[-1].role == "user"
        assert served.seen(TurnStarted)[-1].prompt_tokens > 0


async def test_an_interrupt_cancels_the_model_and_keeps_only_what_was_seen() -> None:
    backend, store = SteeredBackend(), MemoryStore()
    async with serving(backend, store=store) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Tell me all."))
        call = await backend.call()
        call.say("[mood: wary]The mine is flooded, and ")
        turn = await client.expect(Turn)
        await client.expect(Delta)
        await client.send(Interrupt(turn.turn, 8))
        answer = await client.rest_of(Answer(turn))
        await call.cancelled()
        assert (answer.ended.reason, answer.ended.length) == ("interrupted", 8)
        node = (await store.load(KEY)).nodes[-1]
        assert (node.text, node.reason) == ("The mine", "interrupted")
        await client.send(Say("c", "2", "Go on."))
        call = await backend.call()
        said = [m.content for m in call.request.messages if m.role == "assistant"]
        assert said[-1].startswith("The mine") and "flooded" not in said[-1]


async def test_an_interrupt_after_the_end_still_cuts_what_is_remembered() -> None:
    backend, store = SteeredBackend(), MemoryStore()
    async with serving(backend, store=store) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Tell me all."))
        call = await backend.call()
        call.say("The mine is flooded, and the king is dead.")
        call.finish()
        answer = await client.answer()
        await client.send(Interrupt(answer.turn.turn, 19))
        await client.send(Say("c", "2", "Go on."))
        call = await backend.call()
        said = [m.content for m in call.request.messages if m.role == "assistant"]
        assert "king" not in said[-1]
        assert (await store.load(KEY)).nodes[-2].text == "The mine is flooded"


async def test_an_interrupt_before_the_first_word_ends_the_turn_empty() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Tell me all."))
        call = await backend.call()
        turn = await client.expect(Turn)
        await client.send(Interrupt(turn.turn, 0))
        answer = await client.rest_of(Answer(turn))
        await call.cancelled()
        assert (answer.text, answer.ended.reason, answer.ended.length) == ("", "interrupted", 0)


@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.MODEL_UNREACHABLE,
        ErrorCode.MODEL_UNAUTHORIZED,
        ErrorCode.MODEL_TIMEOUT,
        ErrorCode.MODEL_NO_CREDIT,
    ],
)
async def test_a_model_that_fails_before_its_first_word_is_stood_in_for(code: ErrorCode) -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        backend.refuse = BackendError(code, "Set the key in OPENROUTER_API_KEY.")
        answer = await client.say("Good weather?")
        assert answer.text == "Give me a moment, the kettle calls."
        end = answer.ended
        assert (end.reason, end.code) == ("fallback", code)
        assert end.detail == "Set the key in OPENROUTER_API_KEY."


async def test_the_stand_in_is_the_authored_line_that_fits_the_question() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        backend.refuse = BackendError(ErrorCode.MODEL_TIMEOUT, "Too slow.")
        answer = await client.say("What of the mine?")
        assert answer.text == "The mine? Under water, all of it."
        assert [(cue.kind, cue.name) for cue in answer.cues] == [("mood", "wary")]


async def test_without_authored_lines_a_failed_turn_ends_as_failed() -> None:
    backend = SteeredBackend()
    silent = msgspec.structs.replace(BORIN, fallback=[])
    async with serving(backend, personas=(silent,)) as served:
        client = await Client.connect(served.url)
        await client.open(npcs=("borin",))
        backend.refuse = BackendError(ErrorCode.MODEL_TIMEOUT, "Too slow.")
        answer = await client.say("Hello?")
        assert (answer.text, answer.ended.reason) == ("", "failed")
        assert answer.ended.code == "model_timeout"


async def test_a_model_that_breaks_off_leaves_what_was_shown_marked_as_truncated() -> None:
    backend, store = SteeredBackend(), MemoryStore()
    async with serving(backend, store=store) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("The mine is")
        call.fail(BackendError(ErrorCode.MODEL_FAILED, "The stream was cut off."))
        answer = await client.answer()
        assert (answer.text, answer.ended.reason) == ("The mine is", "truncated")
        assert (answer.ended.code, answer.ended.length) == ("model_failed", 11)
        assert (await store.load(KEY)).nodes[-1].text == "The mine is"


async def test_an_empty_answer_becomes_an_authored_line() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("<think>What would she say?</think>", "  ")
        call.finish()
        answer = await client.answer()
        assert answer.text == "Give me a moment, the kettle calls."
        assert (answer.ended.reason, answer.ended.code) == ("fallback", "model_empty")


async def test_a_filtered_answer_says_so() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        for line, texts, reason in (("1", ("Well, ",), "filtered"), ("2", (), "fallback")):
            await client.send(Say("c", line, "Hello?"))
            call = await backend.call()
            call.say(*texts)
            call.finish("content_filter")
            answer = await client.answer()
            assert (answer.ended.reason, answer.ended.code) == (reason, "model_refused")


async def test_an_answer_that_ran_into_its_limit_ends_as_length() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Well, you")
        call.finish("length")
        assert (await client.answer()).ended.reason == "length"


async def test_a_programming_error_in_a_backend_ends_the_turn_and_is_reported() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        (await backend.call()).fail(ZeroDivisionError("secret detail"))
        answer = await client.answer()
        assert (answer.ended.reason, answer.ended.code) == ("fallback", "internal")
        assert "secret" not in answer.ended.detail
        assert "ZeroDivisionError" in served.seen(Failure)[0].error


async def test_a_model_that_stalls_is_given_up_after_the_turn_limit() -> None:
    backend = SteeredBackend()
    async with serving(backend, limits=EngineLimits(turn_seconds=0.05)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        answer = await client.answer()
        await call.cancelled()
        assert (answer.ended.reason, answer.ended.code) == ("fallback", "model_timeout")


async def test_a_tiny_model_is_stopped_after_two_sentences() -> None:
    backend = SteeredBackend(layout="compact")
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("One. ", "Two. ", "Three. Four.")
        answer = await client.answer()
        await call.cancelled()
        assert (answer.text, answer.ended.reason) == ("One. Two.", "complete")


async def test_a_model_that_speaks_for_the_player_is_stopped() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Mira: Good day.\nAnn: Good day to you.")
        answer = await client.answer()
        await call.cancelled()
        assert answer.text == "Good day."


class _FullDisk(MemoryStore):
    full = False

    async def append(self, key, node):  # type: ignore[no-untyped-def]
        if self.full and node.kind == "npc":
            raise StoreError("talk.db: database or disk is full.")
        return await super().append(key, node)


async def test_an_answer_that_cannot_be_stored_is_shown_and_says_so() -> None:
    backend, store = SteeredBackend(), _FullDisk()
    async with serving(backend, store=store) as served:
        client = await Client.connect(served.url)
        await client.open()
        store.full = True
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Good day.")
        call.finish()
        answer = await client.answer()
        assert (answer.text, answer.ended.reason) == ("Good day.", "complete")
        assert answer.ended.code == "store_failed"
        await client.send(Say("c", "2", "And?"))
        assert (await client.expect(Error)).code == "store_failed"
        store.full = False
        await client.send(Say("c", "2", "And?"))
        call = await backend.call()  # the talk goes on, and nothing is missing
        assert any("Good day." in message.content for message in call.request.messages)
        kept = (await store.load(KEY)).nodes
        assert [node.text for node in kept[1:]] == ["Hello?", "Good day.", "And?"]


async def test_every_turn_is_reported_once_with_its_figures() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Good day.")
        call.finish()
        answer = await client.answer()
        (record,) = served.seen(TurnFinished)
    assert record.turn == answer.turn.id
    assert (record.reason, record.length, record.output_tokens) == (EndReason.COMPLETE, 9, 10)
    assert isinstance(answer.ended, TurnEnd)
    assert MIRA.id == record.npc


async def test_a_prompt_that_overflows_the_model_is_trimmed_and_asked_again_once() -> None:
    backend = SteeredBackend()
    overflow = BackendError(ErrorCode.MODEL_CONTEXT_OVERFLOW, "Too long.")
    async with serving(backend, limits=EngineLimits(prompt_tokens=600)) as served:
        client = await Client.connect(served.url)
        await client.open()
        for line in range(12):
            await client.send(Say("c", str(line), f"Question {line}? " * 8))
            call = await backend.call()
            call.say("A long answer. " * 8)
            call.finish()
            await client.answer()
        await client.send(Say("c", "x", "And?"))
        first = await backend.call()
        first.fail(overflow)
        second = await backend.call()
        sizes = [sum(len(m.content) for m in c.request.messages) for c in (first, second)]
        assert sizes[1] < 0.8 * sizes[0]
        second.say("Well.")
        second.finish()
        answer = await client.answer()
        assert (answer.text, answer.ended.reason) == ("Well.", "complete")
        await client.send(Say("c", "y", "And?"))
        (await backend.call()).fail(overflow)
        (await backend.call()).fail(overflow)
        answer = await client.answer()
        assert (answer.ended.reason, answer.ended.code) == ("fallback", "model_context_overflow")


async def test_the_models_own_count_corrects_the_estimate() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Good day.")
        call.finish(usage=Usage(input_tokens=2 * served.seen(TurnStarted)[0].prompt_tokens))
        await client.answer()
        assert served.context.calibration.factors["steered"] == pytest.approx(2.0, rel=0.01)


class _BrokenStore(MemoryStore):
    async def append(self, key: ConversationKey, node: Node) -> Node:
        if node.kind == "npc" and node.line:
            raise RuntimeError("a mistake of the store's own")
        return await super().append(key, node)


async def test_a_turn_ends_and_the_talk_goes_on_even_if_the_store_breaks_in_its_own_way() -> None:
    backend = SteeredBackend()
    async with serving(backend, store=_BrokenStore()) as served:
        client = await Client.connect(served.url)
        await client.open()
        for line in ("1", "2"):
            await client.send(Say("c", line, "The mine?"))
            call = await backend.call()
            call.say("Under water.")
            call.finish()
            answer = await client.answer()
            assert answer.text == "Under water."
            assert answer.ended.code == ErrorCode.STORE_FAILED
        assert len(served.seen(Failure)) == 2
