"""A conversation as a tree of nodes: who said what, after what.

Everything that was ever said is a node with a parent; the *head* is the newest node of the
branch in force, and the history is the path from the root to it. Regenerating, saving and
loading are then moves of the head, and nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

HEARD = "heard"
"""The key of `Node.meta` with the ids of the NPCs that were there when the line was said."""
AGAIN = "again"
"""The key of `Node.meta` with the id of a request that was stored elsewhere, never answered there,
and is said here."""


class ConversationKey(Struct, frozen=True):
    """Whose conversation: the player's id and the client's own name for it."""

    player: str
    conversation: str


class Node(Struct, frozen=True):
    """One line of the talk. Ids are unique in the store; `at` is Unix time in seconds."""

    id: str
    parent: str
    kind: Literal["player", "npc", "event"]
    speaker: str
    """The NPC's id, the player's name, or "" for an event."""
    text: str
    at: float
    line: str = ""
    """The client's id of the request that it came by, or answers (kind npc)."""
    reason: str = ""
    """How the turn ended (kind npc): an EndReason."""
    meta: dict[str, Any] = field(default_factory=dict)
    """`heard`: the ids of the NPCs that were there. `to` (kinds player, event): the id of the NPC
    that answers, "" for nobody. `cues` (kind npc): [offset, kind, name, args, action] each.
    `result` (kind event): which action it tells of, [node id, number]. `again`: see AGAIN. `time`,
    `undone`, `memory`: see memory/past.py."""


class Checkpoint(Struct, frozen=True):
    """A moment that a game can return to: the newest node then, and the state."""

    id: str
    head: str
    revision: int
    state: dict[str, Any]
    at: float


class Archive(Struct, frozen=True):
    """All of one conversation, every branch of it: what an export holds (archive.py)."""

    key: ConversationKey
    head: str
    revision: int
    state: dict[str, Any]
    nodes: tuple[Node, ...]
    """Parents before children."""
    checkpoints: tuple[Checkpoint, ...] = ()


class Listed(Struct, frozen=True):
    """A conversation in a list: how many nodes it has on all branches, and when it last grew
    (Unix time in seconds; 0 while nothing has been said)."""

    key: ConversationKey
    nodes: int
    last: float


class Snapshot(Struct, frozen=True):
    """What the store knows of a conversation: the path to its head, and the game's state."""

    nodes: tuple[Node, ...] = ()
    revision: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    saved: float = 0.0
    """When the checkpoint was made that this is, in Unix time; 0 if it is the newest."""

    @property
    def head(self) -> str:
        """The id of the newest node, "" for none."""
        return self.nodes[-1].id if self.nodes else ""


def line_of(node: Node) -> str:
    """The client's id of the request that a node stands for."""
    return node.line or str(node.meta.get(AGAIN, ""))


def was_heard(meta: Mapping[str, object], npc: str) -> bool:
    """Whether the record of a line names the NPC as one that heard it."""
    heard = meta.get(HEARD)
    return isinstance(heard, list | tuple) and npc in heard
