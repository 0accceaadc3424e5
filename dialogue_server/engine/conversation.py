"""A conversation that is open in a session: its cast, history and state, one turn at a time."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from dialogue_protocol.codes import EndReason, ErrorCode
from dialogue_protocol.messages import (
    MAX_DELTA_CHARS,
    Cue,
    Delta,
    NpcInfo,
    Open,
    Opened,
    Say,
    ServerMessage,
    State,
    StateOk,
    Turn,
    TurnEnd,
)

from ..backends.base import ModelRequest
from ..domain import authored, compact_layout
from ..domain.assembly import assemble
from ..domain.conversation import ConversationKey, Node
from ..domain.graphemes import split
from ..domain.persona import Persona
from ..domain.prompt import Message, Prompt, PromptInput
from ..domain.state import check_state, merge_patch
from ..domain.stream import TextStream
from ..errors import DialogueError, RequestError
from .context import EngineContext
from .observer import TurnStarted
from .turn import TurnRunner


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

    async def load(self) -> Opened:
        """Read what the store knows, greet a new player; the answer to `open`."""
        personas = [self._persona(npc) for npc in self._npcs]
        snapshot = await self._context.store.load(self.key)
        self._nodes = list(snapshot.nodes)
        if snapshot.revision:
            self._state, self._revision = snapshot.state, snapshot.revision
        history = sum(node.kind == "npc" for node in self._nodes)
        greeting = "" if self._nodes else personas[0].greeting
        if greeting:
            await self._remember_greeting(personas[0], greeting)
        self._warming = asyncio.create_task(self._warm(personas[0]), name=f"warm {self.name}")
        return Opened(
            conversation=self.name,
            npcs=[
                NpcInfo(
                    id=persona.id,
                    name=persona.name,
                    mood=self._mood(persona),
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
        running = self.turn
        if running is not None and running.phase != "ended":
            if running.line == message.line:
                return None  # its stream is on the way; the answer to both is the same turn
            raise RequestError(
                ErrorCode.BUSY,
                f"A turn is running in {self.name!r}; wait for its turn_end, or interrupt it.",
            )
        persona = self._addressed(message)
        prompt = self._assemble(persona, text, message.locale)
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
        if stored.id != asked.id:
            found = await self._context.store.find_line(self.key, message.line)
            if found is not None and found[1] is not None:
                self._repeat(found[1], number)
                return None
        if not self._nodes or self._nodes[-1].id != stored.id:
            self._nodes.append(stored)
        return self._answer(persona, stored, prompt, number, began)

    def _answer(
        self, persona: Persona, asked: Node, prompt: Prompt, number: int, began: float
    ) -> TurnRunner:
        context = self._context
        turn = self.turn = TurnRunner(
            context,
            self._send,
            session=self._session,
            key=self.key,
            persona=persona,
            number=number,
            asked=asked,
            began=began,
            remember=self._nodes.append,
        )
        self._send(Turn(number, turn.node, self.name, persona.id, asked.line))
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
        said = [node.text for node in self._nodes if node.speaker == persona.id][-4:]
        line = authored.authored_text(persona, self._state, asked.text, said=said)
        self._task = turn.start(self._request(persona, prompt, line), self._stream(persona), line)
        return turn

    def _request(self, persona: Persona, prompt: Prompt, line: str) -> ModelRequest:
        context, wish = self._context, persona.model
        compact = context.backend.layout == "compact"
        own = msgspec.structs.asdict(context.sampling)
        for name in own:
            if getattr(wish, name) is not None:
                own[name] = getattr(wish, name)
        tokens = wish.max_tokens or context.limits.answer_tokens
        return ModelRequest(
            messages=prompt.messages,
            max_tokens=min(tokens, compact_layout.MAX_TOKENS) if compact else tokens,
            sampling=type(context.sampling)(**own),
            stop=compact_layout.STOP if compact else (),
            model=wish.name,
            session=_opaque(self.key.player, self.key.conversation),
            user=_opaque(self.key.player),
            authored=line,
        )

    def _stream(self, persona: Persona) -> TextStream:
        compact = self._context.backend.layout == "compact"
        return TextStream(
            persona,
            stop=compact_layout.STOP if compact else (),
            speakers=(self._player.name, *(self._persona(npc).name for npc in self._npcs)),
            max_sentences=compact_layout.MAX_SENTENCES if compact else None,
            state=self._state,
        )

    def _assemble(self, persona: Persona, text: str, locale: str = "") -> Prompt:
        context = self._context
        room = context.backend.context_tokens - context.limits.answer_tokens
        return assemble(
            PromptInput(
                world=context.world,
                persona=persona,
                player=self._player,
                text=text,
                budget=min(context.limits.prompt_tokens, room),
                scene=context.world.scenes.get(self._scene, self._scene),
                state=self._state,
                history=tuple(node for node in self._nodes if node.text),
                locale=locale or self._locale,
            ),
            context.backend.layout,
        )

    async def _warm(self, persona: Persona) -> None:
        """Let the model read the stable prefix while the player still walks up."""
        prefix: tuple[Message, ...] = ()
        with contextlib.suppress(DialogueError):  # the first line will tell
            prefix = self._assemble(persona, "…").messages[:-1]
        if prefix:
            await self._context.backend.warm(prefix)

    async def _remember_greeting(self, persona: Persona, greeting: str) -> None:
        node = Node(
            id=self._context.new_id(),
            parent="",
            kind="npc",
            speaker=persona.id,
            text=greeting,
            at=self._context.now(),
            reason=EndReason.COMPLETE,
        )
        self._nodes.append(await self._context.store.append(self.key, node))

    def _repeat(self, answer: Node, number: int) -> None:
        """Send a stored answer again, as a turn of the same id (spec.md, "Exactly once")."""
        self._send(Turn(number, answer.id, self.name, answer.speaker, answer.line))
        at = 0
        for offset, kind, name, args in answer.meta.get("cues", []):
            for part in split(answer.text[at:offset], MAX_DELTA_CHARS):
                self._send(Delta(number, part))
            at = offset
            self._send(Cue(number, offset, kind, name, args))
        for part in split(answer.text[at:], MAX_DELTA_CHARS):
            self._send(Delta(number, part))
        self._send(TurnEnd(number, answer.reason, len(answer.text)))

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
        if self._warming is not None:
            self._warming.cancel()
        if self.turn is not None:
            self.turn.stop(EndReason.TRUNCATED)
        waiting = [task for task in (self._task, self._warming) if task is not None]
        if waiting:
            await asyncio.wait(waiting)

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

    def _mood(self, persona: Persona) -> str:
        for node in reversed(self._nodes):
            if node.speaker == persona.id:
                moods = [cue[2] for cue in node.meta.get("cues", []) if cue[1] == "mood"]
                if moods:
                    return str(moods[-1])
        return persona.mood


def _opaque(*names: str) -> str:
    """An id that a provider may see: stable, and says nothing of the player."""
    return hashlib.blake2b("\0".join(names).encode(), digest_size=12).hexdigest()
