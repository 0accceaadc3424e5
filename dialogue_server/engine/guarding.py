"""A turn's answer under the NPC's guards: what reads it, and what is asked after a hit."""

from __future__ import annotations

from collections.abc import Sequence

from dialogue_protocol.codes import ErrorCode
from msgspec import structs

from ..backends.base import ModelRequest
from ..domain.authored import plain
from ..domain.guards.rules import Cast, Watch
from ..domain.guards.settings import settled
from ..domain.guards.stream import GuardedStream
from ..domain.prompt import Message, Prompt
from ..domain.stream import TextStream
from ..errors import BackendError
from .context import EngineContext
from .observer import GuardHit
from .request import Question, text_stream

REMEMBERED = 8
"""How many of its last answers an NPC may not repeat."""


def answer_stream(
    context: EngineContext, question: Question, prompt: Prompt, names: Sequence[str], authored: str
) -> TextStream | GuardedStream:
    """What reads the answer to a prompt, guarded where a guard is on. `authored` is the line that
    the designer wrote for this case: it passes in any case."""
    persona = question.persona

    def open_stream() -> TextStream:
        return text_stream(context, persona, names, question.state)

    guards = settled(context.world, persona)
    if not guards:
        return open_stream()
    if context.backend.layout == "compact":
        # A tiny model follows no hint; what it was asked to say is there, word by word.
        guards = structs.replace(guards, retries=0)
    said = [node.text for node in question.history if node.speaker == persona.id]
    watch = Watch(
        guards,
        Cast(persona.name, question.player.name, question.locale, (*context.world.terms, *names)),
        parts=prompt.parts,
        said=said[-REMEMBERED:],
        free=(question.text,),
        authored=plain(authored),
        detector=context.detector,
    )
    return GuardedStream(open_stream, watch)


def asked_anew(request: ModelRequest, hint: str) -> ModelRequest:
    """The request with a word on what was wrong with the first answer, behind the player's line:
    the prefix before it stays in the model's cache."""
    *before, last = request.messages
    hinted = Message(last.role, f"{last.content}\n{hint}", last.name)
    return structs.replace(request, messages=(*before, hinted))


def tell_hits(
    context: EngineContext, turn: str, npc: str, stream: TextStream | GuardedStream, action: str
) -> None:
    """Tell the observer what a stream's guards found, and what came of it."""
    if isinstance(stream, GuardedStream):
        for hit in stream.hits:
            outcome = action if hit is stream.hit else "reported"
            record = GuardHit(turn=turn, npc=npc, guard=hit.guard, rule=hit.rule, action=outcome)
            context.observe(record)


def guarded(stream: GuardedStream) -> BackendError:
    """Why an answer ended, for `turn_end`."""
    assert stream.hit is not None
    return BackendError(
        ErrorCode.GUARDED, f"The guard {stream.hit.guard!r} stopped the answer; the log says why."
    )
