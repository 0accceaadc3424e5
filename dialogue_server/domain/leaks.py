"""Proof that no gate leaks: every NPC's prompts, tried in every state that matters, with every
line that calls something up, searched for what must not be in them.

Searched for are lore that the NPC may not know, and lore, knowledge and sections whose condition
does not hold, by their runs (hidden.py): the proof is word by word. Searched are the messages of
both layouts, what the NPC says without a model (greeting, fallback, fillers, lines), and what a
layout had to leave out because it tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from dialogue_protocol.messages import Player
from msgspec import Struct
from msgspec.structs import replace

from . import authored
from .assembly import assemble
from .conditions import holds
from .conversation import Node
from .hidden import Hidden, hidden_from_persona, runs
from .lore import Placed, may_know, placed_entries
from .persona import Persona, World
from .prompt import Prompt, PromptInput
from .relevance import words
from .state_space import Setting, state_space

Layout = Literal["standard", "compact"]
Search = Callable[[str, str, str, str], bool]
"""Looks for secrets in (text, where it stands, how it comes, the line that calls it up)."""

Watch = Callable[[int, int], None]
"""Is told how many states have been tried, and of how many."""

BUDGET = 1_000_000
"""Tokens: nothing is to be left out for want of room."""
MAX_STATES = 200
_LAYOUTS: tuple[Layout, ...] = ("standard", "compact")
_STRANGER = "_stranger"
"""The id of an NPC that is not there: it tells what this one must not hear."""


class Leak(Struct, frozen=True):
    """`where` (file and key) gives `npc` what stands at `secret`. `how` is the layout of the
    prompt, "spoken" for what is said without a model, "left out" for what the layouts refuse.
    `state` are the values of what conditions look at."""

    npc: str
    secret: str
    where: str
    how: str
    words: str
    state: tuple[str, ...]
    line: str = ""
    """The player's line that brought it up, where one did."""


class LeakReport(Struct, frozen=True):
    """What was tried and what was found. `unproven` are gated texts too short to be recognised.
    `complete` is false if some states were left out."""

    leaks: tuple[Leak, ...]
    unproven: tuple[str, ...]
    gates: int
    states: int
    prompts: int
    complete: bool


class _Gated(Struct, frozen=True):
    source: str
    text: str
    whens: tuple[str, ...]


class _Tally:
    """What has been tried so far."""

    def __init__(self) -> None:
        self.leaks: dict[tuple[str, str, str], Leak] = {}
        self.prompts = 0
        self.complete = True

    def add(self, leak: Leak) -> None:
        """Keep the first of leaks that differ only in the state or the layout."""
        self.leaks.setdefault((leak.npc, leak.secret, leak.where), leak)


def check_leaks(
    world: World, personas: Mapping[str, Persona], watch: Watch = lambda _done, _all: None
) -> LeakReport:
    """Try all gates. Pure, and not quick: some thousand prompts for a small world."""
    placed = tuple(placed_entries(world))
    tally = _Tally()
    gates: dict[str, str] = {
        item.source: item.entry.text for item in placed if item.whos or item.whens
    }
    shared = [when for item in placed for when in item.whens]
    todo: list[tuple[Persona, tuple[_Gated, ...], Setting]] = []
    for persona in personas.values():
        own = tuple(_own(persona))
        gates.update((item.source, item.text) for item in own)
        space = state_space([*shared, *_conditions(persona)], world.state, limit=MAX_STATES)
        tally.complete = tally.complete and space.complete
        todo += [(persona, own, setting) for setting in space.settings]
    for done, (persona, own, setting) in enumerate(todo):
        watch(done, len(todo))
        _try_state(world, persona, placed, own, setting, tally)
    watch(len(todo), len(todo))
    return LeakReport(
        leaks=tuple(tally.leaks.values()),
        unproven=tuple(source for source, text in gates.items() if not runs(text)),
        gates=len(gates),
        states=len(todo),
        prompts=tally.prompts,
        complete=tally.complete,
    )


def _own(persona: Persona) -> Iterator[_Gated]:
    """What of a persona holds only under a condition."""
    file = f"personas/{persona.id}.toml"
    for at, fact in enumerate(persona.knowledge):
        if fact.when:
            yield _Gated(f"{file}:knowledge[{at}]", fact.text, (fact.when,))
    for at, section in enumerate(persona.sections):
        yield _Gated(f"{file}:sections[{at}]", section.text, (section.when,))


def _conditions(persona: Persona) -> Iterator[str]:
    yield from (fact.when for fact in persona.knowledge)
    yield from (section.when for section in persona.sections)
    yield from (line.when for line in persona.lines)
    yield from (action.when for action in persona.actions)


