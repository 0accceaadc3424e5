"""Which memories matter now: relevance, importance, recency, under a budget. Pure.

The newest lines stand in the prompt word for word (the history). Everything older is candidate:
the lines themselves, piece by piece; the facts and promises among them (facts.py); and what
a model made of them (summary.py). All that was said comes from outside, so each memory is
one harmless line that says whose words it holds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Literal

import msgspec
from msgspec import Struct

from .. import untrusted
from ..conversation import Node
from ..persona import MemoryRules
from ..tokens import estimate
from .facts import asked_about, fact, is_question, pieces
from .past import MEMORY, TIME, Past, Rememberer, noted
from .topics import content_roots, topics

MAX_ROOM = 1200
"""The most tokens of memories in one prompt, however large its budget."""
FREE_SHARE = 0.6
"""The most that memories may take of what the persona leaves: the rest is the newest lines'."""
MAX_MEMORIES = 96
"""The most memories of one prompt."""
MAX_REPORTED = 32
"""How many memories that did not fit are told of."""
SUMMARY_SHARE = 0.4
"""The most that a summary may take of the room for memories."""

_RECENT_LINES = 3
_RECENT_WEIGHT = 0.25
"""What the lines just before count beside the player's new one ..."""
_RECENT_MOST = 1.0
"""... and the most that they count together."""
_TOPIC_WEIGHT = 0.7
_BEGINNING_WEIGHT = 0.4
_BEGINNING = 5
"""Words that begin alike are often one in another form ("bake", "bakery"; German, Russian)."""
_IMPORTANCE_WEIGHT = 2.5
_NOVELTY_WEIGHT = 1.5
_TELLING = 3
"""So many words that are rare in the talk make a statement as telling as it can be."""
_RECENCY_WEIGHT = 0.3
_RECENCY_LINES = 100.0
_OWN_WEIGHT = 0.6
"""An NPC knows who it is; what it said itself matters less than what it was told."""
_QUESTION_WEIGHT = 0.3
_ALIKE = 0.6
"""The share of common words from which on two pieces are the same, said twice."""
_KIND_WEIGHT = 1.5
"""A fact of the kind that is asked for."""

_QUOTES = str.maketrans({"“": "'", "”": "'", "„": "'", "«": "'", "»": "'", '"': "'"})


class Memory(Struct, frozen=True):
    """Something remembered, as one harmless line of a prompt."""

    node: str
    """The id of the line that it came from, or of the last one that a summary covers."""
    text: str
    """With who said it, and when in the game's time."""
    said: str
    """The bare words."""
    by: str
    """Who said it: an NPC's id, "" for the player; for a summary, the NPC that remembers."""
    kind: Literal["line", "fact", "summary"]
    at: float
    """When, in Unix time: for the order."""
    tokens: int
    rank: int = 0
    """How much it matters, 0 the most."""

    @property
    def source(self) -> str:
        """What a prompt's report calls it."""
        return f"memory:{self.node}"


class Recalled(Struct, frozen=True):
    """`chosen` in the order of time, `spared` best first: what mattered, but did not fit."""

    chosen: tuple[Memory, ...] = ()
    spared: tuple[Memory, ...] = ()


def room_for_memories(rules: MemoryRules, budget: int, free: int) -> int:
    """The tokens that memories may take in a prompt of `budget`, of which `free` are left for them
    and the history."""
    return max(0, min(int(rules.share * budget), int(FREE_SHARE * free), MAX_ROOM))


def digest(nodes: Sequence[Node]) -> None:
    """Look at lines closely ahead of time: a first `recall` of many would take a while."""
    for node in nodes:
        _packed(node.text, node.kind != "player")


