"""`dialogue-server prompt` shows every word that would reach a model, and where it stands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dialogue_server.cli import run
from dialogue_server.stores import content

STARTER = Path(content.__file__).parents[1] / "starter"


@pytest.fixture(autouse=True)
def around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENROUTER_API_KEY", "MINIMAX_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(STARTER, tmp_path / "village")


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run(["prompt", *arguments]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shown(capsys, *arguments, "--json").splitlines()]


def test_each_part_has_its_file_line_key_and_cost(capsys: pytest.CaptureFixture[str]) -> None:
    (made,) = told(capsys, "tove", "village", "--say", "Who broke the lamp?", "--as", "openai")
    lines = (STARTER / "personas" / "tove.toml").read_text(encoding="utf-8").splitlines()
    places = {part["key"]: part for part in made["parts"]}
    assert lines[places["speech_style"]["line"] - 1].startswith("speech_style")
    assert lines[places["knowledge[4]"]["line"] - 1].endswith(
        '"stone", "wind", "storm", "smash", "happened"] },'
    )
    everything = "\n".join(message["content"] for message in made["messages"])
    for part in made["parts"]:
        assert part["tokens"] > 0
        if part["file"].startswith("personas"):
            assert part["text"].splitlines()[-1] in everything
    dropped = {part["key"]: part["why"] for part in made["dropped"]}
    assert dropped["knowledge[2]"] == "condition"
    assert made["messages"][-1]["content"].endswith("Who broke the lamp?")


def test_the_state_and_the_history_of_files_are_in_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "lit.toml").write_text('[quest]\nlamp = "lit"\n', encoding="utf-8")
    (tmp_path / "high.json").write_text('{"tide": "high"}', encoding="utf-8")
    (tmp_path / "talk.txt").write_text("player: Good day.\ntove: Is it?\n", encoding="utf-8")
    history = ("--history", "talk.txt", "--layout", "standard")
    lit = shown(capsys, "tove", "village", "--state", "lit.toml", *history)
    assert "quest.lamp: lit" in lit
    assert "tide: low" in lit
    assert "[assistant]\nIs it?" in lit
    assert "tide: high" in shown(capsys, "tove", "village", "--state", "high.json", *history)
    both = ("--state", "lit.toml", "--set", "tide=high", "--set", "quest.lamp=glass")
    changed = shown(capsys, "tove", "village", *both, *history)
    assert "tide: high" in changed
    assert "quest.lamp: glass" in changed


def test_a_small_budget_shows_what_did_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    (made,) = told(capsys, "tove", "village", "--as", "openai", "--limits-prompt-tokens", "500")
    assert made["budget"] == 500 >= made["tokens"]
    assert "budget" in {part["why"] for part in made["dropped"]}
    out = shown(capsys, "tove", "village", "--as", "openai", "--limits-prompt-tokens", "500")
    assert "What was left out, and why" in out


def test_both_layouts_are_shown_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    made = told(capsys, "pell", "village", "--layout", "both")
    assert [each["layout"] for each in made] == ["standard", "compact"]
    out = shown(capsys, "pell", "village", "--layout", "both")
    assert "Pell, standard layout" in out
    assert "Pell, compact layout" in out


def test_one_conversation_in_roles_of_its_own_and_folded(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "talk.txt").write_text("player: Hello.\njory: Halt!\n", encoding="utf-8")
    scene = ("--scene", "lamp_post", "--name", "Ann", "--about", "A knight with a limp.")
    talk = ("jory", "village", "--history", "talk.txt", "--say", "Who are you?", *scene)
    (native,) = told(capsys, *talk, "--as", "minimax", "--model-roles", "native")
    (folded,) = told(capsys, *talk, "--as", "minimax")
    (openai,) = told(capsys, *talk, "--as", "openai")

    def roles(made: dict[str, Any]) -> list[str]:
        return [message["role"] for message in made["messages"]]

    samples = ["sample_message_user", "sample_message_ai"] * 4
    talked = ["user", "assistant", "user"]
    assert roles(native) == ["system", "user_system", "group", *samples, *talked]
    assert roles(folded) == roles(openai) == ["system", *talked]
    assert (native["profile"], native["model"]) == ("minimax", "M2-her")
    by_role = {message["role"]: message for message in native["messages"]}
    assert "A knight with a limp." in by_role["user_system"]["content"]
    assert "a lamp on a post" in by_role["group"]["content"]
    assert by_role["sample_message_ai"]["name"] == "Jory"
    system = openai["messages"][0]["content"]
    for message in native["messages"][:-3]:
        assert message["content"] in system
    assert native["messages"][-3:] == openai["messages"][-3:]
    assert native["parts"] == openai["parts"]


def test_settings_of_another_service_do_not_count(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "village" / "dialogue.toml").write_text(
        '[model]\nbackend = "ollama"\nname = "llama3.1"\n', encoding="utf-8"
    )
    assert "as ollama llama3.1 gets it" in shown(capsys, "tove", "village")
    assert "as minimax M2-her gets it" in shown(capsys, "tove", "village", "--as", "minimax")
    named = shown(capsys, "tove", "village", "--as", "openai", "--model", "big")
    assert "as openai big gets it" in named


@pytest.mark.parametrize(
    ("arguments", "problem", "code"),
    [
        (("tova", "village"), "there is no NPC 'tova'", 2),
        (("tove", "village", "--as", "minmax"), "there is no 'minmax'", 2),
        (("tove", "village", "--state", "no.json"), "no.json", 1),
        (("tove", "village", "--state", "broken.json"), "broken.json: not JSON", 1),
        (("tove", "village", "--state", "broken.toml"), "broken.toml: not TOML", 1),
        (("tove", "village", "--state", "list.json"), "must be an object", 1),
        (("tove", "village", "--state", "deep.json"), "nested deeper", 1),
        (("tove", "village", "--history", "broken.toml"), "line 1: write who speaks", 1),
        (("tove", "nowhere"), "there is no NPC", 2),
        (("tove", "village", "--set", "lit"), "--set: write KEY=VALUE", 2),
        (("tove", "village", "--set", f"a={'[' * 20}{']' * 20}"), "nested deeper", 1),
    ],
)
def test_what_cannot_be_shown_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    problem: str,
    code: int,
) -> None:
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "broken.toml").write_text("tide low", encoding="utf-8")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    (tmp_path / "deep.json").write_text('{"a":' * 20 + "1" + "}" * 20, encoding="utf-8")
    assert problem in shown(capsys, *arguments, code=code)
