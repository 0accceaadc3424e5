"""`dialogue-server card`: Character Cards into a world of ours, and NPCs out as cards."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ..domain import content_files
from ..domain.cards import card as cards
from ..domain.cards import png as card_png
from ..domain.cards.containers import Format
from ..domain.cards.importing import is_id
from ..domain.persona import LoreBook
from ..errors import ContentError, SettingsError
from .invocation import Invocation

MAX_FILE = 300_000_000
"""Bytes of a card with its pictures; it is read whole."""
_FORMATS: tuple[Format, ...] = ("json", "png", "charx")


@click.group()
def card() -> None:
    """Import Character Cards and lorebooks, and export NPCs as cards.

    \b
      dialogue-server card import mira.png --into village
      dialogue-server card export mira --from village --format png
    """


@card.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--into",
    metavar="DIR",
    default=".",
    type=click.Path(path_type=Path),
    help="The content folder.  [default: this one]",
)
@click.option("--id", "npc", metavar="ID", default="", help="The NPC's id.  [default: its name]")
@click.option("--replace", is_flag=True, help="Write over an NPC that is there already.")
@click.pass_obj
def import_card(invocation: Invocation, /, file: Path, into: Path, npc: str, replace: bool) -> None:
    """Make an NPC of a card (V1, V2 or V3; JSON, PNG or CHARX), or lore of a lorebook.

    \b
      dialogue-server card import mira.png --into village
      dialogue-server card import "World Info.json" --into village --id harbour

    Writes personas/ID.toml and lore/ID.toml, keeps the card as cards/ID.*, and says what
    could not be carried over. Nothing in a card is run, and nothing in it becomes a condition.
    """
    if npc and card_id_problem(npc):
        raise click.UsageError(f"--id: {card_id_problem(npc)}")
    if not into.is_dir():
        raise SettingsError(f"{into}: no such folder; `dialogue-server init` makes one")
    data = _read(file)
    made = cards.import_file(file.name, data, npc)
    lore, persona = into / "lore" / f"{made.id}.toml", into / "personas" / f"{made.id}.toml"
    writes: dict[Path, bytes] = {}
    if made.original:
        writes[into / "cards" / f"{made.id}.{made.original}"] = data
    if made.lore:
        writes[lore] = made.lore.encode()
    if made.persona:
        writes[persona] = made.persona.encode()
    taken = [persona, lore, *_originals(into, made.id)] if made.persona else [lore]
    there = [path for path in taken if path.exists()]
    if there and not replace:
        raise SettingsError(
            f"{there[0]} is there already; give it another --id, or write over it with --replace"
        )
    for path in there:
        path.unlink()
    for path, content in writes.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    terminal = invocation.terminal
    terminal.heading(f"{made.name} is in {into}.")
    for path in writes:
        terminal.say(f"  {path.relative_to(into).as_posix()}")
    if made.remarks:
        terminal.say("\nNot everything could be carried over as it was:")
    for remark in made.remarks:
        terminal.say(f"  - {remark}")
    if made.persona:
        terminal.say("\nNext:")
        terminal.say(f"  dialogue-server chat {into} --npc {made.id}")


@card.command("export")
@click.argument("npc", metavar="NPC")
@click.option(
    "--from",
    "folder",
    metavar="DIR",
    default=".",
    type=click.Path(path_type=Path),
    help="The content folder.  [default: this one]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="[default: by the ending of -o, else json]",
)
@click.option(
    "--spec",
    "version",
    type=click.Choice(["1", "2", "3"]),
    default="3",
    help="The version of the specification.  [default: 3]",
)
@click.option(
    "--picture",
    metavar="PNG",
    type=click.Path(path_type=Path),
    help="The NPC's picture.  [default: that of the card it was imported from]",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write it.  [default: NPC.FORMAT]",
)
@click.pass_obj
def export_card(
    invocation: Invocation,
    /,
    npc: str,
    folder: Path,
    form: Format | None,
    version: str,
    picture: Path | None,
    output: Path | None,
) -> None:
    """Write an NPC as a Character Card.

    \b
      dialogue-server card export mira --format png
      dialogue-server card export mira --from village -o mira.charx

    An NPC that was imported goes back into its own card: what you did not change, and what this
    server does not know, stays there to the letter. A PNG holds the card twice, as V3 and, for
    older programs, as V2.
    """
    if form is None:
        ending = output.suffix.lower().lstrip(".") if output else "json"
        if ending not in _FORMATS:
            raise click.UsageError("Say --format json, png or charx.")
        form = ending
    if card_id_problem(npc):
        raise click.UsageError(f"NPC: {card_id_problem(npc)}")
    path = folder / "personas" / f"{npc}.toml"
    if not path.is_file():
        raise SettingsError(f"{path}: there is no such NPC")
    persona = content_files.decode_persona(f"personas/{npc}.toml", path.read_bytes())
    lore = _lore(folder, npc)
    originals = _originals(folder, npc)
    made = cards.export_file(
        persona,
        lore,
        form,
        version=int(version),
        original=_read(originals[0]) if originals else b"",
        picture=_picture(picture) if picture else b"",
        now=int(time.time()),
    )
    target = output or Path(f"{npc}.{form}")
    if output is None and target.exists():
        raise SettingsError(f"{target} is there already; say where to write with -o")
    target.write_bytes(made.data)
    terminal = invocation.terminal
    terminal.say(f"{persona.name} is in {target} ({len(made.data)} bytes).")
    if made.remarks:
        terminal.say("\nNot everything has a place in a card:")
    for remark in made.remarks:
        terminal.say(f"  - {remark}")


def card_id_problem(npc: str) -> str:
    """What is wrong with an id, if anything. It becomes a file's name."""
    if is_id(npc):
        return ""
    return f"{npc!r} is no id; write lower-case letters, digits, _ and -, at most 64"


def _lore(folder: Path, npc: str) -> LoreBook | None:
    path = folder / "lore" / f"{npc}.toml"
    if not path.is_file():
        return None
    return content_files.decode_lore(f"lore/{npc}.toml", _read(path))


def _originals(folder: Path, npc: str) -> list[Path]:
    paths = [folder / "cards" / f"{npc}.{form}" for form in _FORMATS]
    return [path for path in paths if path.is_file()]


def _picture(path: Path) -> bytes:
    data = _read(path)
    if not data.startswith(card_png.SIGNATURE):
        raise ContentError(path.name, "", "not a PNG picture; save it as one")
    return data


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > MAX_FILE:
        raise ContentError(path.name, "", f"{size} bytes; a card has at most {MAX_FILE}")
    return path.read_bytes()
