"""Proof that no gate leaks: every NPC's prompts, tried in every state that matters, with every
line that calls something up, searched for what must not be in them.

Searched for are lore that the NPC may not know, and lore, knowledge, sections, relationships and
happenings whose condition does not hold, by their runs (hidden.py): the proof is word by word.
Searched are the messages of both layouts, in every scene at every stage and in every translation;
what is said without a model (greeting, fallback, fillers, lines, suggestions to the player); and
what a layout had to leave out because it tells.
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
from .staging import Scene, Stage
from .state_space import Setting, state_space
from .translations import localized

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
    prompt, "spoken" for what is said without a model, "suggested" for what the player is given to
    say, "left out" for what the layouts refuse. `state` are the values of what conditions look
    at."""

    npc: str
    secret: str
    where: str
    how: str
    words: str
    state: tuple[str, ...]
    line: str = ""
    """The player's line that brought it up, where one did."""
    locale: str = ""
    """The translation that it was found in; places are those of the original."""


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


class _Case(Struct, frozen=True):
    """An NPC in one language and one state, with all that is gated."""

    world: World
    written: World
    persona: Persona
    locale: str
    placed: tuple[Placed, ...]
    own: tuple[_Gated, ...]
    setting: Setting


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
    tally = _Tally()
    gates: dict[tuple[str, str], str] = {}
    todo: list[_Case] = []
    for persona in personas.values():
        for tag in ("", *sorted({*_languages(world), *persona.translations})):
            here, npc = localized(world, tag), localized(persona, tag)
            placed, own = tuple(_placed(here, world)), tuple(_own(here.scenes, npc))
            gates |= {(i.source, tag): i.entry.text for i in placed if i.whos or i.whens}
            gates |= {(item.source, tag): item.text for item in own}
            wanted = [*(when for item in placed for when in item.whens), *_conditions(own, npc)]
            space = state_space(wanted, world.state, limit=MAX_STATES)
            tally.complete = tally.complete and space.complete
            todo += [
                _Case(here, world, npc, tag, placed, own, setting) for setting in space.settings
            ]
    for done, case in enumerate(todo):
        watch(done, len(todo))
        _try_state(case, tuple(personas.values()), tally)
    watch(len(todo), len(todo))
    unproven = dict.fromkeys(source for (source, _), text in gates.items() if not runs(text))
    return LeakReport(
        leaks=tuple(tally.leaks.values()),
        unproven=tuple(unproven),
        gates=len({source for source, _ in gates}),
        states=len(todo),
        prompts=tally.prompts,
        complete=tally.complete,
    )


def _languages(world: World) -> set[str]:
    """The tags in which any of a world's lore is there."""
    return {*world.translations, *(tag for b in world.books.values() for tag in b.translations)}


def _placed(world: World, written: World) -> Iterator[Placed]:
    """The lore of a world in one language, and what of it has other words as it was written."""
    for here, first in zip(placed_entries(world), placed_entries(written), strict=True):
        yield here
        if first.entry.text != here.entry.text:
            yield first


def _own(scenes: Mapping[str, Scene], persona: Persona) -> Iterator[_Gated]:
    """What besides lore holds only under a condition."""
    file = f"personas/{persona.id}.toml"
    for at, fact in enumerate(persona.knowledge):
        if fact.when:
            yield _Gated(f"{file}:knowledge[{at}]", fact.text, (fact.when,))
    for at, section in enumerate(persona.sections):
        yield _Gated(f"{file}:sections[{at}]", section.text, (section.when,))
    for whom, relations in persona.relationships.items():
        for at, relation in enumerate(relations):
            if relation.when:
                source = f"{file}:relationships.{whom}[{at}]"
                yield _Gated(source, relation.text, (relation.when,))
    for name, scene in scenes.items():
        for at, happened in enumerate(scene.happened):
            if happened.when:
                source = f"world.toml:scenes.{name}.happened[{at}]"
                yield _Gated(source, happened.text, (happened.when,))


