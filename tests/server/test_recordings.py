"""Recorded sessions for a designer's tools: listed, read in pieces, said again."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dialogue_protocol.messages import (
    Error,
    Hello,
    NpcList,
    Npcs,
    ReadRecording,
    RecordingList,
    Recordings,
    RecordingText,
    Rerun,
    RerunReport,
)
from msgspec import structs

from dialogue_server.cli import run
from dialogue_server.domain.recordings.recording import decode
from dialogue_server.server.app import App
from dialogue_server.server.recordings import read
from dialogue_server.settings import MEMORY, Settings
from tests.harness import Client

STARTER = Path(__file__).parents[2] / "dialogue_server" / "starter"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    demo = ["demo", "--backend", "scripted", "--speed", "0", "--record", str(folder)]
    assert run(demo) == 0
    (file,) = folder.glob("*.jsonl")
    return file


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> Path:
    """Two recordings, one of them in two parts, and what is none."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    shutil.copy(recorded, folder / "20200101-000000-one.jsonl")
    head, *lines = recorded.read_bytes().splitlines(keepends=True)
    (folder / "20210101-000000-two.jsonl").write_bytes(b"".join([head, *lines[:20]]))
    part = head.replace(b'"part":1', b'"part":2')
    (folder / "20210101-000000-two.part002.jsonl").write_bytes(b"".join([part, *lines[20:]]))
    (tmp_path / "secret.jsonl").write_text("{}\n")
    (folder / "notes.txt").write_text("no recording\n")
    return folder


@asynccontextmanager
async def designing(tmp_path: Path, folder: str) -> AsyncIterator[tuple[Client, App]]:
    base = Settings()
    world = tmp_path / "world"
    if not world.exists():
        shutil.copytree(STARTER, world)
    app = App(
        structs.replace(
            base,
            server=structs.replace(base.server, port=0, page="on"),
            content=structs.replace(base.content, folder=str(world)),
            model=structs.replace(base.model, backend="scripted"),
            record=structs.replace(base.record, folder=folder),
            store=structs.replace(base.store, path=MEMORY),
        )
    )
    await app.start()
    client = await Client.connect(app.url, hello=Hello(capabilities=["designer"]))
    try:
        yield client, app
    finally:
        await client.leave()
        await app.stop()


async def whole(client: Client, name: str) -> tuple[str, int]:
    """A recording, piece by piece, and how many they were."""
    text, offset, pieces = "", 0, 0
    while pieces == 0 or offset:
        await client.send(ReadRecording(name, offset))
        piece = await client.expect(RecordingText)
        assert piece.text.endswith("\n")
        text, offset, pieces = text + piece.text, piece.next, pieces + 1
    return text, pieces


async def test_recordings_are_listed_and_read_whole_in_pieces(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialogue_server.server.recordings._PIECE", 4096)
    async with designing(tmp_path, str(folder)) as (client, _):
        await client.send(Recordings())
        listed = await client.expect(RecordingList)
        names = [file.name for file in listed.files]
        # This session may be among them already, and is the newest then.
        assert names[-2:] == ["20210101-000000-two.jsonl", "20200101-000000-one.jsonl"]
        assert listed.recording
        await client.send(Recordings(1))
        assert len((await client.expect(RecordingList)).files) == 1
        one, pieces = await whole(client, names[-1])
        assert pieces > 1
        assert one.encode() == (folder / names[-1]).read_bytes()
        assert listed.files[-1].size == len(one.encode())
        two, _ = await whole(client, names[-2])
        assert two.count('"recording":1') == 2  # each part says what it is
        assert len(decode("x", one.encode()).entries) == len(read(folder / names[-2]).entries)
        await client.send(ReadRecording(names[-1], 2**40))
        assert (await client.expect(RecordingText)).text == ""


@pytest.mark.parametrize(
    "name",
    ["../secret.jsonl", "/etc/passwd", "notes.txt", ".", "20210101-000000-two.part002.jsonl"],
)
async def test_no_name_leads_out_of_the_folder(tmp_path: Path, folder: Path, name: str) -> None:
    async with designing(tmp_path, str(folder)) as (client, _):
        for message in (ReadRecording(name), Rerun(name)):
            await client.send(message)
            error = await client.expect(Error)
            assert (error.code, "is none of the recordings" in error.detail) == ("forbidden", True)


async def test_a_recording_is_said_again_to_todays_content(tmp_path: Path, folder: Path) -> None:
    shutil.copytree(STARTER, tmp_path / "world")
    pell = tmp_path / "world" / "personas" / "pell.toml"
    pell.write_text(pell.read_text("utf-8").replace("Come in", "Stay out"), "utf-8")
    async with designing(tmp_path, str(folder)) as (client, app):
        name = "20200101-000000-one.jsonl"
        await client.send(Rerun(name))
        await client.send(Npcs())  # the session goes on meanwhile
        assert await client.expect(NpcList)
        report = await client.expect(RerunReport)
        changed, *later = report.first
        assert (report.answers, report.changed) == (6, 3)
        assert [each.what for each in later] == [["history"]] * 2  # he remembers his greeting
        assert (changed.place, changed.npc, changed.what) == (1, "pell", ["text"])
        assert changed.now.startswith("pell: Stay out")
        assert "No model was asked" in report.notes[0]
        await client.send(Rerun(name, ask=True, model="scripted"))
        report = await client.expect(RerunReport)
        assert (report.answers, report.notes) == (6, [])
        await client.send(Rerun(name, ask=True))
        assert (await client.expect(RerunReport)).answers == 6
        await client.send(Rerun(name, ask=True, model="other"))
        assert "there is no 'other'; there are: scripted" in (await client.expect(Error)).detail
        assert app.metrics.text().count(b"dialogue_turns_total{") == 0  # nobody has played


async def test_one_re_run_at_a_time_and_none_outlives_its_session(
    tmp_path: Path, folder: Path
) -> None:
    async with designing(tmp_path, str(folder)) as (client, app):
        name = "20200101-000000-one.jsonl"
        await client.send(Rerun(name))
        await client.send(Rerun(name))
        assert (await client.expect(Error)).code == "busy"
        await client.leave()
        async with asyncio.timeout(5):
            await app.stop()


async def test_what_is_broken_or_too_long_is_told(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "20220101-000000-bad.jsonl").write_text("{}\n")
    async with designing(tmp_path, str(folder)) as (client, _):
        await client.send(Rerun("20220101-000000-bad.jsonl"))
        assert "is no recording" in (await client.expect(Error)).detail
        monkeypatch.setattr("dialogue_server.server.recordings._MOST", 10)
        await client.send(Rerun("20200101-000000-one.jsonl"))
        assert (await client.expect(Error)).code == "too_large"


async def test_a_server_that_records_nothing_says_so_and_players_see_none(tmp_path: Path) -> None:
    async with designing(tmp_path, "") as (client, app):
        await client.send(Recordings())
        assert await client.expect(RecordingList) == RecordingList(False, [])
        await client.send(ReadRecording("x"))
        assert "records nothing" in (await client.expect(Error)).detail
        player = await Client.connect(app.url)
        for message in (Recordings(), ReadRecording("x"), Rerun("x")):
            await player.send(message)
            assert (await player.expect(Error)).code == "forbidden"
        await player.leave()


async def test_a_recording_does_not_grow_by_being_read(tmp_path: Path, folder: Path) -> None:
    async with designing(tmp_path, str(folder)) as (client, _):
        await whole(client, "20200101-000000-one.jsonl")
    (own,) = [file for file in folder.glob("*.jsonl") if file.name > "2022"]
    assert b"recording_text" not in own.read_bytes()
