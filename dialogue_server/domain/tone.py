"""An NPC's mood with its intensity, and what moves it: rules, the model's tags, time.

Every mood of an NPC has a *level*, 0 to 100; the strongest is the mood it is in, and its level the
intensity. At rest, only the persona's own mood has one. With each line of the player:

1. all levels go back towards rest, by `mood_decay`;
2. the rules of `tone` that apply change them, in the order of the file;
3. what the model shows by a tag becomes the mood at once, and the others sink to its level.

The levels after a node stand in its `meta` (`TONE`), so they are a fold over the path: they roll
back with a save slot, and each branch has its own.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from .conditions import holds
from .conversation import Node
from .lore import mentions
from .persona import Persona

TONE = "tone"
"""The key of `Node.meta` with NPC id -> {"mood": its mood, "levels": mood -> level}."""
SHOWN = 60
"""The level of a mood that the model shows without saying how strong it is."""
TELLING = 25
"""By how much the intensity must differ from what a client knows to be told anew."""
MAX = 100


class Tone(Struct, frozen=True):
    """The state of an NPC's mind: the mood it is in ("" for none), and every level above 0."""

    mood: str = ""
    levels: dict[str, int] = {}

    @property
    def intensity(self) -> int:
        """How strong the mood is, 0 to 100."""
        return self.levels.get(self.mood, 0)


def at_rest(persona: Persona) -> Tone:
    """The mood at the start, and the one that all others give way to."""
    levels = {persona.mood: persona.mood_intensity} if persona.mood else {}
    return Tone(persona.mood, _above_zero(levels))


def tone_of(persona: Persona, nodes: Sequence[Node]) -> Tone:
    """The tone that a path (oldest first) leaves an NPC in. Moods that the persona no longer has
    are forgotten."""
    for node in reversed(nodes) if persona.moods else ():
        recorded = _recorded(node, persona.id)
        if recorded is not None:
            return _known(persona, recorded)
        if node.speaker == persona.id and node.kind == "npc":
            moods = list(mood_cues(node))
            if moods:  # a line from before levels were kept
                return shown(persona, at_rest(persona), moods[-1].mood, moods[-1].intensity)
    return at_rest(persona)


def hear(
    persona: Persona,
    tone: Tone,
    text: str,
    state: Mapping[str, Any],
    *,
    decay: bool = True,
) -> Tone:
    """The tone after a line of the player; with `decay` false, after an event of the game, which
    takes no time."""
    levels = dict(tone.levels)
    if decay:
        rest = at_rest(persona).levels
        for mood in {**levels, **rest}:
            level, goal = levels.get(mood, 0), rest.get(mood, 0)
            step = min(abs(goal - level), max(0, persona.mood_decay))
            levels[mood] = level + step if level < goal else level - step
    for rule in persona.tone:
        said = not rule.keys or any(mentions(key, [text]) for key in rule.keys)
        if said and holds(rule.when, state):
            level = min(max(levels.get(rule.mood, 0) + rule.change, 0), MAX)
            levels[rule.mood] = max(level, min(rule.at_least, MAX))
    return _strongest(tone.mood, _above_zero(levels), persona)


def shown(persona: Persona, tone: Tone, mood: str, intensity: int | None = None) -> Tone:
    """The tone after the NPC has shown a mood, by a tag. Without an intensity, the mood is at
    least SHOWN strong; one that it is in already, at least as strong as at rest, since models
    repeat their tags. A mood that the persona does not have changes nothing."""
    if mood not in persona.moods:
        return tone
    if intensity is None:
        least = persona.mood_intensity if mood == tone.mood else SHOWN
        level = min(max(tone.levels.get(mood, 0), least, 1), MAX)
    else:
        level = min(max(intensity, 1), MAX)
    levels = {other: min(found, level) for other, found in tone.levels.items()}
    levels[mood] = level
    return Tone(mood, levels)


def shown_in(persona: Persona, tone: Tone, node: Node) -> Tone:
    """The tone after the tags of an NPC's line."""
    for moment in mood_cues(node):
        tone = shown(persona, tone, moment.mood, moment.intensity)
    return tone


def unseen(persona: Persona, before: Sequence[Node], node: Node, length: int) -> dict[str, Any]:
    """What changes in the `meta` of an NPC's line that stands behind `before` if the player saw
    only its first `length` code points, as a merge patch: the cues behind them, and their mood."""
    cues = node.meta.get("cues", [])
    seen = [cue for cue in cues if cue[0] <= length]
    if len(seen) == len(cues):
        return {}
    patch: dict[str, Any] = {"cues": seen}
    recorded = _recorded(node, persona.id)
    if recorded is not None:
        cut = structs.replace(node, meta={"cues": seen})
        tone = shown_in(persona, tone_of(persona, before), cut)
        levels = {**dict.fromkeys(recorded.levels), **tone.levels}  # None: sunk to nothing
        patch[TONE] = {persona.id: {"mood": tone.mood, "levels": levels}}
    return patch


