from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dialogue_server.domain.persona import Entry, LoreBook, World
from dialogue_server.stores.content import MAX_FILE_BYTES, Content, load, texts

WORLD = 'name = "Ashford"\ndescription = "A village."\n'


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def persona(name: str) -> str:
    return f'id = "{name}"\nname = "{name.title()}"\ndescription = "Someone."\n'


def errors(content: Content) -> list[str]:
    return [error.detail for error in content.errors]


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    files = {f"personas/{name}.toml": persona(name) for name in ("mira", "bo", "al")}
    content = load(write(tmp_path, {"world.toml": WORLD, **files}))
    assert content.world == World("Ashford", "A village.")
    assert list(content.personas) == ["al", "bo", "mira"]
    assert content.errors == ()


def test_a_broken_persona_does_not_keep_the_others_away(tmp_path: Path) -> None:
    files = {
        "world.toml": WORLD,
        "personas/bo.toml": "id = bo",
        "personas/al.toml": persona("bo"),
        "personas/mira.toml": persona("mira"),
    }
    content = load(write(tmp_path, files))
    assert list(content.personas) == ["mira"]
    assert [line.split(":")[0] for line in errors(content)] == [
        "personas/al.toml",
        "personas/bo.toml",
    ]


@pytest.mark.parametrize(
    ("source", "said"),
    [(None, "world.toml: the file is missing; it needs"), ("nam = 1", "line 1, nam: unknown key")],
)
def test_a_missing_or_broken_world_is_an_error_with_a_mend(
    tmp_path: Path, source: str | None, said: str
) -> None:
    files = {"personas/bo.toml": persona("bo"), **({"world.toml": source} if source else {})}
    content = load(write(tmp_path, files))
    assert content.world == World("", "")
    assert list(content.personas) == ["bo"]
    assert any(said in line for line in errors(content))


def test_no_folder_and_no_personas_are_told(tmp_path: Path) -> None:
    assert "dialogue-server init" in errors(load(tmp_path / "absent"))[0]
    assert len(load(tmp_path / "absent").errors) == 1
    write(tmp_path, {"world.toml": WORLD})
    assert errors(load(tmp_path)) == [
        "personas: the folder is missing; each NPC is a file in it, such as personas/mira.toml"
    ]
    (tmp_path / "personas").mkdir()
    assert errors(load(tmp_path)) == [
        "personas: no persona here; each NPC is a file, such as personas/mira.toml"
    ]


def test_hidden_files_and_backups_are_passed_over(tmp_path: Path) -> None:
    names = [".mira.toml", "mira.toml~", "#mira.toml#", "mira.toml.bak", "notes.md", ".git/x.toml"]
    files = {f"personas/{name}": "broken" for name in names}
    content = load(
        write(tmp_path, {"world.toml": WORLD, "personas/bo.toml": persona("bo"), **files})
    )
    assert (list(content.personas), content.errors) == (["bo"], ())


def test_what_looks_like_a_mistake_is_told(tmp_path: Path) -> None:
    files = {
        "world.toml": WORLD,
        "personas/Bo.TOML": persona("bo"),
        "personas/village/al.toml": persona("al"),
        "personas/pictures/al.png": "",
        "personas/mira.toml": persona("mira"),
        "personas/zed.toml": "#" * (MAX_FILE_BYTES + 1),
    }
    content = load(write(tmp_path, files))
    assert list(content.personas) == ["mira"]
    assert errors(content) == [
        "personas/Bo.TOML: the name must end in .toml, in lower case",
        "personas/village: files in a folder below personas/ are not read; move them up",
        f"personas/zed.toml: larger than {MAX_FILE_BYTES} bytes; a persona is a few thousand",
    ]


