"""What in a line is worth remembering: facts about who says it, and promises. By rules, no model.

A fact is a sentence as it was said, never a rewriting of it: a rule can be wrong about what a
sentence is, but not about what was said. The rules are patterns of first-person statements in
English and German. In other languages no sentence is recognised; it is still a line of the past,
and found again by its words (memory.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

MAX_CHARS = 240
"""The longest text that is remembered as one piece, in code points."""


class Fact(Struct, frozen=True):
    """A sentence and what it tells. `kinds` name the rules that it met ("name", "fear",
    "promise"); `importance` is from 0 to 1, the highest of theirs."""

    text: str
    kinds: tuple[str, ...]
    importance: float


_I = r"\b(?:i|we)\b"
_AM = r"\b(?:i am|i'm|im|we are|we're|i was|i used to be|i have been|i've been)\b"
_HAVE = r"\b(?:i have|i've got|i have got|i own|i carry|i keep|we have|i inherited|i bought)\b"
_WILL = r"\b(?:i will|i'll|i shall|we will|we'll|i won't|i will not|i'd never|i will never)\b"

_RULES: tuple[tuple[str, float, str], ...] = (
    # English
    ("name", 1.0, r"\bmy (?:full |real |true |own )?name(?: is|'s)\b|\bname's\b"),
    ("name", 1.0, r"\b(?:call|calls|called|named|know|knows) (?:me|us)\b|\bi go by\b"),
    ("origin", 0.8, rf"{_AM}(?: originally)? (?:from|born|raised)\b"),
    ("origin", 0.8, rf"{_I} (?:come|came|hail|hailed|grew up)\b|\bi was (?:born|raised)\b"),
    ("origin", 0.7, r"\bmy (?:home|hometown|village|birthplace|people|homeland)\b|\bi lived? in\b"),
    ("work", 0.7, rf"{_AM} an? \w+|\bby trade\b|\bfor a living\b|\bmy (?:trade|craft|job|work)\b"),
    ("work", 0.7, rf"{_I} (?:work|worked|served|serve|apprenticed|trained|studied|sailed|ran)\b"),
    (
        "family",
        0.7,
        r"\bmy (?:\w+ ){0,2}?(?:brother|sister|twin|mother|father|mum|mom|dad|parents|wife|husband|"
        r"son|daughter|children|child|uncle|aunt|cousin|nephew|niece|grand\w+|family|fianc\w+)\b",
    ),
    ("family", 0.7, rf"{_AM} (?:married|betrothed|engaged|widowed|an orphan)\b|\bi married\b"),
    ("age", 0.7, rf"{_AM} \S+ years old\b|\bmy birthday\b|\bi turn(?:ed)?\b|\byears old\b"),
    ("have", 0.6, rf"{_HAVE} (?!to\b|no idea|a question|heard|seen|been)"),
    (
        "have",
        0.6,
        r"\bmy (?:\w+ ){0,2}?(?:dog|cat|horse|mule|donkey|bird|sword|bow|knife|axe|shield|ring|"
        r"locket|amulet|boat|ship|house|farm|map|book|lute|fiddle|staff|cloak|key)\b",
    ),
    ("like", 0.6, rf"{_I} (?:\w+ )?(?:love|like|adore|enjoy|prefer)\b|\bmy favou?rite\b"),
    ("like", 0.6, rf"{_AM} (?:very |so |rather )?(?:fond|partial|keen|happiest)\b"),
    ("dislike", 0.6, rf"{_I} (?:\w+ )?(?:hate|detest|loathe|despise|dislike)\b"),
    ("dislike", 0.6, rf"{_I} (?:can't|cannot|could never|don't) (?:stand|bear|abide|like)\b"),
    ("fear", 0.8, rf"{_AM} (?:\w+ ){{0,2}}?(?:afraid|scared|terrified|frightened|fearful) of\b"),
    ("fear", 0.8, rf"{_I} (?:\w+ )?(?:fear|dread)\b|\bmy (?:greatest|worst|biggest|one) fear\b"),
    ("fear", 0.8, r"\b(?:frighten|scare|terrif|unsettle|unnerve)\w* me\b|\bnightmares?\b"),
    ("health", 0.8, r"\ballerg\w+\b|\bi (?:can't|cannot|mustn't) (?:eat|drink|see|hear|swim|walk)"),
    (
        "health",
        0.7,
        r"\bmy (?:\w+ ){0,2}?(?:leg|knee|arm|hand|eye|eyes|back|shoulder|foot|ear|heart|lungs)\b",
    ),
    ("health", 0.7, r"\b(?:makes?|made) me (?:ill|sick|sneeze)\b|\bi (?:broke|lost) my\b"),
    ("plan", 0.6, rf"{_AM} (?:looking|searching|hunting|saving|hoping|planning|trying|here)\b"),
    ("plan", 0.6, rf"{_I} (?:\w+ )?(?:want|need|plan|hope|intend|dream|mean|seek|wish)\b"),
    ("secret", 0.9, r"\b(?:secret|between (?:you and me|us)|don't tell|never told|confess)\b"),
    ("secret", 0.9, r"\b(?:the truth is|truth be told|nobody knows|no one knows|tell no one)\b"),
    ("deed", 0.7, rf"{_I} (?:\w+ )?(?:killed|slew|murdered|stole|robbed|betrayed|lied|fled)\b"),
    ("deed", 0.5, rf"{_I} (?:\w+ )?(?:found|lost|saved|met|hid|buried|broke|won|fought|left)\b"),
    ("debt", 0.8, r"\b(?:i|we) owe\b|\b(?:owe|owes) me\b|\bi (?:borrowed|lent)\b|\bmy debts?\b"),
    ("promise", 0.9, rf"{_I} (?:\w+ )?(?:promise|promised|swear|vow|swore|pledge|guarantee)\b"),
    ("promise", 0.9, r"\b(?:my word|on my (?:honou?r|life|oath)|count on me|it's a deal)\b"),
    (
        "promise",
        0.8,
        rf"{_WILL} (?:\w+ )?(?:bring|pay|return|come back|be back|help|find|fetch|get|give|tell|"
        r"keep|carry|deliver|send|show|teach|make|mend|repair|guard|protect|save|hold|look for|"
        r"look after|speak|talk|ask|write|take|meet|wait|avenge|repay|hide|free|lend|let)\b",
    ),
    ("wish", 0.8, r"^(?:please )?(?:remember|don't forget|do not forget|never forget)\b"),
    # German
    ("name", 1.0, r"\bich hei(?:ß|ss)e\b|\bmein name ist\b|\bnenn(?:t|en sie)? mich\b"),
    ("origin", 0.8, r"\bich (?:komme|stamme|bin) aus\b|\b(?:geboren|aufgewachsen)\b|\bich wohne\b"),
    ("work", 0.7, r"\bich bin (?:eine? )?\w+(?:er|erin|in|mann|frau) von beruf\b|\bmein beruf\b"),
    ("family", 0.7, r"\bmeine? (?:bruder|schwester|mutter|vater|frau|mann|sohn|tochter|eltern)\b"),
    ("have", 0.6, r"\bich (?:habe|besitze|trage) (?:ein|eine|einen|zwei|drei|meinen?)\b"),
    ("like", 0.6, r"\bich (?:liebe|mag) (?!nicht|keine)|\bmein lieblings\w+|\bam liebsten\b"),
    ("dislike", 0.6, r"\bich (?:hasse|mag (?:nicht|keinen?)|verabscheue)\b"),
    ("fear", 0.8, r"\b(?:habe|hab) (?:\w+ )?angst\b|\bich fürchte\b"),
    ("health", 0.8, r"\ballergisch\b|\bich vertrage\b"),
    ("plan", 0.6, r"\bich (?:suche|möchte|plane|hoffe)\b"),
    ("promise", 0.9, r"\bich (?:verspreche|schwöre|gelobe)\b|\b(?:mein |ehren)wort\b"),
    ("promise", 0.7, r"\bich werde (?:\w+ ){0,5}(?:bringen|zahlen|helfen|finden|geben|holen)\b"),
    ("secret", 0.9, r"\bgeheimnis\b|\bunter uns\b|\bniemand wei(?:ß|ss)\b|\bsag(?:t)? es niemand"),
)  # fmt: skip

_COMPILED = tuple((kind, weight, re.compile(pattern)) for kind, weight, pattern in _RULES)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+|(?<=[。！？])|\n+")
_FIRST_PERSON = re.compile(r"\b(?:i|i'm|i've|i'd|my|me|we|our|ich|mein|meine|meinen|mir|mich)\b")
_POINTS_BACK = re.compile(
    r"(?:he|she|it|they|his|her|their|that|this|those|him|them|er|sie|es|sein|seine|ihre?)\b", re.I
)
_ASIDE = 0.2
"""The importance of a first-person statement that no rule knows."""
_NPC_KINDS = frozenset({"promise", "debt", "secret"})
"""What an NPC's own line is searched for: who it is stands in its persona."""


