"""Which of the world's lore an NPC is given: who may know it, when it is so, what was spoken of.

Every entry passes three gates, in this order, and no later one opens an earlier:

1. *who*: `known_by` of the entry and of its book name the NPC, one of its factions or places;
2. *when*: the conditions of the entry and of its book hold;
3. *what about*: it is always in, or one of its keys was said in the newest lines of the talk, or
   stands in the text of an entry that came in so (recursion). A text that did not pass its gates
   calls up nothing.

What then exceeds the budget is left out, the lowest priority first. `hidden.py` keeps the first
gate for text that reaches a prompt on other ways than this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from .conditions import evaluate
from .persona import Entry, KnownBy, LoreRules, Persona, World
from .prompt import Dropped, PromptInput
from .relevance import has_unspaced, stem, words
from .tokens import estimate

MAX_RECURSION = 10
"""However many rounds the rules ask for."""

NOT_KNOWN = "not known"
"""Why an entry was dropped that this NPC may not know."""
NOT_SPOKEN_OF = "not spoken of"
LORE_BUDGET = "lore budget"


class Placed(Struct, frozen=True):
    """An entry and where it stands. All of `whos` and all of `whens` must let it through."""

    source: str
    entry: Entry
    whos: tuple[KnownBy, ...] = ()
    whens: tuple[str, ...] = ()

    @property
    def always(self) -> bool:
        """Whether it waits for no key."""
        return self.entry.always or not self.entry.keys


class KnownFact(Struct, frozen=True):
    """A text that the NPC is given. `rank`: the higher, the sooner it may be spared."""

    source: str
    text: str
    keys: tuple[str, ...] = ()
    rank: int = 0


class KnownFacts(Struct, frozen=True):
    """An NPC's lore in one prompt, each list in the order of the files.

    `shared` and `own` hold on every turn, so they may stand in a prompt's stable prefix: what
    everybody knows, and what this NPC is one of few to know. `now` changes from turn to turn."""

    shared: tuple[KnownFact, ...]
    own: tuple[KnownFact, ...]
    now: tuple[KnownFact, ...]
    dropped: tuple[Dropped, ...]


def placed_entries(world: World) -> Iterator[Placed]:
    """All lore of a world: that of world.toml, then the files of lore/ by name."""
    for index, entry in enumerate(world.lore):
        yield _placed(f"world.toml:lore[{index}]", entry, None, "")
    for stem_, book in sorted(world.books.items()):
        for index, entry in enumerate(book.entries):
            yield _placed(f"lore/{stem_}.toml:entries[{index}]", entry, book.known_by, book.when)


def may_know(persona: Persona, placed: Placed) -> bool:
    """The first gate: whether it is for this NPC at all, whatever the state."""
    return all(_named(persona, who) for who in placed.whos)


def known_facts(given: PromptInput) -> KnownFacts:
    """What of the world's lore this NPC is given for this line. Pure: the same input gives the
    same lore."""
    rules = given.world.lore_rules
    open_, dropped = _through_gates(given)
    coming = {at for at, placed in enumerate(open_) if placed.always}
    coming |= _spoken_of(given, open_, rules)
    dropped += [_drop(placed, NOT_SPOKEN_OF) for at, placed in enumerate(open_) if at not in coming]
    order = sorted(coming, key=lambda at: (-open_[at].entry.priority, at))
    # What is stable is chosen first and alone: else the talk would change the prefix.
    stable = [at for at in order if open_[at].always and not open_[at].whens]
    changing = [at for at in order if at not in set(stable)]
    kept: dict[int, KnownFact] = {}
    room = rules.budget
    for rank, at in enumerate([*stable, *changing]):
        placed = open_[at]
        tokens = _tokens(placed)
        if tokens > room:
            dropped.append(_drop(placed, LORE_BUDGET))
            continue
        room -= tokens
        entry = placed.entry
        kept[at] = KnownFact(placed.source, entry.text, tuple(entry.keys), rank)
    fixed = [at for at in sorted(kept) if at in set(stable)]
    return KnownFacts(
        shared=tuple(kept[at] for at in fixed if not open_[at].whos),
        own=tuple(kept[at] for at in fixed if open_[at].whos),
        now=tuple(kept[at] for at in sorted(kept) if at not in set(stable)),
        dropped=tuple(dropped),
    )


# ---------------------------------------------------------------- who and when


def _placed(source: str, entry: Entry, who: KnownBy | None, when: str) -> Placed:
    whos = tuple(known for known in (who, entry.known_by) if known is not None)
    return Placed(source, entry, whos, tuple(filter(None, (when, entry.when))))


def _named(persona: Persona, who: KnownBy) -> bool:
    return (
        persona.id in who.npcs
        or not set(persona.factions).isdisjoint(who.factions)
        or not set(persona.places).isdisjoint(who.places)
    )


def _through_gates(given: PromptInput) -> tuple[list[Placed], list[Dropped]]:
    """The entries that pass the first two gates, and why the others do not."""
    open_: list[Placed] = []
    dropped: list[Dropped] = []
    for placed in placed_entries(given.world):
        if not may_know(given.persona, placed):
            dropped.append(_drop(placed, NOT_KNOWN))
            continue
        for when in placed.whens:
            outcome = evaluate(when, given.state)
            if not outcome.holds:
                why = f"condition: {outcome.problem}" if outcome.problem else "condition"
                dropped.append(_drop(placed, why))
                break
        else:
            open_.append(placed)
    return open_, dropped


def _tokens(placed: Placed) -> int:
    return estimate(f"- {placed.entry.text}") + 1


def _drop(placed: Placed, why: str) -> Dropped:
    return Dropped(placed.source, placed.entry.text, _tokens(placed), why)


# ---------------------------------------------------------------- what about


class _Line(Struct, frozen=True):
    """A text as keys are looked for in it."""

    stems: tuple[str, ...]
    words: tuple[str, ...]
    folded: str


@lru_cache(maxsize=2048)
def _line(text: str) -> _Line:
    found = tuple(words(text))
    return _Line(tuple(stem(word) for word in found), found, text.casefold())


def mentions(key: str, texts: Iterable[str]) -> bool:
    """Whether one of the texts has a key: its words, in this order, in any case of letters and
    with any English ending; `smith*` stands for every word that begins so; in scripts without
    spaces, the characters."""
    return any(_has(key, _line(text)) for text in texts)


def _has(key: str, line: _Line) -> bool:
    if key.endswith("*"):
        begin = key[:-1].strip().casefold()
        return bool(begin) and any(word.startswith(begin) for word in line.words)
    if has_unspaced(key):
        return key.strip().casefold() in line.folded
    wanted = _line(key).stems
    size = len(wanted)
    return size > 0 and any(
        line.stems[at : at + size] == wanted for at in range(len(line.stems) - size + 1)
    )


def _spoken_of(given: PromptInput, open_: Sequence[Placed], rules: LoreRules) -> set[int]:
    """Which of the entries that wait for a key came up: in the talk, or by recursion."""
    talk = [given.text, *(node.text for node in reversed(given.history))]
    waiting = [at for at, placed in enumerate(open_) if not placed.always]
    found: set[int] = set()
    called: list[str] = []
    for _ in range(min(rules.recursion, MAX_RECURSION) + 1):
        new = [
            at
            for at in waiting
            if at not in found and _triggered(open_[at].entry, rules, talk, called)
        ]
        if not new:
            break
        found.update(new)
        called += [open_[at].entry.text for at in new if open_[at].entry.recursive]
    return found


def _triggered(entry: Entry, rules: LoreRules, talk: Sequence[str], called: Sequence[str]) -> bool:
    depth = rules.scan_depth if entry.scan_depth is None else entry.scan_depth
    texts = [*talk[: max(0, depth)], *called]
    if not any(mentions(key, texts) for key in entry.keys):
        return False
    if not entry.secondary_keys:
        return True
    there = [mentions(key, texts) for key in entry.secondary_keys]
    match entry.logic:
        case "any":
            return any(there)
        case "all":
            return all(there)
        case "not_any":
            return not any(there)
        case _:
            return not all(there)
