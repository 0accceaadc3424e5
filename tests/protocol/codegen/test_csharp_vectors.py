"""C# that turns messages into the vectors' JSON and back: tests/unity runs the vectors by it."""

from __future__ import annotations

import msgspec
from dialogue_protocol.codegen import csharp_vectors
from dialogue_protocol.codegen.ir import (
    Field,
    FieldType,
    Int,
    JsonObject,
    List,
    MessageType,
    Nullable,
    Record,
    RecordType,
    Text,
    describe,
)


def test_every_message_is_known_in_its_direction() -> None:
    description = describe()
    text = csharp_vectors.generate(description)
    for message in description.client_messages:
        assert f'case "{message.json_name}": return new {message.name}Message(' in text
    for message in description.server_messages:
        assert f"public void On{message.name}(in {message.name}Message message) =>" in text
        assert f'["type"] = "{message.json_name}"' in text


def test_a_field_of_each_type_is_taken_from_JSON() -> None:
    expected = {
        '(long)json["n"]': Int(),
        '(Dictionary<string, object>)json["n"]': JsonObject(),
        '((List<object>)json["n"]).Cast<string>().ToArray()': List(Text()),
        '((List<object>)json["n"]).Select(i => RFrom((Dictionary<string, object>)i)).ToArray()': (
            List(Record("R"))
        ),
        'json["n"] == null ? null : RFrom((Dictionary<string, object>)json["n"])': (
            Nullable(Record("R"))
        ),
    }
    for code, type_ in expected.items():
        assert f"return new MMessage({code});" in _generated(type_)


def test_a_field_of_each_type_becomes_JSON() -> None:
    expected = {
        "message.N": Int(),
        "message.N.Cast<object>().ToList()": List(Text()),
        "message.N.Select(i => (object)Json(i)).ToList()": List(Record("R")),
        "message.N == null ? null : Json(message.N)": Nullable(Record("R")),
    }
    for code, type_ in expected.items():
        assert f'["type"] = "m", ["n"] = {code} }}' in _generated(type_)


def test_a_record_goes_both_ways() -> None:
    text = _generated(Record("R"))
    assert 'return new R((long)json["x"]);' in text
    assert '{ ["x"] = message.X };' in text


def _generated(type_: FieldType) -> str:
    field = Field("n", type_, required=True, default=None)
    record = RecordType("R", "", (Field("x", Int(), required=True, default=None),))
    message = MessageType("M", "m", 20, "", (field,), sequenced=True)
    return csharp_vectors.generate(
        msgspec.structs.replace(
            describe(), records=(record,), client_messages=(message,), server_messages=(message,)
        )
    )
