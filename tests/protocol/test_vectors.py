"""The vectors are fresh, agree with frames encoded by hand, and both ends pass them."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dialogue_protocol.client_connection import ClientConnection
from dialogue_protocol.codec import JSON, MSGPACK, Codec, DecodeError, Frame, Unknown
from dialogue_protocol.connection import State
from dialogue_protocol.messages import Cue, Turn, Welcome
from dialogue_protocol.vectors.__main__ import DIRECTORY, files, main
from dialogue_protocol.vectors.events import Witness
from dialogue_protocol.wire_types import CLIENT_SIDE, SERVER_SIDE, Kind

KINDS = {kind.name: kind for kind in (*CLIENT_SIDE.kinds, *SERVER_SIDE.kinds)}
FILES: dict[str, Any] = {name: json.loads(text) for name, text in files().items()}
CASES = [*FILES["messages.json"], *FILES["long.json"]]
REFUSED = [*FILES["invalid.json"], *FILES["later.json"]]
TRANSCRIPTS = [file for name, file in FILES.items() if name.startswith("transcripts/")]

# Encoded by hand from the msgpack specification and the tables of spec.md.
BY_HAND = {
    "hello, all defaults": "91 00",
    "ack": "92 01 cd012c",
    "ping": "92 02 07",
    "open, minimal": "94 10 a26331 91a46d697261 81a26964a27031",
    "state, snapshot": "94 11 a26331 01 81a57175657374 81a57374616765 02",
    "state, patch": "95 11 a26331 02 c0 81a57175657374 81a57374616765 c0",
    "say, minimal": "94 12 a26331 a26c31 a648656c6c6f2e",
    "interrupt": "93 13 03 29",
    "close": "92 14 a26331",
    "pong": "92 01 07",
    "go_away, defaults": "91 02",
    "opened, minimal": "93 10 a26331 90",
    "state_ok": "93 11 a26331 02",
    "turn": "96 12 01 a3742d31 a26331 a46d697261 a26c31",
    "delta": "93 13 01 a657656c6c2c20",
    "delta, emoji": "93 13 01 a4f09f9880",
    "delta, accents, combining": "93 13 01 ac63616665cc8120" + "73cca3cc87",
    "delta, turn 65535": "93 13 cdffff a178",
    "delta, turn 65536": "93 13 ce00010000 a178",
    "delta, turn 9007199254740991": "93 13 cf001fffffffffffff a178",
    "cue, mood": "96 14 01 06 a46d6f6f64 a5616e677279 80",
    "cue, pause": "96 14 01 06 a57061757365 a0 81a26d73cd012c",
    "turn_end, minimal": "94 15 01 a8636f6d706c657465 2a",
    "error, minimal": "93 16 a462757379 ac41207475726e2072756e732e",
    "closed": "92 17 a26331",
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_frame_encoded_by_hand_is_the_vector_of_its_name(name: str) -> None:
    assert [case["msgpack"] for case in CASES if case["name"] == name] == [
        BY_HAND[name].replace(" ", "")
    ]


def message_of(case: dict[str, Any]) -> Any:
    """The Struct that a case's `message` describes."""
    kind = KINDS[case["message"]["type"]]
    twin = msgspec.convert(case["message"], kind.twin)
    return kind.message(*msgspec.structs.astuple(twin))


def decode(codec: Codec, sender: str, frame: Frame) -> Any:
    return codec.decode_client(frame) if sender == "client" else codec.decode_server(frame)


