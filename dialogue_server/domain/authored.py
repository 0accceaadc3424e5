"""A designer's own lines: which of them answers the player, without any model.

The scripted backend speaks them; a failed model is replaced by them; and a tiny model is given
them to say where no fact fits (compact_layout.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from .conditions import holds
from .persona import Line, Persona
from .relevance import Candidate, best

_TAG = re.compile(r"\s*\[[^\[\]]*\]")


def choose(
    persona: Persona, state: Mapping[str, Any], text: str, *, said: Collection[str] = ()
) -> Line | None:
    """The line whose keys fit the player's `text` best, among those whose condition holds and
    which are not in `said` (what the NPC said lately, without tags); None if none fits."""
    lines = [
        line for line in persona.lines if holds(line.when, state) and plain(line.text) not in said
    ]
    found = best(text, [Candidate(line.text, tuple(line.keys)) for line in lines], own_words=False)
    return None if found is None else lines[found]


def fallback(persona: Persona, n: int, *, said: Collection[str] = ()) -> str:
    """The n-th fallback line, counted in a circle and past what is in `said`; "" if the persona
    has none."""
    fresh = [line for line in persona.fallback if plain(line) not in said] or persona.fallback
    return fresh[n % len(fresh)] if fresh else ""


def authored_text(
    persona: Persona, state: Mapping[str, Any], text: str, *, said: Collection[str] = ()
) -> str:
    """What the NPC answers without a model, tags included: the line that fits, else a fallback
    line (the same for the same text, so that a test can rely on it), else ""."""
    line = choose(persona, state, text, said=said)
    if line is not None:
        return spoken(line)
    return fallback(persona, sum(map(ord, text)), said=said)


def spoken(line: Line) -> str:
    """A line as a model would write it: its mood as a tag before it."""
    return f"[mood: {line.mood}] {line.text}" if line.mood else line.text


def plain(text: str) -> str:
    """A text without its tags, as a player reads it."""
    return _TAG.sub("", text).strip()
