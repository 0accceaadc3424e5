"""The messages as GDScript: one file of typed classes that read and write msgpack.

The style is gdformat's, so that a formatter run changes nothing. Only what the Godot client
needs is made: client messages can write themselves, server messages read themselves.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from .ir import (
    Bool,
    Description,
    Enumeration,
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
)

_NAMES = {"Error": "ErrorMessage", "Script": "ScriptMessage"}
"""Struct names that the engine has taken, and what the class is called instead."""

_HEADER = """\
# gdlint:disable=max-file-lines
@tool
class_name DialogueMessages
extends RefCounted
## Every message of the wire, version {version}. Generated; do not edit.
##
## Made from the protocol's definition by [code]python -m dialogue_protocol.codegen write[/code].
## A message from the server is read by [method read_server], and hands itself to the signal of
## its type in [DialogueMessages.Incoming] by [code]deliver()[/code].
"""

_BASE = """\
## What all messages have in common.
class Message:
	extends RefCounted

	## Whether the message counts: the n-th one of a direction has the sequence number n.
	func is_sequenced() -> bool:
		return false

	## Writes a client's message. Server messages write nothing.
	func write(_writer: DialogueMsgpackWriter) -> void:
		pass

	## Emits the signal of this message's type. Client messages emit nothing.
	func deliver(_incoming: Incoming) -> void:
		pass


## A message of a type that this version does not know: to be ignored, but counted.
class Unknown:
	extends Message

	## The message's number.
	var type: int = 0

	func is_sequenced() -> bool:
		return type >= FIRST_SEQUENCED_TYPE
