from __future__ import annotations

from typing import Any

import pytest

from dialogue_server.domain.cards.fields import kind_of, read
from dialogue_server.errors import ContentError

V1 = {
    "name": "Mira",
    "description": "A smith.",
    "personality": "gruff",
    "scenario": "The forge.",
    "first_mes": "Hm.",
    "mes_example": "<START>",
}


def v2(**data: Any) -> dict[str, Any]:
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "Mira", **data}}


def refused(raw: dict[str, Any]) -> str:
    with pytest.raises(ContentError) as caught:
        read("mira.json", raw)
    return caught.value.detail


def test_a_v1_card_is_six_texts() -> None:
    card = read("a", dict(V1))
    assert (card.version, card.remarks) == (1, ())
    assert {field: getattr(card, field) for field in V1} == V1


def test_all_fields_of_v1_default_to_nothing() -> None:
    card = read("a", {"name": "Mira", "description": None})
    assert (card.description, card.first_mes) == ("", "")


def test_a_v2_card_is_read() -> None:
    card = read(
        "a",
        v2(
            **{**V1, "system_prompt": "S", "post_history_instructions": "P", "creator_notes": "N"},
            creator="me",
            character_version=1.5,
            alternate_greetings=["A", " ", "B"],
            tags=["x"],
            extensions={"depth_prompt": {"prompt": "D", "depth": 4}, "chub": {}, "fav": True},
            character_book={"entries": []},
        ),
    )
    assert card.version == 2
    assert (card.system_prompt, card.post_history_instructions, card.depth_prompt) == (
        "S",
        "P",
        "D",
    )
    assert (card.creator_notes, card.creator, card.character_version) == ("N", "me", "1.5")
    assert (card.alternate_greetings, card.tags) == (("A", "B"), ("x",))
    assert card.other_extensions == ("chub",)
    assert card.book == {"entries": []}
    assert card.remarks == ()


def test_a_v3_card_is_read() -> None:
    raw = v2(
        nickname="Mi",
        group_only_greetings=["All!"],
        creation_date=1_700_000_000,
        modification_date=0,
        assets=[
            {"type": "emotion", "name": "happy"},
            {"type": "emotion", "name": 3},
            {"type": "icon", "name": "main"},
            "odd",
        ],
    )
    card = read("a", {**raw, "spec": "chara_card_v3", "spec_version": "3.0"})
    assert (card.version, card.nickname, card.group_only_greetings) == (3, "Mi", ("All!",))
    assert (card.created, card.modified) == (1_700_000_000, 0)
    assert (card.emotions, card.assets) == (("happy",), 3)


def test_v1_fields_at_the_root_of_a_v2_card_give_way_to_its_data() -> None:
    raw = {**V1, **v2(description="From data.", first_mes=None)}
    card = read("a", raw)
    assert (card.version, card.description, card.first_mes) == (2, "From data.", "Hm.")


def test_a_v2_card_without_its_data_is_read_as_v1() -> None:
    card = read("a", {**V1, "spec": "chara_card_v2"})
    assert (card.version, card.description) == (1, "A smith.")
    assert "no data object" in card.remarks[0]


def test_data_without_a_spec_is_read_as_v2() -> None:
    assert read("a", {"data": V1}).version == 2


@pytest.mark.parametrize(
    ("spec", "version"), [("chara_card_v3", "3.1"), ("chara_card_v4", "4.0"), ("chara_card_v2", 9)]
)
def test_a_newer_specification_is_told_and_still_read(spec: str, version: Any) -> None:
    card = read("a", {**v2(description="D"), "spec": spec, "spec_version": version})
    assert card.description == "D"
    assert "newer specification" in card.remarks[0]


@pytest.mark.parametrize("version", [None, "x", True, [], "nan", 10**400])
def test_a_version_that_is_no_number_says_nothing(version: Any) -> None:
    assert read("a", {**v2(), "spec_version": version}).remarks == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.5", 0.5), (0.3, 0.3), (7, 1.0), (-1, 0.0), ("", None), (None, None)],
)
def test_talkativeness_may_be_a_text(value: Any, expected: float | None) -> None:
    card = read("a", v2(extensions={"talkativeness": value}))
    assert (card.talkativeness, card.remarks) == (expected, ())
    assert read("a", {**V1, "talkativeness": value}).talkativeness == expected


def test_dates_may_be_in_milliseconds() -> None:
    card = read("a", v2(creation_date=1_700_000_000_123, modification_date="1700000000"))
    assert (card.created, card.modified) == (1_700_000_000, 1_700_000_000)
    assert card.remarks == ("creation_date is in milliseconds; it was read so",)


@pytest.mark.parametrize("value", [-5, 1e300])
def test_a_date_that_is_none_is_unknown(value: float) -> None:
    assert read("a", v2(creation_date=value)).created == 0


def test_a_number_may_stand_for_a_text_and_a_text_for_a_list() -> None:
    card = read("a", v2(description=7, alternate_greetings="Hi, you", tags="a, b"))
    assert card.description == "7"
    assert (card.alternate_greetings, card.tags) == (("Hi, you",), ("a", "b"))


@pytest.mark.parametrize(
    ("value", "is_"), [({}, "an object"), (["a"], "a list"), (True, "true or false")]
)
def test_a_text_that_is_none_is_refused(value: Any, is_: str) -> None:
    assert (
        refused(v2(description=value)) == f"mira.json: data.description: must be a text, is {is_}"
    )
    assert refused({"first_mes": value}) == f"mira.json: first_mes: must be a text, is {is_}"


def test_what_reaches_no_prompt_may_be_odd_and_is_told() -> None:
    card = read(
        "a",
        v2(
            tags={},
            alternate_greetings=["A", 3],
            creator=[],
            assets={},
            character_book=[],
            creation_date="yesterday",
            extensions=[],
        ),
    )
    assert (card.tags, card.alternate_greetings, card.creator, card.book) == ((), ("A",), "", None)
    assert card.own == {}
    assert sorted(remark.partition(" is not")[0] for remark in card.remarks) == [
        "an item of alternate_greetings",
        "assets",
        "character_book",
        "creation_date",
        "creator",
        "extensions",
        "tags",
    ]


def test_odd_extensions_are_told() -> None:
    card = read("a", v2(extensions={"depth_prompt": 3, "talkativeness": {}, "dialogue_server": 1}))
    assert (card.depth_prompt, card.talkativeness, card.own) == ("", None, {})
    assert len(card.remarks) == 2
    assert read("a", v2(extensions={"depth_prompt": "plain"})).depth_prompt == "plain"
    own = {"mood": "calm"}
    assert read("a", v2(extensions={"dialogue_server": own})).own == own


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (V1, "card"),
        ({"spec": "chara_card_v9"}, "card"),
        ({"data": {}}, "card"),
        ({"spec": "lorebook_v3", "data": {}}, "book"),
        ({"entries": {}}, "book"),
        ({"name": "A world", "entries": []}, "book"),
        ({"entries": [], "description": "A book", "spec": 3}, "card"),
    ],
)
def test_cards_and_lorebooks_are_told_apart(raw: dict[str, Any], kind: str) -> None:
    assert kind_of("a", raw) == kind


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(ContentError, match="neither a Character Card"):
        kind_of("a", {"name": "package", "version": "1.0"})
