"""The designers' folder: `world.toml`, `personas/*.toml` and `lore/*.toml`, and what is beside
them in other languages (`mira.de.toml`), read as far as they are right.

A broken file is an error in the result, never an exception: the other NPCs go on talking.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from stat import S_ISREG
from typing import TypeVar

import msgspec
from msgspec import Struct

from ..domain import content_files
from ..domain.language import normalized
from ..domain.persona import LoreBook, Persona, World
from ..domain.translations import translate_book, translate_persona, translate_world
from ..errors import ContentError

WORLD_FILE = "world.toml"
PERSONA_FOLDER = "personas"
LORE_FOLDER = "lore"
MAX_FILE_BYTES = 1_000_000


class Content(Struct, frozen=True):
    """What a folder holds. `world` is an empty one if its file is missing or broken; `errors`
    come in the order of the files."""

    world: World
    personas: dict[str, Persona]
    errors: tuple[ContentError, ...]


def load(folder: Path) -> Content:
    """Read a content folder. Reads files, so call it outside the event loop."""
    errors: list[ContentError] = []
    world = _world(folder, errors)
    books = _books(folder, errors)
    _translate(folder, LORE_FOLDER, books, translate_book, errors)
    if books:
        world = msgspec.structs.replace(world, books=books)
    personas: dict[str, Persona] = {}
    for path in _persona_files(folder, errors):
        file = f"{PERSONA_FOLDER}/{path.name}"
        data = _read(path, file, errors)
        if data is None:
            continue
        problems = content_files.check_persona(file, data)
        if problems:
            errors += problems
            continue
        persona = content_files.decode_persona(file, data)
        personas[persona.id] = persona
    world = _translated_world(folder, world, errors)
    _translate(folder, PERSONA_FOLDER, personas, translate_persona, errors)
    return Content(world, personas, tuple(errors))


def _translated_world(folder: Path, world: World, errors: list[ContentError]) -> World:
    found: dict[str, World] = {}
    for path in sorted(folder.glob("world.*.toml")):
        tag = _language(path, path.name, errors)
        data = _read(path, path.name, errors)
        source = _read(folder / WORLD_FILE, WORLD_FILE, []) if world.name else None
        if not tag or data is None or source is None:
            continue
        translation, problems = translate_world(path.name, data, WORLD_FILE, source)
        errors += problems
        if translation is not None and not problems:
            found[tag] = translation
    return msgspec.structs.replace(world, translations=found) if found else world


T = TypeVar("T", Persona, LoreBook)


def _translate(
    folder: Path,
    part: str,
    read: dict[str, T],
    translate: Callable[[str, bytes, str, bytes], tuple[T | None, list[ContentError]]],
    errors: list[ContentError],
) -> None:
    """Give each persona, or each book, what is beside it in other languages."""
    for path in _translations(folder / part):
        file = f"{part}/{path.name}"
        stem = path.name.partition(".")[0]
        of = f"{part}/{stem}.toml"
        tag = _language(path, file, errors)
        data = _read(path, file, errors)
        source = _read(folder / of, of, []) if stem in read else None
        if tag and source is None:
            why = "is broken: mend that first" if (folder / of).exists() else "is not there"
            errors.append(ContentError(file, "", f"translates {of}, which {why}"))
        if not tag or data is None or source is None:
            continue
        translation, problems = translate(file, data, of, source)
        errors += problems
        if translation is not None and not problems:
            all_of_them = {**read[stem].translations, tag: translation}
            read[stem] = msgspec.structs.replace(read[stem], translations=all_of_them)


def _translations(folder: Path) -> list[Path]:
    return [path for path in _toml_files(folder, []) if "." in path.stem] if folder.is_dir() else []


def _language(path: Path, file: str, errors: list[ContentError]) -> str:
    """The language tag in a file's name, in lower case."""
    written = path.stem.partition(".")[2]
    tag = normalized(written)
    if not tag:
        problem = f"{written!r} is no language tag; a translation is named like mira.de.toml"
        errors.append(ContentError(file, "", problem))
    return tag


