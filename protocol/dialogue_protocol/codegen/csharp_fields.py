"""C# for one field at a time, and the names and text that the C# generators share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from .ir import Bool, Field, FieldType, Int, JsonObject, List, MessageType, Nullable, Record, Text

HEADER = """\
// Generated from protocol/dialogue_protocol/messages.py by `python -m dialogue_protocol.codegen`.
// Do not edit: change that file, run the command and commit both.
"""
_KEYWORDS = (
    " abstract as base bool break byte case catch char checked class const continue decimal"
    " default delegate do double else enum event explicit extern false finally fixed float for"
    " foreach goto if implicit in int interface internal is lock long namespace new null"
    " object operator out override params private protected public readonly ref return sbyte"
    " sealed short sizeof stackalloc static string struct switch this throw true try typeof"
    " uint ulong unchecked unsafe ushort using virtual void volatile while"
    " "
)


def source_file(namespace: str, usings: Iterable[str], parts: Iterable[str]) -> str:
    """A whole generated file."""
    body = "\n\n".join(indent(part) for part in parts)
    lines = "".join(f"using {name};\n" for name in usings)
    return f"{HEADER}\n{lines}\nnamespace {namespace}\n{{\n{body}\n}}\n"


# ---------------------------------------------------------------- fields


def read_value(type_: FieldType, where: str) -> str:
    """The expression that reads a value; `where` names it in an error, as a C# string."""
    match type_:
        case Int():
            return f"reader.ReadCount({where})"
        case Text():
            return f"reader.ReadString({where})"
        case Bool():
            return f"reader.ReadBoolean({where})"
        case JsonObject():
            return f"reader.ReadObject({where})"
        case List(Text()):
            return f"reader.ReadStrings({where})"
        case List(Record(name)):
            return f"reader.ReadArray({where}, (ref MsgpackReader r) => {name}.Read(ref r))"
        case Record(name):
            return f"{name}.Read(ref reader)"
        case Nullable(inner):
            return f"reader.TryReadNil() ? null : {read_value(inner, where)}"
    raise TypeError(f"C# has no reader for {type_}")


def write_field(field: Field) -> str:
    """The statement that writes a field."""
    return write_value(field.type, pascal(field.name))


def write_value(type_: FieldType, value: str) -> str:
    """The statement that writes the value of a C# expression."""
    match type_:
        case Int():
            return f"writer.WriteInteger({value});"
        case Text():
            return f"writer.WriteString({value});"
        case Bool():
            return f"writer.WriteBoolean({value});"
        case JsonObject():
            return f"writer.WriteObject({value});"
        case List(Text()):
            return f"writer.WriteStrings({value});"
        case List(Record()):
            return (
                f"writer.WriteArrayHeader({value}.Length); "
                f"foreach (var item in {value}) item.Write(writer);"
            )
        case Record():
            return f"{value}.Write(writer);"
        case Nullable(inner):
            return f"if ({value} == null) writer.WriteNil(); else {write_value(inner, value)}"
    raise TypeError(f"C# has no writer for {type_}")


def type_name(type_: FieldType) -> str:
    """The C# type."""
    match type_:
        case Int():
            return "long"
        case Text():
            return "string"
        case Bool():
            return "bool"
        case JsonObject():
            return "Dictionary<string, object>"
        case List(item):
            return f"{type_name(item)}[]"
        case Record(name):
            return name
        case _:
            return type_name(type_.type)


def default_value(field: Field) -> str:
    """What an absent field has; also the start value of a required one, until it was read."""
    match field.type:
        case Int() | Text() | Bool() if field.default is not None:
            return constant(field.default)[1]
        case Int() | Text() | Bool():
            return "default"
        case List(item):
            return f"Array.Empty<{type_name(item)}>()"
        case JsonObject():
            return "new Dictionary<string, object>()"
        case _:
            return "null"


def member_fields(fields: Iterable[Field], *, readonly: bool = True) -> str:
    """The fields of a class or struct."""
    keyword = "readonly " if readonly else ""
    return joined(f"public {keyword}{type_name(f.type)} {pascal(f.name)};" for f in fields)


def parameters(fields: Iterable[Field]) -> str:
    """The parameters of a constructor; a field with a default is optional."""
    return ", ".join(_parameter(f) for f in fields)


def _parameter(field: Field) -> str:
    """One parameter of a constructor."""
    text = f"{type_name(field.type)} {camel(field.name)}"
    if field.required:
        return text
    default = default_value(field)
    return f"{text} = {default if _is_constant(default) else 'null'}"


def assignments(fields: Iterable[Field]) -> str:
    """The body of a constructor."""
    return joined(_assignment(f) for f in fields)


def _assignment(field: Field) -> str:
    default = default_value(field)
    text = f"{pascal(field.name)} = {camel(field.name)}"
    return f"{text};" if _is_constant(default) else f"{text} ?? {default};"


def _is_constant(default: str) -> bool:
    return not default.startswith(("new ", "Array."))


def argument_names(fields: Iterable[Field]) -> str:
    """The arguments of a constructor, as the reader has them in local variables."""
    return ", ".join(camel(f.name) for f in fields)


# ---------------------------------------------------------------- text


def class_name(message: MessageType) -> str:
    """The C# name: a type must not be called like one of its members (turn.turn)."""
    return f"{message.name}Message"


def pascal(name: str) -> str:
    """first_token_ms, BAD_MESSAGE: FirstTokenMs, BadMessage."""
    return "".join(part.capitalize() for part in name.split("_"))


def camel(name: str) -> str:
    """first_token_ms, TurnEnd: firstTokenMs, turnEnd; a keyword of C# with an @."""
    joined = name if "_" not in name else pascal(name)
    text = joined[0].lower() + joined[1:]
    return f"@{text}" if f" {text} " in _KEYWORDS else text


def constant(value: int | str | bool) -> tuple[str, str]:
    """The C# type and literal of a constant."""
    if isinstance(value, bool):
        return "bool", "true" if value else "false"
    return ("int", str(value)) if isinstance(value, int) else ("string", quoted(value))


def quoted(text: str) -> str:
    """A C# string literal."""
    return json.dumps(text)


def summary(doc: str) -> str:
    """A docstring as an XML documentation comment."""
    text = doc.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"`([^`]*)`", r"<c>\1</c>", text)
    lines = f"<summary>{text}</summary>".splitlines()
    return "\n".join(f"/// {line}".rstrip() for line in lines)


def joined(lines: Iterable[str]) -> str:
    """One line each."""
    return "\n".join(lines)


def indent(text: str, levels: int = 1) -> str:
    """The same lines, further in."""
    pad = "    " * levels
    return "\n".join(pad + line if line else line for line in text.split("\n"))
