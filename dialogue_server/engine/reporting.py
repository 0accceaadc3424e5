"""The record of a turn that is over, from all that was measured of it."""

from __future__ import annotations

from collections.abc import Mapping

from dialogue_protocol.messages import TurnEnd

from .charging import Charge
from .metering import Gaps, Meter
from .observer import TurnFinished


def turn_finished(
    end: TurnEnd,
    *,
    session: str,
    conversation: str,
    turn: str,
    npc: str,
    backend: str,
    meter: Meter,
    gaps: Gaps,
    charge: Charge,
    moments: Mapping[str, float],
) -> TurnFinished:
    """What listeners are told. `moments` are in milliseconds from the request (turn.py)."""
    queued = moments.get("placed", 0.0) - moments.get("prompt", 0.0)
    return TurnFinished(
        session=session,
        conversation=conversation,
        turn=turn,
        npc=npc,
        backend=backend,
        reason=end.reason,
        code=end.code,
        length=end.length,
        first_token_ms=end.first_token_ms,
        total_ms=end.total_ms,
        input_tokens=end.input_tokens,
        output_tokens=end.output_tokens,
        cached_tokens=end.cached_tokens,
        detail=end.detail,
        queued_ms=max(0, round(queued)),
        gap_ms=gaps.mean_ms,
        longest_gap_ms=gaps.longest_ms,
        model=meter.bill.backend,
        counted_tokens=meter.spent.input_tokens + meter.spent.output_tokens,
        dollars=meter.spent.cost,
        budget=charge.budget_class,
        limit=charge.limit,
        moments=dict(moments),
    )
