"""The SQLite store's tables, statements and rows (sqlite.py)."""

from __future__ import annotations

from typing import Any

import msgspec

from ..domain.conversation import Checkpoint, ConversationKey, Node

SCHEMA_VERSION = 2
SCHEMA = """
CREATE TABLE conversations (
    player TEXT NOT NULL, conversation TEXT NOT NULL, head TEXT NOT NULL DEFAULT '',
    revision INTEGER NOT NULL DEFAULT 0, state BLOB NOT NULL DEFAULT x'80',
    PRIMARY KEY (player, conversation)
) WITHOUT ROWID;
CREATE TABLE nodes (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    player TEXT NOT NULL, conversation TEXT NOT NULL, parent TEXT NOT NULL,
    kind TEXT NOT NULL, speaker TEXT NOT NULL, text TEXT NOT NULL, at REAL NOT NULL,
    line TEXT NOT NULL, reason TEXT NOT NULL, meta BLOB NOT NULL
);
CREATE INDEX nodes_parent ON nodes (parent);
CREATE INDEX nodes_line ON nodes (player, conversation, line);
CREATE UNIQUE INDEX line_once ON nodes (player, conversation, line)
    WHERE kind <> 'npc' AND line <> '';
CREATE TABLE checkpoints (
    id TEXT PRIMARY KEY, player TEXT NOT NULL, conversation TEXT NOT NULL,
    head TEXT NOT NULL, revision INTEGER NOT NULL, state BLOB NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX checkpoints_conversation ON checkpoints (player, conversation);
"""
MIGRATIONS = {
    # Events have line ids of their own, as the player's lines do.
    1: """
DROP INDEX line_once;
CREATE UNIQUE INDEX line_once ON nodes (player, conversation, line)
    WHERE kind <> 'npc' AND line <> '';
""",
}
"""What brings a file of an older version to the next."""
COLUMNS = "id, parent, kind, speaker, text, at, line, reason, meta"
PATH = f"""
WITH RECURSIVE path (step, id) AS (
    VALUES (0, ?)
    UNION ALL
    SELECT step + 1, nodes.parent FROM path JOIN nodes ON nodes.id = path.id WHERE step < ?
)
SELECT {", ".join("nodes." + name for name in COLUMNS.split(", "))}
FROM path JOIN nodes ON nodes.id = path.id
WHERE player = ? AND conversation = ? ORDER BY step DESC
"""  # noqa: S608 - the interpolated names are constants of this module

ALL = 2**62
OTHER_HEADS = """
SELECT conversations.conversation, head FROM conversations JOIN nodes ON nodes.id = head
WHERE conversations.player = ? AND conversations.conversation <> ?
ORDER BY nodes.at DESC, nodes.number DESC LIMIT ?
"""
INSERT = (
    "INSERT INTO nodes (player, conversation, id, parent, kind, speaker, text, at, line, reason, "
    "meta) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_CHECKPOINT = (
    "INSERT INTO checkpoints (id, player, conversation, head, revision, state, at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
COLLECT = """
WITH RECURSIVE kept (id) AS (
    SELECT head FROM conversations WHERE player = :player AND conversation = :conversation
    UNION SELECT head FROM checkpoints WHERE player = :player AND conversation = :conversation
    UNION SELECT id FROM nodes
        WHERE player = :player AND conversation = :conversation AND at >= :before
    UNION
    SELECT nodes.parent FROM kept JOIN nodes ON nodes.id = kept.id
)
DELETE FROM nodes WHERE player = :player AND conversation = :conversation
    AND at < :before AND id NOT IN (SELECT id FROM kept)
"""
LIST = """
SELECT c.player, c.conversation, count(nodes.id), coalesce(max(nodes.at), 0.0) AS last
FROM conversations AS c LEFT JOIN nodes USING (player, conversation)
GROUP BY c.player, c.conversation ORDER BY last DESC
"""


def node_row(key: ConversationKey, node: Node) -> tuple[Any, ...]:
    """What INSERT takes."""
    return (
        *(key.player, key.conversation, node.id, node.parent, node.kind, node.speaker),
        *(node.text, node.at, node.line, node.reason, msgspec.msgpack.encode(node.meta)),
    )


def checkpoint_row(key: ConversationKey, checkpoint: Checkpoint) -> tuple[Any, ...]:
    """What INSERT_CHECKPOINT takes."""
    state = msgspec.msgpack.encode(checkpoint.state)
    return (
        *(checkpoint.id, key.player, key.conversation),
        *(checkpoint.head, checkpoint.revision, state, checkpoint.at),
    )


def node_of(row: tuple[Any, ...]) -> Node:
    """A node from a row of COLUMNS."""
    node, parent, kind, speaker, text, at, line, reason, meta = row
    decoded = msgspec.msgpack.decode(meta)
    return Node(node, parent, kind, speaker, text, at, line, reason, decoded)
