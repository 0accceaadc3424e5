"""What a sentence of an answer is checked for, and what a model is told when it hit.

A Watch is made for one turn, from the guards that are on for the NPC and from the prompt that it
is asked with. It is asked about whole sentences only; nothing here is done per token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from ..language import english_name
from ..language_detector import Detector, wrong_language
from ..prompt import Part
from ..relevance import is_function_word, words
from ..sentences import SentenceStarts
from .character import is_code, out_of_character
from .settings import Settled
from .text import Phrases, decoded, fold, spelled, words_of

Guard = Literal[
    "character", "forbidden", "anachronism", "topic", "player", "prompt", "repeats", "language",
    "length",
]  # fmt: skip

RUN = 8
"""Words in a row of the prompt's own text that are parroting; a shorter text is a run whole …"""
SHORTEST_RUN = 5
"""… if it has so many."""
LONG_SENTENCE = 6
"""Words of a sentence that an NPC may not say again; shorter ones are manners of speech."""
_GRAM = 4
_STRETCH = 160
"""Code points of an answer of which the language is checked once, with the sentence that fills
them; at the beginning with the first sentence …"""
_BEGINNING = 40
"""… and with the one that comes so far."""
_ENOUGH = 100
"""Code points that tell a language; more would only cost time."""
_ALIKE = 0.8

_NPC_TEXTS = ("description", "essence", "personality", "speech_style", "moods", "actions")
"""Keys of a persona's file whose words instruct the model and are not for saying."""


class Hit(Struct, frozen=True):
    """A guard that caught a sentence, and by which of its rules: the designer's phrase, the key
    of the parroted text, the language found; never the answer's own words."""

    guard: Guard
    rule: str


class Cast(Struct, frozen=True):
    """Who talks, in which language, and which names are nobody's language."""

    npc: str
    player: str
    language: str = ""
    terms: tuple[str, ...] = ()


