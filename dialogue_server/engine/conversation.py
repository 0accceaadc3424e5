"""A conversation that is open in a session: its cast, history and state, one turn at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from dialogue_protocol.codes import EndReason, ErrorCode
from dialogue_protocol.messages import (
    Event,
    History,
    Inspect,
    Inspected,
    Noted,
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
from ..domain import authored, turn_taking
from ..domain.conversation import Checkpoint, ConversationKey, Node
from ..domain.persona import Persona
from ..domain.prompt import Kind, Message, Prompt
from ..domain.state import check_state, merge_patch
from ..domain.stream import TextStream
from ..errors import DialogueError, RequestError
from .asking import Asked, TurnRequest, asked_again, understand
from .context import EngineContext
from .inspecting import inspected, npc_info
from .observer import TurnStarted
from .request import Question, assemble_prompt, model_request, text_stream
from .retelling import answer_again, mood_of, transcript, without_tags
from .turn import TurnRunner

TRIMMED = 0.6
"""The share of the budget that a second prompt gets when the first overflowed the model."""
KEPT_PROMPTS = 32
"""How many prompts of recent turns a designer may ask for."""


class OpenConversation:
    """One conversation of one session. `create` makes one; `close` ends it."""

    def __init__(
        self,
        context: EngineContext,
        send: Callable[[ServerMessage], None],
        session: str,
        message: Open,
        *,
        designer: bool = False,
    ) -> None:
        """`designer`: whether the prompts of recent turns are kept for `inspect`."""
        self.name = message.conversation
        self.key = ConversationKey(message.player.id, message.conversation)
        self.turn: TurnRunner | None = None
        self.closed = False
        self.context = context
        self._send = send
        self._session = session
        self.player = message.player
        self._scene = message.scene
        self.locale = message.locale
        self._npcs = list(dict.fromkeys(message.npcs))
        self.nodes: list[Node] = []
        self.state: dict[str, Any] = context.world.state
        self._revision = 0
        self._inspected: dict[int, tuple[str, Prompt]] | None = {} if designer else None
        self._warming: asyncio.Task[None] | None = None
        self._task: asyncio.Task[Node] | None = None

    async def load(self, checkpoint: str = "") -> Opened:
        """Read what the store knows, at a checkpoint or the newest; greet a new player. The
        answer to `open` and to `load`."""
        personas = self.cast
        if checkpoint:
            await self._stop()
            snapshot = await self.context.store.restore(self.key, checkpoint)
            if snapshot is None:
                raise RequestError(
                    ErrorCode.UNKNOWN_CHECKPOINT,
                    f"{self.name!r} has no checkpoint {checkpoint!r}; it stays where it is.",
                )
        else:
            snapshot = await self.context.store.load(self.key)
        self.nodes[:] = snapshot.nodes
        known = snapshot.revision or checkpoint
        self.state = snapshot.state if known else self.context.world.state
        self._revision = snapshot.revision
        history = sum(node.kind == "npc" for node in self.nodes)
        greeting = ""
        if not self.nodes and personas[0].greeting:
            greeting = await self._greet(personas[0])
        if self._warming is None:
            self._warming = asyncio.create_task(self._warm(personas[0]), name=f"warm {self.name}")
        return Opened(
            conversation=self.name,
            npcs=[
                npc_info(persona, mood_of(persona, reversed(self.nodes))) for persona in personas
            ],
            greeting=greeting,
            history=history,
            revision=self._revision,
        )

    async def set_state(self, message: State) -> StateOk:
        """Take a snapshot, or a patch on the revision before it."""
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

    async def answer(self, message: TurnRequest, number: int) -> TurnRunner | None:
        """Answer a request; None if nobody speaks, or if the request is known and its answer was
        repeated."""
        began = self.context.monotonic()
        fresh = not isinstance(message, Say | Event)  # no node is known by it, or not alone
        if (fresh or self._running) and await self._has_answer(message.line, number):
            return None
        if isinstance(message, Regenerate):
            asked, parent = await self._anew(message)
        else:
            asked, parent = understand(self, message), self._head
        before = tuple(self.nodes)
        if asked.node is not None and not isinstance(message, Regenerate):
            stored = await self.context.store.append(self.key, asked.node)
            if stored.id != asked.node.id:
                if await self._has_answer(message.line, number):
                    return None
                # Said before, and never answered: the server died in between.
                *earlier, node = await self.context.store.path(self.key, stored.id)
                self.nodes[:] = before = tuple(earlier)
                asked = asked_again(self, node)
            self.nodes.append(asked.node or stored)
            parent = self._head
        if asked.persona is None:
            self._send(Noted(self.name, message.line))
            return None
        question = self._question(asked.persona, asked, before)
        return self._start(question, asked, parent, number=number, began=began, line=message.line)

    async def _anew(self, message: Regenerate) -> tuple[Asked, str]:
        """What an old answer answered, and the node that it stood under; the conversation goes
        back there."""
        path = await self.context.store.path(self.key, message.id)
        if len(path) < 2 or path[-1].kind != "npc" or path[-1].meta.get("script"):
            raise RequestError(
                ErrorCode.UNKNOWN_TURN,
                f"regenerate.id: {self.name!r} has no answer {message.id!r} of a model.",
            )
        *before, asked, old = path
        persona = self.persona(old.speaker)
        if asked.kind == "npc":  # nobody had asked: it went on by itself
            self.nodes[:] = [*before, asked]
            return Asked(persona, "", "advance"), asked.id
        self.nodes[:] = [*before, asked]
        kind: Kind = "event" if asked.kind == "event" else "say"
        return Asked(persona, asked.text, kind, node=asked), asked.id

    @property
    def _head(self) -> str:
        return self.nodes[-1].id if self.nodes else ""

    @property
    def _running(self) -> TurnRunner | None:
        return None if self.turn is None or self.turn.phase == "ended" else self.turn

    def busy_with_another(self, line: str) -> bool:
        """Whether a turn runs that does not answer this line."""
        running = self._running
        return running is not None and running.line != line

    async def _has_answer(self, line: str, number: int) -> bool:
        """Whether this very line is being answered (its stream is on the way, and answers both)
        or has been, which is then told again. Raises BUSY if another one is being answered."""
        running = self._running
        if running is not None and running.line == line:
            return True
        found = await self.context.store.find_line(self.key, line)
        if found is not None and found.asked is not None and found.asked.meta.get("to") == "":
            self._send(Noted(self.name, line))
            return True
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

    def _start(
        self, question: Question, asked: Asked, parent: str, *, number: int, began: float, line: str
    ) -> TurnRunner:
        context, persona = self.context, question.persona
        if self.closed:  # by another connection, while this line was being stored
            raise RequestError(
                ErrorCode.UNKNOWN_CONVERSATION, f"{self.name!r} has been closed meanwhile."
            )
        turn = TurnRunner(
            context,
            self._send,
            session=self._session,
            key=self.key,
            persona=persona,
            number=number,
            parent=parent,
            line=line,
            began=began,
            heard=self.heard,
            remember=self.nodes.append,
        )
        if asked.script:
            self.turn = turn
            self._announce(turn, persona, 0, 0)
            self._task = turn.speak(asked.text, TextStream(persona, state=self.state))
            return turn
        prompt = assemble_prompt(context, question)
        said = [node.text for node in self.nodes if node.speaker == persona.id][-4:]
        words = authored.authored_text(persona, self.state, asked.text, said=said)

        def shorter() -> ModelRequest:
            trimmed = assemble_prompt(context, question, share=TRIMMED)
            return model_request(context, persona, trimmed, self.key, words)

        self.turn = turn
        self._keep(number, persona, prompt)
        self._announce(turn, persona, prompt.tokens, len(prompt.dropped))
        names = [self.player.name, *(member.name for member in self.cast)]
        self._task = turn.start(
            model_request(context, persona, prompt, self.key, words),
            text_stream(context, persona, names, self.state),
            fallback=words,
            shorter=shorter,
            prompt_tokens=prompt.tokens,
        )
        return turn

    def _announce(self, turn: TurnRunner, persona: Persona, tokens: int, dropped: int) -> None:
        self._send(Turn(turn.number, turn.node, self.name, persona.id, turn.line))
        self.context.observe(
            TurnStarted(
                session=self._session,
                conversation=self.name,
                turn=turn.node,
                npc=persona.id,
                backend=self.context.backend.name,
                prompt_tokens=tokens,
                dropped=dropped,
            )
        )

    def _keep(self, number: int, persona: Persona, prompt: Prompt) -> None:
        """For designers, who may ask what a recent turn's prompt was."""
        if self._inspected is not None:
            self._inspected[number] = (persona.id, prompt)
            while len(self._inspected) > KEPT_PROMPTS:
                del self._inspected[next(iter(self._inspected))]

    def inspect(self, message: Inspect) -> Inspected:
        """A prompt and its account: of a recent turn, or of what a line would make now."""
        if message.turn:
            kept = (self._inspected or {}).get(message.turn)
            if kept is None:
                raise RequestError(
                    ErrorCode.UNKNOWN_TURN,
                    f"inspect.turn: the prompt of turn {message.turn} is not kept; the last "
                    f"{KEPT_PROMPTS} of this session are.",
                )
            return inspected(self.context, self.name, message.turn, *kept)
        text = message.text.strip()
        if message.npc:
            persona = self.member("inspect.npc", message.npc)
        else:
            persona = turn_taking.addressed(self.cast, text, self.nodes)
        kind: Kind = "say" if text else "advance"
        question = self._question(persona, Asked(persona, text, kind), tuple(self.nodes))
        prompt = assemble_prompt(self.context, question)
        return inspected(self.context, self.name, 0, persona.id, prompt)

    def _question(self, persona: Persona, asked: Asked, history: Sequence[Node]) -> Question:
        return Question(
            persona=persona,
            player=self.player,
            text=asked.text,
            scene=self._scene,
            state=self.state,
            history=tuple(node for node in history if node.text),
            locale=asked.locale or self.locale,
            kind=asked.kind,
            cast=tuple(self.cast),
        )

    async def _warm(self, persona: Persona) -> None:
        """Let the model read the stable prefix while the player still walks up."""
        prefix: tuple[Message, ...] = ()
        with contextlib.suppress(DialogueError):  # the first line will tell
            question = self._question(persona, Asked(persona, "…"), ())
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
        self.nodes.append(await self.context.store.append(self.key, node))
        return text

    async def save(self) -> Saved:
        """Mark this moment."""
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
            nodes = await self.context.store.path(self.key, message.until)
            if not nodes:
                raise RequestError(
                    ErrorCode.UNKNOWN_TURN,
                    f"history.until: {self.name!r} has no turn {message.until!r}.",
                )
        return Transcript(self.name, transcript(nodes, message.last))

    async def cut(self, node: str, seen: int) -> None:
        """An interrupt that came after the turn's end: the reveal was slower than the stream."""
        for index, old in enumerate(self.nodes):
            if old.id == node and seen < len(old.text):
                text = old.text[:seen]
                await self.context.store.amend(node, text, EndReason.INTERRUPTED)
                self.nodes[index] = msgspec.structs.replace(
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

    @property
    def cast(self) -> list[Persona]:
        """Everyone who takes part, in the order of `open`. A RequestError if one of them is gone
        from the content meanwhile."""
        return [self.persona(npc) for npc in self._npcs]

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
        return persona