def sentences(text: str) -> list[str]:
    """The sentences of a line, as they were said; none is empty."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part and part.strip()]


def is_question(text: str) -> bool:
    """Whether a sentence asks rather than tells."""
    return text.rstrip("\"'”’) ").endswith(("?", "？", "؟"))


def pieces(text: str) -> Iterator[str]:
    """A line in pieces of at most MAX_CHARS: sentences that belong together. One that points
    back ("He hates turnips.") stays with the one before it."""
    current = ""
    for sentence in sentences(text):
        if not current:
            current = sentence
        elif (
            len(current) + len(sentence) < MAX_CHARS
            and _POINTS_BACK.match(sentence)
            and not is_question(current)
            and not is_question(sentence)
        ):
            current = f"{current} {sentence}"
        else:
            yield _short(current)
            current = sentence
    if current:
        yield _short(current)


def _short(text: str) -> str:
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1].rstrip() + "…"


@lru_cache(maxsize=16384)
def fact(piece: str, by_npc: bool = False) -> Fact:
    """What one piece of a line tells of its speaker; importance 0 for nothing."""
    if is_question(piece):
        return Fact(piece, (), 0.0)
    folded = piece.casefold().replace("’", "'")
    kinds: dict[str, float] = {}
    for kind, weight, pattern in _COMPILED:
        if (not by_npc or kind in _NPC_KINDS) and pattern.search(folded):
            kinds[kind] = max(weight, kinds.get(kind, 0.0))
    if kinds:
        return Fact(piece, tuple(kinds), max(kinds.values()))
    aside = not by_npc and _FIRST_PERSON.search(folded) is not None
    return Fact(piece, (), _ASIDE if aside else 0.0)


def facts(text: str, by_npc: bool = False) -> tuple[Fact, ...]:
    """The facts of a line: of the player, or an NPC's promises. In the order they were said."""
    return tuple(found for piece in pieces(text) if (found := fact(piece, by_npc)).kinds)


