"""One conversation as a file that opens for ever: JSON Lines, every branch included.

The first line says what the file is, then comes a line for each node and each checkpoint, and
the last line counts them, so that a file which was cut short is told from a whole one. Each line
is one JSON object by itself:

    {"type":"conversation","version":1,"player":"ann","conversation":"tavern","head":"b", ...}
    {"type":"node","id":"a","parent":"","kind":"player","speaker":"Ann","text":"Hello?", ...}
    {"type":"checkpoint","id":"k","head":"a","revision":3,"state":{},"at":9.0}
    {"type":"end","nodes":1,"checkpoints":1}

`version` rises when a line gains a field or a type of line is added; every version is read for
ever. Keys that are not known are ignored, so a tool may add its own. A file may have been written
by anybody: what is wrong with it is a ContentError that names the line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from ..errors import ContentError, RequestError
from .conversation import Archive, Checkpoint, ConversationKey, Node
from .memory import past as memory
from .state import check_state

VERSION = 1
MAX_LINE = 16 * 1024 * 1024
"""Bytes of one line: far above what the server stores in a node or a state."""
MAX_DEPTH = 64
"""Levels of a state, as on the wire."""
_LARGEST = 2**53 - 1
_AGAIN = "export it again"

T = TypeVar("T", bound=Struct)


class _Start(Struct, frozen=True):
    version: int
    player: str
    conversation: str
    head: str
    revision: int
    state: dict[str, Any]


class _End(Struct, frozen=True):
    nodes: int
    checkpoints: int


def encode(archive: Archive) -> Iterator[bytes]:
    """The file's lines, each with its line feed."""
    start = _Start(
        VERSION,
        archive.key.player,
        archive.key.conversation,
        archive.head,
        archive.revision,
        archive.state,
    )
    yield _line("conversation", start)
    for node in archive.nodes:
        yield _line("node", node)
    for checkpoint in archive.checkpoints:
        yield _line("checkpoint", checkpoint)
    yield _line("end", _End(len(archive.nodes), len(archive.checkpoints)))


def _line(kind: str, content: Struct) -> bytes:
    return msgspec.json.encode({"type": kind, **msgspec.to_builtins(content)}) + b"\n"


