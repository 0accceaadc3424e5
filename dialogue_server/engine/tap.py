"""Where a session can be listened to: its messages, and what its models were asked and said.

Off by default: then a session looks once a message whether there is a tap, and a turn once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from dialogue_protocol.messages import ClientMessage, Hello, ServerMessage

from ..backends.base import Finished, ModelRequest, Show
from ..domain.prompt import Prompt
from ..errors import BackendError


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

    def model(self, turn: int, node: str, npc: str, request: ModelRequest, show: Show) -> Show:
        """A model is asked for a turn (its number in the session, its stored id): where to show
        the text in place of `show`, to which it is passed on."""
        ...

    def answered(self, turn: int, outcome: Finished | BackendError | None) -> None:
        """The model of a turn has finished or failed; None: it was stopped."""
        ...

    def end(self, reason: str) -> None:
        """The session is over."""
        ...


MakeTap = Callable[[str, Hello], Tap]
"""The tap of a new session, by its id and the client's hello."""
