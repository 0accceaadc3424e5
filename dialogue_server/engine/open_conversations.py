"""Which conversation is open where, found by its key and by its player.

A server may hold thousands of them, so nothing that happens with every turn may look at all.
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from ..domain.conversation import ConversationKey
from ..domain.memory.past import Span


class Neighbour(Struct):
    """What the conversations of one player tell each other for their memories."""

    stale: bool = True
    """Whether another one has grown since this one read it."""
    undone: Span | None = None
    """Which time it has just gone back over."""


class Held(Protocol):
    """A conversation that a connection has open."""

    @property
    def memory(self) -> Neighbour:
        """What the others tell it, and it them."""
        ...

    async def cut(self, node: str, seen: int) -> None:
        """Forget what the player did not see of a line."""
        ...

    async def close(self) -> None:
        """Store what is not stored yet, and end."""
        ...


class OpenConversations(UserDict[ConversationKey, Held]):
    """At most one connection has each conversation."""

    def __init__(self) -> None:
        self._of: dict[str, dict[ConversationKey, Held]] = {}
        super().__init__()

    def of(self, player: str) -> Iterable[Held]:
        """All of one player."""
        return self._of.get(player, {}).values()

    def __setitem__(self, key: ConversationKey, conversation: Held) -> None:
        super().__setitem__(key, conversation)
        self._of.setdefault(key.player, {})[key] = conversation

    def __delitem__(self, key: ConversationKey) -> None:
        super().__delitem__(key)
        own = self._of[key.player]
        del own[key]
        if not own:
            del self._of[key.player]