_ASKED: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("name", r"\bwho (?:am i|i am)\b|\bmy name\b|\bcall me\b|\bwie (?:hei(?:ß|ss)e|ich hei)"),
        ("origin", r"\bwhere\b.*\b(?:i|my)\b.*\bfrom\b|\bwoher\b|\bwhere (?:was|did) i\b"),
        ("work", r"\bfor a living\b|\bwhat (?:do|did) i do\b|\bmy (?:work|trade|job)\b"),
        ("age", r"\bhow old\b|\bmy (?:age|birthday)\b|\bwie alt\b"),
        ("family", r"\bmy (?:family|folks|kin|relatives|people)\b|\bmeine familie\b"),
        ("have", r"\b(?:do|did) i (?:have|own|carry|keep)\b|\bi (?:have|own|carry|keep)\b"),
        ("like", r"\b(?:do|did) i (?:like|love|enjoy|prefer)\b|\bmy (?:favou?rite|taste)"),
        ("dislike", r"\b(?:don't|can't|cannot) i (?:like|stand|bear)\b|\bi (?:hate|can't stand)\b"),
        ("fear", r"\b(?:scares?|frightens?|terrif\w+) me\b|\bangst\b"),
        ("plan", r"\bwhy (?:am i here|did i come)\b|\blooking for\b|\bi (?:want|after|plan)\b"),
        ("promise", r"\b(?:promis|verspr[eo]ch|swore|sworn|my word|your word|said (?:i|you)'d)"),
        ("debt", r"\bowe\b|\bschulde\b"),
        ("secret", r"\bsecret|\bconfess|\btold nobody\b|\bgeheimnis\b"),
    )
)  # fmt: skip


def asked_about(line: str) -> frozenset[str]:
    """Which kinds of facts a line asks for: "Where am I from?" asks for the origin."""
    folded = line.casefold().replace("’", "'")
    return frozenset(kind for kind, pattern in _ASKED if pattern.search(folded))
