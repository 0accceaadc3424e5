"""What is said in an open conversation: requests become turns, one at a time, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from dialogue_protocol.codes import EndReason, ErrorCode
from dialogue_protocol.messages import (
    Event,
    Inspect,
    Inspected,
    Noted,
    Regenerate,
    Say,
    ServerMessage,
    Turn,
)
from msgspec import structs

from ..backends.base import ModelRequest
from ..domain import authored, triggers, turn_taking
from ..domain.conversation import AGAIN, Node, line_of
from ..domain.persona import Persona
from ..domain.prompt import Kind, Prompt
from ..domain.stream import TextStream
from ..domain.tone import describe
from ..errors import RequestError
from .asking import Asked, TurnRequest, asked_again, understand, waits
from .charging import Charge, reserve
from .context import EngineContext
from .direction import Direction
from .guarding import answer_stream
from .inspecting import inspected
from .languages import persona_in
from .observer import TurnStarted
from .remembering import Remembering
from .request import Question, assemble_prompt, model_request
from .retelling import answer_again, triggered
from .talk import Talk
from .turn import TurnRunner

TRIMMED = 0.6
"""The share of the budget that a second prompt gets when the first overflowed the model."""
KEPT_PROMPTS = 32
"""How many prompts of recent turns a designer may ask for."""


class Answers:
    """The turns of one conversation. `answer` begins one; `stop` or `finish` ends it."""

    def __init__(
        self,
        talk: Talk,
        send: Callable[[ServerMessage], None],
        session: str,
        direction: Direction,
        remembering: Remembering,
        *,
        give_way: Callable[[], None],
        designer: bool,
    ) -> None:
        """`give_way` is called before each turn: whatever else asks the model leaves it to the
        turn. `designer`: whether the prompts of recent turns are kept for `inspect`."""
        self.turn: TurnRunner | None = None
        self._talk = talk
        self._send = send
        self._session = session
        self._direction = direction
        self._remembering = remembering
        self._give_way = give_way
        self._inspected: dict[int, tuple[TurnRunner, Prompt]] | None = {} if designer else None
        self._task: asyncio.Task[Node] | None = None

    async def answer(self, message: TurnRequest, number: int) -> TurnRunner | None:
        """Answer a request; None if nobody speaks, or if the request is known and its answer was
        repeated. What cannot be answered has not been said: the talk stays where it was."""
        async with self._talk.changing:
            self._talk.check_open()
            return await self._answer(message, number)

    async def _answer(self, message: TurnRequest, number: int) -> TurnRunner | None:
        talk, began = self._talk, self._talk.context.monotonic()
        await talk.outbox.flush()
        fresh = not isinstance(message, Say | Event)  # no node is known by it, or not alone
        if (fresh or self._running) and await self._has_answer(message.line, number):
            return None
        was = tuple(talk.nodes)
        try:
            heard = await self._hear(message, number)
            if heard is None:
                return None
            asked, before = heard
            if asked.persona is not None:
                await self._remembering.refresh()
                question = self.question(asked.persona, asked, before)
                charge = await self._charge(asked)
                try:
                    return self._start(
                        question, asked, charge, number=number, began=began, line=message.line
                    )
                except BaseException:
                    await charge.settle()
                    raise
        except BaseException:
            noted = {node.id: node for node in talk.nodes}  # more may be known of it meanwhile
            talk.nodes[:] = [noted.get(node.id, node) for node in was]
            raise
        self._send(Noted(talk.name, message.line))
        if asked.node is not None:
            self._direction.tell(asked.node)
        return None

    async def _hear(
        self, message: TurnRequest, number: int
    ) -> tuple[Asked, tuple[Node, ...]] | None:
        """What a request comes to, which is remembered, and what was said before it; None if it
        is known and its answer was repeated."""
        talk, store = self._talk, self._talk.context.store
        if isinstance(message, Regenerate):
            asked = await self._anew(message)
            return asked, tuple(talk.nodes if asked.node is None else talk.nodes[:-1])
        asked = understand(talk, message)
        if asked.node is None:
            return asked, tuple(talk.nodes)
        stamped = triggers.with_meta(asked.node, self._remembering.stamp())
        node = self._direction.hear(stamped)
        stored = await store.append(talk.key, node)
        if stored.id == node.id:
            asked = structs.replace(asked, node=node)
        elif await self._has_answer(message.line, number):
            return None
        else:
            asked = await self._take_up(asked, node, stored)
        before = tuple(talk.nodes)
        talk.nodes.append(asked.node or node)
        return asked, before

    async def _take_up(self, asked: Asked, node: Node, stored: Node) -> Asked:
        """A line that was stored before and never answered: the store failed then, or the server
        died. It is answered where it stands if that is the newest place; else it is said now, and
        nothing that was said since is taken back."""
        nodes = self._talk.nodes
        newest = nodes[-1] if nodes else None
        if newest is not None and (newest.id == stored.id or newest.meta.get(AGAIN) == node.line):
            return asked_again(self._talk, nodes.pop())
        if stored.parent == self._head and waits(stored):  # its answer will move the store's head
            return asked_again(self._talk, stored)
        node = structs.replace(node, line="", meta={**node.meta, AGAIN: node.line})
        await self._talk.context.store.append(self._talk.key, node)
        return structs.replace(asked, node=node)

    async def _charge(self, asked: Asked) -> Charge:
        """What the turn may cost."""
        talk, context = self._talk, self._talk.context
        if asked.script or asked.persona is None:
            return Charge(context)
        limits = context.limits
        read = min(limits.prompt_tokens, context.backend.context_tokens)
        most = (read, limits.answer_tokens)
        return await reserve(context, talk.key, asked.persona.id, talk.budget, most)

    async def _anew(self, message: Regenerate) -> Asked:
        """What an old answer answered; the conversation goes back there."""
        path = await self._talk.context.store.path(self._talk.key, message.id)
        if len(path) < 2 or path[-1].kind != "npc" or path[-1].meta.get("script"):
            raise RequestError(
                ErrorCode.UNKNOWN_TURN,
                f"regenerate.id: {self._talk.name!r} has no answer {message.id!r} of a model.",
            )
        *before, asked, old = path
        persona = self._talk.member("regenerate.id", old.speaker)
        self._talk.nodes[:] = [*before, asked]
        if asked.kind == "npc" or asked.meta.get("to") == "":  # it went on by itself
            return Asked(persona, "", "advance")
        return structs.replace(asked_again(self._talk, asked), persona=persona)

    @property
    def _head(self) -> str:
        return self._talk.nodes[-1].id if self._talk.nodes else ""

    @property
    def _running(self) -> TurnRunner | None:
        return None if self.turn is None or self.turn.phase == "ended" else self.turn

    @property
    def busy(self) -> bool:
        """Whether a turn runs."""
        return self._running is not None

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
        found = await self._talk.context.store.find_line(self._talk.key, line)
        asked, answer = (found.asked, found.answer) if found is not None else (None, None)
        if asked is not None and asked.line == line and asked.meta.get("to") == "":
            answer = None  # what stands under it answers something else
            said = next((node for node in self._talk.nodes if line_of(node) == line), None)
            if said is not None:
                self._send(Noted(self._talk.name, line))
                for trigger in triggered(said, self._talk.name):
                    self._send(trigger)
                return True
        if answer is not None:
            for message in answer_again(answer, self._talk.name, number, line):
                self._send(message)
            return True
        if running is None:
            return False
        raise RequestError(
            ErrorCode.BUSY,
            f"A turn is running in {self._talk.name!r}; wait for its turn_end, or interrupt it.",
        )

    def _start(
        self,
        question: Question,
        asked: Asked,
        charge: Charge,
        *,
        number: int,
        began: float,
        line: str,
    ) -> TurnRunner:
        context, persona = charge.thrifty(self._talk.context), question.persona
        self._talk.check_open()  # it may have gone while this line was being stored
        turn = TurnRunner(
            context,
            self._send,
            session=self._session,
            key=self._talk.key,
            persona=persona,
            number=number,
            parent=self._head,
            line=line,
            began=began,
            heard=self._talk.heard,
            direction=self._direction,
            keep=self._talk.keep,
            lose=self.lose,
            charge=charge,
        )
        self._give_way()
        # Whatever may fail comes before the turn is announced: what is announced ends.
        if asked.script:
            script = TextStream(persona, state=self._talk.state)
            self._announce(turn, context, 0, 0)
            self._task = turn.speak(asked.text, script)
            self.turn = turn
            self._task.add_done_callback(self._ended)
            return turn
        prompt = assemble_prompt(context, question)
        said = [node.text for node in self._talk.nodes if node.speaker == persona.id][-4:]
        words = authored.authored_text(persona, self._talk.state, asked.text, said=said)
        # "What did you say?" answers a player, and no event: without a model, only a line that
        # fits is an answer to what happened; another one stands in for it, and says so.
        fits = asked.kind != "event" or authored.choose(
            persona, self._talk.state, asked.text, said=said
        )
        voice = words if fits else ""

        def request(prompt: Prompt) -> ModelRequest:
            made = model_request(context, persona, prompt, self._talk.key, voice)
            return charge.shortened(made)

        def shorter() -> ModelRequest:
            return request(assemble_prompt(context, question, share=TRIMMED))

        names = [self._talk.player.name, *(member.name for member in question.cast)]
        first, stream = request(prompt), answer_stream(context, question, prompt, names, words)
        self._keep(turn, prompt)
        self._announce(turn, context, prompt.tokens, len(prompt.dropped))
        self._task = turn.start(
            first,
            stream,
            fallback=words,
            shorter=shorter,
            prompt_tokens=prompt.tokens,
        )
        self.turn = turn
        self._task.add_done_callback(self._ended)
        return turn

    def _ended(self, task: asyncio.Task[Node]) -> None:
        self._remembering.turn_ended()

    def _announce(
        self, turn: TurnRunner, context: EngineContext, tokens: int, dropped: int
    ) -> None:
        self._send(Turn(turn.number, turn.node, self._talk.name, turn.npc, turn.line))
        context.observe(
            TurnStarted(
                session=self._session,
                conversation=self._talk.name,
                turn=turn.node,
                npc=turn.npc,
                backend=context.backend.name,
                prompt_tokens=tokens,
                dropped=dropped,
            )
        )

    def _keep(self, turn: TurnRunner, prompt: Prompt) -> None:
        """For designers, who may ask what a recent turn's prompt was, and for a recording."""
        tap = self._talk.context.taps.get(self._session)
        if tap is not None:
            tap.prompt(turn.number, self._talk.context.backend.layout, prompt)
        if self._inspected is not None:
            self._inspected[turn.number] = (turn, prompt)
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
            turn, prompt = kept
            timings = turn.timings()
            return inspected(
                self._talk.context, self._talk.name, turn.number, turn.npc, prompt, timings
            )
        text = message.text.strip()
        if message.npc:
            persona = self._talk.member("inspect.npc", message.npc)
        else:
            persona = turn_taking.addressed(self._talk.cast_in(), text, self._talk.nodes)
        kind: Kind = "say" if text else "advance"
        question = self.question(persona, Asked(persona, text, kind), tuple(self._talk.nodes))
        if text:
            tone = self._direction.tone_after(persona, text)
            question = structs.replace(question, mood=describe(question.persona, tone))
        prompt = assemble_prompt(self._talk.context, question)
        return inspected(self._talk.context, self._talk.name, 0, persona.id, prompt)

    def question(self, persona: Persona, asked: Asked, history: Sequence[Node]) -> Question:
        """What an NPC is asked in this conversation as it stands; `history` ends before it."""
        context, asked_for = self._talk.context, (asked.locale, self._talk.locale)
        original = context.personas.get(persona.id, persona)
        persona, language = persona_in(context, original, *asked_for)
        return Question(
            persona=persona,
            player=self._talk.player,
            text=asked.text,
            scene=self._talk.scene,
            state=self._talk.state,
            history=tuple(node for node in history if node.text),
            locale=language,
            kind=asked.kind,
            cast=tuple(self._talk.cast_in(asked.locale)),
            stage=self._direction.stage,
            mood=describe(persona, self._direction.tone(persona)),
            memory=self._remembering.past(persona),
        )

    def lose(self) -> None:
        """Another server has taken the conversation over, since this one gave no sign of life for
        a while: nothing of it goes on here. Its `close` follows, with the session's or before the
        next `open`."""
        self._talk.closed = True
        if self.turn is not None:
            self.turn.stop(EndReason.TRUNCATED)

    async def stop(self) -> None:
        """End a running turn; wait until it is stored."""
        if self.turn is not None:
            self.turn.stop(EndReason.TRUNCATED)
        await self.finish()

    async def finish(self) -> None:
        """Wait for a running turn to end by itself."""
        if self._task is not None:
            await asyncio.wait([self._task])
