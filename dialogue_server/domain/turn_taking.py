"""Who of a cast speaks: whom the player addressed, and who is next where nobody is.

All of it is deterministic: the same path and the same line give the same speaker, on every server
and after every restart. Where chance would decide, a hash of the newest node does.
"""

from __future__ import annotations

import bisect
import hashlib
import itertools
import re
from collections.abc import Sequence

from .conversation import Node
from .naming import find_name
from .persona import Persona
from .relevance import has_unspaced, words

SHORT_WORDS = 3
SHORT_CHARACTERS = 8
"""A line of at most so many words (in scripts without spaces: characters) goes on with whoever
spoke last."""
MAX_WAIT = 6
"""Lines without a word after which nobody's turn comes any nearer."""

_SECOND_PERSON = """
you your yours yourself thou thee thy du dich dir dein deine deinen deiner ihr euch tu te toi ton
ta tes vous votre vos tú ti usted tus ты тебя тебе твой твоя твоё вы вас вам ваш ваша ваше você
seu sua ty ciebie tobie twój twoja sen senin siz
"""
_YOU = frozenset(_SECOND_PERSON.split())
_YOU_UNSPACED = ("你", "您", "あなた", "君", "お前", "คุณ")
_ALL = re.compile(
    r"\b(?:all of you|you all|both of you|everyone|everybody|anyone|anybody|someone|somebody|"
    r"who(?:'s| is| are| can| will)? (?:here|of you)|friends|folks|guys|alle|ihr alle|"
    r"tout le monde|quelqu'un|todos|alguien|tutti|все|кто-нибудь)\b|大家|誰か|みんな|皆",
    re.I,
)


def addressed(
    cast: Sequence[Persona], text: str, history: Sequence[Node], locale: str = ""
) -> Persona:
    """Who answers the player's `text`, said after `history` (oldest first).

    1. Whom it calls, else whom it names; not whom it only speaks of ("what about Mira?").
    2. Whoever spoke last, if the line goes on with them: it is short, says "you" to one, or
       speaks of another. If nobody spoke yet, the one it speaks of.
    3. Else by turn: the likelier, the more talkative and the longer silent, never whoever spoke
       last. A narrator does not answer.
    """
    found = sorted(
        (place, at)
        for at, persona in enumerate(cast)
        if (
            place := find_name(
                persona, text, (other for other in cast if other is not persona), locale=locale
            )
        )
        and not (persona.narrator and place.position != "called")
    )
    if found and found[0][0].position != "spoken_of":
        return cast[found[0][1]]
    last = _last_speaker(cast, history)
    to_all = _ALL.search(text) is not None
    topic = cast[found[0][1]] if found else None
    if last is not None and not last.narrator and not to_all:
        if _goes_on(text) or (topic is not None and topic is not last):
            return last
    elif topic is not None and not to_all:
        return topic
    ready = [p for p in cast if not p.narrator and p.talkativeness > 0 and p is not last]
    if not ready:
        # Nobody else would: whoever spoke last, else the first who is no narrator, else the first.
        willing = [p for p in ([last] if last else []) + list(cast) if not p.narrator]
        return willing[0] if willing else cast[0]
    if not history:
        return max(ready, key=lambda persona: persona.talkativeness)
    return _by_turn(ready, cast, history, text)


def next_speaker(cast: Sequence[Persona], history: Sequence[Node]) -> Persona:
    """Who goes on when the client lets the conversation go on by itself: anyone, a narrator too,
    but not whoever spoke last, unless alone."""
    last = _last_speaker(cast, history)
    ready = [p for p in cast if p is not last and p.talkativeness > 0]
    if not ready:
        ready = [p for p in cast if p is not last] or list(cast)
    return _by_turn(ready, cast, history, "")


def _goes_on(text: str) -> bool:
    """Whether a line goes on with whoever spoke last."""
    if has_unspaced(text):
        plain = "".join(char for char in text if char.isalnum())
        return len(plain) <= SHORT_CHARACTERS or any(word in text for word in _YOU_UNSPACED)
    said = words(text)
    return len(said) <= SHORT_WORDS or not _YOU.isdisjoint(said)


def _last_speaker(cast: Sequence[Persona], history: Sequence[Node]) -> Persona | None:
    members = {persona.id: persona for persona in cast}
    return next(
        (members[node.speaker] for node in reversed(history) if _spoke(node, members)), None
    )


def _spoke(node: Node, members: dict[str, Persona]) -> bool:
    return node.kind == "npc" and node.speaker in members


def _by_turn(
    ready: Sequence[Persona], cast: Sequence[Persona], history: Sequence[Node], text: str
) -> Persona:
    """One of those who are ready: the likelier, the more talkative, and the longer silent."""
    members = {persona.id: persona for persona in cast}
    spoken = [node.speaker for node in reversed(history) if _spoke(node, members)]
    weights = [
        max(persona.talkativeness, 0.01) * (1 + min(_silence(persona, spoken), MAX_WAIT))
        for persona in ready
    ]
    newest = history[-1].id if history else ""
    draw = hashlib.blake2b(f"{newest}\0{text}".encode(), digest_size=8).digest()
    sums = list(itertools.accumulate(weights))
    mark = int.from_bytes(draw) / 2**64 * sums[-1]
    return ready[min(bisect.bisect_right(sums, mark), len(ready) - 1)]


def _silence(persona: Persona, spoken: Sequence[str]) -> int:
    """How many lines of NPCs there were since this one's, newest first."""
    return spoken.index(persona.id) if persona.id in spoken else len(spoken)
