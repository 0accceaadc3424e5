"""A recorded session in the terminal, as fast as it was or faster."""

from __future__ import annotations

import asyncio

from dialogue_protocol.messages import (
    Cue,
    Delta,
    Error,
    Noted,
    Opened,
    Trigger,
    Turn,
    TurnEnd,
)

from ..domain.graphemes import clusters
from ..domain.recordings.exchanges import Exchange, asked_line, exchanges
from ..domain.recordings.recording import Recording
from .terminal import Speech, Terminal

LONGEST_PAUSE = 2.0
"""Seconds that are waited between two requests at most: a player may have been away."""


async def show(terminal: Terminal, recording: Recording, speed: float) -> None:
    """Play it. `speed` 0 waits for nothing."""
    names: dict[str, str] = {}
    now = 0.0
    for exchange in exchanges(recording):
        if speed:
            pause = min(max(0.0, (exchange.at - now) / 1000), LONGEST_PAUSE)
            await asyncio.sleep(pause / speed)
        line = asked_line(exchange.request)
        if line:
            terminal.say(line, "bold" if line.startswith(">") else "dim")
        await _answers(terminal, exchange, names, speed)
        now = exchange.at + (exchange.answers[-1][0] if exchange.answers else 0.0)


async def _answers(
    terminal: Terminal, exchange: Exchange, names: dict[str, str], speed: float
) -> None:
    speech: Speech | None = None
    before = 0.0
    for delay, answer in exchange.answers:
        if speed:
            await asyncio.sleep(max(0.0, (delay - before) / 1000 / speed))
        before = delay
        match answer:
            case Opened():
                names |= {npc.id: npc.name for npc in answer.npcs}
                if answer.greeting:
                    speech = terminal.speech(answer.npcs[0].id, answer.npcs[0].name)
                    _speak(speech, answer.greeting)
                    speech.end()
                    speech = None
            case Turn():
                speech = terminal.speech(answer.npc, names.get(answer.npc, answer.npc))
            case Delta() if speech is not None:
                _speak(speech, answer.text)
            case Cue() if speech is not None and answer.kind != "filler":
                speech.cue(answer)
            case TurnEnd() if speech is not None:
                speech.end("" if answer.reason == "complete" else f"[{answer.reason}]")
                terminal.note(
                    f"   first word {answer.first_token_ms} ms, all {answer.total_ms} ms"
                    + (f", {answer.code}: {answer.detail}" if answer.code else "")
                )
                speech = None
            case Error():
                terminal.say(f"! {answer.code}: {answer.detail}", "red")
            case Noted():
                terminal.note("- nobody answers")
            case Trigger():
                terminal.note(f"* trigger {answer.name}")
            case _:
                pass
    if speech is not None:
        speech.end("[the recording ends here]")


def _speak(speech: Speech, text: str) -> None:
    found = clusters(text)
    for at, cluster in enumerate(found):
        word = ""
        for following in found[at + 1 :]:
            if following.isspace():
                break
            word += following
        speech.text(cluster, word)
