"""Budgets at work: before a model is asked what it may cost is reserved, afterwards what it did
cost is settled; what is used up makes an NPC thrifty, and then has it say authored lines.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

from dialogue_protocol.codes import ErrorCode
from msgspec import structs

from ..backends.base import ModelRequest, Usage
from ..domain.budget import (
    MICROS,
    Amount,
    Entry,
    Verdict,
    accounts,
    day_of,
    judge,
    until_tomorrow,
)
from ..domain.conversation import ConversationKey
from ..domain.tokens import estimate
from ..errors import BackendError, StoreError
from .context import EngineContext
from .metering import Meter
from .observer import Failure, ModelUsed
from .spending import Spending

MOST_CHARS = 8_000
"""A model that writes more than this beside the turns is cut off."""


class Charge:
    """What one turn may cost and did. Made by `reserve`; after that, call `settle` once. Without
    budgets it allows everything and counts nothing."""

    def __init__(
        self,
        context: EngineContext,
        spending: Spending | None = None,
        entry: Entry | None = None,
        verdict: Verdict | None = None,
        budget_class: str = "",
    ) -> None:
        self.verdict = verdict or Verdict()
        self.budget_class = budget_class
        self._context = context
        self._spending = spending
        self._entry = entry

    @property
    def error(self) -> BackendError | None:
        """Why no model may be asked; None if one may."""
        if self.verdict.level != "hard":
            return None
        seconds = until_tomorrow(self._context.now())
        hours, minutes = divmod(math.ceil(seconds / 60), 60)
        return BackendError(
            ErrorCode.BUDGET_EXHAUSTED,
            f"What may be spent today is used up (budgets.{self.verdict.limit}); the next day "
            f"begins in {hours} h {minutes} min.",
            retry_after=seconds,
        )

    @property
    def limit(self) -> str:
        """What limits it, for the log: "soft player_tokens", "" for nothing."""
        return f"{self.verdict.level} {self.verdict.limit}" if self.verdict.limit else ""

    def thrifty(self, context: EngineContext) -> EngineContext:
        """The context to ask in: with the cheaper model where it is time to save."""
        if self._spending is None or self._spending.cheaper is None or not self._is_soft:
            return context
        return replace(context, backend=self._spending.cheaper)

    def shortened(self, request: ModelRequest) -> ModelRequest:
        """The request, for a shorter answer where it is time to save."""
        if self._spending is None or not self._is_soft:
            return request
        most = self._spending.soft_tokens
        if most and request.max_tokens > most:
            request = structs.replace(request, max_tokens=most)
        # A persona's own model is meant for the usual backend.
        return structs.replace(request, model="") if self._spending.cheaper else request

    @property
    def _is_soft(self) -> bool:
        return self.verdict.level == "soft"

    async def settle(self, meter: Meter | None = None) -> None:
        """Count what it did cost; nothing without a meter. What cannot be counted now stays
        reserved, which is more."""
        if self._spending is None or self._entry is None:
            return
        spent = Usage() if meter is None else meter.spent
        if meter is not None and not (self._is_soft and self._spending.cheaper):
            self._spending.learn(self._context.backend.name, meter)
        try:
            await self._spending.ledger.settle(self._entry, amount_of(spent))
        except StoreError as error:
            self._context.observe(Failure(where="budget", error=error.detail))


def amount_of(usage: Usage) -> Amount:
    """A usage as it is counted: a part of a millionth of a dollar is a whole one."""
    # Rounded first: a float's last bit is no money.
    micros = math.ceil(round(MICROS * usage.cost, 3))
    return Amount(usage.input_tokens + usage.output_tokens, micros)


async def reserve(
    context: EngineContext, key: ConversationKey, npc: str, budget_class: str, most: tuple[int, int]
) -> Charge:
    """Count what a turn may cost at most, tokens read and written, and decide by what was there
    before. Where the ledger fails the talk goes on: what is lost is a count."""
    spending = context.spending
    if spending is None:
        return Charge(context, budget_class=budget_class)
    entry = Entry(
        context.new_id(),
        day_of(context.now()),
        accounts(key, npc),
        spending.most(context.backend.name, *most),
    )
    try:
        spent = await spending.ledger.reserve(entry)
    except StoreError as error:
        context.observe(Failure(where="budget", error=error.detail))
        return Charge(context, budget_class=budget_class)
    verdict = judge(spending.budget(budget_class), spent, spending.soft)
    charge = Charge(context, spending, entry, verdict, budget_class)
    if verdict.level == "hard":
        await charge.settle()
    return charge


async def ask_aside(
    context: EngineContext,
    key: ConversationKey,
    npc: str,
    budget_class: str,
    request: ModelRequest,
    purpose: str,
) -> tuple[str, Usage]:
    """Ask the model something beside the turns, on the same account: `purpose` is suggestions,
    summary or judge. What it says, as far as `MOST_CHARS` go, and its usage as the provider tells.
    A BackendError (BUDGET_EXHAUSTED) where the budget does not allow it."""
    read = sum(estimate(message.content) for message in request.messages)
    charge = await reserve(context, key, npc, budget_class, (read, request.max_tokens))
    if charge.error is not None:
        raise charge.error
    context, meter = charge.thrifty(context), Meter()
    usage: Usage | None = None
    failed: BackendError | None = None
    said: list[str] = []
    chars = 0

    def listen(text: str) -> bool:
        nonlocal chars
        said.append(text)
        chars += len(text)
        return chars <= MOST_CHARS

    try:
        finished = await context.backend.stream(meter.begin(request), listen)
        usage = finished.usage if finished is not None else None
        return "".join(said), usage or Usage()
    except BackendError as error:
        failed = error
        raise
    finally:
        meter.end(usage, said, read, failed)
        context.observe(
            ModelUsed(
                conversation=key.conversation,
                purpose=purpose,
                backend=context.backend.name,
                tokens=meter.spent.input_tokens + meter.spent.output_tokens,
                dollars=meter.spent.cost,
            )
        )
        # Who has given the request up may do so once more meanwhile.
        await asyncio.shield(charge.settle(meter))
