"""`evaluate` on the authored voice: the same questions and checks, without a model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dialogue_server.cli import run

WORLD = 'name = "Reach"\ndescription = "A village."\n'
MIRA = """
id = "mira"
name = "Mira"
description = "Keeps the inn."
fallback = ["Hm."]
lines = [{ text = "The lamp is dark.", keys = ["lamp"] }]
"""
QUESTIONS = """
[[case]]
npc = "mira"
ask = "What about the lamp?"
holds = [["dark"]]

[[case]]
npc = "mira"
ask = "And the mine?"
holds = [["flooded"]]
"""


@pytest.fixture
def village(tmp_path: Path) -> Path:
    (tmp_path / "personas").mkdir()
    (tmp_path / "world.toml").write_text(WORLD, encoding="utf-8")
    (tmp_path / "personas" / "mira.toml").write_text(MIRA, encoding="utf-8")
    (tmp_path / "evaluation.toml").write_text(QUESTIONS, encoding="utf-8")
    return tmp_path


def test_each_answer_is_shown_with_what_is_wrong_with_it(
    village: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["evaluate", str(village), "--backend", "scripted"]) == 0
    out = capsys.readouterr().out
    assert "mira <- What about the lamp?\n  The lamp is dark.\n" in out
    assert "FAILED: lacks flooded" in out
    assert "1 of 2, 50 %" in out


def test_too_small_a_share_is_code_1(village: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["evaluate", str(village), "--backend", "scripted", "--minimum"]
    assert run([*arguments, "75"]) == 1
    assert "error: 50 % is less than the 75 % asked for" in capsys.readouterr().err
    assert run([*arguments, "50"]) == 0


def test_a_world_without_questions_is_told_how_to_write_some(
    village: Path, capsys: pytest.CaptureFixture[str]
):
    (village / "evaluation.toml").unlink()
    assert run(["evaluate", str(village), "--backend", "scripted"]) == 2
    assert "dialogue-server init" in capsys.readouterr().err


def test_a_broken_file_of_questions_is_named(village: Path, capsys: pytest.CaptureFixture[str]):
    (village / "evaluation.toml").write_text("[[case]]\nnpc = 3\n", encoding="utf-8")
    assert run(["evaluate", str(village), "--backend", "scripted"]) == 1
    assert re.search(r"error: evaluation\.toml: .*npc", capsys.readouterr().err)


def test_the_starter_world_has_its_questions(capsys: pytest.CaptureFixture[str]):
    assert run(["evaluate", "--backend", "scripted"]) == 0
    found = re.search(r"passed +(\d+) of (\d+)", capsys.readouterr().out)
    assert found
    assert int(found[2]) >= 24
