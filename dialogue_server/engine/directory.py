"""The port to what several servers must agree on: where a session lives, who has a conversation.

One server alone needs none of it (`EngineContext.directory` is None then). With several, each
session lives on one of them; a client that comes to another is passed through to it
(server/relay.py), so what a session knows never has to move. A conversation is open on at most
one server. stores/redis_directory.py implements it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from ..domain.conversation import ConversationKey

Release = Callable[[ConversationKey], Awaitable[None]]
"""Closes a conversation that another server wants, and stores what it holds."""


class Directory(Protocol):
    """Failures are `StoreError`s."""

    @property
    def server(self) -> str:
        """This server's id, unique for its life; the ids of its sessions begin with it and a "-",
        so that any other knows where to look."""
        ...

    async def start(self, address: str, release: Release) -> None:
        """Make this server known, under an address that the others reach it by."""
        ...

    async def whereabouts(self, session: str) -> str:
        """The address of the other server where a session lives; "" if it lives here, nowhere, or
        on one that is dead."""
        ...

    async def claim(self, key: ConversationKey) -> None:
        """Take a conversation, after whoever else has it has stored what it holds. One that died,
        or does not answer, has lost it."""
        ...

    async def disclaim(self, key: ConversationKey) -> None:
        """Let go of a conversation."""
        ...

    async def take_line(self, player: str, per_minute: float) -> float:
        """Count a line of a player on all servers, `per_minute` of which are allowed, a minute's
        worth at once: 0, or the seconds until it is."""
        ...

    async def aclose(self) -> None:
        """Leave: nothing lives here any more."""
        ...
