"""Which conversation is open where, found by its key and by its player.

A server may hold thousands of them, so nothing that happens with every turn may look at all.
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..domain.conversation import ConversationKey

if TYPE_CHECKING:
    from .conversation import OpenConversation


class OpenConversations(UserDict[ConversationKey, "OpenConversation"]):
    """At most one connection has each conversation."""

    def __init__(self) -> None:
        self._of: dict[str, dict[ConversationKey, OpenConversation]] = {}
        super().__init__()

    def of(self, player: str) -> Iterable[OpenConversation]:
        """All of one player."""
        return self._of.get(player, {}).values()

    def __setitem__(self, key: ConversationKey, conversation: OpenConversation) -> None:
        super().__setitem__(key, conversation)
        self._of.setdefault(key.player, {})[key] = conversation

    def __delitem__(self, key: ConversationKey) -> None:
        super().__delitem__(key)
        own = self._of[key.player]
        del own[key]
        if not own:
            del self._of[key.player]
