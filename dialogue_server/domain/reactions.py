"""What the world does to an NPC: who speaks up when something happens, and how it is told.

An event that *may* be answered is answered by an NPC whose `reacts` has a rule for it, or whom its
text names; so a designer decides what leaves nobody cold, and silence costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .conditions import holds
from .lore import mentions
from .persona import Persona

REACTIONS = ("may", "never", "must")
"""What `event.react` may say (spec.md, "event")."""


def who_reacts(
    cast: Sequence[Persona], name: str, text: str, state: Mapping[str, Any]
) -> Persona | None:
    """Who of the cast speaks up at an event by itself: the most talkative of those with a rule
    that fits, else whom the text names; None for nobody."""
    ready = [
        persona
        for persona in cast
        if any(
            (not rule.name or rule.name == name)
            and (not rule.keys or any(mentions(key, [text]) for key in rule.keys))
            and holds(rule.when, state)
            for rule in persona.reacts
        )
    ]
    if ready:
        return max(ready, key=lambda persona: persona.talkativeness)
    return next((persona for persona in cast if mentions(persona.name, [text])), None)


def result_text(
    speaker: str, action: str, args: Mapping[str, Any], *, accepted: bool, text: str
) -> str:
    """What became of an action, in a line for the history: `Mira tries to give_item (item: key):
    done. It is warm.`"""
    details = ", ".join(f"{key}: {value}" for key, value in args.items())
    done = "done" if accepted else "it does not happen"
    told = f"{speaker} tries to {action}{f' ({details})' if details else ''}: {done}."
    return f"{told} {text.strip()}".strip()


def awaits(persona: Persona, action: str) -> bool:
    """Whether the game is to say what became of this action."""
    return any(known.name == action and known.awaits for known in persona.actions)