def test_books_of_lore_are_read_and_a_broken_one_is_told(tmp_path: Path) -> None:
    files = {
        "world.toml": WORLD,
        "personas/bo.toml": persona("bo"),
        "lore/guild.toml": 'entries = ["A."]',
        "lore/broken.toml": 'entry = ["A."]',
        "lore/large.toml": "#" * (MAX_FILE_BYTES + 1),
        "lore/notes.txt": "to do",
    }
    content = load(write(tmp_path, files))
    assert content.world.books == {"guild": LoreBook([Entry("A.")])}
    assert [line.split(": ")[0] for line in errors(content)] == [
        "lore/broken.toml",
        "lore/broken.toml",
        "lore/large.toml",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_links_are_followed_and_a_broken_one_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"world.toml": WORLD, "elsewhere/bo.toml": persona("bo")})
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas/bo.toml").symlink_to(tmp_path / "elsewhere/bo.toml")
    (tmp_path / "personas/al.toml").symlink_to(tmp_path / "elsewhere/al.toml")
    content = load(tmp_path)
    assert list(content.personas) == ["bo"]
    assert errors(content) == ["personas/al.toml: the link leads nowhere; remove or mend it"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs /proc")
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    # Even root may not read this one.
    unreadable = Path("/proc/self/mem")
    if not unreadable.exists():
        pytest.skip("needs /proc")
    write(tmp_path, {"personas/bo.toml": persona("bo")})
    (tmp_path / "world.toml").symlink_to(unreadable)
    content = load(tmp_path)
    assert "world.toml: cannot be read" in errors(content)[0]
    assert content.world == World("", "")
    assert os.sep not in errors(content)[0].split("(")[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_told_and_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path, {"world.toml": WORLD, "personas/mira.toml": persona("mira")})
    os.mkfifo(tmp_path / "personas/bo.toml")
    content = load(tmp_path)
    assert errors(content) == [
        "personas/bo.toml: is no file; remove it, or put a file there",
    ]
    assert list(texts(tmp_path)) == ["world.toml", "personas/mira.toml"]


def test_a_translation_of_a_broken_file_says_what_to_mend_first(tmp_path: Path) -> None:
    files = {"world.toml": WORLD, "lore/mine.toml": "entries = ", "lore/mine.de.toml": ""}
    content = load(write(tmp_path, {**files, "personas/mira.toml": persona("mira")}))
    assert errors(content)[1:] == [
        "lore/mine.de.toml: translates lore/mine.toml, which is broken: mend that first"
    ]
    assert content.world.books == {}


def test_the_starter_world_is_without_a_mistake() -> None:
    content = load(Path(__file__).parents[2] / "dialogue_server" / "starter")
    assert content.errors == ()
    assert len(content.personas) >= 4


def test_the_sources_of_what_is_read_come_by_name_broken_or_not(tmp_path: Path) -> None:
    files = {
        "world.toml": WORLD,
        "personas/bo.toml": "no = ",
        "personas/notes.md": "x",
        "lore/inn.toml": "entries = []",
    }
    assert list(texts(write(tmp_path, files))) == [
        "world.toml",
        "personas/bo.toml",
        "lore/inn.toml",
    ]
    (tmp_path / "world.toml").unlink()
    (tmp_path / "personas/bo.toml").write_bytes(b"\xff")
    assert texts(tmp_path) == {"personas/bo.toml": "\ufffd", "lore/inn.toml": "entries = []"}
    assert texts(tmp_path / "nowhere") == {}


def test_translations_stand_beside_what_they_translate(tmp_path: Path) -> None:
    content = load(
        write(
            tmp_path,
            {
                "world.toml": WORLD,
                "world.de.toml": 'description = "Ein Dorf."\n',
                "lore/mine.toml": 'known_by = ["mira"]\nentries = ["Wet."]\n',
                "lore/mine.de.toml": 'entries = ["Nass."]\n',
                "personas/mira.toml": persona("mira"),
                "personas/mira.de.toml": 'description = "Jemand."\n',
                "personas/mira.pt-BR.toml": 'description = "Alguém."\n',
            },
        )
    )
    assert content.errors == ()
    assert list(content.personas) == ["mira"]
    translations = content.personas["mira"].translations
    assert {tag: one.description for tag, one in translations.items()} == {
        "de": "Jemand.",
        "pt-br": "Alguém.",
    }
    assert content.world.translations["de"].description == "Ein Dorf."
    assert [entry.text for entry in content.world.books["mine"].entries] == ["Wet."]
    assert content.world.books["mine"].translations["de"].entries[0].text == "Nass."
    assert "personas/mira.de.toml" in texts(tmp_path)
    assert "world.de.toml" in texts(tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "error"),
    [
        ("personas/bo.de.toml", 'name = "Bo"', "translates personas/bo.toml, which is not there"),
        ("lore/mine.de.toml", 'entries = ["x"]', "translates lore/mine.toml, which is not there"),
        ("personas/mira.german-.toml", 'name = "M"', "german-.toml: 'german-' is no language tag"),
        ("personas/mira.de.toml", 'id = "m"', "mira.de.toml: line 1, id: is no text"),
        ("world.x.toml", 'name = "W"', "world.x.toml: 'x' is no language tag"),
        ("world.de.toml", "nme = 1", "world.de.toml: line 1, nme: is nothing to translate"),
    ],
)
def test_a_broken_translation_is_told_and_the_original_stays(
    tmp_path: Path, file: str, text: str, error: str
) -> None:
    files = {"world.toml": WORLD, "personas/mira.toml": persona("mira"), file: text}
    content = load(write(tmp_path, files))
    assert len(content.errors) == 1
    assert error in content.errors[0].detail
    assert content.personas["mira"].translations == {}
    assert content.world.translations == {}
