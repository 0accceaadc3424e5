"""The file of a recorded session: one JSON object a line (docs/recording.md, "The file").

    {"recording": 1, "started": 1764000000.0, "session": "…", "server": "…", "part": 1, …}
    {"at": 12.5, "client": {"type": "say", …}}
    {"at": 13.1, "prompt": {"turn": 1, "id": "…", "npc": "mira", "messages": […], …}}
    {"at": 250.0, "stream": [[250.0, 1, "Under "], [281.3, 1, "water."]]}
    {"at": 250.2, "deltas": [[250.2, 1, "Under"], [281.5, 1, " water."]]}
    {"at": 290.0, "answered": {"turn": 1, "reason": "stop", …}}
    {"at": 290.4, "server": {"type": "turn_end", …}}

`at` is in milliseconds since the session began. Text comes in groups, so that a token costs few
bytes. Keys and lines of other kinds are passed over; a last line that a kill cut short is, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from dialogue_protocol.codec import JSON, DecodeError, Unknown
from dialogue_protocol.messages import ClientMessage, Delta, ServerMessage
from msgspec import Raw, Struct, field

from ...errors import ContentError
from ..prompt import Message, Prompt

VERSION = 1


class Head(Struct, frozen=True, kw_only=True):
    """The first line of a file. `started` is Unix time; a long session has several parts."""

    recording: int = VERSION
    started: float = 0.0
    session: str = ""
    server: str = ""
    client: str = ""
    part: int = 1


class Asked(Struct, frozen=True, kw_only=True):
    """What a model was asked for a turn (its number in the session, and its stored id). `parts`
    are the sources of the prompt's parts and digests of their texts ("" where names are covered);
    `layout` is what the prompt was laid out by. Both are missing in older files."""

    turn: int
    id: str = ""
    npc: str = ""
    backend: str = ""
    model: str = ""
    messages: list[Message] = field(default_factory=list)
    max_tokens: int = 0
    sampling: dict[str, float | int | None] = field(default_factory=dict)
    stop: list[str] = field(default_factory=list)
    layout: str = ""
    parts: list[tuple[str, str]] = field(default_factory=list)


class Answered(Struct, frozen=True, kw_only=True):
    """How the model ended: as it says, or with an error's code and sentence."""

    turn: int
    reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    code: str = ""
    detail: str = ""


class Streamed(Struct, frozen=True, gc=False):
    """Text that came from the model at once."""

    turn: int
    text: str


class Ended(Struct, frozen=True):
    """The session is over, and why."""

    reason: str


What = ClientMessage | ServerMessage | Asked | Streamed | Answered | Ended


class Entry(Struct, frozen=True, gc=False):
    """Something that happened `at` milliseconds after the session began. `client` says whose
    message it is, where it is one."""

    at: float
    what: What
    client: bool = False


class Recording(Struct, frozen=True):
    """A session as it was. `cut` is whether the last line is missing its end; `skipped` counts
    what a newer server wrote and this one does not know."""

    head: Head
    entries: tuple[Entry, ...]
    cut: bool = False
    skipped: int = 0


def parts_of(prompt: Prompt) -> list[tuple[str, str]]:
    """The sources of a prompt's parts, each with a digest of its text."""
    return [
        (part.source, hashlib.blake2b(part.text.encode(), digest_size=6).hexdigest())
        for part in prompt.parts
    ]


# ---------------------------------------------------------------- writing

_json = msgspec.json.Encoder().encode
_Group = list[tuple[float, int, str]]


def encode_head(head: Head) -> bytes:
    """The first line of a file."""
    return _json(head) + b"\n"


def encode(entries: Iterable[Entry]) -> bytes:
    """Whole lines, in the order of the entries; texts are put together as far as nothing else
    comes between them."""
    lines: list[bytes] = []
    stream: _Group = []
    deltas: _Group = []

    def close_groups() -> None:
        for key, group in ((b"stream", stream), (b"deltas", deltas)):
            if group:
                lines.append(b'{"at":%s,"%s":%s}\n' % (_json(group[0][0]), key, _json(group)))
                group.clear()

    for entry in entries:
        what, at = entry.what, round(entry.at, 1)
        if type(what) is Delta:
            deltas.append((at, what.turn, what.text))
        elif type(what) is Streamed:
            stream.append((at, what.turn, what.text))
        else:
            close_groups()
            lines.append(b'{"at":%s,"%s":%s}\n' % (_json(at), *_body(entry)))
    close_groups()
    return b"".join(lines)


