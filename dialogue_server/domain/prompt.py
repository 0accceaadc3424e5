"""What a prompt is: messages, where each part came from, and what did not fit.

The layouts build one (standard_layout.py, compact_layout.py); assembly.py chooses between them.
"""

from __future__ import annotations

from typing import Any, Literal

from dialogue_protocol.messages import Player
from msgspec import Struct, field

from .conversation import Node
from .memory.past import Past, Rememberer
from .persona import Persona, World

Kind = Literal["say", "event", "advance"]
"""What an NPC speaks to: the player's line, something that happened, or the others."""
Role = Literal[
    "system",
    "user",
    "assistant",
    # M2-her's special roles; a backend whose profile lacks them folds them (backends/profiles.py)
    "user_system",
    "group",
    "sample_message_user",
    "sample_message_ai",
]


class Message(Struct, frozen=True):
    """One message of a prompt. `name` tells several speakers of one role apart."""

    role: Role
    content: str
    name: str = ""


class Part(Struct, frozen=True):
    """A stretch of the prompt and its origin: file and key ("personas/mira.toml:personality"),
    or "rules", "scene", "history", "state", "player"."""

    source: str
    text: str
    tokens: int


class Dropped(Struct, frozen=True):
    """A part that was left out, and why: "budget"; "condition" (": " and the reason, where it
    could not be evaluated); "not relevant"; "nothing there", for an action to be done with; of lore
    "not known" (to this NPC), "not spoken of", "lore budget"; "tells SOURCE" of what would give
    away lore that the NPC may not know."""

    source: str
    text: str
    tokens: int
    why: str


class Prompt(Struct, frozen=True):
    """What is asked of the model, and the account of it. `tokens` is an estimate."""

    messages: tuple[Message, ...]
    parts: tuple[Part, ...]
    dropped: tuple[Dropped, ...]
    tokens: int


class PromptInput(Struct, frozen=True):
    """Everything that a prompt is made of. `history` is oldest first and ends before `text`,
    the player's new line, or what happened ("" for `kind` advance). `cast` is everyone who is
    there, the persona included. `budget` is in tokens, for the whole prompt."""

    world: World
    persona: Persona
    player: Player
    text: str
    budget: int
    scene: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    history: tuple[Node, ...] = ()
    locale: str = ""
    memory: Past = Past()
    """What the NPC may remember besides the history."""
    kind: Kind = "say"
    cast: tuple[Persona, ...] = ()
    stage: str = ""
    """The stage that the scene is at (scene.py)."""
    mood: str = ""
    """What is to be said of the persona's mood (tone.py)."""
    written: World | None = None
    """The world as it was written, where `world` is a translation of it: what is hidden is hidden
    in both, since a state or an example may speak the first language."""

    @property
    def rememberer(self) -> Rememberer:
        """Who it is that remembers."""
        names = ((member.id, member.name) for member in self.cast)
        return Rememberer(self.persona.id, self.player.name, (*self.memory.names, *names))
