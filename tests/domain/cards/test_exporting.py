from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from dialogue_server.domain.cards import fields as card_fields
from dialogue_server.domain.cards.exporting import BACKFILLED, Source, as_version, backfill, build
from dialogue_server.domain.cards.importing import Imported, convert
from dialogue_server.domain.persona import (
    Action,
    Entry,
    Example,
    Fact,
    KnownBy,
    Line,
    LoreBook,
    Persona,
    Section,
)
from dialogue_server.domain.staging import Suggestion, ToneRule
from tests.domain.card_strategies import CARDS

NOW = 1_800_000_000
RAW: dict[str, Any] = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "name": "old copy",
    "first_mes": "old copy",
    "photoURL": "x",
    "data": {
        "name": "Mira",
        "nickname": "Mi",
        "description": "{{char}} is a smith.",
        "personality": "gruff",
        "scenario": "{{user}} enters.",
        "first_mes": "Well, {{user}}?",
        "mes_example": "<START>\n{{user}}: Hi\n{{char}}: Hm, {{user}}.",
        "system_prompt": "{{original}} Terse.",
        "post_history_instructions": "Stay.",
        "alternate_greetings": ["Oh, {{user}}."],
        "extensions": {"depth_prompt": {"prompt": "Gruff."}, "chub": {"id": 3}},
        "unknown": [1],
        "character_book": {"_id": "b", "entries": [{"keys": ["a"], "content": "@@depth 1\nT"}]},
    },
}


def imported(raw: dict[str, Any]) -> Imported:
    return convert("a", card_fields.read("a", raw))


def exported(raw: dict[str, Any], **changes: Any) -> dict[str, Any]:
    made = imported(raw)
    persona = replace(made.persona, **changes)
    return build(persona, made.lore, Source(raw, made), NOW)[0]


def test_what_was_not_changed_stays_to_the_letter() -> None:
    before = copy.deepcopy(RAW)
    card = exported(RAW)
    assert before == RAW
    filled = {"creator": "", "character_version": "", "tags": [], "creator_notes": ""}
    assert card == {
        **RAW,
        "spec": "chara_card_v3",
        "spec_version": "3.0",
        "name": "Mira",
        "first_mes": "Well, {{user}}?",
        "data": {**RAW["data"], **filled, "group_only_greetings": []},
    }


def test_a_v1_card_keeps_its_unknown_keys() -> None:
    card = exported({"name": "Mira", "description": "D.", "fav": True})
    assert (card["fav"], card["data"]["name"], card["data"]["first_mes"]) == (True, "Mira", "")
    assert "description" not in card


@pytest.mark.parametrize(
    ("spec", "version", "expected"),
    [
        ("chara_card_v3", "3.1", ("chara_card_v3", "3.1")),
        ("chara_card_v4", "4.0", ("chara_card_v4", "4.0")),
        ("chara_card_v3", None, ("chara_card_v3", "3.0")),
    ],
)
def test_a_newer_specification_stays(spec: str, version: Any, expected: tuple[str, str]) -> None:
    card = exported({**RAW, "spec": spec, "spec_version": version})
    assert (card["spec"], card["spec_version"]) == expected


@pytest.mark.parametrize(
    ("changes", "data"),
    [
        ({"name": "Mara"}, {"name": "Mara", "nickname": None}),
        ({"description": "New."}, {"description": "New.", "scenario": ""}),
        ({"description": "New.\n\nThe player enters."}, {"description": "New."}),
        ({"personality": "kind"}, {"personality": "kind"}),
        ({"greeting": "Hi."}, {"first_mes": "Hi."}),
        (
            {"speech_style": "Slow."},
            {
                "system_prompt": "{{original}}\n\nHow {{char}} speaks: Slow.",
                "post_history_instructions": "",
                "extensions": {"chub": {"id": 3}},
            },
        ),
        (
            {"speech_style": ""},
            {
                "system_prompt": "",
                "post_history_instructions": "",
                "extensions": {"chub": {"id": 3}},
            },
        ),
        (
            {"examples": [Example("A", "B")]},
            {"mes_example": "<START>\n{{user}}: A\n{{char}}: B"},
        ),
        (
            {"essence": "E", "fallback": ["Hm."]},
            {
                "extensions": {
                    **RAW["data"]["extensions"],
                    "dialogue_server": {"essence": "E", "fallback": ["Hm."]},
                }
            },
        ),
    ],
)
def test_what_was_changed_is_written_and_nothing_else(
    changes: dict[str, Any], data: dict[str, Any]
) -> None:
    expected = {**exported(RAW)["data"], **data, "modification_date": NOW}
    expected = {key: value for key, value in expected.items() if value is not None}
    assert exported(RAW, **changes)["data"] == expected


def test_our_own_place_in_the_extensions_keeps_what_it_does_not_know() -> None:
    raw = {"data": {"name": "M", "extensions": {"dialogue_server": {"later": 1, "essence": "E"}}}}
    card = exported(raw, essence="F")
    assert card["data"]["extensions"]["dialogue_server"] == {"later": 1, "essence": "F"}


def test_extensions_that_are_none_are_replaced_only_when_needed() -> None:
    raw = {"data": {"name": "M", "extensions": 3}}
    assert exported(raw)["data"]["extensions"] == 3
    assert exported(raw, essence="E")["data"]["extensions"] == {"dialogue_server": {"essence": "E"}}


def test_a_designers_lore_goes_into_the_cards_book() -> None:
    made = imported(RAW)
    new = Entry("New.", "", ["b"])
    lore = LoreBook([*made.lore.entries, new], "", KnownBy(["mira"]))
    card, remarks = build(made.persona, lore, Source(RAW, made), NOW)
    book = card["data"]["character_book"]
    assert book["_id"] == "b"
    assert book["entries"][0] == RAW["data"]["character_book"]["entries"][0]
    assert book["entries"][1]["content"] == "New."
    assert remarks == []


