"""Whether a text tells what an NPC may not know, or what is not so now: word by word.

A gated entry is recognised by its *runs*: every RUN words in a row, in any case and punctuation.
A run that some entry holds which the NPC may know gives nothing away and does not count. What is
said in other words is not recognised; that is why designers check (leaks.py) and read.

Both layouts ask here before they use a text that did not come through lore.py's gates: an
example, a value of the state, what another NPC said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from . import lore
from .conditions import holds
from .conversation import HEARD, Node, was_heard
from .persona import Persona
from .prompt import PromptInput
from .relevance import is_function_word, words

RUN = 5
"""Words in a row that make a text recognisable."""
_SHORTEST = 3
"""An entry of fewer words cannot be told from chance."""
_TELLING_WORDS = 2
"""A run needs so many words that tell something: "it is up to me" is nobody's secret."""

NOT_HEARD = "not heard"
"""Why a line of the past was dropped: the NPC was not there when it was said."""

Run = tuple[str, ...]


@lru_cache(maxsize=8192)
def runs(text: str) -> frozenset[Run]:
    """What a text is recognised by; nothing for one that is too short or says too little."""
    found = _words(text)
    size = min(RUN, len(found))
    if size < _SHORTEST:
        return frozenset()
    return frozenset(run for run in _windows(found, size) if _telling(run))


class Hidden:
    """The runs that must not be told, each with the source of the entry it is of."""

    def __init__(self, secrets: Iterable[tuple[str, str]], allowed: Iterable[str] = ()) -> None:
        """`secrets` are (source, text); what a text of `allowed` tells too is no secret."""
        self._sources: dict[Run, str] = {}
        free = [_words(text) for text in allowed]
        for source, text in secrets:
            for run in runs(text):
                self._sources.setdefault(run, source)
        self._sizes = sorted({len(run) for run in self._sources})
        for found in free:
            for size in self._sizes:
                for run in _windows(found, size):
                    self._sources.pop(run, None)
        self._sizes = sorted({len(run) for run in self._sources})

    def __bool__(self) -> bool:
        return bool(self._sources)

    @property
    def sources(self) -> frozenset[str]:
        """The entries that can be recognised at all."""
        return frozenset(self._sources.values())

    def told_by(self, text: str) -> str:
        """The source of an entry that `text` tells, "" for none."""
        found = self.finding(text)
        return found[0] if found else ""

    def finding(self, text: str) -> tuple[str, str] | None:
        """(the source of an entry that `text` tells, the words that tell it), or None."""
        if not self._sizes:
            return None
        found = _words(text)
        for size in self._sizes:
            for run in _windows(found, size):
                if run in self._sources:
                    return self._sources[run], " ".join(run)
        return None


def hidden_from(given: PromptInput) -> Hidden:
    """What the NPC of a prompt may not be told: lore whose `known_by` leaves it out, as it was
    written and in the language of the prompt."""
    placed = list(lore.placed_entries(given.world))
    if given.written is not None:
        placed += lore.placed_entries(given.written)
    return hidden_from_persona(given.persona, placed, given.state)


def hidden_from_persona(
    persona: Persona, placed: Iterable[lore.Placed], state: Mapping[str, Any]
) -> Hidden:
    """`hidden_from` for entries that are at hand. One that the NPC may know opens the same words
    elsewhere only while its condition holds: a secret may be public later."""
    kept: list[tuple[str, str]] = []
    allowed: list[str] = []
    for item in placed:
        if lore.may_know(persona, item):
            if all(holds(when, state) for when in item.whens):
                allowed.append(item.entry.text)
        else:
            kept.append((item.source, item.entry.text))
    return Hidden(kept, allowed) if kept else Hidden(())


def withheld(node: Node, persona: Persona, hidden: Hidden) -> str:
    """Why a line of the past must not be given to the NPC; "" if it may be: what it said itself,
    and what it was there to hear. A line without a record of who was there may be given if the
    player said it, or if it tells no secret."""
    if node.kind == "npc" and node.speaker == persona.id:
        return ""
    if HEARD in node.meta:
        return "" if was_heard(node.meta, persona.id) else NOT_HEARD
    tells = "" if node.kind == "player" else hidden.told_by(node.text)
    return f"tells {tells}" if tells else ""


def _windows(found: tuple[str, ...], size: int) -> Iterable[Run]:
    return (found[at : at + size] for at in range(len(found) - size + 1))


@lru_cache(maxsize=8192)
def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("’", "'") for word in words(text))


def _telling(run: Run) -> bool:
    telling = (not is_function_word(word) and (len(word) > 2 or not word.isascii()) for word in run)
    return sum(telling) >= _TELLING_WORDS
