"""A Character Card's fields as a persona and its lore. Pure: the same card gives the same persona.

Nothing of a card becomes a condition, an action or a tag. What a persona has no place for is
kept as comments (source.py) or in the original file only, and told in `remarks`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from ...errors import ContentError
from ..persona import Example, LoreBook, Persona
from . import examples as card_examples
from . import lore_entries as card_lore
from . import lorebooks
from .fields import Card
from .macros import SPOKEN, Macros
from .text import clean, one_line

SPEECH = "How {{char}} speaks: "
"""What an export puts before `speech_style` in `system_prompt`."""
MAX_ID = 64
MAX_MOODS = 24
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NOT_IN_ID = re.compile(r"[^a-z0-9]+")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)")
"""Names that Windows keeps for itself."""
_COLON = re.compile(r"\s*[:：]\s*")


class Imported(Struct, frozen=True):
    """What came of a card. `indices` are those of the lore's entries in the card's own book."""

    persona: Persona
    lore: LoreBook
    indices: tuple[int | str, ...] = ()
    greetings: tuple[str, ...] = ()
    """The other greetings, ready to be used."""
    scenario: str = ""
    """The paragraph of `description` that was the card's scenario."""
    remarks: tuple[str, ...] = ()


def convert(file: str, card: Card, npc: str = "") -> Imported:
    """The persona and the lore of a card. `npc` is the id, made of the name if empty. Raises
    ContentError if the card has no name."""
    name = _COLON.sub(" - ", one_line(card.name)).strip(" -") or one_line(card.nickname)
    name = name.replace(":", " ")
    if not name:
        raise ContentError(file, "name", "is empty; a card must say who it is")
    npc = npc or id_of(name)
    macros = Macros(one_line(card.nickname) or name)
    remarks = list(card.remarks)

    def text(field: str, user: str = "") -> str:
        value: str = getattr(card, field)
        return clean(macros.expand(value, field, user) if user else macros.expand(value, field))

    personality = text("personality")
    scenario = text("scenario")
    description = text("description")
    if not description:
        remarks.append("the card has no description; look at the one in the file")
        if personality:
            description, personality = personality, ""
        elif not scenario:
            description = f"{name} is a character of this world."
    moods = _moods(card)
    lore, indices, told = _lore(file, card, macros, npc)
    persona = Persona(
        id=npc,
        name=name,
        description="\n\n".join(filter(None, (description, scenario))),
        essence=_own(card.own, "essence"),
        personality=personality,
        speech_style=_speech_style(card, macros, remarks),
        examples=_examples(card, macros, remarks),
        moods=moods,
        mood=_mood(card, moods),
        greeting=text("first_mes", SPOKEN),
        fallback=_own_list(card.own, "fallback"),
        fillers=_own_list(card.own, "fillers"),
    )
    greetings = tuple(
        clean(macros.expand(greeting, "greetings", SPOKEN))
        for greeting in (*card.alternate_greetings, *card.group_only_greetings)
    )
    remarks += [*told, *macros.remarks(), *_left(card)]
    told_once = tuple(dict.fromkeys(remarks))
    return Imported(persona, lore, tuple(indices), greetings, scenario, told_once)


def is_id(text: str) -> bool:
    """Whether a text may be an NPC's id, and so a file's name."""
    return _ID.fullmatch(text) is not None and not _DEVICES.fullmatch(text)


def id_of(name: str) -> str:
    """An id for a name: `Élodie of Rook` → `elodie-of-rook`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    found = _NOT_IN_ID.sub("-", plain).strip("-")[:MAX_ID].strip("-")
    if not found:
        digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=4).hexdigest()
        return f"npc-{digest}"
    return f"npc-{found}" if _DEVICES.fullmatch(found) else found


def _speech_style(card: Card, macros: Macros, remarks: list[str]) -> str:
    """What the card tells the model beside the character; our own rules stay in force."""
    lead = macros.expand(SPEECH, "system_prompt").strip()
    found = []
    for field in ("system_prompt", "post_history_instructions", "depth_prompt"):
        text = clean(macros.expand(getattr(card, field), field))
        if text.startswith(lead):
            found.append(text.removeprefix(lead).strip())
        elif text:
            found.append(text)
            remarks.append(
                f"{field} went into speech_style; this server's own rules stay in force, so "
                "read it and keep what is about the character"
            )
    return "\n\n".join(filter(None, found))


def _examples(card: Card, macros: Macros, remarks: list[str]) -> list[Example]:
    pairs, lost = card_examples.split(card.mes_example, (card.name, card.nickname))
    found = [
        Example(
            clean(macros.expand(pair.player, "mes_example", SPOKEN)),
            clean(macros.expand(pair.npc, "mes_example", SPOKEN)),
        )
        for pair in pairs
    ]
    whole = [example for example in found if example.player and example.npc]
    lost += len(found) - len(whole)
    if lost:
        remarks.append(
            f"mes_example: {lost} lines are no exchange of the player and the NPC; left out"
        )
    return whole


def _lore(
    file: str, card: Card, macros: Macros, npc: str
) -> tuple[LoreBook, list[int | str], list[str]]:
    if card.book is None:
        return LoreBook([]), [], []
    try:
        book = lorebooks.read(file, card.book)
    except ContentError as error:
        return LoreBook([]), [], [f"the lorebook was passed over: {error.place} {error.problem}"]
    return card_lore.import_book(book, macros, npc)


def _moods(card: Card) -> list[str]:
    wanted = _own_list(card.own, "moods") or [one_line(name) for name in card.emotions]
    found: dict[str, str] = {}
    for mood in wanted:
        word = mood.translate({ord(char): None for char in '[]"\n'}).strip()
        if word:
            found.setdefault(word.casefold(), word)
    return list(found.values())[:MAX_MOODS]


def _mood(card: Card, moods: list[str]) -> str:
    wanted = (_own(card.own, "mood") or "neutral").casefold()
    return next((mood for mood in moods if mood.casefold() == wanted), "")


def _own(own: Mapping[str, Any], name: str) -> str:
    value = own.get(name)
    return clean(value) if isinstance(value, str) else ""


def _own_list(own: Mapping[str, Any], name: str) -> list[str]:
    value = own.get(name)
    items: Iterable[Any] = value if isinstance(value, list) else ()
    texts = [clean(item) for item in items if isinstance(item, str)]
    return [text for text in texts if text]


def _left(card: Card) -> list[str]:
    """What a persona has no place for."""
    remarks = []
    others = len(card.alternate_greetings) + len(card.group_only_greetings)
    if others:
        remarks.append(f"{others} other greetings stand in the file as comments; an NPC has one")
    if card.talkativeness is not None:
        remarks.append(f"talkativeness ({card.talkativeness:g}) is only kept in the original")
    if card.assets:
        remarks.append(f"{card.assets} pictures or sounds are only kept in the original")
    if card.emotions:
        remarks.append("the names of its emotion pictures became the NPC's moods")
    if card.other_extensions:
        names = ", ".join(one_line(name) for name in card.other_extensions[:10])
        remarks.append(f"what other programs keep in the card was not read: {names}")
    return remarks
