"""What the cast of a conversation remembers of elsewhere, and the summing up of what is long ago.

Summing up is done by the model in the background, after a turn: at most one request for a
conversation, never waited for, and where the model shares the machine with the turns
(`limits.summaries` "alone") only while no turn runs. Without it nothing is lost: the lines stay.
"""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

from msgspec import structs

from ..backends.base import ModelRequest, Sampling, Usage
from ..domain.conversation import Node
from ..domain.memory import past as memory
from ..domain.memory import recall as memory_recall
from ..domain.memory import summary as memory_summary
from ..domain.memory.past import Past, Rememberer
from ..domain.memory.summary import Due
from ..domain.persona import Persona
from ..domain.state import merge_patch
from ..errors import DialogueError, StoreError
from .charging import ask_aside
from .observer import Failure, MemorySummed
from .talk import Talk

CONVERSATIONS = 8
"""How many of a player's other conversations are read: those that grew last."""
LINES = 200
"""The newest lines that are read of each."""
DIGESTED = 50
"""Lines that are read closely before others get their turn: a few milliseconds' work."""
RETRY_LINES = 12
"""After a summary that failed, so many more lines are waited for."""


class Remembering:
    """The memory of one conversation's cast. `load` reads, `stop` ends what runs."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._elsewhere: tuple[tuple[Node, ...], ...] = ()
        self._pasts: dict[str, Past] = {}
        self._summing: asyncio.Task[None] | None = None
        self._digesting: asyncio.Task[None] | None = None
        self._next_try: dict[str, int] = {}

    async def load(self, saved: float = 0.0) -> None:
        """Read what is remembered of elsewhere. `saved`: when the checkpoint was made that the
        conversation has just gone back to, 0 for none."""
        await self.stop()
        self._next_try.clear()
        self._pasts.clear()
        self._talk.memory.undone = (saved, self._talk.context.now()) if saved else None
        self._talk.memory.stale = True
        await self.refresh()
        self._tell_others()
        self._digesting = asyncio.create_task(
            self._digest([*self._talk.nodes, *(node for path in self._elsewhere for node in path)]),
            name=f"remember {self._talk.name}",
        )

    async def refresh(self) -> None:
        """Read the player's other conversations again if they have grown. If that fails, what is
        known stays, and the next turn tries again: no line waits for memories."""
        if not self._talk.memory.stale:
            return
        talk, context = self._talk, self._talk.context
        self._talk.memory.stale = False
        found: tuple[tuple[Node, ...], ...] = ()
        if context.world.memory_rules.elsewhere:
            try:
                found = await context.store.elsewhere(talk.key, CONVERSATIONS, LINES)
            except StoreError as error:
                context.observe(Failure(where=f"remember {talk.name}", error=error.detail))
                self._talk.memory.stale = True
                return
        self._elsewhere = found
        self._pasts.clear()

    def past(self, persona: Persona) -> Past:
        """What an NPC heard in the player's other conversations, as far as it has happened."""
        past = self._pasts.get(persona.id)
        if past is None:
            paths = reversed(self._elsewhere)
            said = [node for path in paths for node in memory.heard(path, persona.id)]
            lines = memory.happened(said, self._undone_times())
            known = self._talk.context.personas
            names = {node.speaker for node in lines if node.kind == "npc"} & known.keys()
            past = Past(lines, tuple((npc, known[npc].name) for npc in sorted(names)))
            self._pasts[persona.id] = past
        return past

    def stamp(self) -> dict[str, Any]:
        """What the record of a new line keeps: the game's time, and, after going back to a save
        slot, which time elsewhere has not happened."""
        made = memory.stamp(self._talk.context.world, self._talk.state)
        newest = max(self._undone_times(), key=lambda span: span[1], default=None)
        if newest is not None and newest not in memory.undone(self._talk.nodes):
            made[memory.UNDONE] = list(newest)
        return made

    def _undone_times(self) -> list[memory.Span]:
        talk = self._talk
        own = talk.context.conversations.of(talk.key.player)
        pending = [each.memory.undone for each in own]
        return memory.all_undone(talk.nodes, self._elsewhere, filter(None, pending))

    # ------------------------------------------------------------ in the background

    def give_way(self) -> None:
        """Leave the model to a turn that begins, where it is one machine's: what is being summed
        up begins anew after a later turn."""
        context = self._talk.context
        if context.limits.summaries == "alone":
            for summing in context.summing:
                summing.cancel()

    def turn_ended(self) -> None:
        """A turn is over: others may have to read anew, and a summary may be due."""
        self._tell_others()
        if self._summing is None or self._summing.done():
            due = self._due()
            if due is not None:
                self._summing = asyncio.create_task(
                    self._sum_up(due), name=f"sum up {self._talk.name}"
                )
                self._talk.context.summing.add(self._summing)
                self._summing.add_done_callback(self._talk.context.summing.discard)

    async def stop(self) -> None:
        """End what runs in the background; wait until it has ended."""
        tasks = [task for task in (self._summing, self._digesting) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _tell_others(self) -> None:
        talk = self._talk
        for conversation in talk.context.conversations.of(talk.key.player):
            if conversation.memory is not talk.memory:
                conversation.memory.stale = True

    async def _digest(self, nodes: list[Node]) -> None:
        """Look at old lines closely before the first turn needs them."""
        for at in range(0, len(nodes), DIGESTED):
            memory_recall.digest(nodes[at : at + DIGESTED])
            await asyncio.sleep(0)

    def _due(self) -> Due | None:
        """The next summary that may be made now."""
        talk, context = self._talk, self._talk.context
        allowed = (
            context.limits.summaries != "never"
            and context.world.memory_rules.summaries
            and context.backend.layout != "compact"  # a tiny model cannot
            and not (talk.closed or context.draining)
        )
        if not allowed or (context.limits.summaries == "alone" and not context.has_spare_model):
            return None
        for npc in talk.heard:
            if npc in context.personas and len(talk.nodes) >= self._next_try.get(npc, 0):
                due = memory_summary.due(talk.nodes, npc)
                if due is not None:
                    return due
        return None

    async def _sum_up(self, due: Due | None) -> None:
        """Make every summary that is due, one after another."""
        while due is not None:
            talk = self._talk
            problem, usage = "", Usage()
            try:
                problem, usage = await self._summary(due)
            except DialogueError as error:
                problem = f"{error.code}: {error.detail}"
            except TimeoutError:
                problem = "the model took longer than limits.summary_seconds"
            except Exception:
                where = f"summing up {talk.name}"
                talk.context.observe(Failure(where=where, error=traceback.format_exc()))
                problem = "the server failed"
            if problem:
                self._next_try[due.npc] = len(talk.nodes) + RETRY_LINES
            talk.context.observe(
                MemorySummed(
                    conversation=talk.name,
                    npc=due.npc,
                    lines=len(due.lines),
                    problem=problem,
                    input_tokens=usage.input_tokens,
                    output_tokens=usage.output_tokens,
                )
            )
            due = self._due()

    async def _summary(self, due: Due) -> tuple[str, Usage]:
        """Make one summary and keep it. What was wrong with it, "" for nothing, and its cost."""
        talk, context = self._talk, self._talk.context
        names = tuple((npc, context.personas[npc].name) for npc in context.personas)
        who = Rememberer(due.npc, talk.player.name, names)
        request = ModelRequest(
            memory_summary.ask(due, who),
            max_tokens=memory_summary.MAX_TOKENS,
            sampling=Sampling(temperature=memory_summary.TEMPERATURE),
        )
        async with asyncio.timeout(context.limits.summary_seconds):
            said, usage = await ask_aside(
                context, talk.key, due.npc, talk.budget, request, "summary"
            )
        made = memory_summary.kept(said, due, who)
        if made is None:
            return "nothing that the model wrote rests on what was said", usage
        await context.store.annotate(due.node, made)
        for at, node in enumerate(talk.nodes):
            if node.id == due.node:
                talk.nodes[at] = structs.replace(node, meta=merge_patch(node.meta, made))
        return "", usage
