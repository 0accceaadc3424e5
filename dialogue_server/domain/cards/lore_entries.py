"""A lorebook as a file of lore/, and back: what fits, what had to be changed, what was left out.

An imported entry has texts and keys, never a condition: what a card says cannot become one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import structs

from ..persona import Entry, KnownBy, LoreBook
from . import lorebooks
from .lorebooks import Book, BookEntry
from .macros import Macros
from .text import clean, one_line

MAX_SCAN_DEPTH = 1000
_LAST = -1_000_000_000
"""The priority of what gives way first."""
_FLAGS = re.compile(r"/(.+)/[a-z]*", re.S)
_EDGES = re.compile(r"\\b|[\^$]")
_PLURAL = re.compile(r"s\?(?=\||\)|$)")
_GROUP = re.compile(r"\((?:\?:)?([^()]*)\)")
_PLAIN = re.compile(r"[\w\s'’\-]+")
LOGIC = {"any": 0, "not_all": 1, "not_any": 2, "all": 3}


class Told:
    """Collects remarks that many entries share, so that each is said once."""

    def __init__(self) -> None:
        self._entries: dict[str, list[str]] = defaultdict(list)

    def add(self, what: str, entry: str) -> None:
        """`entry` is one of those of which `what` is true."""
        self._entries[what].append(entry)

    def remarks(self) -> list[str]:
        """One sentence for each."""
        return [f"lore: {what} ({_listed(entries)})" for what, entries in self._entries.items()]


def import_book(
    book: Book, macros: Macros, npc: str = ""
) -> tuple[LoreBook, list[int | str], list[str]]:
    """The file for a lorebook, the originals' indices of its entries, and remarks. With `npc`,
    only that NPC knows of it."""
    told = Told()
    kept = [(entry, _import_entry(entry, macros, told)) for entry in book.entries]
    made = [(entry, new) for entry, new in kept if new is not None]
    if len({new.priority for _, new in made}) == 1:
        made = [(entry, structs.replace(new, priority=0)) for entry, new in made]
    remarks = [*book.remarks, *told.remarks()]
    if book.token_budget:
        remarks.append(
            f"lore: the book asks for a budget of {book.token_budget} tokens; here all lore has "
            "one, lore_rules.budget in world.toml"
        )
    who = KnownBy(npcs=[npc]) if npc else None
    lore = LoreBook([new for _, new in made], one_line(book.name), who)
    return lore, [entry.index for entry, _ in made], remarks


def _import_entry(entry: BookEntry, macros: Macros, told: Told) -> Entry | None:
    name = one_line(entry.name)
    label = name or f"entry {entry.index}"
    text = clean(macros.expand(entry.content, "lore"))
    always = (entry.constant and not entry.regex) or "activate" in entry.decorators
    keys = _keys(entry, macros, told, label)
    if not text:
        told.add("left out, since there is no text in it", label)
    elif not entry.enabled:
        told.add("left out, since it is switched off in the card", label)
    elif entry.chance <= 0:
        told.add("left out, since its probability is 0", label)
    elif "dont_activate" in entry.decorators and "activate" not in entry.decorators:
        told.add("left out, since it says @@dont_activate", label)
    elif not always and not keys:
        told.add("left out, since it has no keys that could call it up", label)
    else:
        return _entry(entry, name, text, keys, always, told, label)
    return None


def _entry(
    entry: BookEntry,
    name: str,
    text: str,
    keys: list[str],
    always: bool,
    told: Told,
    label: str,
) -> Entry:
    secondary, logic = _secondary(entry, told, label)
    if entry.chance < 100:
        told.add("comes in whenever its keys are there, not by chance", label)
    if entry.case_sensitive:
        told.add("keys are found in upper and lower case alike", label)
    for what in entry.unused:
        told.add(f"cannot be had here: {what}", label)
    priority = entry.order if entry.priority is None else entry.priority
    if "ignore_on_max_context" in entry.decorators:
        priority = _LAST
    depth = entry.scan_depth
    return Entry(
        text=text,
        keys=keys,
        name=name,
        always=always and bool(keys),
        secondary_keys=secondary,
        logic=logic,
        priority=int(priority),
        scan_depth=None if depth is None else min(depth, MAX_SCAN_DEPTH),
        recursive=entry.recursive,
    )


def _keys(entry: BookEntry, macros: Macros, told: Told, label: str) -> list[str]:
    keys: list[str] = []
    for key in entry.keys:
        if entry.regex:
            words = _words_of_pattern(key)
            if not words:
                told.add("a key is a pattern, which is not run here; write words instead", label)
        else:
            words = [key]
        keys += [one_line(macros.expand(word, "lore keys")) for word in words]
    return list(dict.fromkeys(filter(None, keys)))


def _words_of_pattern(key: str) -> list[str]:
    """The words of a simple pattern, such as `/\\b(?:smith|forge)\\b/i`; none of another."""
    match = _FLAGS.fullmatch(key)
    body = _PLURAL.sub("", _EDGES.sub("", match[1] if match else key))
    group = _GROUP.fullmatch(body)
    words = (group[1] if group else body).split("|")
    return words if all(_PLAIN.fullmatch(word) for word in words) else []


def _secondary(entry: BookEntry, told: Told, label: str) -> tuple[list[str], lorebooks.Logic]:
    """The one list of secondary keys there is room for, and what it must do."""
    lists: list[tuple[Iterable[str], lorebooks.Logic]] = [
        (entry.secondary_keys, entry.logic),
        (lorebooks.words_of(entry.decorators.get("additional_keys")), "any"),
        (lorebooks.words_of(entry.decorators.get("exclude_keys")), "not_any"),
    ]
    found = [([one_line(key) for key in keys if one_line(key)], logic) for keys, logic in lists]
    found = [(keys, logic) for keys, logic in found if keys]
    if len(found) > 1:
        told.add("only the first of several lists of secondary keys was kept", label)
    return found[0] if found else ([], "any")


# ---------------------------------------------------------------- the way back


def export_entries(
    current: Sequence[Entry],
    base: Sequence[tuple[int | str, Entry]],
    raw: dict[str, Any],
) -> tuple[Any, list[str]]:
    """The `entries` of a book for a card, and remarks. What was not changed since the import
    (`base`: index in the original and what came of it) stays as it was, to the letter; what
    could not be imported stays too; what a designer removed goes."""
    told = Told()
    originals = raw.get("entries")
    old: dict[int | str, Any] = dict(
        originals.items()
        if isinstance(originals, dict)
        else enumerate(originals if isinstance(originals, list) else [])
    )
    waiting = dict(base)
    put: dict[int | str, Any] = {}
    changed: list[Entry] = []
    for entry in current:
        same = next((index for index, was in waiting.items() if was == entry), None)
        if same is None:
            changed.append(entry)
        else:
            put[same] = old[same]
            del waiting[same]
    new: list[Any] = []
    for number, entry in enumerate(changed, 1):
        label = entry.name or entry.text[:30]
        if entry.when or entry.known_by is not None:
            told.add("left out, since cards have no conditions and nobody to hide it from", label)
            continue
        match = next((at for at, was in waiting.items() if _is_same(was, entry)), None)
        if match is None:
            new.append(_raw_entry(entry, {}, len(old) + number))
        else:
            put[match] = _raw_entry(entry, old[match], number)
            del waiting[match]
    imported = {index for index, _ in base}
    result = {index: put.get(index, item) for index, item in old.items()}
    for index in imported - put.keys():
        del result[index]
    entries = [*result.values(), *new]
    return entries, told.remarks()


def _is_same(was: Entry, entry: Entry) -> bool:
    return (was.name != "" and was.name == entry.name) or was.text == entry.text


def _raw_entry(entry: Entry, old: dict[str, Any], number: int) -> dict[str, Any]:
    """An entry as V3 has it. `old` gives what is not ours, decorators included."""
    decorators = [
        line for line in str(old.get("content") or "").splitlines() if line.startswith("@@")
    ]
    extensions = old.get("extensions")
    extensions = dict(extensions) if isinstance(extensions, dict) else {}
    if entry.logic != "any" or "selectiveLogic" in extensions:
        extensions["selectiveLogic"] = LOGIC[entry.logic]
    if entry.scan_depth is not None or "scan_depth" in extensions:
        extensions["scan_depth"] = entry.scan_depth
    if not entry.recursive or "prevent_recursion" in extensions:
        extensions["prevent_recursion"] = not entry.recursive
    made = {
        "keys": list(entry.keys),
        "content": "\n".join([*decorators, entry.text]),
        "extensions": extensions,
        "enabled": True,
        "insertion_order": old.get("insertion_order", number),
        "use_regex": False,
        "constant": entry.always or not entry.keys,
        "selective": bool(entry.secondary_keys),
        "secondary_keys": list(entry.secondary_keys),
        "id": old.get("id", number),
    }
    if entry.name:
        made["name"] = entry.name
    if entry.priority:
        made["priority"] = entry.priority
    return {**old, **made}


def without_decorators(entries: Iterable[Any]) -> list[Any]:
    """Entries for a V2 card, which knows no decorators."""
    return [
        {**entry, "content": lorebooks.split_decorators(entry["content"])[2]}
        if isinstance(entry, dict) and isinstance(entry.get("content"), str)
        else entry
        for entry in entries
    ]


def _listed(entries: list[str]) -> str:
    shown = [entry if len(entry) <= 40 else entry[:39] + "…" for entry in entries[:5]]
    more = f" and {len(entries) - 5} more" if len(entries) > 5 else ""
    return ", ".join(shown) + more