def decode(file: str, lines: Iterable[bytes]) -> Archive:
    """The conversation in a file's lines; `file` is its name, for errors.

    Raises a ContentError that names the line and the mend. What it returns can be stored: ids are
    there once, parents come before their children, and every head exists.
    """
    reader = _Reader(file)
    for line in lines:
        reader.read(line)
    return reader.archive()


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._number = 0
        self._start: _Start | None = None
        self._end: _End | None = None
        self._nodes: dict[str, Node] = {}
        self._said: set[str] = set()
        self._checkpoints: dict[str, Checkpoint] = {}

    def read(self, line: bytes) -> None:
        self._number += 1
        if self._number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # an editor of Windows
        if not line.strip():
            return
        content = self._json(line)
        kind = content.get("type")
        if self._start is None:
            if kind != "conversation":
                raise self._wrong(
                    "no conversation's archive begins so; name a file that `dialogue-server "
                    "export` has written"
                )
            self._start = self._conversation(content)
        elif self._end is not None:
            raise self._wrong(f"something follows the line of type end; {_AGAIN}")
        elif kind == "node":
            self._node(self._convert(content, Node))
        elif kind == "checkpoint":
            self._checkpoint(self._convert(content, Checkpoint))
        elif kind == "end":
            self._end = self._convert(content, _End)
        else:
            raise self._wrong(f"unknown type {_shown(kind)}; it is node, checkpoint or end")

    def archive(self) -> Archive:
        """What was read, once all lines have been."""
        start, end = self._start, self._end
        if start is None:
            raise ContentError(self._file, "", "the file is empty; export the conversation again")
        if end is None:
            raise self._wrong(f"the file breaks off here, its last line is missing; {_AGAIN}")
        found = _End(len(self._nodes), len(self._checkpoints))
        if found != end:
            raise self._wrong(
                f"there should be {end.nodes} nodes and {end.checkpoints} checkpoints, and there "
                f"are {found.nodes} and {found.checkpoints}; lines were lost, {_AGAIN}"
            )
        if start.head and start.head not in self._nodes:
            raise ContentError(
                self._file, "line 1", f"head: there is no node {_shown(start.head)}; {_AGAIN}"
            )
        return Archive(
            ConversationKey(start.player, start.conversation),
            start.head,
            start.revision,
            start.state,
            tuple(self._nodes.values()),
            tuple(self._checkpoints.values()),
        )

    def _conversation(self, content: dict[str, Any]) -> _Start:
        version = content.get("version")
        if isinstance(version, int) and version > VERSION:
            raise self._wrong(
                f"version {version} was written by a newer dialogue-server; this one reads up to "
                f"{VERSION}, so update it"
            )
        start = self._convert(content, _Start)
        if start.version < 1:
            raise self._wrong(f"version: {start.version}, expected 1 to {VERSION}; {_AGAIN}")
        self._check_text("player", start.player, 1, 128)
        self._check_text("conversation", start.conversation, 1, 64)
        self._check_moment(start.revision, start.state)
        return start

    def _node(self, node: Node) -> None:
        self._check_text("id", node.id, 1, 64)
        self._check_text("line", node.line, 0, 64)
        if node.id in self._nodes:
            raise self._wrong(f"id: node {_shown(node.id)} is here twice; remove one of the lines")
        if node.parent and node.parent not in self._nodes:
            raise self._wrong(
                f"parent: no node {_shown(node.parent)} comes before this one; a parent stands "
                f"above its children, so put the lines in order, or {_AGAIN}"
            )
        if node.kind != "npc" and node.line:
            if node.line in self._said:
                raise self._wrong(
                    f"line: the line {_shown(node.line)} is here twice; a line is said "
                    "once, so remove one of them"
                )
            self._said.add(node.line)
        self._check_map("meta", node.meta)
        self._nodes[node.id] = node

    def _checkpoint(self, checkpoint: Checkpoint) -> None:
        self._check_text("id", checkpoint.id, 1, 64)
        if checkpoint.id in self._checkpoints:
            raise self._wrong(f"id: checkpoint {_shown(checkpoint.id)} is here twice; remove one")
        if checkpoint.head and checkpoint.head not in self._nodes:
            raise self._wrong(f"head: no node {_shown(checkpoint.head)} comes before; {_AGAIN}")
        self._check_moment(checkpoint.revision, checkpoint.state)
        self._checkpoints[checkpoint.id] = checkpoint

    def _json(self, line: bytes) -> dict[str, Any]:
        if len(line) > MAX_LINE:
            raise self._wrong(f"{len(line)} bytes; a line has at most {MAX_LINE}")
        try:
            content = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._wrong(
                f"no line of JSON ({error}); it was cut or changed, {_AGAIN}"
            ) from None
        if not isinstance(content, dict):
            raise self._wrong(f"expected a JSON object; {_AGAIN}")
        return content

    def _convert(self, content: dict[str, Any], kind: type[T]) -> T:
        try:
            return msgspec.convert(content, kind)
        except msgspec.ValidationError as error:
            raise self._wrong(f"{_short(str(error))}; {_AGAIN}") from None

    def _check_text(self, name: str, text: str, least: int, most: int) -> None:
        if not least <= len(text) <= most:
            raise self._wrong(f"{name}: {len(text)} code points, expected {least} to {most}")

    def _check_moment(self, revision: int, state: dict[str, Any]) -> None:
        if not 0 <= revision <= _LARGEST:
            raise self._wrong(f"revision: {revision}, expected 0 to {_LARGEST}")
        self._check_map("state", state)

    def _check_map(self, name: str, content: dict[str, Any]) -> None:
        try:
            check_state(content, max_bytes=MAX_LINE, max_depth=MAX_DEPTH)
        except RequestError as error:
            raise self._wrong(f"{name}: {error.detail}") from None

    def _wrong(self, problem: str) -> ContentError:
        return ContentError(self._file, f"line {self._number}", problem)


def copy_for(archive: Archive, key: ConversationKey) -> Archive:
    """The same talk as another conversation, which may lie in a store beside the first: every
    node and checkpoint gets an id of its own. The ids follow from the key and the old ones."""

    def new(old: str) -> str:
        parts = (key.player, key.conversation, old)
        seed = "".join(f"{len(part)}:{part}" for part in parts)
        return hashlib.blake2b(seed.encode(), digest_size=16).hexdigest() if old else ""

    def node_of(node: Node) -> Node:
        meta = memory.with_ids(dict(node.meta), new)
        match meta.get("result"):
            case [str(told), *rest]:  # names the turn whose action it tells of
                meta["result"] = [new(told), *rest]
        return replace(node, id=new(node.id), parent=new(node.parent), meta=meta)

    replace = msgspec.structs.replace
    return Archive(
        key,
        new(archive.head),
        archive.revision,
        archive.state,
        tuple(map(node_of, archive.nodes)),
        tuple(replace(c, id=new(c.id), head=new(c.head)) for c in archive.checkpoints),
    )


def _shown(value: object) -> str:
    return _short(ascii(value), 80)


def _short(text: str, most: int = 200) -> str:
    """Fit for an error: what a file holds may be endless."""
    return text if len(text) <= most else text[: most // 2] + " ... " + text[-most // 2 :]
