"""One server for one SQLite file.

Two on one file would not know of each other: a conversation that is open on both grows apart. The
lock is SQLite's own, held on an empty file beside the store's, so that the system gives it back
however the process ends. Programs that only read or copy what was said are not kept out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import StoreError


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the store's file at `path` for this server. A StoreError if another has it."""
    lock = _taken(path)
    try:
        yield
    finally:
        if lock is not None:
            lock.close()


def _taken(path: Path) -> sqlite3.Connection | None:
    """The lock; None where no file can be made, for then the store says what is wrong."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(f"{path}-lock", timeout=0, isolation_level=None)
    except (OSError, sqlite3.Error):
        return None
    try:
        lock.execute("PRAGMA journal_mode = MEMORY")  # else a second file would lie there
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if "locked" not in str(error):
            return None
        raise StoreError(
            f"Another server is using {path}: stop it, or give this one a file of its own "
            "(--store OTHER.db, store.path). Several servers share a Redis."
        ) from None
    return lock
