"""`dialogue-server test`, on the authored voice and, for the starter world, the embedded model."""

from __future__ import annotations

import json
import shutil
from importlib.resources import as_file, files
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dialogue_server.cli import run
from tests.embedded import embedded_weights

WORLD = 'name = "Reach"\ndescription = "A village."\n'
MIRA = """
id = "mira"
name = "Mira"
description = "Keeps the inn."
fallback = ["Hm."]
lines = [{ text = "The lamp is dark.", keys = ["lamp"] }]
"""
SCENARIO = """
npcs = ["mira"]

[[step]]
say = "What about the lamp?"
contains = "dark"

[[step]]
say = "And the mine?"
contains = "flooded"
"""
SHOWN = pytest.CaptureFixture[str]


@pytest.fixture
def village(tmp_path: Path) -> Path:
    (tmp_path / "personas").mkdir()
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "world.toml").write_text(WORLD, encoding="utf-8")
    (tmp_path / "personas" / "mira.toml").write_text(MIRA, encoding="utf-8")
    (tmp_path / "scenarios" / "lamp.toml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_went_wrong_is_shown_with_the_talk_around_it(village: Path, capsys: SHOWN):
    assert run(["test", str(village)]) == 1
    shown = capsys.readouterr()
    assert "FAILED  lamp" in shown.out
    assert "      > And the mine?\n      mira: Hm.\n      ^ line 8: lacks flooded\n" in shown.out
    assert "answers            1 of 2, 50 %" in shown.out
    assert "50 % right is less than the 100 % needed" in shown.err


def test_enough_right_answers_are_code_0(village: Path):
    assert run(["test", str(village), "--minimum", "50"]) == 0
    assert run(["test", str(village), "--minimum", "51"]) == 1
    rewrite(village / "scenarios" / "lamp.toml", "npcs =", "minimum = { scripted = 50 }\nnpcs =")
    assert run(["test", str(village)]) == 0


def test_a_file_by_itself_finds_its_world(
    village: Path, capsys: SHOWN, monkeypatch: pytest.MonkeyPatch
):
    file = village / "scenarios" / "lamp.toml"
    assert run(["test", str(file), "--minimum", "0", "-v"]) == 0
    monkeypatch.chdir(village / "scenarios")
    assert run(["test", "lamp.toml", "--minimum", "0"]) == 0
    monkeypatch.chdir(village)
    capsys.readouterr()
    assert run(["test", "--minimum", "0"]) == 0
    assert "lamp.toml  (scripted)" in capsys.readouterr().out


def test_golden_texts_are_written_and_a_change_of_them_is_shown_as_a_difference(
    village: Path, capsys: SHOWN
):
    rewrite(village / "scenarios" / "lamp.toml", 'contains = "flooded"', "")
    assert run(["test", str(village), "--update"]) == 0
    golden = village / "scenarios" / "lamp.golden.txt"
    assert "> What about the lamp?\nmira: The lamp is dark.\n" in golden.read_text("utf-8")
    assert "lamp.golden.txt: written" in capsys.readouterr().out
    assert run(["test", str(village)]) == 0
    rewrite(village / "personas" / "mira.toml", "is dark", "is very dark")
    assert run(["test", str(village), "--minimum", "0"]) == 1
    out = capsys.readouterr().out
    assert "-mira: The lamp is dark.\n" in out
    assert "+mira: The lamp is very dark.\n" in out
    assert run(["test", str(village), "--update"]) == 0
    assert "lamp.golden.txt: changed" in capsys.readouterr().out
    assert run(["test", str(village)]) == 0


@pytest.mark.parametrize("more", [["--backend", "ollama"], ["-k", "lamp"]])
def test_golden_texts_are_of_the_whole_file_and_the_authored_voice(
    village: Path, capsys: SHOWN, more: list[str]
):
    assert run(["test", str(village), "--update", *more]) == 2
    assert "--update" in capsys.readouterr().err
    assert not (village / "scenarios" / "lamp.golden.txt").exists()


def test_several_seeds_are_several_conversations(village: Path, capsys: SHOWN):
    assert run(["test", str(village), "--seeds", "3", "--minimum", "0"]) == 0
    out = capsys.readouterr().out
    assert "lamp [seed 3]" in out
    assert "0 of 3 as expected" in out


def test_machines_read_one_json_document_and_junit(village: Path, tmp_path: Path, capsys: SHOWN):
    report = tmp_path / "report.xml"
    assert run(["test", str(village), "--json", "--junit", str(report)]) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["passed"], data["share"]) == (False, 50)
    assert data["conversations"][0]["steps"][1]["problems"] == ["lacks flooded"]
    suite = ElementTree.parse(report).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")


