"""What was spent, in this process only."""

from __future__ import annotations

from ..domain.budget import Amount, Entry, days_before


class MemoryLedger:
    """A Ledger that forgets at the end."""

    def __init__(self) -> None:
        self._spent: dict[str, dict[str, Amount]] = {}
        self._open: dict[str, dict[str, bool]] = {}
        """By day and entry, whether it is not settled."""

    async def start(self) -> None:
        """Nothing to open."""

    async def reserve(self, entry: Entry) -> tuple[Amount, ...]:
        """Count what an entry may cost at most."""
        self._forget(days_before(entry.day, 1))
        known = self._open.setdefault(entry.day, {})
        held = await self.spent(entry.day, entry.accounts)
        if entry.id in known:
            return tuple(amount.minus(entry.reserved) for amount in held)
        known[entry.id] = True
        self._add(entry, entry.reserved)
        return held

    async def settle(self, entry: Entry, amount: Amount) -> None:
        """Put what it did cost in its place."""
        known = self._open.get(entry.day, {})
        if known.get(entry.id):
            known[entry.id] = False
            self._add(entry, amount.minus(entry.reserved))

    async def spent(self, day: str, accounts: tuple[str, ...]) -> tuple[Amount, ...]:
        """What accounts hold."""
        held = self._spent.get(day, {})
        return tuple(held.get(account, Amount()) for account in accounts)

    def _add(self, entry: Entry, amount: Amount) -> None:
        held = self._spent.setdefault(entry.day, {})
        for account in entry.accounts:
            held[account] = held.get(account, Amount()).plus(amount)

    def _forget(self, before: str) -> None:
        for table in (self._spent, self._open):
            for day in [day for day in table if day < before]:
                del table[day]
