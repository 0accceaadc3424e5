"""Conversations in one SQLite file, the embedded default.

Write-ahead logging with `synchronous=NORMAL`: a commit survives the death of the process at any
moment, and the file stays sound after a power cut (which may cost the last commits; SQLite,
"Write-Ahead Logging", section 2). One thread owns the connection, so the event loop never
waits for the disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..domain.conversation import Archive, Checkpoint, ConversationKey, Listed, Node, Snapshot
from ..domain.state import merge_patch
from ..errors import StoreError
from .base import Found, already_there
from .sqlite_schema import (
    ALL,
    COLLECT,
    COLUMNS,
    INSERT,
    INSERT_CHECKPOINT,
    LIST,
    MIGRATIONS,
    OTHER_HEADS,
    PATH,
    SCHEMA,
    SCHEMA_VERSION,
    checkpoint_row,
    node_of,
    node_row,
)

T = TypeVar("T")


class SQLiteStore:
    """A Store in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        self._db: sqlite3.Connection | None = None
        self._closed = False

    async def start(self) -> None:
        """Open the file, create the tables where there are none."""
        await self._run(self._open)

    async def load(self, key: ConversationKey) -> Snapshot:
        """The head path and the state."""
        return await self._run(self._load, key)

    async def append(self, key: ConversationKey, node: Node) -> Node:
        """Add a node and make it the head, unless its line is known."""
        return await self._run(self._append, key, node)

    async def find_line(self, key: ConversationKey, line: str) -> Found | None:
        """What is known of a line id."""
        return await self._run(self._find_line, key, line)

    async def path(self, key: ConversationKey, node: str) -> tuple[Node, ...]:
        """The branch that ends in a node."""
        return await self._run(self._path_to, key, node)

    async def save_checkpoint(self, key: ConversationKey, checkpoint: Checkpoint) -> None:
        """Keep a moment."""
        await self._run(self._save_checkpoint, key, checkpoint)

    async def restore(self, key: ConversationKey, checkpoint: str) -> Snapshot | None:
        """Move head and state back."""
        return await self._run(self._restore, key, checkpoint)

    async def collect(self, before: float) -> int:
        """Delete old nodes on no path, a conversation at a time: the store serves others
        between."""
        keys = await self._run(self._grown_before, before)
        return sum([await self._run(self._collect, key, before) for key in keys])

    async def conversations(self) -> tuple[Listed, ...]:
        """All conversations, the newest first."""
        return await self._run(self._conversations)

    async def export(self, key: ConversationKey) -> Archive | None:
        """All of a conversation."""
        return await self._run(self._export, key)

    async def restore_archive(self, archive: Archive) -> None:
        """Store what was exported."""
        await self._run(self._restore_archive, archive)

    async def amend(self, node: str, text: str, reason: str) -> None:
        """Cut a node's text to what was seen."""
        await self._run(self._amend, node, text, reason)

    async def annotate(self, node: str, meta: dict[str, Any]) -> None:
        """Merge into a node's record."""
        await self._run(self._annotate, node, meta)

    async def elsewhere(
        self, key: ConversationKey, conversations: int, lines: int
    ) -> tuple[tuple[Node, ...], ...]:
        """The player's other conversations."""
        return await self._run(self._elsewhere, key, conversations, lines)

    async def save_state(self, key: ConversationKey, revision: int, state: dict[str, Any]) -> None:
        """Replace the state."""
        await self._run(self._save_state, key, revision, msgspec.msgpack.encode(state))

    async def aclose(self) -> None:
        """Close the file; idempotent."""
        if self._closed:
            return
        await self._run(self._close)
        self._closed = True
        self._thread.shutdown()

    async def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """For sqlite_ledger.py: do something with the file, in the store's thread."""
        return await self._run(lambda: work(self._connection))

    async def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        if self._closed:
            raise StoreError("The store is closed; the server is shutting down.")
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._thread, work, *arguments)
        try:
            # Shielded: a cancelled turn must not leave a half-awaited commit behind.
            return await asyncio.shield(future)
        except sqlite3.Error as error:
            raise StoreError(self._explain(error)) from error
        except OSError as error:
            raise StoreError(
                f"{self._path.name}: cannot be opened ({error.strerror}). Check that its folder "
                "exists and that the server may write there."
            ) from error

    def _explain(self, error: sqlite3.Error) -> str:
        text = str(error)
        advice = {
            "disk is full": "Free some space; until then new lines are refused.",
            "readonly": "Give the server the right to write to the file and its folder.",
            "unable to open": "Check that its folder exists and that the server may write there.",
            "locked": "Another program holds the file; each server needs a file of its own.",
            "malformed": "The file is damaged; restore a copy, or move it away to begin anew.",
            "already exists": "It is another program's database; move it, or set store.path.",
            "not a database": "Another kind of file is in its place; move it, or set store.path.",
        }
        mend = next((say for sign, say in advice.items() if sign in text), "")
        return f"{self._path.name}: {text}. {mend}".rstrip()

    # ------------------------------------------------ in the thread

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            raise StoreError("The store was not started.")
        return self._db

    def _open(self) -> None:
        if self._db is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, check_same_thread=False, timeout=5)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            while version in MIGRATIONS:
                db.executescript(
                    f"BEGIN; {MIGRATIONS[version]} PRAGMA user_version = {version + 1}; COMMIT;"
                )
                version += 1
            if version not in (0, SCHEMA_VERSION):
                raise StoreError(
                    f"{self._path.name} comes from another version of the server (its format "
                    f"is {version}, this one reads {SCHEMA_VERSION}). Run that version, or point "
                    "store.path at a new file."
                )
        except BaseException:
            db.close()
            raise
        self._db = db

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _load(self, key: ConversationKey) -> Snapshot:
        db = self._connection
        row = db.execute(
            "SELECT head, revision, state FROM conversations WHERE player = ? AND conversation = ?",
            (key.player, key.conversation),
        ).fetchone()
        if row is None:
            return Snapshot()
        head, revision, state = row
        return Snapshot(self._path_to(key, head), revision, msgspec.msgpack.decode(state))

    def _path_to(self, key: ConversationKey, node: str, lines: int = ALL) -> tuple[Node, ...]:
        bounds = (node, lines - 1, key.player, key.conversation)
        return tuple(map(node_of, self._connection.execute(PATH, bounds)))

    def _elsewhere(
        self, key: ConversationKey, conversations: int, lines: int
    ) -> tuple[tuple[Node, ...], ...]:
        heads = self._connection.execute(OTHER_HEADS, (key.player, key.conversation, conversations))
        return tuple(
            self._path_to(ConversationKey(key.player, name), head, lines)
            for name, head in heads.fetchall()
        )

    def _append(self, key: ConversationKey, node: Node) -> Node:
        db = self._connection
        with db:
            if node.kind != "npc" and node.line:
                known = self._by_line(key, node.line)
                if known is not None:
                    return known
            added = db.execute(f"{INSERT} ON CONFLICT (id) DO NOTHING", node_row(key, node))
            if not added.rowcount:
                return node
            db.execute(
                "INSERT INTO conversations (player, conversation, head) VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET head = excluded.head",
                (key.player, key.conversation, node.id),
            )
        return node

    def _by_line(self, key: ConversationKey, line: str) -> Node | None:
        return self._node_where(
            "player = ? AND conversation = ? AND line = ? AND kind <> 'npc'",
            *(key.player, key.conversation, line),
        )

    def _find_line(self, key: ConversationKey, line: str) -> Found | None:
        player, answer = self._by_line(key, line), None
        if player is not None:
            answer = self._node_where("parent = ? AND kind = 'npc'", player.id)
        if answer is None:
            answer = self._node_where(
                "player = ? AND conversation = ? AND line = ? AND kind = 'npc'",
                *(key.player, key.conversation, line),
            )
        if player is not None:
            return Found(player, answer)
        return Found(self._node_where("id = ?", answer.parent), answer) if answer else None

    def _node_where(self, condition: str, *values: str) -> Node | None:
        """The newest node for which one of this module's conditions holds."""
        row = self._connection.execute(
            f"SELECT {COLUMNS} FROM nodes WHERE {condition} ORDER BY number DESC LIMIT 1",  # noqa: S608
            values,
        ).fetchone()
        return node_of(row) if row else None

    def _amend(self, node: str, text: str, reason: str) -> None:
        with self._connection as db:
            changed = db.execute(
                "UPDATE nodes SET text = ?, reason = ? WHERE id = ?", (text, reason, node)
            ).rowcount
        if not changed:
            raise StoreError(f"There is no stored turn {node!r} to cut.")

    def _annotate(self, node: str, meta: dict[str, Any]) -> None:
        with self._connection as db:
            db.execute("BEGIN IMMEDIATE")
            row = db.execute("SELECT meta FROM nodes WHERE id = ?", (node,)).fetchone()
            if row is None:
                raise StoreError(f"There is no stored turn {node!r} to annotate.")
            merged = merge_patch(msgspec.msgpack.decode(row[0]), meta)
            db.execute(
                "UPDATE nodes SET meta = ? WHERE id = ?", (msgspec.msgpack.encode(merged), node)
            )

    def _save_state(self, key: ConversationKey, revision: int, state: bytes) -> None:
        with self._connection as db:
            db.execute(
                "INSERT INTO conversations (player, conversation, revision, state) "
                "VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
                "SET revision = excluded.revision, state = excluded.state",
                (key.player, key.conversation, revision, state),
            )

    def _save_checkpoint(self, key: ConversationKey, checkpoint: Checkpoint) -> None:
        with self._connection as db:
            db.execute(INSERT_CHECKPOINT, checkpoint_row(key, checkpoint))

    def _restore(self, key: ConversationKey, checkpoint: str) -> Snapshot | None:
        with self._connection as db:
            moved = db.execute(
                "UPDATE conversations SET (head, revision, state) = "
                "(SELECT head, revision, state FROM checkpoints WHERE id = :id) "
                "WHERE (player, conversation) = "
                "(SELECT player, conversation FROM checkpoints WHERE id = :id) "
                "AND player = :player AND conversation = :conversation",
                {"id": checkpoint, "player": key.player, "conversation": key.conversation},
            ).rowcount
            (at,) = db.execute(
                "SELECT at FROM checkpoints WHERE id = ?", (checkpoint,)
            ).fetchone() or (0,)
        return msgspec.structs.replace(self._load(key), saved=at) if moved else None

    def _grown_before(self, before: float) -> list[ConversationKey]:
        rows = self._connection.execute(
            "SELECT DISTINCT player, conversation FROM nodes WHERE at < ?", (before,)
        )
        return [ConversationKey(player, conversation) for player, conversation in rows]

    def _collect(self, key: ConversationKey, before: float) -> int:
        names = {"player": key.player, "conversation": key.conversation, "before": before}
        with self._connection as db:
            db.execute(COLLECT, names)
            return int(db.execute("SELECT changes()").fetchone()[0])

    def _conversations(self) -> tuple[Listed, ...]:
        rows = self._connection.execute(LIST)
        return tuple(Listed(ConversationKey(p, c), nodes, last) for p, c, nodes, last in rows)

    def _export(self, key: ConversationKey) -> Archive | None:
        with self._connection as db:
            db.execute("BEGIN")  # a server may be writing: all of one moment
            return self._read_archive(db, key)

    def _read_archive(self, db: sqlite3.Connection, key: ConversationKey) -> Archive | None:
        names = (key.player, key.conversation)
        found = db.execute(
            "SELECT head, revision, state FROM conversations WHERE player = ? AND conversation = ?",
            names,
        ).fetchone()
        if found is None:
            return None
        nodes = db.execute(
            f"SELECT {COLUMNS} FROM nodes WHERE player = ? AND conversation = ? ORDER BY number",  # noqa: S608
            names,
        )
        checkpoints = db.execute(
            "SELECT id, head, revision, state, at FROM checkpoints "
            "WHERE player = ? AND conversation = ? ORDER BY at",
            names,
        )
        return Archive(
            key,
            found[0],
            found[1],
            msgspec.msgpack.decode(found[2]),
            tuple(map(node_of, nodes)),
            tuple(
                Checkpoint(name, head, revision, msgspec.msgpack.decode(state), at)
                for name, head, revision, state, at in checkpoints
            ),
        )

    def _restore_archive(self, archive: Archive) -> None:
        key = archive.key
        try:
            with self._connection as db:
                db.execute(
                    "INSERT INTO conversations VALUES (?, ?, ?, ?, ?)",
                    (
                        *(key.player, key.conversation, archive.head, archive.revision),
                        msgspec.msgpack.encode(archive.state),
                    ),
                )
                db.executemany(INSERT, (node_row(key, node) for node in archive.nodes))
                rows = (checkpoint_row(key, checkpoint) for checkpoint in archive.checkpoints)
                db.executemany(INSERT_CHECKPOINT, rows)
        except sqlite3.IntegrityError as error:
            raise StoreError(already_there(key)) from error
