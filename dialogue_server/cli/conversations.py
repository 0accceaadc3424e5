"""`dialogue-server conversations`, `export`, `import`: stored talk, as a list and as files."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import click

from ..domain import archive as archives
from ..domain import transcripts
from ..domain.conversation import Archive, ConversationKey, Listed
from ..errors import ContentError, SettingsError
from ..settings import MEMORY
from ..stores import content
from ..stores.base import Store
from ..stores.redis import RedisStore
from ..stores.sqlite import SQLiteStore
from .flags import settings_of
from .invocation import Invocation

MAX_FILE = 1 << 28
"""Bytes of a file to import; it is held in memory. A line of talk takes about 300."""


@asynccontextmanager
async def _store(folder: Path, *, new: bool = False) -> AsyncIterator[Store]:
    """The store of a world's folder, as its settings say. A file is made only if `new`."""
    path = _store_path(folder, new)
    store: Store = RedisStore(path) if "://" in path else SQLiteStore(Path(path))
    await store.start()
    try:
        yield store
    finally:
        await store.aclose()


def _store_path(folder: Path, new: bool) -> str:
    path = settings_of(folder, None, {}).settings.store.path
    if path == MEMORY:
        raise SettingsError(
            "store.path is `memory`: conversations are gone when the server ends, and no other "
            "program can see them. Name a file there to keep them."
        )
    if not folder.is_dir():
        raise SettingsError(f"{folder}: no such folder; name the one that you serve")
    if not new and "://" not in path and not Path(path).is_file():
        raise SettingsError(
            f"{path}: no conversation was ever stored there; `dialogue-server chat {folder}` "
            "makes one. Is it the folder that you serve?"
        )
    return path


@click.command()
@click.argument(
    "folder", metavar="[DIR]", default=".", required=False, type=click.Path(path_type=Path)
)
@click.option("--player", metavar="ID", default="", help="Only those of one player.")
@click.option("--last", metavar="N", default=50, help="At most so many.  [default: 50]")
@click.pass_obj
def conversations(invocation: Invocation, /, folder: Path, player: str, last: int) -> None:
    """List the conversations of the world in DIR (the current folder), the newest first.

    \b
      dialogue-server conversations village
      dialogue-server conversations village --player ann

    `lines` counts what was said on all branches. `dialogue-server export` writes one of them
    into a file. A server may be running meanwhile.
    """
    terminal = invocation.terminal
    found = asyncio.run(_list(folder, player))
    rows = [
        (_shown(e.key.player), _shown(e.key.conversation), str(e.nodes), _when(e)) for e in found
    ]
    if not rows:
        terminal.say("There is none yet." if not player else f"{player} has none here.")
        return
    terminal.table(("player", "conversation", "lines", "last"), rows[:last])
    if len(rows) > last:
        terminal.note(f"{len(rows) - last} more; --last {len(rows)} shows all.")


async def _list(folder: Path, player: str) -> list[Listed]:
    async with _store(folder) as store:
        listed = await store.conversations()
    return [each for each in listed if player in ("", each.key.player)]


def _when(listed: Listed) -> str:
    if not listed.nodes:
        return "nothing said yet"
    return datetime.fromtimestamp(listed.last).strftime("%Y-%m-%d %H:%M")


def _as_page(archive: Archive, folder: Path) -> Iterator[bytes]:
    names = {npc: persona.name for npc, persona in content.load(folder).personas.items()}
    yield transcripts.page(archive, names).encode()


_FORMS: dict[str, Callable[[Archive, Path], Iterator[bytes]]] = {
    "jsonl": lambda archive, _: archives.encode(archive),
    "csv": lambda archive, _: iter([transcripts.table(archive).encode()]),
    "html": _as_page,
}
"""How a conversation can be written."""


