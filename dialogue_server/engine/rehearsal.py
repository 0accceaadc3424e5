"""Scenarios played through the real engine, as a game would play them (domain/scenarios/)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from dialogue_protocol.messages import (
    ActionResult,
    Advance,
    ClientMessage,
    Cue,
    Delta,
    Error,
    Event,
    Load,
    Noted,
    Open,
    Opened,
    Ping,
    Player,
    Pong,
    Regenerate,
    Save,
    Saved,
    Say,
    Script,
    ServerMessage,
    State,
    StateOk,
    Trigger,
    Turn,
    TurnEnd,
)
from msgspec import structs

from ..domain.scenarios.checks import Did, Heard, leak, problems
from ..domain.scenarios.result import Outcome, Result
from ..domain.scenarios.scenario import SILENT, Planned, Scenario, Step
from ..domain.state import merge_patch
from .context import EngineContext
from .in_process import InProcess, in_process
from .registry import MakeSession, Registry
from .session import Session

M = TypeVar("M")
_NAME = "scenario"
_PATIENCE = 30.0
"""Seconds beyond the engine's own limit of a turn after which it counts as dead."""


async def rehearse(
    context: EngineContext,
    scenarios: Sequence[Scenario],
    *,
    seeds: Iterable[int] = (1,),
    make: MakeSession = Session,
) -> AsyncGenerator[Result, None]:
    """Play every scenario once with every seed, each as a player of its own. The context's
    backend and store must have been started, and its limits on speed be off. `make` makes the
    sessions: others than the engine's answer from a recording (recordings/replaying.py)."""
    for seed in seeds:
        seeded = replace(context, sampling=structs.replace(context.sampling, seed=seed))
        registry = Registry(seeded, make)
        for number, scenario in enumerate(scenarios):
            player = Player(
                id=f"rehearsal {seed} {number} {context.new_id()}",
                name=scenario.player,
                persona=scenario.player_persona,
            )
            async with in_process(registry, "dialogue-server test") as link:
                yield await _Play(seeded, scenario, player, link).run(seed)


class _Refused(Exception):
    """A request that needs an answer of its own was answered by an error."""


