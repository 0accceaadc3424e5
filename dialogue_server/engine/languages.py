"""Which language an NPC answers in, and its texts in that language."""

from __future__ import annotations

import asyncio

from ..domain import language_detector
from ..domain.guards.settings import settled
from ..domain.language import chosen
from ..domain.persona import Persona
from ..domain.translations import localized
from .context import EngineContext


def answer_language(context: EngineContext, persona: Persona, *asked: str) -> str:
    """The tag of the language to answer in: what the client asked for, the most particular first
    (the line's, the conversation's), else the NPC's own, else the server's; "" where nobody says,
    and the player's line decides. `persona` is the one of the content, not a translation."""
    return chosen((*asked, persona.language, context.language))


def persona_in(context: EngineContext, persona: Persona, *asked: str) -> tuple[Persona, str]:
    """A persona in the language that it answers in, and that language."""
    language = answer_language(context, persona, *asked)
    return localized(persona, language), language


async def prepare_detector(context: EngineContext) -> str:
    """Load what tells an answer's language, if a guard asks for it: a second, in a thread.
    Returns a sentence for the operator where it is not installed, else ""."""
    personas = context.personas.values()
    if context.detector is not None or not any(
        settled(context.world, persona).language for persona in personas
    ):
        return ""
    context.detector, missing = await asyncio.to_thread(language_detector.load)
    return missing