def recall(
    who: Rememberer,
    past: Past,
    path: Sequence[Node],
    text: str,
    *,
    start: int,
    room: int,
) -> Recalled:
    """The memories that matter for the line `text`, in at most `room` tokens. `path` are the
    lines of this conversation that the NPC heard; those from `start` on stand in the prompt word
    for word and are no memories. Pure: the same past, the same memories."""
    older = [*past.elsewhere, *path[:start]]
    if room <= 0 or not older:
        return Recalled()
    candidates = _candidates(who, older)
    order = _ranked(candidates, text, path[start:][-_RECENT_LINES:])
    summary = _summary(who, path[:start], int(room * SUMMARY_SHARE))
    chosen = [summary] if summary else []
    left = room - sum(memory.tokens for memory in chosen)
    spared: list[Memory] = []
    told: dict[str, list[frozenset[str]]] = {}
    for candidate in order:
        if len(chosen) >= MAX_MEMORIES or len(spared) >= MAX_REPORTED:
            break
        roots = candidate.piece.roots
        if any(_alike(roots, other) for word in roots for other in told.get(word, ())):
            continue  # said again, or almost
        for word in roots:
            told.setdefault(word, []).append(roots)
        memory = _memory(who, candidate, len(chosen))
        if memory.tokens > left:
            spared.append(memory)
        else:
            left -= memory.tokens
            chosen.append(memory)
    return Recalled(tuple(sorted(chosen, key=lambda memory: memory.at)), tuple(spared))


# ---------------------------------------------------------------- what there is


class _Piece(Struct, frozen=True, array_like=True):
    """A piece of a line as it is looked up: `features` are the roots of its words, "~" and how a
    long one begins, "#" and what it is about."""

    text: str
    roots: frozenset[str]
    features: frozenset[str]
    kinds: frozenset[str]
    importance: float
    question: bool


class _Candidate(Struct, frozen=True):
    piece: _Piece
    node: Node
    age: int
    time: Any
    """The game's time: the line's own, or that of the last one before it that has one."""
    noted: bool = False
    """Whether a model wrote it down, in its own words."""


@lru_cache(maxsize=1024)
def _pieces(text: str, by_npc: bool) -> tuple[_Piece, ...]:
    return _unpack(_packed(text, by_npc))


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[_Piece, ...]).decode


@lru_cache(maxsize=65536)
def _packed(text: str, by_npc: bool) -> bytes:
    """The pieces of a line. Cached, since a past is read anew on every turn, and a line hardly ever
    changes; packed, since the pasts of thousands of conversations are some hundred thousand lines:
    about a kilobyte each instead of four. Reading one takes a thirteenth of a close look's time."""
    found = []
    for piece in pieces(text):
        told = fact(piece, by_npc)
        roots = content_roots(piece)
        features = _features(roots) | {f"#{kind}" for kind in told.kinds}
        asks = is_question(piece)
        found.append(_Piece(piece, roots, features, frozenset(told.kinds), told.importance, asks))
    try:
        return _pack(found)
    except UnicodeEncodeError:  # half a surrogate pair, which no prompt may hold either
        return _packed(text.encode("utf-8", "replace").decode(), by_npc)


def _features(roots: frozenset[str]) -> frozenset[str]:
    begun = {f"~{word[:_BEGINNING]}" for word in roots if len(word) >= _BEGINNING}
    return roots | begun | {f"#{topic}" for topic in topics(roots)}


def _candidates(who: Rememberer, older: Sequence[Node]) -> list[_Candidate]:
    found: list[_Candidate] = []
    when: dict[str, tuple[int, Node, Any]] = {}
    time: Any = None
    for at, node in enumerate(older):
        time = node.meta.get(TIME, time if node.parent else None)
        when[node.id] = (len(older) - at, node, time)
        found += [
            _Candidate(piece, node, len(older) - at, time)
            for piece in _pieces(node.text, node.kind != "player")
            if piece.roots
        ]
        for told in noted(node.meta, who.npc).facts if MEMORY in node.meta else ():
            age, origin, then = when.get(told.node, when[node.id])
            roots = content_roots(told.text)
            piece = _Piece(told.text, roots, _features(roots), frozenset(), told.importance, False)
            found.append(_Candidate(piece, origin, age, then, noted=True))
    return found


