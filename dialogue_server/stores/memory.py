"""Conversations in this process's memory: for tests, demos and games that want no file."""

from __future__ import annotations

from typing import Any

import msgspec

from ..domain.conversation import ConversationKey, Node, Snapshot
from ..errors import StoreError


class _Conversation:
    def __init__(self) -> None:
        self.head = ""
        self.revision = 0
        self.state: dict[str, Any] = {}
        self.by_line: dict[str, str] = {}


class MemoryStore:
    """A Store that forgets with the process."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._conversations: dict[ConversationKey, _Conversation] = {}

    async def start(self) -> None:
        """Nothing to open."""

    async def load(self, key: ConversationKey) -> Snapshot:
        """The head path and the state."""
        conversation = self._conversations.get(key)
        if conversation is None:
            return Snapshot()
        path = []
        node = self._nodes.get(conversation.head)
        while node is not None:
            path.append(node)
            node = self._nodes.get(node.parent)
        return Snapshot(tuple(reversed(path)), conversation.revision, conversation.state)

    async def append(self, key: ConversationKey, node: Node) -> Node:
        """Add a node and make it the head, unless its line is known."""
        conversation = self._conversations.setdefault(key, _Conversation())
        if node.kind == "player" and node.line:
            known = conversation.by_line.setdefault(node.line, node.id)
            if known != node.id:
                return self._nodes[known]
        self._nodes[node.id] = node
        conversation.head = node.id
        return node

    async def find_line(self, key: ConversationKey, line: str) -> tuple[Node, Node | None] | None:
        """The player's node of a line and its newest answer."""
        conversation = self._conversations.get(key)
        known = conversation.by_line.get(line) if conversation else None
        if known is None:
            return None
        answers = [node for node in self._nodes.values() if node.parent == known]
        return self._nodes[known], answers[-1] if answers else None

    async def amend(self, node: str, text: str, reason: str) -> None:
        """Cut a node's text to what was seen."""
        old = self._nodes.get(node)
        if old is None:
            raise StoreError(f"There is no stored turn {node!r} to cut.")
        self._nodes[node] = msgspec.structs.replace(old, text=text, reason=reason)

    async def save_state(self, key: ConversationKey, revision: int, state: dict[str, Any]) -> None:
        """Replace the state."""
        conversation = self._conversations.setdefault(key, _Conversation())
        conversation.revision = revision
        conversation.state = state

    async def aclose(self) -> None:
        """Nothing to close."""