def test_only_conversations_of_a_name_are_played(village: Path, capsys: SHOWN):
    questions = '[[question]]\nnpc = "mira"\nsay = "{}?"\n'
    (village / "scenarios" / "more.toml").write_text(
        questions.format("The Lamp") + questions.format("The mine"), encoding="utf-8"
    )
    assert run(["test", str(village), "-k", "lamp", "--minimum", "0"]) == 0
    out = capsys.readouterr().out
    assert "mira: The Lamp?" in out
    assert "mira: The mine?" not in out
    assert run(["test", str(village), "-k", "sea"]) == 2


def test_every_broken_file_is_told_with_line_and_mend(village: Path, capsys: SHOWN):
    rewrite(village / "scenarios" / "lamp.toml", 'contains = "dark"', 'contain = "dark"')
    (village / "scenarios" / "other.toml").write_text("[[step", encoding="utf-8")
    assert run(["test", str(village)]) == 2
    err = capsys.readouterr().err
    assert "lamp.toml: line 6, step[0].contain: unknown key; did you mean contains?" in err
    assert "other.toml: line 1" in err
    assert "2 of 2 scenario files cannot be read" in err


def test_where_there_is_nothing_to_play_it_is_told_what_to_do(
    tmp_path: Path, village: Path, capsys: SHOWN
):
    (village / "scenarios" / "lamp.toml").unlink()
    assert run(["test", str(village)]) == 2
    assert "dialogue-server init" in capsys.readouterr().err
    (village / "world.toml").unlink()
    assert run(["test", str(village)]) == 2
    assert "no world.toml here or above" in capsys.readouterr().err


def test_a_recorded_session_answers_in_place_of_a_model(tmp_path: Path, capsys: SHOWN):
    recordings = tmp_path / "recordings"
    assert run(["demo", "--backend", "scripted", "--speed", "0", "--record", str(recordings)]) == 0
    (file,) = recordings.iterdir()
    question = '[[question]]\nnpc = "jory"\nsay = "{}"\ncontains = "wind"\n'
    world = starter(tmp_path)
    scenario = world / "scenarios" / "recorded.toml"
    scenario.write_text(question.format("Who broke the lamp?") + question.format("Who did it?"))
    capsys.readouterr()
    assert run(["test", str(scenario), "--recording", str(file)]) == 1
    out = capsys.readouterr().out
    assert f"recorded.toml  ({file.name})\n  ok      jory: Who broke the lamp?" in out
    assert "^ line 5: model_bad_request: replay: no say was recorded as 'Who did it?'" in out


def test_an_answer_in_another_language_is_told(village: Path, capsys: SHOWN):
    rewrite(village / "scenarios" / "lamp.toml", 'contains = "dark"', 'language = "de"')
    rewrite(village / "personas" / "mira.toml", "The lamp is dark.", "The lamp on the old pier has "
            "been dark for seven nights, and nobody knows why.")  # fmt: skip
    assert run(["test", str(village)]) == 1
    assert "^ line 4: is in English; expected German" in capsys.readouterr().out


def starter(to: Path) -> Path:
    with as_file(files("dialogue_server") / "starter") as folder:
        return Path(shutil.copytree(folder, to / "starter"))


def test_the_starter_worlds_scenarios_hold_on_the_authored_voice(tmp_path: Path):
    assert run(["test", str(starter(tmp_path))]) == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_starter_worlds_scenarios_hold_on_the_embedded_model(tmp_path: Path):
    embedded_weights()
    assert run(["test", str(starter(tmp_path)), "--backend", "local"]) == 0
