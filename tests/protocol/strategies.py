"""Hypothesis strategies for every message of the wire, derived from its types."""

from __future__ import annotations

from typing import Any

from dialogue_protocol.wire_types import CLIENT_SIDE, SERVER_SIDE, Side
from hypothesis import strategies as st
from msgspec.inspect import (
    BoolType,
    DictType,
    IntType,
    ListType,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    type_info,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
JSON_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXT,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text("ab\u00e9", max_size=3), inner, max_size=3),
    ),
    max_leaves=8,
)


def of_type(type_: Type) -> st.SearchStrategy[Any]:
    match type_:
        case IntType():
            return st.one_of(st.integers(0, 300), st.integers(0, type_.le or 2**53 - 1))
        case StrType():
            return st.text(
                st.characters(exclude_categories=["Cs"]),
                min_size=type_.min_length or 0,
                max_size=min(type_.max_length or 80, 80),
            )
        case BoolType():
            return st.booleans()
        case NoneType():
            return st.none()
        case ListType():
            return st.lists(of_type(type_.item_type), min_size=type_.min_length or 0, max_size=3)
        case DictType():
            return st.dictionaries(TEXT, JSON_VALUES, max_size=4)
        case UnionType():
            return st.one_of(*map(of_type, type_.types))
        case StructType():
            return st.builds(type_.cls, *(of_type(f.type) for f in type_.fields))
        case _:
            raise NotImplementedError(type_)


def messages(side: Side) -> st.SearchStrategy[Any]:
    return st.one_of(*(of_type(type_info(kind.message)) for kind in side.kinds))


CLIENT_MESSAGES = messages(CLIENT_SIDE)
SERVER_MESSAGES = messages(SERVER_SIDE)
