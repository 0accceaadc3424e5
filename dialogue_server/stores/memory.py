"""Conversations in this process's memory: for tests, demos and games that want no file."""

from __future__ import annotations

from typing import Any

import msgspec

from ..domain.conversation import Archive, Checkpoint, ConversationKey, Listed, Node, Snapshot
from ..domain.state import merge_patch
from ..errors import StoreError
from .base import Found, already_there


class _Conversation:
    def __init__(self) -> None:
        self.head = ""
        self.revision = 0
        self.state: dict[str, Any] = {}
        self.by_line: dict[str, str] = {}
        self.nodes: list[str] = []
        self.checkpoints: dict[str, Checkpoint] = {}


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
        path = self._path(conversation.head)
        return Snapshot(path, conversation.revision, conversation.state)

    async def append(self, key: ConversationKey, node: Node) -> Node:
        """Add a node and make it the head, unless its line is known."""
        conversation = self._conversations.setdefault(key, _Conversation())
        if node.kind != "npc" and node.line:
            known = conversation.by_line.setdefault(node.line, node.id)
            if known != node.id:
                return self._nodes[known]
        if node.id in self._nodes:
            return node
        self._nodes[node.id] = node
        conversation.nodes.append(node.id)
        conversation.head = node.id
        return node

    async def find_line(self, key: ConversationKey, line: str) -> Found | None:
        """What is known of a line id."""
        conversation = self._conversations.get(key)
        if conversation is None:
            return None
        known = conversation.by_line.get(line)
        said = [n for n in map(self._nodes.__getitem__, conversation.nodes) if n.kind == "npc"]
        under = [node for node in said if known is not None and node.parent == known]
        answers = under or [node for node in said if node.line == line]
        answer = answers[-1] if answers else None
        if known is not None:
            return Found(self._nodes[known], answer)
        return Found(self._nodes.get(answer.parent), answer) if answer else None

    async def path(self, key: ConversationKey, node: str) -> tuple[Node, ...]:
        """The branch that ends in a node."""
        conversation = self._conversations.get(key)
        if conversation is None or node not in conversation.nodes:
            return ()
        return self._path(node)

    async def save_checkpoint(self, key: ConversationKey, checkpoint: Checkpoint) -> None:
        """Keep a moment."""
        conversation = self._conversations.setdefault(key, _Conversation())
        conversation.checkpoints[checkpoint.id] = checkpoint

    async def restore(self, key: ConversationKey, checkpoint: str) -> Snapshot | None:
        """Move head and state back."""
        conversation = self._conversations.get(key)
        found = conversation.checkpoints.get(checkpoint) if conversation else None
        if conversation is None or found is None:
            return None
        conversation.head = found.head
        conversation.revision, conversation.state = found.revision, found.state
        return msgspec.structs.replace(await self.load(key), saved=found.at)

    async def collect(self, before: float) -> int:
        """Delete old nodes on no path."""
        removed = 0
        for conversation in self._conversations.values():
            ends = {conversation.head, *(c.head for c in conversation.checkpoints.values())}
            ends |= {name for name in conversation.nodes if self._nodes[name].at >= before}
            kept = {node.id for end in ends for node in self._path(end)}
            for name in [n for n in conversation.nodes if n not in kept]:
                conversation.nodes.remove(name)
                node = self._nodes.pop(name)
                conversation.by_line.pop(node.line if node.kind != "npc" else "", None)
                removed += 1
        return removed

    async def conversations(self) -> tuple[Listed, ...]:
        """All conversations, the newest first."""
        found = [
            Listed(key, len(c.nodes), max((self._nodes[name].at for name in c.nodes), default=0.0))
            for key, c in self._conversations.items()
        ]
        return tuple(sorted(found, key=lambda listed: listed.last, reverse=True))

    async def export(self, key: ConversationKey) -> Archive | None:
        """All of a conversation."""
        found = self._conversations.get(key)
        if found is None:
            return None
        return Archive(
            key,
            found.head,
            found.revision,
            found.state,
            tuple(self._nodes[name] for name in found.nodes),
            tuple(found.checkpoints.values()),
        )

    async def restore_archive(self, archive: Archive) -> None:
        """Store what was exported."""
        if archive.key in self._conversations:
            raise StoreError(already_there(archive.key))
        conversation = self._conversations[archive.key] = _Conversation()
        for node in archive.nodes:
            if node.id in self._nodes:
                raise StoreError(already_there(archive.key))
            await self.append(archive.key, node)
        conversation.head = archive.head
        conversation.revision, conversation.state = archive.revision, archive.state
        conversation.checkpoints = {c.id: c for c in archive.checkpoints}

    def _path(self, head: str) -> tuple[Node, ...]:
        path = []
        node = self._nodes.get(head)
        while node is not None:
            path.append(node)
            node = self._nodes.get(node.parent)
        return tuple(reversed(path))

    async def amend(self, node: str, text: str, reason: str) -> None:
        """Cut a node's text to what was seen."""
        old = self._nodes.get(node)
        if old is None:
            raise StoreError(f"There is no stored turn {node!r} to cut.")
        self._nodes[node] = msgspec.structs.replace(old, text=text, reason=reason)

    async def annotate(self, node: str, meta: dict[str, Any]) -> None:
        """Merge into a node's record."""
        old = self._nodes.get(node)
        if old is None:
            raise StoreError(f"There is no stored turn {node!r} to annotate.")
        self._nodes[node] = msgspec.structs.replace(old, meta=merge_patch(old.meta, meta))

    async def elsewhere(
        self, key: ConversationKey, conversations: int, lines: int
    ) -> tuple[tuple[Node, ...], ...]:
        """The player's other conversations."""
        heads = [
            self._nodes[other.head]
            for name, other in self._conversations.items()
            if name.player == key.player and name != key and other.head in self._nodes
        ]
        heads.sort(key=lambda node: node.at, reverse=True)
        return tuple(self._path(node.id)[-lines:] for node in heads[:conversations])

    async def save_state(self, key: ConversationKey, revision: int, state: dict[str, Any]) -> None:
        """Replace the state."""
        conversation = self._conversations.setdefault(key, _Conversation())
        conversation.revision = revision
        conversation.state = state

    async def aclose(self) -> None:
        """Nothing to close."""
