"""A persona as a Character Card. With the card that it was imported from, only what a designer
changed since is written; all else, macros and unknown keys included, stays to the letter.
"""

from __future__ import annotations

import copy
from typing import Any

from msgspec import Struct

from ..persona import Entry, Example, LoreBook, Persona
from ..tags import TagParser, Text
from . import examples as card_examples
from . import lore_entries as card_lore
from .fields import OWN, V1_FIELDS, data_of
from .importing import SPEECH, Imported

BACKFILLED = (
    "This character card is Character Card V3, but it is loaded as a Character Card V2. Please "
    "use a Character Card V3 compatible application to use this character card properly."
)
"""What the specification asks for in the V2 copy beside a V3 card."""
_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(V1_FIELDS, ""),
    **dict.fromkeys(("creator_notes", "system_prompt", "post_history_instructions"), ""),
    "alternate_greetings": [],
    "tags": [],
    "creator": "",
    "character_version": "",
    "extensions": {},
    "group_only_greetings": [],
}
_OWN_FIELDS = ("essence", "moods", "mood", "fallback", "fillers")


class Source(Struct, frozen=True):
    """The card that a persona came from: its JSON, and what an import makes of it."""

    raw: dict[str, Any]
    imported: Imported


def build(
    persona: Persona, lore: LoreBook | None, source: Source | None, now: int
) -> tuple[dict[str, Any], list[str]]:
    """A V3 card and remarks on what it cannot hold. `now` is in Unix seconds."""
    base = Imported(Persona("", "", ""), LoreBook([])) if source is None else source.imported
    root, data = _skeleton({} if source is None else source.raw)
    before = copy.deepcopy(data)
    remarks: list[str] = []
    _texts(persona, base, data)
    _examples(persona, base.persona, data, remarks)
    _own(persona, base.persona, data)
    _book(persona, lore, base, data, remarks)
    remarks += _left(persona)
    if data != before:
        data["modification_date"] = now
        if source is None:
            data["creation_date"] = now
    for field in V1_FIELDS:
        if field in root:  # written twice, as it was
            root[field] = data[field]
    return root, remarks


def as_version(card: dict[str, Any], version: int) -> tuple[dict[str, Any], list[str]]:
    """A V3 card in an older form, and remarks on what that form cannot hold."""
    data = card["data"]
    if version == 3:
        return card, []
    if version == 2:
        book = data.get("character_book")
        if isinstance(book, dict) and isinstance(book.get("entries"), list):
            entries = card_lore.without_decorators(book["entries"])
            data = {**data, "character_book": {**book, "entries": entries}}
        return {**card, "spec": "chara_card_v2", "spec_version": "2.0", "data": data}, []
    kept = {key: value for key, value in card.items() if key not in ("spec", "spec_version")}
    del kept["data"]
    kept |= {field: data[field] for field in V1_FIELDS}
    lost = [key for key, value in data.items() if key not in V1_FIELDS and value]
    remarks = [f"a V1 card has no place for {', '.join(lost)}"] if lost else []
    return kept, remarks


def backfill(card: dict[str, Any]) -> dict[str, Any]:
    """The V2 copy that stands in a picture beside a V3 card."""
    older = as_version(card, 2)[0]
    notes = older["data"]["creator_notes"]
    told = notes if BACKFILLED in str(notes) else f"{BACKFILLED}\n{notes or ''}".strip()
    return {**older, "data": {**older["data"], "creator_notes": told}}