def frames(case: dict[str, Any]) -> list[tuple[Codec, Frame]]:
    found: list[tuple[Codec, Frame]] = []
    if case["msgpack"] is not None:
        found.append((MSGPACK, bytes.fromhex(case["msgpack"])))
    if case["json"] is not None:
        found.append((JSON, case["json"]))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_both_encodings_of_a_case_mean_its_message(case: dict[str, Any]) -> None:
    for codec, frame in frames(case):
        assert decode(codec, case["sender"], frame) == message_of(case)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_a_frame_that_is_no_message_is_refused_or_ignored_as_said(case: dict[str, Any]) -> None:
    assert frames(case)
    for codec, frame in frames(case):
        if "error" in case:
            with pytest.raises(DecodeError) as caught:
                decode(codec, case["sender"], frame)
            assert caught.value.code == case["error"]
        else:
            unknown = decode(codec, case["sender"], frame)
            assert isinstance(unknown, Unknown)
            assert unknown.sequenced == case["ignored"]["sequenced"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_message_and_every_field_has_a_case_with_a_value_of_its_own(kind: Kind) -> None:
    cases = [case["message"] for case in CASES if case["message"]["type"] == kind.name]
    assert cases
    for f in kind.fields:
        given = {json.dumps(case[f.name]) for case in cases}
        default = json.dumps(None if f.default is msgspec.NODEFAULT else f.default)
        assert given - {default}, f.name


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript["name"])
@pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=["msgpack", "json"])
def test_a_client_plays_its_part_of_a_transcript(transcript: dict[str, Any], codec: Codec) -> None:
    client = ClientConnection("vectors", "secret", "en", codec)
    witness = Witness()
    written: list[Frame] = []
    for step in transcript["steps"]:
        events: list[Any] = []
        match step["step"]:
            case "connect":
                written.append(client.hello())
            case "send":
                frame = client.send(message_of(step))
                witness.sent(message_of(step))
                if client.state is State.ATTACHED:
                    written.append(frame)
            case "client":
                assert written.pop(0) == wire(codec, step)
            case "server":
                if not step.get("lost"):
                    message = client.receive(wire(codec, step))
                    assert message is not None
                    events = witness.received(message)
                    if isinstance(message, Welcome):
                        written += client.recover()
                    ack = client.take_ack()
                    if ack is not None:
                        written.append(ack)
                    if "seq" in step:
                        assert client.seq == step["seq"]
            case "disconnect":
                assert written == []
                policy = client.disconnected(step["code"])
                assert policy == step["policy"]
                events = witness.disconnected(policy)
            case other:
                raise AssertionError(other)
        assert events == step.get("events", [])
    assert written == []


def test_what_was_told_before_a_loss_is_no_second_event() -> None:
    told = {
        transcript["name"]: [
            event for step in transcript["steps"] for event in step.get("events", [])
        ]
        for transcript in TRANSCRIPTS
    }
    assert told["lost_session"] == [
        ["online", False],
        ["opened", "mira", "Well met."],
        ["began", "mira", "t-1", "l1"],
        ["offline", True],
        ["online", False],
        ["opened", "mira", ""],
        ["ended", "mira", "t-1", "complete", "I am Mira."],
    ]
    assert told["drop_and_resume"][-3:] == [
        ["offline", True],
        ["online", True],
        ["ended", "mira", "t-1", "interrupted", "I am "],
    ]
    witness = Witness()
    witness.received(Turn(1, "t-1", "c1", "mira", "l1"))
    cue = Cue(1, 0, "mood", "calm")
    assert witness.received(cue) == [["cue", "mira", 0, "mood", "calm", {}, 0]]
    witness.received(Turn(2, "t-1", "c1", "mira", "l1"))
    assert witness.received(Cue(2, 0, "mood", "calm")) == []


def wire(codec: Codec, step: dict[str, Any]) -> Frame:
    frame: Frame = step["json"] if codec.text else bytes.fromhex(step["msgpack"])
    return frame


def test_both_encodings_of_a_transcript_say_the_same() -> None:
    for transcript in TRANSCRIPTS:
        for step in transcript["steps"]:
            if step["step"] in {"client", "server"}:
                first, second = (decode(c, step["step"], wire(c, step)) for c in (MSGPACK, JSON))
                assert first == second


def test_the_committed_files_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--check"])
    assert (status, capsys.readouterr().err) == (0, "")
    found = {path.relative_to(DIRECTORY).as_posix() for path in DIRECTORY.rglob("*.json")}
    assert found == set(FILES)


def test_missing_and_stale_files_are_named_then_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--check"]) == 1
    assert len(re.findall("is stale: run python -m", capsys.readouterr().err)) == len(FILES)
    assert main([str(tmp_path)]) == 0
    (tmp_path / "messages.json").write_text("[]", encoding="utf-8")
    assert main([str(tmp_path), "--check"]) == 1
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--check"]) == 0


def test_files_are_plain_ascii_with_a_case_on_each_line() -> None:
    for name, text in files().items():
        assert text.isascii(), name
        assert text.endswith("\n")
    assert len(files()["messages.json"].splitlines()) == len(FILES["messages.json"]) + 2


def test_the_command_exits_with_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["vectors", "--check"])
    monkeypatch.delitem(sys.modules, "dialogue_protocol.vectors.__main__")
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("dialogue_protocol.vectors", run_name="__main__")
    assert caught.value.code == 0
