"""What an NPC would be asked if the player said something now: played through the real engine, so
that it is the prompt of the game and no copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    ClientMessage,
    Error,
    Inspect,
    Inspected,
    Noted,
    Open,
    Opened,
    Player,
    Script,
    State,
    StateOk,
    TurnEnd,
)
from msgspec import Struct, structs

from ..domain.talk_files import TalkLine
from ..errors import RequestError
from .context import EngineContext
from .in_process import InProcess, in_process
from .registry import Registry

M = TypeVar("M")
_NAME = "preview"


class Moment(Struct, frozen=True):
    """A conversation up to the line that is asked about. `state` is the whole state; `history`
    what was said, after which a greeting is not said again."""

    npc: str
    player: Player
    scene: str = ""
    locale: str = ""
    state: dict[str, Any] = {}
    history: Sequence[TalkLine] = ()


async def preview(context: EngineContext, moment: Moment, text: str) -> Inspected:
    """The prompt of a line that the player says, as the context's backend would get it; nothing
    is asked of that. With "" for `text`, that of an NPC who goes on by itself. The store must be
    empty. Raises a RequestError for what the engine refuses."""
    if moment.history:
        context = _without_greeting(context, moment.npc)
    npcs = list(dict.fromkeys([moment.npc, *(line.npc for line in moment.history if line.npc)]))
    async with in_process(Registry(context), "dialogue-server prompt", ["designer"]) as link:
        opening = Open(_NAME, npcs, moment.player, moment.scene, moment.locale)
        await _ask(link, opening, Opened)
        await _ask(link, State(_NAME, 1, snapshot=moment.state), StateOk)
        for number, line in enumerate(moment.history):
            said = Script(_NAME, str(number), line.text, line.npc)
            await _ask(link, said, TurnEnd if line.npc else Noted)
        return await _ask(link, Inspect(_NAME, npc=moment.npc, text=text), Inspected)


def _without_greeting(context: EngineContext, npc: str) -> EngineContext:
    """What was said begins the conversation, and no greeting before it."""
    persona = context.personas.get(npc)
    if persona is None:
        return context
    translated = {
        tag: structs.replace(other, greeting="") for tag, other in persona.translations.items()
    }
    silent = structs.replace(persona, greeting="", translations=translated)
    return replace(context, personas={**context.personas, npc: silent})


async def _ask(link: InProcess, message: ClientMessage, kind: type[M]) -> M:
    await link.send(message)
    while not isinstance(answer := await link.receive(), kind):
        if isinstance(answer, Error):
            raise RequestError(ErrorCode(answer.code), answer.detail)
    return answer
