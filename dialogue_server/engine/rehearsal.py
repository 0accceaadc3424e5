"""A world's own questions put to its NPCs, as a turn would put them, but without a session."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from dialogue_protocol.messages import Player
from msgspec import Struct

from ..backends.base import Finished, ModelBackend, ModelRequest, Sampling
from ..domain import authored, compact_layout
from ..domain.assembly import assemble
from ..domain.evaluation import Case, problems
from ..domain.persona import Persona, World
from ..domain.prompt import PromptInput
from ..domain.state import merge_patch
from ..domain.stream import TextStream
from ..errors import BackendError

_ANSWER_TOKENS = 120


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
    world: World,
    personas: Mapping[str, Persona],
    cases: Sequence[Case],
    backend: ModelBackend,
    *,
    seeds: Sequence[int] = (1,),
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Answered, None]:
    """Ask every case once with every seed. A turn that fails is an answer with that problem; a
    case for an NPC that is not there, too. `backend` must have been started."""
    player = Player(id="rehearsal")
    for seed in seeds:
        for case in cases:
            persona = personas.get(case.npc)
            if persona is None:
                nobody = (f"there is no NPC {case.npc!r}",)
                yield Answered(case, seed, "", nobody, 0, 0, 0, 0)
                continue
            yield await _ask(world, persona, player, case, seed, backend, monotonic)


async def _ask(
    world: World,
    persona: Persona,
    player: Player,
    case: Case,
    seed: int,
    backend: ModelBackend,
    monotonic: Callable[[], float],
) -> Answered:
    compact = backend.layout == "compact"
    state = merge_patch(world.state, case.state)
    stop = compact_layout.STOP if compact else ()
    stream = TextStream(
        persona,
        stop=stop,
        speakers=(player.name,),
        max_sentences=compact_layout.MAX_SENTENCES if compact else None,
        state=state,
    )
    began, first, usage = monotonic(), 0.0, Finished().usage
    found: tuple[str, ...] = ()
    try:
        prompt = assemble(
            PromptInput(
                world=world,
                persona=persona,
                player=player,
                text=case.ask,
                budget=backend.context_tokens - _ANSWER_TOKENS,
                state=state,
            ),
            backend.layout,
        )
        request = ModelRequest(
            messages=prompt.messages,
            max_tokens=compact_layout.MAX_TOKENS if compact else _ANSWER_TOKENS,
            sampling=Sampling(seed=seed),
            stop=stop,
            authored=authored.authored_text(persona, state, case.ask),
        )
        answer = backend.stream(request)
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
        problems=found or problems(case, stream.text, (persona.name, player.name)),
        first_token_ms=round(1000 * (first - began)) if first else 0,
        total_ms=round(1000 * (ended - began)),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
    )
