"""Lorebooks as other programs write them, read into one shape: the `character_book` of V2 and V3
cards, `lorebook_v3` files, and SillyTavern's World Info.

Entries keep the index under which they stand in the original, so that an export can put them
back where they were. Patterns among the keys are never run: lore_entries.py turns the plain ones
into words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from ...errors import ContentError

MAX_ENTRIES = 5_000
Logic = Literal["any", "all", "not_any", "not_all"]
_LOGIC: dict[int, Logic] = {0: "any", 1: "not_all", 2: "not_any", 3: "all"}
"""SillyTavern's numbers: AND_ANY, NOT_ALL, NOT_ANY, AND_ALL."""
_DECORATOR = re.compile(r"(@@@?)([A-Za-z_]+)[ \t]*(.*)")
USED = frozenset(
    {
        *("activate", "dont_activate", "additional_keys", "exclude_keys", "scan_depth"),
        "ignore_on_max_context",
    }
)
"""Decorators that an import obeys."""


class BookEntry(Struct, frozen=True):
    """An entry of a lorebook. `index` is its key in the original's `entries`."""

    index: int | str
    content: str
    """Without decorators."""
    keys: tuple[str, ...] = ()
    secondary_keys: tuple[str, ...] = ()
    """Empty unless they count (`selective`)."""
    logic: Logic = "any"
    name: str = ""
    enabled: bool = True
    constant: bool = False
    regex: bool = False
    case_sensitive: bool = False
    order: float = 0
    priority: float | None = None
    scan_depth: int | None = None
    chance: float = 100
    """How often it comes in when it could, in per cent."""
    recursive: bool = True
    """Whether its text may call up other entries."""
    decorators: dict[str, str] = {}
    """Those that an import obeys: name → value."""
    unused: tuple[str, ...] = ()
    """What else the entry asks for, that nothing here can do."""


class Book(Struct, frozen=True):
    """A lorebook, its entries in the order in which they enter a prompt."""

    entries: tuple[BookEntry, ...]
    name: str = ""
    scan_depth: int | None = None
    token_budget: int | None = None
    remarks: tuple[str, ...] = ()


def read(file: str, raw: dict[str, Any]) -> Book:
    """A lorebook from any of its forms. Raises ContentError if it has no entries at all to read;
    a single entry that is broken is a remark."""
    data = raw.get("data")
    if raw.get("spec") == "lorebook_v3" and isinstance(data, dict):
        raw = data
    entries = raw.get("entries")
    if entries is None:
        entries = []
    if not isinstance(entries, list | dict):
        raise ContentError(file, "entries", "must be a list or an object of entries")
    if len(entries) > MAX_ENTRIES:
        raise ContentError(file, "entries", f"must be at most {MAX_ENTRIES}; split the book")
    pairs: Iterator[tuple[int | str, Any]]
    pairs = iter(entries.items()) if isinstance(entries, dict) else iter(enumerate(entries))
    found: list[BookEntry] = []
    remarks: list[str] = []
    quiet = raw.get("recursive_scanning") is False
    depth = _whole(raw.get("scan_depth"))
    for index, entry in pairs:
        if isinstance(entry, dict) and isinstance(entry.get("content"), str | None):
            found.append(_entry(index, entry, depth, quiet))
    broken = len(entries) - len(found)
    if broken:
        remarks.append(f"lore: {broken} entries are no objects with a text; left out")
    found.sort(key=lambda entry: entry.order)
    return Book(
        entries=tuple(found),
        name=_text(raw.get("name")),
        scan_depth=depth,
        token_budget=_whole(raw.get("token_budget")),
        remarks=tuple(remarks),
    )


