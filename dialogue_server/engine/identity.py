"""Who a session belongs to, and what it may do. How that is proved is the server's affair
(server/admission.py)."""

from __future__ import annotations

import math

from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import Open
from msgspec import Struct

from ..errors import RequestError

PLAYER, DESIGNER, OPERATOR = "player", "designer", "operator"
RECORD = "record"
"""The capability of having the session recorded, for whoever has the right of a designer."""
RIGHTS = (PLAYER, DESIGNER, OPERATOR)
"""To talk; to look behind the talk (`inspect`, `npcs`); to look at the server. None of them
implies another."""


LEEWAY = 30.0
"""Seconds that the clocks of a ticket's maker and of this server may differ."""


class Identity(Struct, frozen=True):
    """A session's owner. `expires` is Unix time in seconds: a session may begin until then."""

    player: str = ""
    """The one player whose conversations it may open; "" for any."""
    rights: frozenset[str] = frozenset({PLAYER})
    npcs: frozenset[str] | None = None
    """The NPCs it may talk to; None for all."""
    scenes: frozenset[str] | None = None
    """The scenes it may talk in, "" being nowhere in particular; None for all."""
    budget: str = ""
    """The class of budget that its turns count against; "" for the ordinary one."""
    expires: float = math.inf

    def has_expired(self, now: float) -> bool:
        """Whether it is too late to begin anything with it."""
        return now > self.expires + LEEWAY

    def is_same(self, other: Identity) -> bool:
        """Whether it may go on with the other's session: the same player with the same rights,
        maybe by another ticket."""
        return (self.player, self.rights) == (other.player, other.rights)

    def granted(self, asked: list[str]) -> list[str]:
        """The capabilities of a hello that it may have."""
        if DESIGNER not in self.rights:
            return []
        return [name for name in dict.fromkeys(asked) if name in (DESIGNER, RECORD)]

    def check_open(self, message: Open) -> None:
        """Raise a RequestError (FORBIDDEN) that names the field unless it may open that."""
        if PLAYER not in self.rights:
            raise _forbidden("open: this ticket has not the right `player`, which talking needs.")
        if self.player and message.player.id != self.player:
            raise _forbidden(
                f"open.player.id: this ticket is another player's, send its own id ({self.player})."
            )
        for npc in message.npcs:
            if self.npcs is not None and npc not in self.npcs:
                raise _forbidden(f"open.npcs: this ticket is not for talking to {npc!r}.")
        if self.scenes is not None and message.scene not in self.scenes:
            where = f"in the scene {message.scene!r}" if message.scene else "without a scene"
            raise _forbidden(f"open.scene: this ticket is not for talking {where}.")


LOCAL = Identity(rights=frozenset(RIGHTS))
"""A caller in this process, or on this machine where settings trust it."""


def _forbidden(detail: str) -> RequestError:
    return RequestError(ErrorCode.FORBIDDEN, detail)
