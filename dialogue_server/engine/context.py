"""What every session shares: content, model, store, limits, and the outside's clock and ids."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from dialogue_protocol.messages import ContentInfo, Limits
from msgspec import Struct

from ..backends.base import ModelBackend, Sampling
from ..domain.language_detector import Detector
from ..domain.persona import Persona, World
from ..domain.tokens import Calibration
from ..stores.base import Store
from .allowances import Allowance
from .desk import Desk, Shelf
from .directory import Directory
from .observer import Observer
from .open_conversations import OpenConversations
from .places import Places
from .spending import Spending
from .tap import MakeTap, Tap


class EngineLimits(Struct, frozen=True):
    """The engine's bounds. Bytes, seconds, code points and tokens, as the names say."""

    message_bytes: int = 256 * 1024
    line_chars: int = 1_000
    state_bytes: int = 64 * 1024
    state_depth: int = 16
    conversations: int = 16
    sessions: int = 10_000
    """Sessions at a time, detached ones included; 0 for no limit."""
    sessions_per_player: int = 0
    """Where tickets name players; those detached are given up first. 0 for no limit."""
    turns: int = 0
    """Turns at a time; 0 for no limit, and so below."""
    turns_per_player: int = 0
    queue: int = 1_000
    """Turns that may wait for a place, each at most `queue_seconds`."""
    queue_seconds: float = 30.0
    messages_per_second: float = 50.0
    """What a session, and all of one player together, may send in the long run, five seconds'
    worth at once; 0 for no limit."""
    lines_per_minute: float = 120.0
    """How many lines of each may be answered, a minute's worth at once; 0 for no limit."""
    replay_bytes: int = 256 * 1024
    detach_seconds: float = 60.0
    turn_seconds: float = 120.0
    filler_seconds: float = 1.5
    """How late the first word may be before the NPC makes a sound; 0 for never."""
    suggestion_seconds: float = 8.0
    """How long the model may take over suggestions before authored ones are given."""
    summaries: Literal["beside", "alone", "never"] = "never"
    """Whether the model sums up old lines in the background: beside turns, or only while none runs
    on this server."""
    summary_seconds: float = 60.0
    prompt_tokens: int = 4_000
    answer_tokens: int = 300

    def wire(self) -> Limits:
        """What a client is told of them."""
        return Limits(
            message_bytes=self.message_bytes,
            line_chars=self.line_chars,
            state_bytes=self.state_bytes,
            state_depth=self.state_depth,
            conversations=self.conversations,
        )


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(slots=True)
class EngineContext:
    """Made once by the composition root. `world` and `personas` may be replaced while running;
    a conversation takes the new ones with its next turn."""

    world: World
    personas: Mapping[str, Persona]
    backend: ModelBackend
    store: Store
    observe: Observer
    limits: EngineLimits = field(default_factory=EngineLimits)
    sampling: Sampling = field(default_factory=Sampling)
    server: str = ""
    """What `welcome.server` says: name and version."""
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    new_id: Callable[[], str] = _new_id
    conversations: OpenConversations = field(default_factory=OpenConversations)
    summing: set[asyncio.Task[None]] = field(default_factory=set)
    """Old lines are being summed up in the background."""
    models: Mapping[str, ModelBackend] = field(default_factory=dict)
    """What a designer may have answer in place of `backend`, by name."""
    desk: Desk | None = None
    """The designers' files; None where the content is not from a folder."""
    shelf: Shelf | None = None
    """The recorded sessions; None where nothing is recorded."""
    watchers: dict[str, Callable[[ContentInfo], None]] = field(default_factory=dict)
    """Whom to tell of changed files, by session."""
    tap: MakeTap | None = None
    """Listens to each new session (tap.py)."""
    tap_asked: bool = False
    """Whether it listens only to sessions that ask for it (capability `record`)."""
    taps: dict[str, Tap] = field(default_factory=dict)
    """The taps of the sessions that live, by their ids."""
    detector: Detector | None = None
    """Tells the language of an answer; None where no guard asks for it."""
    language: str = ""
    """What NPCs speak where neither the client nor the persona says (content.language)."""
    directory: Directory | None = None
    """What several servers agree on; None for one alone."""
    calibration: Calibration = field(default_factory=Calibration)
    """What the models' own counts have taught about our estimate of tokens."""
    draining: bool = False
    """True while the server shuts down: running turns finish, new lines are refused."""
    spending: Spending | None = None
    """What models may cost; None for no budgets."""
    places: Places = field(default=None)  # type: ignore[assignment]
    """Room for turns; made from the limits, as the next two are."""
    player_messages: Allowance = field(default=None)  # type: ignore[assignment]
    player_lines: Allowance = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """A copy shares them."""
        if self.places is None:
            limits = self.limits
            self.places = Places(
                limits.turns,
                limits.turns_per_player,
                limits.queue,
                limits.queue_seconds,
                clock=self.monotonic,
            )
            rate = limits.messages_per_second
            self.player_messages = Allowance(rate, 5 * rate)
            self.player_lines = Allowance(limits.lines_per_minute / 60, limits.lines_per_minute)

    @property
    def has_spare_model(self) -> bool:
        """Whether the model may be asked for more than turns now: none waits for it, and if it
        does one thing at a time, none runs."""
        if self.limits.summaries == "alone" and self.places.running:
            return False
        return not self.places.waiting
