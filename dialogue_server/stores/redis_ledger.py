"""What was spent, in the Redis that several servers share (redis.py). One script counts an entry
under all of its accounts at once, so all of it lies in one slot of a cluster.

{d:spent}:DAY         hash    account:t and account:m -> tokens, and millionths of a dollar
{d:spent}:DAY:ID      string  "open" or "settled": an entry of that day
"""

from __future__ import annotations

from ..domain.budget import Amount, Entry
from .redis import RedisStore

_KEPT = 2 * 86_400
"""Seconds after the last entry of a day until it is forgotten."""
_SETTLED_KEPT = 3600
"""Seconds for which a message that comes twice is known."""

_RESERVE = """
local new = redis.call('SET', KEYS[2], 'open', 'NX', 'EX', ARGV[1])
local held = {}
for at = 4, #ARGV do
  for field, amount in pairs({[':t'] = ARGV[2], [':m'] = ARGV[3]}) do
    local name = ARGV[at] .. field
    local before
    if new then
      before = redis.call('HINCRBY', KEYS[1], name, amount) - amount
    else
      before = (redis.call('HGET', KEYS[1], name) or 0) - amount
    end
    held[2 * (at - 4) + (field == ':t' and 1 or 2)] = before
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return held
"""
_SETTLE = """
if redis.call('GET', KEYS[2]) ~= 'open' then return 0 end
redis.call('SET', KEYS[2], 'settled', 'EX', ARGV[1])
for at = 4, #ARGV do
  redis.call('HINCRBY', KEYS[1], ARGV[at] .. ':t', ARGV[2])
  redis.call('HINCRBY', KEYS[1], ARGV[at] .. ':m', ARGV[3])
end
return 1
"""


class RedisLedger:
    """A Ledger in the Redis of a store."""

    def __init__(self, store: RedisStore) -> None:
        self._redis = store.client
        self._ask = store.ask
        self._reserve = store.client.register_script(_RESERVE)
        self._settle = store.client.register_script(_SETTLE)

    async def start(self) -> None:
        """Nothing to open: the store has reached Redis."""

    async def reserve(self, entry: Entry) -> tuple[Amount, ...]:
        """Count what an entry may cost at most."""
        most = entry.reserved
        held = await self._ask(
            self._reserve(
                keys=_keys(entry), args=[_KEPT, most.tokens, most.micros, *entry.accounts]
            )
        )
        return tuple(map(Amount, held[::2], held[1::2]))

    async def settle(self, entry: Entry, amount: Amount) -> None:
        """Put what it did cost in its place."""
        more = amount.minus(entry.reserved)
        await self._ask(
            self._settle(
                keys=_keys(entry), args=[_SETTLED_KEPT, more.tokens, more.micros, *entry.accounts]
            )
        )

    async def spent(self, day: str, accounts: tuple[str, ...]) -> tuple[Amount, ...]:
        """What accounts hold."""
        fields = [account + kind for account in accounts for kind in (":t", ":m")]
        held = [int(each or 0) for each in await self._ask(self._redis.hmget(_day(day), fields))]
        return tuple(map(Amount, held[::2], held[1::2]))


def _day(day: str) -> str:
    return f"{{d:spent}}:{day}"


def _keys(entry: Entry) -> list[str]:
    return [_day(entry.day), f"{_day(entry.day)}:{entry.id}"]
