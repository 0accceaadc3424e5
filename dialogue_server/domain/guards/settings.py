"""Which guards are on for an NPC: the world's, the persona's over them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, structs

from ..persona import Guards, Persona, World

MAX_RETRIES = 3
_LISTS = ("forbidden", "anachronisms", "allowed")
_SWITCHES = ("character", "prompt", "player", "repeats", "language")


class Settled(Struct, frozen=True):
    """All guards of an NPC, nothing left open. `limits` of 0 are none."""

    character: bool = False
    prompt: bool = False
    player: bool = False
    repeats: bool = False
    language: bool = False
    forbidden: tuple[str, ...] = ()
    anachronisms: tuple[str, ...] = ()
    topics: tuple[tuple[str, tuple[str, ...]], ...] = ()
    allowed: tuple[str, ...] = ()
    max_sentences: int = 0
    max_chars: int = 0
    hold: str = "every"
    retries: int = 1
    report_only: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything to watch for."""
        return bool(
            any(getattr(self, name) for name in _SWITCHES)
            or self.forbidden
            or self.anachronisms
            or self.topics
            or self.max_sentences
            or self.max_chars
        )


_DEFAULTS = {field.name: field.default for field in structs.fields(Settled)}


def settled(world: World, persona: Persona) -> Settled:
    """The guards of an NPC in its world."""
    every, own = world.guards, persona.guards
    chosen: dict[str, Any] = {}
    for name, default in _DEFAULTS.items():
        if name in _LISTS:
            chosen[name] = tuple(dict.fromkeys([*getattr(every, name), *getattr(own, name)]))
        elif name != "topics":
            values = (getattr(own, name), getattr(every, name), default)
            chosen[name] = next(value for value in values if value is not None)
    topics = {topic: tuple(words) for topic, words in every.topics.items()}
    for topic, words in own.topics.items():
        topics[topic] = (*topics.get(topic, ()), *words)
    return Settled(**chosen, topics=tuple(topics.items()))


def guard_problems(guards: Guards) -> Iterator[tuple[str, str]]:
    """What is wrong with guards as they were written: (key path, problem)."""
    lists = [(name, getattr(guards, name)) for name in _LISTS]
    lists += [(f"topics.{topic}", words) for topic, words in guards.topics.items()]
    for name, phrases in lists:
        for i, phrase in enumerate(phrases):
            if not any(char.isalnum() for char in phrase):
                yield f"guards.{name}[{i}]", "has no letter to look for"
    for topic, words in guards.topics.items():
        if not words:
            yield f"guards.topics.{topic}", "has no words that tell it; list some"
    for name in ("max_sentences", "max_chars"):
        value = getattr(guards, name)
        if value is not None and value < 1:
            yield f"guards.{name}", f"must be 1 or more, is {value}; leave it out for no limit"
    if guards.retries is not None and not 0 <= guards.retries <= MAX_RETRIES:
        yield "guards.retries", f"must be 0 to {MAX_RETRIES}, is {guards.retries}"
