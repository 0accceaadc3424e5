"""Frames that are no message, frames of a later version, and what a receiver makes of them."""

from __future__ import annotations

from typing import Any

import msgspec

DEEP = 65


def _nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def _hex(*items: Any) -> str:
    return msgspec.msgpack.encode(list(items)).hex()


def bad(name: str, sender: str, msgpack: str | None, json: str | None) -> dict[str, Any]:
    """A frame to be refused with bad_message, in the encodings that can say it."""
    return {
        "name": name,
        "sender": sender,
        "msgpack": msgpack,
        "json": json,
        "error": "bad_message",
    }


def later(
    name: str, sender: str, msgpack: str | None, json: str | None, *, sequenced: bool
) -> dict[str, Any]:
    """A frame to be ignored; it is counted if `sequenced`."""
    return {
        "name": name,
        "sender": sender,
        "msgpack": msgpack,
        "json": json,
        "ignored": {"sequenced": sequenced},
    }


_SAY = '{"type":"say","conversation":"c1","line":"l1","text":'
_STATE = '{"type":"state","conversation":"c1","revision":1,"snapshot":'

INVALID: list[dict[str, Any]] = [
    bad("nothing", "client", "", ""),
    bad("not of this encoding", "client", "c1", "hello"),
    bad("a map or array instead of a message", "client", "80", "[]"),
    bad("null", "client", "c0", "null"),
    bad("no type", "client", "90", "{}"),
    bad("a type of another kind", "client", _hex("say"), '{"type":18}'),
    bad("a type that is a boolean", "client", _hex(True), '{"type":true}'),
    bad("a negative type", "client", _hex(-1), None),
    bad("a type above 127", "client", _hex(128), None),
    bad("truncated", "client", "9412a26331a26c31a548", _SAY + '"H'),
    bad("an array longer than the frame", "client", "ddffffffff12", None),
    bad("trailing bytes", "client", _hex(1, 5) + "00", '{"type":"ack","seq":5} 0'),
    bad("two messages", "client", _hex(1, 5) * 2, '{"type":"ack","seq":5}{"type":"ack","seq":6}'),
    bad("invalid UTF-8", "client", "9412a26331a26c31a1ff", None),
    bad("an encoded surrogate", "client", "9412a26331a26c31a3eda080", _SAY + '"\\ud800 x"}'),
    bad("a field missing", "client", _hex(18, "c1", "l1"), _SAY[:-8] + "}"),
    bad("a number for a string", "client", _hex(18, "c1", "l1", 5), _SAY + "5}"),
    bad("null for a string", "client", _hex(18, "c1", "l1", None), _SAY + "null}"),
    bad("binary for a string", "client", "9412a26331a26c31c40141", None),
    bad("a string for an integer", "client", _hex(1, "5"), '{"type":"ack","seq":"5"}'),
    bad("a fraction for an integer", "client", _hex(1, 5.0), '{"type":"ack","seq":5.0}'),
    bad("a negative count", "client", _hex(1, -1), '{"type":"ack","seq":-1}'),
    bad("2^53", "client", _hex(1, 2**53), f'{{"type":"ack","seq":{2**53}}}'),
    bad("2^64 - 1", "client", _hex(1, 2**64 - 1), f'{{"type":"ack","seq":{2**64 - 1}}}'),
    bad("a conversation without a name", "client", _hex(20, ""), None),
    bad("an id of 65 characters", "client", _hex(20, "x" * 65), None),
    bad("no NPC", "client", _hex(16, "c1", [], {"id": "p"}), None),
    bad("an NPC that is no string", "client", _hex(16, "c1", ["a", 1], {"id": "p"}), None),
    bad("a player without an id", "client", _hex(16, "c1", ["a"], {"name": "P"}), None),
    bad("an array for a nested map", "client", _hex(16, "c1", ["a"], ["p", "P"]), None),
    bad(
        "a resume without its number", "client", _hex(0, 1, "", "", "", [], {"session": "s"}), None
    ),
    bad("a snapshot that is no map", "client", _hex(17, "c1", 1, [1]), _STATE + "[1]}"),
    bad("an event whose data is no map", "client", _hex(25, "c", "l", "x", "may", "", "", 1), None),
    bad("a result that is neither true nor false", "client", _hex(28, "c", "l", "t", 1, 1), None),
    bad("state: NaN", "client", _hex(17, "c1", 1, {"a": float("nan")}), _STATE + '{"a":NaN}}'),
    bad(
        "state: infinity", "client", _hex(17, "c1", 1, {"a": float("inf")}), _STATE + '{"a":1e999}}'
    ),
    bad("state: 2^63", "client", _hex(17, "c1", 1, {"a": 2**63}), _STATE + f'{{"a":{2**63}}}}}'),
    bad("state: binary", "client", _hex(17, "c1", 1, {"a": b"x"}), None),
    bad("state: a timestamp", "client", "9411a2633101" + "81a161d6ff00000000", None),
    bad("state: an extension", "client", "9411a2633101" + "81a161d40500", None),
    bad("state: a key that is no string", "client", _hex(17, "c1", 1, {"a": {1: 2}}), None),
    bad(
        "state: 66 levels",
        "client",
        _hex(17, "c1", 1, {"a": _nested(DEEP)}),
        _STATE + '{"a":' + "[" * DEEP + "]" * DEEP + "}}",
    ),
    bad("state: endless nesting", "client", "9411a2633101" + "81a161" + "91" * 20000, None),
    bad("a delta without text", "server", _hex(19, 1), '{"type":"delta","turn":1}'),
    bad("a delta with a number", "server", _hex(19, 1, 2), '{"type":"delta","turn":1,"text":2}'),
    bad("a cue with NaN", "server", _hex(20, 1, 0, "pause", "", {"ms": float("nan")}), None),
]

LATER: list[dict[str, Any]] = [
    later("client type 15", "client", _hex(15), None, sequenced=False),
    later("client type 99", "client", _hex(99, {"a": 1}), '{"type":"dance","a":1}', sequenced=True),
    later("server type 15", "server", _hex(15, "x"), None, sequenced=False),
    later("server type 100", "server", _hex(100, "x"), '{"type":"gesture"}', sequenced=True),
    later("server type 127", "server", _hex(127), '{"type":"z"}', sequenced=True),
]
