from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from dialogue_server.domain.cards import card as cards
from dialogue_server.domain.cards import charx as card_charx
from dialogue_server.domain.cards import png as card_png
from dialogue_server.domain.cards.card import ExportedFile, export_file, import_file
from dialogue_server.domain.cards.containers import Format, encode_json, unpack
from dialogue_server.domain.content_files import decode_persona
from dialogue_server.domain.persona import LoreBook, Persona
from dialogue_server.errors import ContentError
from tests.domain.card_strategies import CARDS

PNG = card_png.blank(2, 2)
OTHER = card_png.blank(3, 3)
PERSONA = Persona("mira", "Mira", "A smith.")


def v3(**data: Any) -> dict[str, Any]:
    base = {"name": "Mira", "description": "{{char}}, a smith.", **data}
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": base}


def persona_of(data: bytes) -> Persona:
    found = import_file("mira.png", data)
    return decode_persona(f"personas/{found.id}.toml", found.persona.encode())


def exported(original: bytes, form: Format, picture: bytes = b"", version: int = 3) -> ExportedFile:
    persona = persona_of(original)
    return export_file(
        persona, None, form, original=original, picture=picture, version=version, now=5
    )


def raw_of(made: ExportedFile) -> dict[str, Any]:
    return unpack("a", made.data).raw


def shape(picture: bytes) -> tuple[bytes, bytes]:
    """What makes a picture: its header and its dots."""
    found = {chunk.kind: chunk.data for chunk in card_png.chunks("a", picture)}
    return found[b"IHDR"], found[b"IDAT"]


JSON_CARD = encode_json(v3())
PNG_CARD = card_png.write("a", OTHER, {"ccv3": JSON_CARD})
ICON = {"type": "icon", "name": "main", "uri": "embeded://a/main.png", "ext": "png"}
CHARX_CARD = card_charx.write(encode_json(v3(assets=[ICON])), {"a/main.png": OTHER, "b.mp3": b"x"})


@pytest.mark.parametrize(
    ("data", "ending"), [(JSON_CARD, "json"), (PNG_CARD, "png"), (CHARX_CARD, "charx")]
)
def test_a_card_becomes_files(data: bytes, ending: str) -> None:
    found = import_file("x", data)
    assert (found.id, found.name, found.original, found.lore) == ("mira", "Mira", ending, "")
    assert f"# cards/mira.{ending};" in found.persona
    assert persona_of(data).description == "Mira, a smith."


def test_a_cards_book_becomes_a_file_of_lore() -> None:
    book = {"entries": [{"keys": ["forge"], "content": "Hot."}]}
    found = import_file("x", encode_json(v3(character_book=book)), "smith")
    assert (found.id, found.entries) == ("smith", 1)
    assert 'known_by = ["smith"]' in found.lore


@pytest.mark.parametrize(
    ("file", "npc", "book", "expected"),
    [
        ("Old Harbour.json", "", {}, "old-harbour"),
        ("c:\\w\\x.json", "", {"name": "The Harbour"}, "the-harbour"),
        ("x.json", "port", {"name": "The Harbour"}, "port"),
    ],
)
def test_a_lorebook_becomes_lore_that_everybody_knows(
    file: str, npc: str, book: dict[str, Any], expected: str
) -> None:
    raw = {"entries": {"0": {"key": ["sea"], "content": "{{char}} is at sea."}}, **book}
    found = import_file(file, encode_json(raw), npc)
    assert (found.id, found.persona, found.original) == (expected, "", "")
    assert 'text = "the character is at sea."' in found.lore
    assert "known_by" not in found.lore


def test_a_lorebook_without_anything_to_use_is_refused() -> None:
    raw = {"spec": "lorebook_v3", "data": {"entries": [{"content": "x", "keys": []}]}}
    with pytest.raises(ContentError, match=r"no entry in it can be used .lore: left out, since it"):
        import_file("a", encode_json(raw))
    with pytest.raises(ContentError, match=r"no entry in it can be used$"):
        import_file("a", b'{"entries": []}')


def test_a_card_of_more_text_than_the_server_reads_is_refused() -> None:
    with pytest.raises(ContentError, match="split the card"):
        import_file("a", encode_json(v3(description="x" * 1_000_001)))


def test_an_npc_of_our_own_is_exported_in_each_form() -> None:
    for form in ("json", "png", "charx"):
        made = export_file(PERSONA, LoreBook([]), form, now=5)
        found = unpack("a", made.data)
        assert (found.format, found.raw["data"]["name"]) == (form, "Mira")
        assert made.remarks == ()


def test_a_picture_holds_the_card_twice() -> None:
    found, _ = card_png.read("a", export_file(PERSONA, None, "png").data)
    assert json.loads(found["ccv3"])["spec"] == "chara_card_v3"
    assert json.loads(found["chara"])["spec"] == "chara_card_v2"


