"""A conversation that is open in a session: its cast, history and state, one turn at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial

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
from ..domain.conversation import Checkpoint, Node
from ..domain.persona import Persona
from ..domain.prompt import Message
from ..domain.state import check_state, merge_patch
from ..errors import DialogueError, RequestError, StoreError, TakenOverError
from .answers import Answers
from .asking import Asked, waits
from .context import EngineContext
from .direction import Direction
from .inspecting import npc_info
from .observer import Failure
from .open_conversations import Held, Neighbour
from .outbox import Work
from .remembering import Remembering
from .request import assemble_prompt
from .retelling import transcript, without_tags
from .suggesting import Suggesting
from .talk import Talk


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
        self.talk = Talk(context, message, allowed=allowed, budget=budget)
        self._revision = 0
        self._warming: asyncio.Task[None] | None = None
        self.direction = Direction(self.talk, send)
        self.remembering = Remembering(self.talk)
        self.answers = Answers(
            self.talk,
            send,
            session,
            self.direction,
            self.remembering,
            give_way=self._give_way,
            designer=designer,
        )
        self.suggesting = Suggesting(self.talk, send, self.answers)

    @property
    def memory(self) -> Neighbour:
        """What the player's other conversations tell it, and it them."""
        return self.talk.memory

    def _give_way(self) -> None:
        """A turn begins."""
        self.suggesting.give_way()
        self.remembering.give_way()

    async def take(self, old: Held | None, checkpoint: str) -> Opened:
        """Load it, after `old`, which had it open here, has stored what it holds. Whoever opens it
        next waits for that, too. The answer to `open`."""
        talk = self.talk
        async with talk.changing:
            if old is not None:
                await old.close()
            if talk.context.directory is not None:
                await talk.context.directory.claim(talk.key)
            return await self._load(checkpoint)

    async def load(self, checkpoint: str) -> Opened:
        """Read what the store knows, at a checkpoint or the newest. The answer to `load`."""
        async with self.talk.changing:
            return await self._load(checkpoint)

    async def _load(self, checkpoint: str) -> Opened:
        """Read it; greet a new player."""
        talk = self.talk
        talk.check_open()
        personas = talk.cast
        if checkpoint:
            await self.answers.stop()
        await talk.outbox.flush()
        if checkpoint:
            snapshot = await talk.context.store.restore(talk.key, checkpoint)
            if snapshot is None:
                raise RequestError(
                    ErrorCode.UNKNOWN_CHECKPOINT,
                    f"{talk.name!r} has no checkpoint {checkpoint!r}; it stays where it is.",
                )
        else:
            snapshot = await talk.context.store.load(talk.key)
        talk.nodes[:] = snapshot.nodes
        if not checkpoint and talk.nodes and waits(talk.nodes[-1]):
            del talk.nodes[-1]
        known = snapshot.revision or checkpoint
        talk.state = snapshot.state if known else talk.context.world.state
        self._revision = snapshot.revision
        await self.remembering.load(snapshot.saved)
        history = sum(node.kind == "npc" for node in talk.nodes)
        greeting = ""
        if not talk.nodes and personas[0].greeting:
            greeting = await self._greet(personas[0])
        talk.check_open()
        if self._warming is None:
            self._warming = asyncio.create_task(self._warm(personas[0]), name=f"warm {talk.name}")
        return Opened(
            conversation=talk.name,
            npcs=[npc_info(persona, self.direction.tone(persona)) for persona in personas],
            greeting=greeting,
            history=history,
            revision=self._revision,
        )

    async def set_state(self, message: State) -> StateOk:
        """Take a snapshot, or a patch on the revision before it."""
        async with self.talk.changing:
            self.talk.check_open()
            return await self._set_state(message)

    async def _set_state(self, message: State) -> StateOk:
        talk = self.talk
        limits = talk.context.limits
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
            state = merge_patch(talk.state, message.patch)
        if message.revision < 1:
            raise RequestError(ErrorCode.STATE_INVALID, "state.revision: must be 1 or more.")
        check_state(state, max_bytes=limits.state_bytes, max_depth=limits.state_depth)
        await talk.context.store.save_state(talk.key, message.revision, state)
        talk.state, self._revision = state, message.revision
        return StateOk(talk.name, message.revision)

    async def _warm(self, persona: Persona) -> None:
        """Let the model read the stable prefix while the player still walks up."""
        prefix: tuple[Message, ...] = ()
        with contextlib.suppress(DialogueError):  # the first line will tell
            question = self.answers.question(persona, Asked(persona, "…"), ())
            prefix = assemble_prompt(self.talk.context, question).messages[:-1]
        if prefix:
            await self.talk.context.backend.warm(prefix)

    async def _greet(self, persona: Persona) -> str:
        """The greeting as a player reads it; its moods are remembered with it."""
        talk = self.talk
        text, cues = without_tags(persona, persona.greeting, talk.state)
        node = Node(
            id=talk.context.new_id(),
            parent="",
            kind="npc",
            speaker=persona.id,
            text=text,
            at=talk.context.now(),
            reason=EndReason.COMPLETE,
            meta={"cues": cues, "heard": talk.heard},
        )
        try:
            await talk.keep(node)
        except TakenOverError:
            raise
        except StoreError as error:  # it is said all the same, and stored before the first line
            talk.context.observe(Failure(where=f"greet {talk.name}", error=error.detail))
        return text

    async def save(self) -> Saved:
        """Mark this moment."""
        talk = self.talk
        async with talk.changing:
            talk.check_open()
            await talk.outbox.flush()
            checkpoint = Checkpoint(
                id=talk.context.new_id(),
                head=talk.nodes[-1].id if talk.nodes else "",
                revision=self._revision,
                state=talk.state,
                at=talk.context.now(),
            )
            await talk.context.store.save_checkpoint(talk.key, checkpoint)
        return Saved(talk.name, checkpoint.id)

    async def history(self, message: History) -> Transcript:
        """What was said, on this branch or another."""
        talk = self.talk
        nodes: Sequence[Node] = talk.nodes
        if message.until:
            async with talk.changing:
                await talk.outbox.flush()
            nodes = await talk.context.store.path(talk.key, message.until)
            if not nodes:
                raise RequestError(
                    ErrorCode.UNKNOWN_TURN,
                    f"history.until: {talk.name!r} has no turn {message.until!r}.",
                )
        return Transcript(talk.name, transcript(nodes, message.last))

    async def cut(self, node: str, seen: int) -> None:
        """An interrupt that came after the turn's end: the reveal was slower than the stream. If
        the store fails, which is raised, it is cut there before what comes next."""
        talk = self.talk
        async with talk.changing:
            at = next((at for at, one in enumerate(talk.nodes) if one.id == node), None)
            if at is None or seen >= len(talk.nodes[at].text):
                return
            old, store = talk.nodes[at], talk.context.store
            speaker = talk.context.personas.get(old.speaker)
            patch = tone.unseen(speaker, talk.nodes[:at], old, seen) if speaker else {}
            talk.nodes[at] = cut = msgspec.structs.replace(
                old,
                text=old.text[:seen],
                reason=EndReason.INTERRUPTED,
                meta=merge_patch(old.meta, patch),
            )
            works: list[Work] = [partial(store.amend, node, cut.text, cut.reason)]
            if patch:
                works.append(partial(store.annotate, node, patch))
            await talk.outbox.put(*works)

    async def close(self) -> None:
        """Stop a running turn, keep what was sent; wait until it is stored."""
        talk = self.talk
        talk.closed = True
        async with talk.changing:
            pass  # what moves the head in the store does it before another reads it
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        await self.suggesting.stop()  # first: a turn's end would let it ask
        await self.answers.stop()
        async with talk.changing:
            with contextlib.suppress(Exception):  # whoever waited for it was told that it failed
                await talk.outbox.flush()
            talk.outbox.clear()  # whoever opens it goes on without
        await self.direction.stop()
        await self.remembering.stop()
