"""What talk may cost in a day: limits, what is used up of them, and what follows. Pure.

Each turn is counted under four accounts: of its player, its NPC, its conversation, and of all. A
day begins at midnight UTC, and every account anew with it.
"""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec import Struct

from .conversation import ConversationKey

MICROS = 1_000_000
"""Money is counted in millionths of a US dollar: sums of whole numbers are exact."""
SCOPES = ("player", "npc", "conversation", "all")


class Amount(Struct, frozen=True):
    """Tokens, read and written, and money."""

    tokens: int = 0
    micros: int = 0
    """Millionths of a US dollar."""

    def plus(self, other: Amount) -> Amount:
        """Both together."""
        return Amount(self.tokens + other.tokens, self.micros + other.micros)

    def minus(self, other: Amount) -> Amount:
        """What is left without the other."""
        return Amount(self.tokens - other.tokens, self.micros - other.micros)


class Entry(Struct, frozen=True):
    """What a ledger counts once: a turn, by its `id`, under `accounts` of a `day`. `reserved` is
    what it may cost at most."""

    id: str
    day: str
    accounts: tuple[str, ...]
    reserved: Amount


class Budget(Struct, frozen=True, forbid_unknown_fields=True):
    """What one class of players may use up in a day, 0 for no limit."""

    player_tokens: int = 0
    player_dollars: float = 0.0
    npc_tokens: int = 0
    npc_dollars: float = 0.0
    conversation_tokens: int = 0
    conversation_dollars: float = 0.0
    all_tokens: int = 0
    all_dollars: float = 0.0

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return self != Budget()


class Verdict(Struct, frozen=True):
    """Whether a turn may cost something. `limit` names the one that a soft or hard level comes
    from, such as "player_tokens"."""

    level: Literal["open", "soft", "hard"] = "open"
    limit: str = ""


def day_of(now: float) -> str:
    """The day of a moment (Unix time), such as "2026-11-24"."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def days_before(day: str, count: int) -> str:
    """The day so many days before another."""
    return (datetime.fromisoformat(day) - timedelta(days=count)).date().isoformat()


def until_tomorrow(now: float) -> float:
    """Seconds until the next day begins."""
    return 86_400 - now % 86_400


def accounts(key: ConversationKey, npc: str) -> tuple[str, ...]:
    """The accounts of a turn, in the order of SCOPES. Lengths keep apart what names might mix."""
    conversation = f"conversation:{len(key.player)}:{key.player}:{key.conversation}"
    return (f"player:{key.player}", f"npc:{npc}", conversation, "all:")


def judge(budget: Budget, spent: tuple[Amount, ...], soft: float) -> Verdict:
    """What follows from what is used up, in the order of SCOPES. `soft` is the part of a limit, up
    to 1, from which on it is time to save. The first limit that is used up is named, else the one
    that is nearest to it."""
    nearest, part = "", 0.0
    for scope, amount in zip(SCOPES, spent, strict=True):
        for kind, used in (("tokens", amount.tokens), ("dollars", amount.micros / MICROS)):
            name = f"{scope}_{kind}"
            limit = getattr(budget, name)
            if not limit:
                continue
            if used >= limit:
                return Verdict("hard", name)
            if used / limit > part:
                nearest, part = name, used / limit
    return Verdict("soft", nearest) if nearest and part >= soft else Verdict()


# ---------------------------------------------------------------- classes


_SHAPE = 'write "free: player_tokens 20000, player_dollars 0.02; paid: player_tokens 0"'


def parse_classes(text: str, ordinary: Budget) -> dict[str, Budget]:
    """The classes of a setting such as "free: player_tokens 20000; paid: player_tokens 0"; what a
    class does not name is as `ordinary`. Raises ValueError with a sentence that says what to do."""
    found: dict[str, Budget] = {}
    for entry in filter(None, map(str.strip, text.split(";"))):
        name, colon, limits = entry.partition(":")
        name = name.strip()
        if not colon or not re.fullmatch(r"[\w.-]{1,64}", name):
            raise ValueError(f"{entry!r} has no name in front; {_SHAPE}")
        if name in found:
            raise ValueError(f"the class {name!r} stands there twice")
        changes = dict(_limit(name, each.strip()) for each in limits.split(",") if each.strip())
        found[name] = msgspec.structs.replace(ordinary, **changes)
    return found


def _limit(name: str, text: str) -> tuple[str, Any]:
    key, _, value = (part.strip() for part in text.replace("=", " ").partition(" "))
    known = Budget.__struct_fields__
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
        raise ValueError(f"{name}: unknown limit {key!r}; {mend}")
    kind = int if key.endswith("_tokens") else float
    try:
        number = kind(value)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        noun = "a whole number" if kind is int else "a number"
        raise ValueError(f"{name}: {key}: expected {noun}, 0 or more, found {value!r}")
    return key, number
