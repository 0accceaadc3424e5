"""Who of a cast speaks: whom the player addressed, and who is next where nobody is."""

from __future__ import annotations

from collections.abc import Sequence

from .conversation import Node
from .lore import mentions
from .persona import Persona


def addressed(cast: Sequence[Persona], text: str, history: Sequence[Node]) -> Persona:
    """Who answers the player's `text`: whom it names first in the cast, else the first."""
    return next((persona for persona in cast if mentions(persona.name, [text])), cast[0])


def next_speaker(cast: Sequence[Persona], history: Sequence[Node]) -> Persona:
    """Who goes on by itself: the one after whoever spoke last."""
    ids = [persona.id for persona in cast]
    last = next((node.speaker for node in reversed(history) if node.speaker in ids), ids[-1])
    return cast[(ids.index(last) + 1) % len(cast)]
