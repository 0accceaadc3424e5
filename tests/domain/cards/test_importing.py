from __future__ import annotations

from typing import Any

import pytest

from dialogue_server.domain.cards import fields as card_fields
from dialogue_server.domain.cards.importing import SPEECH, Imported, convert, id_of, is_id
from dialogue_server.domain.persona import Entry, Example, KnownBy
from dialogue_server.errors import ContentError


def made(npc: str = "", **data: Any) -> Imported:
    raw = {"spec": "chara_card_v3", "spec_version": "3.0", "data": {"name": "Mira Vale", **data}}
    return convert("mira.json", card_fields.read("mira.json", raw), npc)


def test_the_texts_of_a_card_find_their_places() -> None:
    found = made(
        nickname="Mira",
        description="{{char}} is a smith.",
        personality="gruff",
        scenario="{{user}} enters.",
        first_mes="Well, {{user}}?",
        mes_example="<START>\n{{user}}: Hi.\n{{char}}: I am {{char}}.",
    )
    persona = found.persona
    assert (persona.id, persona.name) == ("mira-vale", "Mira Vale")
    assert persona.description == "Mira is a smith.\n\nThe player enters."
    assert found.scenario == "The player enters."
    assert (persona.personality, persona.greeting) == ("gruff", "Well, traveller?")
    assert persona.examples == [Example("Hi.", "I am Mira.")]
    assert len(found.remarks) == 1


def test_tags_and_notes_of_the_creator_are_nowhere_in_a_persona() -> None:
    found = made(description="D.", tags=["TAG"], creator_notes="NOTE", creator="WHO")
    assert not {"TAG", "NOTE", "WHO"} & set(str(found.persona).replace("'", " ").split())
    assert found.remarks == ()


def test_a_name_is_one_line_without_a_colon() -> None:
    assert made(name="2B:\nAndroid：x").persona.name == "2B - Android - x"
    assert made(name=" : ", nickname="Mi: ra").persona.name == "Mi  ra"


def test_a_card_without_a_name_is_refused() -> None:
    with pytest.raises(ContentError, match="a card must say who it is"):
        made(name=" \u200b")


@pytest.mark.parametrize(
    ("data", "description", "personality"),
    [
        ({"personality": "gruff"}, "gruff", ""),
        ({"scenario": "A forge."}, "A forge.", ""),
        ({}, "Mira Vale is a character of this world.", ""),
    ],
)
def test_without_a_description_something_else_serves(
    data: dict[str, str], description: str, personality: str
) -> None:
    found = made(**data)
    assert (found.persona.description, found.persona.personality) == (description, personality)
    assert "no description" in found.remarks[0]


def test_what_the_card_tells_the_model_goes_into_the_speech_style() -> None:
    found = made(
        description="D.",
        system_prompt="{{original}} Be terse.",
        post_history_instructions="Stay {{char}}.",
        extensions={"depth_prompt": {"prompt": "Never smiles.", "depth": 4, "role": "system"}},
    )
    assert found.persona.speech_style == "Be terse.\n\nStay Mira Vale.\n\nNever smiles."
    assert [remark.partition(" ")[0] for remark in found.remarks] == [
        "system_prompt",
        "post_history_instructions",
        "depth_prompt",
    ]


def test_our_own_speech_style_comes_back_without_its_lead() -> None:
    found = made(description="D.", system_prompt=f"{{{{original}}}}\n\n{SPEECH}Slowly.")
    assert (found.persona.speech_style, found.remarks) == ("Slowly.", ())


def test_only_exchanges_become_examples() -> None:
    found = made(
        description="D.",
        mes_example="{{user}}: A\n{{char}}: {{// b}}\n{{user}}: C\n{{char}}: D\n{{char}} E",
    )
    assert found.persona.examples == [Example("C", "D\nMira Vale E")]
    assert "mes_example: 1 lines" in found.remarks[0]


def test_the_book_becomes_lore_that_this_npc_knows() -> None:
    found = made(
        "smith", description="D.", character_book={"entries": [{"keys": ["a"], "content": "T"}]}
    )
    assert (found.persona.id, found.lore.known_by) == ("smith", KnownBy(["smith"]))
    assert (found.lore.entries, found.indices) == ([Entry("T", "", ["a"])], (0,))


def test_a_book_that_cannot_be_read_is_passed_over() -> None:
    found = made(description="D.", character_book={"entries": 3})
    assert found.lore.entries == []
    assert "the lorebook was passed over: entries must be" in found.remarks[0]


def test_emotion_pictures_become_moods() -> None:
    names = ["happy", "Neutral", "HAPPY", '["]', "sad"]
    found = made(description="D.", assets=[{"type": "emotion", "name": name} for name in names])
    assert (found.persona.moods, found.persona.mood) == (["happy", "Neutral", "sad"], "Neutral")
    assert any("became the NPC's moods" in remark for remark in found.remarks)
    many = [{"type": "emotion", "name": f"m{n}"} for n in range(99)]
    found = made(description="D.", assets=many)
    assert (len(found.persona.moods), found.persona.mood) == (24, "")


def test_texts_of_our_own_come_back_and_nothing_else() -> None:
    own = {
        "essence": "A [mood: x] smith.",
        "moods": ["calm", "angry"],
        "mood": "Angry",
        "fallback": ["Hm.", " ", 3],
        "fillers": "no list",
        "actions": [{"name": "give_gold", "description": "x", "when": "true"}],
        "sections": [{"when": "true", "text": "x"}],
    }
    persona = made(description="D.", extensions={"dialogue_server": own}).persona
    assert (persona.essence, persona.moods, persona.mood) == (
        "A (mood: x) smith.",
        ["calm", "angry"],
        "angry",
    )
    assert (persona.fallback, persona.fillers) == (["Hm."], [])
    assert (persona.actions, persona.sections, persona.lines) == ([], [], [])


def test_what_has_no_place_is_told() -> None:
    found = made(
        description="D.",
        alternate_greetings=["Hi, {{user}}."],
        group_only_greetings=["All!"],
        assets=[{"type": "icon"}],
        extensions={"talkativeness": "0.5", "chub": {}, "risuai": {}},
    )
    assert found.greetings == ("Hi, traveller.", "All!")
    told = "\n".join(found.remarks)
    assert "2 other greetings" in told
    assert "talkativeness (0.5)" in told
    assert "1 pictures or sounds" in told
    assert "not read: chub, risuai" in told


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Mira", "mira"),
        ("Élodie of  Rook!", "elodie-of-rook"),
        ("../../etc", "etc"),
        ("CON", "npc-con"),
        ("com1", "npc-com1"),
        ("x" * 100, "x" * 64),
    ],
)
def test_ids_are_made_of_names(name: str, expected: str) -> None:
    assert id_of(name) == expected
    assert is_id(expected)


def test_a_name_in_another_script_still_gets_an_id_of_its_own() -> None:
    assert id_of("ミラ") == id_of("ミラ") != id_of("レン")
    assert is_id(id_of("ミラ"))


@pytest.mark.parametrize("text", ["", "Mira", "../a", "a/b", "a.b", "nul", "-a", "a" * 65])
def test_what_is_no_id(text: str) -> None:
    assert not is_id(text)
