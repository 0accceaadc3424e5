"""A recorded session made again: its client's requests to today's engine, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dialogue_protocol.messages import (
    ActionResult,
    ClientMessage,
    Error,
    Hello,
    Interrupt,
    Load,
    Noted,
    Open,
    Ping,
    Pong,
    Regenerate,
    Request,
    Saved,
    ServerMessage,
    Suggest,
    Suggestions,
    Turn,
    TurnEnd,
)
from msgspec import structs

from ..domain.recordings.exchanges import ANSWERED_BY, Exchange, exchanges
from ..domain.recordings.recording import Recording
from ..domain.recordings.rerun import PLAYED
from .context import EngineContext
from .in_process import InProcess, in_process
from .registry import Registry

_PATIENCE = 30.0
"""Seconds beyond the engine's own limit of a turn after which it counts as dead."""


async def rerun(
    context: EngineContext,
    recording: Recording,
    about_to: Callable[[Exchange], None] = lambda _: None,
) -> None:
    """Make the requests again; the context's tap hears what comes of it. Its store must be empty
    and started, its limits on speed off. `about_to` is told of each request before it is made.
    Raises a TimeoutError or a ConnectionError if the engine does not answer."""
    hello = next((e.what for e in recording.entries if isinstance(e.what, Hello)), Hello())
    async with in_process(Registry(context), "dialogue-server replay --against") as link:
        again = _Again(context, link, hello.locale)
        for exchange in exchanges(recording):
            if isinstance(exchange.request, PLAYED):
                about_to(exchange)
                await again.make(exchange)


class _Again:
    """Makes requests under the names that today's engine gives to turns and checkpoints."""

    def __init__(self, context: EngineContext, link: InProcess, locale: str) -> None:
        self._patience = context.limits.turn_seconds + _PATIENCE
        self._link = link
        self._locale = locale
        self._ids: dict[str, str] = {}

    async def make(self, exchange: Exchange) -> None:
        """One request, until all is there that it brings about."""
        request = self._named(exchange.request)
        await self._link.send(request)
        answers = [await self._next()]
        while not _answers(request, answers[-1]):
            answers.append(await self._next())
        await self._interrupt(exchange, answers)
        await self._link.send(Ping())  # what else the engine has to say comes before the pong
        while not isinstance(await self._next(), Pong):
            pass
        self._learn(exchange, answers)

    def _named(self, request: ClientMessage) -> ClientMessage:
        changes: dict[str, Any] = {}
        match request:
            case Open():
                # Whatever model it named: it is today's that is asked.
                changes["model"] = ""
                changes["locale"] = request.locale or self._locale
                changes["checkpoint"] = self._ids.get(request.checkpoint, request.checkpoint)
            case Load():
                changes["checkpoint"] = self._ids.get(request.checkpoint, request.checkpoint)
            case Regenerate() | ActionResult():
                changes["id"] = self._ids.get(request.id, request.id)
            case _:
                return request
        return structs.replace(request, **changes)

    async def _interrupt(self, exchange: Exchange, answers: list[ServerMessage]) -> None:
        """Where the player cut the NPC short, memory holds as much of it as then."""
        then = next((a for _, a in exchange.answers if isinstance(a, TurnEnd)), None)
        now = next((a for a in answers if isinstance(a, TurnEnd)), None)
        if then is not None and now is not None and then.reason == "interrupted":
            await self._link.send(Interrupt(now.turn, then.length))

    def _learn(self, exchange: Exchange, answers: list[ServerMessage]) -> None:
        new: dict[type, str] = {}
        for answer in answers:
            if isinstance(answer, Turn | Saved):
                new[type(answer)] = answer.id if isinstance(answer, Turn) else answer.checkpoint
        for _, then in exchange.answers:
            if isinstance(then, Turn | Saved) and type(then) in new:
                old = then.id if isinstance(then, Turn) else then.checkpoint
                self._ids[old] = new[type(then)]

    async def _next(self) -> ServerMessage:
        async with asyncio.timeout(self._patience):
            return await self._link.receive()


def _answers(request: ClientMessage, message: ServerMessage) -> bool:
    """Whether a message is the last that a request brings about."""
    if isinstance(message, Error):
        return True
    if isinstance(request, Suggest):
        return isinstance(message, Suggestions)
    if isinstance(request, Request):
        return isinstance(message, TurnEnd | Noted)
    return isinstance(request, ANSWERED_BY.get(type(message), ()))
