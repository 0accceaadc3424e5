"""The messages as tables: number, JSON name, fields, and the JSON form of each Struct.

messages.py defines a message once, as an array led by its number. Its JSON twin has the same
fields and defaults, and `"type"` instead of the number; it is derived here, never written.
"""

from __future__ import annotations

import re
from typing import Any, Union, get_args

import msgspec
from msgspec import Struct

from .messages import FIRST_SEQUENCED_TYPE, ClientMessage, ServerMessage

LAST_TYPE = 127
"""Message numbers take one byte in msgpack (a positive fixint)."""


class Kind:
    """One message type. `fields` are in wire order; the number that leads them is not one."""

    def __init__(self, message: type[Struct]) -> None:
        config = message.__struct_config__
        if not isinstance(config.tag, int):
            raise TypeError(f"{message.__name__}: a message needs a number (tag=...)")
        self.message = message
        self.number = config.tag
        self.name = json_name(message.__name__)
        self.fields = msgspec.structs.fields(message)
        self.twin = _json_twin(message, self.name)
        self.sequenced = self.number >= FIRST_SEQUENCED_TYPE
        # Only these can hold what JSON cannot; everything else is checked by its type.
        self.free_form = tuple(f.name for f in self.fields if f.name in _FREE_FORM)


_FREE_FORM = frozenset({"snapshot", "patch", "args", "data", "timings", "state", "hints"})
"""Names of the fields whose values are any JSON (a test compares them with the types)."""


class Side:
    """All messages of one direction."""

    def __init__(self, union: Any) -> None:
        self.kinds = tuple(Kind(message) for message in get_args(union))
        self.by_number = {kind.number: kind for kind in self.kinds}
        self.by_name = {kind.name: kind for kind in self.kinds}
        self.by_message = {kind.message: kind for kind in self.kinds}
        self.by_twin = {kind.twin: kind for kind in self.kinds}
        self.message_union: Any = union
        self.twin_union: Any = Union[tuple(kind.twin for kind in self.kinds)]  # noqa: UP007


def json_name(name: str) -> str:
    """The JSON `"type"` of a Struct: TurnEnd is "turn_end"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _json_twin(message: type[Struct], name: str) -> type[Struct]:
    """The same fields in the same order, so that either is built from the other's values."""
    fields: list[Any] = []
    for f in msgspec.structs.fields(message):
        if f.default_factory is not msgspec.NODEFAULT:
            fields.append((f.name, f.type, msgspec.field(default_factory=f.default_factory)))
        elif f.default is not msgspec.NODEFAULT:
            fields.append((f.name, f.type, f.default))
        else:
            fields.append((f.name, f.type))
    return msgspec.defstruct(message.__name__, fields, tag_field="type", tag=name, frozen=True)


CLIENT_SIDE = Side(ClientMessage)
SERVER_SIDE = Side(ServerMessage)
