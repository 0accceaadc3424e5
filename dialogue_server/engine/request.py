"""What a turn asks of the model, and how its answer is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from msgspec import structs

from ..backends.base import ModelRequest, Sampling
from ..domain import compact_layout
from ..domain.conversation import ConversationKey
from ..domain.persona import Persona
from ..domain.prompt import Prompt
from ..domain.stream import TextStream
from .context import EngineContext


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
