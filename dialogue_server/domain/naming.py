"""Whether a line names somebody: word by word, inflected, and in scripts without spaces.

Names change their endings in many languages ("Мире", "Mirze", "미라야"). Without a dictionary a
form counts when it begins as the name does, has a capital where its script has capitals, and its
language is one that inflects; so "mire" in an English line is mud, and not Mira.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from .persona import Persona
from .relevance import has_unspaced, is_function_word

_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f\u064b-\u065f\u0900-\u0dff]+[^\W_]*)*")
_APOSTROPHE = re.compile(r"['’ʼ]")
_KATAKANA = re.compile(r"[\u30a0-\u30ff]")
_ENDING = 4
"""Letters that an ending may have."""
_PARTICLES = frozenset(
    {"de", "der", "den", "des", "di", "da", "du", "la", "le", "van", "von", "al"}
)
_TOPICAL = frozenset({"about", "of", "than", "like", "against", "with", "for", "from", "to", "and"})

Position = Literal["called", "named", "spoken_of"]
"""How a line names somebody: as the one spoken to ("Mira, come!"), somewhere in it, or as what
is spoken about ("what about Mira?", "Mira's pots")."""
_ORDER: tuple[Position, ...] = ("called", "named", "spoken_of")


class Naming(Struct, frozen=True, order=True):
    """Where a line names somebody: `rank` 0 called, 1 named, 2 spoken of; `at` in characters."""

    rank: int
    at: int

    @property
    def position(self) -> Position:
        """The rank in words."""
        return _ORDER[self.rank]


class _Token(Struct, frozen=True):
    text: str
    folded: str
    start: int
    end: int


def find_name(
    persona: Persona, text: str, others: Iterable[Persona] = (), *, locale: str = ""
) -> Naming | None:
    """Where `text` names an NPC, by its name, an alias, or one word of them that none of `others`
    shares; the strongest place, then the first. None if it does not."""
    whole = [persona.name, *persona.aliases]
    single = [part for name in whole for part in _parts(name)]
    if single:
        names = (name for other in others for name in (other.name, *other.aliases))
        taken = {part for name in names for part in _parts(name)}
        single = [part for part in single if part not in taken]
    found: list[Naming] = []
    tokens = _tokens(text)
    inflects = _inflects(text, locale)
    for name in whole:
        if has_unspaced(name):
            found += _unspaced(name, text)
        else:
            found += _spaced(name, text, tokens, inflects)
    capitals = [token for token in tokens if not token.text[0].islower()]
    for part in single:  # "old" in a line is not Old Marta
        found += _spaced(part, text, tokens, inflects, capitals)
    return min(found, default=None)


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    return tuple(token.folded for token in _tokens(name))


@lru_cache(maxsize=4096)
def _parts(name: str) -> tuple[str, ...]:
    """The words of a name of several that may stand for it."""
    words = _words(name)
    if len(words) < 2:
        return ()
    return tuple(
        word
        for word in words
        if len(word) > 2 and word not in _PARTICLES and not is_function_word(word)
    )


@lru_cache(maxsize=16)
def _tokens(text: str) -> tuple[_Token, ...]:
    """The words of a text, in compatibility form and without case; apostrophes part them."""
    return tuple(
        _Token(match[0], _folded(match[0]), match.start(), match.end())
        for match in _WORD.finditer(text)
    )


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


def _inflects(text: str, locale: str) -> bool:
    """Whether names may have endings here: the language says so, or letters beyond ASCII do."""
    language = re.split(r"[-_]", locale.casefold())[0]
    if language:
        return language != "en"
    return not text.isascii()


# ---------------------------------------------------------------- one name


def _spaced(
    name: str,
    text: str,
    tokens: Sequence[_Token],
    inflects: bool,
    among: Sequence[_Token] | None = None,
) -> Iterable[Naming]:
    wanted = _words(name)
    size = len(wanted)
    if not size:
        return
    script = _script(wanted[0])
    positions: Iterable[int] = range(len(tokens))
    if script not in _PREFIXED:
        positions = _beginnings(text).get(wanted[0][0], ())
    for at in positions:
        words = tokens[at : at + size]
        if len(words) < size or (among is not None and words[0] not in among):
            continue
        if all(
            word.folded == name_word or _is_form(word, name_word, script, inflects)
            for word, name_word in zip(words, wanted, strict=True)
        ):
            yield Naming(_rank(text, tokens, at, at + size), words[0].start)


@lru_cache(maxsize=16)
def _beginnings(text: str) -> dict[str, list[int]]:
    """The places of a text's words by their first character."""
    found: dict[str, list[int]] = {}
    for at, token in enumerate(_tokens(text)):
        found.setdefault(token.folded[0], []).append(at)
    return found


_PREFIXED = ("HEBREW", "ARABIC")
"""Scripts in which a preposition or an article stands before a name, as one word."""


def _is_form(token: _Token, name: str, script: str, inflects: bool) -> bool:
    """Whether a word is the name with something of its language around it."""
    word = token.folded
    if name.isascii() and word == f"{name}s":  # "Miras" of German; "Mira's" is two tokens
        return token.text[0].isupper()
    if script in _PREFIXED:
        return word.endswith(name) and len(word) - len(name) <= 2
    if script == "HANGUL":
        return word.startswith(name) and len(word) - len(name) <= _ENDING
    if not inflects or len(name) < 3 or not token.text[0].isupper():
        return False
    root = name[:-1] if name[-1] in _VOWELS and len(name) > 3 else name
    return word.startswith(root) and len(word) - len(root) <= _ENDING


_VOWELS = "aeiouyаеиоуыэюяёйьαειουηω"


@lru_cache(maxsize=4096)
def _script(word: str) -> str:
    return unicodedata.name(word[0], "").partition(" ")[0]


def _unspaced(name: str, text: str) -> Iterable[Naming]:
    """In scripts without spaces. A name in katakana ends where the katakana does."""
    kana = _KATAKANA.search(name) is not None
    at = text.find(name)
    while at >= 0:
        before, after = text[at - 1 : at] if at else "", text[at + len(name) :][:1]
        if not (kana and (_KATAKANA.match(before) or _KATAKANA.match(after))):
            called = (not before or before in _BREAKS) and (not after or after in _BREAKS)
            yield Naming(0 if called else 1, at)
        at = text.find(name, at + 1)


# ---------------------------------------------------------------- how it stands there

_BREAKS = frozenset(",.!?;:…—–-，。！？、；：،؟।\"'“”„«»()\n")
_STARTS = frozenset(
    {"hey", "hello", "hi", "oh", "dear", "and", "so", "ok", "okay", "well", "but", "you"}
)


def _rank(text: str, tokens: Sequence[_Token], first: int, end: int) -> int:
    """0 if somebody is called so, 2 if spoken of, 1 for all else. `first` and `end` are the
    tokens of the name."""
    after = text[tokens[end - 1].end :].lstrip(" ")
    before = text[: tokens[first].start].rstrip(" ")
    if _APOSTROPHE.match(after) and end < len(tokens) and tokens[end].folded == "s":
        return 2
    word_before = tokens[first - 1].folded if first else ""
    opens = not before or before[-1] in _BREAKS or (first == 1 and word_before in _STARTS)
    closes = not after or after[0] in _BREAKS
    if opens and closes:
        return 0
    return 2 if word_before in _TOPICAL else 1
