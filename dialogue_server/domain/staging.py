"""What a designer writes besides who an NPC is: its tone, scenes, triggers and suggestions.

Structs only, as in persona.py, which holds them in `Persona` and `World`. What they do is told by
tone.py, scene.py, triggers.py and suggestions.py; docs/scenes.md is written for designers.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class ToneRule(Struct, frozen=True, forbid_unknown_fields=True):
    """What moves an NPC's mood. It applies to a line of the player, or an event of the game, if
    `when` holds and the line has one of `keys`, as far as they are given."""

    mood: str
    when: str = ""
    keys: list[str] = field(default_factory=list)
    change: int = 0
    """Added to the mood's intensity, -100 to 100."""
    at_least: int = 0
    """Then the intensity is raised to this, 0 to 100."""


class Relation(Struct, frozen=True, forbid_unknown_fields=True):
    """What an NPC thinks of somebody. In a file, a plain text stands for one without `when`."""

    text: str
    when: str = ""


class Happening(Struct, frozen=True, forbid_unknown_fields=True):
    """What happened in a scene of late, known to everybody there. In a file, a plain text stands
    for one without `when`."""

    text: str
    when: str = ""


class Stage(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a scene. A scene begins with its first stage. A later one is reached when a
    trigger moves there, or by itself as soon as its `when` holds; no stage is left by itself for
    an earlier one."""

    name: str
    text: str = ""
    """What everybody in the scene is told while it lasts."""
    when: str = ""


class Trigger(Struct, frozen=True, forbid_unknown_fields=True):
    """Something to notice in a conversation: all that is given must hold at the end of a turn.
    Then the scene moves to the stage `to`, and the game gets the message `trigger`."""

    name: str
    when: str = ""
    scene: str = ""
    """Only in this scene. A scene's own triggers need not say so."""
    stage: str = ""
    """Only while the scene is at this stage."""
    npc: str = ""
    """Whose mood, words and turns count; "": whoever speaks. A persona's own triggers mean it."""
    event: str = ""
    """The game has told of an event of this name; `when` then sees its data as `event`."""
    asked: list[str] = field(default_factory=list)
    """The player's line has one of these keys."""
    said: list[str] = field(default_factory=list)
    """The NPC's answer has one of these keys."""
    revealed: str = ""
    """The NPC told this fact or entry of lore, by its `name`: some words in a row of its text."""
    mood: str = ""
    at_least: int | None = None
    at_most: int | None = None
    """Bounds of the intensity of `mood`; without a mood, of the NPC's current one."""
    turns: int = 0
    """So many lines of the player have been said, in `stage` if it is given."""
    judge: str = ""
    """A question that the model answers with yes or no, in the background, when all else holds."""
    to: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    """For the game, as they are."""
    cooldown: int | None = None
    """None: it fires once. Else it may fire again after so many lines of the player."""


class Scene(Struct, frozen=True, forbid_unknown_fields=True):
    """A place with what goes on there. In a file, a plain text stands for a `description`."""

    description: str
    cast: list[str] = field(default_factory=list)
    """NPCs that are there besides those whom the client names."""
    narrator: str = ""
    """The persona that tells what happens when the client lets the scene go on."""
    happened: list[Happening] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)


class Suggestion(Struct, frozen=True, forbid_unknown_fields=True):
    """A line that the player might say to the NPC. In a file, a plain text stands for one that
    always fits. One with `keys` fits once one of them was spoken of, and then comes first."""

    text: str
    when: str = ""
    keys: list[str] = field(default_factory=list)