def _skeleton(raw: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The root and the data of a V3 card, from whatever there was."""
    raw = copy.deepcopy(raw)
    old = data_of(raw)
    if old is raw:
        data = {field: raw.pop(field) for field in V1_FIELDS if field in raw}
    else:
        data = {**{key: raw[key] for key in V1_FIELDS if key in raw}, **old}
    newer = str(raw.get("spec", "")) not in ("", "chara_card_v2", "chara_card_v3")
    spec = raw.pop("spec", None) if newer else None
    version = raw.pop("spec_version", None)
    if not (newer or (isinstance(version, str) and version.startswith("3."))):
        version = "3.0"
    for field, default in _DEFAULTS.items():
        value = data.get(field)
        if value is None:
            data[field] = copy.deepcopy(default)
    raw.pop("spec", None)
    raw.pop("data", None)
    head = {"spec": spec or "chara_card_v3", "spec_version": version}
    return {**head, "data": data, **raw}, data


def _texts(persona: Persona, imported: Imported, data: dict[str, Any]) -> None:
    base = imported.persona
    if persona.name != base.name:
        data["name"] = persona.name
        data.pop("nickname", None)
    if persona.description != base.description:
        paragraph = f"\n\n{imported.scenario}"
        if imported.scenario and persona.description.endswith(paragraph):
            data["description"] = persona.description.removesuffix(paragraph)
        else:
            data["description"], data["scenario"] = persona.description, ""
    if persona.personality != base.personality:
        data["personality"] = persona.personality
    if persona.greeting != base.greeting:
        data["first_mes"] = _untagged(persona, persona.greeting)
    if persona.speech_style != base.speech_style:
        style = persona.speech_style
        data["system_prompt"] = f"{{{{original}}}}\n\n{SPEECH}{style}" if style else ""
        data["post_history_instructions"] = ""
        _extensions(data).pop("depth_prompt", None)


def _examples(persona: Persona, base: Persona, data: dict[str, Any], remarks: list[str]) -> None:
    if persona.examples == base.examples:
        return
    data["mes_example"] = card_examples.join(
        [Example(each.player, _untagged(persona, each.npc)) for each in persona.examples]
    )
    if any(example.fact for example in persona.examples):
        remarks.append("the facts beside examples have no place in a card")


def _own(persona: Persona, base: Persona, data: dict[str, Any]) -> None:
    """Texts that cards have no field for, where an import of ours finds them again."""
    if all(getattr(persona, field) == getattr(base, field) for field in _OWN_FIELDS):
        return
    extensions = _extensions(data)
    own = extensions.get(OWN)
    kept = dict(own) if isinstance(own, dict) else {}
    for field in _OWN_FIELDS:
        kept.pop(field, None)
        value = getattr(persona, field)
        if value:
            kept[field] = value
    kept["fallback"] = [_untagged(persona, text) for text in persona.fallback]
    extensions[OWN] = {key: value for key, value in kept.items() if value}


def _book(
    persona: Persona,
    lore: LoreBook | None,
    base: Imported,
    data: dict[str, Any],
    remarks: list[str],
) -> None:
    entries = list(lore.entries) if lore is not None else []
    hidden = sum(1 for fact in persona.knowledge if fact.when)
    known = [Entry(fact.text, "", [*fact.keys]) for fact in persona.knowledge if not fact.when]
    entries += known
    if lore is not None and lore.when:
        remarks.append("lore: the file has a condition, so it was left out; cards have none")
        entries = known
    if hidden:
        remarks.append(f"{hidden} facts of knowledge depend on the game's state; left out")
    if entries == base.lore.entries:
        return
    old = data.get("character_book")
    book = old if isinstance(old, dict) else {"extensions": {}, "entries": []}
    pairs = list(zip(base.indices, base.lore.entries, strict=True))
    book["entries"], told = card_lore.export_entries(entries, pairs, book)
    remarks += told
    if book["entries"] or old is not None:
        data["character_book"] = book


def _left(persona: Persona) -> list[str]:
    names = {
        "sections": "texts that depend on the game's state",
        "actions": "what the NPC may do in the game",
        "lines": "authored answers",
        "mood_texts": "how a mood shows",
        "tone": "what moves the mood",
        "relationships": "what the NPC thinks of others",
        "triggers": "what the game is told of",
        "reacts": "what the NPC speaks up at",
        "suggestions": "lines for the player",
    }
    return [
        f"{field} ({what}): a card has no place for them; left out"
        for field, what in names.items()
        if getattr(persona, field)
    ]


def _untagged(persona: Persona, text: str) -> str:
    """What a player would read: cards know no moods and actions."""
    parser = TagParser(persona)
    pieces = [*parser.feed(text), *parser.flush()]
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


def _extensions(data: dict[str, Any]) -> dict[str, Any]:
    extensions = data.get("extensions")
    if not isinstance(extensions, dict):
        extensions = data["extensions"] = {}
    return extensions