def _body(entry: Entry) -> tuple[bytes, bytes]:
    match entry.what:
        case Asked():
            return b"prompt", _json(entry.what)
        case Answered():
            return b"answered", _json(entry.what)
        case Ended(reason=reason):
            return b"ended", _json(reason)
        case message:  # of the wire: a Streamed stands in a group
            frame = JSON.encode(message)  # type: ignore[arg-type]
            return b"client" if entry.client else b"server", str(frame).encode()


# ---------------------------------------------------------------- reading


class _Line(Struct):
    at: float = 0.0
    client: Raw = Raw()
    server: Raw = Raw()
    prompt: Asked | None = None
    answered: Answered | None = None
    stream: list[tuple[float, int, str]] | None = None
    deltas: list[tuple[float, int, str]] | None = None
    ended: str | None = None


_read_line = msgspec.json.Decoder(_Line).decode
_read_head = msgspec.json.Decoder(Head).decode


def decode(file: str, data: bytes) -> Recording:
    """A file's recording. A ContentError names the line that is wrong."""
    *whole, rest = data.split(b"\n")
    if not whole:
        problem = "its first line has no end" if data else "the file is empty"
        raise ContentError(file, "line 1", f"is no recording: {problem}")
    head = _head(file, whole[0])
    entries: list[Entry] = []
    skipped = 0
    for number, line in enumerate(whole[1:], 2):
        if not line.strip():
            continue
        try:
            found = list(_entries(_read_line(line)))
        except (msgspec.MsgspecError, DecodeError, UnicodeDecodeError) as error:
            raise ContentError(file, f"line {number}", f"cannot be read: {error}") from None
        entries += found
        skipped += not found
    entries.sort(key=lambda entry: entry.at)  # stable: what is written later came later
    return Recording(head, tuple(entries), cut=bool(rest.strip()), skipped=skipped)


def join(parts: Iterable[Recording]) -> Recording:
    """The parts of one session, in their order, as one."""
    first, *others = parts
    return Recording(
        first.head,
        tuple(entry for part in (first, *others) for entry in part.entries),
        cut=any(part.cut for part in (first, *others)),
        skipped=sum(part.skipped for part in (first, *others)),
    )


def _head(file: str, line: bytes) -> Head:
    wrong = 'is no recording: the first line must be {"recording": 1, ...}'
    try:
        if "recording" not in msgspec.json.decode(line, type=dict[str, Any]):
            raise ContentError(file, "line 1", wrong)
        head = _read_head(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ContentError(file, "line 1", wrong) from None
    if not 1 <= head.recording <= VERSION:
        problem = (
            f"is of version {head.recording}; this server reads up to {VERSION}. Use the server "
            "that wrote it, or a newer one"
        )
        raise ContentError(file, "line 1", problem)
    return head


def _entries(line: _Line) -> Iterator[Entry]:
    message: ClientMessage | ServerMessage | Unknown
    if bytes(line.client):
        message = JSON.decode_client(bytes(line.client).decode(), 2**63)
        if not isinstance(message, Unknown):
            yield Entry(line.at, message, client=True)
    if bytes(line.server):
        message = JSON.decode_server(bytes(line.server).decode(), 2**63)
        if not isinstance(message, Unknown):
            yield Entry(line.at, message)
    for what in (line.prompt, line.answered):
        if what is not None:
            yield Entry(line.at, what)
    for at, turn, text in line.stream or ():
        yield Entry(at, Streamed(turn, text))
    for at, turn, text in line.deltas or ():
        yield Entry(at, Delta(turn, text))
    if line.ended is not None:
        yield Entry(line.at, Ended(line.ended))
