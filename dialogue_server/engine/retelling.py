"""Stored lines as messages again: an answer repeated, a transcript."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dialogue_protocol.messages import (
    MAX_DELTA_CHARS,
    Cue,
    Delta,
    ServerMessage,
    SpokenLine,
    Trigger,
    Turn,
    TurnEnd,
)

from ..domain.conversation import Node, line_of
from ..domain.graphemes import split
from ..domain.persona import Persona
from ..domain.stream import Mood, TextStream
from ..domain.tone import at_rest, mood_cues, shown
from ..domain.triggers import fired

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
    yield from triggered(node, conversation)


def triggered(node: Node, conversation: str) -> Iterator[Trigger]:
    """What a node's turn set off, as the wire tells it."""
    for firing in fired(node):
        yield Trigger(conversation, firing.name, firing.stage, firing.args)


def without_tags(persona: Persona, text: str, state: dict[str, Any]) -> tuple[str, list[list[Any]]]:
    """An authored text as a player reads it, and its moods as a node keeps them."""
    stream = TextStream(persona, state=state)
    tone, moods = at_rest(persona), []
    for piece in (*stream.feed(text), *stream.finish()):
        if isinstance(piece, Mood):
            tone = shown(persona, tone, piece.name, piece.intensity)
            moods.append([piece.offset, "mood", piece.name, {"intensity": tone.intensity}])
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
    moods = list(mood_cues(node))
    return SpokenLine(
        id=node.id,
        kind=node.kind,
        speaker=node.speaker,
        text=node.text,
        line=line_of(node),
        reason=node.reason,
        mood=moods[-1].mood if moods else "",
        intensity=moods[-1].intensity if moods else 0,
    )
