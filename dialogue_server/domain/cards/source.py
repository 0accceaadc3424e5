"""The files that an import writes: a persona and its lore as TOML that a designer goes on with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from .. import toml_text
from ..persona import Entry, LoreBook, Persona
from .fields import Card
from .importing import Imported
from .text import clean, one_line

MAX_COMMENT = 4000
"""Characters of one of the card's texts in comments; the original has the rest."""
_TEXTS = ("description", "essence", "personality", "speech_style", "greeting", "mood")


def persona_source(imported: Imported, card: Card, original: str) -> str:
    """The file of a persona. `original` is where the card is kept, relative to the folder."""
    persona = imported.persona
    return "\n".join((*_head(persona, card, original), "", *_body(persona), *_tail(imported), ""))


def lore_source(lore: LoreBook, what: str) -> str:
    """A file of lore/; `what` says what it was imported from."""
    lines = [toml_text.comment(f"Lore, imported from {what}.")]
    if lore.known_by is not None:
        lines.append(toml_text.comment("Only those named here know of it; take the line out if"))
        lines.append(toml_text.comment("everybody may."))
        lines.append(f"known_by = {toml_text.value(lore.known_by.npcs)}")
    if lore.name:
        lines.append(f"name = {toml_text.text(lore.name)}")
    if not lore.entries:
        lines.append("entries = []")
    for entry in lore.entries:
        lines += ["", "[[entries]]", *_entry(entry)]
    return "\n".join((*lines, ""))


def _head(persona: Persona, card: Card, original: str) -> Iterator[str]:
    yield toml_text.comment(
        (
            f"Imported from a Character Card, V{card.version}. The card itself is kept as",
            f"{original}; `dialogue-server card export {persona.id}` puts what you change here",
            "into it, and leaves the rest of it as it is.",
        )
    )
    facts = {
        "Creator": one_line(card.creator),
        "Version": one_line(card.character_version),
        "Created": _day(card.created),
        "Changed": _day(card.modified),
        "Tags": one_line(", ".join(card.tags)),
    }
    for name, value in facts.items():
        if value:
            yield toml_text.comment(f"{name}: {value}")
    if card.creator_notes.strip():
        yield toml_text.comment("Notes of the creator, for you and not for the model:")
        yield _quoted(clean(card.creator_notes))


def _body(persona: Persona) -> Iterator[str]:
    yield f"id = {toml_text.text(persona.id)}"
    yield f"name = {toml_text.text(persona.name)}"
    for field in _TEXTS:
        value: str = getattr(persona, field)
        if value:
            yield f"{field} = {toml_text.text(value)}"
    for field in ("moods", "fallback", "fillers"):
        items: list[str] = getattr(persona, field)
        if items:
            yield f"{field} = {toml_text.value(items)}"
    for example in persona.examples:
        yield "\n[[examples]]"
        yield f"player = {toml_text.text(example.player)}"
        yield f"npc = {toml_text.text(example.npc)}"


def _tail(imported: Imported) -> Iterator[str]:
    if imported.greetings:
        yield ""
        yield toml_text.comment("Other greetings of the card, to put in the place of `greeting`:")
    for number, greeting in enumerate(imported.greetings, 1):
        yield _quoted(f"{number}. {greeting}")


def _entry(entry: Entry) -> Iterator[str]:
    fields: dict[str, Any] = {
        "name": entry.name,
        "keys": entry.keys,
        "secondary_keys": entry.secondary_keys,
        "logic": "" if entry.logic == "any" else entry.logic,
        "text": entry.text,
        "always": entry.always,
        "priority": entry.priority,
    }
    for name, value in fields.items():
        if value:
            yield f"{name} = {toml_text.value(value)}"
    if entry.scan_depth is not None:
        yield f"scan_depth = {entry.scan_depth}"
    if not entry.recursive:
        yield "recursive = false"


def _quoted(text: str) -> str:
    if len(text) > MAX_COMMENT:
        text = text[:MAX_COMMENT] + " … (the rest is in the original)"
    return toml_text.comment(f"  {line}" for line in text.split("\n"))


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat() if seconds else ""