def test_lore_that_was_taken_out_goes() -> None:
    made = imported(RAW)
    card, _ = build(made.persona, None, Source(RAW, made), NOW)
    assert card["data"]["character_book"] == {"_id": "b", "entries": []}


NATIVE = Persona(
    id="tove",
    name="Tove",
    description="A glazier.",
    speech_style="Slow.",
    moods=["calm"],
    mood="calm",
    greeting="[mood: calm] Come in. [action: nod]",
    examples=[Example("Hi.", "Hm. [mood: calm]", "A fact.")],
    fallback=["[mood: calm] Wait."],
    knowledge=[Fact("I am a glazier."), Fact("The glass is here.", "quest.lamp == 'dark'")],
    sections=[Section("Angry.", "quest.done")],
    actions=[Action("nod", "Nods.")],
    lines=[Line("Hm.")],
)


def test_an_npc_of_our_own_becomes_a_whole_card() -> None:
    card, remarks = build(NATIVE, None, None, NOW)
    data = card["data"]
    assert (card["spec"], card["spec_version"]) == ("chara_card_v3", "3.0")
    assert (data["creation_date"], data["modification_date"]) == (NOW, NOW)
    assert (data["name"], data["description"], data["first_mes"]) == (
        "Tove",
        "A glazier.",
        "Come in.",
    )
    assert data["mes_example"] == "<START>\n{{user}}: Hi.\n{{char}}: Hm."
    assert data["extensions"]["dialogue_server"] == {
        "moods": ["calm"],
        "mood": "calm",
        "fallback": ["Wait."],
    }
    (entry,) = data["character_book"]["entries"]
    assert (entry["content"], entry["constant"]) == ("I am a glazier.", True)
    assert [remark.partition(" ")[0] for remark in remarks] == [
        "the",
        "1",
        "sections",
        "actions",
        "lines",
    ]


def test_what_depends_on_the_state_never_leaves() -> None:
    lore = LoreBook([Entry("Secret one.")], "", None, "quest.done")
    card, remarks = build(NATIVE, lore, None, NOW)
    assert "Secret one" not in str(card)
    assert "The glass is here" not in str(card)
    assert any("the file has a condition" in remark for remark in remarks)


def test_an_npc_with_secrets_only_gets_no_book() -> None:
    lore = LoreBook([Entry("Secret.", "quest.done")])
    card, _ = build(Persona("a", "A", "A."), lore, None, NOW)
    assert "character_book" not in card["data"]


def test_an_imported_card_of_ours_is_the_same_npc() -> None:
    """But for what cards have no place for."""
    found = imported(build(NATIVE, None, None, NOW)[0])
    for field in ("name", "description", "speech_style", "moods", "mood"):
        assert getattr(found.persona, field) == getattr(NATIVE, field)
    assert found.lore.entries == [Entry("I am a glazier.")]


def test_a_v3_card_is_what_is_built() -> None:
    card = exported(RAW)
    assert as_version(card, 3) == (card, [])


def test_a_v2_card_has_no_decorators() -> None:
    card, remarks = as_version(exported(RAW), 2)
    assert (card["spec"], card["spec_version"], remarks) == ("chara_card_v2", "2.0", [])
    assert card["data"]["character_book"]["entries"][0]["content"] == "T"
    odd = {"spec": "x", "data": {"character_book": {"entries": 3}}}
    assert as_version(odd, 2)[0]["data"]["character_book"] == {"entries": 3}


def test_a_v1_card_is_six_texts_and_what_was_beside_them() -> None:
    card, (remark,) = as_version(exported(RAW), 1)
    assert card["photoURL"] == "x"
    assert card["description"] == "{{char}} is a smith."
    assert not {"spec", "spec_version", "data"} & set(card)
    assert "no place for nickname, system_prompt" in remark
    plain = exported({"name": "Mira", "description": "D."})
    assert as_version(plain, 1)[1] == []


def test_the_copy_for_older_programs_says_that_it_is_one() -> None:
    card = exported(RAW)
    copy_ = backfill(card)
    assert copy_["spec"] == "chara_card_v2"
    assert copy_["data"]["creator_notes"] == BACKFILLED
    assert card["data"]["creator_notes"] == ""
    noted = {**card, "data": {**card["data"], "creator_notes": "Mine."}}
    once = backfill(noted)
    assert once["data"]["creator_notes"] == f"{BACKFILLED}\nMine."
    assert backfill(once)["data"]["creator_notes"] == f"{BACKFILLED}\nMine."


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(CARDS)
def test_nothing_of_any_card_is_lost_by_import_and_export(raw: dict[str, Any]) -> None:
    card = exported(raw)
    if "data" not in raw:
        six = {key: value for key, value in raw.items() if key != "photoURL"}
        assert {key: card["data"][key] for key in six} == six
    else:
        kept = {key: card["data"][key] for key in raw["data"]}
        assert kept == raw["data"]
    assert card.get("photoURL") == raw.get("photoURL")
    assert "modification_date" not in card["data"]


def test_what_moves_in_play_has_no_place_in_a_card_and_that_is_said() -> None:
    persona = replace(NATIVE, suggestions=[Suggestion("Hello.")], tone=[ToneRule("m", "rain")])
    told = build(persona, None, None, NOW)[1]
    before = build(NATIVE, None, None, NOW)[1]
    assert [remark.partition(" ")[0] for remark in told if remark not in before] == [
        "tone",
        "suggestions",
    ]
