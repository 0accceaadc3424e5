"""The messages as C# 9: classes and structs that read and write msgpack without reflection.

What the client receives are readonly structs, handed to an interface with one method for each,
so that a delta allocates nothing but its text. What it sends are classes, since the connection
keeps them. The reader and writer that the code calls are written by hand (unity_client).
"""

from __future__ import annotations

from collections.abc import Iterable

from .csharp_fields import (
    argument_names,
    assignments,
    camel,
    class_name,
    constant,
    default_value,
    indent,
    joined,
    member_fields,
    parameters,
    pascal,
    quoted,
    read_value,
    source_file,
    summary,
    type_name,
    write_field,
)
from .ir import Description, Enumeration, MessageType, RecordType

POLICY = "ClosePolicy"
"""The enumeration that never goes over the wire: a real C# enum."""


def generate(description: Description) -> str:
    """The text of Messages.gen.cs."""
    parts = [
        _protocol(description),
        *(_enumeration(e) for e in description.enumerations),
        _close_policies(description),
        *(_record(r) for r in description.records),
        *(_client_message(m) for m in description.client_messages),
        *(_server_message(m) for m in description.server_messages),
        _handler(description.server_messages),
        _forwarder(description.server_messages),
        _dispatch(description.server_messages),
    ]
    return source_file("DialogueServer.Protocol", ["System", "System.Collections.Generic"], parts)


# ---------------------------------------------------------------- constants


def _protocol(description: Description) -> str:
    return f"""\
/// <summary>What both ends agree on.</summary>
public static class ProtocolInfo
{{
    public const int Version = {description.version};
    public const string Subprotocol = {quoted(description.subprotocol_msgpack)};

    /// <summary>Messages of this type and up have sequence numbers; both ends count.</summary>
    public const int FirstSequencedType = {description.first_sequenced_type};
}}"""


def _enumeration(enumeration: Enumeration) -> str:
    doc = summary(enumeration.doc)
    if enumeration.name == POLICY:
        members = [f"{pascal(member.name)}," for member in enumeration.members]
        head = f"public enum {enumeration.name}"
    else:
        head = f"public static class {enumeration.name}"
        members = [
            f"public const {constant(m.value)[0]} {pascal(m.name)} = {constant(m.value)[1]};"
            for m in enumeration.members
        ]
    return f"{doc}\n{head}\n{{\n{indent(joined(members))}\n}}"


def _close_policies(description: Description) -> str:
    rows = [
        f"if (code <= {row.last}) return {POLICY}.{pascal(row.policy)};"
        for row in description.close_ranges
    ]
    body = indent(joined([*rows, f"return {POLICY}.Stop;"]), 2)
    return f"""\
/// <summary>What a client does after any WebSocket close code, known or not.</summary>
public static class ClosePolicies
{{
    public static {POLICY} For(int code)
    {{
{body}
    }}
}}"""


# ---------------------------------------------------------------- records


def _record(record: RecordType) -> str:
    name, fields = record.name, record.fields
    required = [f for f in fields if f.required]
    cases = []
    for field in fields:
        mark = f" seen{pascal(field.name)} = true;" if field.required else ""
        where = quoted(f"{name}.{field.name}")
        cases.append(
            f"case {quoted(field.name)}: {camel(field.name)} = {read_value(field.type, where)};"
            f"{mark} break;"
        )
    body = [
        *(f"{type_name(f.type)} {camel(f.name)} = {default_value(f)};" for f in fields),
        *(f"bool seen{pascal(f.name)} = false;" for f in required),
        f"int count = reader.ReadMapHeader({quoted(name)});",
        "for (int index = 0; index < count; index++)",
        "{",
        f"    switch (reader.ReadString({quoted(name)}))",
        "    {",
        *(f"        {case}" for case in cases),
        "        default: reader.Skip(); break;",
        "    }",
        "}",
        *(
            f"if (!seen{pascal(f.name)}) throw reader.Missing({quoted(f'{name}.{f.name}')});"
            for f in required
        ),
        f"return new {name}({argument_names(fields)});",
    ]
    writes = [f"writer.WriteMapHeader({len(fields)});"]
    for field in fields:
        writes += [f"writer.WriteString({quoted(field.name)});", write_field(field)]
    return f"""\
{summary(record.doc)}
[Serializable]
public sealed class {name}
{{
{indent(member_fields(fields, readonly=False))}

    public {name}({parameters(fields)})
    {{
{indent(assignments(fields), 2)}
    }}

    internal static {name} Read(ref MsgpackReader reader)
    {{
{indent(joined(body), 2)}
    }}

    internal void Write(MsgpackWriter writer)
    {{
{indent(joined(writes), 2)}
    }}
}}"""


