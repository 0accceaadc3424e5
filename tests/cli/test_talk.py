"""A conversation in the terminal, against a real server whose model the test steers."""

from __future__ import annotations

import asyncio

import pytest
from dialogue_protocol.messages import Player

from dialogue_server.cli.link import LinkLost, connected
from dialogue_server.cli.talk import Refused, Talk
from dialogue_server.cli.terminal import Terminal
from dialogue_server.domain.conversation import ConversationKey
from dialogue_server.server.client_socket import ConnectError
from tests.fakes.steered import SteeredBackend
from tests.harness import PATIENCE, serving

ANN = Player("ann", "Ann")
KEY = ConversationKey("ann", "c")


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_line_is_answered_with_text_moods_and_figures(capsys: pytest.CaptureFixture[str]):
    model = SteeredBackend()
    async with serving(model) as server, connected(server.url) as link:
        talk = Talk(link, Terminal(), ANN, speed=0)
        opened = await talk.open("c", ["mira"])
        assert opened.npcs[0].name == "Mira"
        saying = asyncio.create_task(talk.say("Who are you?"))
        call = await model.call()
        call.say("I keep ", "the house. [mood: wary] ", "Why? [action: pour drink=ale]")
        call.finish()
        report = await saying
    assert report.text.startswith("I keep the house.")
    assert report.reason == "complete"
    assert report.seen == len(report.text)
    assert [cue.name for cue in report.cues] == ["wary", "pour"]
    assert report.output_tokens == 10
    assert 0 < report.first_token_ms <= report.total_ms
    assert talk.mood["mira"] == "wary"
    shown = capsys.readouterr().out
    assert "Mira: Come in, mind the step." in shown
    assert "Mira: I keep the house. (wary) Why? *pour drink=ale*\n" in shown


async def test_an_interrupt_reports_the_code_points_that_were_shown(
    capsys: pytest.CaptureFixture[str],
):
    model = SteeredBackend()
    async with serving(model) as server, connected(server.url) as link:
        talk = Talk(link, Terminal(), ANN, speed=0)
        await talk.open("c", ["mira"])
        saying = asyncio.create_task(talk.say("Go on."))
        call = await model.call()
        call.say("I was born in the year of")
        await until(lambda: talk.shown > 20)
        shown = talk.shown
        talk.interrupt()
        await call.cancelled()
        report = await saying
        history = await server.context.store.load(KEY)
    assert report.reason == "interrupted"
    assert report.seen == shown
    assert history.nodes[-1].text == "I was born in the year of"[:shown].rstrip()
    assert "(interrupted)" in capsys.readouterr().out


async def test_an_interrupt_of_the_reveal_alone_is_reported_too(
    capsys: pytest.CaptureFixture[str],
):
    """The model has said everything; the player has seen a part of it."""
    model = SteeredBackend()
    async with serving(model) as server, connected(server.url) as link:
        talk = Talk(link, Terminal(), ANN, speed=0)
        await talk.open("c", ["mira"])
        talk._speed = 20
        saying = asyncio.create_task(talk.say("Go on."))
        call = await model.call()
        call.say("A long story that takes a while to be told in full.")
        call.finish()
        await until(lambda: talk.shown >= 3)
        talk.interrupt()
        report = await saying
        assert report.reason == "interrupted"
        assert 3 <= report.seen < len(report.text)

        async def cut() -> bool:
            node = (await server.context.store.load(KEY)).nodes[-1]
            return len(node.text) <= report.seen

        async with asyncio.timeout(PATIENCE):
            while not await cut():
                await asyncio.sleep(0.01)


async def test_hurry_shows_the_rest_at_once(capsys: pytest.CaptureFixture[str]):
    model = SteeredBackend()
    async with serving(model) as server, connected(server.url) as link:
        talk = Talk(link, Terminal(), ANN, speed=0)
        await talk.open("c", ["mira"])
        talk._speed = 0.5
        saying = asyncio.create_task(talk.say("Go on."))
        call = await model.call()
        call.say("A long story.")
        call.finish()
        await until(lambda: talk.shown >= 1)
        talk.hurry()
        report = await saying
    assert report.seen == len("A long story.")
    assert "Mira: A long story." in capsys.readouterr().out


async def test_the_state_reaches_the_next_prompt():
    model = SteeredBackend()
    async with serving(model) as server, connected(server.url) as link:
        talk = Talk(link, Terminal(), ANN, speed=0)
        await talk.open("c", ["mira"])
        assert await talk.set_state({"quest": {"mine": "drained"}}) > 0
        saying = asyncio.create_task(talk.say("Is the mine open?"))
        call = await model.call()
        call.finish()
        await saying
    assert "drained" in "\n".join(message.content for message in call.request.messages)


async def test_an_unknown_npc_is_refused_with_the_servers_words():
    async with serving(SteeredBackend()) as server, connected(server.url) as link:
        talk = Talk(link, Terminal(), ANN, speed=0)
        await talk.open("c", ["mira"])
        with pytest.raises(Refused, match="unknown_npc"):
            await talk.open("d", ["nobody"])
        assert await talk.set_state({"still": "there"}) > 0


async def test_a_line_that_is_refused_is_a_report():
    async with serving(SteeredBackend()) as server, connected(server.url) as link:
        talk = Talk(link, Terminal(), ANN, speed=0)
        await talk.open("c", ["mira"])
        report = await talk.say("x" * 5000)
    assert (report.reason, report.code) == ("refused", "line_too_long")


async def test_a_dropped_connection_is_resumed_in_mid_turn(capsys: pytest.CaptureFixture[str]):
    model = SteeredBackend()
    async with serving(model) as server, connected(server.url) as link:
        talk = Talk(link, Terminal(), ANN, speed=0)
        await talk.open("c", ["mira"])
        saying = asyncio.create_task(talk.say("Go on."))
        call = await model.call()
        call.say("Before the drop, ")
        await until(lambda: talk.shown > 5)
        assert link._socket is not None
        link._socket.abort()
        call.say("and after it.")
        call.finish()
        report = await saying
    assert report.text == "Before the drop, and after it."
    assert report.reason == "complete"


async def test_a_server_that_is_not_there_is_named():
    with pytest.raises(ConnectError, match="is the server running"):
        async with connected("ws://127.0.0.1:9"):
            pass


async def test_a_server_that_goes_for_good_ends_the_wait(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dialogue_server.cli.link.GIVE_UP_SECONDS", 0.0)
    model = SteeredBackend()
    async with serving(model) as server:
        link_context = connected(server.url)
        link = await link_context.__aenter__()
    try:
        with pytest.raises(LinkLost, match="connection was lost"):
            while True:
                await link.receive()
    finally:
        await link_context.__aexit__(None, None, None)
