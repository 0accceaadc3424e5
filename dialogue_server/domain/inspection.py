"""A prompt laid open: the exact messages, where each part came from, what was left out and why.

`dialogue-server prompt` prints one, and the wire's `inspected` carries the same lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from .assembly import assemble
from .prompt import Dropped, Message, Part, PromptInput
from .toml_places import Places

Layout = Literal["standard", "compact"]
Fold = Callable[[tuple[Message, ...]], tuple[Message, ...]]
"""Brings messages into the form that a model takes, such as one system message."""


class Inspection(Struct, frozen=True):
    """A prompt and the account of it. `tokens` and `budget` are estimated tokens; `parts` stand
    in the order of the prompt."""

    npc: str
    layout: Layout
    tokens: int
    budget: int
    messages: tuple[Message, ...]
    """As they are sent, folded for the model."""
    parts: tuple[Part, ...]
    dropped: tuple[Dropped, ...]


class Place(Struct, frozen=True):
    """A source taken apart. `line` is 0 and `key` "" for what stands in no file: "rules",
    "player", "state", "history"."""

    file: str
    line: int = 0
    key: str = ""

    def __str__(self) -> str:
        line = f":{self.line}" if self.line else ""
        return f"{self.file}{line} {self.key}".rstrip()


def inspect(
    given: PromptInput, layout: Layout, fold: Fold = lambda messages: messages
) -> Inspection:
    """Assemble a prompt and lay it open. Raises what assembly.assemble raises."""
    prompt = assemble(given, layout)
    return Inspection(
        npc=given.persona.id,
        layout=layout,
        tokens=prompt.tokens,
        budget=given.budget,
        messages=fold(prompt.messages),
        parts=prompt.parts,
        dropped=prompt.dropped,
    )


class Sources:
    """The lines of a world's files, for the sources of parts and findings."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """`texts` are the files by name, such as "personas/mira.toml"."""
        self._texts = texts
        self._places: dict[str, Places] = {}

    def place(self, source: str) -> Place:
        """Where "personas/mira.toml:knowledge[2]" stands."""
        file, _, key = source.partition(":")
        return Place(file, self.line(file, key), key)

    def line(self, file: str, key: str) -> int:
        """The line of a key, or of the nearest thing around it; 0 if it is not known."""
        if file not in self._texts:
            return 0
        if file not in self._places:
            self._places[file] = Places(self._texts[file])
        return self._places[file].line(key)
