"""A world's own questions put to its NPCs, as a turn would put them, but without a session."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from dialogue_protocol.messages import Player
from msgspec import Struct, structs

from ..backends.base import Finished
from ..domain import authored
from ..domain.conversation import ConversationKey
from ..domain.evaluation import Case, problems
from ..domain.persona import Persona
from ..domain.state import merge_patch
from ..errors import BackendError
from .context import EngineContext
from .request import Question, assemble_prompt, model_request, text_stream

_PLAYER = Player(id="rehearsal")


class Answered(Struct, frozen=True):
    """One answer, and what is wrong with it: nothing, if it passed. Times in milliseconds."""

    case: Case
    seed: int
    text: str
    problems: tuple[str, ...]
    first_token_ms: int
    total_ms: int
    input_tokens: int
    output_tokens: int

    @property
    def passed(self) -> bool:
        """Whether it holds its fact and stays in character."""
        return not self.problems


async def rehearse(
    context: EngineContext, cases: Sequence[Case], *, seeds: Sequence[int] = (1,)
) -> AsyncGenerator[Answered, None]:
    """Ask every case once with every seed. A turn that fails is an answer with that problem; a
    case for an NPC that is not there, too. The context's backend must have been started; its
    store is not used."""
    for seed in seeds:
        seeded = replace(context, sampling=structs.replace(context.sampling, seed=seed))
        for case in cases:
            persona = context.personas.get(case.npc)
            if persona is None:
                nobody = (f"there is no NPC {case.npc!r}",)
                yield Answered(case, seed, "", nobody, 0, 0, 0, 0)
                continue
            yield await _ask(seeded, persona, case, seed)


async def _ask(context: EngineContext, persona: Persona, case: Case, seed: int) -> Answered:
    monotonic = context.monotonic
    state = merge_patch(context.world.state, case.state)
    stream = text_stream(context, persona, (_PLAYER.name,), state)
    began, first, usage = monotonic(), 0.0, Finished().usage
    found: tuple[str, ...] = ()
    try:
        question = Question(persona, _PLAYER, case.ask, "", state, (), "")
        prompt = assemble_prompt(context, question)
        words = authored.authored_text(persona, state, case.ask)
        key = ConversationKey(_PLAYER.id, case.npc)
        request = model_request(context, persona, prompt, key, words)
        answer = context.backend.stream(request)
        try:
            async for item in answer:
                if isinstance(item, Finished):
                    usage = item.usage
                    break
                first = first or monotonic()
                stream.feed(item.text)
                if stream.stopped:
                    break
        finally:
            await answer.aclose()
    except BackendError as error:
        found = (f"{error.code}: {error.detail}",)
    stream.finish()
    ended = monotonic()
    return Answered(
        case=case,
        seed=seed,
        text=stream.text,
        problems=found or problems(case, stream.text, (persona.name, _PLAYER.name)),
        first_token_ms=round(1000 * (first - began)) if first else 0,
        total_ms=round(1000 * (ended - began)),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
    )
