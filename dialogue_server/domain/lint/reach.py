"""What can never happen: conditions that never hold, moods that nothing shows, lore that never
comes in, lines that are never said."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dialogue_protocol.messages import Player

from ..conditions import reads
from ..lore import LORE_BUDGET, Placed, known_facts, mentions, placed_entries
from ..persona import Persona
from ..prompt import PromptInput
from ..staging import Trigger
from ..state import facts
from ..state_space import can_hold, state_space
from ..tokens import estimate
from .subject import WORLD_FILE, Found, Subject, everything, parts, persona_file, texts

MAX_STATES = 50
"""States in which the lore's budget is tried, for each NPC."""
_ALIKE = 0.8
"""How much of two values must be the same for one to be a slip of the other."""
_MOOD_TAG = re.compile(r"\[\s*mood\s*:\s*([^\[\]]+?)\s*\]", re.I)


def unreachable(subject: Subject) -> Iterator[Found]:
    """All of it, in no order."""
    yield from _conditions(subject)
    yield from _state(subject)
    yield from _values(subject)
    yield from _lore(subject)
    yield from _lore_budget(subject)
    for persona in subject.personas.values():
        yield from _moods(persona)
        yield from _lines(persona)


def _conditions(subject: Subject) -> Iterator[Found]:
    """Text whose condition can never hold, by itself or together with its book's."""
    for file, path, part in everything(subject):
        when = getattr(part, "when", "")
        if when and can_hold(when) is False:
            problem = f"{when} can never hold, whatever the state: mend it, or take the text out"
            yield Found(_source(file, _join(path, "when")), "warning", "never-holds", problem)
    for placed in placed_entries(subject.world):
        own, *more = placed.whens[::-1] or ("",)
        if more and can_hold(own) is not False and can_hold(*placed.whens) is False:
            problem = f"{own} can never hold together with the book's own `when`, {more[0]}"
            yield Found(f"{placed.source}.when", "warning", "never-holds", problem)


def _state(subject: Subject) -> Iterator[Found]:
    """Paths that conditions and NPCs look at, and the world's state does not have. A world
    without any state leaves it all to the game."""
    state = subject.world.state
    if not state:
        return
    for file, path, part in everything(subject):
        when = getattr(part, "when", "")
        for keys in reads(when).constants if when else ():
            # A trigger that waits for an event sees its data as `event`.
            told = isinstance(part, Trigger) and bool(part.event) and keys[0] == "event"
            if not told and not _has(state, keys):
                path_there = ".".join(keys)
                near = difflib.get_close_matches(path_there, _paths(state), 1)
                hint = f"; did you mean {near[0]}? Mend" if near else ": mend"
                problem = (
                    f"looks at {path_there}, which [state] of world.toml does not have{hint} the "
                    "name, or give it a value there"
                )
                yield Found(_source(file, _join(path, "when")), "warning", "unknown-state", problem)
    clock = subject.world.clock
    if clock and not _has(state, tuple(clock.split("."))):
        problem = f"{clock} is not in [state]: mend the name, or give it a value there"
        yield Found(f"{WORLD_FILE}:clock", "warning", "unknown-state", problem)
    for persona in subject.personas.values():
        for at, pattern in enumerate(persona.sees):
            if not facts(state, [pattern]):
                problem = (
                    f"{pattern} fits nothing in [state] of world.toml: mend it, or take it out"
                )
                source = f"{persona_file(persona)}:sees[{at}]"
                yield Found(source, "warning", "unknown-state", problem)


def _values(subject: Subject) -> Iterator[Found]:
    """A value that one condition alone looks for, and that is nearly one which is known: the state
    has it, or several look for it."""
    places: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for file, path, part in everything(subject):
        when = getattr(part, "when", "")
        for keys, values in reads(when).constants.items() if when else ():
            for value in values:
                if isinstance(value, str):
                    there = places.setdefault(keys, {}).setdefault(value, [])
                    there.append(_source(file, _join(path, "when")))
    for keys, known in places.items():
        now = _value(subject.world.state, keys)
        sure = [value for value, where in known.items() if len(where) > 1]
        sure += [now] if isinstance(now, str) else []
        for value, where in known.items():
            near = difflib.get_close_matches(value, sure, 1, _ALIKE) if value not in sure else []
            # Not "door 1" and "door 2", nor "locked" and "unlocked".
            if near and near[0][:1] == value[:1] and not any(map(str.isdigit, value + near[0])):
                path_there = ".".join(keys)
                problem = (
                    f"nothing else looks for the value {value} of {path_there}; did you mean "
                    f"{near[0]}?"
                )
                yield Found(where[0], "note", "odd-value", problem)


