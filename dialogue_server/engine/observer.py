"""What the engine tells its listeners: frozen records, one method.

The engine never logs and never counts; it emits one record where something happened, and
instrumentation/ turns records into log lines and metrics. Nothing is emitted per token.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct, field


class SessionStarted(Struct, frozen=True, tag="session.started"):
    """A hello was accepted."""

    session: str
    client: str
    resumed: bool


class SessionEnded(Struct, frozen=True, tag="session.ended"):
    """A session is over, its conversations closed."""

    session: str
    reason: str


class ConversationOpened(Struct, frozen=True, tag="conversation.opened"):
    """A conversation is open."""

    session: str
    conversation: str
    npcs: tuple[str, ...]
    history: int


class TurnStarted(Struct, frozen=True, tag="turn.started"):
    """A line was accepted and a model is being asked. `dropped` counts the prompt's parts that
    did not fit."""

    session: str
    conversation: str
    turn: str
    npc: str
    backend: str
    prompt_tokens: int
    dropped: int


class TurnFinished(Struct, frozen=True, tag="turn.finished"):
    """A turn is over. Times in milliseconds. `queued_ms` is part of the others; `gap_ms` is the
    mean time between two pieces of text, `longest_gap_ms` the longest. `model` is who answered of
    the backend's chain, "" for nobody. `counted_tokens` and `dollars` are what it cost, estimated
    where the model does not tell or was stopped. `budget` is the ticket's class, `limit` the one
    that made it thrifty ("soft player_tokens") or silent ("hard player_tokens"), if any. `moments`
    says when each step of it was done (spec.md, "inspected")."""

    session: str
    conversation: str
    turn: str
    npc: str
    backend: str
    reason: str
    code: str
    length: int
    first_token_ms: int
    total_ms: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    detail: str = ""
    queued_ms: int = 0
    gap_ms: int = 0
    longest_gap_ms: int = 0
    model: str = ""
    counted_tokens: int = 0
    dollars: float = 0.0
    budget: str = ""
    limit: str = ""
    moments: dict[str, float] = field(default_factory=dict)


class CueDropped(Struct, frozen=True, tag="cue.dropped"):
    """A tag of the model named a mood or an action that the persona does not declare, or gave
    parameters of the wrong type; it was not sent."""

    turn: str
    npc: str
    kind: str
    name: str
    problem: str


class GuardHit(Struct, frozen=True, tag="guard.hit"):
    """A guard caught a sentence of an answer. `rule` is the designer's phrase, topic or key, never
    what was said. `action`: "regenerated" (the model was asked anew), "fallback" (an authored line
    was spoken), "cut" (the answer ended before it) or "reported" (report_only)."""

    turn: str
    npc: str
    guard: str
    rule: str
    action: str


class RequestRefused(Struct, frozen=True, tag="request.refused"):
    """A client's message was answered by an error."""

    session: str
    code: str
    detail: str


class BranchesCollected(Struct, frozen=True, tag="store.collected"):
    """Old branches were deleted (store.keep_days): how many nodes, and how long it took."""

    nodes: int
    keep_days: float
    total_ms: int


class ContentRead(Struct, frozen=True, tag="content.read"):
    """The designers' files changed and were read. `problems` are sentences; a file that has one
    keeps its last good version in force."""

    npcs: tuple[str, ...]
    problems: tuple[str, ...]


class MemorySummed(Struct, frozen=True, tag="memory.summed"):
    """The model was asked to sum up old lines for an NPC. `problem` says why nothing was kept,
    "" if it was."""

    conversation: str
    npc: str
    lines: int
    problem: str = ""
    input_tokens: int = 0
    output_tokens: int = 0


class TriggerFired(Struct, frozen=True, tag="trigger.fired"):
    """A designer's trigger came true, and the game was told. `trigger` says where it stands;
    `stage` is the one that the scene moved to, "" if it did not."""

    conversation: str
    trigger: str
    stage: str


class TriggerJudged(Struct, frozen=True, tag="trigger.judged"):
    """The model was asked whether a trigger is true. `answer` is yes or no; "" with a `problem`
    where it gave none."""

    conversation: str
    trigger: str
    answer: str
    problem: str = ""


class SuggestionsMade(Struct, frozen=True, tag="suggestions.made"):
    """The player was given lines to choose from, so many of them by the model. `problem` says why
    it gave none, where it failed."""

    conversation: str
    lines: int
    by_model: int
    total_ms: int
    problem: str = ""


class ModelUsed(Struct, frozen=True, tag="model.used"):
    """A model was asked something beside the turns: `purpose` is suggestions, summary or judge."""

    conversation: str
    purpose: str
    backend: str
    tokens: int
    dollars: float


class Failure(Struct, frozen=True, tag="server.failure"):
    """Something that should not happen did. `error` is its traceback."""

    where: str
    error: str


Record = (
    SessionStarted
    | SessionEnded
    | ConversationOpened
    | TurnStarted
    | TurnFinished
    | CueDropped
    | GuardHit
    | RequestRefused
    | BranchesCollected
    | ContentRead
    | MemorySummed
    | TriggerFired
    | TriggerJudged
    | SuggestionsMade
    | ModelUsed
    | Failure
)


class Observer(Protocol):
    """A listener. Must not raise, must not block."""

    def __call__(self, record: Record) -> None:
        """Take note of a record."""
        ...


def tell_all(observers: Sequence[Observer], record: Record) -> None:
    """Tell several listeners. What one of them raises ends nothing: the others are told of it."""
    for observer in observers:
        try:
            observer(record)
        except Exception:
            failure = Failure(where="observer", error=traceback.format_exc())
            for other in observers:
                if other is not observer:
                    with contextlib.suppress(Exception):
                        other(failure)