def split_decorators(content: str) -> tuple[dict[str, str], tuple[str, ...], str]:
    """The decorators an import obeys, the names of the others, and the text without any.

    Of each name the first counts; `@@@name` stands in for the decorator above it if that is one
    nobody here obeys."""
    used: dict[str, str] = {}
    others: list[str] = []
    kept: list[str] = []
    settled = True
    for line in content.splitlines():
        match = _DECORATOR.match(line.strip()) if line.lstrip().startswith("@@") else None
        if match is None:
            kept.append(line)
            settled = True
            continue
        mark, name, value = match[1], match[2].lower(), match[3].strip()
        if mark == "@@@" and settled:
            continue
        settled = name in USED and _valid(name, value)
        if settled:
            used.setdefault(name, value)
        else:
            others.append(name)
    text = "\n".join(kept).strip()
    return used, tuple(dict.fromkeys(others)), text


def words_of(value: Any) -> tuple[str, ...]:
    """Keys: a list of texts, or one text with commas."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        return ()
    items = (str(item).strip() for item in value if isinstance(item, str | int | float))
    return tuple(dict.fromkeys(item for item in items if item))


def _entry(index: int | str, raw: dict[str, Any], depth: int | None, quiet: bool) -> BookEntry:
    extensions = raw.get("extensions")
    more = extensions if isinstance(extensions, dict) else {}

    def first(*names: str) -> Any:
        """The first of these that is there; SillyTavern's own are in `extensions` of a card."""
        for name in names:
            value = raw.get(name)
            value = more.get(name) if value is None else value
            if value is not None:
                return value
        return None

    decorators, unknown, content = split_decorators(raw.get("content") or "")
    keys = words_of(first("keys", "key"))
    secondary = words_of(first("secondary_keys", "keysecondary"))
    selective = first("selective")
    own_depth = _whole(first("scan_depth", "scanDepth"))
    regex = raw.get("use_regex") is True or any(_is_pattern(key) for key in keys)
    chance = _number(first("probability")) if first("useProbability") is not False else None
    return BookEntry(
        index=index,
        content=content,
        keys=keys,
        secondary_keys=secondary if selective is True and raw.get("use_regex") is not True else (),
        logic=_LOGIC.get(_whole(first("selectiveLogic")) or 0, "any"),
        name=_text(raw.get("name")) or _text(raw.get("comment")),
        enabled=raw.get("enabled") is not False and raw.get("disable") is not True,
        constant=raw.get("constant") is True,
        regex=regex,
        case_sensitive=first("case_sensitive", "caseSensitive") is True,
        order=_number(first("insertion_order", "order")) or 0,
        priority=_number(raw.get("priority")),
        scan_depth=_whole(decorators.get("scan_depth"))
        if "scan_depth" in decorators
        else (depth if own_depth is None else own_depth),
        chance=100 if chance is None else chance,
        recursive=not quiet and first("prevent_recursion", "preventRecursion") is not True,
        decorators=decorators,
        unused=(*_unused(raw, first), *(f"@@{name}" for name in unknown)),
    )


def _unused(raw: dict[str, Any], first: Any) -> Iterator[str]:
    position = first("position")
    if position not in (None, "", 0, 1, "before_char", "after_char"):
        yield "a place in the prompt"
    if first("exclude_recursion", "excludeRecursion") is True:
        yield "not being called up by other entries"
    if first("match_whole_words", "matchWholeWords") is False:
        yield "keys that match parts of words"
    for names, what in (
        (("sticky",), "staying for some turns"),
        (("cooldown",), "pausing for some turns"),
        (("delay",), "waiting for some turns"),
        (("group",), "a group of which one comes in"),
        (("vectorized",), "being found by meaning"),
        (("characterFilter", "character_filter"), "a filter by character"),
    ):
        if first(*names):
            yield what


def _valid(name: str, value: str) -> bool:
    if name == "scan_depth":
        return _whole(value) is not None
    return bool(value) or name in ("activate", "dont_activate", "ignore_on_max_context")


def _is_pattern(key: str) -> bool:
    return len(key) > 2 and re.fullmatch(r"/.+/[a-z]*", key, re.S) is not None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return max(-1e9, min(1e9, value))


def _whole(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"\d{1,6}", value) else None
    number = _number(value)
    return None if number is None or number < 0 else int(number)
