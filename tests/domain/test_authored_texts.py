"""Designers' texts as a list for translators, and back."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from msgspec import structs

from dialogue_server.domain.authored_texts import AuthoredText, authored_texts, translated_file
from dialogue_server.domain.translations import translate_persona, translate_world

STARTER = Path(__file__).parents[2] / "dialogue_server" / "starter"
FILE = "personas/mira.toml"
MIRA = """
id = "mira"
name = "Mira"
description = '''Rows the ferry.
Twice a day.'''
moods = ["dry"]
greeting = "[mood: dry] Two pence."
fallback = ["Again?", "Louder."]
aliases = ["ferrywoman", "the boat, rowing"]
knowledge = [
  "The ferry goes at high tide.",
  { text = "It is broken.", when = "ferry == 'broken'", keys = ["ferry", "cross"] },
]

[mood_texts]
dry = "She is dry."

[[lines]]
text = "Sit down."
keys = ["sit", "where"]
mood = "dry"

[[lines]]
text = "Hands in."
"""


def by_key(texts: list[AuthoredText]) -> dict[str, AuthoredText]:
    return {each.key: each for each in texts}


def test_every_text_has_its_place_and_what_a_translator_should_know() -> None:
    found = by_key(authored_texts(FILE, MIRA))
    assert list(found) == [
        "name", "description", "greeting", "fallback[0]", "fallback[1]", "aliases[0]",
        "aliases[1]", "knowledge[0].text", "knowledge[1].text", "knowledge[1].keys",
        "mood_texts.dry", "lines[0].text", "lines[0].keys", "lines[1].text",
    ]  # fmt: skip
    line = found["lines[0].text"]
    assert (line.id, line.speaker, line.line, line.context) == (
        "personas/mira.toml:lines[0].text", "Mira", 19, "mood: dry"
    )  # fmt: skip
    assert found["knowledge[1].keys"].text == "ferry, cross"
    assert found["knowledge[1].keys"].context == (
        "words that are looked for in what is said, separated by commas; when: ferry == 'broken'"
    )


def test_what_a_player_gets_to_see_is_told_apart() -> None:
    spoken = [each.key for each in authored_texts(FILE, MIRA) if each.spoken]
    assert spoken == ["greeting", "fallback[0]", "fallback[1]", "lines[0].text", "lines[1].text"]


def test_a_translation_beside_the_file_is_told_with_it() -> None:
    german = 'name = 5\ngreeting = "Zwei Pennys."\nlines = [{}, { text = "Hände rein." }]'
    found = by_key(authored_texts(FILE, MIRA, german))
    assert found["greeting"].translation == "Zwei Pennys."
    assert found["lines[1].text"].translation == "Hände rein."
    assert found["lines[0].text"].translation == ""


def translated(*pairs: tuple[str, str]) -> list[AuthoredText]:
    texts = by_key(authored_texts(FILE, MIRA))
    return [structs.replace(texts[key], translation=to) for key, to in pairs]


def test_translations_become_a_file_that_the_server_reads() -> None:
    made = translated_file(
        FILE,
        MIRA,
        translated(
            ("description", 'Rudert "die" Fähre.\nZweimal.'),
            ("greeting", "[mood: dry] Zwei Pennys."),
            ("fallback[1]", "Lauter."),
            ("fallback[0]", " "),
            ("knowledge[1].keys", "Fähre, , übersetzen"),
            ("mood_texts.dry", "Trocken."),
            ("lines[1].text", "Hände rein."),
        ),
        ["from mira.po"],
    )
    assert made.count == 6
    assert made.source.startswith("# Made by `dialogue-server texts import`")
    assert "\n# from mira.po\n" in made.source
    assert tomllib.loads(made.source) == {
        "description": 'Rudert "die" Fähre.\nZweimal.',
        "greeting": "[mood: dry] Zwei Pennys.",
        "fallback": ["Again?", "Lauter."],
        "knowledge": [{}, {"keys": ["Fähre", "übersetzen"]}],
        "mood_texts": {"dry": "Trocken."},
        "lines": [{}, {"text": "Hände rein."}],
    }
    data = made.source.encode()
    persona, errors = translate_persona("personas/mira.de.toml", data, FILE, MIRA.encode())
    assert errors == []
    assert persona is not None
    assert [line.text for line in persona.lines] == ["Sit down.", "Hände rein."]


def test_a_text_that_moved_keeps_its_translation_and_one_that_changed_loses_it() -> None:
    moved = AuthoredText(FILE, "lines[7].text", "Hands in.", translation="Hände rein.")
    changed = AuthoredText(FILE, "greeting", "Three pence.", translation="Drei Pennys.")
    made = translated_file(FILE, MIRA, [moved, changed])
    assert tomllib.loads(made.source) == {"lines": [{}, {"text": "Hände rein."}]}
    assert made.outdated == (changed,)


def test_names_that_are_no_bare_keys_are_quoted() -> None:
    world = 'name = "W"\ndescription = ""\n[scenes."old inn.2"]\ndescription = "A low room."\n'
    world += 'happened = ["Rain."]\nwhen = "x"\n'
    (_, scene, happened) = authored_texts("world.toml", world)
    assert scene.context == ""
    made = translated_file("world.toml", world, [structs.replace(scene, translation="Enge.")])
    assert tomllib.loads(made.source) == {"scenes": {"old inn.2": {"description": "Enge."}}}
    assert happened.key == "scenes.old inn.2.happened[0].text"


def test_a_book_of_lore_goes_out_and_comes_back_with_its_gates_untouched() -> None:
    book = """
known_by = ["mira"]
[[entries]]
name = "heir"
text = "The heir sleeps above the stable."
keys = ["heir", "king*"]
when = "quest.begun"
"""
    found = authored_texts("lore/inn.toml", book)
    assert [(each.key, each.text, each.context, each.spoken) for each in found] == [
        ("entries[0].text", "The heir sleeps above the stable.", "when: quest.begun", False),
        (
            "entries[0].keys",
            "heir, king*",
            "words that are looked for in what is said, separated by commas; when: quest.begun",
            False,
        ),
    ]
    done = [
        structs.replace(found[0], translation="Der Erbe."),
        structs.replace(found[1], translation="Erbe, König*"),
    ]
    made = translated_file("lore/inn.toml", book, done)
    assert tomllib.loads(made.source) == {
        "entries": [{"text": "Der Erbe.", "keys": ["Erbe", "König*"]}]
    }


@pytest.mark.parametrize(
    "file", ["world.toml", *(f"personas/{p.name}" for p in (STARTER / "personas").glob("*.toml"))]
)
def test_the_starter_world_can_be_translated_whole(file: str) -> None:
    if file.count(".") > 1:
        pytest.skip("is a translation")
    source = (STARTER / file).read_text("utf-8")
    texts = authored_texts(file, source)
    assert all(each.line for each in texts)
    shouted = [structs.replace(each, translation=each.text + "!") for each in texts]
    made = translated_file(file, source, shouted)
    assert made.count == len(texts)
    translate = translate_world if file == "world.toml" else translate_persona
    _, errors = translate(file, made.source.encode(), file, source.encode())
    assert errors == []
    again = authored_texts(file, source, made.source)
    assert [each.translation for each in again] == [each.translation for each in shouted]
