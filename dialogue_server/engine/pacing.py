"""How much a session may send, alone and with its player's others: messages by their weight, and
lines that the model is asked for."""

from __future__ import annotations

import contextlib

from dialogue_protocol.codec import DecodeError
from dialogue_protocol.codes import CloseCode, ErrorCode
from dialogue_protocol.connection import ProtocolError
from dialogue_protocol.messages import ClientMessage, History, Load, Open, Save

from ..errors import RequestError, StoreError
from .context import EngineContext
from .rate import Bucket

WEIGHTY = 8192
"""A message counts once more for each so many bytes (characters, in JSON): reading it costs."""
COSTLY = 4
"""An `open`, `load`, `save` or `history` counts for so many messages: a few bytes make the store
read or keep a whole conversation. Sixteen of each but `history` fit into the burst (5 * 50), with
a state and a line for each: a game that lost its server sends them all at once."""


class Pace:
    """The limits of one session."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        limits = context.limits
        self._messages = Bucket(limits.messages_per_second, 5 * limits.messages_per_second)
        self._lines = Bucket(limits.lines_per_minute / 60, limits.lines_per_minute)

    def take_message(
        self, message: ClientMessage | DecodeError | None, size: int, player: str
    ) -> float:
        """Count a message of `size` bytes for the session and for `player` ("" for none that a
        ticket names): 0, or the seconds that its client must wait. A ProtocolError (FLOODING) if
        it has not heeded that for too long."""
        weight = COSTLY if isinstance(message, Open | Load | Save | History) else 1
        weight += size // WEIGHTY
        now = self._context.monotonic()
        wait = self._messages.take(now, debt=True, weight=weight)
        if player and not wait:
            wait = self._context.player_messages.take(player, now, weight)
        if self._messages.broken:
            raise ProtocolError(
                CloseCode.FLOODING,
                ErrorCode.RATE_LIMITED,
                "far more messages than limits.messages_per_second, for too long",
            )
        return wait

    async def take_line(self, player: str) -> None:
        """Count a request for the model, for the session and for the player, wherever it is; a
        RequestError if there were too many."""
        now = self._context.monotonic()
        wait = self._lines.take(now) or self._context.player_lines.take(player, now)
        rate, directory = self._context.limits.lines_per_minute, self._context.directory
        if rate and directory is not None and not wait:
            with contextlib.suppress(StoreError):  # alone, each server still keeps the limit
                wait = await directory.take_line(player, rate)
        if wait:
            raise RequestError(
                ErrorCode.RATE_LIMITED,
                f"More than {rate:g} lines a minute of this "
                "session or player (limits.lines_per_minute); wait retry_after_ms.",
                retry_after=wait,
            )


def too_many(wait: float) -> RequestError:
    """What a message is answered by whose client must wait so many seconds."""
    return RequestError(
        ErrorCode.RATE_LIMITED,
        "Too many messages (limits.messages_per_second); send fewer, wait retry_after_ms.",
        retry_after=wait,
    )
