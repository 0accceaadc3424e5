"""Messages on the wire: for each a frame in either encoding, and what it means.

A case is written down as the msgpack array, item by item. tests/protocol/test_vectors.py holds
a set of frames that were encoded by hand, so that these are not only round trips.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import msgspec

from ..wire_types import CLIENT_SIDE, SERVER_SIDE, Kind


class Case(NamedTuple):
    """`items` is the array; `extra` are fields of a later version, by name."""

    name: str
    sender: str
    items: list[Any]
    extra: dict[str, Any] = {}  # noqa: RUF012


TEXTS = {
    "ascii": "Hello.",
    "empty": "",
    "accents, composed": "caf\u00e9",
    "accents, combining": "cafe\u0301 s\u0323\u0307",
    "emoji": "\U0001f600",
    "emoji, one grapheme of seven code points": (
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
    ),
    "flag": "\U0001f1eb\U0001f1f7",
    "right to left": "\u0634\u0644\u0648\u0645, \u05e9\u05dc\u05d5\u05dd",
    "Devanagari": "\u0928\u092e\u0938\u094d\u0924\u0947",
    "line separator and controls": "a\u2028b\tc\nd\u0000e",
    "quotes and backslash": 'she said "no" \\ left',
    "byte order mark": "\ufeffx",
    "31 bytes": "x" * 31,
    "32 bytes": "x" * 32,
    "255 bytes": "x" * 255,
    "256 bytes": "x" * 256,
}
INTEGERS = [0, 1, 127, 128, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53 - 1]
_PLAYER = {"id": "p1", "name": "Ada", "persona": "A smith from the north."}
_LIMITS = {
    "message_bytes": 262144,
    "line_chars": 2000,
    "state_bytes": 65536,
    "state_depth": 16,
    "conversations": 16,
}
_VALUES = {
    "text": "\u00fc",
    "int": -5,
    "big": 2**63 - 1,
    "small": -(2**63),
    "float": 0.5,
    "yes": True,
    "nothing": None,
    "list": [1, [], {}],
    "map": {"a": {"b": []}},
}

MESSAGES: list[Case] = [
    Case("hello, all defaults", "client", [0]),
    Case("hello", "client", [0, 1, "game 1.2", "secret", "pt-BR", ["designer"], None]),
    Case(
        "hello, resume",
        "client",
        [0, 1, "", "", "", [], {"session": "s1", "epoch": "e1", "seq": 70000}],
    ),
    Case("hello, a later version", "client", [0, 2]),
    Case("ack", "client", [1, 300]),
    Case("ping, default", "client", [2]),
    Case("ping", "client", [2, 7]),
    Case("open, minimal", "client", [16, "c1", ["mira"], {"id": "p1"}]),
    Case("open", "client", [16, "c1", ["mira", "tom"], _PLAYER, "market", "de"]),
    Case("state, snapshot", "client", [17, "c1", 1, {"quest": {"stage": 2}}]),
    Case("state, patch", "client", [17, "c1", 2, None, {"quest": {"stage": None}}]),
    Case("state, every kind of value", "client", [17, "c1", 3, _VALUES, None]),
    Case("say, minimal", "client", [18, "c1", "l1", "Hello."]),
    Case("say", "client", [18, "c1", "l1", "Hello.", "mira", "en"]),
    Case("interrupt", "client", [19, 3, 41]),
    Case("close", "client", [20, "c1"]),
    Case("open, at a checkpoint", "client", [16, "c1", ["mira"], {"id": "p1"}, "", "", "k1"]),
    Case("regenerate", "client", [21, "c1", "t-1", "l2"]),
    Case("save", "client", [22, "c1"]),
    Case("load", "client", [23, "c1", "k1"]),
    Case("history, defaults", "client", [24, "c1"]),
    Case("history", "client", [24, "c1", 10, "t-1"]),
    Case("event, minimal", "client", [25, "c1", "l1", "The bell rings."]),
    Case(
        "event",
        "client",
        [25, "c1", "l1", "The bell rings.", "must", "mira", "bell", {"times": 3}],
    ),
    Case("script, the player's", "client", [26, "c1", "l1", "I am here."]),
    Case("script", "client", [26, "c1", "l1", "[mood: calm] So you are.", "mira"]),
    Case("advance, minimal", "client", [27, "c1", "l1"]),
    Case("advance", "client", [27, "c1", "l1", "tom", "de"]),
    Case("action_result, minimal", "client", [28, "c1", "l1", "t-1", 1, True]),
    Case(
        "action_result",
        "client",
        [28, "c1", "l1", "t-1", 2, False, "Her hands are full.", "never", {"free": 0}],
    ),
    Case("suggest, minimal", "client", [29, "c1", "l1"]),
    Case("suggest", "client", [29, "c1", "l1", 2, "fr"]),
    Case("inspect, minimal", "client", [30, "c1"]),
    Case("inspect", "client", [30, "c1", 0, "mira", "Hello."]),
    Case("inspect, a turn", "client", [30, "c1", 7]),
    Case("npcs, minimal", "client", [31]),
    Case("npcs", "client", [31, "ja"]),
    Case(
        "open, with a model", "client", [16, "c1", ["m"], {"id": "p"}, "", "", "", "ollama:llama"]
    ),
    Case("content, once", "client", [32]),
    Case("content", "client", [32, True]),
    Case("source, a file", "client", [33, "world.toml"]),
    Case("source", "client", [33, "personas/mira.toml", "knowledge[2]"]),
    Case("recordings, the newest", "client", [34]),
    Case("recordings", "client", [34, 7]),
    Case("read_recording, its beginning", "client", [35, "20261124-1.jsonl"]),
    Case("read_recording", "client", [35, "20261124-1.jsonl", 65536]),
    Case("rerun, nobody is asked", "client", [36, "20261124-1.jsonl"]),
    Case("rerun", "client", [36, "20261124-1.jsonl", True, "ollama:llama"]),
    Case("say, fields of a later version", "client", [18, "c1", "l1", "Hi", "", "", 9], {"x": 9}),
    Case("welcome, minimal", "server", [0, "s1", "e1", 0, _LIMITS]),
    Case(
        "welcome, resumed",
        "server",
        [0, "s1", "e1", 12, _LIMITS, "dialogue-server 0.1", 1, ["designer"], True, 4],
    ),
    Case("welcome, a later version", "server", [0, "s1", "e1", 0, _LIMITS, "", 2]),
    Case("welcome, limits of a later version", "server", [0, "s", "e", 0, {**_LIMITS, "x": 1}]),
    Case("pong", "server", [1, 7]),
    Case("go_away, defaults", "server", [2]),
    Case("go_away", "server", [2, 1500, "The server restarts."]),
    Case("opened, minimal", "server", [16, "c1", []]),
    Case(
        "opened",
        "server",
        [
            16,
            "c1",
            [
                {
                    "id": "mira",
                    "name": "Mira",
                    "mood": "calm",
                    "moods": ["calm"],
                    "actions": ["wave"],
                }
            ],
            "Well met.",
            0,
            0,
        ],
    ),
    Case("opened, remembered", "server", [16, "c1", [{"id": "m", "name": "M"}], "", 12, 3]),
    Case("state_ok", "server", [17, "c1", 2]),
    Case("turn", "server", [18, 1, "t-1", "c1", "mira", "l1"]),
    Case("turn, answering no line", "server", [18, 2, "t-2", "c1", "mira"]),
    Case("delta", "server", [19, 1, "Well, "]),
    Case("cue, mood", "server", [20, 1, 6, "mood", "angry", {}]),
    Case("cue, action", "server", [20, 1, 6, "action", "give", {"item": "key", "count": 1}]),
    Case("cue, pause", "server", [20, 1, 6, "pause", "", {"ms": 300}]),
    Case("cue, mood with its intensity", "server", [20, 1, 0, "mood", "angry", {"intensity": 80}]),
    Case("cue, action that waits", "server", [20, 1, 6, "action", "give", {"item": "key"}, 1]),
    Case("cue, minimal", "server", [20, 1, 0, "mood"]),
    Case("turn_end, minimal", "server", [21, 1, "complete", 42]),
    Case("turn_end", "server", [21, 1, "complete", 42, 310, 2400, 812, 40, 512, "", ""]),
    Case(
        "turn_end, fallback",
        "server",
        [21, 1, "fallback", 12, 0, 9000, 0, 0, 0, "model_timeout", "No token within 8 s."],
    ),
    Case("turn_end, a reason of a later version", "server", [21, 1, "vanished", 0]),
    Case("error, minimal", "server", [22, "busy", "A turn runs."]),
    Case("error", "server", [22, "rate_limited", "Wait.", "c1", "l1", 0, True, 2000]),
    Case("error, about a turn", "server", [22, "unknown_turn", "No such turn.", "", "", 9]),
    Case("closed", "server", [23, "c1"]),
    Case("cue, filler", "server", [20, 1, 0, "filler", "", {"text": "Hm \u2026"}]),
    Case("saved", "server", [24, "c1", "k1"]),
    Case("transcript, empty", "server", [25, "c1", []]),
    Case(
        "transcript",
        "server",
        [
            25,
            "c1",
            [
                {"id": "n-1", "kind": "player", "speaker": "Ada", "text": "Hi.", "line": "l1"},
                {
                    "id": "t-1",
                    "kind": "npc",
                    "speaker": "mira",
                    "text": "Well met.",
                    "line": "l1",
                    "reason": "complete",
                    "mood": "calm",
                },
            ],
        ],
    ),
    Case(
        "opened, a mood with its intensity",
        "server",
        [16, "c1", [{"id": "m", "name": "M", "mood": "angry", "intensity": 80}]],
    ),
    Case(
        "transcript, an event and a mood with its intensity",
        "server",
        [
            25,
            "c1",
            [
                {"id": "n-2", "kind": "event", "speaker": "", "text": "A bell.", "line": "l2"},
                {
                    "id": "t-2",
                    "kind": "npc",
                    "speaker": "mira",
                    "text": "Late again.",
                    "line": "l2",
                    "reason": "complete",
                    "mood": "angry",
                    "intensity": 60,
                },
            ],
        ],
    ),
    Case("noted", "server", [26, "c1", "l1"]),
    Case("trigger, minimal", "server", [27, "c1", "met"]),
    Case("trigger", "server", [27, "c1", "met", "second", {"npc": "mira"}]),
    Case("suggestions, none", "server", [28, "c1", "l1", []]),
    Case("suggestions", "server", [28, "c1", "l1", ["Who are you?", "Farewell."]]),
    Case("inspected, empty", "server", [29, "c1", 0, "mira", "standard", 0, 4000, [], [], []]),
    Case(
        "inspected",
        "server",
        [
            29,
            "c1",
            3,
            "mira",
            "standard",
            812,
            4000,
            [{"role": "system", "content": "You are Mira."}],
            [{"source": "personas/mira.toml:description", "text": "You are Mira.", "tokens": 5}],
            [{"source": "history", "text": "Hi.", "tokens": 3, "why": "budget"}],
            {"prompt": 1.5, "first_token": 310, "total": 900},
        ],
    ),
    Case("content_info, nothing", "server", [31, 1, "", [], [], [], {}, {}, []]),
    Case(
        "content_info",
        "server",
        [
            31,
            2,
            "Sallow Reach",
            [{"id": "mira", "name": "Mira"}],
            ["inn"],
            ["ollama:llama"],
            {"quest": {"lamp": "dark"}},
            {"quest.lamp": ["dark", "lit"]},
            [
                {
                    "file": "world.toml",
                    "problem": "unknown key",
                    "line": 3,
                    "place": "lores",
                    "severity": "error",
                },
                {"file": "personas/mira.toml", "problem": "long"},
            ],
        ],
    ),
    Case("source_text, nowhere", "server", [32, "world.toml", ""]),
    Case("source_text", "server", [32, "world.toml", "name = 'x'\n", 1]),
    Case("queued", "server", [33, 7, 12]),
    Case("recording_list, nothing", "server", [34, False, []]),
    Case("recording_list", "server", [34, True, [{"name": "20261124-1.jsonl", "size": 7041}]]),
    Case("recording_text, the last piece", "server", [35, "20261124-1.jsonl", 9, "{}\n"]),
    Case("recording_text", "server", [35, "20261124-1.jsonl", 0, '{"recording":1}\n', 16]),
    Case("rerun_report, nothing is otherwise", "server", [36, "20261124-1.jsonl", 6, 0, []]),
    Case(
        "rerun_report",
        "server",
        [
            36,
            "20261124-1.jsonl",
            6,
            2,
            [
                {
                    "place": 2,
                    "npc": "mira",
                    "asked": "> The mine?",
                    "what": ["prompt", "text"],
                    "before": "mira: Wet.",
                    "now": "mira: Dry.",
                    "sources": ["world.toml:lore[0] changed"],
                    "prompt": ["-wet", "+dry"],
                },
                {"place": 4, "npc": "", "asked": "~ x", "what": [], "before": "", "now": ""},
            ],
            ["No model was asked."],
        ],
    ),
    Case("npc_list, none", "server", [30, []]),
    Case("npc_list", "server", [30, [{"id": "mira", "name": "Mira", "moods": ["calm"]}]]),
    Case(
        "delta, fields of a later version", "server", [19, 1, "Hi", {"a": [1]}], {"x": {"a": [1]}}
    ),
    *(Case(f"delta, {name}", "server", [19, 1, text]) for name, text in TEXTS.items()),
    *(Case(f"say, {name}", "client", [18, "c1", "l1", text]) for name, text in TEXTS.items()),
    *(Case(f"delta, turn {number}", "server", [19, number, "x"]) for number in INTEGERS),
    *(Case(f"ack, seq {number}", "client", [1, number]) for number in INTEGERS),
]

LONG = [
    Case("delta, the longest", "server", [19, 1, "0123456789abcdef" * 1000]),
    Case(
        "opened, a greeting of 65,536 bytes",
        "server",
        [16, "c1", [], "Hello! \U0001f600 " * 5461 + "four"],
    ),
]


def render(case: Case) -> dict[str, Any]:
    """The case as the vector file has it."""
    side = CLIENT_SIDE if case.sender == "client" else SERVER_SIDE
    kind = side.by_number[case.items[0]]
    names = [f.name for f in kind.fields]
    given = dict(zip(names, case.items[1:], strict=False))
    return {
        "name": case.name,
        "sender": case.sender,
        "msgpack": msgspec.msgpack.encode(case.items).hex(),
        "json": _dumps({"type": kind.name, **given, **case.extra}),
        "message": _complete(kind, given),
    }


def _complete(kind: Kind, given: dict[str, Any]) -> dict[str, Any]:
    """All fields of the message, those of nested maps included, defaults filled in."""
    message = msgspec.convert({"type": kind.name, **given}, kind.twin)
    complete: dict[str, Any] = msgspec.to_builtins(message)
    return complete


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
