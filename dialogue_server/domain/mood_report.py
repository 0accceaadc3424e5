"""How the moods went in played conversations: counts, shares, changes and peaks, by NPC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .conversation import Node
from .persona import Persona
from .scenarios.result import Result
from .tone import Moods, measure, timeline


def moods(results: Iterable[Result], personas: Mapping[str, Persona]) -> dict[str, Moods]:
    """The moods of each NPC that has any and said something, over all conversations."""
    parts: dict[str, list[Moods]] = {}
    for result in results:
        nodes = [
            Node(
                id=str(at),
                parent="",
                kind="npc",
                speaker=outcome.heard.npc,
                text=outcome.heard.text,
                at=0.0,
                meta={"cues": [[d.offset, d.kind, d.name, d.args] for d in outcome.heard.did]},
            )
            for at, outcome in enumerate(result.outcomes)
            if outcome.heard is not None and outcome.heard.npc
        ]
        for npc in dict.fromkeys(node.speaker for node in nodes):
            persona = personas.get(npc)
            if persona is not None and persona.moods:
                parts.setdefault(npc, []).append(measure(timeline(persona, nodes)))
    return {npc: together(parts[npc]) for npc in sorted(parts)}


def together(parts: Iterable[Moods]) -> Moods:
    """Several conversations as one account; no change of mood lies between them."""
    turns: Counter[str] = Counter()
    transitions: Counter[tuple[str, str]] = Counter()
    peaks: dict[str, int] = {}
    for part in parts:
        turns.update(part.turns)
        transitions.update(part.transitions)
        for mood, peak in part.peaks.items():
            peaks[mood] = max(peaks.get(mood, 0), peak)
    total = turns.total()
    shares = {mood: count / total for mood, count in turns.items()}
    return Moods(dict(turns), shares, dict(transitions), peaks)


def mood_line(moods: Moods) -> str:
    """`guilty 3 (75 %, up to 80), nervous 1 (25 %, up to 30); nervous > guilty 1`."""
    order = sorted(moods.turns, key=lambda mood: -moods.turns[mood])
    counts = ", ".join(
        f"{mood or 'none'} {moods.turns[mood]} "
        f"({100 * moods.shares[mood]:.0f} %, up to {moods.peaks[mood]})"
        for mood in order
    )
    changes = ", ".join(
        f"{before or 'none'} > {after} {count}"
        for (before, after), count in moods.transitions.items()
    )
    return f"{counts}; {changes}" if changes else counts


def as_data(found: Mapping[str, Moods]) -> dict[str, Any]:
    """The account as what JSON can hold."""
    return {
        npc: {
            "turns": moods.turns,
            "shares": {mood: round(part, 3) for mood, part in moods.shares.items()},
            "transitions": [[*pair, count] for pair, count in moods.transitions.items()],
            "peaks": moods.peaks,
        }
        for npc, moods in found.items()
    }
