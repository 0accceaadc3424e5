"""Stored lines as messages again: an answer repeated, a transcript, the mood of the last one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dialogue_protocol.messages import (
    MAX_DELTA_CHARS,
    Cue,
    Delta,
    ServerMessage,
    SpokenLine,
    Turn,
    TurnEnd,
)

from ..domain.conversation import Node
from ..domain.graphemes import split
from ..domain.persona import Persona
from ..domain.stream import Mood, TextStream

MAX_TRANSCRIPT = 1000
"""The most lines of one transcript."""
MAX_TRANSCRIPT_BYTES = 128 * 1024
"""About what a transcript may weigh: half of what waits for a reader before it counts as slow."""
_LINE_BYTES = 160
"""What a line weighs besides its text."""


def answer_again(node: Node, conversation: str, number: int, line: str) -> Iterator[ServerMessage]:
    """A stored answer as a turn of the same id (spec.md, "Exactly once")."""
    yield Turn(number, node.id, conversation, node.speaker, line)
    at = 0
    for offset, kind, name, args, *action in node.meta.get("cues", []):
        for part in split(node.text[at:offset], MAX_DELTA_CHARS):
            yield Delta(number, part)
        at = offset
        yield Cue(number, offset, kind, name, args, *action)
    for part in split(node.text[at:], MAX_DELTA_CHARS):
        yield Delta(number, part)
    yield TurnEnd(number, node.reason, len(node.text))


def without_tags(persona: Persona, text: str, state: dict[str, Any]) -> tuple[str, list[list[Any]]]:
    """An authored text as a player reads it, and its moods as a node keeps them."""
    stream = TextStream(persona, state=state)
    moods = [
        [piece.offset, "mood", piece.name, {}]
        for piece in (*stream.feed(text), *stream.finish())
        if isinstance(piece, Mood)
    ]
    return stream.text, moods


def transcript(nodes: Sequence[Node], last: int) -> list[SpokenLine]:
    """The newest lines, `last` of them if so many may be told; always one, if there is one."""
    lines: list[SpokenLine] = []
    size = 0
    for node in reversed(nodes[-min(max(last, 1), MAX_TRANSCRIPT) :]):
        size += len(node.text.encode()) + _LINE_BYTES
        if size > MAX_TRANSCRIPT_BYTES and lines:
            break
        lines.append(spoken(node))
    return lines[::-1]


def spoken(node: Node) -> SpokenLine:
    """A node as a line of a transcript."""
    return SpokenLine(
        id=node.id,
        kind=node.kind,
        speaker=node.speaker,
        text=node.text,
        line=node.line,
        reason=node.reason,
        mood=_last_mood(node),
    )


def mood_of(persona: Persona, nodes: Iterable[Node]) -> str:
    """The mood an NPC was left in; `nodes` newest first."""
    for node in nodes:
        if node.speaker == persona.id and (mood := _last_mood(node)):
            return mood
    return persona.mood


def _last_mood(node: Node) -> str:
    moods = [str(cue[2]) for cue in node.meta.get("cues", []) if cue[1] == "mood"]
    return moods[-1] if moods else ""
