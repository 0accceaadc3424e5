"""The port of a language model: a request in, text as it comes out.

Obligations of an implementation (tests/contracts/test_model_backend.py runs on each):

- `stream` gives each text to `show` as it arrives, then returns a `Finished`, or raises a
  `BackendError`; nothing is shown after either. Whatever goes wrong outside is mapped to a
  `BackendError` whose detail is fit for a developer's eyes.
- What arrived together is shown together, so that a burst is one call.
- `show` is called from wherever the text arrives, in the event loop's thread: a callback of the
  transport, where there is one, so that no token costs a switch of tasks.
- When `show` has enough (it returns False), `stream` returns None; what `show` raises leaves
  `stream` as it is. Either, or cancelling `stream`, releases the upstream at once.
- Reasoning is never shown.
- A `bill` in the request is filled in before the request goes out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct, field

from ..domain.prompt import Message


class Sampling(Struct, frozen=True):
    """How to draw the next token. None leaves it to the model's profile."""

    temperature: float | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None


class Bill(Struct):
    """What a request costs, as far as its backend knows: filled in when the request goes out,
    since one that is stopped ends without a word. Prices in US dollars per million tokens."""

    backend: str = ""
    """Who answers, of a chain: its name, and the model after a colon."""
    input_price: float = 0.0
    output_price: float = 0.0
    bills_on: bool = False
    """Whether an answer that is stopped is charged to its end."""
    is_free: bool = False
    """Whether no model is asked at all."""
    connect_seconds: float = 0.0
    """How long the service took to accept the request; 0 where nobody is asked over a network.
    Filled in when its answer begins."""
    given_up: list[Bill] = field(default_factory=list)
    """Of a chain: what was asked before and given up for its slowness, which is charged, too."""


class ModelRequest(Struct, frozen=True):
    """What to ask. `stop` is enforced by the server too; `session` and `user` are opaque ids
    that keep a provider's cache warm and one player's policy block to that player."""

    messages: tuple[Message, ...]
    max_tokens: int = 300
    sampling: Sampling = Sampling()
    stop: tuple[str, ...] = ()
    model: str = ""
    """Overrides the backend's model; "" for its own."""
    session: str = ""
    user: str = ""
    authored: str = ""
    """The persona's authored line that fits best, tags included: what the scripted backend says."""
    bill: Bill | None = None
    """Where the backend that is asked writes what it costs."""


class Usage(Struct, frozen=True):
    """What the model says it cost. `cost` in US dollars; 0 where it does not tell."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: float = 0.0

    def plus(self, other: Usage) -> Usage:
        """What both cost together."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.cost + other.cost,
        )


class Finished(Struct, frozen=True):
    """The model is done, and said so. `reason`: stop, length or content_filter."""

    reason: Literal["stop", "length", "content_filter"] = "stop"
    usage: Usage = Usage()


Show = Callable[[str], bool]
"""Takes text that arrived together, never empty; returns whether to go on. Must not wait, and not
raise a BackendError."""


class ModelBackend(Protocol):
    """A model that streams. See the module's docstring for its obligations."""

    @property
    def name(self) -> str:
        """For logs and metrics: short, stable, no secret in it."""
        ...

    @property
    def layout(self) -> Literal["standard", "compact"]:
        """How a prompt for this model is laid out: compact for tiny models."""
        ...

    @property
    def context_tokens(self) -> int:
        """How much fits into prompt and answer together."""
        ...

    async def start(self) -> None:
        """Get ready; raise a BackendError that says what to do if that cannot be. Idempotent."""
        ...

    async def stream(self, request: ModelRequest, show: Show) -> Finished | None:
        """Ask the model; None if `show` had enough before its end."""
        ...

    async def warm(self, messages: tuple[Message, ...]) -> None:
        """Read a prompt's stable prefix ahead of the first line, where that pays; never raises."""
        ...

    async def aclose(self) -> None:
        """Release everything. After calling this, nothing else may be called."""
        ...
