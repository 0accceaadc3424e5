"""`card import` and `card export`, on a content folder of the test's own."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from dialogue_server.cli import run
from dialogue_server.domain.cards import png as card_png
from dialogue_server.domain.cards.containers import unpack
from dialogue_server.stores import content

CARD: dict[str, Any] = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        "name": "Mira",
        "description": "{{char}} is a smith. {{user}} owes her money.",
        "first_mes": "Well?",
        "unknown": {"kept": True},
        "character_book": {"entries": [{"keys": ["forge"], "content": "The forge is hot."}]},
    },
}


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The current folder is a content folder, and the card is beside it."""
    folder = tmp_path / "village"
    folder.mkdir()
    (folder / "world.toml").write_text('name = "V"\ndescription = "A village."\n', "utf-8")
    (tmp_path / "mira.json").write_text(json.dumps(CARD), "utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def imported(*arguments: str) -> int:
    return run(["card", "import", "../mira.json", *arguments])


def test_an_imported_npc_is_loaded_by_the_server(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported() == 0
    out = capsys.readouterr().out
    for file in ("personas/mira.toml", "lore/mira.toml", "cards/mira.json"):
        assert file in out
        assert (world / file).is_file()
    assert '{{user}} became "the player"' in out
    loaded = content.load(world)
    assert loaded.errors == ()
    assert loaded.personas["mira"].description == "Mira is a smith. The player owes her money."


def test_the_card_is_kept_to_the_byte(world: Path) -> None:
    assert imported() == 0
    assert (world / "cards/mira.json").read_bytes() == Path("../mira.json").read_bytes()


def test_the_id_and_the_folder_are_chosen(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.parent)
    assert run(["card", "import", "mira.json", "--into", "village", "--id", "smith"]) == 0
    assert (world / "personas/smith.toml").is_file()


def test_nothing_is_written_over_unless_asked_for(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported() == 0
    file = world / "personas/mira.toml"
    file.write_text("mine", "utf-8")
    assert imported() == 2
    assert "--replace" in capsys.readouterr().err
    assert file.read_text("utf-8") == "mine"
    assert imported("--replace") == 0
    assert "Mira" in file.read_text("utf-8")


def test_a_replaced_npc_leaves_nothing_behind(world: Path) -> None:
    assert imported() == 0
    bare = {"name": "Mira", "description": "Another."}
    picture = card_png.write("a", card_png.blank(2, 2), {"chara": json.dumps(bare).encode()})
    Path("../mira.png").write_bytes(picture)
    assert run(["card", "import", "../mira.png"]) == 2
    assert run(["card", "import", "../mira.png", "--replace"]) == 0
    assert [path.name for path in (world / "cards").iterdir()] == ["mira.png"]
    assert list((world / "lore").iterdir()) == []


def test_a_lorebook_becomes_a_file_of_lore(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("../harbour.json").write_text(
        json.dumps({"entries": {"0": {"key": ["sea"], "content": "Grey."}}}), "utf-8"
    )
    assert run(["card", "import", "../harbour.json"]) == 0
    assert (world / "lore/harbour.toml").is_file()
    assert not (world / "personas").exists()
    assert "carried over" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["import", "../gone.json"], 1, "gone.json"),
        (["import", "../mira.json", "--into", "gone"], 2, "no such folder"),
        (["import", "../mira.json", "--id", "../x"], 2, "is no id"),
        (["import", "world.toml"], 1, "not JSON"),
        (["export", "nobody"], 2, "no such NPC"),
        (["export", "../x"], 2, "is no id"),
        (["export", "mira", "-o", "mira.gif"], 2, "--format"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["card", *arguments]) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_a_huge_file_is_not_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(import_module("dialogue_server.cli.card"), "MAX_FILE", 10)
    assert imported() == 1
    assert "at most 10" in capsys.readouterr().err


def test_what_was_not_changed_goes_back_into_the_card() -> None:
    assert imported() == 0
    assert run(["card", "export", "mira", "--spec", "2", "-o", "../out.json"]) == 0
    data = json.loads(Path("../out.json").read_bytes())["data"]
    assert {key: data[key] for key in CARD["data"]} == CARD["data"]


def test_what_a_designer_changed_goes_into_the_card(world: Path) -> None:
    assert imported() == 0
    for file, old, new in (
        ("personas/mira.toml", '"Well?"', '"What now?"'),
        ("lore/mira.toml", "is hot", "is cold"),
    ):
        path = world / file
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    assert run(["card", "export", "mira", "--format", "png"]) == 0
    data = unpack("a", Path("mira.png").read_bytes()).raw["data"]
    assert data["first_mes"] == "What now?"
    assert data["description"] == CARD["data"]["description"]
    assert data["character_book"]["entries"][0]["content"] == "The forge is cold."
    assert data["modification_date"] > 1_700_000_000


def test_an_export_does_not_write_over_a_file_that_was_not_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert imported() == 0
    Path("mira.charx").write_bytes(b"mine")
    assert run(["card", "export", "mira", "--format", "charx"]) == 2
    assert "with -o" in capsys.readouterr().err
    assert run(["card", "export", "mira", "-o", "mira.charx"]) == 0
    assert unpack("a", Path("mira.charx").read_bytes()).format == "charx"


def test_the_picture_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert imported() == 0
    Path("face.png").write_bytes(card_png.blank(7, 9))
    assert run(["card", "export", "mira", "-o", "out.png", "--picture", "face.png"]) == 0
    assert Path("out.png").read_bytes()[16:24] == bytes((0, 0, 0, 7, 0, 0, 0, 9))
    assert run(["card", "export", "mira", "-o", "out.png", "--picture", "world.toml"]) == 1
    assert "not a PNG picture" in capsys.readouterr().err


def test_an_npc_of_our_own_is_exported_with_what_a_card_cannot_hold(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (world / "personas").mkdir()
    (world / "personas/tove.toml").write_text(
        'id = "tove"\nname = "Tove"\ndescription = "A glazier."\n'
        '[[sections]]\nwhen = "quest.done"\ntext = "Proud."\n',
        "utf-8",
    )
    assert run(["card", "export", "tove"]) == 0
    assert json.loads(Path("tove.json").read_bytes())["data"]["name"] == "Tove"
    assert "sections" in capsys.readouterr().out


def test_a_broken_file_of_lore_stops_the_export(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported() == 0
    for broken in ("entries = 3", "entries =", "known_by = 3\nentries = []"):
        (world / "lore/mira.toml").write_text(broken, "utf-8")
        assert run(["card", "export", "mira"]) == 1
        assert "lore/mira.toml" in capsys.readouterr().err


def test_who_may_know_of_lore_may_be_written_in_short(world: Path) -> None:
    assert imported() == 0
    (world / "lore/mira.toml").write_text(
        'known_by = ["mira"]\n'
        '[[entries]]\ntext = "Known."\n'
        '[[entries]]\ntext = "Hidden."\nknown_by = ["mira"]\n',
        "utf-8",
    )
    assert run(["card", "export", "mira"]) == 0
    text = Path("mira.json").read_text("utf-8")
    assert "Known." in text
    assert "Hidden." not in text
