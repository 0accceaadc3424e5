"""C# for tests only: the messages as the JSON that the conformance vectors have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .csharp_fields import class_name, indent, joined, pascal, quoted, source_file, type_name
from .ir import Description, Field, FieldType, List, MessageType, Nullable, Record, Text


def generate(description: Description) -> str:
    """The text of MessagesAsJson.gen.cs: the messages as the vectors' JSON, for tests only."""
    usings = ["System", "System.Collections.Generic", "System.Linq", "DialogueServer.Protocol"]
    parts = [_from_json(description), _to_json(description)]
    return source_file("DialogueServer.Tests", usings, parts)


def _from_json(description: Description) -> str:
    records = "\n\n".join(
        f"private static {r.name} {r.name}From(Dictionary<string, object> json)\n{{\n"
        f"    return new {r.name}({', '.join(_from(f) for f in r.fields)});\n}}"
        for r in description.records
    )
    cases = joined(
        f"case {quoted(m.json_name)}: return new {class_name(m)}"
        f"({', '.join(_from(f) for f in m.fields)});"
        for m in description.client_messages
    )
    return f"""\
/// <summary>Client messages out of the vectors' complete JSON.</summary>
public static class ClientMessagesFromJson
{{
    public static IClientMessage Read(Dictionary<string, object> json)
    {{
        switch ((string)json["type"])
        {{
{indent(cases, 3)}
            default: throw new ArgumentException("no client message is called " + json["type"]);
        }}
    }}

{indent(records)}
}}"""


def _from(field: Field) -> str:
    return _from_value(field.type, f"json[{quoted(field.name)}]")


def _from_value(type_: FieldType, value: str) -> str:
    match type_:
        case List(Text()):
            return f"((List<object>){value}).Cast<string>().ToArray()"
        case List(Record(name)):
            item = f"{name}From((Dictionary<string, object>)i)"
            return f"((List<object>){value}).Select(i => {item}).ToArray()"
        case Record(name):
            return f"{name}From((Dictionary<string, object>){value})"
        case Nullable(inner):
            return f"{value} == null ? null : {_from_value(inner, value)}"
        case _:
            return f"({type_name(type_)}){value}"


def _to_json(description: Description) -> str:
    records = "\n\n".join(
        f"private static Dictionary<string, object> Json({r.name} message) =>\n"
        f"    new Dictionary<string, object> {{ {', '.join(_pairs(r.fields))} }};"
        for r in description.records
    )
    methods = "\n\n".join(
        f"public void On{m.name}(in {class_name(m)} message) =>\n"
        f"    Last = new Dictionary<string, object> {{ {', '.join(_tagged_pairs(m))} }};"
        for m in description.server_messages
    )
    return f"""\
/// <summary>Keeps the last server message as the vectors' complete JSON.</summary>
public sealed class ServerMessagesAsJson : IServerMessageHandler
{{
    public Dictionary<string, object> Last;

{indent(methods)}

{indent(records)}
}}"""


def _tagged_pairs(message: MessageType) -> Iterator[str]:
    yield f'["type"] = {quoted(message.json_name)}'
    yield from _pairs(message.fields)


def _pairs(fields: Iterable[Field]) -> Iterator[str]:
    for field in fields:
        yield f"[{quoted(field.name)}] = {_to_value(field.type, 'message.' + pascal(field.name))}"


def _to_value(type_: FieldType, value: str) -> str:
    match type_:
        case List(Text()):
            return f"{value}.Cast<object>().ToList()"
        case List(Record()):
            return f"{value}.Select(i => (object)Json(i)).ToList()"
        case Record():
            return f"Json({value})"
        case Nullable(inner):
            return f"{value} == null ? null : {_to_value(inner, value)}"
        case _:
            return value