def _conditions(own: Iterable[_Gated], persona: Persona) -> Iterator[str]:
    """What else a prompt, or what is said without a model, depends on."""
    yield from (gated.whens[0] for gated in own)
    yield from (line.when for line in persona.lines)
    yield from (action.when for action in persona.actions)
    yield from (suggestion.when for suggestion in persona.suggestions)


def hidden_now(
    world: World, persona: Persona, placed: Iterable[Placed], state: Mapping[str, object]
) -> tuple[Hidden, Hidden]:
    """What the NPC may never be told, and what it may not be told in this state: of lore, its own
    file and the scenes.

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
    for own in _own(world.scenes, persona):
        if holds(own.whens[0], state):
            open_.append(own.text)
        else:
            shut.append((own.source, own.text))
    for said in (persona.lines, persona.suggestions):
        open_ += [each.text for each in said if each.when and holds(each.when, state)]
    return hidden_from_persona(persona, entries, state), Hidden(shut, open_)


def _try_state(case: _Case, cast: tuple[Persona, ...], tally: _Tally) -> None:
    """All lines in both layouts, in one state, and what is said without a model."""
    world, persona, state = case.world, case.persona, case.setting.state
    never, now = hidden_now(world, persona, case.placed, state)
    if not never and not now:
        return

    def search(text: str, where: str, how: str, line: str = "") -> bool:
        told = [found for hidden in (never, now) if (found := hidden.finding(text)) is not None]
        for secret, said in told:
            values = case.setting.values
            tally.add(Leak(persona.id, secret, where, how, said, values, line, case.locale))
        return bool(told)

    for where, text in spoken(persona, state):
        search(text, where, "suggested" if ":suggestions[" in where else "spoken")
    for mood, text in persona.mood_texts.items():  # in the prompt whenever it is in that mood
        search(text, f"personas/{persona.id}.toml:mood_texts.{mood}", "standard")
    given = PromptInput(
        world=world,
        written=case.written,
        persona=persona,
        player=Player(id="_check"),
        text="…",
        budget=BUDGET,
        state=state,
        cast=cast,
    )
    for line in _lines(persona, case.placed, case.own, (never, now)):
        for scene, stage in _scenes(world) if not line else (("", ""),):
            asked = replace(given, text=line or "…", scene=scene, stage=stage)
            for layout in _LAYOUTS:
                prompt = assemble(asked, layout)
                tally.prompts += 1
                _search_prompt(prompt, layout, line, search)
                for part in prompt.dropped:
                    if part.why.startswith("tells "):
                        search(part.text, part.source, "left out", line)
    for item in case.placed:
        if item.source in never.sources:
            for layout in _LAYOUTS:
                tally.prompts += 1
                prompt = assemble(_poisoned(given, item, (never, now)), layout)
                _search_prompt(prompt, layout, "", search)


def _scenes(world: World) -> Iterator[tuple[str, str]]:
    """Every scene at every stage, and none."""
    yield "", ""
    for name, scene in world.scenes.items():
        for stage in scene.stages or [Stage("")]:
            yield name, stage.name


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
    """What an NPC says in this state without a model, or the player is given to say to it, with
    its place; without tags."""
    file = f"personas/{persona.id}.toml"
    if persona.greeting:
        yield f"{file}:greeting", authored.plain(persona.greeting)
    for key in ("fallback", "fillers"):
        for at, text in enumerate(getattr(persona, key)):
            yield f"{file}:{key}[{at}]", authored.plain(text)
    for at, line in enumerate(persona.lines):
        if holds(line.when, state):
            yield f"{file}:lines[{at}]", authored.plain(line.text)
    for at, suggestion in enumerate(persona.suggestions):
        if holds(suggestion.when, state):
            yield f"{file}:suggestions[{at}]", suggestion.text


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
