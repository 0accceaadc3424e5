"""The file of one conversation: whole there and back, and refused by line where it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain import archive as archives
from dialogue_server.domain.conversation import Archive, Checkpoint, ConversationKey, Node
from dialogue_server.errors import ContentError

GOLDEN = Path(__file__).with_name("archives") / "version_1.jsonl"
KEY = ConversationKey("ann", "tavern")
ARCHIVE = Archive(
    KEY,
    "n4",
    3,
    {"quest": {"mine": "drained"}, "gold": -7, "odds": 0.5, "who": [None, True, "ß"]},
    (
        Node(
            *("n1", "", "npc", "mira", "Come in, mind the step.", 1700000000.25),
            reason="complete",
            meta={"cues": [[0, "mood", "wary", {}]]},
        ),
        Node("n2", "n1", "player", "Ann", "What of the mine? 🔥", 1700000001.0, line="l1"),
        Node("n3", "n2", "npc", "mira", "Under water.", 1700000002.0, "l1", "interrupted"),
        Node("n4", "n2", "npc", "mira", "Dry, since today.", 1700000003.0, "l2", "complete"),
    ),
    (Checkpoint("k1", "n3", 2, {"quest": {"mine": "flooded"}}, 1700000002.5),),
)


def lines_of(archive: Archive = ARCHIVE) -> list[bytes]:
    return list(archives.encode(archive))


def refused(lines: list[bytes]) -> str:
    with pytest.raises(ContentError) as caught:
        archives.decode("talk.jsonl", lines)
    assert caught.value.file == "talk.jsonl"
    return caught.value.detail.removeprefix("talk.jsonl: ")


def test_a_file_of_version_1_opens_for_ever() -> None:
    assert archives.decode("v1", GOLDEN.read_bytes().splitlines(keepends=True)) == ARCHIVE


def test_the_format_is_pinned_to_its_version() -> None:
    """Whoever changes what a line holds raises VERSION and adds a file beside this one."""
    assert archives.VERSION == 1
    assert b"".join(lines_of()) == GOLDEN.read_bytes()


def test_each_line_is_one_object_by_itself() -> None:
    lines = lines_of()
    assert [json.loads(line)["type"] for line in lines] == [
        *("conversation", *["node"] * 4, "checkpoint", "end")
    ]
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
MAPS = st.dictionaries(TEXTS, VALUES, max_size=3)


@st.composite
def conversations(draw: st.DrawFn) -> Archive:
    nodes: list[Node] = []
    for number in range(draw(st.integers(0, 6))):
        parent = draw(st.sampled_from(["", *(node.id for node in nodes)]))
        nodes.append(
            Node(
                *(
                    f"n{number}",
                    parent,
                    draw(st.sampled_from(["player", "npc", "event"])),
                    draw(TEXTS),
                ),
                *(draw(TEXTS), draw(st.floats(0, 1e10)), f"l{number}", draw(TEXTS), draw(MAPS)),
            )
        )
    ids = st.sampled_from(["", *(node.id for node in nodes)])
    checkpoints = tuple(
        Checkpoint(f"k{number}", draw(ids), number, draw(MAPS), 1.0)
        for number in range(draw(st.integers(0, 2)))
    )
    key = ConversationKey(draw(TEXTS) + "p", draw(TEXTS) + "c")
    return Archive(key, draw(ids), draw(st.integers(0, 9)), draw(MAPS), tuple(nodes), checkpoints)


@given(conversations())
def test_any_conversation_comes_back_as_it_was(archive: Archive) -> None:
    assert archives.decode("x", archives.encode(archive)) == archive


def test_other_tools_may_have_rewritten_the_lines() -> None:
    """A byte order mark, CRLF, blank lines, other spacing and added keys change nothing."""
    lines = []
    for line in lines_of():
        content = json.loads(line)
        content["my_tool"] = {"seen": True}
        lines += [json.dumps(content, indent=None, ensure_ascii=True).encode() + b"\r\n", b"  \r\n"]
    lines[0] = b"\xef\xbb\xbf" + lines[0]
    assert archives.decode("x", lines) == ARCHIVE


Change = Callable[[list[bytes]], Any]


def put(number: int, **changes: Any) -> Change:
    """Change keys of a line (from 1)."""

    def change(lines: list[bytes]) -> None:
        lines[number - 1] = json.dumps({**json.loads(lines[number - 1]), **changes}).encode()

    return change


def replace(number: int, line: bytes) -> Change:
    return lambda lines: lines.__setitem__(number - 1, line)


DEEP: dict[str, Any] = {}
for _ in range(70):
    DEEP = {"d": DEEP}

BROKEN: dict[str, tuple[Change, str, str]] = {
    "empty": (lambda lines: lines.clear(), "the file is empty", "export"),
    "another file": (replace(1, b"[content]\n"), "line 1: no line of JSON", "export"),
    "other JSON": (replace(1, b'{"type":"node"}'), "line 1: no conversation's archive", "export"),
    "newer": (put(1, version=2), "line 1: version 2 was written by a newer", "update"),
    "no version": (put(1, version=0), "line 1: version: 0, expected 1 to 1", "export"),
    "text for a number": (put(1, revision="3"), "line 1: Expected `int`, got `str`", "$.revision"),
    "no player": (put(1, player=""), "line 1: player: 0 code points", "1 to 128"),
    "long name": (put(1, conversation="c" * 65), "line 1: conversation: 65", "1 to 64"),
    "revision": (put(1, revision=2**60), "line 1: revision: 1152921504606846976", "expected 0"),
    "deep state": (put(1, state=DEEP), "line 1: state: the state is nested deeper", "64"),
    "big number": (put(1, state={"n": 10**30}), "line 1: state: state at n", "64 bits"),
    "head": (put(1, head="zz"), "line 1: head: there is no node 'zz'", "export"),
    "cut line": (replace(3, b'{"type":"node","id":"n2'), "line 3: no line of JSON", "export"),
    "not text": (replace(3, b'{"type":"\xff"}'), "line 3: no line of JSON", "export"),
    "nested": (replace(3, b"[" * 100_000), "line 3: no line of JSON", "export"),
    "no object": (replace(3, b"[1]"), "line 3: expected a JSON object", "export"),
    "unknown type": (put(3, type="x" * 99), "line 3: unknown type 'xxx", "checkpoint or end"),
    "endless kind": (put(3, kind="god" * 999), "line 3: Invalid enum value 'god", "$.kind"),
    "unknown kind": (put(3, kind="god"), "line 3: Invalid enum value 'god'", "$.kind"),
    "moment": (put(3, at=10**400), "line 3: ", "$.at"),
    "missing text": (replace(3, b'{"type":"node"}'), "line 3: Object missing required", "export"),
    "id": (put(3, id=""), "line 3: id: 0 code points", "1 to 64"),
    "twice": (put(3, id="n1"), "line 3: id: node 'n1' is here twice", "remove"),
    "orphan": (put(3, parent="n4"), "line 3: parent: no node 'n4' comes before", "order"),
    "own parent": (put(3, parent="n2"), "line 3: parent: no node 'n2' comes before", "order"),
    "line": (put(3, line="l" * 65), "line 3: line: 65 code points", "0 to 64"),
    "said twice": (put(4, kind="player"), "line 4: line: the line 'l1' is here twice", "remove"),
    "deep meta": (put(3, meta=DEEP), "line 3: meta: the state is nested", "64"),
    "slot head": (put(6, head="zz"), "line 6: head: no node 'zz'", "export"),
    "slot id": (put(6, id="k" * 65), "line 6: id: 65 code points", "1 to 64"),
    "slot twice": (
        lambda lines: lines.insert(6, lines[5]),
        "line 7: id: checkpoint 'k1'",
        "remove",
    ),
    "slot revision": (put(6, revision=-1), "line 6: revision: -1", "expected 0"),
    "cut file": (lambda lines: lines.pop(), "line 6: the file breaks off here", "export"),
    "lost lines": (lambda lines: lines.pop(5), "line 6: there should be 4 nodes and 1", "export"),
    "two files": (lambda lines: lines.extend(lines_of()), "line 8: something follows", "export"),
}


@pytest.mark.parametrize(("change", "problem", "mend"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_with_line_and_mend(
    change: Change, problem: str, mend: str
) -> None:
    lines = lines_of()
    change(lines)
    detail = refused(lines)
    assert detail.startswith(problem)
    assert mend in detail
    assert len(detail) < 400


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_LINE", 1000)
    detail = refused([b" " * 1001 + b"{}"])
    assert detail == "line 1: 1003 bytes; a line has at most 1000"


def test_a_copy_says_the_same_under_ids_of_its_own() -> None:
    key = ConversationKey("bob", "tavern")
    copy = archives.copy_for(ARCHIVE, key)
    assert copy.key == key
    assert [node.text for node in copy.nodes] == [node.text for node in ARCHIVE.nodes]
    assert not {node.id for node in copy.nodes} & {node.id for node in ARCHIVE.nodes}
    first, second, cut, again = copy.nodes
    assert (first.parent, second.parent, cut.parent, again.parent) == (
        *("", first.id, second.id, second.id),
    )
    assert copy.head == again.id
    assert copy.nodes[0].meta == ARCHIVE.nodes[0].meta
    assert copy.checkpoints[0].head == cut.id
    assert archives.copy_for(ARCHIVE, key) == copy
    assert archives.decode("x", archives.encode(copy)) == copy


def test_a_copy_tells_of_its_own_turns() -> None:
    told = Node("n5", "n4", "event", "", "It is locked.", 5.0, meta={"result": ["n4", 1]})
    copy = archives.copy_for(
        msgspec.structs.replace(ARCHIVE, nodes=(*ARCHIVE.nodes, told)), ConversationKey("bob", "c")
    )
    assert copy.nodes[-1].meta["result"] == [copy.head, 1]
