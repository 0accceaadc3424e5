"""Where a session can be listened to: its messages, and what its models were asked and said.

Off by default: then a session looks once a message whether there is a tap, and a turn once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from dialogue_protocol.messages import ClientMessage, Hello, ServerMessage

from ..backends.base import Delta, Finished, ModelRequest
from ..domain.prompt import Prompt


class Tap(Protocol):
    """A listener to one session. Must not raise, must not block."""

    def client(self, message: ClientMessage) -> None:
        """The client's message has come, before it is handled."""
        ...

    def server(self, message: ServerMessage) -> None:
        """A message is on its way to the client."""
        ...

    def prompt(self, turn: int, layout: str, prompt: Prompt) -> None:
        """What a turn's model is about to be asked, and where each part of it comes from."""
        ...

    def model(
        self,
        turn: int,
        node: str,
        npc: str,
        request: ModelRequest,
        answer: AsyncGenerator[Delta | Finished, None],
    ) -> AsyncGenerator[Delta | Finished, None]:
        """A model is asked for a turn (its number in the session, its stored id): what to read in
        place of `answer`, the same items. Closing it closes `answer`."""
        ...

    def end(self, reason: str) -> None:
        """The session is over."""
        ...


MakeTap = Callable[[str, Hello], Tap]
"""The tap of a new session, by its id and the client's hello."""
