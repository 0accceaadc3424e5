"""A conversation that is open in a session: its cast, history and state, one turn at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
from dialogue_protocol.codes import EndReason, ErrorCode
from dialogue_protocol.messages import (
    History,
    Open,
    Opened,
    Saved,
    ServerMessage,
    State,
    StateOk,
    Transcript,
)

from ..domain import tone
from ..domain.conversation import Checkpoint, ConversationKey, Node
from ..domain.language import chosen
from ..domain.persona import Persona, World
from ..domain.prompt import Message
from ..domain.scene import cast_ids
from ..domain.state import check_state, merge_patch
from ..domain.translations import localized
from ..errors import DialogueError, RequestError, StoreError, TakenOverError
from .answers import Answers
from .asking import Asked, waits
from .context import EngineContext
from .direction import Direction
from .inspecting import npc_info
from .languages import persona_in
from .observer import Failure
from .outbox import Outbox, Work
from .remembering import Remembering
from .request import assemble_prompt
from .retelling import transcript, without_tags
from .suggesting import Suggesting


class OpenConversation:
    """One conversation of one session. `take` opens it; `close` ends it."""

    def __init__(
        self,
        context: EngineContext,
        send: Callable[[ServerMessage], None],
        session: str,
        message: Open,
        *,
        designer: bool = False,
        allowed: frozenset[str] | None = None,
        budget: str = "",
    ) -> None:
        """`designer`: whether the prompts of recent turns are kept for `inspect`. `allowed` are
        the NPCs that the client may talk to; None for all. `budget`: the class of budget that its
        turns count against."""
        self.name = message.conversation
        self.key = ConversationKey(message.player.id, message.conversation)
        self.closed = False
        self.budget = budget
        self._shared = context
        self._model = message.model
        self.player = message.player
        self.scene = message.scene
        self.locale = message.locale
        self._npcs = self._present(message, allowed)
        self.nodes: list[Node] = []
        self.state: dict[str, Any] = context.world.state
        self._revision = 0
        self._warming: asyncio.Task[None] | None = None
        self.changing = asyncio.Lock()
        """Held by whatever changes the talk in the store, so that whoever comes next reads all."""
        self.outbox = Outbox()
        self.direction = Direction(self, send)
        self.remembering = Remembering(self)
        self.suggesting = Suggesting(self, send)
        self.answers = Answers(self, send, session, designer=designer)

    @property
    def context(self) -> EngineContext:
        """What all share, with the model that a designer chose for this conversation."""
        if not self._model:
            return self._shared
        return replace(self._shared, backend=self._shared.models[self._model])

    async def take(self, old: OpenConversation | None, checkpoint: str) -> Opened:
        """Load it, after `old`, which had it open here, has stored what it holds. Whoever opens it
        next waits for that, too. The answer to `open`."""
        async with self.changing:
            if old is not None:
                await old.close()
            if self._shared.directory is not None:
                await self._shared.directory.claim(self.key)
            return await self._load(checkpoint)

    async def load(self, checkpoint: str) -> Opened:
        """Read what the store knows, at a checkpoint or the newest. The answer to `load`."""
        async with self.changing:
            return await self._load(checkpoint)

    async def _load(self, checkpoint: str) -> Opened:
        """Read it; greet a new player."""
        self.check_open()
        personas = self.cast
        if checkpoint:
            await self.answers.stop()
        await self.outbox.flush()
        if checkpoint:
            snapshot = await self.context.store.restore(self.key, checkpoint)
            if snapshot is None:
                raise RequestError(
                    ErrorCode.UNKNOWN_CHECKPOINT,
                    f"{self.name!r} has no checkpoint {checkpoint!r}; it stays where it is.",
                )
        else:
            snapshot = await self.context.store.load(self.key)
        self.nodes[:] = snapshot.nodes
        if not checkpoint and self.nodes and waits(self.nodes[-1]):
            del self.nodes[-1]
        known = snapshot.revision or checkpoint
        self.state = snapshot.state if known else self.context.world.state
        self._revision = snapshot.revision
        await self.remembering.load(snapshot.saved)
        history = sum(node.kind == "npc" for node in self.nodes)
        greeting = ""
        if not self.nodes and personas[0].greeting:
            greeting = await self._greet(personas[0])
        self.check_open()
        if self._warming is None:
            self._warming = asyncio.create_task(self._warm(personas[0]), name=f"warm {self.name}")
        return Opened(
            conversation=self.name,
            npcs=[npc_info(persona, self.direction.tone(persona)) for persona in personas],
            greeting=greeting,
            history=history,
            revision=self._revision,
        )

    def check_open(self) -> None:
        """Raise a RequestError if another connection has taken it over meanwhile."""
        if self.closed:
            raise RequestError(
                ErrorCode.UNKNOWN_CONVERSATION, f"{self.name!r} has been closed meanwhile."
            )

    async def set_state(self, message: State) -> StateOk:
        """Take a snapshot, or a patch on the revision before it."""
        async with self.changing:
            self.check_open()
            return await self._set_state(message)

    async def _set_state(self, message: State) -> StateOk:
        limits = self.context.limits
        if message.snapshot is not None and message.patch is None:
            state = message.snapshot
        elif message.patch is None:
            raise RequestError(
                ErrorCode.STATE_INVALID, "state: needs a snapshot or a patch, and has neither."
            )
        elif message.snapshot is not None:
            raise RequestError(
                ErrorCode.STATE_INVALID, "state: takes a snapshot or a patch, not both."
            )
        elif message.revision != self._revision + 1:
            raise RequestError(
                ErrorCode.STATE_CONFLICT,
                f"state.revision: a patch must carry {self._revision + 1} (the server has "
                f"{self._revision}), got {message.revision}. Send a snapshot.",
            )
        else:
            state = merge_patch(self.state, message.patch)
        if message.revision < 1:
            raise RequestError(ErrorCode.STATE_INVALID, "state.revision: must be 1 or more.")
        check_state(state, max_bytes=limits.state_bytes, max_depth=limits.state_depth)
        await self.context.store.save_state(self.key, message.revision, state)
        self.state, self._revision = state, message.revision
        return StateOk(self.name, message.revision)

    async def _warm(self, persona: Persona) -> None:
        """Let the model read the stable prefix while the player still walks up."""
        prefix: tuple[Message, ...] = ()
        with contextlib.suppress(DialogueError):  # the first line will tell
            question = self.answers.question(persona, Asked(persona, "…"), ())
            prefix = assemble_prompt(self.context, question).messages[:-1]
        if prefix:
            await self.context.backend.warm(prefix)

    async def _greet(self, persona: Persona) -> str:
        """The greeting as a player reads it; its moods are remembered with it."""
        text, cues = without_tags(persona, persona.greeting, self.state)
        node = Node(
            id=self.context.new_id(),
            parent="",
            kind="npc",
            speaker=persona.id,
            text=text,
            at=self.context.now(),
            reason=EndReason.COMPLETE,
            meta={"cues": cues, "heard": self.heard},
        )
        try:
            await self.keep(node)
        except TakenOverError:
            raise
        except StoreError as error:  # it is said all the same, and stored before the first line
            self.context.observe(Failure(where=f"greet {self.name}", error=error.detail))
        return text

    async def keep(self, node: Node) -> None:
        """Remember what an NPC said, and store it. If the store fails, which is raised, it is
        stored before what comes next."""
        try:
            await self.outbox.put(partial(self.context.store.append, self.key, node))
        except StoreError:
            self.nodes.append(node)
            raise
        self.nodes.append(node)

    async def save(self) -> Saved:
        """Mark this moment."""
        async with self.changing:
            self.check_open()
            await self.outbox.flush()
            checkpoint = Checkpoint(
                id=self.context.new_id(),
                head=self.nodes[-1].id if self.nodes else "",
                revision=self._revision,
                state=self.state,
                at=self.context.now(),
            )
            await self.context.store.save_checkpoint(self.key, checkpoint)
        return Saved(self.name, checkpoint.id)

    async def history(self, message: History) -> Transcript:
        """What was said, on this branch or another."""
        nodes: Sequence[Node] = self.nodes
        if message.until:
            async with self.changing:
                await self.outbox.flush()
            nodes = await self.context.store.path(self.key, message.until)
            if not nodes:
                raise RequestError(
                    ErrorCode.UNKNOWN_TURN,
                    f"history.until: {self.name!r} has no turn {message.until!r}.",
                )
        return Transcript(self.name, transcript(nodes, message.last))

    async def cut(self, node: str, seen: int) -> None:
        """An interrupt that came after the turn's end: the reveal was slower than the stream. If
        the store fails, which is raised, it is cut there before what comes next."""
        async with self.changing:
            at = next((at for at, one in enumerate(self.nodes) if one.id == node), None)
            if at is None or seen >= len(self.nodes[at].text):
                return
            old, store = self.nodes[at], self.context.store
            speaker = self.context.personas.get(old.speaker)
            patch = tone.unseen(speaker, self.nodes[:at], old, seen) if speaker else {}
            self.nodes[at] = cut = msgspec.structs.replace(
                old,
                text=old.text[:seen],
                reason=EndReason.INTERRUPTED,
                meta=merge_patch(old.meta, patch),
            )
            works: list[Work] = [partial(store.amend, node, cut.text, cut.reason)]
            if patch:
                works.append(partial(store.annotate, node, patch))
            await self.outbox.put(*works)

    def lose(self) -> None:
        """Another server has taken it over, since this one gave no sign of life for a while:
        nothing of it goes on here. `close` follows, with the session's or before the next
        `open`."""
        self.closed = True
        if self.answers.turn is not None:
            self.answers.turn.stop(EndReason.TRUNCATED)

    async def close(self) -> None:
        """Stop a running turn, keep what was sent; wait until it is stored."""
        self.closed = True
        async with self.changing:
            pass  # what moves the head in the store does it before another reads it
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        await self.suggesting.stop()  # first: a turn's end would let it ask
        await self.answers.stop()
        async with self.changing:
            with contextlib.suppress(Exception):  # whoever waited for it was told that it failed
                await self.outbox.flush()
            self.outbox.clear()  # whoever opens it goes on without
        await self.direction.stop()
        await self.remembering.stop()

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
