"""What only the SQLite store can show: files, kills, damage."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dialogue_server.domain.conversation import ConversationKey, Node
from dialogue_server.errors import StoreError
from dialogue_server.stores.sqlite import SQLiteStore
from dialogue_server.stores.sqlite_lock import held

KEY = ConversationKey("ann", "tavern")

WRITER = """
import asyncio, sys
from pathlib import Path
from dialogue_server.domain.conversation import ConversationKey, Node
from dialogue_server.stores.sqlite import SQLiteStore

async def main():
    store = SQLiteStore(Path(sys.argv[1]))
    await store.start()
    parent = ""
    for number in range(10**6):
        node = Node(f"n{number}", parent, "player", "Ann", "x" * 200, 0.0)
        await store.append(ConversationKey("ann", "tavern"), node)
        parent = node.id
        print(number, flush=True)

asyncio.run(main())
"""


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "talk.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    acknowledged = -1
    for line in writer.stdout:
        acknowledged = int(line)
        if acknowledged == 300:
            os.kill(writer.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            break
    rest = writer.stdout.read().split()
    writer.stdout.close()
    writer.wait()
    acknowledged = max([acknowledged, *(int(number) for number in rest if number.isdigit())])
    store = SQLiteStore(path)
    await store.start()
    nodes = (await store.load(KEY)).nodes
    await store.aclose()
    assert len(nodes) >= acknowledged + 1
    assert [node.id for node in nodes] == [f"n{number}" for number in range(len(nodes))]


async def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "talk.db"
    path.write_bytes(b"This is a shopping list, not a database. " * 40)
    store = SQLiteStore(path)
    with pytest.raises(StoreError, match=r"talk\.db: file is not a database\. Another kind"):
        await store.start()
    await store.aclose()


async def test_a_database_of_another_program_says_so(tmp_path: Path) -> None:
    path = tmp_path / "talk.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE nodes (x)")
    other.close()
    store = SQLiteStore(path)
    with pytest.raises(StoreError, match="It is another program's database"):
        await store.start()
    await store.aclose()


async def test_a_folder_in_the_place_of_the_file_says_so(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path)
    with pytest.raises(StoreError, match="unable to open"):
        await store.start()
    await store.aclose()


async def test_a_file_in_the_place_of_the_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    store = SQLiteStore(tmp_path / "data" / "talk.db")
    with pytest.raises(StoreError, match="Check that its folder exists"):
        await store.start()
    await store.aclose()


async def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "talk.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    store = SQLiteStore(path)
    with pytest.raises(StoreError, match="its format is 99"):
        await store.start()
    await store.aclose()


async def test_a_held_lock_is_an_error_that_names_the_cause(tmp_path: Path) -> None:
    path = tmp_path / "talk.db"
    store = SQLiteStore(path)
    await store.start()
    store._connection.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="Another program holds the file"):
        await store.append(KEY, Node("a", "", "player", "Ann", "Hello?", 0.0))
    other.execute("ROLLBACK")
    other.close()
    await store.append(KEY, Node("a", "", "player", "Ann", "Hello?", 0.0))
    await store.aclose()


async def test_using_a_store_that_was_not_started_or_is_closed_says_so(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "talk.db")
    with pytest.raises(StoreError, match="not started"):
        await store.load(KEY)
    await store.start()
    await store.start()
    await store.aclose()
    with pytest.raises(StoreError, match="closed"):
        await store.load(KEY)


async def test_a_file_of_the_first_format_is_brought_up_to_date(tmp_path: Path) -> None:
    path, key = tmp_path / "talk.db", ConversationKey("ann", "c")
    store = SQLiteStore(path)
    await store.start()
    await store.append(key, Node("n1", "", "player", "Ann", "Hello.", 1.0, "1"))
    await store.aclose()
    with sqlite3.connect(path) as db:  # as the first version made it
        db.execute("DROP INDEX line_once")
        db.execute(
            "CREATE UNIQUE INDEX line_once ON nodes (player, conversation, line) "
            "WHERE kind = 'player' AND line <> ''"
        )
        db.execute("PRAGMA user_version = 1")
    db.close()
    store = SQLiteStore(path)
    await store.start()
    first = await store.append(key, Node("n2", "n1", "event", "", "A bell.", 2.0, "e1"))
    again = await store.append(key, Node("n3", "n2", "event", "", "A bell.", 3.0, "e1"))
    assert again.id == first.id == "n2"
    assert [node.id for node in (await store.load(key)).nodes] == ["n1", "n2"]
    await store.aclose()


HOLDER = """
import sys
from pathlib import Path
from dialogue_server.stores.sqlite_lock import held

with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_file_belongs_to_one_server_until_that_ends_however_it_does(tmp_path: Path) -> None:
    path = tmp_path / "data" / "talk.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(StoreError, match=r"Another server is using .*talk\.db: stop it"):
            held(path).__enter__()
        holder.kill()
    with held(path), pytest.raises(StoreError), held(path):
        pass
    with held(path):
        pass


def test_a_file_in_place_of_the_folder_is_left_to_the_store_to_tell(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with held(tmp_path / "data" / "talk.db"):
        pass
