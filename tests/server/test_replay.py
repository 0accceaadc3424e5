"""A game's client against a server that replays what another server recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from dialogue_protocol.codec import JSON, MSGPACK, Codec
from dialogue_protocol.messages import Error, Player, Say

from dialogue_server.backends.scripted import ScriptedBackend
from dialogue_server.domain.recordings.recording import Recording, decode
from dialogue_server.engine.observer import Record, RequestRefused
from dialogue_server.errors import SettingsError
from dialogue_server.instrumentation.recorder import Recorder
from dialogue_server.server.replay import replay_server
from tests.harness import Client, serving

LINES = ["An ale!", "The mine?"]


async def talk(url: str, codec: Codec = MSGPACK) -> Client:
    """The game of these tests."""
    client = await Client.connect(url, codec)
    await client.open(player=Player("ann", "Ann"))
    for number, text in enumerate(LINES):
        await client.say(text, line=str(number))
    await client.leave()
    return client


@pytest.fixture
async def recorded(tmp_path: Path) -> tuple[Recording, Client]:
    answers = ["[mood: calm]Here. [action: pour drink=ale]Drink.", "Under water."]
    recorder = Recorder(tmp_path, observe=lambda _: None)
    await recorder.start()
    async with serving(ScriptedBackend(answers)) as served:
        served.context.tap = recorder.begin
        client = await talk(served.url)
    await recorder.aclose()
    (file,) = tmp_path.iterdir()
    return decode(file.name, file.read_bytes()), client


@pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=["msgpack", "json"])
async def test_a_game_gets_what_it_got_from_the_real_server(
    recorded: tuple[Recording, Client], codec: Codec
) -> None:
    recording, original = recorded
    async with replay_server(recording, observe=lambda _: None, speed=0) as url:
        client = await talk(url, codec)
    assert client.received[1:] == original.received[1:]  # all but the welcome


async def test_two_replays_give_the_same_bytes(recorded: tuple[Recording, Client]) -> None:
    frames = []
    for _ in range(2):
        async with replay_server(recorded[0], observe=lambda _: None, speed=0) as url:
            frames.append((await talk(url)).frames)
    assert frames[0] == frames[1]


async def test_a_game_can_drop_and_resume(recorded: tuple[Recording, Client]) -> None:
    async with replay_server(recorded[0], observe=lambda _: None, speed=0) as url:
        client = await Client.connect(url)
        await client.open()
        before = client.sequenced
        await client.say(LINES[1])
        client.socket.abort()
        client = await client.resume(url, before)
        assert client.welcome is not None
        assert client.welcome.resumed
        assert (await client.answer()).text == "Under water."
        await client.leave()


async def test_a_line_that_was_not_recorded_is_loud(recorded: tuple[Recording, Client]) -> None:
    observed: list[Record] = []
    async with replay_server(recorded[0], observe=observed.append, speed=0) as url:
        client = await Client.connect(url)
        await client.open()
        await client.send(Say("c", "9", "A wine!"))
        error = await client.expect(Error)
        assert "the nearest recorded one is 'An ale!'" in error.detail
        await client.leave()
    assert error.detail in [r.detail for r in observed if isinstance(r, RequestRefused)]


async def test_a_port_that_is_taken_is_told(recorded: tuple[Recording, Client]) -> None:
    async with replay_server(recorded[0], observe=lambda _: None) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with replay_server(recorded[0], observe=lambda _: None, port=port):
                pass
