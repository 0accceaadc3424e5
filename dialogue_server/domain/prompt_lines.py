"""The lines of a standard prompt: what was said, what is spoken to, how to use an action.

Lines in square brackets are the game's; nothing untrusted can hold one (untrusted.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dialogue_protocol.codes import EndReason

from . import untrusted
from .conversation import Node
from .persona import Action
from .prompt import PromptInput, Role
from .scene import speaker_name
from .state import there_is

MAX_CHOICES = 20
"""How many of the things that are there an action is offered with."""


def changes(action: Action) -> bool:
    """Whether what is said of an action depends on the state."""
    return bool(action.when) or any(p.among for p in action.parameters.values())


def how_to(action: Action, state: Mapping[str, Any]) -> str:
    """An action's line: its tag with placeholders, what it does, its parameters; "" if there is
    nothing now that it could be done with."""
    shape = [f"[action: {action.name}"]
    notes = []
    for key, parameter in action.parameters.items():
        values = [*parameter.values]
        if parameter.among:
            values = [untrusted.value(name) for name in there_is(state, parameter.among)]
            if parameter.required and not values:
                return ""
        kind = "|".join(map(str, values[:MAX_CHOICES])) if values else parameter.type
        shape.append(f'{key}="{kind}"' if parameter.type == "string" else f"{key}={kind}")
        notes.append(f"{key}: {parameter.description}" if parameter.description else "")
        if not parameter.required:
            notes.append(f"{key} may be left out")
    tag = " ".join(shape) + "]"
    text = f"To do something, write its tag where it happens: {tag} {action.description}"
    notes = [note for note in notes if note]
    return f"{text} ({'; '.join(notes)})" if notes else text


def names(given: PromptInput) -> tuple[str, ...]:
    """Everyone who is there: no line may begin with the label of one of them."""
    others = (other.name for other in given.cast if other.id != given.persona.id)
    return (given.persona.name, untrusted.name(given.player.name), *others)


def asked(given: PromptInput, names: tuple[str, ...]) -> tuple[str, str]:
    """What the NPC speaks to, as (source, text)."""
    text = untrusted.line(given.text, names)
    if given.kind == "say":
        return "player", text
    name, narrator = given.persona.name, given.persona.narrator
    if given.kind == "event":
        what = "Tell what comes of it" if narrator else f"{name} says something about it"
        return "event", f"[This happens: {text}]\n[{what}]"
    others = any(not other.narrator and other.id != given.persona.id for other in given.cast)
    what = "speaks to the others" if others else "says something more"
    return "advance", "[Tell what happens now]" if narrator else f"[{name} goes on, and {what}]"


def said(given: PromptInput, node: Node, names: tuple[str, ...]) -> tuple[Role, str]:
    """A line of the history as (role, text). Among several, each line says whose it is."""
    if node.kind == "player":
        text = untrusted.line(node.text, names)
        return "user", f"{says(given.player.name)}\n{text}" if is_group(given) else text
    if node.kind == "event":
        return "user", f"[This happens: {untrusted.line(node.text, names)}]"
    text = untrusted.speech(node.text)
    if node.reason == EndReason.INTERRUPTED:
        text = f"{text.rstrip(' .…—-')}—"
    if node.speaker == given.persona.id:
        return "assistant", text
    speaker = speaker_name(given.cast, node.speaker)
    return "user", f"{says(speaker, 'Someone')}\n{untrusted.line(text, names)}"


def is_group(given: PromptInput) -> bool:
    """Whether the NPC is not alone with the player."""
    return len(given.cast) > 1


def says(name: str, fallback: str = "Traveller") -> str:
    """What stands above a line, where it is not clear whose it is."""
    return f"[{untrusted.name(name, fallback)} says]"
