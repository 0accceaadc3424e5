"""Sessions written to files as they go, through the real engine."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import Ack, Cue, Delta, Hello, Open, Player, Pong, Say, TurnEnd

from dialogue_server.backends.scripted import Answer, Script, ScriptedBackend
from dialogue_server.domain.recordings.recording import (
    Answered,
    Asked,
    Ended,
    Recording,
    Streamed,
    decode,
    join,
)
from dialogue_server.engine.context import EngineContext
from dialogue_server.engine.identity import PLAYER, Identity
from dialogue_server.engine.in_process import InProcess, in_process
from dialogue_server.engine.observer import Failure, Record
from dialogue_server.engine.registry import Registry
from dialogue_server.errors import BackendError, SettingsError
from dialogue_server.instrumentation.recorder import Recorder
from dialogue_server.stores.memory import MemoryStore
from tests.harness import MIRA, WORLD, Client, serving

K = TypeVar("K")


@asynccontextmanager
async def talking(
    recorder: Recorder, script: Script, observed: list[Record] | None = None
) -> AsyncIterator[InProcess]:
    context = EngineContext(
        world=WORLD,
        personas={"mira": MIRA},
        backend=ScriptedBackend(script),
        store=MemoryStore(),
        observe=(observed if observed is not None else []).append,
        tap=recorder.begin,
    )
    await recorder.start()
    async with in_process(Registry(context), "game") as client:
        await client.send(Open("c", ["mira"], Player("user-7", "Ann Lee")))
        yield client
    assert context.taps == {}
    await recorder.aclose()


async def say(client: InProcess, text: str, line: str = "1") -> str:
    await client.send(Say("c", line, text))
    said = ""
    while not isinstance(message := await client.receive(), TurnEnd):
        said += message.text if isinstance(message, Delta) else ""
    return said


def recorder(folder: Path, **more: Any) -> Recorder:
    return Recorder(folder, observe=lambda _: None, server="test", backend="scripted", **more)


def read(folder: Path) -> Recording:
    return join(decode(path.name, path.read_bytes()) for path in sorted(folder.glob("*.jsonl")))


def of(found: Recording, kind: type[K]) -> list[K]:
    return [entry.what for entry in found.entries if isinstance(entry.what, kind)]


async def test_a_session_is_kept_message_by_message_with_what_the_model_was_asked_and_said(
    tmp_path: Path,
) -> None:
    async with talking(recorder(tmp_path), ["[mood: calm]Under water."]) as client:
        assert await say(client, "The mine?") == "Under water."
    found = read(tmp_path)
    assert (found.head.client, found.head.server, found.cut) == ("game", "test", False)
    assert isinstance(found.entries[0].what, Hello)
    assert [said.text for said in of(found, Say)] == ["The mine?"]
    (asked,) = of(found, Asked)
    assert (asked.turn, asked.npc, asked.backend) == (1, "mira", "scripted")
    assert "The mine?" in asked.messages[-1].content
    assert "".join(item.text for item in of(found, Streamed)) == "[mood: calm]Under water."
    assert "".join(item.text for item in of(found, Delta)) == "Under water."
    assert [cue.name for cue in of(found, Cue)] == ["calm"]
    assert [end.reason for end in of(found, Answered)] == ["stop"]
    assert [end.reason for end in of(found, Ended)] == ["the client has finished"]
    times = [entry.at for entry in found.entries]
    assert times == sorted(times)


async def test_where_it_has_to_be_asked_for_only_who_asks_is_recorded(tmp_path: Path) -> None:
    writer = recorder(tmp_path)
    context = EngineContext(
        world=WORLD,
        personas={"mira": MIRA},
        backend=ScriptedBackend(["Hm."]),
        store=MemoryStore(),
        observe=lambda _: None,
        tap=writer.begin,
        tap_asked=True,
    )
    await writer.start()
    for asked in ((), ("record",)):
        async with in_process(Registry(context), f"asks {asked}", asked) as client:
            await client.send(Open("c", ["mira"], Player("p")))
            await say(client, "Hello?", line=f"line {asked}")
    player = Identity(rights=frozenset({PLAYER}))
    assert player.granted(["record"]) == []
    await writer.aclose()
    assert read(tmp_path).head.client == "asks ('record',)"
    assert len(list(tmp_path.glob("*.jsonl"))) == 1


async def test_the_capability_is_granted_only_where_the_server_records(tmp_path: Path) -> None:
    async with serving(ScriptedBackend(["Hm."])) as served:
        client = await Client.connect(served.url, hello=Hello(capabilities=["record", "designer"]))
        assert client.welcome is not None
        assert client.welcome.capabilities == ["designer"]
        await client.leave()


async def test_of_a_prompts_parts_the_sources_are_kept_and_what_tells_a_change(
    tmp_path: Path,
) -> None:
    for folder, cover in (("named", False), ("covered", True)):
        recording = recorder(tmp_path / folder, cover_players=cover)
        async with talking(recording, ["Under water."] * 40) as client:
            for number in range(40):
                await say(client, "The mine?", f"{number}")
        first, *_, last = of(read(tmp_path / folder), Asked)
        assert first.layout == "standard"
        digests = dict(first.parts)
        assert "personas/mira.toml:description" in digests
        assert bool(digests["personas/mira.toml:description"]) is not cover
        assert (
            dict(last.parts)["personas/mira.toml:description"]
            == digests["personas/mira.toml:description"]
        )


async def test_a_token_is_never_kept(tmp_path: Path) -> None:
    recording = recorder(tmp_path)
    await recording.start()
    recording.begin("s", Hello(token="secret")).end("over")
    await recording.aclose()
    assert [hello.token for hello in of(read(tmp_path), Hello)] == ["█"]


async def test_what_keeps_the_connection_is_not_kept(tmp_path: Path) -> None:
    pieces = tuple(f"w{number} " for number in range(200))
    async with talking(recorder(tmp_path), [Answer(pieces=pieces)]) as client:
        await say(client, "Count!")
    assert of(read(tmp_path), Ack) == []
    assert of(read(tmp_path), Pong) == []


async def test_how_a_model_failed_is_kept(tmp_path: Path) -> None:
    error = BackendError(ErrorCode.MODEL_FAILED, "it broke")
    async with talking(recorder(tmp_path), [Answer("Under", error=error)]) as client:
        await say(client, "The mine?")
    (answered,) = of(read(tmp_path), Answered)
    assert (answered.code, answered.detail) == ("model_failed", "it broke")


async def test_names_of_players_are_covered_where_that_is_asked_for(tmp_path: Path) -> None:
    pieces = ("Good day, An", "n Le", "e!")
    recording = recorder(tmp_path, cover_players=True)
    async with talking(recording, [Answer(pieces=pieces)] * 2) as client:
        await say(client, "I am Ann Lee.")
        await recording.flush()
        await say(client, "Ann Lee, I said.", "2")
    text = b"".join(path.read_bytes() for path in tmp_path.glob("*.jsonl")).decode()
    assert "Ann" not in text
    assert "user-7" not in text
    found = read(tmp_path)
    assert "".join(item.text for item in of(found, Delta)) == "Good day, ███████!" * 2


async def test_a_running_turn_waits_for_its_end_where_names_are_covered(tmp_path: Path) -> None:
    recording = recorder(tmp_path, cover_players=True)
    async with talking(recording, [Answer(pieces=("Good day, An",), stall=True)]) as client:
        await client.send(Say("c", "1", "Hello."))
        while not isinstance(await client.receive(), Delta):
            pass
        await recording.flush()
        assert [said.text for said in of(read(tmp_path), Say)] == ["Hello."]
        assert of(read(tmp_path), Delta) == []


async def test_a_long_session_goes_on_in_further_parts(tmp_path: Path) -> None:
    recording = recorder(tmp_path, file_megabytes=0.004)
    async with talking(recording, ["Under water, all of it."] * 6) as client:
        for number in range(6):
            await say(client, "The mine?", f"{number}")
            await recording.flush()
    parts = sorted(tmp_path.glob("*.jsonl"))
    assert len(parts) > 1
    assert [decode(part.name, part.read_bytes()).head.part for part in parts] == list(
        range(1, len(parts) + 1)
    )
    assert len(of(read(tmp_path), Say)) == 6


async def test_the_oldest_files_make_room_for_the_newest(tmp_path: Path) -> None:
    for name in ("20200101-000000-old", "20200102-000000-old"):
        (tmp_path / f"{name}.jsonl").write_bytes(b"x" * 6000)
    async with talking(recorder(tmp_path, total_megabytes=0.01), ["Hm."]) as client:
        await say(client, "The mine?")
    names = [path.name for path in sorted(tmp_path.glob("*.jsonl"))]
    assert len(names) == 2
    assert names[0] == "20200102-000000-old.jsonl"


async def test_sessions_that_begin_in_one_second_have_files_of_their_own(tmp_path: Path) -> None:
    """Over one Redis a session's name begins with its server's, which is the same for all."""
    writer = recorder(tmp_path, now=lambda: 1_764_000_000.0)
    await writer.start()
    for session in ("0123456789abcdef-58079c7c00aa", "0123456789abcdef-58079c7c00bb"):
        writer.begin(session, Hello(client=session)).end("over")
    await writer.aclose()
    paths = sorted(tmp_path.glob("*.jsonl"))
    heads = [decode(path.name, path.read_bytes()).head for path in paths]
    assert [head.client for head in heads] == [
        "0123456789abcdef-58079c7c00aa",
        "0123456789abcdef-58079c7c00bb",
    ]


async def test_a_machine_without_a_thread_to_spare_is_told_and_talking_goes_on(
    tmp_path: Path,
) -> None:
    observed: list[Record] = []
    recording = Recorder(tmp_path, observe=observed.append)
    exhausted = ThreadPoolExecutor()
    exhausted.shutdown()
    async with talking(recording, ["One.", "Two."]) as client:
        asyncio.get_running_loop().set_default_executor(exhausted)
        async with asyncio.timeout(10):
            while not observed:
                await asyncio.sleep(0.05)
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
        assert await say(client, "The mine?") == "One."
        recording.begin("later", Hello(client="later"))
        async with asyncio.timeout(10):
            while not list(tmp_path.glob("*-later.jsonl")):
                await asyncio.sleep(0.05)
    assert [type(record) for record in observed] == [Failure]
    assert "RuntimeError" in observed[0].error  # type: ignore[union-attr]


async def test_a_file_that_is_deleted_meanwhile_is_begun_again_and_can_be_read(
    tmp_path: Path,
) -> None:
    """By a person, or by another worker that makes room."""
    recording = recorder(tmp_path)
    async with talking(recording, ["One.", "Two."]) as client:
        assert await say(client, "The mine?") == "One."
        await recording.flush()
        (path,) = tmp_path.glob("*.jsonl")
        path.unlink()
        assert await say(client, "And now?", "2") == "Two."
    found = read(tmp_path)
    assert [said.text for said in of(found, Say)] == ["And now?"]
    assert recording._total == path.stat().st_size


async def test_a_disk_that_fails_is_told_once_and_talking_goes_on(tmp_path: Path) -> None:
    observed: list[Record] = []
    recording = Recorder(tmp_path / "deep", observe=observed.append)
    async with talking(recording, ["One.", "Two."]) as client:
        (tmp_path / "deep").rmdir()
        await recording.flush()
        assert await say(client, "The mine?") == "One."
        await recording.flush()
        assert await say(client, "And now?", "2") == "Two."
    assert [type(record) for record in observed] == [Failure]


async def test_a_folder_that_cannot_be_had_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"record\.folder: .* cannot be written to"):
        await recorder(tmp_path / "file").start()


KILLED = """
import asyncio, os, signal
from pathlib import Path
from dialogue_server.backends.scripted import Answer
from tests.instrumentation.test_recorder import recorder, say, talking
async def main():
    async with talking(recorder(Path(".")), [Answer("Under " * 3000), "x"]) as client:
        await say(client, "The mine?")
        await asyncio.sleep(1.6)
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_kill_leaves_whole_lines_of_what_was_said_before(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    died = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=tmp_path, env={**os.environ, "PYTHONPATH": root}
    )
    assert died.returncode == -signal.SIGKILL
    found = read(tmp_path)
    assert not found.cut
    assert "".join(item.text for item in of(found, Delta)) == ("Under " * 3000).strip()
