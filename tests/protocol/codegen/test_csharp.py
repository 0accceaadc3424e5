"""The messages as C#. That the code compiles and obeys the vectors is shown in tests/unity."""

from __future__ import annotations

import re

import msgspec
from dialogue_protocol.codegen import csharp
from dialogue_protocol.codegen.ir import (
    Field,
    Int,
    List,
    MessageType,
    Nullable,
    Record,
    RecordType,
    Text,
    describe,
)

DESCRIPTION = describe()
TEXT = csharp.generate(DESCRIPTION)


def test_what_the_client_sends_are_classes_and_what_it_receives_are_readonly_structs() -> None:
    for message in DESCRIPTION.client_messages:
        assert f"public sealed class {message.name}Message : IClient" in TEXT
    for message in DESCRIPTION.server_messages:
        assert f"public readonly struct {message.name}Message\n" in TEXT


def test_a_message_with_a_line_id_says_so_to_the_connection() -> None:
    requests = re.findall(r"class (\w+)Message : IClientRequest", TEXT)
    assert {"Say", "Regenerate", "Event", "Script", "Advance", "ActionResult", "Suggest"} == (
        set(requests)
    )
    assert TEXT.count("string IClientRequest.Line => Line;") == len(requests)


def test_the_handler_the_forwarder_and_the_dispatch_know_every_server_message() -> None:
    for message in DESCRIPTION.server_messages:
        name = message.name
        assert f"        void On{name}(in {name}Message message);\n" in TEXT
        assert (
            f"public virtual void On{name}(in {name}Message message) => "
            f"Next?.On{name}(in message);" in TEXT
        )
        assert f"case {name}Message.TypeNumber:" in TEXT


def test_the_codes_are_constants_so_that_unknown_ones_pass() -> None:
    assert 'public const string RateLimited = "rate_limited";' in TEXT
    assert "public const int Unauthorized = 4201;" in TEXT
    assert "public enum ClosePolicy\n" in TEXT
    assert "public enum ErrorCode" not in TEXT


def test_every_close_code_has_a_policy() -> None:
    rows = re.findall(r"if \(code <= (\d+)\) return ClosePolicy\.(\w+);", TEXT)
    assert [(int(last), policy) for last, policy in rows] == [
        (row.last, str(row.policy).capitalize()) for row in DESCRIPTION.close_ranges
    ]
    assert "return ClosePolicy.Stop;\n" in TEXT


def test_a_message_is_an_array_and_trailing_fields_may_be_missing() -> None:
    text = _generated(
        Field("turn", Int(), required=True, default=None),
        Field("text", Text(), required=False, default="x"),
    )
    assert "writer.WriteArrayHeader(3);" in text
    assert (
        'long turn = items > 1 ? reader.ReadCount("m.turn") : '
        'throw reader.Missing("m.turn");' in text
    )
    assert 'string text = items > 2 ? reader.ReadString("m.text") : "x";' in text
    assert "reader.Finish(items - 3);" in text


def test_a_record_is_a_map_whose_unknown_keys_are_skipped() -> None:
    text = _generated(Field("r", List(Record("R")), required=True, default=None))
    assert 'case "x": x = reader.ReadCount("R.x"); seenX = true; break;' in text
    assert 'case "y": y = reader.TryReadNil() ? null : reader.ReadString("R.y"); break;' in text
    assert "default: reader.Skip(); break;" in text
    assert 'if (!seenX) throw reader.Missing("R.x");' in text
    assert "seenY" not in text
    assert "writer.WriteMapHeader(2);" in text


def _generated(*fields: Field) -> str:
    """The file for a protocol of one message M either way, and a record R."""
    record = RecordType(
        "R",
        "A record.",
        (
            Field("x", Int(), required=True, default=None),
            Field("y", Nullable(Text()), required=False, default=None),
        ),
    )
    message = MessageType("M", "m", 20, "A message.", fields, sequenced=True)
    return csharp.generate(
        msgspec.structs.replace(
            DESCRIPTION, records=(record,), client_messages=(message,), server_messages=(message,)
        )
    )
