"""What a designer's tone rules, scenes, triggers and suggestions must mean, beyond their shape.

As in content_checks.py, each check yields a key path and what is wrong there. Whether an NPC, a
stage or a fact of some name exists is looked up by `dialogue-server check` (lint/names.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .conditions import compile_condition
from .persona import Persona, World
from .staging import Scene, Trigger

Problem = tuple[str, str]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def when_problems(path: str, condition: str) -> Iterator[Problem]:
    """What is wrong with a condition; nothing with an empty one."""
    if condition:
        try:
            compile_condition(condition)
        except ValueError as error:
            yield path, f"not a condition: {error}"


def staged_persona(persona: Persona) -> Iterator[Problem]:
    """The tone, relationships, triggers and suggestions of a persona."""
    yield from _within("mood_intensity", persona.mood_intensity, 0, 100)
    yield from _within("mood_decay", persona.mood_decay, 0, 100)
    if not 0 <= persona.talkativeness <= 1:
        yield "talkativeness", f"must be between 0 and 1, is {persona.talkativeness:g}"
    for i, alias in enumerate(persona.aliases):
        if not any(char.isalnum() for char in alias):
            yield f"aliases[{i}]", "has no letter, so nobody can call it so"
    for mood in persona.mood_texts:
        yield from _mood(f"mood_texts.{mood}", mood, persona)
    for i, rule in enumerate(persona.tone):
        path = f"tone[{i}]"
        yield from _mood(f"{path}.mood", rule.mood, persona)
        yield from when_problems(f"{path}.when", rule.when)
        yield from _keys(f"{path}.keys", rule.keys)
        yield from _within(f"{path}.change", rule.change, -100, 100)
        yield from _within(f"{path}.at_least", rule.at_least, 0, 100)
        if not rule.change and not rule.at_least:
            yield path, "changes nothing: give it change, such as 30, or at_least"
        if not rule.when and not rule.keys:
            yield path, "applies to every line: give it keys or when, or use mood_intensity"
    for other, told in persona.relationships.items():
        for i, relation in enumerate(told):
            path = f"relationships.{other}[{i}]"
            if not relation.text.strip():
                yield f"{path}.text", "is empty"
            yield from when_problems(f"{path}.when", relation.when)
    for i, suggestion in enumerate(persona.suggestions):
        path = f"suggestions[{i}]"
        if not suggestion.text.strip():
            yield f"{path}.text", "is empty"
        yield from when_problems(f"{path}.when", suggestion.when)
        yield from _keys(f"{path}.keys", suggestion.keys)
    yield from _triggers("triggers", persona.triggers, persona)


def staged_world(world: World) -> Iterator[Problem]:
    """The scenes and triggers of a world."""
    for name, scene in world.scenes.items():
        yield from _scene(f"scenes.{name}", scene)
    yield from _triggers("triggers", world.triggers, None)


def _scene(path: str, scene: Scene) -> Iterator[Problem]:
    if not scene.description.strip():
        yield f"{path}.description", "is empty"
    for i, happened in enumerate(scene.happened):
        if not happened.text.strip():
            yield f"{path}.happened[{i}].text", "is empty"
        yield from when_problems(f"{path}.happened[{i}].when", happened.when)
    names: set[str] = set()
    for i, stage in enumerate(scene.stages):
        here = f"{path}.stages[{i}]"
        yield from _word(f"{here}.name", stage.name, names)
        yield from when_problems(f"{here}.when", stage.when)
        if stage.when and i == 0:
            yield f"{here}.when", "has no effect: a scene begins with its first stage"
    yield from _triggers(f"{path}.triggers", scene.triggers, None)


def _triggers(path: str, triggers: Sequence[Trigger], persona: Persona | None) -> Iterator[Problem]:
    names: set[str] = set()
    for i, trigger in enumerate(triggers):
        here = f"{path}[{i}]"
        yield from _word(f"{here}.name", trigger.name, names)
        yield from when_problems(f"{here}.when", trigger.when)
        yield from _keys(f"{here}.asked", trigger.asked)
        yield from _keys(f"{here}.said", trigger.said)
        for key in ("at_least", "at_most"):
            bound = getattr(trigger, key)
            if bound is not None:
                yield from _within(f"{here}.{key}", bound, 0, 100)
        if trigger.mood and persona is not None and trigger.npc in ("", persona.id):
            yield from _mood(f"{here}.mood", trigger.mood, persona)
        yield from _within(f"{here}.turns", trigger.turns, 0, 10_000)
        if trigger.cooldown is not None:
            yield from _within(f"{here}.cooldown", trigger.cooldown, 1, 10_000)
        if not _asks(trigger):
            yield here, f"has no condition: give it one of {', '.join(_CONDITIONS)}"


_CONDITIONS = (
    *("when", "stage", "event", "asked", "said", "revealed"),
    *("mood", "at_least", "at_most", "turns", "judge"),
)


def _asks(trigger: Trigger) -> bool:
    return any(getattr(trigger, key) not in ("", 0, None, []) for key in _CONDITIONS)


def _mood(path: str, mood: str, persona: Persona) -> Iterator[Problem]:
    if mood not in persona.moods:
        known = f"; known are {', '.join(persona.moods)}" if persona.moods else ""
        yield path, f"{mood} is not in moods{known}"


def _word(path: str, name: str, names: set[str]) -> Iterator[Problem]:
    if not _NAME.fullmatch(name):
        yield path, "must be a word of letters, digits, _ and -, such as lamp_lit"
    if name in names:
        yield path, f"{name} is there twice"
    names.add(name)


def _keys(path: str, keys: Sequence[str]) -> Iterator[Problem]:
    for i, key in enumerate(keys):
        if not key.strip(" *"):
            yield f"{path}[{i}]", "is empty"


def _within(path: str, value: int, lowest: int, highest: int) -> Iterator[Problem]:
    if not lowest <= value <= highest:
        yield path, f"must be between {lowest} and {highest}, is {value}"