def hidden_now(
    persona: Persona, placed: Iterable[Placed], state: Mapping[str, object]
) -> tuple[Hidden, Hidden]:
    """What the NPC may never be told, and what it may not be told in this state.

    What stands under a condition that holds now is the designer's word that it is so now; it
    opens the second kind, never the first."""
    entries = tuple(placed)
    open_: list[str] = []
    shut: list[tuple[str, str]] = []
    for item in entries:
        if may_know(persona, item):
            if all(holds(when, state) for when in item.whens):
                open_.append(item.entry.text)
            else:
                shut.append((item.source, item.entry.text))
    for own in _own(persona):
        if holds(own.whens[0], state):
            open_.append(own.text)
        else:
            shut.append((own.source, own.text))
    open_ += [line.text for line in persona.lines if line.when and holds(line.when, state)]
    return hidden_from_persona(persona, entries), Hidden(shut, open_)


def _try_state(
    world: World,
    persona: Persona,
    placed: tuple[Placed, ...],
    own: tuple[_Gated, ...],
    setting: Setting,
    tally: _Tally,
) -> None:
    """All lines in both layouts, in one state, and what is said without a model."""
    never, now = hidden_now(persona, placed, setting.state)
    if not never and not now:
        return

    def search(text: str, where: str, how: str, line: str = "") -> bool:
        told = [found for hidden in (never, now) if (found := hidden.finding(text)) is not None]
        for secret, said in told:
            tally.add(Leak(persona.id, secret, where, how, said, setting.values, line))
        return bool(told)

    for where, text in spoken(persona, setting.state):
        search(text, where, "spoken")
    given = PromptInput(
        world=world,
        persona=persona,
        player=Player(id="_check"),
        text="…",
        budget=BUDGET,
        state=setting.state,
    )
    for line in _lines(persona, placed, own, (never, now)):
        for layout in _LAYOUTS:
            for scene in ("", *world.scenes) if not line else ("",):
                prompt = assemble(replace(given, text=line or "…", scene=scene), layout)
                tally.prompts += 1
                _search_prompt(prompt, layout, line, search)
                for part in prompt.dropped:
                    if part.why.startswith("tells "):
                        search(part.text, part.source, "left out", line)
    for item in placed:
        if item.source in never.sources:
            for layout in _LAYOUTS:
                tally.prompts += 1
                prompt = assemble(_poisoned(given, item, (never, now)), layout)
                _search_prompt(prompt, layout, "", search)


def _poisoned(given: PromptInput, item: Placed, hidden: tuple[Hidden, Hidden]) -> PromptInput:
    """A secret of others comes by what another NPC said and by the game's state; its keys were
    spoken of before."""
    text = item.entry.text
    keys = ". ".join(key for key in item.entry.keys if not _tells(key, hidden))
    return replace(
        given,
        state={**given.state, "rumour": text},
        persona=replace(given.persona, sees=[*given.persona.sees, "rumour"]),
        history=(
            Node("1", "", "player", "", keys or "…", 0.0),
            Node("2", "1", "npc", _STRANGER, text, 0.0),
        ),
    )


def _search_prompt(prompt: Prompt, layout: str, line: str, search: Search) -> None:
    """Search the parts, for where it comes from; then the messages, which are what counts."""
    found = [search(part.text, part.source, layout, line) for part in prompt.parts]
    if not any(found):
        for at, message in enumerate(prompt.messages):
            search(message.content, f"messages[{at}]", layout, line)


def spoken(persona: Persona, state: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """What an NPC says in this state without a model, with its place; without tags."""
    file = f"personas/{persona.id}.toml"
    if persona.greeting:
        yield f"{file}:greeting", authored.plain(persona.greeting)
    for key in ("fallback", "fillers"):
        for at, text in enumerate(getattr(persona, key)):
            yield f"{file}:{key}[{at}]", authored.plain(text)
    for at, line in enumerate(persona.lines):
        if holds(line.when, state):
            yield f"{file}:lines[{at}]", authored.plain(line.text)


def _lines(
    persona: Persona,
    placed: tuple[Placed, ...],
    own: tuple[_Gated, ...],
    hidden: tuple[Hidden, Hidden],
) -> list[str]:
    """Lines that call things up: none; every key at once; each entry's keys and words by
    themselves. The words are out of order, so that the line itself tells nothing."""
    every = [key for item in placed for key in item.entry.keys]
    targets = [
        (
            [*item.entry.keys, *(() if "not" in item.entry.logic else item.entry.secondary_keys)],
            item.entry.text,
        )
        for item in placed
    ]
    targets += [([*fact.keys], fact.text) for fact in persona.knowledge]
    targets += [([*line.keys], line.text) for line in persona.lines]
    targets += [([], item.text) for item in own]
    lines = ["", ". ".join(key for key in every if not _tells(key, hidden))]
    for keys, text in targets:
        lines.append(". ".join([*keys, *sorted(set(words(text)), reverse=True)]))
    # A line that tells a secret itself shows nothing: the player knew it.
    return [line for line in dict.fromkeys(lines) if not _tells(line, hidden)]


def _tells(text: str, hidden: tuple[Hidden, Hidden]) -> bool:
    return any(kind.told_by(text) for kind in hidden)
