"""What an NPC may remember: the lines it heard, on this branch, of this player.

A pure fold over nodes and their records. A memory is on a path, or it is not there: a branch, a
save slot or another player has its own. Which memories matter now is recall.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from .. import untrusted
from ..conversation import HEARD, Node, was_heard
from ..persona import World

TIME = "time"
"""The key of `Node.meta` with the game's time when the line was said (`World.clock`)."""
UNDONE = "undone"
"""The key of `Node.meta` of the first line after going back to a save slot, with [when the slot was
saved, when it was loaded]: what was said elsewhere in between has not happened on this branch."""
MEMORY = "memory"
"""The key of `Node.meta` with what was made of the lines up to this node, by NPC:
`{npc: {"summary": text, "facts": [{"text", "importance", "node"}]}}` (summary.py)."""


class Past(Struct, frozen=True):
    """What an NPC may remember besides the conversation's own history: the lines of the player's
    other conversations that it heard, oldest first."""

    elsewhere: tuple[Node, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    """(id, name) of the NPCs that spoke there."""


class Rememberer(Struct, frozen=True):
    """Who remembers: an NPC's id, its player's name, and the names of the NPCs, by id."""

    npc: str
    player: str
    names: tuple[tuple[str, str], ...] = ()


def stamp(world: World, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a line's record keeps of the moment: the game's time, if the world names its path."""
    if not world.clock:
        return {}
    value: Any = state
    for segment in world.clock.split("."):
        value = value.get(segment) if isinstance(value, Mapping) else None
    if value is None or value in ("", {}):
        return {}
    shown = untrusted.value(value, 60)
    label = untrusted.key(world.clock.rsplit(".", 1)[-1])
    named = isinstance(value, str | Mapping)
    return {TIME: shown if named else f"{label} {shown}"}


def heard(nodes: Sequence[Node], npc: str) -> tuple[Node, ...]:
    """The lines of a path that an NPC was there for: its own, and those whose record names it.
    Of a line without such a record, only the one that it answered."""
    found = []
    for at, node in enumerate(nodes):
        if not node.text:
            continue
        if HEARD in node.meta:
            there = was_heard(node.meta, npc)
        else:
            there = node.kind == "player" and at + 1 < len(nodes) and nodes[at + 1].speaker == npc
        if there or (node.kind == "npc" and node.speaker == npc):
            found.append(node)
    return tuple(found)


Span = tuple[float, float]
"""A time that has not happened: from the saving of a slot until its loading, seconds."""


def undone(path: Iterable[Node]) -> Iterator[Span]:
    """The times that a path has gone back before."""
    for node in path:
        match node.meta.get(UNDONE):
            case [int() | float() as saved, int() | float() as loaded]:
                yield saved, loaded


def all_undone(
    path: Iterable[Node], elsewhere: Iterable[Iterable[Node]], pending: Iterable[Span]
) -> list[Span]:
    """The times that have not happened: those that a conversation's own path has gone back before,
    those of loads that no line has followed yet (`pending`), and those of the player's other
    conversations, as far as these have happened themselves. For who goes back in one goes back in
    all, also where an NPC was met only after the slot was saved, and begins anew."""
    spans = [*undone(path), *pending]
    marks = [node for lines in elsewhere for node in lines if UNDONE in node.meta]
    for node in sorted(marks, key=lambda node: node.at, reverse=True):
        if happened([node], spans):
            spans += undone([node])
    return spans


def happened(lines: Iterable[Node], spans: Sequence[Span]) -> tuple[Node, ...]:
    """Lines without those of a time that has not happened."""
    return tuple(
        line for line in lines if not any(saved < line.at < loaded for saved, loaded in spans)
    )


def with_ids(meta: dict[str, Any], new: Callable[[str], str]) -> dict[str, Any]:
    """A node's record for a copy of the conversation in which each node's id is another one."""
    made = meta.get(MEMORY)
    if not isinstance(made, Mapping):
        return meta
    renamed = {}
    for npc in made:
        own = noted(meta, npc)
        facts = [msgspec.to_builtins(replace(told, node=new(told.node))) for told in own.facts]
        renamed[npc] = {"summary": own.summary, "facts": facts}
    return {**meta, MEMORY: renamed}


class NotedFact(Struct, frozen=True):
    """A fact that a model wrote down, and the line that it rests on."""

    text: str
    importance: float
    node: str


class Noted(Struct, frozen=True):
    """What was made, for one NPC, of the lines up to a node."""

    summary: str = ""
    facts: tuple[NotedFact, ...] = ()


def noted(meta: Mapping[str, Any], npc: str) -> Noted:
    """What a node's record holds for an NPC; nothing, if it holds nothing sound."""
    made = meta.get(MEMORY)
    if not isinstance(made, Mapping) or npc not in made:
        return Noted()
    try:
        return msgspec.convert(made[npc], Noted)
    except msgspec.ValidationError:
        return Noted()
