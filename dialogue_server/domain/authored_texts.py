"""The texts of designers' files as a list for translators, and translations back into files.

A text is known by its file and key (`personas/mira.toml:greeting`). Lists of words that are looked
for (`keys`, `aliases` …) are one text, separated by commas; other lists a text an item.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from .content_files import spell_out
from .toml_places import Places
from .toml_text import comment
from .toml_text import text as toml_text
from .translations import ANY, BOOK_TEXTS, PERSONA_TEXTS, WORLD_TEXTS

HEAD = "Made by `dialogue-server texts import`; import again rather than edit it."
"""The first line of a file that was made of translations, behind its `#`."""
SPOKEN = ("greeting", "fallback", "fillers", "lines", "suggestions")
"""The keys whose texts a player gets to see as they are."""
_WORDS = ("keys", "secondary_keys", "aliases", "asked", "said")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_INDEX = re.compile(r"\[\d+\]")


class AuthoredText(Struct, frozen=True):
    """A text and where it stands: file, key, line (0: not found). `speaker` is whose it is, and
    `context` what a translator should know of it."""

    file: str
    key: str
    text: str
    line: int = 0
    speaker: str = ""
    context: str = ""
    translation: str = ""

    @property
    def id(self) -> str:
        """`personas/mira.toml:greeting`."""
        return f"{self.file}:{self.key}"

    @property
    def spoken(self) -> bool:
        """Whether a player gets to see it as it is."""
        top = re.split(r"[.\[]", self.key)[0]
        return top in SPOKEN and not self.key.rpartition(".")[2].startswith(_WORDS)


def authored_texts(file: str, source: str, translated: str = "") -> list[AuthoredText]:
    """The texts of world.toml, a persona's file or a book's, in their order; `source` has no
    errors. `translated` is the file beside it in another language, whose texts become
    translations."""
    raw, own = _read(source), _read(translated)
    spec, places = _spec(file), Places(source)
    there = dict(_texts(spec, own, ""))
    speaker = str(raw.get("name", ""))
    return [
        AuthoredText(
            file,
            key,
            text,
            places.line(key),
            speaker,
            _context(raw, key),
            "" if _stays(key, text, there) else there.get(key, ""),
        )
        for key, text in _texts(spec, raw, "")
        if text.strip()
    ]


def _stays(key: str, text: str, there: Mapping[str, str]) -> bool:
    """Whether an item of a plain list only keeps its place in the translation."""
    return key.endswith("]") and there.get(key) == text


def _read(source: str) -> dict[str, Any]:
    raw = tomllib.loads(source)
    spell_out(raw)
    return raw


def _spec(file: str) -> dict[str, Any]:
    return {"personas": PERSONA_TEXTS, "lore": BOOK_TEXTS}.get(file.partition("/")[0], WORLD_TEXTS)


def _texts(spec: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list) and isinstance(spec, str):
        words = path.rpartition(".")[2] in _WORDS and not any("," in each for each in value)
        if words:
            yield path, ", ".join(value)
        else:
            yield from ((f"{path}[{at}]", item) for at, item in enumerate(value))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _texts(spec[0], item, f"{path}[{at}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            inner = spec.get(key, spec.get(ANY))
            if inner is not None:
                yield from _texts(inner, item, f"{path}.{key}" if path else key)


def _context(raw: Mapping[str, Any], key: str) -> str:
    """When a text is said, as far as its entry tells."""
    notes = []
    last = key.rpartition(".")[2]
    if last.startswith(_WORDS):
        notes.append("words that are looked for in what is said, separated by commas")
    entry: Any = raw
    for part in re.findall(r"[^.\[\]]+", key)[:-1]:
        if isinstance(entry, list):
            entry = entry[int(part)]
        elif isinstance(entry, dict):
            entry = entry.get(part)  # None for a name with a dot in it
        if isinstance(entry, dict):
            notes += [f"{name}: {entry[name]}" for name in ("when", "mood") if entry.get(name)]
    return "; ".join(notes)


# ---------------------------------------------------------------- back into files


class Imported(Struct, frozen=True):
    """A translated file, by the name of the first one; and what could not be placed."""

    file: str
    source: str
    count: int
    outdated: tuple[AuthoredText, ...]


def translated_file(
    file: str, source: str, translations: Iterable[AuthoredText], head: Sequence[str] = ()
) -> Imported:
    """The file in another language that these translations make of one, with `head` as comments.
    What is not translated is left out, and stays as it was written; in a list of plain texts
    it is repeated. A translation whose text has
    changed since is not used; one whose text only moved is."""
    texts = authored_texts(file, source)
    by_key = {each.key: each for each in texts}
    found: dict[str, str] = {}
    outdated = []
    for each in translations:
        place = _place(each, by_key, texts)
        if place is None:
            outdated.append(each)
        elif each.translation.strip():
            found[place] = each.translation
    raw = _read(source)
    table = _filled(_spec(file), raw, "", found)
    lines = [comment([HEAD, *head])]
    lines += [f"{_name(key)} = {_value(value)}" for key, value in table.items()]
    return Imported(file, "\n".join(lines) + "\n", len(found), tuple(outdated))


def _place(
    each: AuthoredText, by_key: Mapping[str, AuthoredText], texts: Sequence[AuthoredText]
) -> str | None:
    there = by_key.get(each.key)
    if there is not None and there.text == each.text:
        return each.key
    stem = _INDEX.sub("[]", each.key)
    moved = (t.key for t in texts if t.text == each.text and _INDEX.sub("[]", t.key) == stem)
    return next(moved, None)


def _filled(spec: Any, value: Any, path: str, found: Mapping[str, str]) -> Any:
    """What of a value is translated, in its shape; None or an empty one where nothing is."""
    if isinstance(value, str):
        return found.get(path)
    if isinstance(value, list) and isinstance(spec, str):
        if path in found:
            return [word.strip() for word in found[path].split(",") if word.strip()]
        items = [found.get(f"{path}[{at}]") for at in range(len(value))]
        if not any(items):
            return []
        # The others stay, in their places: that is how the next export finds what is done.
        return [item or text for item, text in zip(items, value, strict=True)]
    if isinstance(value, list):
        items_of = [
            _filled(spec[0], item, f"{path}[{at}]", found) or {} for at, item in enumerate(value)
        ]
        return items_of if any(items_of) else []
    made = {}
    for key, item in value.items() if isinstance(value, dict) else ():
        inner = spec.get(key, spec.get(ANY))
        if inner is not None:
            made[key] = _filled(inner, item, f"{path}.{key}" if path else key, found)
    return {key: item for key, item in made.items() if item}


def _name(key: str) -> str:
    return key if _BARE.fullmatch(key) else toml_text(key)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return toml_text(value)
    if isinstance(value, dict):
        inside = ", ".join(f"{_name(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    line = f"[{', '.join(map(_value, value))}]"
    if "\n" not in line and len(line) < 90 and not any(isinstance(i, dict) for i in value):
        return line
    return "[\n" + "".join(f"  {_value(item)},\n" for item in value) + "]"