class Watch:
    """All that the answer of one turn is checked against.

    `parts` are those of the prompt; `said` is what the NPC said lately. What is in `free` may be
    said though it stands in the prompt or was said before, such as the player's line. `authored` is
    the line that the designer wrote for this case, without its tags: its sentences always pass.
    """

    def __init__(
        self,
        guards: Settled,
        cast: Cast,
        *,
        parts: Sequence[Part] = (),
        said: Sequence[str] = (),
        free: Sequence[str] = (),
        authored: str = "",
        detector: Detector | None = None,
    ) -> None:
        self.guards = guards
        self._cast = cast
        self._phrases = _phrase_rules(guards)
        self._allowed = _phrases(guards.allowed)
        self._player = _player_forms(cast.player) if guards.player else None
        told, facts = _sorted_out(parts)
        self._runs, self._sizes = _runs(told) if guards.prompt else ({}, ())
        self._authored = fold(authored)
        self._free = (*free, *facts)
        self._said = _said(tuple(said)) if guards.repeats else ()
        self._answer = _Growing()
        self._names = _phrases((cast.npc, cast.player, *cast.terms))
        self._detector = detector

    def hit(self, sentence: str, before: str = "") -> Hit | None:
        """What is wrong with a sentence that stands after `before` in the answer."""
        folded = fold(sentence)
        if folded in self._authored:
            return None
        plain = self._allowed.blank(folded)
        seen = words_of(plain)
        found = words(sentence)
        guards = self.guards
        # What has an English function word in it is no code; of other languages, all is read.
        readings = () if any(map(is_function_word, found)) else decoded(sentence, folded)
        if guards.character and (
            is_code(sentence)
            or out_of_character(plain, seen)
            or any(out_of_character(reading) for reading in readings)
        ):
            return Hit("character", "out of character")
        return (
            self._phrase(plain, seen, readings)
            or self._for_player(sentence)
            or self._parroted(found, readings, before)
            or self._repeated(found, before)
            or self._foreign(sentence, folded, before)
        )

    def _phrase(self, folded: str, seen: list[str], readings: Iterable[str]) -> Hit | None:
        if not self._phrases:
            return None
        letters_of = spelled(folded)
        for guard, topic, phrases in self._phrases:
            rule = phrases.found(folded, seen)
            rule = rule or next(filter(None, map(phrases.spelled, letters_of)), "")
            rule = rule or next(filter(None, map(phrases.found_in_code, readings)), "")
            if rule:
                return Hit(guard, topic or rule)
        return None

    def _for_player(self, sentence: str) -> Hit | None:
        if self._player is None or self._player.search(sentence) is None:
            return None
        return Hit("player", "speaks for the player")

    def _parroted(self, found: list[str], readings: Iterable[str], before: str) -> Hit | None:
        if not self._runs:
            return None
        tail = words(before[-200:])[1 - RUN :] if before else []
        for text in ([*tail, *found], *map(words, readings)):
            for run in _windows(text, self._sizes):
                if run in self._runs and not self._may_say(run):
                    return Hit("prompt", self._runs[run])
        return None

    def _may_say(self, run: tuple[str, ...]) -> bool:
        """Whether a run is also in what the NPC is to say, or in what the player said."""
        return any(run in _windows(words(text), (len(run),)) for text in self._free)

    def _repeated(self, found: list[str], before: str) -> Hit | None:
        if not self.guards.repeats or len(found) < LONG_SENTENCE:
            return None
        grams = _grams(found)
        for earlier in (*self._said, *self._answer.sentences(before)):
            if _share(grams, earlier) >= _ALIKE and not any(
                _share(grams, _grams(words(text))) >= _ALIKE for text in self._free
            ):
                return Hit("repeats", "said before")
        return None

    def _foreign(self, sentence: str, folded: str, before: str) -> Hit | None:
        language = self._cast.language
        if not self.guards.language or not language:
            return None
        if before and _stretch(len(before)) == _stretch(len(before) + len(sentence)):
            return None  # the language of an answer does not change with each sentence
        if len(sentence) < _ENOUGH:  # alone it may be too short to tell
            folded = fold(f"{before[len(sentence) - _ENOUGH :]} {sentence}")
        other = wrong_language(self._names.blank(folded[:_ENOUGH]), language, self._detector)
        return Hit("language", f"{other} instead of {language}") if other else None

    def hint(self, hit: Hit) -> str:
        """What the model is told before it is asked again."""
        npc = self._cast.npc
        match hit.guard:
            case "forbidden" | "anachronism" | "topic":
                told = f"{npc} does not speak of that ({hit.rule}). Answer without it"
            case "player":
                told = f"say only what {npc} says, nothing for anybody else"
            case "repeats":
                told = f"{npc} has said that before. Say something new"
            case "language":
                told = f"answer in {english_name(self._cast.language)} only"
            case "length":
                told = "answer in one short sentence"
            case _:
                told = f"say only what {npc} says aloud, as one of this world"
        return f"[Your last answer was not used: {told}.]"


# ---------------------------------------------------------------- what is prepared, and kept


@lru_cache(maxsize=256)
def _phrases(phrases: tuple[str, ...]) -> Phrases:
    return Phrases(phrases)


def _phrase_rules(guards: Settled) -> list[tuple[Guard, str, Phrases]]:
    rules: list[tuple[Guard, str, Phrases]] = []
    if guards.forbidden:
        rules.append(("forbidden", "", _phrases(guards.forbidden)))
    if guards.anachronisms:
        rules.append(("anachronism", "", _phrases(guards.anachronisms)))
    rules += [("topic", topic, _phrases(phrases)) for topic, phrases in guards.topics]
    return rules


