from __future__ import annotations

import pytest

from dialogue_server.domain.content_files import decode_lore, decode_persona, decode_world
from dialogue_server.domain.persona import Persona
from dialogue_server.domain.translations import (
    localized,
    translate_book,
    translate_persona,
    translate_world,
)

BASE = b"""
id = "mira"
name = "Mira"
description = "Keeps the inn."
moods = ["calm", "wary"]
greeting = "[mood: calm] Come in."
fallback = ["Wait."]
knowledge = ["The mine is dry.", { text = "The mine is wet.", when = "mine == 'wet'", keys = ["mine"] }]
mood_texts = { calm = "At ease." }

[[actions]]
name = "pour"
description = "Pours."
[actions.parameters.drink]
description = "What."
values = ["ale", "water"]

[[lines]]
text = "A mine."
keys = ["mine"]
mood = "wary"
when = "mine == 'wet'"
"""
GERMAN = """
description = "Führt das Gasthaus."
greeting = "[mood: calm] Komm herein."
fallback = ["Warte.", "Gleich."]
knowledge = ["Die Mine ist trocken.", { text = "Die Mine ist nass.", keys = ["Mine", "Stollen"] }]
mood_texts = { calm = "Ruhig." }

[[actions]]
description = "Schenkt ein."
[actions.parameters.drink]
description = "Was."

[[lines]]
text = "Eine Mine."
keys = ["Mine"]
"""


def translated(text: str) -> tuple[Persona | None, list[str]]:
    persona, errors = translate_persona(
        "personas/mira.de.toml", text.encode(), "personas/mira.toml", BASE
    )
    return persona, [f"{error.place}: {error.problem}" for error in errors]


def test_a_translation_has_its_own_texts_and_the_rest_of_the_persona() -> None:
    persona, errors = translated(GERMAN)
    assert errors == []
    assert persona is not None
    assert persona.name == "Mira"
    assert persona.description == "Führt das Gasthaus."
    assert persona.fallback == ["Warte.", "Gleich."]
    assert [fact.text for fact in persona.knowledge] == [
        "Die Mine ist trocken.",
        "Die Mine ist nass.",
    ]
    assert (persona.knowledge[1].when, persona.knowledge[1].keys) == (
        "mine == 'wet'",
        ["Mine", "Stollen"],
    )
    assert persona.moods == ["calm", "wary"]
    assert persona.mood_texts == {"calm": "Ruhig."}
    (action,), (line,) = persona.actions, persona.lines
    assert (action.name, action.description) == ("pour", "Schenkt ein.")
    assert action.parameters["drink"].values == ["ale", "water"]
    assert (line.text, line.mood, line.when) == ("Eine Mine.", "wary", "mine == 'wet'")


def test_what_is_left_out_stays_as_it_was_written() -> None:
    persona, errors = translated('description = "x"\nlines = [{}]')
    assert errors == []
    assert persona is not None
    assert persona.lines[0].text == "A mine."


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('knowledge = ["Eins."]', "line 1, knowledge: has 1 entries, and personas/mira.toml has 2"),
        ('moods = ["ruhig"]', "line 1, moods: is no text; only personas/mira.toml says it"),
        ('lines = [{ when = "" }]', "line 1, lines[0].when: is no text"),
        ('beschreibung = "x"', "line 1, beschreibung: is nothing to translate"),
        ('greting = "x"', "line 1, greting: is nothing to translate; did you mean greeting?"),
        ('mood_texts = { angry = "x" }', "line 1, mood_texts.angry: is nothing to translate"),
        (
            'greeting = "[mood: ruhig] x"',
            "line 1, greeting: the tag [mood: ruhig] would not be sent",
        ),
        ("greeting = 3", "line 1, greeting: must be a text, is a whole number"),
        ('lines = "x"', "line 1, lines: must be a list"),
        ("lines = [3]", "line 1, lines[0]: must be a table"),
        ("sections = []", ""),
        (
            'sections = [{ text = "x" }]',
            "line 1, sections: has 1 entries, and personas/mira.toml has 0",
        ),
        ("greeting = ", "line 1"),
    ],
)
def test_what_is_wrong_with_a_translation_is_said_where_it_stands(text: str, error: str) -> None:
    _, errors = translated(text)
    if error:
        assert len(errors) == 1
        assert errors[0].startswith(error)
    else:
        assert errors == []


