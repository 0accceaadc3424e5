"""What in a line is worth remembering: facts about who says it, and promises. By rules, no model.

A fact is a sentence as it was said, never a rewriting of it: a rule can be wrong about what a
sentence is, but not about what was said. The rules (rules.py) are patterns of first-person
statements in English and German. In other languages no sentence is recognised; it is still a line
of the past, and found again by its words (recall.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from .rules import ANYBODY, ASKED, PASSING, RULES, SELF, UNSAID_SELF

MAX_CHARS = 240
"""The longest text that is remembered as one piece, in code points."""


class Fact(Struct, frozen=True):
    """A sentence and what it tells. `kinds` name the rules that it met ("name", "fear",
    "promise"); `importance` is from 0 to 1, the highest of theirs."""

    text: str
    kinds: tuple[str, ...]
    importance: float


_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+|(?<=[。！？])|\n+")
_NAMED = re.compile(
    r"(?<![.!?…“\"'(])\s(?!I\b)[A-Z\u00c0-\u00de][\w’'-]+|^[A-Z]\w+ (?:[a-z]{2,3} )*[A-Z]\w+"
)
_POINTS_BACK = re.compile(
    r"(?:he|she|it|they|his|her|their|that|this|those|him|them|er|sie|es|sein|seine|ihre?)\b", re.I
)
_SCRAP = 4
"""A question of no more words leads up to something, rather than asking."""
_NAME_BONUS = 0.15
"""For a fact that names somebody or something."""
_LASTING = 0.8
"""A promise for tomorrow is a promise all the same."""
_PASSING_WEIGHT = 0.3
"""What belongs to the moment is not worth much later."""
_ASIDE = 0.2
"""The importance of a statement about the speaker that no rule knows ..."""
_REMARK = 0.15
"""... and of one about something else."""
_NPC_KINDS = frozenset({"promise", "debt", "secret"})
"""What an NPC's own line is searched for: who it is stands in its persona."""


def sentences(text: str) -> list[str]:
    """The sentences of a line, as they were said; none is empty."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part and part.strip()]


def is_question(text: str) -> bool:
    """Whether a sentence asks rather than tells."""
    return text.rstrip("\"'”’) ").endswith(("?", "？", "؟"))


def pieces(text: str) -> Iterator[str]:
    """A line in pieces of at most MAX_CHARS: sentences that belong together."""
    current = ""
    for sentence in sentences(text):
        if not current:
            current = sentence
        elif len(current) + len(sentence) < MAX_CHARS and _belong(current, sentence):
            current = f"{current} {sentence}"
        else:
            yield _short(current)
            current = sentence
    if current:
        yield _short(current)


def _belong(first: str, second: str) -> bool:
    """Whether two sentences say one thing: the second points back ("He hates turnips.") or goes
    on about something of the speaker's ("The hound is mine. Rex never bites."), or the first asks
    what the second answers ("The limp? A mule.")."""
    if is_question(second):
        return False
    if is_question(first):
        return first.count(" ") < _SCRAP or second.count(" ") < _SCRAP
    return _POINTS_BACK.match(second) is not None or (
        SELF.search(first.casefold()) is not None and ANYBODY.search(second.casefold()) is None
    )


def _short(text: str) -> str:
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1].rstrip() + "…"


def fact(piece: str, by_npc: bool = False) -> Fact:
    """What one piece of a line tells of its speaker; importance 0 for nothing."""
    if is_question(piece):
        return Fact(piece, (), 0.0)
    folded = piece.casefold().replace("’", "'")
    kinds: dict[str, float] = {}
    # Every rule is about the speaker: most lines need not be held against them all.
    of_self = SELF.search(folded) or UNSAID_SELF.search(folded)
    for kind, weight, pattern in RULES if of_self else ():
        if (not by_npc or kind in _NPC_KINDS) and pattern.search(folded):
            kinds[kind] = max(weight, kinds.get(kind, 0.0))
    unknown = 0.0 if by_npc else _ASIDE if of_self else _REMARK
    importance = max(kinds.values(), default=unknown)
    if importance < _LASTING and PASSING.search(folded):
        importance *= _PASSING_WEIGHT
    elif importance and _NAMED.search(piece):
        importance = min(1.0, importance + _NAME_BONUS)
    return Fact(piece, tuple(kinds), importance)


def facts(text: str, by_npc: bool = False) -> tuple[Fact, ...]:
    """The facts of a line: of the player, or an NPC's promises. In the order they were said."""
    return tuple(found for piece in pieces(text) if (found := fact(piece, by_npc)).kinds)


def asked_about(line: str) -> frozenset[str]:
    """Which kinds of facts a line asks for: "Where am I from?" asks for the origin."""
    folded = line.casefold().replace("’", "'")
    return frozenset(kind for kind, pattern in ASKED if pattern.search(folded))
