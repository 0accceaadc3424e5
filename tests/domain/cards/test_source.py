from __future__ import annotations

import tomllib
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings

from dialogue_server.domain.cards import fields as card_fields
from dialogue_server.domain.cards.importing import convert
from dialogue_server.domain.cards.source import MAX_COMMENT, lore_source, persona_source
from dialogue_server.domain.content_files import decode_persona
from dialogue_server.domain.persona import Entry, KnownBy, LoreBook, Persona
from tests.domain.card_strategies import CARDS


def written(raw: dict[str, Any]) -> tuple[str, Persona]:
    card = card_fields.read("a", raw)
    imported = convert("a", card)
    return persona_source(imported, card, "cards/x.json"), imported.persona


def read_lore(source: str) -> LoreBook:
    raw = tomllib.loads(source)
    if "known_by" in raw:
        raw["known_by"] = {"npcs": raw["known_by"]}
    return msgspec.convert(raw, LoreBook)


def test_a_persona_is_a_file_that_a_designer_can_go_on_with() -> None:
    source, _ = written(
        {
            "spec": "chara_card_v2",
            "data": {
                "name": "Mira",
                "description": "A smith.\nTall.",
                "first_mes": "Hm.",
                "mes_example": "{{user}}: Hi\n{{char}}: Hm.",
                "creator": "somebody",
                "character_version": "1.2",
                "creation_date": 1_700_000_000,
                "tags": ["smith", "village"],
                "creator_notes": "Be kind.\nid = 'other'",
                "alternate_greetings": ["Oh.\nYou."],
                "extensions": {"dialogue_server": {"moods": ["calm"], "mood": "calm"}},
            },
        }
    )
    assert (
        source
        == '''\
# Imported from a Character Card, V2. The card itself is kept as
# cards/x.json; `dialogue-server card export mira` puts what you change here
# into it, and leaves the rest of it as it is.
# Creator: somebody
# Version: 1.2
# Created: 2023-11-14
# Tags: smith, village
# Notes of the creator, for you and not for the model:
#   Be kind.
#   id = 'other'

id = "mira"
name = "Mira"
description = """
A smith.
Tall."""
greeting = "Hm."
mood = "calm"
moods = ["calm"]

[[examples]]
player = "Hi"
npc = "Hm."

# Other greetings of the card, to put in the place of `greeting`:
#   1. Oh.
#   You.
'''
    )


def test_long_notes_are_cut() -> None:
    source, _ = written({"name": "Mira", "data": {"name": "Mira", "creator_notes": "x" * 9999}})
    assert "x" * MAX_COMMENT + " … (the rest is in the original)" in source
    assert len(source) < MAX_COMMENT + 1000


def test_lore_is_a_file_that_a_designer_can_go_on_with() -> None:
    lore = LoreBook(
        [
            Entry("Hot.", "", ["forge"]),
            Entry("T", "", ["a"], "N", True, ["b"], "all", None, 3, 0, False),
        ],
        "Harbour",
        KnownBy(["mira"]),
    )
    source = lore_source(lore, "a lorebook")
    assert source.startswith("""\
# Lore, imported from a lorebook.
# Only those named here know of it; take the line out if
# everybody may.
known_by = ["mira"]
name = "Harbour"

[[entries]]
keys = ["forge"]
text = "Hot."

[[entries]]
name = "N"
""")
    assert read_lore(source) == lore
    assert read_lore(lore_source(LoreBook([]), "a lorebook")) == LoreBook([])


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(CARDS)
def test_the_files_of_any_card_are_valid_and_say_what_was_imported(raw: dict[str, Any]) -> None:
    card = card_fields.read("a", raw)
    imported = convert("a", card)
    source = persona_source(imported, card, "cards/x.json")
    persona = decode_persona(f"personas/{imported.persona.id}.toml", source.encode())
    assert persona == imported.persona
    assert read_lore(lore_source(imported.lore, "a card")) == imported.lore
    assert not any(fact.when for fact in [*persona.knowledge, *imported.lore.entries])
    assert (persona.actions, persona.sections, persona.lines) == ([], [], [])