def test_a_world_is_translated_too() -> None:
    source = b"""
name = "Testholm"
description = "A village."
lore = ["The mine is wet.", { text = "Gold.", known_by = ["mira"], keys = ["gold"] }]
[scenes]
inn = "A low room."
"""
    own = """
description = "Ein Dorf."
lore = ["Die Mine ist nass.", { text = "Gold!", secondary_keys = ["Schatz"] }]
[scenes]
inn = { description = "Eine niedrige Stube." }
"""
    world, errors = translate_world("world.de.toml", own.encode(), "world.toml", source)
    assert errors == []
    assert world is not None
    assert world.lore[1].known_by == decode_world("world.toml", source).lore[1].known_by
    assert [entry.text for entry in world.lore] == ["Die Mine ist nass.", "Gold!"]
    assert world.scenes["inn"].description == "Eine niedrige Stube."


BOOK = b"""
known_by = ["mira"]
when = "quest.begun"
[[entries]]
name = "heir"
text = "The heir sleeps above the stable."
keys = ["heir"]
"""


def test_a_book_is_translated_and_keeps_its_gates() -> None:
    own = b'entries = [{ text = "Der Erbe.", keys = ["Erbe"] }]\n'
    book, errors = translate_book("lore/inn.de.toml", own, "lore/inn.toml", BOOK)
    assert errors == []
    assert book is not None
    first = decode_lore("lore/inn.toml", BOOK)
    assert (book.known_by, book.when) == (first.known_by, first.when)
    assert (book.entries[0].name, book.entries[0].text) == ("heir", "Der Erbe.")
    assert book.entries[0].keys == ["Erbe"]


def test_a_translation_of_a_book_opens_no_gate() -> None:
    own = b'known_by = ["pell"]\nentries = [{ known_by = ["pell"] }]\n'
    _, errors = translate_book("lore/inn.de.toml", own, "lore/inn.toml", BOOK)
    assert [error.problem for error in errors] == [
        "is no text; only lore/inn.toml says it",
        "is nothing to translate; known are text, keys, secondary_keys",
    ]


def test_each_book_and_the_world_come_in_the_nearest_language_that_each_has() -> None:
    import msgspec

    book = decode_lore("lore/inn.toml", BOOK)
    german = msgspec.structs.replace(book, name="Deutsch")
    austrian = msgspec.structs.replace(book, name="Österreich")
    world = decode_world("world.toml", b'name = "W"\ndescription = "A village."\n')
    there = {
        "inn": msgspec.structs.replace(book, translations={"de": german, "de-at": austrian}),
        "sea": msgspec.structs.replace(book, translations={"de": german}),
        "old": book,
    }
    own = msgspec.structs.replace(world, description="Ein Dorf.")
    whole = msgspec.structs.replace(world, books=there, translations={"de": own})

    def read(tag: str) -> list[str]:
        here = localized(whole, tag)
        return [here.description, *(each.name for each in here.books.values())]

    assert read("de-AT") == ["Ein Dorf.", "Österreich", "Deutsch", ""]
    assert read("fr") == ["A village.", "", "", ""]
    untold = msgspec.structs.replace(whole, translations={})
    assert [book.name for book in localized(untold, "de").books.values()] == ["Deutsch"] * 2 + [""]
    plain = msgspec.structs.replace(world, books={"old": book})
    assert localized(plain, "de") is plain


def test_a_language_is_found_from_the_narrowest_tag() -> None:
    import msgspec

    base = decode_persona("personas/mira.toml", BASE)
    german = msgspec.structs.replace(base, greeting="Komm")
    austrian = msgspec.structs.replace(base, greeting="Servus")
    all_of_them = msgspec.structs.replace(base, translations={"de": german, "de-at": austrian})
    assert localized(all_of_them, "de-AT").greeting == "Servus"
    assert localized(all_of_them, "de-CH").greeting == "Komm"
    assert localized(all_of_them, "fr") is all_of_them
    assert localized(all_of_them, "") is all_of_them
    assert localized(base, "de") is base
