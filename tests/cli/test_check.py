"""`dialogue-server check`: what a designer and a CI job see of a world's mistakes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dialogue_server.cli import run
from dialogue_server.stores import content

SECRET = "The bishop buried the silver bell under the third post."
STARTER = Path(content.__file__).parents[1] / "starter"


@pytest.fixture(autouse=True)
def village(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(STARTER, tmp_path / "village"))


@pytest.fixture
def hamlet(tmp_path: Path) -> Path:
    """Two NPCs and a secret of one of them; the leak check of it is quick."""
    folder = tmp_path / "hamlet"
    for part in ("personas", "lore"):
        (folder / part).mkdir(parents=True)
    (folder / "world.toml").write_text(
        'name = "Hamlet"\ndescription = "Two houses and a bell."\n', encoding="utf-8"
    )
    for npc in ("pell", "wen"):
        (folder / "personas" / f"{npc}.toml").write_text(
            f'id = "{npc}"\nname = "{npc.title()}"\nspeech_style = "Slow, and in few words."\n'
            f'description = "{npc.title()} has lived here for sixty years, and counts the tides."\n'
            'fallback = ["Say that again?"]\n[[examples]]\nplayer = "Hello?"\nnpc = "Sit down."\n',
            encoding="utf-8",
        )
    (folder / "lore" / "bell.toml").write_text(
        f'[[entries]]\ntext = "{SECRET}"\nkeys = ["bell"]\nknown_by = ["wen"]\n', encoding="utf-8"
    )
    return folder


def checked(
    capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0
) -> tuple[list[str], str]:
    assert run(["check", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out.splitlines(), captured.err


def test_a_scenario_that_cannot_be_played_is_an_error(
    village: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lamp = village / "scenarios" / "lamp.toml"
    line = append(lamp, '\n[[step]]\nsay = "Hello?"\nmod = "guilty"\n')
    lines, _ = checked(capsys, "village", code=1)
    assert lines[0].startswith(f"village/scenarios/lamp.toml:{line + 3}: error: step[")
    assert "did you mean mood?" in lines[0]


def append(file: Path, text: str) -> int:
    """Add to a file; the number of the line that the text begins on."""
    before = file.read_text(encoding="utf-8")
    file.write_text(before + text, encoding="utf-8")
    return before.count("\n") + 1


def test_the_starter_world_is_clean_and_no_gate_of_it_leaks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines, err = checked(capsys, "village", "--strict", "--leaks")
    assert len(lines) == 2
    assert lines[0].endswith(": 0 leaks.")
    assert lines[1].endswith(": nothing to mend.")
    assert err == "Trying all gates ...\n"


def test_without_a_folder_it_is_the_one_we_are_in(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, village: Path
) -> None:
    monkeypatch.chdir(village)
    assert checked(capsys)[0][-1].endswith("nothing to mend.")


def test_a_warning_names_file_and_line_and_fails_only_when_strict(
    capsys: pytest.CaptureFixture[str], village: Path
) -> None:
    line = append(village / "personas" / "wen.toml", '\n[[lines]]\ntext = "Hush."\n')
    lines, _ = checked(capsys, "village")
    assert lines[0].startswith(f"village/personas/wen.toml:{line + 1}: warning: lines[")
    assert "has no keys" in lines[0]
    assert lines[0].endswith("[never-said]")
    assert lines[-1].endswith(": 1 warning.")
    assert checked(capsys, "village", "--strict", code=1)[0] == lines


def test_what_the_server_refuses_is_an_error(
    capsys: pytest.CaptureFixture[str], village: Path
) -> None:
    line = append(village / "personas" / "wen.toml", '\n[[lines]]\ntxt = "Hush."\nkeys = ["a"]\n')
    lines, _ = checked(capsys, "village", code=1)
    start = f"village/personas/wen.toml:{line + 2}: error: lines["
    assert [each for each in lines if each.startswith(start) and "did you mean text?" in each]
    assert "2 errors" in lines[-1]


def test_a_broken_world_is_told_and_nothing_else_is_guessed(
    capsys: pytest.CaptureFixture[str], village: Path
) -> None:
    (village / "world.toml").write_text('name = "Sallow Reach"\n', encoding="utf-8")
    lines, _ = checked(capsys, "village", "--leaks", code=1)
    assert lines[0] == "village/world.toml: error: the key description is missing [invalid]"
    assert len(lines) == 2


def test_a_leak_is_an_error_with_and_without_the_long_check(
    capsys: pytest.CaptureFixture[str], hamlet: Path
) -> None:
    line = append(
        hamlet / "personas" / "pell.toml",
        f'\n[[lines]]\nkeys = ["bishop"]\ntext = "They say: {SECRET}"\n',
    )
    for flags in ([], ["--leaks"]):
        lines, _ = checked(capsys, "hamlet", *flags, code=1)
        assert lines[0].startswith(f"hamlet/personas/pell.toml:{line + 1}: error: lines[0]: tells")
        assert "“the bishop buried the silver” of lore/bell.toml:entries[0]" in lines[0]


def test_files_that_nothing_reads_are_told_but_no_backups(
    capsys: pytest.CaptureFixture[str], village: Path
) -> None:
    (village / "old").mkdir()
    (village / ".git").mkdir()
    for name in ("old/mira.toml", ".git/x.toml", "notes.md", "world.toml~"):
        (village / name).write_text("", encoding="utf-8")
    lines, _ = checked(capsys, "village")
    assert [each.partition(" ")[0] for each in lines[:-1]] == ["village/old/mira.toml:"]


def test_programs_get_the_same_as_json(capsys: pytest.CaptureFixture[str], hamlet: Path) -> None:
    line = append(hamlet / "personas" / "wen.toml", '\n[[lines]]\ntext = "Hush."\n')
    (out,), _ = checked(capsys, "hamlet", "--json", "--strict", "--leaks", code=1)
    result = json.loads(out)
    (finding,) = result["findings"]
    assert finding["file"] == "personas/wen.toml"
    assert finding["line"] == line + 1
    assert (finding["severity"], finding["rule"]) == ("warning", "never-said")
    assert result["leaks"]["found"] == 0 < result["leaks"]["prompts"]
    assert result["ok"] is False
    (out,), _ = checked(capsys, "hamlet", "--json")
    assert json.loads(out)["ok"] is True
    assert json.loads(out)["leaks"] is None


def test_no_folder_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere: no such folder" in checked(capsys, "nowhere", code=2)[1]
