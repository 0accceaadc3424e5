"""What is done beside the talk, from time to time: branches that nobody returns to are deleted."""

from __future__ import annotations

import asyncio

from ..errors import StoreError
from .context import EngineContext
from .observer import BranchesCollected, Failure

DAY = 86_400.0
COLLECT_EVERY = 6 * 3600.0
"""Seconds between two collections: short beside a day, the setting's unit, and rare beside talk."""


async def collect_branches(
    context: EngineContext, keep_days: float, *, every: float = COLLECT_EVERY
) -> None:
    """Delete what lies on no path to a head, a checkpoint or a node younger than `keep_days`:
    now, and again after each `every` seconds, until cancelled. Each time is told the observer."""
    while True:
        began = context.monotonic()
        try:
            nodes = await context.store.collect(context.now() - keep_days * DAY)
        except StoreError as error:
            context.observe(Failure(where="collecting old branches", error=error.detail))
        else:
            took = round(1000 * (context.monotonic() - began))
            context.observe(BranchesCollected(nodes=nodes, keep_days=keep_days, total_ms=took))
        await asyncio.sleep(every)
