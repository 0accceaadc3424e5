"""A conversation as it stands: who takes part, what was said, the state. What goes on in it is the
business of the modules that hold one (conversation.py)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import Open

from ..domain.conversation import ConversationKey, Node
from ..domain.language import chosen
from ..domain.persona import Persona, World
from ..domain.scene import cast_ids
from ..domain.translations import localized
from ..errors import RequestError, StoreError
from .context import EngineContext
from .languages import persona_in
from .open_conversations import Neighbour
from .outbox import Outbox


class Talk:
    """What all that goes on in one conversation shares."""

    def __init__(
        self,
        context: EngineContext,
        message: Open,
        *,
        allowed: frozenset[str] | None = None,
        budget: str = "",
    ) -> None:
        """`allowed` are the NPCs that the client may talk to; None for all. `budget`: the class of
        budget that its turns count against."""
        self.name = message.conversation
        self.key = ConversationKey(message.player.id, message.conversation)
        self.closed = False
        self.budget = budget
        self.player = message.player
        self.scene = message.scene
        self.locale = message.locale
        self.nodes: list[Node] = []
        self.state: dict[str, Any] = context.world.state
        self.changing = asyncio.Lock()
        """Held by whatever changes the talk in the store, so that whoever comes next reads all."""
        self.outbox = Outbox()
        self.memory = Neighbour()
        self._shared = context
        self._model = message.model
        self._npcs = self._present(message, allowed)

    @property
    def context(self) -> EngineContext:
        """What all share, with the model that a designer chose for this conversation."""
        if not self._model:
            return self._shared
        return replace(self._shared, backend=self._shared.models[self._model])

    def check_open(self) -> None:
        """Raise a RequestError if another connection has taken it over meanwhile."""
        if self.closed:
            raise RequestError(
                ErrorCode.UNKNOWN_CONVERSATION, f"{self.name!r} has been closed meanwhile."
            )

    async def keep(self, node: Node) -> None:
        """Remember what an NPC said, and store it. If the store fails, which is raised, it is
        stored before what comes next."""
        try:
            await self.outbox.put(partial(self.context.store.append, self.key, node))
        except StoreError:
            self.nodes.append(node)
            raise
        self.nodes.append(node)

    @property
    def cast(self) -> list[Persona]:
        """Everyone who takes part: in the order of `open`, then the scene's own. A RequestError
        if one of them is gone from the content meanwhile."""
        return [self.persona(npc) for npc in self._npcs]

    def check_cast(self) -> None:
        """Raise a RequestError if one of them is not there."""
        for npc in self._npcs:
            self.persona(npc)

    def cast_in(self, locale: str = "") -> list[Persona]:
        """The cast with its texts in the language of a line, else of the conversation: what a
        player's words are looked up in."""
        return [persona_in(self.context, one, locale, self.locale)[0] for one in self.cast]

    def world_in(self, locale: str = "") -> World:
        """The world, in the same language."""
        language = chosen((locale, self.locale, self.context.language))
        return localized(self.context.world, language)

    @property
    def heard(self) -> list[str]:
        """The ids of those who hear what is said now."""
        return list(self._npcs)

    def member(self, field: str, npc: str) -> Persona:
        """The persona of one who takes part; a RequestError that names the field if it does not."""
        if npc not in self._npcs:
            raise RequestError(
                ErrorCode.UNKNOWN_NPC,
                f"{field}: {npc!r} takes no part in {self.name!r}; "
                f"there are: {', '.join(self._npcs)}.",
            )
        return self.persona(npc)

    def persona(self, npc: str) -> Persona:
        """An NPC of the content; a RequestError if there is none of this id."""
        persona = self.context.personas.get(npc)
        if persona is None:
            known = ", ".join(sorted(self.context.personas)) or "none could be loaded"
            raise RequestError(
                ErrorCode.UNKNOWN_NPC, f"There is no NPC {npc!r}; the server has: {known}."
            )
        return persona_in(self.context, persona, self.locale)[0]

    def _present(self, message: Open, allowed: frozenset[str] | None) -> list[str]:
        """Whom the client named, and those of the scene's own that there are and that it may
        talk to."""
        everyone = cast_ids(self._shared.world, message.scene, message.npcs)
        there = self._shared.personas
        return [
            npc
            for npc in everyone
            if npc in message.npcs or (npc in there and (allowed is None or npc in allowed))
        ]
