"""What a turn asks of the model, and how its answer is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from dialogue_protocol.messages import Player
from msgspec import Struct, structs

from ..backends.base import ModelRequest, Sampling
from ..domain import compact_layout
from ..domain.assembly import assemble
from ..domain.conversation import ConversationKey, Node
from ..domain.memory.past import Past
from ..domain.persona import Persona
from ..domain.prompt import Kind, Prompt, PromptInput
from ..domain.stream import TextStream
from ..domain.translations import localized
from .context import EngineContext


class Question(Struct, frozen=True):
    """What a turn is about, before any budget: who answers what, and what is known."""

    persona: Persona
    player: Player
    text: str
    scene: str
    state: dict[str, Any]
    history: tuple[Node, ...]
    locale: str
    """The language to answer in, "" for the line's."""
    kind: Kind = "say"
    cast: tuple[Persona, ...] = ()
    stage: str = ""
    mood: str = ""
    memory: Past = Past()


def assemble_prompt(context: EngineContext, question: Question, share: float = 1.0) -> Prompt:
    """The prompt under the budget of settings and model, reckoned as this model has taught."""
    budget = prompt_budget(context, question.persona)
    world = localized(context.world, question.locale)
    return assemble(
        PromptInput(
            world=world,
            written=None if world is context.world else context.world,
            persona=question.persona,
            player=question.player,
            text=question.text,
            budget=int(share * budget),
            scene=question.scene,
            state=question.state,
            history=question.history,
            locale=question.locale,
            kind=question.kind,
            cast=question.cast,
            stage=question.stage,
            mood=question.mood,
            memory=question.memory,
        ),
        context.backend.layout,
    )


def prompt_budget(context: EngineContext, persona: Persona) -> int:
    """How many estimated tokens a prompt may have: the settings' bound, or what fits into the
    model's context beside an answer, as the model has taught."""
    limits = context.limits
    room = context.backend.context_tokens - limits.answer_tokens
    budget = context.calibration.budget(model_key(context, persona), room)
    return min(limits.prompt_tokens, budget)


def model_key(context: EngineContext, persona: Persona) -> str:
    """What the calibration knows a model by."""
    return f"{context.backend.name} {persona.model.name}".strip()


def model_request(
    context: EngineContext, persona: Persona, prompt: Prompt, key: ConversationKey, authored: str
) -> ModelRequest:
    """The request of one turn. The persona's wishes go over the server's settings."""
    compact = context.backend.layout == "compact"
    tokens = persona.model.max_tokens or context.limits.answer_tokens
    return ModelRequest(
        messages=prompt.messages,
        max_tokens=min(tokens, compact_layout.MAX_TOKENS) if compact else tokens,
        sampling=_sampling(context, persona),
        stop=compact_layout.STOP if compact else (),
        model=persona.model.name,
        session=_opaque(key.player, key.conversation),
        user=_opaque(key.player),
        authored=authored,
    )


def text_stream(
    context: EngineContext, persona: Persona, names: Iterable[str], state: dict[str, Any]
) -> TextStream:
    """What reads the answer; `names` are those of everyone in the conversation."""
    compact = context.backend.layout == "compact"
    return TextStream(
        persona,
        stop=compact_layout.STOP if compact else (),
        speakers=tuple(name for name in names if name != persona.name),
        max_sentences=compact_layout.MAX_SENTENCES if compact else None,
        state=state,
    )


def _sampling(context: EngineContext, persona: Persona) -> Sampling:
    """The persona over the settings; None, for the model's profile, where neither says."""
    chosen = structs.asdict(context.sampling)
    wishes = structs.asdict(persona.model)
    chosen.update((name, wishes[name]) for name in chosen if wishes.get(name) is not None)
    return Sampling(**chosen)


def _opaque(*names: str) -> str:
    """An id that a provider may see: stable, and says nothing of the player."""
    return hashlib.blake2b("\0".join(names).encode(), digest_size=12).hexdigest()