# ---------------------------------------------------------------- messages


def _is_request(message: MessageType) -> bool:
    """Whether it has a line id, under which it is answered once however often it is sent."""
    return {"conversation", "line"} <= {field.name for field in message.fields}


def _client_message(message: MessageType) -> str:
    name, fields = class_name(message), message.fields
    request = _is_request(message)
    base = "IClientRequest" if request else "IClientMessage"
    keys = """

    string IClientRequest.Conversation => Conversation;

    string IClientRequest.Line => Line;"""
    writes = [
        f"writer.WriteArrayHeader({len(fields) + 1});",
        f"writer.WriteInteger({message.number});",
        *(write_field(f) for f in fields),
    ]
    return f"""\
{summary(message.doc)}
public sealed class {name} : {base}
{{
    public const int TypeNumber = {message.number};

{indent(member_fields(fields))}

    public {name}({parameters(fields)})
    {{
{indent(assignments(fields), 2)}
    }}

    int IClientMessage.Type => TypeNumber;{keys if request else ""}

    void IClientMessage.Write(MsgpackWriter writer)
    {{
{indent(joined(writes), 2)}
    }}
}}"""


def _server_message(message: MessageType) -> str:
    name, fields = class_name(message), message.fields
    reads = []
    for index, field in enumerate(fields):
        where = quoted(f"{message.json_name}.{field.name}")
        missing = f"throw reader.Missing({where})" if field.required else default_value(field)
        reads.append(
            f"{type_name(field.type)} {camel(field.name)} = "
            f"items > {index + 1} ? {read_value(field.type, where)} : {missing};"
        )
    body = joined(
        [
            *reads,
            f"reader.Finish(items - {len(fields) + 1});",
            f"return new {name}({argument_names(fields)});",
        ]
    )
    return f"""\
{summary(message.doc)}
public readonly struct {name}
{{
    public const int TypeNumber = {message.number};

{indent(member_fields(fields))}

    public {name}({parameters(fields)})
    {{
{indent(assignments(fields), 2)}
    }}

    internal static {name} Read(ref MsgpackReader reader, int items)
    {{
{indent(body, 2)}
    }}
}}"""


def _handler(messages: Iterable[MessageType]) -> str:
    methods = joined(f"void On{m.name}(in {class_name(m)} message);" for m in messages)
    return f"""\
/// <summary>Takes what the server sends, one method for each message.</summary>
public interface IServerMessageHandler
{{
{indent(methods)}
}}"""


def _forwarder(messages: Iterable[MessageType]) -> str:
    methods = joined(
        f"public virtual void On{m.name}(in {class_name(m)} message) => "
        f"Next?.On{m.name}(in message);"
        for m in messages
    )
    return f"""\
/// <summary>Passes everything on, if there is a next; override what concerns you.</summary>
public class ServerMessageForwarder : IServerMessageHandler
{{
    public IServerMessageHandler Next {{ get; set; }}

{indent(methods)}
}}"""


def _dispatch(messages: Iterable[MessageType]) -> str:
    cases = []
    for message in messages:
        name = class_name(message)
        local = camel(message.name)
        cases += [
            f"case {name}.TypeNumber:",
            f"    {name} {local} = {name}.Read(ref reader, items);",
            f"    handler.On{message.name}(in {local});",
            "    return true;",
        ]
    return f"""\
/// <summary>Reads what the server sends.</summary>
public static class ServerMessages
{{
    /// <summary>Reads the rest of a message of <paramref name="type"/> and hands it over. False,
    /// with nothing read, for a type of a later version.</summary>
    internal static bool Read(
        ref MsgpackReader reader, int type, int items, IServerMessageHandler handler)
    {{
        switch (type)
        {{
{indent(joined(cases), 3)}
            default:
                return false;
        }}
    }}
}}"""
