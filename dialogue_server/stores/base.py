"""The port of the conversations' store.

A conversation is a tree of *nodes* (domain/conversation.py); the store keeps nodes, the head of
each conversation, and its state. Obligations of an implementation, which
tests/contracts/test_store.py runs on each:

- `append` is atomic, and durable against the death of the process when it returns.
- `append` with a `line` that the conversation already holds changes nothing and returns the
  node of the first (exactly once, spec.md "Promises").
- Failures are `StoreError`s; nothing that was acknowledged before is lost.
"""

from __future__ import annotations

from typing import Any, Protocol

from ..domain.conversation import ConversationKey, Node, Snapshot


class Store(Protocol):
    """Where conversations live."""

    async def start(self) -> None:
        """Open what is needed; raise a StoreError that says what to do."""
        ...

    async def load(self, key: ConversationKey) -> Snapshot:
        """The conversation's head path, oldest first, and its state; empty if unknown."""
        ...

    async def append(self, key: ConversationKey, node: Node) -> Node:
        """Add a node under its parent and make it the head."""
        ...

    async def find_line(self, key: ConversationKey, line: str) -> tuple[Node, Node | None] | None:
        """The player's node of a line id and its newest answer, if any; None if unknown."""
        ...

    async def amend(self, node: str, text: str, reason: str) -> None:
        """Cut a node's text to what the player saw; StoreError if there is no such node."""
        ...

    async def save_state(self, key: ConversationKey, revision: int, state: dict[str, Any]) -> None:
        """Replace the conversation's game state."""
        ...

    async def aclose(self) -> None:
        """Close; everything appended stays."""
        ...
