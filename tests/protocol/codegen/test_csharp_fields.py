"""C# for one field at a time. That the code works is shown by compiling and running it
(tests/unity)."""

from __future__ import annotations

import pytest
from dialogue_protocol.codegen import csharp_fields as cs
from dialogue_protocol.codegen.ir import (
    Bool,
    Field,
    FieldType,
    Int,
    JsonObject,
    List,
    MessageType,
    Nullable,
    Record,
    Text,
)

WRITTEN = {
    Int(): "writer.WriteInteger(X);",
    Text(): "writer.WriteString(X);",
    Bool(): "writer.WriteBoolean(X);",
    JsonObject(): "writer.WriteObject(X);",
    Record("R"): "X.Write(writer);",
    List(Text()): "writer.WriteStrings(X);",
    List(Record("R")): "writer.WriteArrayHeader(X.Length); "
    "foreach (var item in X) item.Write(writer);",
    Nullable(Record("R")): "if (X == null) writer.WriteNil(); else X.Write(writer);",
}
READ = {
    Int(): 'reader.ReadCount("m.x")',
    Text(): 'reader.ReadString("m.x")',
    Bool(): 'reader.ReadBoolean("m.x")',
    JsonObject(): 'reader.ReadObject("m.x")',
    Record("R"): "R.Read(ref reader)",
    List(Text()): 'reader.ReadStrings("m.x")',
    List(Record("R")): 'reader.ReadArray("m.x", (ref MsgpackReader r) => R.Read(ref r))',
    Nullable(Text()): 'reader.TryReadNil() ? null : reader.ReadString("m.x")',
}
TYPES = {
    Int(): "long",
    Text(): "string",
    Bool(): "bool",
    JsonObject(): "Dictionary<string, object>",
    Record("R"): "R",
    List(Text()): "string[]",
    List(Record("R")): "R[]",
    Nullable(JsonObject()): "Dictionary<string, object>",
}


def field(type_: FieldType, default: int | str | bool | None = None, name: str = "x") -> Field:
    return Field(name, type_, required=default is None, default=default)


def optional(type_: FieldType) -> Field:
    return Field("x", type_, required=False, default=None)


@pytest.mark.parametrize("type_", WRITTEN, ids=str)
def test_a_value_of_each_type_is_written(type_: FieldType) -> None:
    assert cs.write_value(type_, "X") == WRITTEN[type_]
    assert cs.write_field(field(type_)) == WRITTEN[type_]


@pytest.mark.parametrize("type_", READ, ids=str)
def test_a_value_of_each_type_is_read_and_named_in_errors(type_: FieldType) -> None:
    assert cs.read_value(type_, '"m.x"') == READ[type_]


@pytest.mark.parametrize("type_", TYPES, ids=str)
def test_each_type_has_a_type_of_C_sharp(type_: FieldType) -> None:
    assert cs.type_name(type_) == TYPES[type_]


def test_a_type_that_C_sharp_has_no_code_for_is_told_when_the_code_is_made() -> None:
    for make in (lambda t: cs.read_value(t, '""'), lambda t: cs.write_value(t, "X")):
        with pytest.raises(TypeError, match="List"):
            make(List(Int()))


def test_what_is_absent_has_the_default_and_is_never_null_but_for_the_nullable() -> None:
    assert cs.default_value(field(Int(), 7)) == "7"
    assert cs.default_value(field(Text(), 'a"b')) == '"a\\"b"'
    assert cs.default_value(field(Bool(), True)) == "true"
    assert cs.default_value(field(Bool(), False)) == "false"
    assert cs.default_value(field(Int())) == "default"
    assert cs.default_value(optional(List(Text()))) == "Array.Empty<string>()"
    assert cs.default_value(optional(JsonObject())) == "new Dictionary<string, object>()"
    assert cs.default_value(optional(Nullable(Record("R")))) == "null"
    assert cs.default_value(optional(Record("R"))) == "null"


def test_a_constructor_takes_what_is_required_and_fills_in_the_rest() -> None:
    fields = [field(Text(), name="npc_id"), optional(List(Text())), field(Int(), 3, "count")]
    assert cs.parameters(fields) == "string npcId, string[] x = null, long count = 3"
    assert cs.assignments(fields) == (
        "NpcId = npcId;\nX = x ?? Array.Empty<string>();\nCount = count;"
    )
    assert cs.argument_names(fields) == "npcId, x, count"


def test_what_is_received_cannot_be_changed() -> None:
    fields = [field(Int(), name="first_token_ms"), field(Text())]
    assert cs.member_fields(fields) == (
        "public readonly long FirstTokenMs;\npublic readonly string X;"
    )
    assert cs.member_fields(fields, readonly=False) == (
        "public long FirstTokenMs;\npublic string X;"
    )


def test_names_are_those_that_C_sharp_has() -> None:
    assert cs.pascal("first_token_ms") == "FirstTokenMs"
    assert cs.pascal("BAD_MESSAGE") == "BadMessage"
    assert cs.camel("first_token_ms") == "firstTokenMs"
    assert cs.camel("TurnEnd") == "turnEnd"
    assert cs.camel("event") == "@event"
    assert cs.camel("Event") == "@event"
    assert cs.camel("eventful") == "eventful"
    message = MessageType("Turn", "turn", 18, "", (), sequenced=True)
    assert cs.class_name(message) == "TurnMessage"


def test_a_constant_has_its_type_and_literal() -> None:
    assert cs.constant(5) == ("int", "5")
    assert cs.constant("a\n") == ("string", '"a\\n"')
    assert cs.constant(True) == ("bool", "true")


def test_a_docstring_becomes_a_comment_that_is_valid_XML() -> None:
    assert cs.summary("Uses `x` & <y>.\n\nMore.") == (
        "/// <summary>Uses <c>x</c> &amp; &lt;y&gt;.\n///\n/// More.</summary>"
    )


def test_a_file_says_where_it_comes_from_and_indents_its_parts() -> None:
    text = cs.source_file("N", ["System"], ["class A\n{\n\n}", "class B {}"])
    assert text.startswith("// Generated from ")
    assert text.endswith(
        "\nusing System;\n\nnamespace N\n{\n    class A\n    {\n\n    }\n\n    class B {}\n}\n"
    )