@pytest.mark.parametrize("version", [1, 2])
def test_a_picture_of_an_older_version_holds_it_once(version: int) -> None:
    made = export_file(PERSONA, None, "png", version=version)
    found, _ = card_png.read("a", made.data)
    assert list(found) == ["chara"]
    assert json.loads(found["chara"]).get("spec") == (None if version == 1 else "chara_card_v2")


def test_the_version_is_chosen_for_json_and_told_for_charx() -> None:
    assert raw_of(exported(JSON_CARD, "json", version=2))["spec"] == "chara_card_v2"
    assert exported(JSON_CARD, "charx", version=2).remarks == (
        "a CHARX file always holds a V3 card",
    )


def test_the_picture_is_that_of_the_card_or_the_one_that_was_given() -> None:
    assert shape(exported(PNG_CARD, "png").data) == shape(OTHER)
    assert shape(exported(PNG_CARD, "png", picture=PNG).data) == shape(PNG)
    assert shape(exported(JSON_CARD, "png").data) == shape(card_png.blank())


def test_a_picture_goes_into_a_charx_file_without_its_card() -> None:
    made = exported(PNG_CARD, "charx")
    assets = card_charx.read_assets("a", made.data)
    assert assets == {"assets/icon/images/main.png": OTHER}
    assert raw_of(made)["data"]["assets"] == [
        {
            "type": "icon",
            "uri": "embeded://assets/icon/images/main.png",
            "name": "main",
            "ext": "png",
        }
    ]


def test_an_icon_that_was_the_picture_itself_is_pointed_to() -> None:
    listed = [{"type": "icon", "name": "main", "uri": "ccdefault:", "ext": "png"}, "odd"]
    original = card_png.write("a", OTHER, {"ccv3": encode_json(v3(assets=listed))})
    assets = raw_of(exported(original, "charx"))["data"]["assets"]
    assert assets[0]["uri"] == "embeded://assets/icon/images/main.png"
    assert assets[1] == "odd"


def test_an_icon_from_elsewhere_stays() -> None:
    listed = [{"type": "icon", "name": "main", "uri": "https://example.org/a.png", "ext": "png"}]
    original = card_png.write("a", OTHER, {"ccv3": encode_json(v3(assets=listed))})
    assert raw_of(exported(original, "charx"))["data"]["assets"] == listed


def test_pictures_and_sounds_of_a_charx_file_stay_in_it() -> None:
    made = exported(CHARX_CARD, "charx")
    assert card_charx.read_assets("a", made.data) == {"a/main.png": OTHER, "b.mp3": b"x"}
    assert raw_of(made) == json.loads(json.dumps(raw_of(made)))
    assert made.remarks == ()


def test_the_icon_of_a_charx_file_becomes_the_picture_and_the_rest_is_told() -> None:
    made = exported(CHARX_CARD, "png")
    assert shape(made.data) == shape(OTHER)
    assert raw_of(made)["data"]["assets"] == [{**ICON, "uri": "ccdefault:"}]
    assert made.remarks == (
        "1 files of the original stay behind; only the format charx holds them",
    )
    assert "2 files" in exported(CHARX_CARD, "json").remarks[0]


@pytest.mark.parametrize(
    "assets",
    [
        [{"type": "icon", "name": "other", "uri": "embedded://b.png"}, ICON],
        [{"type": "emotion", "uri": "embeded://b.png"}, ICON],
    ],
)
def test_the_main_icon_is_the_picture(assets: list[Any]) -> None:
    members = {"a/main.png": OTHER, "b.png": PNG}
    original = card_charx.write(encode_json(v3(assets=assets)), members)
    assert shape(exported(original, "png").data) == shape(OTHER)


@pytest.mark.parametrize("assets", [{}, [{"type": "icon", "uri": "embeded://gone.png"}]])
def test_without_an_icon_the_picture_is_blank(assets: Any) -> None:
    original = card_charx.write(encode_json(v3(assets=assets)), {"b.png": b"no picture"})
    assert shape(exported(original, "png").data) == shape(card_png.blank())


def test_assets_that_are_none_are_replaced_by_the_icon() -> None:
    original = card_png.write("a", OTHER, {"ccv3": encode_json(v3(assets={}))})
    (asset,) = raw_of(exported(original, "charx"))["data"]["assets"]
    assert asset["name"] == "main"


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(CARDS)
def test_any_card_survives_every_container(raw: dict[str, Any]) -> None:
    """Imported, exported and imported again it is the same NPC."""
    first = import_file("a", encode_json(raw), "npc")
    persona = decode_persona("personas/npc.toml", first.persona.encode())
    original = encode_json(raw)
    imported = cards.card_import.convert("a", cards.card_fields.read("a", raw), "npc")
    for form in ("json", "png", "charx"):
        made = export_file(persona, imported.lore, form, original=original, now=5)
        again = import_file("a", made.data, "npc")
        assert decode_persona("personas/npc.toml", again.persona.encode()) == persona
        assert again.lore == first.lore.replace("cards/npc.json", f"cards/npc.{form}")
