"""A conversation that is open in a session: its cast, history and state, one turn at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from dialogue_protocol.codes import EndReason, ErrorCode
from dialogue_protocol.messages import (
    History,
    NpcInfo,
    Open,
    Opened,
    Regenerate,
    Saved,
    Say,
    ServerMessage,
    State,
    StateOk,
    Transcript,
    Turn,
)

from ..backends.base import ModelRequest
from ..domain import authored
from ..domain.conversation import Checkpoint, ConversationKey, Node
from ..domain.persona import Persona
from ..domain.prompt import Message
from ..domain.state import check_state, merge_patch
from ..errors import DialogueError, RequestError
from .context import EngineContext
from .observer import TurnStarted
from .request import Question, assemble_prompt, model_request, text_stream
from .retelling import answer_again, mood_of, transcript, without_tags
from .turn import TurnRunner

TRIMMED = 0.6
"""The share of the budget that a second prompt gets when the first overflowed the model."""


class OpenConversation:
    """One conversation of one session. `create` makes one; `close` ends it."""

    def __init__(
        self,
        context: EngineContext,
        send: Callable[[ServerMessage], None],
        session: str,
        message: Open,
    ) -> None:
        self.name = message.conversation
        self.key = ConversationKey(message.player.id, message.conversation)
        self.turn: TurnRunner | None = None
        self.closed = False
        self._context = context
        self._send = send
        self._session = session
        self._player = message.player
        self._scene = message.scene
        self._locale = message.locale
        self._npcs = list(dict.fromkeys(message.npcs))
        self._nodes: list[Node] = []
        self._state: dict[str, Any] = context.world.state
        self._revision = 0
        self._warming: asyncio.Task[None] | None = None
        self._task: asyncio.Task[Node] | None = None

    async def load(self, checkpoint: str = "") -> Opened:
        """Read what the store knows, at a checkpoint or the newest; greet a new player. The
        answer to `open` and to `load`."""
        personas = [self._persona(npc) for npc in self._npcs]
        if checkpoint:
            await self._stop()
            snapshot = await self._context.store.restore(self.key, checkpoint)
            if snapshot is None:
                raise RequestError(
                    ErrorCode.UNKNOWN_CHECKPOINT,
                    f"{self.name!r} has no checkpoint {checkpoint!r}; it stays where it is.",
                )
        else:
            snapshot = await self._context.store.load(self.key)
        self._nodes[:] = snapshot.nodes
        known = snapshot.revision or checkpoint
        self._state = snapshot.state if known else self._context.world.state
        self._revision = snapshot.revision
        history = sum(node.kind == "npc" for node in self._nodes)
        greeting = ""
        if not self._nodes and personas[0].greeting:
            greeting = await self._greet(personas[0])
        if self._warming is None:
            self._warming = asyncio.create_task(self._warm(personas[0]), name=f"warm {self.name}")
        return Opened(
            conversation=self.name,
            npcs=[
                NpcInfo(
                    id=persona.id,
                    name=persona.name,
                    mood=mood_of(persona, reversed(self._nodes)),
                    moods=persona.moods,
                    actions=[action.name for action in persona.actions],
                )
                for persona in personas
            ],
            greeting=greeting,
            history=history,
            revision=self._revision,
        )

    async def set_state(self, message: State) -> StateOk:
        """Take a snapshot, or a patch on the revision before it."""
        limits = self._context.limits
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
            state = merge_patch(self._state, message.patch)
        if message.revision < 1:
            raise RequestError(ErrorCode.STATE_INVALID, "state.revision: must be 1 or more.")
        check_state(state, max_bytes=limits.state_bytes, max_depth=limits.state_depth)
        await self._context.store.save_state(self.key, message.revision, state)
        self._state, self._revision = state, message.revision
        return StateOk(self.name, message.revision)

    async def say(self, message: Say, number: int) -> TurnRunner | None:
        """Answer the player's line; None if the line is known and its answer was repeated."""
        began = self._context.monotonic()
        text = message.text.strip()
        limit = self._context.limits.line_chars
        if not text:
            raise RequestError(ErrorCode.EMPTY_LINE, "say.text: the line is empty.")
        if len(text) > limit:
            raise RequestError(
                ErrorCode.LINE_TOO_LONG,
                f"say.text: {len(text)} code points; the server takes {limit} (limits.line_chars).",
            )
        if self._running and await self._has_answer(message.line, number):
            return None
        persona = self._addressed(message)
        question = self._question(persona, text, message.locale)
        asked = Node(
            id=self._context.new_id(),
            parent=self._nodes[-1].id if self._nodes else "",
            kind="player",
            speaker=self._player.name,
            text=text,
            at=self._context.now(),
            line=message.line,
        )
        stored = await self._context.store.append(self.key, asked)
        if stored.id == asked.id:
            self._nodes.append(asked)
        else:
            if await self._has_answer(message.line, number):
                return None
            # Said before, and never answered: the server died in between.
            *before, asked = await self._context.store.path(self.key, stored.id)
            self._nodes[:] = before
            question = self._question(persona, asked.text, message.locale)
            self._nodes.append(asked)
        return self._answer(question, asked, number=number, began=began, line=message.line)

    async def regenerate(self, message: Regenerate, number: int) -> TurnRunner | None:
        """Answer a line anew, beside the old answer; None if this request is known."""
        began = self._context.monotonic()
        if await self._has_answer(message.line, number):
            return None
        path = await self._context.store.path(self.key, message.id)
        if len(path) < 2 or path[-1].kind != "npc" or path[-2].kind != "player":
            raise RequestError(
                ErrorCode.UNKNOWN_TURN,
                f"regenerate.id: {self.name!r} has no answer {message.id!r} to a line.",
            )
        *before, asked, old = path
        persona = self._persona(old.speaker)
        self._nodes[:] = before
        question = self._question(persona, asked.text)
        self._nodes.append(asked)
        return self._answer(question, asked, number=number, began=began, line=message.line)

    @property
    def _running(self) -> TurnRunner | None:
        return None if self.turn is None or self.turn.phase == "ended" else self.turn

    async def _has_answer(self, line: str, number: int) -> bool:
        """Whether this very line is being answered (its stream is on the way, and answers both)
        or has been, which is then told again. Raises BUSY if another one is being answered."""
        running = self._running
        if running is not None and running.line == line:
            return True
        found = await self._context.store.find_line(self.key, line)
        if found is not None and found.answer is not None:
            for message in answer_again(found.answer, self.name, number, line):
                self._send(message)
            return True
        if running is None:
            return False
        raise RequestError(
            ErrorCode.BUSY,
            f"A turn is running in {self.name!r}; wait for its turn_end, or interrupt it.",
        )

    def _answer(
        self, question: Question, asked: Node, *, number: int, began: float, line: str
    ) -> TurnRunner:
        context, persona = self._context, question.persona
        if self.closed:  # by another connection, while this line was being stored
            raise RequestError(
                ErrorCode.UNKNOWN_CONVERSATION, f"{self.name!r} has been closed meanwhile."
            )
        prompt = assemble_prompt(context, question)
        said = [node.text for node in self._nodes if node.speaker == persona.id][-4:]
        words = authored.authored_text(persona, self._state, asked.text, said=said)

        def shorter() -> ModelRequest:
            trimmed = assemble_prompt(context, question, share=TRIMMED)
            return model_request(context, persona, trimmed, self.key, words)

        turn = self.turn = TurnRunner(
            context,
            self._send,
            session=self._session,
            key=self.key,
            persona=persona,
            number=number,
            asked=asked,
            line=line,
            began=began,
            remember=self._nodes.append,
        )
        self._send(Turn(number, turn.node, self.name, persona.id, line))
        context.observe(
            TurnStarted(
                session=self._session,
                conversation=self.name,
                turn=turn.node,
                npc=persona.id,
                backend=context.backend.name,
                prompt_tokens=prompt.tokens,
                dropped=len(prompt.dropped),
            )
        )
        names = [self._player.name, *(self._persona(npc).name for npc in self._npcs)]
        self._task = turn.start(
            model_request(context, persona, prompt, self.key, words),
            text_stream(context, persona, names, self._state),
            fallback=words,
            shorter=shorter,
            prompt_tokens=prompt.tokens,
        )
        return turn

    def _question(self, persona: Persona, text: str, locale: str = "") -> Question:
        return Question(
            persona=persona,
            player=self._player,
            text=text,
            scene=self._scene,
            state=self._state,
            history=tuple(node for node in self._nodes if node.text),
            locale=locale or self._locale,
        )

    async def _warm(self, persona: Persona) -> None:
        """Let the model read the stable prefix while the player still walks up."""
        prefix: tuple[Message, ...] = ()
        with contextlib.suppress(DialogueError):  # the first line will tell
            prefix = assemble_prompt(self._context, self._question(persona, "…")).messages[:-1]
        if prefix:
            await self._context.backend.warm(prefix)

    async def _greet(self, persona: Persona) -> str:
        """The greeting as a player reads it; its moods are remembered with it."""
        text, cues = without_tags(persona, persona.greeting, self._state)
        node = Node(
            id=self._context.new_id(),
            parent="",
            kind="npc",
            speaker=persona.id,
            text=text,
            at=self._context.now(),
            reason=EndReason.COMPLETE,
            meta={"cues": cues},
        )
        self._nodes.append(await self._context.store.append(self.key, node))
        return text

    async def save(self) -> Saved:
        """Mark this moment."""
        checkpoint = Checkpoint(
            id=self._context.new_id(),
            head=self._nodes[-1].id if self._nodes else "",
            revision=self._revision,
            state=self._state,
            at=self._context.now(),
        )
        await self._context.store.save_checkpoint(self.key, checkpoint)
        return Saved(self.name, checkpoint.id)

    async def history(self, message: History) -> Transcript:
        """What was said, on this branch or another."""
        nodes: Sequence[Node] = self._nodes
        if message.until:
            nodes = await self._context.store.path(self.key, message.until)
            if not nodes:
                raise RequestError(
                    ErrorCode.UNKNOWN_TURN,
                    f"history.until: {self.name!r} has no turn {message.until!r}.",
                )
        return Transcript(self.name, transcript(nodes, message.last))

    async def cut(self, node: str, seen: int) -> None:
        """An interrupt that came after the turn's end: the reveal was slower than the stream."""
        for index, old in enumerate(self._nodes):
            if old.id == node and seen < len(old.text):
                text = old.text[:seen]
                await self._context.store.amend(node, text, EndReason.INTERRUPTED)
                self._nodes[index] = msgspec.structs.replace(
                    old, text=text, reason=EndReason.INTERRUPTED
                )

    async def close(self) -> None:
        """Stop a running turn, keep what was sent; wait until it is stored."""
        self.closed = True
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        await self._stop()

    async def _stop(self) -> None:
        if self.turn is not None:
            self.turn.stop(EndReason.TRUNCATED)
        await self.finish()

    async def finish(self) -> None:
        """Wait for a running turn to end by itself."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def _persona(self, npc: str) -> Persona:
        persona = self._context.personas.get(npc)
        if persona is None:
            known = ", ".join(sorted(self._context.personas)) or "none could be loaded"
            raise RequestError(
                ErrorCode.UNKNOWN_NPC, f"There is no NPC {npc!r}; the server has: {known}."
            )
        return persona

    def _addressed(self, message: Say) -> Persona:
        if message.to:
            if message.to not in self._npcs:
                raise RequestError(
                    ErrorCode.UNKNOWN_NPC,
                    f"say.to: {message.to!r} takes no part in {self.name!r}; "
                    f"there are: {', '.join(self._npcs)}.",
                )
            return self._persona(message.to)
        heard = message.text.casefold()
        personas = [self._persona(npc) for npc in self._npcs]
        return next((p for p in personas if p.name.casefold() in heard), personas[0])
