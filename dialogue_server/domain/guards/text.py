"""A sentence in the forms that a rule has to see: folded, spelled together, decoded.

A model that was talked into it hides a word from a plain search: by capitals and full-width
letters, by zero-width characters, by a Cyrillic letter in a Latin word, by Markdown, letter by
letter, backwards, by ROT13 or base64. `fold` undoes the first five, `spelled` and `decoded` give
the other readings. Nothing here changes what a player sees.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator

from ..relevance import has_unspaced

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_EMPHASIS = re.compile(r"[*_~`]+")
_SPACES = re.compile(r"\s+")
# Letters of other alphabets that look like Latin ones, capitals included (UTS 39: confusables).
_LOOKALIKES = str.maketrans(
    dict(zip("авекмнорстухіјѕԁһαβεηικνορτυχ", "abekmhopctyxijsdhabenikvoptyx", strict=True))
)
_WORD = re.compile(r"[^\W\d_]+")
_WORD_OR_NUMBER = re.compile(r"\w+")
_SPELLED = re.compile(r"(?<!\w)\w(?:[\s.\-·•|/]+\w(?!\w)){2,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/\-_]{20,}={0,2}")
_NOT_A_LETTER = re.compile(r"[\W_]+")
_ROT13 = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
_TELLING = 8
"""Letters of a phrase that is looked for backwards and in ROT13, where short words are chance:
"dog" is not "god"."""


def fold(text: str) -> str:
    """The text as rules compare it: lower case, one kind of space and apostrophe, no invisible
    characters, no emphasis, look-alike letters inside Latin words as the Latin ones."""
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
        text = text.replace("’", "'").replace("‘", "'").replace("ʼ", "'")
    text = _SPACES.sub(" ", _EMPHASIS.sub("", text)).strip().casefold()
    return text if text.isascii() else _WORD.sub(_latin, text)


def _latin(match: re.Match[str]) -> str:
    word = match[0]
    if word.isascii() or not any("a" <= char <= "z" for char in word):
        return word
    return word.translate(_LOOKALIKES)


def spelled(folded: str) -> list[str]:
    """What a folded text spells letter by letter, each run without its separators."""
    return [_NOT_A_LETTER.sub("", match[0]) for match in _SPELLED.finditer(folded)]


def decoded(text: str, folded: str) -> list[str]:
    """What a text says, folded, when read backwards, as ROT13, or out of base64."""
    return [folded[::-1], folded.translate(_ROT13), *map(fold, _from_base64(text))]


def _from_base64(text: str) -> Iterator[str]:
    for match in _BASE64.finditer(text):
        run = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            decoded = base64.b64decode(run + "=" * (-len(run) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if decoded.isprintable():
            yield decoded


class Phrases:
    """Words and phrases that are looked for as whole words, in folded text. `*` stands for any
    letters at the beginning or the end of a word: "dragon*".

    A phrase that begins with a whole word is looked for only where that word stands, so that a
    long list costs little; the others are one pattern.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._phrases = {
            phrase: (re.compile(_pattern(phrase)), _letters(phrase))
            for phrase in filter(None, map(str.strip, phrases))
        }
        begins = {phrase: _first_word(phrase) for phrase in self._phrases}
        self._words = frozenset(begins.values()) - {""}
        self._loose = _any_of(
            pattern for phrase, (pattern, _) in self._phrases.items() if not begins[phrase]
        )
        self._any = _any_of(pattern for pattern, _ in self._phrases.values())
        self._telling = _any_of(
            pattern for pattern, letters in self._phrases.values() if len(letters) >= _TELLING
        )

    def found(self, folded: str, words: Iterable[str] | None = None) -> str:
        """The first of the phrases that the text holds, as it was written; "" for none. `words`
        are those of the text (`words_of`), if they are known."""
        if self._words.isdisjoint(words_of(folded) if words is None else words) and (
            self._loose is None or self._loose.search(folded) is None
        ):
            return ""
        held = (phrase for phrase, (one, _) in self._phrases.items() if one.search(folded))
        return next(held, "")

    def found_in_code(self, folded: str) -> str:
        """`found`, for a reading that may be chance: long phrases only."""
        if self._telling is None or self._telling.search(folded) is None:
            return ""
        return self.found(folded)

    def spelled(self, letters: str) -> str:
        """The phrase that a run of single letters holds; "" for none. A short one must be all
        there is."""
        for phrase, (_, together) in self._phrases.items():
            if letters == together or (len(together) > 3 and together in letters):
                return phrase
        return ""

    def blank(self, folded: str) -> str:
        """The text without the phrases."""
        return folded if self._any is None else self._any.sub(" ", folded)


def words_of(folded: str) -> list[str]:
    """The words of a folded text, as phrases begin with them."""
    return _WORD_OR_NUMBER.findall(folded)


def _any_of(patterns: Iterable[re.Pattern[str]]) -> re.Pattern[str] | None:
    whole = "|".join(pattern.pattern for pattern in patterns)
    return re.compile(whole) if whole else None


def _pattern(phrase: str) -> str:
    words = [
        r"\w*".join(re.escape(part) for part in word.split("*"))
        for word in re.findall(r"[\w*']+", fold(phrase.replace("*", "\x00")).replace("\x00", "*"))
    ]
    pattern = r"[\W_]+".join(words)
    before = "" if has_unspaced(phrase[:1]) else r"(?<!\w)"
    # Korean writes particles onto the word before them.
    after = "" if has_unspaced(phrase[-1:]) or "\uac00" <= phrase[-1] <= "\ud7a3" else r"(?!\w)"
    return f"{before}{pattern}{after}" if words else r"(?!)"


def _first_word(phrase: str) -> str:
    """The whole word that a phrase begins with; "" where it begins within one."""
    found = _WORD_OR_NUMBER.match(fold(phrase)) if "*" not in phrase else None
    word = "" if found is None else found[0]
    joined = has_unspaced(word) or any("\uac00" <= char <= "\ud7a3" for char in word)
    return "" if joined else word


def _letters(phrase: str) -> str:
    return _NOT_A_LETTER.sub("", fold(phrase))
