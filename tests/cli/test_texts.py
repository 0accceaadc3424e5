"""`dialogue-server texts`: out to translators and back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dialogue_server.cli import run
from dialogue_server.stores import content

SHOWN = pytest.CaptureFixture[str]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    folder = tmp_path / "village"
    assert run(["init", str(folder)]) == 0
    return folder


def translate(po: Path, text: str, to: str) -> None:
    """As a translator does."""
    source = po.read_text("utf-8")
    message = re.compile(rf'(msgid "{re.escape(text)}"\nmsgstr) "[^"\n]*"')
    assert message.search(source)
    po.write_text(message.sub(rf'\1 "{to}"', source), "utf-8")


def test_translations_go_out_and_come_back(world: Path, tmp_path: Path, capsys: SHOWN) -> None:
    po = tmp_path / "village.po"
    assert run(["texts", "export", str(world), "--language", "pt-BR", "-o", str(po)]) == 0
    assert re.search(
        r"\d{3} texts, \d+ words, are in .*; 0 of them are tr", capsys.readouterr().out
    )
    translate(po, "The causeway is the only road out of Sallow Reach.", "A calçada é a única.")
    translate(po, "Ask me that with your tongue out.", "Pergunte com a língua de fora.")
    assert run(["texts", "import", str(po), "--into", str(world)]) == 0
    assert "2 texts are in 2 files *.pt-BR.toml" in capsys.readouterr().out
    loaded = content.load(world)
    assert loaded.errors == ()
    wen = loaded.personas["wen"].translations["pt-br"]
    assert wen.fallback[1] == "Pergunte com a língua de fora."
    assert wen.fallback[0] == loaded.personas["wen"].fallback[0]
    assert loaded.world.translations["pt-br"].lore[0].text == "A calçada é a única."
    again = tmp_path / "again.po"
    assert run(["texts", "export", str(world), "--language", "pt-br", "-o", str(again)]) == 0
    assert "2 of them are translated" in capsys.readouterr().out
    assert again.read_text("utf-8").replace("pt_br", "pt_BR") == po.read_text("utf-8")


def test_a_spreadsheet_of_what_is_spoken_leaves_other_translations_alone(
    world: Path, tmp_path: Path, capsys: SHOWN
) -> None:
    po, sheet = tmp_path / "village.po", tmp_path / "village.csv"
    assert run(["texts", "export", str(world), "--language", "de", "-o", str(po)]) == 0
    translate(po, "Brisk and cheerful about horrible things. Gives a diagnosis nobody asked for. "
              "Calls the player 'dear' when it is bad news.", "Munter.")  # fmt: skip
    assert run(["texts", "import", str(po), "--into", str(world)]) == 0
    export = ["texts", "export", str(world), "--language", "de", "--spoken", "-o", str(sheet)]
    assert run(export) == 0
    rows = sheet.read_text("utf-8-sig")
    assert "speech_style" not in rows
    tongue = '"Ask me that with your tongue out.","",'
    assert tongue in rows
    sheet.write_text(rows.replace(f'{tongue}""', f'{tongue}"Zunge raus."'), "utf-8")
    assert run(["texts", "import", str(sheet), "--into", str(world)]) == 2
    assert "does not say its language" in capsys.readouterr().err
    assert run(["texts", "import", str(sheet), "--into", str(world), "--language", "de"]) == 0
    wen = content.load(world).personas["wen"].translations["de"]
    assert (wen.speech_style, wen.fallback[1]) == ("Munter.", "Zunge raus.")


def test_books_of_lore_are_translated_with_the_rest(world: Path, tmp_path: Path) -> None:
    (world / "lore").mkdir()
    book = 'known_by = ["tove"]\n[[entries]]\ntext = "A bell lies under the post."\n'
    (world / "lore" / "bell.toml").write_text(book, "utf-8")
    po = tmp_path / "village.po"
    assert run(["texts", "export", str(world), "--language", "de", "-o", str(po)]) == 0
    translate(po, "A bell lies under the post.", "Unter dem Pfosten liegt eine Glocke.")
    assert run(["texts", "import", str(po), "--into", str(world)]) == 0
    loaded = content.load(world)
    assert loaded.errors == ()
    german = loaded.world.books["bell"].translations["de"]
    assert german.entries[0].text == "Unter dem Pfosten liegt eine Glocke."
    assert german.known_by == loaded.world.books["bell"].known_by


def test_what_has_changed_since_is_told(world: Path, tmp_path: Path, capsys: SHOWN) -> None:
    po = tmp_path / "village.po"
    assert run(["texts", "export", str(world), "--language", "de", "-o", str(po)]) == 0
    translate(po, "Ask me that with your tongue out.", "Zunge raus.")
    wen = world / "personas" / "wen.toml"
    wen.write_text(wen.read_text("utf-8").replace("your tongue out", "your shoes off"), "utf-8")
    (world / "personas" / "tove.toml").unlink()
    assert run(["texts", "import", str(po), "--into", str(world)]) == 0
    err = capsys.readouterr().err
    assert "personas/wen.toml:fallback[1]: the text is another now than 'Ask me that" in err
    assert "personas/tove.toml: there is no such file" in err
    assert not (world / "personas" / "wen.de.toml").exists()


def test_a_translation_made_by_hand_is_not_written_over(
    world: Path, tmp_path: Path, capsys: SHOWN
) -> None:
    hand = world / "personas" / "wen.de.toml"
    hand.write_text('# mine\ngreeting = "Halt still."\n', "utf-8")
    po = tmp_path / "village.po"
    assert run(["texts", "export", str(world), "--language", "de", "-o", str(po)]) == 0
    assert run(["texts", "import", str(po), "--into", str(world)]) == 2
    assert "wen.de.toml: was made by hand" in capsys.readouterr().err
    assert "# mine" in hand.read_text("utf-8")
    assert run(["texts", "import", str(po), "--into", str(world), "--replace"]) == 0
    assert 'greeting = "Halt still."' in hand.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["export", "{world}", "-o", "x.txt"], "the name must end in .po, .pot or .csv"),
        (["export", "{world}", "-o", "x.po", "--language", "?"], "is no language tag"),
        (["export", "{empty}", "-o", "x.po"], "has no world and no persona"),
    ],
)
def test_what_cannot_be_is_told(
    world: Path, tmp_path: Path, capsys: SHOWN, arguments: list[str], problem: str
) -> None:
    (tmp_path / "empty").mkdir()
    names = {"world": str(world), "empty": str(tmp_path / "empty")}
    assert run(["texts", *(each.format(**names) for each in arguments)]) == 2
    assert problem in capsys.readouterr().err


def test_broken_files_are_told(world: Path, tmp_path: Path, capsys: SHOWN) -> None:
    sheet = tmp_path / "x.csv"
    sheet.write_bytes("id,text,translation\nf.toml:a,é,ü\n".encode("latin-1"))
    command = ["texts", "import", str(sheet), "--into", str(world), "--language", "de"]
    assert run(command) == 1
    assert "x.csv: is not UTF-8" in capsys.readouterr().err
    (world / "personas" / "wen.toml").write_text("id =", "utf-8")
    assert run(["texts", "export", str(world), "-o", str(tmp_path / "x.po")]) == 2
    assert "personas/wen.toml: has errors" in capsys.readouterr().err
