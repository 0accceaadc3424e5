"""What a designer writes: personas and the world they live in, as strict Structs.

The TOML files map onto these Structs one to one (docs/personas.md). Decoding them, with errors
that name file and key, is `content_files.py`'s; this module only says what may stand in them.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field


class Fact(Struct, frozen=True, forbid_unknown_fields=True):
    """Something an NPC knows. In a file, a plain string stands for a fact without conditions.

    `when` is a condition on the game state (conditions.py); `keys` are words of the player's
    line that make it relevant, besides the words of its own text.
    """

    text: str
    when: str = ""
    keys: list[str] = field(default_factory=list)


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the persona that applies only while `when` holds."""

    text: str
    when: str


class Example(Struct, frozen=True, forbid_unknown_fields=True):
    """An exchange that shows how the NPC talks. `fact` is what the answer rests on, if
    anything: a tiny model learns from it to use the fact beside the player's line."""

    player: str
    npc: str
    fact: str = ""


class Parameter(Struct, frozen=True, forbid_unknown_fields=True):
    """One parameter of an action. `values` are the only ones allowed, where given."""

    type: Literal["string", "integer", "number", "boolean"] = "string"
    description: str = ""
    values: list[str | int | float] = field(default_factory=list)
    required: bool = True


class Action(Struct, frozen=True, forbid_unknown_fields=True):
    """Something the NPC may do in the game, by a tag in its answer."""

    name: str
    description: str
    parameters: dict[str, Parameter] = field(default_factory=dict)
    when: str = ""


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """An authored answer: spoken by the scripted backend, and in place of a failed model, when
    the player's line shares words with `keys`. `mood` goes out as a cue."""

    text: str
    keys: list[str] = field(default_factory=list)
    when: str = ""
    mood: str = ""


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """What this NPC asks of the model, over the server's settings."""

    name: str = ""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None


class Persona(Struct, frozen=True, forbid_unknown_fields=True):
    """One NPC. `id` must equal the file's stem; only `id`, `name` and `description` are
    needed."""

    id: str
    name: str
    description: str
    essence: str = ""
    """One sentence that is the whole character to a tiny model; else `description` is used."""
    personality: str = ""
    speech_style: str = ""
    knowledge: list[Fact] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    moods: list[str] = field(default_factory=list)
    mood: str = ""
    """The mood at the start; one of `moods`."""
    actions: list[Action] = field(default_factory=list)
    greeting: str = ""
    fallback: list[str] = field(default_factory=list)
    """What the NPC says when the model cannot; never about the model."""
    fillers: list[str] = field(default_factory=list)
    """A sound or a word while the answer is late ("Hm …"); shown, never remembered."""
    lines: list[Line] = field(default_factory=list)
    sees: list[str] = field(default_factory=lambda: ["*"])
    """Which state paths this NPC may know of, as patterns: "quest.*", "weather"."""
    model: Model = Model()


class World(Struct, frozen=True, forbid_unknown_fields=True):
    """world.toml: what all NPCs share. `state` is the game state before a game sends one."""

    name: str
    description: str
    essence: str = ""
    """The setting in one sentence, for a tiny model."""
    lore: list[Fact] = field(default_factory=list)
    scenes: dict[str, str] = field(default_factory=dict)
    """Descriptions of the places that a client may name in `open.scene`."""
    state: dict[str, Any] = field(default_factory=dict)
