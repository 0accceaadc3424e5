"""spec.md tells every message, field, default and code; its diagrams and frames are true."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dialogue_protocol import messages
from dialogue_protocol.codec import JSON, MSGPACK, Unknown
from dialogue_protocol.codes import CloseCode, EndReason, ErrorCode, close_policy
from dialogue_protocol.connection import CLIENT_LIFECYCLE, SERVER_LIFECYCLE, Lifecycle, mermaid
from dialogue_protocol.wire_types import CLIENT_SIDE, SERVER_SIDE, Kind

SPEC = (Path(messages.__file__).parents[1] / "spec.md").read_text(encoding="utf-8")
CLIENT_PART, SERVER_PART = SPEC.split("\n## Messages of the server\n")
KINDS = [*CLIENT_SIDE.kinds, *SERVER_SIDE.kinds]
NESTED = {
    "RESUME": messages.Resume,
    "PLAYER": messages.Player,
    "LIMITS": messages.Limits,
    "NPC": messages.NpcInfo,
    "LINE": messages.SpokenLine,
    "PROMPT_MESSAGE": messages.PromptMessage,
    "PROMPT_PART": messages.PromptPart,
    "CONTENT_PROBLEM": messages.ContentProblem,
}
TYPES = {
    "integer": messages.Count,
    "string": str,
    "id": messages.Id,
    "label": messages.Label,
    "locale": messages.Locale,
    "boolean": bool,
    "list of string": list[str],
    "list of label": messages.Capabilities,
    "map": dict[str, Any],
    "map or null": dict[str, Any] | None,
    "RESUME or null": messages.Resume | None,
    "PLAYER": messages.Player,
    "LIMITS": messages.Limits,
    "list of NPC": list[messages.NpcInfo],
    "list of LINE": list[messages.SpokenLine],
    "list of PROMPT_MESSAGE": list[messages.PromptMessage],
    "list of PROMPT_PART": list[messages.PromptPart],
    "list of CONTENT_PROBLEM": list[messages.ContentProblem],
    "list of RECORDING_INFO": list[messages.RecordingInfo],
    "list of CHANGED_ANSWER": list[messages.ChangedAnswer],
}


def rows(text: str) -> list[list[str]]:
    """The cells of the first table's rows in a piece of the document."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table is not None
    lines = table[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def expected_row(field: msgspec.structs.FieldInfo) -> list[str]:
    default = "required"
    if field.default_factory is not msgspec.NODEFAULT:
        default = json.dumps(field.default_factory())
    elif field.default is not msgspec.NODEFAULT:
        default = json.dumps(field.default)
    names = [name for name, type_ in TYPES.items() if type_ == field.type]
    limited = "list of id" if "list" in str(field.type) else "string"
    return [f"`{field.name}`", names[0] if names else limited, default]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_message_has_a_section_with_its_fields_types_and_defaults(kind: Kind) -> None:
    part = CLIENT_PART if kind in CLIENT_SIDE.kinds else SERVER_PART
    _, found, rest = part.partition(f"\n### {kind.name} ({kind.number})\n")
    assert found
    section = re.split(r"\n##", rest)[0]
    assert [row[:3] for row in rows(section)] == [expected_row(f) for f in kind.fields]


@pytest.mark.parametrize("name", NESTED)
def test_every_nested_map_has_a_table(name: str) -> None:
    _, found, rest = SPEC.partition(f"\n{name}:\n")
    assert found
    fields = msgspec.structs.fields(NESTED[name])
    assert [row[:3] for row in rows(rest)] == [expected_row(f) for f in fields]


def test_every_limit_of_a_string_is_told_beside_it() -> None:
    for kind in KINDS:
        for info in (kind.message, *NESTED.values()):
            for f in msgspec.structs.fields(info):
                bound = re.search(r"max_length=(128|1000|4096)\)", str(f.type))
                if bound:
                    row = rf"^\| `{f.name}` \| string \|.*\b{bound[1]} \|$"
                    assert re.search(row, SPEC, re.MULTILINE), (f.name, bound[1])


def test_every_error_code_is_told_with_whether_to_retry() -> None:
    told = {row[0].strip("`"): row[1] for row in rows(SPEC.split("\n## Errors\n")[1])}
    assert told == {code.value: "yes" if code.retryable else "no" for code in ErrorCode}


def test_every_end_reason_is_told() -> None:
    told = [row[0].strip("`") for row in rows(SPEC.split("**The end.**")[1])]
    assert told == [reason.value for reason in EndReason]


def test_every_close_code_and_range_is_told() -> None:
    closing = SPEC.split("\n## Closing\n")[1]
    ranges = rows(closing)
    told = {
        int(row[0]): row[1] for row in rows(closing.split("| any other")[1].split("\n\n", 1)[1])
    }
    assert told == {code.value: code.name.lower() for code in CloseCode}
    for first, last, policy in (
        (*map(int, row[0].split("\u2013")), row[1].split("`")[1]) for row in ranges[:3]
    ):
        assert close_policy(first) == close_policy(last) == policy  # type: ignore[arg-type]
    assert all(close_policy(int(code)) == "stop" for code in ranges[3][0].split(", "))


@pytest.mark.parametrize(
    ("name", "lifecycle"), [("client", CLIENT_LIFECYCLE), ("server", SERVER_LIFECYCLE)]
)
def test_the_diagrams_are_those_of_the_tables(name: str, lifecycle: Lifecycle) -> None:
    block = f"<!-- {name} lifecycle -->\n\n```mermaid\n{mermaid(lifecycle)}\n```\n"
    assert block in SPEC, f"replace the block after <!-- {name} lifecycle --> by:\n{block}"


def test_the_example_frames_mean_what_stands_beside_them() -> None:
    found = re.findall(r"^\| (\w+) \| `([0-9a-f ]+)` \| `(.+)` \|$", SPEC, re.MULTILINE)
    assert len(found) == 2
    for name, frame, text in found:
        codec_side = MSGPACK.decode_client if name == "ack" else MSGPACK.decode_server
        json_side = JSON.decode_client if name == "ack" else JSON.decode_server
        message = codec_side(bytes.fromhex(frame))
        assert message == json_side(text)
        assert not isinstance(message, Unknown)


def test_every_line_of_the_example_session_is_a_message() -> None:
    lines = re.findall(r"^([\u2192\u2190]) (\{.*\})$", SPEC, re.MULTILINE)
    assert len(lines) == 16
    for arrow, text in lines:
        message = (JSON.decode_client if arrow == "\u2192" else JSON.decode_server)(text)
        assert not isinstance(message, Unknown)


def test_the_offsets_of_the_example_session_count_code_points() -> None:
    deltas = re.findall(r'"type":"delta","turn":1,"text":"([^"]*)"', SPEC)
    end = re.search(r'"type":"turn_end","turn":1,"reason":"complete","length":(\d+)', SPEC)
    assert end is not None
    assert len("".join(deltas)) == int(end[1])


def test_links_within_the_document_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", SPEC, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", SPEC)) <= headings