def record(tones: Mapping[str, Tone]) -> dict[str, Any]:
    """What `Node.meta[TONE]` holds for these NPCs."""
    return {npc: {"mood": tone.mood, "levels": dict(tone.levels)} for npc, tone in tones.items()}


def must_tell(persona: Persona, tone: Tone, nodes: Sequence[Node]) -> bool:
    """Whether a client that has seen the path must be told the mood before the NPC's next word:
    another mood than it knows, or one that is much stronger or weaker."""
    known = at_rest(persona)
    mood, intensity = known.mood, known.intensity
    for node in reversed(nodes):
        moods = list(mood_cues(node)) if node.speaker == persona.id else []
        if moods:
            mood, intensity = moods[-1].mood, moods[-1].intensity
            break
    return tone.mood != mood or abs(tone.intensity - intensity) >= TELLING


_DEGREES = ((34, "a little"), (67, "quite"), (MAX, "very"))


def describe(persona: Persona, tone: Tone) -> str:
    """The mood for a prompt, in one sentence; "" if nothing is to be said of it, since the NPC is
    as it always is."""
    text = persona.mood_texts.get(tone.mood, "").strip()
    if not tone.mood or (not text and tone == at_rest(persona)):
        return ""
    degree = next(word for bound, word in _DEGREES if tone.intensity <= bound)
    told = f"Your mood now: {degree} {tone.mood} ({tone.intensity} of {MAX})."
    return f"{told} {text}".strip()


# ---------------------------------------------------------------- how it went


class Moment(Struct, frozen=True):
    """An NPC's mood from an offset (code points) of a stored line on."""

    node: str
    offset: int
    mood: str
    intensity: int


class Moods(Struct, frozen=True):
    """How an NPC's moods went over a conversation. `turns` and `shares` say in what mood its lines
    ended; `transitions` count the changes from one mood to another; `peaks` are the highest
    intensities."""

    turns: dict[str, int]
    shares: dict[str, float]
    transitions: dict[tuple[str, str], int]
    peaks: dict[str, int]


def mood_cues(node: Node) -> Iterator[Moment]:
    """The moods that a stored line shows, in its order."""
    for cue in node.meta.get("cues", []):
        if cue[1] == "mood":
            yield Moment(node.id, cue[0], str(cue[2]), int(cue[3].get("intensity", SHOWN)))


def timeline(persona: Persona, nodes: Iterable[Node]) -> tuple[Moment, ...]:
    """An NPC's mood in each of its lines: what it began in, and what it changed to within. The
    same mood in the same strength is not repeated."""
    moments: list[Moment] = []
    path: list[Node] = []
    for node in nodes:
        if node.kind == "npc" and node.speaker == persona.id:
            before = tone_of(persona, path)
            found = [Moment(node.id, 0, before.mood, before.intensity), *mood_cues(node)]
            if len(found) > 1 and found[1].offset == 0:
                del found[0]
            for moment in found:
                last = moments[-1] if moments else None
                if (
                    last is None
                    or last.node != moment.node
                    or (last.mood, last.intensity) != (moment.mood, moment.intensity)
                ):
                    moments.append(moment)
        path.append(node)
    return tuple(moments)


def measure(moments: Sequence[Moment]) -> Moods:
    """Count a timeline."""
    ends = {moment.node: moment.mood for moment in moments}
    turns = Counter(ends.values())
    changes = Counter(
        (before.mood, after.mood)
        for before, after in itertools.pairwise(moments)
        if before.mood != after.mood
    )
    peaks: dict[str, int] = {}
    for moment in moments:
        peaks[moment.mood] = max(peaks.get(moment.mood, 0), moment.intensity)
    return Moods(
        turns=dict(turns),
        shares={mood: count / len(ends) for mood, count in turns.items()},
        transitions=dict(changes),
        peaks=peaks,
    )


# ---------------------------------------------------------------- levels


def _recorded(node: Node, npc: str) -> Tone | None:
    found = node.meta.get(TONE, {}).get(npc)
    return None if found is None else Tone(found["mood"], dict(found["levels"]))


def _known(persona: Persona, tone: Tone) -> Tone:
    if all(mood in persona.moods for mood in (tone.mood, *tone.levels) if mood):
        return tone
    levels = {mood: level for mood, level in tone.levels.items() if mood in persona.moods}
    return _strongest(tone.mood if tone.mood in persona.moods else "", levels, persona)


def _above_zero(levels: Mapping[str, int]) -> dict[str, int]:
    return {mood: min(level, MAX) for mood, level in levels.items() if level > 0}


def _strongest(current: str, levels: dict[str, int], persona: Persona) -> Tone:
    """The strongest mood; among equals the one it is in, then the first in the file."""
    if not levels:
        return Tone(persona.mood)
    best = max(levels.values())
    if levels.get(current) == best:
        return Tone(current, levels)
    order = {mood: at for at, mood in enumerate(persona.moods)}
    equals = [mood for mood, level in levels.items() if level == best]
    return Tone(min(equals, key=lambda mood: order.get(mood, len(order))), levels)