@lru_cache(maxsize=256)
def _player_forms(player: str) -> re.Pattern[str]:
    """Labels, stage directions and reports that make the player speak or act."""
    name = re.escape(player) if player else "player"
    says = "say|reply|answer|ask|whisper|shout|mutter|respond|murmur|add|tell"
    forms = (
        rf"^[\s*_(\[\"“'«-]*(?:{name}|player|user|you)[*_)\]]*\s*[:：]",
        rf"[*(\[]\s*(?:you|{name}|the player)\s+(?!are\b|were\b|can\b)\w+",
        rf"[\"”»]\s*,?\s*(?:you|{name})\s+(?:{says})(?:s|ed|d)?\b",
        rf"^\W*(?:you|{name})\s+(?:{says})(?:s|ed|d)?\b[^?]*[:,]\s*[\"“«]",
        rf"^\W*{name}\s+(?:nods|shrugs|smiles|sighs|grins|frowns|replies|responds)\b",
    )
    return re.compile("|".join(forms), re.I)


def _sorted_out(parts: Sequence[Part]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """The parts of a prompt that instruct, as (source, text), and those that may be said."""
    told: list[tuple[str, str]] = []
    free: list[str] = []
    for part in parts:
        file, _, key = part.source.partition(":")
        if part.source == "rules" or (
            file.startswith("personas/") and key.partition("[")[0] in _NPC_TEXTS
        ):
            told += [(part.source, line) for line in part.text.split("\n")]
        elif part.source not in ("history", "player"):
            free.append(part.text)
    return tuple(told), tuple(free)


@lru_cache(maxsize=256)
def _runs(told: tuple[tuple[str, str], ...]) -> tuple[dict[tuple[str, ...], str], tuple[int, ...]]:
    """The runs that give a text away, each with its source; and how long they are."""
    found: dict[tuple[str, ...], str] = {}
    for source, text in told:
        every = words(text)
        size = min(RUN, len(every))
        if size >= SHORTEST_RUN:
            found.update(dict.fromkeys(_windows(every, (size,)), source))
    return found, tuple(sorted({len(run) for run in found}))


@lru_cache(maxsize=256)
def _said(texts: tuple[str, ...]) -> tuple[frozenset[tuple[str, ...]], ...]:
    """The longer sentences of what was said, each as what it is recognised by."""
    found: list[frozenset[tuple[str, ...]]] = []
    for text in texts:
        at = [0, *SentenceStarts().feed(text), len(text)]
        for start, end in pairwise(at):
            found += _long(text[start:end])
    return tuple(found)


def _long(sentence: str) -> list[frozenset[tuple[str, ...]]]:
    """What a sentence is recognised by, if it is long enough to be."""
    found = words(sentence)
    return [_grams(found)] if len(found) >= LONG_SENTENCE else []


class _Growing:
    """The longer sentences of an answer, as `_said` tells them. Asked after each sentence, it reads
    only what is new: else a long answer would cost its length squared."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._text = ""
        self._starts = SentenceStarts()
        self._begin = 0
        self._whole: list[frozenset[tuple[str, ...]]] = []

    def sentences(self, text: str) -> list[frozenset[tuple[str, ...]]]:
        """Those of `text`, which begins as it did before or anew."""
        if not text.startswith(self._text):
            self._forget()
        known = len(self._text)
        for start in self._starts.feed(text[known:]):
            self._whole += _long(text[self._begin : known + start])
            self._begin = known + start
        self._text = text
        return self._whole + _long(text[self._begin :])


def _stretch(length: int) -> int:
    return 0 if length < _BEGINNING else 1 + length // _STRETCH


def _grams(found: Sequence[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(_windows(found, (_GRAM,)))


def _share(grams: frozenset[tuple[str, ...]], of: frozenset[tuple[str, ...]]) -> float:
    return len(grams & of) / len(grams) if grams else 0.0


def _windows(found: Sequence[str], sizes: Iterable[int]) -> Iterator[tuple[str, ...]]:
    for size in sizes:
        for at in range(len(found) - size + 1):
            yield tuple(found[at : at + size])