"""


def generate(description: Description) -> str:
    """The text of messages.gen.gd."""
    written = _records_of(description.client_messages, description.records)
    read = _records_of(description.server_messages, description.records)
    blocks = [_BASE.rstrip(), _incoming(description.server_messages)]
    blocks += [_strings(e) for e in description.enumerations if not _is_numeric(e)]
    for record in description.records:
        blocks.append(_record(record, reads=record.name in read, writes=record.name in written))
    blocks += [_client_message(message) for message in description.client_messages]
    blocks += [_server_message(message) for message in description.server_messages]
    blocks.append(_read_server(description))
    blocks.append(_close_policy(description))
    return "\n\n\n".join([_head(description), *blocks]) + "\n"


def _head(description: Description) -> str:
    lines = [_HEADER.format(version=description.version)]
    for enumeration in filter(_is_numeric, description.enumerations):
        lines += _doc(enumeration.doc, "")
        lines.append(f"enum {enumeration.name} {{")
        lines += [f"\t{member.name} = {member.value}," for member in enumeration.members]
        lines.append("}\n")
    lines += [
        "## The protocol's version.",
        f"const VERSION: int = {description.version}",
        "## The WebSocket subprotocol of this encoding.",
        f'const SUBPROTOCOL: String = "{description.subprotocol_msgpack}"',
        "## Messages from this number on have sequence numbers.",
        f"const FIRST_SEQUENCED_TYPE: int = {description.first_sequenced_type}",
    ]
    return "\n".join(lines)


def _is_numeric(enumeration: Enumeration) -> bool:
    return all(isinstance(member.value, int) for member in enumeration.members)


def _incoming(messages: Iterable[MessageType]) -> str:
    lines = [
        "## One signal for each type of message that the server sends.",
        "class Incoming:",
        "\textends RefCounted",
        "",
    ]
    for message in messages:
        lines += _doc(_first_sentence(message.doc), "\t")
        lines.append('\t@warning_ignore("unused_signal")')
        lines.append(f"\tsignal {_signal(message)}(message: {_class(message.name)})")
    return "\n".join(lines)


def _strings(enumeration: Enumeration) -> str:
    lines = [*_doc(enumeration.doc, ""), f"class {enumeration.name}:", "\textends RefCounted", ""]
    lines += [f'\tconst {m.name}: String = "{m.value}"' for m in enumeration.members]
    return "\n".join(lines)


# ---------------------------------------------------------------- classes


def _record(record: RecordType, *, reads: bool, writes: bool) -> str:
    name = _class(record.name)
    lines = _class_head(name, "RefCounted", record.doc, record.fields)
    if reads:
        bits = {
            field.name: 1 << i for i, field in enumerate(f for f in record.fields if f.required)
        }
        lines += [
            "",
            f"\tstatic func read(reader: DialogueMsgpackReader, where: String) -> {name}:",
            f"\t\tvar record: {name} = {name}.new()",
            f"\t\tvar missing: int = {sum(bits.values())}",
            "\t\tfor _index: int in reader.read_map_header(where):",
            "\t\t\tmatch reader.read_text(where):",
        ]
        for field in record.fields:
            lines.append(f'\t\t\t\t"{field.name}":')
            where = f'where + ".{field.name}"'
            lines += [
                f"\t\t\t\t\t{line}" for line in _read(field.type, f"record.{field.name}", where)
            ]
            if field.required:
                lines.append(f"\t\t\t\t\tmissing &= ~{bits[field.name]}")
        lines += [
            "\t\t\t\t_:",
            "\t\t\t\t\treader.skip()",
            "\t\tif missing != 0:",
            '\t\t\treader.fail(where + ": a required field is missing")',
            "\t\treturn record",
        ]
    if writes:
        lines += [
            "",
            "\tfunc write(writer: DialogueMsgpackWriter) -> void:",
            f"\t\twriter.put_map_header({len(record.fields)})",
        ]
        for field in record.fields:
            lines.append(f'\t\twriter.put_text("{field.name}")')
            lines += [f"\t\t{line}" for line in _write(field.type, field.name)]
    return "\n".join(lines)


def _client_message(message: MessageType) -> str:
    lines = _message_head(message)
    lines += [
        "",
        "\tfunc write(writer: DialogueMsgpackWriter) -> void:",
        f"\t\twriter.put_array_header({len(message.fields) + 1})",
        "\t\twriter.put_int(TYPE)",
    ]
    for field in message.fields:
        lines += [f"\t\t{line}" for line in _write(field.type, field.name)]
    return "\n".join(lines)


def _server_message(message: MessageType) -> str:
    name = _class(message.name)
    lines = _message_head(message)
    required = sum(field.required for field in message.fields)
    lines += [
        "",
        f"\tstatic func read(reader: DialogueMsgpackReader, count: int) -> {name}:",
        f"\t\tvar message: {name} = {name}.new()",
    ]
    if required:
        lines += [
            f"\t\tif count < {required}:",
            f'\t\t\treader.fail_count("{message.json_name}", {required}, count)',
            "\t\t\treturn message",
        ]
    for index, field in enumerate(message.fields):
        where = f'"{message.json_name}.{field.name}"'
        steps = _read(field.type, f"message.{field.name}", where)
        if not field.required:
            steps = [f"if count > {index}:", *(f"\t{step}" for step in steps)]
        lines += [f"\t\t{step}" for step in steps]
    lines += [
        f"\t\treader.skip_many(count - {len(message.fields)})",
        "\t\treturn message",
        "",
        "\tfunc deliver(incoming: Incoming) -> void:",
        f"\t\tincoming.{_signal(message)}.emit(self)",
    ]
    return "\n".join(lines)


def _message_head(message: MessageType) -> list[str]:
    lines = _class_head(
        _class(message.name), "Message", message.doc, message.fields, number=message.number
    )
    if message.sequenced:
        lines += ["", "\tfunc is_sequenced() -> bool:", "\t\treturn true"]
    return lines


def _class_head(
    name: str, base: str, doc: str, fields: Sequence[Field], number: int | None = None
) -> list[str]:
    lines = [*_doc(doc, ""), f"class {name}:", f"\textends {base}", ""]
    if number is not None:
        lines.append(f"\tconst TYPE: int = {number}")
    if number is not None and fields:
        lines.append("")
    lines += [f"\tvar {f.name}: {_type(f.type)} = {_default(f)}" for f in fields]
    return lines


# ---------------------------------------------------------------- functions


def _read_server(description: Description) -> str:
    lines = [
        "## Reads the frame that [param reader] was given. Null if it is not a message: then",
        "## [member DialogueMsgpackReader.problem] says why.",
        "static func read_server(reader: DialogueMsgpackReader) -> Message:",
        "\tvar count: int = reader.read_array_header() - 1",
        '\tvar type: int = reader.read_uint("type")',
        "\treader.type = type if reader.problem.is_empty() else -1",
        f"\tif type > {description.last_type}:",
        f'\t\treader.fail("type: expected 0 to {description.last_type}, got %d" % type)',
        "\tvar message: Message = null",
        "\tif reader.problem.is_empty():",
        "\t\tmatch type:",
    ]
    for message in sorted(description.server_messages, key=lambda m: -m.number):
        lines += [
            f"\t\t\t{message.number}:",
            f"\t\t\t\tmessage = {_class(message.name)}.read(reader, count)",
        ]
    lines += [
        "\t\t\t_:",
        "\t\t\t\tvar unknown: Unknown = Unknown.new()",
        "\t\t\t\tunknown.type = type",
        "\t\t\t\treader.skip_many(count)",
        "\t\t\t\tmessage = unknown",
        "\treader.expect_end()",
        "\treturn message if reader.problem.is_empty() else null",
    ]
    return "\n".join(lines)


def _close_policy(description: Description) -> str:
    lines = [
        "## What a client does after any WebSocket close code, known or not: a value of",
        "## [DialogueMessages.ClosePolicy].",
        "static func close_policy(code: int) -> String:",
    ]
    ordinary = ""
    for policy in {r.policy: None for r in description.close_ranges}:
        ranges = [r for r in description.close_ranges if r.policy == policy]
        if any(r.last == 4999 for r in ranges):  # everything else, codes out of range too
            ordinary = policy
            continue
        for r in ranges:
            test = (
                f"code == {r.first}"
                if r.first == r.last
                else f"code >= {r.first} and code <= {r.last}"
            )
            lines += [f"\tif {test}:", f"\t\treturn ClosePolicy.{policy.upper()}"]
    lines.append(f"\treturn ClosePolicy.{ordinary.upper()}")
    return "\n".join(lines)


# ---------------------------------------------------------------- fields


def _type(type_: FieldType) -> str:
    match type_:
        case Int():
            return "int"
        case Text():
            return "String"
        case Bool():
            return "bool"
        case JsonObject():
            return "Dictionary"
        case List(item):
            return f"Array[{_type(item)}]"
        case Record(name):
            return _class(name)
        case Nullable(JsonObject()):
            return "Variant"
    return _type(type_.type)  # nullable


def _default(field: Field) -> str:
    match field.type:
        case Nullable():
            return "null"
        case Int():
            return str(field.default or 0)
        case Text():
            return f'"{field.default or ""}"'
        case Bool():
            return "true" if field.default else "false"
        case JsonObject():
            return "{}"
        case List():
            return "[]"
    return f"{_class(field.type.name)}.new()"  # a record


def _read(type_: FieldType, target: str, where: str) -> list[str]:
    """The statements that read a value into `target`."""
    match type_:
        case Int():
            return [f"{target} = reader.read_uint({where})"]
        case Text():
            return [f"{target} = reader.read_text({where})"]
        case Bool():
            return [f"{target} = reader.read_bool({where})"]
        case JsonObject():
            return [f"{target} = reader.read_object({where})"]
        case Record(name):
            return [f"{target} = {_class(name)}.read(reader, {where})"]
        case List(item):
            variable = "item" + str(target.count("item") or "")
            return [
                f"for _item: int in reader.read_list_header({where}):",
                f"\tvar {variable}: {_type(item)}",
                *(f"\t{line}" for line in _read(item, variable, where)),
                f"\t{target}.append({variable})",
            ]
    steps = _read(type_.type, target, where)
    return ["if not reader.skip_nil():", *(f"\t{step}" for step in steps)]


def _write(type_: FieldType, value: str) -> list[str]:
    """The statements that write a value."""
    match type_:
        case Int():
            return [f"writer.put_int({value})"]
        case Text():
            return [f"writer.put_text({value})"]
        case Bool():
            return [f"writer.put_bool({value})"]
        case JsonObject():
            return [f'writer.put_value({value}, "{value}")']
        case Record():
            return [f"{value}.write(writer)"]
        case List(item):
            return [
                f"writer.put_array_header({value}.size())",
                f"for item: {_type(item)} in {value}:",
                *(f"\t{line}" for line in _write(item, "item")),
            ]
        case Nullable(JsonObject() as inner):
            return _write(inner, value)  # a value may be null
    return [
        f"if {value} == null:",
        "\twriter.put_nil()",
        "else:",
        *(f"\t{line}" for line in _write(type_.type, value)),
    ]


# ---------------------------------------------------------------- names and words


def _class(name: str) -> str:
    return _NAMES.get(name, name)


def _signal(message: MessageType) -> str:
    return message.json_name


def _records_of(messages: Iterable[MessageType], records: Sequence[RecordType]) -> set[str]:
    """The records that these messages hold, directly or inside others."""
    names = {name for m in messages for f in m.fields for name in _record_names(f.type)}
    for record in reversed(records):  # a record comes after those it holds
        if record.name in names:
            names |= {name for f in record.fields for name in _record_names(f.type)}
    return names


def _record_names(type_: FieldType) -> set[str]:
    match type_:
        case Record(name):
            return {name}
        case List(inner) | Nullable(inner):
            return _record_names(inner)
        case _:
            return set()


def _first_sentence(doc: str) -> str:
    return re.split(r"(?<=[.])\s", doc, maxsplit=1)[0]


def _doc(doc: str, indent: str) -> list[str]:
    """The docstring as a documentation comment."""
    lines = []
    for paragraph in re.split(r"\n\s*\n", doc):
        text = re.sub(r"`([^`]+)`", r"[code]\1[/code]", " ".join(paragraph.split()))
        lines += [f"{indent}## {line}" for line in textwrap.wrap(text, 92)]
        lines.append(f"{indent}##")
    return lines[:-1]