class _Play:
    """One conversation."""

    def __init__(
        self, context: EngineContext, scenario: Scenario, player: Player, link: InProcess
    ) -> None:
        self._context = context
        self._scenario = scenario
        self._player = player
        self._link = link
        self._state: dict[str, Any] = context.world.state
        self._revision = 0
        self._saved: dict[str, tuple[str, dict[str, Any]]] = {}
        self._moods: dict[str, tuple[str, int]] = {}
        self._names: dict[str, str] = {}
        self._told: list[str] = []
        self._triggers: list[str] = []
        self._waiting: dict[str, tuple[str, int]] = {}
        self._newest = ""

    async def run(self, seed: int) -> Result:
        """Open, take the steps, tell what came of it."""
        monotonic = self._context.monotonic
        began = monotonic()
        outcomes: list[Outcome] = []
        greeting = problem = ""
        try:
            greeting = await self._open()
            for at, planned in enumerate(self._scenario.steps):
                outcomes.append(await self._take(planned, f"{at + 1}"))
        except (_Refused, ConnectionError, TimeoutError) as error:
            planned = self._scenario.steps[min(len(outcomes), len(self._scenario.steps) - 1)]
            why = str(error) or "the engine does not answer"
            problem = f"stopped at line {planned.line}: {why}"
        return Result(
            scenario=self._scenario,
            seed=seed,
            greeting=greeting,
            outcomes=tuple(outcomes),
            total_ms=round(1000 * (monotonic() - began)),
            problem=problem,
        )

    async def _open(self) -> str:
        scenario = self._scenario
        opened = await self._ask(
            Open(_NAME, list(scenario.npcs), self._player, scenario.scene, scenario.locale), Opened
        )
        self._take_moods(opened)
        for patch in filter(None, scenario.patches):
            await self._patch(patch)
        return opened.greeting

    async def _take(self, planned: Planned, line: str) -> Outcome:
        step = planned.step
        if step.verb in SILENT:
            await self._do(step)
            return Outcome(planned, None, ())
        if step.say or step.event or (step.script and not step.npc):
            self._told += [step.say, step.event, step.script]
        heard = await self._hear(self._message(step, line))
        speakers = [self._player.name, *self._names.values()]
        found = problems(step, heard, speakers, self._context.detector)
        persona = self._context.personas.get(heard.npc)
        if persona is not None and step.no_leak is not False and step.verb != "script":
            told = leak(self._context.world, persona, self._state, heard.text, self._told)
            found = (*found, told) if told else found
        return Outcome(planned, heard, found)

    async def _do(self, step: Step) -> None:
        if step.state is not None:
            await self._patch(step.state)
        elif step.save:
            saved = await self._ask(Save(_NAME), Saved)
            self._saved[step.save] = (saved.checkpoint, self._state)
        else:
            checkpoint, self._state = self._saved[step.load]
            opened = await self._ask(Load(_NAME, checkpoint), Opened)
            self._take_moods(opened)
            self._revision = opened.revision

    async def _patch(self, patch: dict[str, Any]) -> None:
        self._revision += 1
        await self._ask(State(_NAME, self._revision, patch=patch), StateOk)
        self._state = merge_patch(self._state, patch)

    def _message(self, step: Step, line: str) -> ClientMessage:
        match step.verb:
            case "say":
                return Say(_NAME, line, step.say, step.to)
            case "event":
                return Event(_NAME, line, step.event, step.react, step.npc, step.name, step.data)
            case "script":
                return Script(_NAME, line, step.script, step.npc)
            case "advance":
                return Advance(_NAME, line, step.npc)
            case "regenerate":
                return Regenerate(_NAME, self._newest or "none", line)
            case _:
                if step.result not in self._waiting:
                    raise _Refused(f"no answer so far waits for what comes of {step.result!r}")
                turn, action = self._waiting.pop(step.result)
                return ActionResult(_NAME, line, turn, action, step.accepted, step.text)

    async def _hear(self, message: ClientMessage) -> Heard:
        """Send what may be answered by a turn; the whole of what came."""
        monotonic = self._context.monotonic
        began = monotonic()
        text, did, first = "", list[Did](), 0.0
        turn: Turn | None = None
        end: TurnEnd | None = None
        refusal = ""
        await self._link.send(message)
        while end is None:
            match await self._next():
                case Turn() as begun:
                    turn, self._newest = begun, begun.id
                case Delta(text=more):
                    first = first or monotonic()
                    text += more
                case Cue() as cue if turn is not None and cue.kind != "filler":
                    did.append(Did(cue.offset, cue.kind, cue.name, cue.args))
                    self._note_cue(turn, cue)
                case TurnEnd() as ended_turn:
                    end = ended_turn
                case Error(code=code, detail=detail):
                    refusal = f"{code}: {detail}"
                    break
                case Noted():
                    break
                case _:
                    pass
        ended = monotonic()
        await self._ask(Ping(), Pong)  # what else the engine had to say is here then
        triggers, self._triggers = tuple(self._triggers), []
        if turn is None or end is None:
            return Heard(problem=refusal, triggers=triggers)
        mood, intensity = self._moods.get(turn.npc, ("", 0))
        return Heard(
            npc=turn.npc,
            name=self._names.get(turn.npc, turn.npc),
            text=text,
            mood=mood,
            intensity=intensity,
            did=tuple(did),
            triggers=triggers,
            reason=end.reason,
            problem=f"{end.code}: {end.detail}" if end.code else "",
            first_ms=round(1000 * (first - began)) if first else 0,
            total_ms=round(1000 * (ended - began)),
            input_tokens=end.input_tokens,
            output_tokens=end.output_tokens,
        )

    def _note_cue(self, turn: Turn, cue: Cue) -> None:
        if cue.kind == "mood":
            self._moods[turn.npc] = (cue.name, int(cue.args.get("intensity", 0)))
        elif cue.kind == "action" and cue.action:
            self._waiting[cue.name] = (turn.id, cue.action)

    def _take_moods(self, opened: Opened) -> None:
        self._moods = {npc.id: (npc.mood, npc.intensity) for npc in opened.npcs}
        self._names = {npc.id: npc.name for npc in opened.npcs}

    async def _ask(self, message: ClientMessage, kind: type[M]) -> M:
        """Send what has an answer of its own kind, and wait for it."""
        await self._link.send(message)
        while True:
            answer = await self._next()
            if isinstance(answer, kind):
                return answer
            if isinstance(answer, Error):
                raise _Refused(f"{answer.code}: {answer.detail}")

    async def _next(self) -> ServerMessage:
        async with asyncio.timeout(self._context.limits.turn_seconds + _PATIENCE):
            message = await self._link.receive()
        if isinstance(message, Trigger):
            self._triggers.append(message.name)
        return message
