"""Does an answer hold its fact and stay in character? Deterministic checks, no second model.

A world brings its own questions (`evaluation.toml`); engine/rehearsal.py asks them. The checks
are strict about form, and know of the content only what the case says: an answer that contains
its key words and still says something silly passes, so read the transcript too.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import Struct, field

from ..errors import ContentError
from .sentences import SentenceLimit

MAX_SENTENCES = 2
_LOOP_WORDS = 4
"""So many words in a row may not come twice."""


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """A question to an NPC. Each group of `holds` needs one of its texts in the answer, in any
    case of letters; none: the NPC only has to stay in character. `state` is laid over the
    world's own, as a JSON Merge Patch."""

    npc: str
    ask: str
    holds: list[list[str]] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    case: list[Case]


def decode(file: str, data: bytes) -> tuple[Case, ...]:
    """The cases of an `evaluation.toml`; a ContentError says what is wrong with it."""
    try:
        content = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ContentError(file, "", "is not UTF-8; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ContentError(file, "", str(error)) from None
    try:
        return tuple(msgspec.convert(content, _File).case)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        raise ContentError(file, place.removesuffix("`"), problem) from None


def problems(case: Case, answer: str, speakers: Collection[str]) -> tuple[str, ...]:
    """What is wrong with an answer; nothing for a good one. `speakers` are the names of all who
    could be speaking, whose labels must not stand in it."""
    text = " ".join(answer.split())
    if not text:
        return ("empty",)
    lower = text.casefold()
    found = [
        f"lacks {' or '.join(group)}"
        for group in case.holds
        if not any(part.casefold() in lower for part in group)
    ]
    if _is_meta(lower):
        found.append("speaks of models, prompts or rules")
    if any(re.search(rf"\b{re.escape(name.casefold())}\s*:", lower) for name in speakers):
        found.append("speaks for another")
    if _echoes(case.ask, text):
        found.append("repeats the question")
    if SentenceLimit(MAX_SENTENCES).feed(text) != text:
        found.append("more than two sentences")
    if _loops(lower):
        found.append("loops")
    if text[-1].isalnum() or text[-1] in ",;:-(":
        found.append("unfinished")
    if not all(_is_latin(letter) for letter in text if letter.isalpha()):
        found.append("in another script")
    return tuple(found)


_META = re.compile(
    r"as an ai|\ban ai\b|language model|chatbot|system prompt|instructions|role-?play|"
    r"my character|\(say|\bsay:|\banswer:|\buser:|\bassistant:|\bfact:|[\[\]<>{}#*_]"
)


def _is_meta(text: str) -> bool:
    return _META.search(text) is not None


def _echoes(question: str, answer: str) -> bool:
    """Whether a sentence of the question, of three words or more, comes back as one."""
    asked = {tuple(sentence) for sentence in _sentences(question) if len(sentence) >= 3}
    return any(tuple(sentence) in asked for sentence in _sentences(answer))


def _loops(text: str) -> bool:
    sentences = [tuple(sentence) for sentence in _sentences(text)]
    if len(set(sentences)) < len(sentences):
        return True
    words = re.findall(r"\w+", text)
    if any(len(set(words[at : at + 3])) == 1 for at in range(len(words) - 2)):
        return True
    runs = [tuple(words[at : at + _LOOP_WORDS]) for at in range(len(words) - _LOOP_WORDS + 1)]
    return len(set(runs)) < len(runs)


def _sentences(text: str) -> list[list[str]]:
    """The words of each sentence, casefolded."""
    parts = re.split(r"[.!?…]+", text.casefold())
    return [words for part in parts if (words := re.findall(r"[\w']+", part))]


def _is_latin(letter: str) -> bool:
    return "LATIN" in unicodedata.name(letter, "")
