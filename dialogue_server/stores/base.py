"""The ports of the conversations' store, and of the ledger that counts what they cost.

A conversation is a tree of *nodes* (domain/conversation.py); the store keeps nodes, the head of
each conversation, and its state. Obligations of an implementation, which
tests/contracts/test_store.py runs on each:

- `append` is atomic, and durable against the death of the process when it returns.
- `append` with a `line` that the conversation already holds changes nothing and returns the
  node of the first (exactly once, spec.md "Promises").
- `append` of a node that the conversation already holds changes nothing: whoever could not be told
  that it was stored stores it again.
- Failures are `StoreError`s; nothing that was acknowledged before is lost.
- Where servers share it, a conversation that another server has taken is changed by that one alone:
  for this one, a `TakenOverError`.
"""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct

from ..domain.budget import Amount, Entry
from ..domain.conversation import Archive, Checkpoint, ConversationKey, Listed, Node, Snapshot


class Found(Struct, frozen=True):
    """What a line id led to: the node (the player's, or an event) that it stands for, and the
    newest answer: under that node, or else the one that names the line (a line that was said again,
    `Node.meta`). `asked` is None for an answer to nothing."""

    asked: Node | None
    answer: Node | None = None


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

    async def find_line(self, key: ConversationKey, line: str) -> Found | None:
        """What is known of a client's line id; None if nothing."""
        ...

    async def amend(self, node: str, text: str, reason: str) -> None:
        """Cut a node's text to what the player saw; StoreError if there is no such node."""
        ...

    async def annotate(self, node: str, meta: dict[str, Any]) -> None:
        """Merge into a node's `meta` what was learnt of it later: objects merge, None removes
        (RFC 7396). Atomic; a StoreError if there is no such node."""
        ...

    async def elsewhere(
        self, key: ConversationKey, conversations: int, lines: int
    ) -> tuple[tuple[Node, ...], ...]:
        """The head paths of the same player's other conversations, oldest line first: of those
        that grew last, at most so many, the newest `lines` of each."""
        ...

    async def path(self, key: ConversationKey, node: str) -> tuple[Node, ...]:
        """The branch that ends in a node, oldest first; empty if the conversation has no such."""
        ...

    async def save_checkpoint(self, key: ConversationKey, checkpoint: Checkpoint) -> None:
        """Keep a moment."""
        ...

    async def restore(self, key: ConversationKey, checkpoint: str) -> Snapshot | None:
        """Move head and state back to a checkpoint; None if the conversation has no such."""
        ...

    async def collect(self, before: float) -> int:
        """Delete the nodes older than `before` (Unix time) that lie on no path to a head, a
        checkpoint or a younger node; returns how many."""
        ...

    async def conversations(self) -> tuple[Listed, ...]:
        """All conversations, those that grew last first."""
        ...

    async def export(self, key: ConversationKey) -> Archive | None:
        """All of a conversation; None if unknown."""
        ...

    async def restore_archive(self, archive: Archive) -> None:
        """Store a conversation that was exported. A StoreError if it exists here already."""
        ...

    async def save_state(self, key: ConversationKey, revision: int, state: dict[str, Any]) -> None:
        """Replace the conversation's game state."""
        ...

    async def aclose(self) -> None:
        """Close; everything appended stays."""
        ...


class Ledger(Protocol):
    """What was spent, by day and account (domain/budget.py). tests/contracts/test_ledger.py runs
    on each implementation:

    - An entry counts once, however often it is reserved and settled, and by whomever.
    - A reservation that is never settled, because its server died, goes on counting.
    - What is counted survives what the conversations survive. Days before yesterday may be
      forgotten.
    - Failures are `StoreError`s.
    """

    async def start(self) -> None:
        """Open what is needed, after the store has started."""
        ...

    async def reserve(self, entry: Entry) -> tuple[Amount, ...]:
        """Count what an entry may cost at most; returns what each of its accounts held without
        it."""
        ...

    async def settle(self, entry: Entry, amount: Amount) -> None:
        """Put what an entry did cost in the place of what was reserved for it. Nothing for one
        that is settled already, or was never reserved."""
        ...

    async def spent(self, day: str, accounts: tuple[str, ...]) -> tuple[Amount, ...]:
        """What accounts hold."""
        ...


def already_there(key: ConversationKey) -> str:
    """The sentence for an import over something that exists."""
    return (
        f"{key.player}'s conversation {key.conversation!r}, or a part of it, is here already; "
        "import it under another player or name."
    )
