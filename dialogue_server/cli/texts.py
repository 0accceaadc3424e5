"""`dialogue-server texts`: what designers wrote, out to translators and back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from ..domain import po, spreadsheet
from ..domain.authored_texts import HEAD, AuthoredText, authored_texts, translated_file
from ..domain.language import normalized
from ..errors import ContentError, SettingsError
from ..stores import content
from .invocation import Invocation

_KINDS = (".po", ".pot", ".csv")


@click.group()
def texts() -> None:
    """Give the texts of a world to translators, and take translations in.

    \b
      dialogue-server texts export village --language de -o village.de.po
      dialogue-server texts import village.de.po --into village
    """


def _kind(file: str) -> str:
    kind = Path(file).suffix.lower()
    if kind not in _KINDS:
        raise SettingsError(f"{file}: the name must end in .po, .pot or .csv")
    return kind


def _tag(given: str) -> str:
    if given and not normalized(given):
        raise SettingsError(f"--language: {given!r} is no language tag, such as de or pt-BR")
    return given


def _files(folder: Path) -> dict[str, str]:
    """world.toml, the personas and the books of lore, by name; translations are left out."""
    loaded = content.load(folder)
    broken = {error.file for error in loaded.errors}
    found = {name: text for name, text in content.texts(folder).items() if name.count(".") == 1}
    wrong = sorted(broken & found.keys())
    if wrong:
        raise SettingsError(
            f"{', '.join(wrong)}: has errors; `dialogue-server check {folder}` tells them"
        )
    if not found:
        raise SettingsError(
            f"{folder}: has no world and no persona; name the folder that you serve"
        )
    return found


def _translation(folder: Path, file: str, tag: str) -> Path:
    """The file beside one in another language, whatever the case of its tag."""
    path = folder / file
    wanted = f"{path.stem}.{tag}.toml"
    there = (each for each in path.parent.glob(f"{path.stem}.*.toml"))
    return next(
        (each for each in there if each.name.casefold() == wanted.casefold()),
        path.with_name(wanted),
    )


@texts.command("export")
@click.argument(
    "folder", metavar="[DIR]", default=".", required=False, type=click.Path(path_type=Path)
)
@click.option("--language", metavar="TAG", default="", help="With the translations there are.")
@click.option("--spoken", is_flag=True, help="Only what players see word by word.")
@click.option("-o", "--output", metavar="FILE", required=True, help="FILE.po, FILE.pot, FILE.csv.")
@click.pass_obj
def export_texts(
    invocation: Invocation, /, folder: Path, language: str, spoken: bool, output: str
) -> None:
    """Write the texts of the world in DIR into one file.

    \b
      dialogue-server texts export village -o village.pot               a template
      dialogue-server texts export village --language de -o village.de.po
      dialogue-server texts export village --language de --spoken -o village.de.csv

    PO is what translators' tools read (Poedit, Weblate, Crowdin); CSV is for spreadsheets, and has
    no formulas in it. --spoken leaves out what only the model reads: then it is greetings,
    fallbacks, fillers, lines and suggestions.
    """
    kind, tag = _kind(output), _tag(language)
    found: list[AuthoredText] = []
    for file, source in _files(folder).items():
        path = _translation(folder, file, tag) if tag else None
        there = path.read_text("utf-8-sig") if path is not None and path.is_file() else ""
        found += authored_texts(file, source, there)
    found = [each for each in found if each.spoken or not spoken]
    text = spreadsheet.encode_texts(found) if kind == ".csv" else po.encode(found, tag)
    Path(output).write_text(text, encoding="utf-8", newline="")
    done = sum(bool(each.translation) for each in found)
    words = sum(len(each.text.split()) for each in found)
    invocation.terminal.say(
        f"{len(found)} texts, {words} words, are in {output}"
        + (f"; {done} of them are translated." if tag else ".")
    )


@texts.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--into",
    "folder",
    metavar="DIR",
    default=".",
    type=click.Path(path_type=Path),
    help="The world's folder.  [default: this one]",
)
@click.option("--language", metavar="TAG", default="", help="[default: what the PO file says]")
@click.option("--replace", is_flag=True, help="Write over translations made by hand.")
@click.pass_obj
def import_texts(
    invocation: Invocation, /, file: Path, folder: Path, language: str, replace: bool
) -> None:
    """Make files of a translation, such as personas/mira.de.toml beside personas/mira.toml.

    \b
      dialogue-server texts import village.de.po --into village
      dialogue-server texts import village.csv --into village --language pt-BR

    Only texts that are translated are written; the others stay as they are. A text that has
    changed since the export keeps no translation, and is told. A running server reads the files
    at once.
    """
    kind = _kind(file.name)
    source = _source(file)
    told, found = (
        ("", spreadsheet.decode_texts(file.name, source))
        if kind == ".csv"
        else po.decode(file.name, source)
    )
    tag = _tag(language or told)
    if not tag:
        raise SettingsError(f"{file.name} does not say its language; write --language de")
    files = _files(folder)
    unknown = sorted({each.file for each in found} - files.keys())
    made = {
        name: translated_file(
            name, text, _merged(folder, name, text, tag, found), [f"From {file.name}."]
        )
        for name, text in files.items()
        if any(each.file == name for each in found)
    }
    writes = {_translation(folder, name, tag): each for name, each in made.items() if each.count}
    by_hand = [path for path in writes if path.is_file() and HEAD not in path.read_text("utf-8")]
    if by_hand and not replace:
        raise SettingsError(
            f"{', '.join(path.name for path in by_hand)}: was made by hand, and its comments would "
            f"be lost. Its texts are in the PO file if you exported with --language {tag}; then "
            "--replace writes over it."
        )
    for path, each in writes.items():
        path.write_text(each.source, encoding="utf-8", newline="\n")
    terminal = invocation.terminal
    for each in made.values():
        for old in each.outdated:
            terminal.warn(f"{old.id}: the text is another now than {_short(old.text)!r}; left out")
    for name in unknown:
        terminal.warn(f"{name}: there is no such file; its texts are left out")
    written = {path.relative_to(folder).as_posix() for path in writes}
    for error in content.load(folder).errors:
        if error.file in written:
            terminal.error(error.detail)
    count = sum(each.count for each in writes.values())
    terminal.say(f"{count} texts are in {len(writes)} files *.{tag}.toml of {folder}.")


def _source(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ContentError(file.name, "", "is not UTF-8; save it as that (CSV UTF-8)") from None


def _merged(
    folder: Path, name: str, text: str, tag: str, found: Iterable[AuthoredText]
) -> list[AuthoredText]:
    """The translations of a file: those that are new, and of the old ones what these leave out."""
    new = [each for each in found if each.file == name]
    keys = {each.key for each in new}
    path = _translation(folder, name, tag)
    there = path.read_text("utf-8-sig") if path.is_file() else ""
    old = authored_texts(name, text, there)
    return [*new, *(each for each in old if each.translation and each.key not in keys)]


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
