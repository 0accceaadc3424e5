"""`conversations`, `export` and `import`, on the store of a world's folder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import pytest

from dialogue_server.cli import run
from dialogue_server.domain.conversation import Archive, Checkpoint, ConversationKey, Node
from dialogue_server.stores.sqlite import SQLiteStore
from tests.services.redis_server import new_redis

T = TypeVar("T")
KEY = ConversationKey("ann", "tavern")
ESCAPE = ConversationKey("\x1b[2J", "../tavern")


def in_store(folder: Path, work: Callable[[SQLiteStore], Awaitable[T]]) -> T:
    async def whole() -> T:
        store = SQLiteStore(folder / "dialogue.db")
        await store.start()
        try:
            return await work(store)
        finally:
            await store.aclose()

    return asyncio.run(whole())


def exported(folder: Path, key: ConversationKey) -> Archive | None:
    return in_store(folder, lambda store: store.export(key))


async def fill(store: SQLiteStore) -> None:
    await store.append(KEY, Node("a", "", "player", "Ann", "Hello?", 1e9, line="1"))
    for node, text in (("b", "Hm."), ("b2", "Well met.")):
        await store.append(KEY, Node(node, "a", "npc", "mira", text, 1e9 + 1, "1", "complete"))
    await store.save_state(KEY, 2, {"day": 3})
    await store.save_checkpoint(KEY, Checkpoint("slot", "b", 1, {"day": 2}, 1e9 + 2))


@pytest.fixture
def village(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A world's folder with one conversation, below the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    folder = Path("village")
    folder.mkdir()
    in_store(folder, fill)
    return folder


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = run(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_the_list_names_what_export_takes(
    village: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = outcome(capsys, "conversations", "village")
    head, row = out.splitlines()
    assert code == 0
    assert head.split() == ["player", "conversation", "lines", "last"]
    assert row.split()[:3] == ["ann", "tavern", "3"]
    assert row.split()[3].startswith("2001-09-")


def test_the_list_is_of_one_player_or_of_the_newest(
    village: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_store(
        village,
        lambda store: store.append(
            ConversationKey("bob", "mine"), Node("z", "", "player", "Bob", "Well?", 2e9)
        ),
    )
    assert "ann" not in outcome(capsys, "conversations", "village", "--player", "bob")[1]
    out = outcome(capsys, "conversations", "village", "--last", "1")[1]
    assert "bob" in out
    assert "ann" not in out
    assert "1 more; --last 2 shows all." in out
    assert outcome(capsys, "conversations", "village", "--player", "eve") == (
        *(0, "eve has none here.\n"),
    )


def test_a_conversation_goes_to_another_world_whole(
    village: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path("town")
    other.mkdir()
    assert outcome(capsys, "export", "tavern", "--from", "village") == (
        *(0, "3 lines of ann's conversation 'tavern' are in ann-tavern.jsonl.\n"),
    )
    code, out = outcome(capsys, "import", "ann-tavern.jsonl", "--into", "town")
    assert (code, out) == (0, "3 lines of ann's conversation 'tavern' are in town.\n")
    assert exported(other, KEY) == exported(village, KEY)


def test_a_redis_is_read_and_written_as_a_file_is(
    village: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert outcome(capsys, "export", "tavern", "--from", "village", "-o", "talk.jsonl")[0] == 0
    server = new_redis(tmp_path / "redis")
    monkeypatch.setenv("DIALOGUE_STORE_PATH", server.url)
    assert outcome(capsys, "import", "talk.jsonl", "--into", "village")[0] == 0
    code, output = outcome(capsys, "conversations", "village")
    assert code == 0
    assert "tavern" in output
    assert outcome(capsys, "export", "tavern", "--from", "village", "-o", "again.jsonl")[0] == 0
    assert Path("again.jsonl").read_text() == Path("talk.jsonl").read_text()
    server.close()


def test_a_copy_lies_beside_the_first_and_tells_its_checkpoints(
    village: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome(capsys, "export", "tavern", "--from", "village", "-o", "x.jsonl")
    copying = ("import", "x.jsonl", "--into", "village")
    code, out = outcome(capsys, *copying)
    assert code == 1
    assert "is here already; import it under another player or name" in out
    code, out = outcome(capsys, *copying, "--player", "tester", "--name", "bug-17")
    copy = exported(village, ConversationKey("tester", "bug-17"))
    assert code == 0
    assert copy is not None
    assert [node.text for node in copy.nodes] == ["Hello?", "Hm.", "Well met."]
    assert out.splitlines()[-1].split() == ["slot", copy.checkpoints[0].id]
    assert outcome(capsys, *copying, "--player", "tester", "--name", "bug-17")[0] == 1


def test_standard_output_gets_the_lines_and_nothing_else(
    village: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(["export", "tavern", "--from", "village", "-o", "-"]) == 0
    out = capfdbinary.readouterr().out
    assert run(["export", "tavern", "--from", "village"]) == 0
    assert Path("ann-tavern.jsonl").read_bytes() == out
    assert out.count(b"\n") == 6


def test_a_conversation_is_written_to_be_read(
    village: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = ("export", "tavern", "--from", "village")
    assert outcome(capsys, *export, "-o", "x.csv")[0] == 0
    assert Path("x.csv").read_text("utf-8-sig").startswith('"id","speaker","text","context"')
    code, out = outcome(capsys, *export, "--format", "html")
    assert (code, "ann-tavern.html" in out) == (0, True)
    assert "<title>tavern</title>" in Path("ann-tavern.html").read_text("utf-8")
    code, out = outcome(capsys, "import", "x.csv", "--into", "village")
    assert code == 1
    assert "x.csv: line 1: no line of JSON" in out


def test_nothing_is_written_over_unless_named(
    village: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = Path("ann-tavern.jsonl")
    target.write_text("mine", "utf-8")
    code, out = outcome(capsys, "export", "tavern", "--from", "village")
    assert code == 2
    assert "say where to write with -o" in out
    assert target.read_text("utf-8") == "mine"
    assert outcome(capsys, "export", "tavern", "--from", "village", "-o", str(target))[0] == 0


def test_a_name_that_several_players_use_asks_whose(
    village: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bob = ConversationKey("bob", "tavern")
    in_store(village, lambda s: s.append(bob, Node("z", "", "player", "Bob", "Well?", 5.0)))
    code, out = outcome(capsys, "export", "tavern", "--from", "village")
    assert code == 2
    assert "2 players have a conversation 'tavern': ann, bob. Say whose with --player." in out
    assert outcome(capsys, "export", "tavern", "--from", "village", "--player", "bob")[0] == 0
    assert Path("bob-tavern.jsonl").is_file()


def test_an_unknown_name_says_how_to_find_the_right_one(
    village: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = outcome(capsys, "export", "cellar", "--from", "village")
    assert code == 2
    assert "`dialogue-server conversations village` lists them" in out


def test_names_that_a_game_made_up_harm_neither_terminal_nor_folder(
    village: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_store(village, lambda s: s.append(ESCAPE, Node("z", "", "player", "E", "Well?", 5.0)))
    out = outcome(capsys, "conversations", "village")[1]
    out += outcome(capsys, "export", "../tavern", "--from", "village")[1]
    assert "\x1b" not in out
    assert Path("_2J-_tavern.jsonl").is_file()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("conversations", "nowhere"), "nowhere: no such folder"),
        (("export", "x", "--from", "empty"), "no conversation was ever stored there"),
        (("import", "nothing.jsonl", "--into", "village"), "nothing.jsonl: "),
        (("import", "cut.jsonl", "--into", "village"), "cut.jsonl: line 1: the file breaks off"),
        (("import", "ann-tavern.jsonl", "--name", "x" * 65), "at most 64"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    village: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], problem: str
) -> None:
    Path("empty").mkdir()
    outcome(capsys, "export", "tavern", "--from", "village")
    Path("cut.jsonl").write_bytes(Path("ann-tavern.jsonl").read_bytes().partition(b"\n")[0])
    code, out = outcome(capsys, *arguments)
    assert code in (1, 2)
    assert problem in out
    assert not Path("empty/dialogue.db").exists()


def test_a_store_that_forgets_has_nothing_to_export(
    village: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (village / "dialogue.toml").write_text('[store]\npath = "memory"\n', "utf-8")
    code, out = outcome(capsys, "conversations", "village")
    assert code == 2
    assert "store.path is `memory`" in out


def test_a_file_too_large_is_refused_before_it_is_read(
    village: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("dialogue_server.cli.conversations"), "MAX_FILE", 5)
    Path("x.jsonl").write_bytes(b"{}    ")
    assert "6 bytes; a conversation has at most 5" in outcome(capsys, "import", "x.jsonl")[1]
