"""The budgets that the settings ask for, over the ledger that fits the store."""

from __future__ import annotations

from msgspec import structs

from ..backends.base import ModelBackend
from ..domain.budget import Budget, parse_classes
from ..engine.spending import Spending
from ..errors import SettingsError
from ..settings_limits import BudgetSettings
from ..stores.base import Ledger, Store
from ..stores.memory_ledger import MemoryLedger
from ..stores.redis import RedisStore
from ..stores.redis_ledger import RedisLedger
from ..stores.sqlite import SQLiteStore
from ..stores.sqlite_ledger import SQLiteLedger


async def start_spending(
    settings: BudgetSettings, store: Store, cheaper: ModelBackend | None
) -> Spending | None:
    """The budgets over a store that has started; None where the settings limit nothing. Raises
    SettingsError."""
    limits = structs.asdict(settings)
    ordinary = Budget(**{name: limits[name] for name in Budget.__struct_fields__})
    try:
        classes = parse_classes(settings.classes, ordinary)
    except ValueError as error:
        raise SettingsError(f"budgets.classes: {error}") from None
    if not any(budget.is_limited for budget in (ordinary, *classes.values())):
        return None
    ledger = ledger_of(store)
    await ledger.start()
    return Spending(
        ledger,
        ordinary,
        classes,
        soft=settings.soft_percent / 100,
        cheaper=cheaper,
        soft_tokens=settings.soft_max_tokens,
    )


def ledger_of(store: Store) -> Ledger:
    """The ledger that is kept where the conversations are."""
    if isinstance(store, RedisStore):
        return RedisLedger(store)
    if isinstance(store, SQLiteStore):
        return SQLiteLedger(store)
    return MemoryLedger()
