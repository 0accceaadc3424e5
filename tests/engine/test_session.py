"""What a client may send, in any order and any shape; and that the session lives on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from dialogue_protocol.codec import JSON, MSGPACK, Codec
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    Ack,
    Close,
    Closed,
    Error,
    Hello,
    Interrupt,
    Open,
    Ping,
    Player,
    Pong,
    Say,
    State,
    StateOk,
    Turn,
    TurnEnd,
)

from dialogue_server.engine.context import EngineLimits
from dialogue_server.engine.observer import ConversationOpened, RequestRefused
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, serving

ANN = Player("ann", "Ann")


async def test_a_conversation_opens_with_names_moods_actions_and_a_greeting() -> None:
    async with serving(SteeredBackend()) as served:
        client = await Client.connect(served.url)
        opened = await client.open(npcs=("mira", "borin"))
        mira, borin = opened.npcs
        assert (mira.id, mira.name, mira.mood) == ("mira", "Mira", "wary")  # by the greeting
        assert (mira.moods, mira.actions) == (["calm", "wary"], ["pour"])
        assert borin.name == "Borin"
        assert opened.greeting == "Come in, mind the step."
        assert opened.history == 0
        assert served.seen(ConversationOpened)[0].npcs == ("mira", "borin")


async def test_a_conversation_that_is_opened_again_goes_on_where_it_was() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("[mood: wary]Good day.")
        call.finish()
        await client.answer()
        await client.send(Close("c"))
        await client.expect(Closed)
        opened = await client.open()
        assert (opened.greeting, opened.history) == ("", 2)
        assert opened.npcs[0].mood == "wary"


async def test_the_models_prefix_is_warmed_when_a_conversation_opens() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        (prefix,) = backend.warmed
        assert call.request.messages[0] == prefix[0]


async def test_the_addressed_npc_answers_by_id_or_by_name_else_the_first() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open(npcs=("mira", "borin"))
        says = [("Hello?", "", "mira"), ("Hello?", "borin", "borin"), ("You, Borin?", "", "borin")]
        for line, (text, to, expected) in enumerate(says):
            await client.send(Say("c", str(line), text, to))
            call = await backend.call()
            call.say("Yes.")
            call.finish()
            assert (await client.answer()).turn.npc == expected


async def test_a_state_reaches_the_next_prompt_and_a_patch_changes_it() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(State("c", 1, snapshot={"quest": {"mine": "drained"}, "day": 3}))
        assert await client.expect(StateOk) == StateOk("c", 1)
        await client.send(State("c", 2, patch={"day": None, "weather": "rain"}))
        await client.expect(StateOk)
        await client.send(Say("c", "1", "What news?"))
        last = (await backend.call()).request.messages[-1].content
        assert "quest.mine: drained" in last
        assert "weather: rain" in last
        assert "day" not in last


async def test_a_state_survives_and_its_revision_is_told() -> None:
    async with serving(SteeredBackend()) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(State("c", 7, snapshot={"day": 3}))
        await client.expect(StateOk)
        other = await Client.connect(served.url)
        assert (await other.open()).revision == 7


async def test_conversations_of_one_connection_talk_side_by_side() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open("a")
        await client.open("b", ("borin",))
        await client.send(Say("a", "1", "Hello?"))
        first = await backend.call()
        await client.send(Say("b", "1", "Hello?"))
        second = await backend.call()
        one, two = await client.expect(Turn), await client.expect(Turn)
        assert [one.conversation, two.conversation] == ["a", "b"]
        second.say("From the smith.")
        second.finish()
        first.say("From the inn.")
        first.finish()
        ended = [(await client.expect(TurnEnd)).turn for _ in range(2)]
        assert sorted(ended) == [one.turn, two.turn]


async def test_a_line_that_is_repeated_never_makes_a_second_turn() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        await client.send(Say("c", "1", "Hello?"))  # while the turn runs
        call.say("[mood: wary]Good day.")
        call.finish()
        first = await client.answer()
        await client.send(Say("c", "1", "Hello?"))  # after it has ended
        again = await client.answer()
        assert (again.text, again.turn.id) == (first.text, first.turn.id)
        assert [(c.offset, c.name) for c in again.cues] == [(c.offset, c.name) for c in first.cues]
        assert again.ended.length == first.ended.length
        assert backend.calls.empty()


@pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=["msgpack", "json"])
async def test_a_ping_is_answered_and_an_ack_is_not(codec: Codec) -> None:
    async with serving(SteeredBackend()) as served:
        client = await Client.connect(served.url, codec)
        await client.open()
        await client.send(Ack(1))
        await client.send(Ping(77))
        assert await client.next() == Pong(77)


BAD = [
    (Say("c", "1", ""), ErrorCode.EMPTY_LINE, "say.text"),
    (Say("c", "1", "   \n\t "), ErrorCode.EMPTY_LINE, "say.text"),
    (Say("c", "1", "x" * 101), ErrorCode.LINE_TOO_LONG, "101 code points; the server takes 100"),
    (Say("c", "", "Hello?"), ErrorCode.BAD_MESSAGE, "say.line"),
    (Say("nowhere", "1", "Hello?"), ErrorCode.UNKNOWN_CONVERSATION, "'nowhere'"),
    (Say("c", "1", "Hello?", "borin"), ErrorCode.UNKNOWN_NPC, "takes no part"),
    (Open("d", ["merlin"], ANN), ErrorCode.UNKNOWN_NPC, "the server has: borin, mira"),
    (Open("d", [], ANN), ErrorCode.BAD_MESSAGE, "open.npcs"),
    (Open("", ["mira"], ANN), ErrorCode.BAD_MESSAGE, "open.conversation"),
    (Open("x" * 65, ["mira"], ANN), ErrorCode.BAD_MESSAGE, "open.conversation"),
    (Open("d", ["mira"], Player("")), ErrorCode.BAD_MESSAGE, "open.player.id"),
    (State("c", 1), ErrorCode.STATE_INVALID, "a snapshot or a patch"),
    (State("c", 1, {}, {}), ErrorCode.STATE_INVALID, "not both"),
    (State("c", 0, {}), ErrorCode.STATE_INVALID, "state.revision"),
    (State("c", 5, patch={"a": 1}), ErrorCode.STATE_CONFLICT, "must carry 1"),
    (State("c", 1, {"a": "x" * 3000}), ErrorCode.STATE_TOO_LARGE, "2000"),
    (State("c", 1, {"a": [[[[[[1]]]]]]}), ErrorCode.STATE_TOO_LARGE, "a[0]"),
    (Interrupt(99, 0), ErrorCode.UNKNOWN_TURN, "turn 99"),
    (Close("nowhere"), ErrorCode.UNKNOWN_CONVERSATION, "'nowhere'"),
    (Hello(), ErrorCode.BAD_MESSAGE, "said already"),
]


@pytest.mark.parametrize(("message", "code", "detail"), BAD, ids=lambda value: str(value)[:40])
async def test_a_bad_request_is_answered_and_the_session_lives_on(
    message: Any, code: ErrorCode, detail: str
) -> None:
    backend = SteeredBackend()
    limits = EngineLimits(line_chars=100, state_bytes=2000, state_depth=4, message_bytes=5000)
    async with serving(backend, limits=limits) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(message)
        error = await client.expect(Error)
        assert (error.code, error.retryable) == (code, code.retryable)
        assert detail in error.detail
        if code != ErrorCode.BAD_MESSAGE:
            assert error.conversation == getattr(message, "conversation", "")
            assert error.line == getattr(message, "line", "")
        assert served.seen(RequestRefused)[0].code == code
        await client.send(Say("c", "after", "Hello?"))
        call = await backend.call()
        call.say("Good day.")
        call.finish()
        assert (await client.answer()).text == "Good day."


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", ErrorCode.BAD_MESSAGE),
        (b"\x00", ErrorCode.BAD_MESSAGE),
        (b"GET / HTTP/1.1", ErrorCode.BAD_MESSAGE),
        (b"\x94\x12\xa1c\xa11\x05", ErrorCode.BAD_MESSAGE),
        (b"\x94\x12\xa1c\xa11\xa2\xff\xfe", ErrorCode.BAD_MESSAGE),
        (b"\x94\x12\xa1c", ErrorCode.BAD_MESSAGE),
        (b"\x91" * 4000, ErrorCode.BAD_MESSAGE),
        (b"\xc4" + b"x" * 6000, ErrorCode.TOO_LARGE),
        ("text on a binary protocol", ErrorCode.BAD_MESSAGE),
    ],
    ids=["empty", "no-array", "http", "wrong-type", "bad-utf8", "cut", "deep", "large", "text"],
)
async def test_a_broken_frame_is_answered_and_the_session_lives_on(
    frame: bytes | str, code: ErrorCode
) -> None:
    async with serving(SteeredBackend(), limits=EngineLimits(message_bytes=5000)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.socket.send(frame)
        error = await client.expect(Error)
        assert error.code == code
        assert len(error.detail) >= 15
        await client.send(Ping(1))
        await client.expect(Pong)


async def test_a_message_of_an_unknown_type_is_ignored() -> None:
    async with serving(SteeredBackend()) as served:
        client = await Client.connect(served.url)
        await client.socket.send(msgspec.msgpack.encode([120, "from", "the", "future"]))
        await client.send(Ping(1))
        assert await client.next() == Pong(1)


async def test_a_line_while_a_turn_runs_is_refused_and_harms_nothing() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        await client.send(Say("c", "2", "And?"))
        error = await client.expect(Error)
        assert (error.code, error.line, error.retryable) == ("busy", "2", True)
        call.say("Good day.")
        call.finish()
        assert (await client.expect(TurnEnd)).reason == "complete"


async def test_too_many_conversations_are_refused() -> None:
    async with serving(SteeredBackend(), limits=EngineLimits(conversations=2)) as served:
        client = await Client.connect(served.url)
        await client.open("a")
        await client.open("b")
        await client.send(Open("c", ["mira"], ANN))
        assert (await client.expect(Error)).code == "too_many_conversations"
        await client.send(Close("a"))
        await client.expect(Closed)
        await client.open("c")


async def test_a_closed_conversation_stops_its_turn_and_keeps_what_was_said() -> None:
    backend = SteeredBackend()
    async with serving(backend) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        call.say("Good day, ")
        await client.expect(Turn)
        await client.send(Close("c"))
        await call.cancelled()
        await client.expect(Closed)
        assert (await client.open()).history == 2
