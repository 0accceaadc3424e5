"""What goes on in a conversation besides its words: moods, the stage of its scene, triggers.

Nothing is kept here: all of it is recorded in the nodes and read from the path again, so that it
goes back with a save slot.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable

from dialogue_protocol.messages import ServerMessage
from dialogue_protocol.messages import Trigger as TriggerMessage

from ..backends.base import ModelRequest, Sampling
from ..domain import tone, triggers
from ..domain.conversation import Node
from ..domain.persona import Persona
from ..domain.scene import stage_of
from ..domain.tone import TONE, Tone
from ..errors import DialogueError
from .charging import ask_aside
from .observer import Failure, TriggerFired, TriggerJudged
from .talk import Talk

JUDGE_SECONDS = 20.0
JUDGE_TOKENS = 8


class Direction:
    """The director of one conversation."""

    def __init__(self, talk: Talk, send: Callable[[ServerMessage], None]) -> None:
        self._talk = talk
        self._send = send
        self._judges: set[asyncio.Task[None]] = set()
        self._settled: set[asyncio.Task[None]] = set()
        """Those of them whose verdict is being kept and told."""
        self._verdicts = asyncio.Lock()  # else two at a time would write over each other's

    # ------------------------------------------------------------ before a turn

    def hear(self, node: Node) -> Node:
        """What the player said or the game told, with the tones that it leaves the cast in; to
        be called before the node is stored. Where nobody answers, that ends a turn."""
        moved = {}
        for persona in self._talk.cast_in():
            before = tone.tone_of(persona, self._talk.nodes)
            after = tone.hear(
                persona, before, node.text, self._talk.state, decay=node.kind == "player"
            )
            if after != before:
                moved[persona.id] = after
        if moved:
            node = triggers.with_meta(node, {TONE: tone.record(moved)})
        return node if node.meta.get("to") else self._noticed(node)

    @property
    def stage(self) -> str:
        """The stage that the scene is at."""
        talk = self._talk
        return stage_of(talk.context.world, talk.scene, talk.nodes, talk.state)

    def tone(self, persona: Persona) -> Tone:
        """The tone that an NPC is in."""
        return tone.tone_of(persona, self._talk.nodes)

    def tone_after(self, persona: Persona, text: str) -> Tone:
        """The tone that an NPC would be in if the player said this."""
        return tone.hear(persona, self.tone(persona), text, self._talk.state)

    def mood_to_tell(self, persona: Persona) -> Tone | None:
        """The tone that the client must be told before an NPC's next word; None if it knows."""
        now = self.tone(persona)
        return now if now.mood and tone.must_tell(persona, now, self._talk.nodes) else None

    # ------------------------------------------------------------ after a turn

    def conclude(self, node: Node) -> Node:
        """An NPC's line, with its tone and what it sets off; to be called before it is stored.
        Never raises: a turn ends whatever happens."""
        try:
            return self._concluded(node)
        except Exception:
            self._failed(f"turn {node.id}")
            return node

    def _concluded(self, node: Node) -> Node:
        persona = next((one for one in self._talk.cast if one.id == node.speaker), None)
        if persona is not None and persona.moods:
            before = tone.tone_of(persona, self._talk.nodes)
            after = tone.shown_in(persona, before, node)
            if after != before:
                node = triggers.with_meta(node, {TONE: tone.record({persona.id: after})})
        return self._noticed(node)

    def tell(self, node: Node) -> None:
        """Tell the game of what a turn set off; to be called when the turn has been reported and
        its node is the conversation's newest."""
        for firing in triggers.fired(node):
            self._fire(firing)
        try:
            waiting = triggers.due(self._moment(tuple(self._talk.nodes))).judged
        except Exception:
            self._failed(f"triggers after {node.id}")
            return
        for placed in waiting:
            task = asyncio.create_task(self._judge(placed, node.id), name=f"judge {placed.id}")
            self._judges.add(task)
            task.add_done_callback(self._judges.discard)
            task.add_done_callback(self._settled.discard)

    def _fire(self, firing: triggers.Firing) -> None:
        talk = self._talk
        self._send(TriggerMessage(talk.name, firing.name, firing.stage, firing.args))
        talk.context.observe(TriggerFired(talk.name, firing.id, firing.stage))

    def _failed(self, where: str) -> None:
        self._talk.context.observe(Failure(where=where, error=traceback.format_exc()))

    def _moment(self, nodes: tuple[Node, ...]) -> triggers.Moment:
        talk = self._talk
        cast = tuple(talk.cast_in())
        return triggers.Moment(talk.world_in(), cast, talk.scene, talk.state, nodes)

    def _noticed(self, node: Node) -> Node:
        moment = self._moment((*self._talk.nodes, node))
        due = triggers.due(moment)
        return triggers.with_meta(node, triggers.record(moment, due.firings, due.stage))

    # ------------------------------------------------------------ judges

    async def _judge(self, placed: triggers.Placed, node: str) -> None:
        """Ask the model about a conversation as it is after a turn, and act on a yes."""
        try:
            if await self._ask(placed):
                async with self._verdicts:
                    await self._agreed(placed, node)
        except DialogueError as error:
            self._talk.context.observe(Failure(where=f"judge {placed.id}", error=error.detail))
        except Exception:
            self._failed(f"judge {placed.id}")

    async def _ask(self, placed: triggers.Placed) -> bool:
        """Whether the model says yes."""
        talk = self._talk
        if not talk.context.has_spare_model:  # it is asked another time
            problem = "turns wait for the model"
            talk.context.observe(TriggerJudged(talk.name, placed.id, "", problem))
            return False
        messages = triggers.judge_messages(
            placed, self._moment(tuple(talk.nodes)), talk.player.name
        )
        request = ModelRequest(
            messages, max_tokens=JUDGE_TOKENS, sampling=Sampling(temperature=0.0)
        )
        said, problem = "", ""
        try:
            async with asyncio.timeout(JUDGE_SECONDS):
                npc = talk.heard[0]
                said, _ = await ask_aside(
                    talk.context, talk.key, npc, talk.budget, request, "judge"
                )
        except TimeoutError:
            problem = f"no answer within {JUDGE_SECONDS:g} s"
        except DialogueError as error:
            problem = error.detail
        yes = not problem and triggers.verdict(said)
        word = "" if problem else "yes" if yes else "no"
        talk.context.observe(TriggerJudged(talk.name, placed.id, word, problem))
        return yes

    async def _agreed(self, placed: triggers.Placed, node: str) -> None:
        """Act on a judge's yes about the conversation as it was after a turn."""
        talk = self._talk
        if talk.closed or not self._is_on_path(node):
            return  # the game has gone back to before it
        moment = self._moment(tuple(talk.nodes))
        firing = triggers.judged(placed, moment)
        if firing is None:
            return
        newest = talk.nodes[-1]
        stage = firing.stage or stage_of(moment.world, moment.scene, moment.nodes, moment.state)
        meta = triggers.record(moment, [firing], stage)
        task = asyncio.current_task()
        assert task is not None
        self._settled.add(task)  # what is kept is told: it would not fire again
        await talk.context.store.annotate(newest.id, meta)
        if self._is_on_path(newest.id):
            talk.nodes[:] = [
                triggers.with_meta(one, meta) if one.id == newest.id else one for one in talk.nodes
            ]
            self._fire(firing)

    def _is_on_path(self, node: str) -> bool:
        """Whether a node is on the path that the game is on."""
        return any(one.id == node for one in self._talk.nodes)

    async def stop(self) -> None:
        """Ask no judge any more. What one has agreed to and is being kept is told first."""
        judges = list(self._judges)
        for judge in self._judges - self._settled:
            judge.cancel()
        if judges:
            await asyncio.wait(judges)
