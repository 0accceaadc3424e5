"""A lint sees every table of every file, each under the file it stands in."""

from __future__ import annotations

from dialogue_server.domain.lint.subject import Subject, everything, texts
from dialogue_server.domain.persona import (
    Action,
    Entry,
    Fact,
    KnownBy,
    LoreBook,
    Parameter,
    Persona,
    World,
)

MIRA = Persona(
    "mira",
    "Mira",
    "An innkeeper.",
    knowledge=[Fact("Wet.")],
    actions=[Action("pour", "Pours.", {"drink": Parameter()})],
    sees=["quest.*"],
    translations={"de": Persona("mira", "Mira", "Eine Wirtin.", knowledge=[Fact("Nass.")])},
)
WORLD = World(
    "W",
    "A world.",
    lore=[Entry("Old.", known_by=KnownBy(["mira"]))],
    books={"inn": LoreBook([Entry("Low.")])},
    translations={"de": World("W", "Eine Welt.")},
)


def test_every_table_comes_with_its_file_and_its_key() -> None:
    found = [
        (file, path) for file, path, _ in everything(Subject(WORLD, {"mira": MIRA}, frozenset()))
    ]
    for expected in [
        ("world.toml", ""),
        ("world.toml", "lore[0]"),
        ("world.toml", "lore[0].known_by"),
        ("world.toml", "lore_rules"),
        ("lore/inn.toml", ""),
        ("lore/inn.toml", "entries[0]"),
        ("personas/mira.toml", ""),
        ("personas/mira.toml", "knowledge[0]"),
        ("personas/mira.toml", "actions[0].parameters.drink"),
    ]:
        assert found.count(expected) == 1, expected
    assert ("world.toml", "books.inn.entries[0]") not in found
    assert not [path for _, path in found if "translations" in path]


def test_the_texts_of_a_table_are_its_own_and_those_of_its_lists() -> None:
    found = dict(texts(MIRA))
    assert found["description"] == "An innkeeper."
    assert found["sees[0]"] == "quest.*"
    assert "Wet." not in found.values()
