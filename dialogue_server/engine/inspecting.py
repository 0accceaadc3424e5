"""What designers' tools may see: a prompt and its account, the list of NPCs, the files."""

from __future__ import annotations

from typing import Any

from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import Inspected, NpcInfo, NpcList, PromptMessage, PromptPart

from ..domain.persona import Persona
from ..domain.prompt import Prompt
from ..domain.tone import Tone, at_rest
from ..errors import RequestError
from .context import EngineContext
from .desk import Desk, Shelf
from .request import prompt_budget


def inspected(
    context: EngineContext,
    conversation: str,
    turn: int,
    npc: str,
    prompt: Prompt,
    timings: dict[str, Any] | None = None,
) -> Inspected:
    """A prompt as the wire tells it."""
    persona = context.personas.get(npc)  # its file may have gone since the turn
    return Inspected(
        conversation=conversation,
        turn=turn,
        npc=npc,
        layout=context.backend.layout,
        tokens=prompt.tokens,
        budget=prompt_budget(context, persona) if persona else context.limits.prompt_tokens,
        messages=[PromptMessage(m.role, m.content, m.name) for m in prompt.messages],
        parts=[PromptPart(part.source, part.text, part.tokens) for part in prompt.parts],
        dropped=[
            PromptPart(part.source, part.text, part.tokens, part.why) for part in prompt.dropped
        ],
        timings=timings or {},
    )


def desk_of(context: EngineContext) -> Desk:
    """The designers' files; a RequestError if this server's content is not from a folder."""
    if context.desk is None:
        raise RequestError(ErrorCode.FORBIDDEN, "This server's content is not from a folder.")
    return context.desk


def shelf_of(context: EngineContext) -> Shelf:
    """The recorded sessions; a RequestError if this server records none."""
    if context.shelf is None:
        raise RequestError(
            ErrorCode.FORBIDDEN, "This server records nothing; start it with --record DIR."
        )
    return context.shelf


def npc_list(context: EngineContext, only: frozenset[str] | None = None) -> NpcList:
    """The NPCs of the content, by id; `only` those that a ticket names, where it names some."""
    return NpcList(
        [
            npc_info(context.personas[npc])
            for npc in sorted(context.personas)
            if only is None or npc in only
        ]
    )


def npc_info(persona: Persona, tone: Tone | None = None) -> NpcInfo:
    """What a game may show of an NPC, in this tone or at rest."""
    tone = tone or at_rest(persona)
    return NpcInfo(
        id=persona.id,
        name=persona.name,
        mood=tone.mood,
        moods=persona.moods,
        actions=[action.name for action in persona.actions],
        intensity=tone.intensity,
    )
