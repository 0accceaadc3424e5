from __future__ import annotations

from typing import Any

import msgspec
import pytest
from dialogue_protocol.messages import Say
from dialogue_protocol.wire_types import CLIENT_SIDE, SERVER_SIDE, Kind, Side, json_name

SIDES = [CLIENT_SIDE, SERVER_SIDE]
KINDS = [*CLIENT_SIDE.kinds, *SERVER_SIDE.kinds]


@pytest.mark.parametrize("side", SIDES)
def test_every_message_of_a_side_has_its_own_number_and_name(side: Side) -> None:
    assert len(side.by_number) == len(side.by_name) == len(side.kinds)
    assert all(0 <= number <= 127 for number in side.by_number)


def test_the_json_name_is_snake_case() -> None:
    assert [json_name(name) for name in ("Say", "TurnEnd", "GoAway")] == [
        "say",
        "turn_end",
        "go_away",
    ]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_twin_has_the_same_fields_types_and_defaults(kind: Kind) -> None:
    assert kind.fields == msgspec.structs.fields(kind.twin)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_free_form_fields_are_exactly_those_whose_type_holds_any(kind: Kind) -> None:
    assert kind.free_form == tuple(f.name for f in kind.fields if "Any" in str(f.type))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_once_a_field_has_a_default_all_that_follow_have_one(kind: Kind) -> None:
    required = [f.required for f in kind.fields]
    assert required == sorted(required, reverse=True)


def test_a_message_without_a_number_is_refused() -> None:
    class Nameless(msgspec.Struct, array_like=True):
        x: int = 0

    with pytest.raises(TypeError, match="Nameless: a message needs a number"):
        Kind(Nameless)


def test_a_side_finds_a_kind_by_any_of_its_names() -> None:
    kind = CLIENT_SIDE.by_message[Say]
    found: list[Any] = [
        CLIENT_SIDE.by_number[18],
        CLIENT_SIDE.by_name["say"],
        CLIENT_SIDE.by_twin[kind.twin],
    ]
    assert found == [kind] * 3
    assert kind.sequenced
    assert not CLIENT_SIDE.by_number[1].sequenced
