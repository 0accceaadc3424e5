"""The protocol as a frozen description that a generator of any language can read.

`describe()` turns the Structs of messages.py and the codes of codes.py into plain values: no
generator looks at a Python type. This is the only importer of msgspec.inspect. A type that the
description cannot express is refused here, so that it cannot reach one client and miss another.
"""

from __future__ import annotations

import inspect as python_inspect
from enum import Enum
from typing import Any

import msgspec
from msgspec import Struct
from msgspec import inspect as types

from .. import codes, messages
from ..codes import ClosePolicy, close_policy
from ..wire_types import CLIENT_SIDE, LAST_TYPE, SERVER_SIDE, Kind

# ---------------------------------------------------------------- types of fields


class Int(Struct, frozen=True):
    """An integer from 0 to 2**53 - 1. Absent by default: 0 unless the field says otherwise."""


class Text(Struct, frozen=True):
    """A string; the limits are in code points, None for none."""

    min_length: int | None = None
    max_length: int | None = None


class Bool(Struct, frozen=True):
    """True or false."""


class JsonObject(Struct, frozen=True):
    """A map from strings to any JSON value (null, bool, integer, float, string, list, map)."""


class List(Struct, frozen=True):
    """A list of values of one type."""

    item: FieldType


class Record(Struct, frozen=True):
    """A nested record, by name: a map in both encodings."""

    name: str


class Nullable(Struct, frozen=True):
    """A value of the type, or nil."""

    type: FieldType


FieldType = Int | Text | Bool | JsonObject | List | Record | Nullable

# ---------------------------------------------------------------- the description


class Field(Struct, frozen=True):
    """One field. `default` matters only where `required` is false; a list's or a map's default
    is always the empty one, and is given here as None."""

    name: str
    type: FieldType
    required: bool
    default: int | str | bool | None = None


class RecordType(Struct, frozen=True):
    """A nested record: fields by name, unknown ones ignored."""

    name: str
    doc: str
    fields: tuple[Field, ...]


class MessageType(Struct, frozen=True):
    """A message: an array led by `number`, or a JSON object with `"type": json_name`.

    Trailing fields that have defaults may be missing, and unknown ones may follow.
    """

    name: str
    json_name: str
    number: int
    doc: str
    fields: tuple[Field, ...]
    sequenced: bool


class Constant(Struct, frozen=True):
    """One member of an enumeration."""

    name: str
    value: int | str


class Enumeration(Struct, frozen=True):
    """Named values. On the wire they are plain strings or integers, so that a client reads
    the values of a newer server."""

    name: str
    doc: str
    members: tuple[Constant, ...]


class CloseRange(Struct, frozen=True):
    """What to do after a WebSocket close code from `first` to `last`: a value of ClosePolicy."""

    first: int
    last: int
    policy: str


class Description(Struct, frozen=True):
    """The whole protocol. `records` come before the records and messages that use them;
    `close_ranges` cover 1000 to 4999 without a gap."""

    version: int
    subprotocol_msgpack: str
    subprotocol_json: str
    first_sequenced_type: int
    last_type: int
    records: tuple[RecordType, ...]
    client_messages: tuple[MessageType, ...]
    server_messages: tuple[MessageType, ...]
    enumerations: tuple[Enumeration, ...]
    close_ranges: tuple[CloseRange, ...]


class UnsupportedTypeError(TypeError):
    """A field has a type that the clients cannot express."""


ENUMERATIONS: tuple[type[Enum], ...] = (
    codes.ErrorCode,
    codes.EndReason,
    codes.CloseCode,
    codes.ClosePolicy,
)


def describe() -> Description:
    """The protocol as this package defines it."""
    records: dict[str, RecordType] = {}
    return Description(
        version=messages.VERSION,
        subprotocol_msgpack=messages.SUBPROTOCOL_MSGPACK,
        subprotocol_json=messages.SUBPROTOCOL_JSON,
        first_sequenced_type=messages.FIRST_SEQUENCED_TYPE,
        last_type=LAST_TYPE,
        client_messages=tuple(_message(kind, records) for kind in CLIENT_SIDE.kinds),
        server_messages=tuple(_message(kind, records) for kind in SERVER_SIDE.kinds),
        records=tuple(records.values()),
        enumerations=tuple(_enumeration(e) for e in ENUMERATIONS),
        close_ranges=_close_ranges(),
    )


def _message(kind: Kind, records: dict[str, RecordType]) -> MessageType:
    return MessageType(
        name=kind.message.__name__,
        json_name=kind.name,
        number=kind.number,
        doc=_doc(kind.message),
        fields=_fields(kind.message, records),
        sequenced=kind.sequenced,
    )


def _fields(struct: type[Struct], records: dict[str, RecordType]) -> tuple[Field, ...]:
    info = types.type_info(struct)
    assert isinstance(info, types.StructType)
    return tuple(_field(struct, f, records) for f in info.fields)


def _field(struct: type[Struct], field: types.Field, records: dict[str, RecordType]) -> Field:
    where = f"{struct.__name__}.{field.name}"
    type_ = _type(where, field.type, records)
    default: Any = None if field.default is msgspec.NODEFAULT else field.default
    if field.default_factory is not msgspec.NODEFAULT and field.default_factory() not in ([], {}):
        raise UnsupportedTypeError(f"{where}: a made default must be an empty list or map")
    return Field(field.name, type_, field.required, default)


def _type(where: str, type_: types.Type, records: dict[str, RecordType]) -> FieldType:
    match type_:
        case types.IntType():
            return Int()
        case types.StrType():
            return Text(type_.min_length, type_.max_length)
        case types.BoolType():
            return Bool()
        case types.DictType(types.StrType(), types.AnyType()):
            return JsonObject()
        case types.ListType():
            return List(_type(where, type_.item_type, records))
        case types.StructType(cls=cls) if not type_.array_like:
            if cls.__name__ not in records:
                fields = _fields(cls, records)  # its own records first
                records[cls.__name__] = RecordType(cls.__name__, _doc(cls), fields)
            return Record(cls.__name__)
        case types.UnionType(types=(one, types.NoneType())):
            return Nullable(_type(where, one, records))
        case _:
            raise UnsupportedTypeError(
                f"{where}: {type(type_).__name__} has no counterpart in the clients; "
                "use int, str, bool, dict[str, Any], a list, a Struct, or one of them or None"
            )


def _enumeration(enum: type[Enum]) -> Enumeration:
    members = tuple(Constant(member.name, member.value) for member in enum)
    return Enumeration(enum.__name__, _doc(enum), members)


def _close_ranges() -> tuple[CloseRange, ...]:
    ranges: list[CloseRange] = []
    first = 1000
    for code in range(first, 5000):
        policy: ClosePolicy | None = close_policy(code + 1) if code < 4999 else None
        if policy is not close_policy(code):
            ranges.append(CloseRange(first, code, close_policy(code).value))
            first = code + 1
    return tuple(ranges)


def _doc(thing: type) -> str:
    """The docstring, unindented."""
    return python_inspect.getdoc(thing) or ""