def _summary(who: Rememberer, older: Sequence[Node], room: int) -> Memory | None:
    """The newest summary of lines that have left the history; None if there is none, or it is
    longer than `room`."""
    for node in reversed(older):
        if MEMORY not in node.meta:
            continue
        text = untrusted.line(noted(node.meta, who.npc).summary)
        if text:
            shown = f"In short, so far: {text}"
            size = estimate(f"- {shown}") + 1
            if size > room:
                return None
            # It covers everything before it: it stands where that begins.
            return Memory(node.id, shown, text, who.npc, "summary", older[0].at, size)
    return None


# ---------------------------------------------------------------- what matters


def _ranked(
    candidates: Sequence[_Candidate], text: str, recent: Sequence[Node]
) -> list[_Candidate]:
    """Best first; equals newest first."""
    asked = asked_about(text)
    now = _features(content_roots(text))
    before = _features(frozenset().union(*(content_roots(node.text) for node in recent))) - now
    wanted = now | before
    shared = [wanted & candidate.piece.features for candidate in candidates]
    frequency = Counter(chain.from_iterable([c.piece.features for c in candidates]))
    logs = {times: math.log(1 + len(candidates) / times) for times in set(frequency.values())}
    rarity = {feature: logs[times] for feature, times in frequency.items()}
    weights = {hit: _weight(hit) * rarity[hit] for hits in shared for hit in hits}
    most = _TELLING * math.log(1 + len(candidates))
    scores = []
    for candidate, hits in zip(candidates, shared, strict=True):
        piece, score = candidate.piece, 0.0
        if hits:
            score = math.fsum([weights[hit] for hit in hits & now])
            context = math.fsum([weights[hit] for hit in hits - now])
            score += min(_RECENT_WEIGHT * context, _RECENT_MOST)
        if piece.question:
            score *= _QUESTION_WEIGHT
        if asked and not asked.isdisjoint(piece.kinds):
            score += _KIND_WEIGHT
        if candidate.node.kind == "npc" and not candidate.noted:
            score *= _OWN_WEIGHT
        if piece.importance:
            rare = sorted([rarity[word] for word in piece.roots], reverse=True)
            score += _NOVELTY_WEIGHT * math.fsum(rare[:_TELLING]) / most
        score += _IMPORTANCE_WEIGHT * piece.importance
        score += _RECENCY_WEIGHT * math.exp(-candidate.age / _RECENCY_LINES)
        scores.append(score)
    order = sorted(range(len(candidates)), key=lambda at: (-scores[at], -at))
    return [candidates[at] for at in order]


def _weight(feature: str) -> float:
    if feature[0] == "#":
        return _TOPIC_WEIGHT
    return _BEGINNING_WEIGHT if feature[0] == "~" else 1.0


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two pieces have almost the same words."""
    return len(one & other) >= _ALIKE * len(one | other)


# ---------------------------------------------------------------- how it looks


def _memory(who: Rememberer, candidate: _Candidate, rank: int) -> Memory:
    node, piece = candidate.node, candidate.piece
    known = dict(who.names)
    player = untrusted.name(who.player)
    said = untrusted.line(piece.text, (player, *known.values())).translate(_QUOTES)
    when = f" ({untrusted.value(candidate.time, 60)})" if candidate.time else ""
    if candidate.noted:
        by, text = who.npc, f"You noted{when}: {said}"
    elif node.kind == "player":
        # By far the most: the title says whose words stand in quotation marks alone.
        by, text = "", f'"{said}"{when}'
    elif node.kind == "event":
        by, text = "", f"This happened{when}: {said}"
    elif node.speaker == who.npc:
        by, text = who.npc, f'You said{when}: "{said}"'
    else:
        speaker = untrusted.name(known.get(node.speaker, node.speaker), "Someone")
        by, text = node.speaker, f'{speaker} said{when}: "{said}"'
    kind: Literal["line", "fact"] = "fact" if piece.kinds or candidate.noted else "line"
    return Memory(node.id, text, said, by, kind, node.at, estimate(f"- {text}") + 1, rank)