def _lore(subject: Subject) -> Iterator[Found]:
    """Entries that wait for a key and can never be called up by one."""
    for placed in placed_entries(subject.world):
        entry = placed.entry
        if placed.always:
            continue
        depth = (
            subject.world.lore_rules.scan_depth if entry.scan_depth is None else entry.scan_depth
        )
        if depth == 0 and subject.world.lore_rules.recursion == 0:
            problem = "waits for a key, and no line is searched: scan_depth and recursion are 0"
            yield Found(placed.source, "warning", "never-comes-in", problem)
        elif entry.logic == "not_any" and all(
            any(mentions(other, [key]) for other in entry.secondary_keys) for key in entry.keys
        ):
            problem = (
                "each of its keys has one of its secondary_keys in it, which keeps it out "
                '(logic = "not_any"): it never comes in'
            )
            yield Found(placed.source, "warning", "never-comes-in", problem)


def _lore_budget(subject: Subject) -> Iterator[Found]:
    """Entries that are too long, or crowded out by others that are always in."""
    world = subject.world
    budget = world.lore_rules.budget
    placed = list(placed_entries(world))
    long = {item.source for item in placed if _tokens(item) > budget}
    for source in sorted(long):
        problem = f"is longer than the whole budget of lore, {budget} tokens: shorten it"
        yield Found(source, "warning", "lore-over-budget", problem)
    crowded: dict[str, list[str]] = {}
    conditions = [when for item in placed for when in item.whens]
    for persona in subject.personas.values():
        for setting in state_space(conditions, world.state, limit=MAX_STATES).settings:
            given = PromptInput(world, persona, Player("_check"), "…", 0, state=setting.state)
            for dropped in known_facts(given).dropped:
                if dropped.why == LORE_BUDGET and dropped.source not in long:
                    who = crowded.setdefault(dropped.source, [])
                    if persona.id not in who:
                        who.append(persona.id)
    for source, who in crowded.items():
        problem = (
            f"does not fit into the budget of lore, {budget} tokens, for {', '.join(who)}: raise "
            "lore_rules.budget in world.toml, or give entries keys so that they wait"
        )
        yield Found(source, "warning", "lore-over-budget", problem)


def _moods(persona: Persona) -> Iterator[Found]:
    shown = {persona.mood.casefold()}
    for path, part in parts(persona):
        if can_hold(getattr(part, "when", "")) is False:
            continue
        if re.fullmatch(r"(lines|tone)\[\d+\]", path):
            shown.add(part.mood.casefold())  # type: ignore[attr-defined]
        for _, text in texts(part):
            # "angry 80" is the mood with its intensity
            tags = (re.sub(r"\s+\d+$", "", tag) for tag in _MOOD_TAG.findall(text))
            shown.update(tag.casefold() for tag in tags)
    for at, mood in enumerate(persona.moods):
        if mood.casefold() not in shown:
            problem = (
                f"nothing shows the mood {mood}: no example, line, greeting or rule of tone has "
                f"it, so a model will hardly use it. Write [mood: {mood}] into an example, or "
                "take the mood out"
            )
            yield Found(f"{persona_file(persona)}:moods[{at}]", "warning", "unused-mood", problem)


def _lines(persona: Persona) -> Iterator[Found]:
    for at, line in enumerate(persona.lines):
        if not line.keys:
            problem = (
                "has no keys, so no line of the player calls it up: give it some, or move it to "
                "fallback"
            )
            yield Found(f"{persona_file(persona)}:lines[{at}]", "warning", "never-said", problem)


def _paths(state: Mapping[str, Any], above: str = "") -> list[str]:
    """Every path of a state, as conditions write them."""
    found = []
    for key, value in state.items():
        found.append(f"{above}{key}")
        if isinstance(value, dict):
            found += _paths(value, f"{above}{key}.")
    return found


def _value(state: object, keys: tuple[str, ...]) -> object:
    """What a path of the state holds; None for nothing."""
    for key in keys:
        state = state.get(key) if isinstance(state, dict) else None
    return state


def _has(state: object, keys: tuple[str, ...]) -> bool:
    for key in keys:
        if not isinstance(state, dict) or key not in state:
            return False
        state = state[key]
    return True


def _tokens(placed: Placed) -> int:
    return estimate(f"- {placed.entry.text}") + 1


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _source(file: str, path: str) -> str:
    return f"{file}:{path}"
