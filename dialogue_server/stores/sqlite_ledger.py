"""What was spent, beside the conversations in their SQLite file (sqlite.py)."""

from __future__ import annotations

import sqlite3

from ..domain.budget import Amount, Entry, days_before
from .sqlite import SQLiteStore

_TABLES = """
CREATE TABLE IF NOT EXISTS spent (
    day TEXT NOT NULL, account TEXT NOT NULL, tokens INTEGER NOT NULL, micros INTEGER NOT NULL,
    PRIMARY KEY (day, account)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spent_entries (
    day TEXT NOT NULL, id TEXT NOT NULL, settled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, id)
) WITHOUT ROWID;
"""
_ADD = """
INSERT INTO spent VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens, micros = micros + excluded.micros
"""


class SQLiteLedger:
    """A Ledger in the file of a store, and in its thread."""

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store
        self._day = ""

    async def start(self) -> None:
        """Create the tables where there are none."""

        def create(db: sqlite3.Connection) -> None:
            db.executescript(f"BEGIN; {_TABLES} COMMIT;")

        await self._store.use(create)

    async def reserve(self, entry: Entry) -> tuple[Amount, ...]:
        """Count what an entry may cost at most."""

        def count(db: sqlite3.Connection) -> tuple[Amount, ...]:
            with db:
                self._forget(db, entry.day)
                held = _held(db, entry.day, entry.accounts)
                new = db.execute(
                    "INSERT OR IGNORE INTO spent_entries (day, id) VALUES (?, ?)",
                    (entry.day, entry.id),
                ).rowcount
                if not new:
                    return tuple(amount.minus(entry.reserved) for amount in held)
                _add(db, entry, entry.reserved)
                return held

        return await self._store.use(count)

    async def settle(self, entry: Entry, amount: Amount) -> None:
        """Put what it did cost in its place."""

        def count(db: sqlite3.Connection) -> None:
            with db:
                due = db.execute(
                    "UPDATE spent_entries SET settled = 1 WHERE day = ? AND id = ? AND NOT settled",
                    (entry.day, entry.id),
                ).rowcount
                if due:
                    _add(db, entry, amount.minus(entry.reserved))

        await self._store.use(count)

    async def spent(self, day: str, accounts: tuple[str, ...]) -> tuple[Amount, ...]:
        """What accounts hold."""
        return await self._store.use(lambda db: _held(db, day, accounts))

    def _forget(self, db: sqlite3.Connection, day: str) -> None:
        """Once a day, what is older than yesterday."""
        if day != self._day:
            before = days_before(day, 1)
            db.execute("DELETE FROM spent WHERE day < ?", (before,))
            db.execute("DELETE FROM spent_entries WHERE day < ?", (before,))
            self._day = day


def _held(db: sqlite3.Connection, day: str, accounts: tuple[str, ...]) -> tuple[Amount, ...]:
    return tuple(
        Amount(
            *db.execute(
                "SELECT tokens, micros FROM spent WHERE day = ? AND account = ?", (day, account)
            ).fetchone()
            or ()
        )
        for account in accounts
    )


def _add(db: sqlite3.Connection, entry: Entry, amount: Amount) -> None:
    rows = ((entry.day, account, amount.tokens, amount.micros) for account in entry.accounts)
    db.executemany(_ADD, rows)
