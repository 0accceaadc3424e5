"""The GDScript that is made. That it works is shown in the engine (tests/godot)."""

from __future__ import annotations

import msgspec
from dialogue_protocol.codegen import gdscript
from dialogue_protocol.codegen.ir import (
    Bool,
    Description,
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

TEXT = gdscript.generate(describe())


def test_every_message_has_a_class_and_the_server_s_have_a_signal() -> None:
    description = describe()
    for message in (*description.client_messages, *description.server_messages):
        name = {"Error": "ErrorMessage", "Script": "ScriptMessage"}.get(message.name, message.name)
        assert f"\nclass {name}:\n\textends Message\n" in TEXT
    for message in description.server_messages:
        assert f"\tsignal {message.json_name}(message: " in TEXT


def test_every_declaration_is_typed() -> None:
    for line in TEXT.splitlines():
        words = line.split()
        if words[:1] in (["var"], ["const"]):
            assert words[1].endswith(":"), line


def test_a_field_of_each_type_is_written() -> None:
    expected = {
        "writer.put_int(n)": Int(),
        "writer.put_text(n)": Text(),
        "writer.put_bool(n)": Bool(),
        'writer.put_value(n, "n")': JsonObject(),
        "n.write(writer)": Record("R"),
        "writer.put_array_header(n.size())\n\t\tfor item: int in n:\n\t\t\twriter.put_int(item)": (
            List(Int())
        ),
        "if n == null:\n\t\t\twriter.put_nil()\n\t\telse:\n\t\t\tn.write(writer)": (
            Nullable(Record("R"))
        ),
    }
    for code, type_ in expected.items():
        assert f"\t\t{code}\n" in generated(type_, client=True)


def test_a_field_of_each_type_is_read() -> None:
    expected = {
        'message.n = reader.read_uint("m.n")': Int(),
        'message.n = reader.read_text("m.n")': Text(),
        'message.n = reader.read_bool("m.n")': Bool(),
        'message.n = reader.read_object("m.n")': JsonObject(),
        'message.n = R.read(reader, "m.n")': Record("R"),
        'for _item: int in reader.read_list_header("m.n"):\n\t\t\tvar item: R\n'
        '\t\t\titem = R.read(reader, "m.n")\n\t\t\tmessage.n.append(item)': List(Record("R")),
        'if not reader.skip_nil():\n\t\t\tmessage.n = R.read(reader, "m.n")': (
            Nullable(Record("R"))
        ),
    }
    for code, type_ in expected.items():
        assert f"\t\t{code}\n" in generated(type_, client=False)


def test_each_type_has_its_gdscript_and_its_default() -> None:
    declared = {
        "int = 7": (Int(), 7),
        "int = 0": (Int(), None),
        'String = "x"': (Text(), "x"),
        "bool = true": (Bool(), True),
        "bool = false": (Bool(), False),
        "Dictionary = {}": (JsonObject(), None),
        "Array[String] = []": (List(Text()), None),
        "R = R.new()": (Record("R"), None),
        "R = null": (Nullable(Record("R")), None),
        "Variant = null": (Nullable(JsonObject()), None),
    }
    for code, (type_, default) in declared.items():
        text = generated(type_, client=True, default=default)
        assert f"\n\tvar n: {code}\n" in text
    assert "R.read" not in generated(Record("R"), client=True)
    assert "func write(writer: DialogueMsgpackWriter) -> void:\n\t\twriter.put_map_header(" not in (
        generated(Record("R"), client=False)
    )


def test_a_field_with_a_default_may_be_missing_on_the_wire() -> None:
    text = generated(Int(), client=False, required=False)
    assert '\t\tif count > 0:\n\t\t\tmessage.n = reader.read_uint("m.n")\n' in text
    assert "fail_count" not in text.partition("\nclass M:\n")[2].partition("\nstatic")[0]


def test_a_record_inside_a_record_is_made_for_the_direction_that_uses_it() -> None:
    inner = RecordType("R", "", (Field("x", Int(), required=False, default=0),))
    outer = RecordType("S", "", (Field("r", Record("R"), required=True),))
    message = _message(Record("S"), required=True, default=None)
    text = gdscript.generate(
        _replace(describe(), records=(inner, outer), client=(), server=(message,))
    )
    assert "static func read(reader: DialogueMsgpackReader, where: String) -> R:" in text
    assert 'record.r = R.read(reader, where + ".r")' in text


def test_a_message_without_fields_has_no_gap_where_they_would_be() -> None:
    message = MessageType("M", "m", 20, "A message.", (), sequenced=True)
    text = gdscript.generate(_replace(describe(), records=(), client=(message,), server=()))
    assert "\tconst TYPE: int = 20\n\n\tfunc is_sequenced" in text


def test_code_in_a_docstring_is_marked_and_paragraphs_are_kept() -> None:
    assert gdscript._doc("Uses `x`.\n\nMore.", "\t") == [
        "\t## Uses [code]x[/code].",
        "\t##",
        "\t## More.",
    ]


def generated(
    type_: FieldType,
    *,
    client: bool,
    required: bool = True,
    default: int | str | bool | None = None,
) -> str:
    """The file for a protocol of one message M with one field n, and a record R."""
    record = RecordType("R", "", (Field("x", Int(), required=True),))
    message = _message(type_, required=required, default=default)
    return gdscript.generate(
        _replace(
            describe(),
            records=(record,),
            client=(message,) if client else (),
            server=() if client else (message,),
        )
    )


def _message(type_: FieldType, *, required: bool, default: int | str | bool | None) -> MessageType:
    field = Field("n", type_, required, default)
    return MessageType("M", "m", 20, "A message.", (field,), sequenced=True)


def _replace(
    description: Description,
    *,
    records: tuple[RecordType, ...],
    client: tuple[MessageType, ...],
    server: tuple[MessageType, ...],
) -> Description:
    return msgspec.structs.replace(
        description, records=records, client_messages=client, server_messages=server
    )
