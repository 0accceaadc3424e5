"""The description that every generator reads."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from dialogue_protocol import codes, messages
from dialogue_protocol.codegen import ir
from dialogue_protocol.codegen.ir import (
    Bool,
    Field,
    Int,
    JsonObject,
    List,
    Nullable,
    Record,
    Text,
    UnsupportedTypeError,
    describe,
)
from dialogue_protocol.wire_types import CLIENT_SIDE, SERVER_SIDE, Kind
from msgspec import Struct, field

DESCRIPTION = describe()
BY_NAME = {m.name: m for m in (*DESCRIPTION.client_messages, *DESCRIPTION.server_messages)}


def test_every_message_of_both_directions_is_described() -> None:
    for side, described in (
        (CLIENT_SIDE, DESCRIPTION.client_messages),
        (SERVER_SIDE, DESCRIPTION.server_messages),
    ):
        assert [(k.number, k.name, k.sequenced) for k in side.kinds] == [
            (m.number, m.json_name, m.sequenced) for m in described
        ]


def test_fields_keep_their_order_types_and_defaults() -> None:
    assert BY_NAME["Cue"].fields == (
        Field("turn", Int(), required=True),
        Field("offset", Int(), required=True),
        Field("kind", Text(), required=True),
        Field("name", Text(), required=False, default=""),
        Field("args", JsonObject(), required=False),
        Field("action", Int(), required=False, default=0),
    )
    welcome = {f.name: f for f in BY_NAME["Welcome"].fields}
    assert welcome["resumed"] == Field("resumed", Bool(), required=False, default=False)
    assert welcome["version"].default == messages.VERSION
    assert welcome["limits"].type == Record("Limits")
    assert welcome["capabilities"].type == List(Text())
    assert {f.name: f.type for f in BY_NAME["Hello"].fields}["resume"] == Nullable(Record("Resume"))
    assert {f.name: f.type for f in BY_NAME["State"].fields}["patch"] == Nullable(JsonObject())


def test_the_limits_of_a_text_are_told() -> None:
    assert BY_NAME["Open"].fields[0].type == Text(1, 64)


def test_a_record_comes_before_whatever_holds_it() -> None:
    names = [record.name for record in DESCRIPTION.records]
    assert {"Resume", "Player", "Limits", "NpcInfo"} <= set(names)
    for position, record in enumerate(DESCRIPTION.records):
        for f in record.fields:
            if isinstance(f.type, Record):
                assert f.type.name in names[:position]


def test_the_close_ranges_say_what_close_policy_says() -> None:
    assert [r.first for r in DESCRIPTION.close_ranges[1:]] == [
        r.last + 1 for r in DESCRIPTION.close_ranges[:-1]
    ]
    told = {c: r.policy for r in DESCRIPTION.close_ranges for c in range(r.first, r.last + 1)}
    assert told == {code: codes.close_policy(code) for code in range(1000, 5000)}


def test_every_enumeration_is_told_with_its_values() -> None:
    told = {e.name: {m.name: m.value for m in e.members} for e in DESCRIPTION.enumerations}
    assert told["CloseCode"]["GOING_AWAY"] == 4000
    assert told["ErrorCode"] == {c.name: c.value for c in codes.ErrorCode}
    assert set(told) == {"ErrorCode", "EndReason", "CloseCode", "ClosePolicy"}


def test_the_docstring_comes_along_and_a_struct_may_have_none() -> None:
    assert BY_NAME["Closed"].doc == "A conversation is closed."
    assert ir._doc(type("Bare", (), {"__doc__": None})) == ""


class Inner(Struct):
    x: int


class Outer(Struct):
    inner: Inner
    again: Inner


class Message(Struct, array_like=True, tag=99):
    outer: Outer


def test_a_record_inside_a_record_comes_first() -> None:
    records: dict[str, ir.RecordType] = {}
    ir._message(Kind(Message), records)
    assert list(records) == ["Inner", "Outer"]


def test_a_type_that_some_client_cannot_express_is_refused_with_its_place() -> None:
    for type_ in (float, dict[int, str], set[str], int | str | None, tuple[int, int], bytes):
        with pytest.raises(UnsupportedTypeError, match=r"Bad\.x: .* has no counterpart"):
            ir._message(Kind(_message_with(type_)), {})


def test_a_made_default_must_be_empty() -> None:
    class Bad(Struct, array_like=True, tag=99):
        x: list[str] = field(default_factory=lambda: ["a"])

    with pytest.raises(UnsupportedTypeError, match=r"Bad\.x: a made default must be empty|empty"):
        ir._message(Kind(Bad), {})


def _message_with(type_: Any) -> type[Struct]:
    return msgspec.defstruct("Bad", [("x", type_)], array_like=True, tag=99)
