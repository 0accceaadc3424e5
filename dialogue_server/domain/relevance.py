"""Which of a designer's texts fits what a player said: shared words, the rarer the better.

Pure and deterministic, no model: the same line always calls up the same fact. Words are
compared by a crude stem (English suffixes off); in scripts that write no spaces, pairs of
characters stand for words. What a designer lists as `keys` counts double, and a key of several
words is a phrase that must stand in the line as written ("how are you").
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

_WORDS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# Scripts that are written without spaces: Thai to Myanmar, Khmer, kana, Han.
_UNSPACED = re.compile(r"[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")

# Words that every line may have: they tell nothing, unless a phrase of `keys` holds them.
_FUNCTION_WORD_LIST = """
a about all am an and any are as at be been but by can could did do does for from
had has have he her here him his how i if in into is it its just me my no not
of off on one or our out please she so some tell than that the their them then there
these they this those to too up us very was we were what when where which who whom
whose why will with would yes you your yours i'm you're it's that's what's don't
know think want get got going
"""
_FUNCTION_WORDS = frozenset(_FUNCTION_WORD_LIST.split())
_FUNCTION_WEIGHT = 0.1
_KEY_WEIGHT = 2.0
RELEVANT = 0.5
"""A score below this is chance: function words in common, no more."""


class Candidate(Struct, frozen=True):
    """A text that may fit, and the words that call it up besides its own. `weight` scales its
    score: below 1 it gives way to others."""

    text: str
    keys: tuple[str, ...] = ()
    weight: float = 1.0


def words(text: str) -> list[str]:
    """The words of a text in order, casefolded; unspaced scripts give pairs of characters."""
    if text.isascii():
        return _WORDS.findall(text.lower())
    found: list[str] = []
    for word in _WORDS.findall(text.casefold()):
        rest = 0
        for run in _UNSPACED.finditer(word):
            found.extend(_part for _part in (word[rest : run.start()],) if _part)
            found.extend(_pairs(run.group()))
            rest = run.end()
        if rest < len(word):
            found.append(word[rest:].replace("’", "'"))
    return found


def has_unspaced(text: str) -> bool:
    """Whether some of it is in a script that is written without spaces."""
    return _UNSPACED.search(text) is not None


def is_function_word(word: str) -> bool:
    """Whether a casefolded English word tells nothing by itself."""
    return word in _FUNCTION_WORDS


def _pairs(run: str) -> Iterable[str]:
    return (run[at : at + 2] for at in range(max(1, len(run) - 1)))


_IRREGULAR = {
    "broke": "break", "broken": "break", "lit": "light", "bought": "buy", "sold": "sell",
    "went": "go", "gone": "go", "said": "say", "slept": "sleep", "ate": "eat", "children": "child",
    "feet": "foot", "teeth": "tooth", "lost": "lose", "found": "find", "made": "make",
}  # fmt: skip


def stem(word: str) -> str:
    """A crude stem: "lamps", "lamp's" and "lamp" are one, "carries", "carried" and "carry" too.

    Wrong stems do no harm as long as both sides are wrong alike.
    """
    word = word.removesuffix("'s")
    word = _IRREGULAR.get(word, word)
    for suffix, ending in (("ies", "y"), ("ied", "y"), ("ing", ""), ("ed", ""), ("ly", "")):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word.removesuffix(suffix) + ending
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
                word = word[:-1]  # stopped: stopp: stop
            return word.removesuffix("e")
    if word.endswith("s") and len(word) > 3 and word[-2] not in "su":
        word = word.removesuffix("s")
    return word.removesuffix("e") if len(word) > 3 else word


def scores(text: str, candidates: Sequence[Candidate], *, own_words: bool = True) -> list[float]:
    """How well each candidate fits the text: 0 for no word in common, no upper bound.

    A word weighs the more, the fewer candidates have it (inverse document frequency).
    `own_words` false: only the keys count.
    """
    line = words(text)
    stems = [stem(word) for word in line]
    function_stems = {stem(word) for word in line if word in _FUNCTION_WORDS}
    own = [
        {stem(word) for word in words(candidate.text)} if own_words else set()
        for candidate in candidates
    ]
    keys = [_keys(candidate.keys) for candidate in candidates]
    frequency: dict[str, int] = {}
    for texts, (single, _) in zip(own, keys, strict=True):
        for word in texts | single:
            frequency[word] = frequency.get(word, 0) + 1

    def weight(word: str) -> float:
        rarity = math.log(1 + len(candidates) / frequency.get(word, 1))
        return rarity * (_FUNCTION_WEIGHT if word in function_stems else 1.0)

    result: list[float] = []
    for candidate, texts, (single, phrases) in zip(candidates, own, keys, strict=True):
        score = 0.0
        for word in dict.fromkeys(stems):
            if word in single:
                score += _KEY_WEIGHT * weight(word)
            elif word in texts:
                score += weight(word)
        for phrase in phrases:
            if _holds(stems, phrase):
                score += _KEY_WEIGHT * math.log(1 + len(candidates)) * (len(phrase) - 1)
        result.append(score * candidate.weight)
    return result


def best(text: str, candidates: Sequence[Candidate], *, own_words: bool = True) -> int | None:
    """The index of the candidate that fits best, the first of equals; None if none fits."""
    found = scores(text, candidates, own_words=own_words)
    if not found:
        return None
    index = max(range(len(found)), key=found.__getitem__)
    return index if found[index] >= RELEVANT else None


def _keys(keys: Iterable[str]) -> tuple[set[str], list[list[str]]]:
    """Keys as stems: the single words, and the phrases."""
    single: set[str] = set()
    phrases: list[list[str]] = []
    for key in keys:
        stems = [stem(word) for word in words(key)]
        if len(stems) == 1:
            single.add(stems[0])
        elif stems:
            phrases.append(stems)
    return single, phrases


def _holds(stems: list[str], phrase: list[str]) -> bool:
    return any(stems[at : at + len(phrase)] == phrase for at in range(len(stems) - len(phrase) + 1))
