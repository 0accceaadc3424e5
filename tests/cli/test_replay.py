"""`dialogue-server replay`, on what `serve --record` and `demo --record` write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from dialogue_protocol.messages import Say, TurnEnd

from dialogue_server.cli import run
from tests.harness import Client

SHOWN = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording of the demo, on the authored voice."""
    folder = tmp_path_factory.mktemp("recordings")
    demo = ["demo", "--backend", "scripted", "--speed", "0", "--record", str(folder)]
    assert run(demo) == 0
    (file,) = folder.glob("*.jsonl")
    return file


def test_a_session_is_shown_as_it_was(recorded: Path, capsys: SHOWN):
    assert run(["replay", str(recorded), "--speed", "max"]) == 0
    out = capsys.readouterr().out
    assert "~ Traveller meets pell (dry_boot)\nPell: Come in" in out
    assert "> Who broke the lamp?\nJory: (guilty" in out
    assert "first word" in out


def test_a_session_becomes_a_page(recorded: Path, tmp_path: Path, capsys: SHOWN):
    assert run(["replay", str(recorded), "--html", str(tmp_path / "talk.html")]) == 0
    assert "talk.html: written" in capsys.readouterr().out
    text = (tmp_path / "talk.html").read_text("utf-8")
    assert "Who broke the lamp?" in text
    assert "<script" not in text


def test_a_cut_file_and_a_newer_servers_lines_are_told(
    recorded: Path, tmp_path: Path, capsys: SHOWN
):
    lines = recorded.read_bytes().splitlines(keepends=True)
    file = tmp_path / "cut.jsonl"
    file.write_bytes(b"".join([lines[0], b'{"at":1,"later":1}\n', *lines[1:9], lines[9][:20]]))
    assert run(["replay", str(file), "--speed", "max"]) == 0
    err = capsys.readouterr().err
    assert "its last line is cut" in err
    assert "1 lines of a newer server are passed over" in err


def test_parts_are_played_as_one_and_named_by_the_first(
    recorded: Path, tmp_path: Path, capsys: SHOWN
):
    head, *lines = recorded.read_bytes().splitlines(keepends=True)
    (tmp_path / "a.jsonl").write_bytes(b"".join([head, *lines[:20]]))
    part = head.replace(b'"part":1', b'"part":2')
    (tmp_path / "a.part002.jsonl").write_bytes(b"".join([part, *lines[20:]]))
    assert run(["replay", str(tmp_path / "a.jsonl"), "--speed", "max"]) == 0
    whole = capsys.readouterr().out
    assert run(["replay", str(recorded), "--speed", "max"]) == 0
    assert whole == capsys.readouterr().out
    assert run(["replay", str(tmp_path / "a.part002.jsonl")]) == 2
    assert "is part 2 of a session; name a.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["0", "fast", "-1"])
def test_a_speed_is_a_factor_or_max(recorded: Path, capsys: SHOWN, speed: str):
    assert run(["replay", str(recorded), "--speed", speed]) == 2
    assert "a number above 0 (2 is twice as fast), or max" in capsys.readouterr().err


def test_what_is_no_recording_is_told(tmp_path: Path, capsys: SHOWN):
    (tmp_path / "x.jsonl").write_text("{}\n")
    assert run(["replay", str(tmp_path / "x.jsonl")]) == 1
    assert "x.jsonl: line 1: is no recording" in capsys.readouterr().err


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter world, with another Pell."""
    folder = tmp_path_factory.mktemp("today") / "village"
    assert run(["init", str(folder)]) == 0
    pell = folder / "personas" / "pell.toml"
    text = pell.read_text("utf-8").replace(
        "Passes on every rumour", "Keeps every rumour to herself"
    )
    pell.write_text(text.replace("Come in", "Stay out"), "utf-8")
    return folder


def test_todays_world_is_compared_with_what_was_recorded(
    recorded: Path, world: Path, tmp_path: Path, capsys: SHOWN
):
    out, page, report = str(recorded.parent), tmp_path / "x.html", tmp_path / "x.xml"
    flags = ["--html", str(page), "--junit", str(report)]
    assert run(["replay", out, "--against", str(world), *flags]) == 0
    shown = capsys.readouterr().out
    assert "+ pell: Stay out" in shown
    assert "personas/pell.toml:personality  2 prompts" in shown
    assert shown.index("\npell  3") < shown.index("\njory  3")
    assert "1 of 6 answers are otherwise, 2 prompts" in shown
    assert "<ins>Stay out" in page.read_text("utf-8")
    assert 'failures="0"' in report.read_text("utf-8")


def test_bounds_decide_the_exit_code(recorded: Path, world: Path, capsys: SHOWN):
    replay = ["replay", str(recorded), "--against", str(world), "--backend", "scripted"]
    assert run([*replay, "--max-changed", "20%", "--max-slower", "100000"]) == 0
    assert run([*replay, "--max-changed", "moods=0", "--max-changed", "prompt=10"]) == 1
    err = capsys.readouterr().err
    assert "prompt: 2 of 6 changed, 33 %; at most 10 % may" in err
    assert "moods" not in err
    assert run([*replay, "--max-changed", "mood=1"]) == 2
    assert "a share in per cent, such as 10" in capsys.readouterr().err


def test_what_does_not_fit_together_is_told(
    recorded: Path, world: Path, tmp_path: Path, capsys: SHOWN
):
    assert run(["replay", str(recorded), "--max-changed", "1"]) == 2
    assert "belong to --against" in capsys.readouterr().err
    assert run(["replay", str(recorded.parent)]) == 2
    assert "one FILE is shown at a time" in capsys.readouterr().err
    assert run(["replay", str(recorded), "--against", str(tmp_path)]) == 2
    assert "--against names the folder that you serve" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run(["replay", str(tmp_path / "empty"), "--against", str(world)]) == 2
    assert "there is no recording" in capsys.readouterr().err


async def test_a_game_is_answered_by_a_process_that_serves_a_recording(recorded: Path):
    command = [sys.executable, "-m", "dialogue_server", "replay", str(recorded), "--serve"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--speed", "max"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[4].rstrip(".")
        client = await Client.connect(url)
        await client.open(npcs=("jory",))
        await client.send(Say("c", "1", "Who broke the LAMP"))
        end = await client.expect(TurnEnd)
        assert end.reason == "complete"
        await client.leave()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]