@click.command("export")
@click.argument("name", metavar="CONVERSATION")
@click.option("--player", metavar="ID", default="", help="Whose, where several players have one.")
@click.option(
    "--from",
    "folder",
    metavar="DIR",
    default=".",
    type=click.Path(path_type=Path),
    help="The world's folder.  [default: this one]",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to write it; - for standard output.  [default: PLAYER-CONVERSATION.jsonl]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(tuple(_FORMS)),
    help="jsonl is whole; csv and html are to be read.  [default: as FILE ends, else jsonl]",
)
@click.pass_obj
def export_conversation(
    invocation: Invocation,
    /,
    name: str,
    player: str,
    folder: Path,
    output: str | None,
    form: str | None,
) -> None:
    """Write one conversation into a file: every line, branch, checkpoint and the game's state.

    \b
      dialogue-server export tavern --from village
      dialogue-server export tavern --from village --player ann -o bug-17.jsonl
      dialogue-server export tavern --from village -o tavern.html      a page to read
      dialogue-server export tavern --from village -o tavern.csv       for a spreadsheet

    The names are those of `dialogue-server conversations`. The file is text, one JSON object a
    line, and every later version reads it; it holds what a player has said, so mind who gets it.
    The page and the table hold only the branch in force, and cannot be imported again. A server
    may be running meanwhile.
    """
    archive = asyncio.run(_export(folder, name, player))
    suffix = Path(output or "").suffix.removeprefix(".").lower()
    chosen = form or (suffix if suffix in _FORMS else "jsonl")
    lines = _FORMS[chosen](archive, folder)
    if output == "-":
        for line in lines:
            sys.stdout.buffer.write(line)
        return
    target = Path(output or _file_name(archive.key, chosen))
    if output is None and target.exists():
        raise SettingsError(f"{target} is there already; say where to write with -o")
    with target.open("wb") as file:
        file.writelines(lines)
    terminal = invocation.terminal
    terminal.say(f"{_told(archive)} {'are' if len(archive.nodes) != 1 else 'is'} in {target}.")


async def _export(folder: Path, name: str, player: str) -> Archive:
    async with _store(folder) as store:
        listed = [each.key for each in await store.conversations()]
        keys = [key for key in listed if key.conversation == name and player in ("", key.player)]
        if len(keys) > 1:
            players = ", ".join(_shown(key.player) for key in keys[:10])
            raise SettingsError(
                f"{len(keys)} players have a conversation {name!r}: {players}"
                f"{' ...' if len(keys) > 10 else ''}. Say whose with --player."
            )
        archive = await store.export(keys[0]) if keys else None
    if archive is None:
        whose = f"{player} has" if player else "there is"
        raise SettingsError(
            f"{whose} no conversation {name!r} here; `dialogue-server conversations {folder}` "
            "lists them"
        )
    return archive


def _file_name(key: ConversationKey, form: str) -> str:
    """Names are the game's own and may hold anything: what could be a path becomes _."""
    parts = (re.sub(r"[^\w-]+", "_", part)[:60] for part in (key.player, key.conversation))
    return f"{'-'.join(parts)}.{form}"


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--into",
    "folder",
    metavar="DIR",
    default=".",
    type=click.Path(path_type=Path),
    help="The world's folder.  [default: this one]",
)
@click.option("--player", metavar="ID", default="", help="Give it to another player.")
@click.option("--name", metavar="NAME", default="", help="Call the conversation otherwise.")
@click.pass_obj
def import_conversation(
    invocation: Invocation, /, file: Path, folder: Path, player: str, name: str
) -> None:
    """Store a conversation that `dialogue-server export` has written.

    \b
      dialogue-server import ann-tavern.jsonl --into village
      dialogue-server import ann-tavern.jsonl --into village --player tester --name bug-17

    Nothing is ever written over. Under another player or name it is a copy that may lie beside
    the first; its turns and checkpoints get new ids, and the checkpoints' are shown, for save
    slots that name them. A broken file is refused whole. A server may be running meanwhile.
    """
    archive = _read(file)
    key = ConversationKey(player or archive.key.player, name or archive.key.conversation)
    if not len(key.player) <= 128 or not len(key.conversation) <= 64:
        raise click.UsageError("--player has at most 128 characters, --name at most 64.")
    old = archive
    if key != archive.key:
        archive = archives.copy_for(archive, key)
    asyncio.run(_import(folder, archive))
    terminal = invocation.terminal
    terminal.say(f"{_told(archive)} {'are' if len(archive.nodes) != 1 else 'is'} in {folder}.")
    if archive is not old and archive.checkpoints:
        terminal.say("\nSave slots that name a checkpoint of the first find it under a new id:")
        rows = [(a.id, b.id) for a, b in zip(old.checkpoints, archive.checkpoints, strict=True)]
        terminal.table(("was", "is"), rows)


async def _import(folder: Path, archive: Archive) -> None:
    async with _store(folder, new=True) as store:
        await store.restore_archive(archive)


def _read(file: Path) -> Archive:
    size = file.stat().st_size
    if size > MAX_FILE:
        raise ContentError(file.name, "", f"{size} bytes; a conversation has at most {MAX_FILE}")
    with file.open("rb") as lines:
        return archives.decode(file.name, lines)


def _told(archive: Archive) -> str:
    key, count = archive.key, len(archive.nodes)
    lines = f"{count} line{'' if count == 1 else 's'}"
    return f"{lines} of {_shown(key.player)}'s conversation {key.conversation!r}"


def _shown(name: str) -> str:
    """A game's name for something, fit for a terminal whatever it holds."""
    return name if name.isprintable() else ascii(name)
