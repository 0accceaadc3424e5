"""The budgets of a server and what its models were last seen to cost."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..backends.base import ModelBackend
from ..domain.budget import MICROS, Amount, Budget
from ..stores.base import Ledger
from .metering import Meter


class Spending:
    """The budgets of a server. `classes` are those of tickets, by name; `soft` is the part of a
    limit from which on `cheaper` answers (None: the same model), and in no more than
    `soft_tokens` (0: as many as ever)."""

    def __init__(
        self,
        ledger: Ledger,
        ordinary: Budget,
        classes: Mapping[str, Budget] | None = None,
        *,
        soft: float = 0.8,
        cheaper: ModelBackend | None = None,
        soft_tokens: int = 0,
    ) -> None:
        self.ledger = ledger
        self.soft = soft
        self.cheaper = cheaper
        self.soft_tokens = soft_tokens
        self.classes = dict(classes or {})
        self._ordinary = ordinary
        self._prices: dict[str, tuple[float, float]] = {}

    def budget(self, name: str) -> Budget:
        """That of a ticket's class; the ordinary one where there is no such."""
        return self.classes.get(name, self._ordinary)

    def most(self, backend: str, read: int, written: int) -> Amount:
        """What a request may cost at most, at the price that this backend was last seen to have."""
        read_price, written_price = self._prices.get(backend, (0.0, 0.0))
        dollars = (read * read_price + written * written_price) / 1e6
        return Amount(read + written, math.ceil(MICROS * dollars))

    def learn(self, backend: str, meter: Meter) -> None:
        """What a model costs shows when it has been asked."""
        if not meter.bill.is_free:
            self._prices[backend] = (meter.bill.input_price, meter.bill.output_price)