def texts(folder: Path) -> dict[str, str]:
    """The sources of what `load` reads, by name, for whoever says where something stands. What
    cannot be read is left out."""
    names = [WORLD_FILE, *sorted(path.name for path in folder.glob("world.*.toml"))]
    for part in (PERSONA_FOLDER, LORE_FOLDER):
        if (folder / part).is_dir():
            names += [f"{part}/{path.name}" for path in _toml_files(folder / part, [])]
    found: dict[str, str] = {}
    for name in names:
        data = _read(folder / name, name, [])
        if data is not None:
            found[name] = data.decode("utf-8-sig", "replace")
    return found


def _world(folder: Path, errors: list[ContentError]) -> World:
    nothing = World(name="", description="")
    path = folder / WORLD_FILE
    if not folder.is_dir():
        problem = "there is no such folder; `dialogue-server init` makes one to begin with"
        errors.append(ContentError(folder.name, "", problem))
        return nothing
    if not path.is_file():
        problem = (
            "the file is missing; it needs two lines, name and description of the world that "
            "your NPCs share"
        )
        errors.append(ContentError(WORLD_FILE, "", problem))
        return nothing
    data = _read(path, WORLD_FILE, errors)
    if data is None:
        return nothing
    problems = content_files.check_world(WORLD_FILE, data)
    if problems:
        errors += problems
        return nothing
    return content_files.decode_world(WORLD_FILE, data)


def _books(folder: Path, errors: list[ContentError]) -> dict[str, LoreBook]:
    """The files of lore/, by their stem. A folder without any is as good as none."""
    books: dict[str, LoreBook] = {}
    if not (folder / LORE_FOLDER).is_dir():
        return books
    for path in _toml_files(folder / LORE_FOLDER, errors):
        if "." in path.stem:
            continue  # a translation: read when its book is known
        file = f"{LORE_FOLDER}/{path.name}"
        data = _read(path, file, errors)
        if data is None:
            continue
        problems = content_files.check_lore(file, data)
        if problems:
            errors += problems
            continue
        books[path.stem] = content_files.decode_lore(file, data)
    return books


def _persona_files(folder: Path, errors: list[ContentError]) -> list[Path]:
    """The persona files, by name. That there is none is said."""
    personas = folder / PERSONA_FOLDER
    if not folder.is_dir():
        return []
    if not personas.is_dir():
        problem = "the folder is missing; each NPC is a file in it, such as personas/mira.toml"
        errors.append(ContentError(PERSONA_FOLDER, "", problem))
        return []
    before = len(errors)
    found = [path for path in _toml_files(personas, errors) if "." not in path.stem]
    if not found and len(errors) == before:
        problem = "no persona here; each NPC is a file, such as personas/mira.toml"
        errors.append(ContentError(PERSONA_FOLDER, "", problem))
    return found


def _toml_files(folder: Path, errors: list[ContentError]) -> list[Path]:
    """The .toml files of a folder, by name. Hidden files and editors' backups are passed over;
    what looks like a mistake is said."""
    found: list[Path] = []
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        file = f"{folder.name}/{path.name}"
        if is_backup(path.name):
            continue
        if path.is_symlink() and not path.exists():
            errors.append(ContentError(file, "", "the link leads nowhere; remove or mend it"))
        elif path.is_dir():
            if any(path.glob("*.toml")):
                problem = f"files in a folder below {folder.name}/ are not read; move them up"
                errors.append(ContentError(file, "", problem))
        elif path.suffix == ".toml":
            found.append(path)
        elif path.suffix.lower() == ".toml":
            errors.append(ContentError(file, "", "the name must end in .toml, in lower case"))
    return found


def is_backup(name: str) -> bool:
    """Whether a file or folder is hidden, or an editor's."""
    return name.startswith((".", "#", "~")) or name.endswith(("~", ".bak", ".swp", ".orig", ".tmp"))


def _read(path: Path, file: str, errors: list[ContentError]) -> bytes | None:
    try:
        found = path.stat()
        if not S_ISREG(found.st_mode):  # a pipe would be waited for
            errors.append(ContentError(file, "", "is no file; remove it, or put a file there"))
            return None
        if found.st_size > MAX_FILE_BYTES:
            problem = f"larger than {MAX_FILE_BYTES} bytes; a persona is a few thousand"
            errors.append(ContentError(file, "", problem))
            return None
        return path.read_bytes()
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); check the file's permissions"
        errors.append(ContentError(file, "", problem))
        return None
