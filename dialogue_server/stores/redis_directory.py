"""What several servers must agree on, in the Redis that they share (engine/directory.py).

d:server:ID           string  a server's address; gone LEASE seconds after its last sign of life
d:session:ID          string  the server where a session lives
{d:TAG}:holder        string  the server that has a conversation open
d:release:ID          channel asks a server to let go of a conversation
d:lines:PLAYER        string  when the player's allowance of lines is full again (microseconds)
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
import weakref
from typing import cast

import msgspec

from ..domain.conversation import ConversationKey
from ..engine.directory import Release
from ..errors import StoreError
from .redis import RedisStore

LEASE = 5.0
"""Seconds after which a server that gives no sign of life is taken for dead."""
BEAT = LEASE / 3
PATIENCE = 3.0
"""Seconds that another server gets to let go of a conversation."""
_LOOK_AGAIN = 0.02

_CLAIM = """
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[1] or holder == ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[1])
  return false
end
return holder
"""
_DISCLAIM = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


# The generic cell rate algorithm: one moment is all that a bucket is.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + tonumber(ARGV[1])
local wait = full - tonumber(ARGV[2]) - now
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return 0
"""


class RedisDirectory:
    """A server's view of the others. `start`, then `aclose`."""

    def __init__(self, store: RedisStore) -> None:
        self.server = store.server = uuid.uuid4().hex[:16]
        self._redis = store.client
        self._ask = store.ask
        self._claim = store.client.register_script(_CLAIM)
        self._disclaim = store.client.register_script(_DISCLAIM)
        self._take = store.client.register_script(_TAKE)
        self._address = ""
        self._release: Release
        self._tasks: list[asyncio.Task[None]] = []
        self._letting_go: set[asyncio.Task[None]] = set()
        self._changing = weakref.WeakValueDictionary[ConversationKey, asyncio.Lock]()

    async def start(self, address: str, release: Release) -> None:
        """Make this server known, and go on giving signs of life."""
        self._address, self._release = address, release
        await self._live()
        self._tasks = [
            asyncio.create_task(self._beat(), name="sign of life"),
            asyncio.create_task(self._listen(), name="listen to servers"),
        ]

    async def whereabouts(self, session: str) -> str:
        """The address of the other server where a session lives, "" for none."""
        server, dash, _ = session.partition("-")
        if not dash or server == self.server:
            return ""
        told = await self._ask(self._redis.get(f"d:server:{server}"))
        address = told.decode() if told else ""
        # This server's own is that of one that was killed, and in whose place this one stands.
        return "" if address == self._address else address

    async def claim(self, key: ConversationKey) -> None:
        """Take a conversation, after whoever else has it has stored what it holds."""
        dead, other, asked = "", "", False
        now = asyncio.get_running_loop().time
        until = now() + PATIENCE
        while holder := await self._try(key, dead):
            if holder.decode() != other:  # a third one was faster, and has its own time
                other, asked, until = holder.decode(), False, now() + PATIENCE
            late = now() > until
            if late or not await self._ask(self._redis.exists(f"d:server:{other}")):
                dead = other
                continue
            if not asked:
                wanted = msgspec.msgpack.encode((key.player, key.conversation))
                # Nobody hears it while that server has lost its connection: then again.
                asked = bool(await self._ask(self._redis.publish(f"d:release:{other}", wanted)))
            await asyncio.sleep(_LOOK_AGAIN)

    async def disclaim(self, key: ConversationKey) -> None:
        """Let go of a conversation."""
        async with self._order(key):
            await self._ask(self._disclaim(keys=[RedisStore.holder_key(key)], args=[self.server]))

    async def _try(self, key: ConversationKey, dead: str) -> bytes | None:
        async with self._order(key):
            name = RedisStore.holder_key(key)
            return cast(
                "bytes | None", await self._ask(self._claim(keys=[name], args=[self.server, dead]))
            )

    def _order(self, key: ConversationKey) -> asyncio.Lock:
        """What is told of one conversation goes over several connections: one after the other, or
        a letting go may arrive after the claim that followed it."""
        return self._changing.setdefault(key, asyncio.Lock())

    async def take_line(self, player: str, per_minute: float) -> float:
        """Count a line of a player on all servers."""
        each = 60e6 / per_minute
        burst = max(60e6, each)
        wait = await self._ask(
            self._take(keys=[f"d:lines:{player}"], args=[round(each), round(burst)])
        )
        return int(wait) / 1e6

    async def aclose(self) -> None:
        """Leave: nothing lives here any more."""
        tasks = {*self._tasks, *self._letting_go}
        while tasks:  # the client swallows a cancellation that comes while it connects
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=_LOOK_AGAIN)
        with contextlib.suppress(StoreError):
            await self._ask(self._redis.delete(f"d:server:{self.server}"))

    async def _live(self) -> None:
        lease = round(1000 * LEASE)
        await self._ask(self._redis.set(f"d:server:{self.server}", self._address, px=lease))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            with contextlib.suppress(StoreError):  # Redis may be away for a while
                await self._live()

    async def _listen(self) -> None:
        """Let go of what others want; none waits for another whose turn is slow to end."""
        while True:
            with contextlib.suppress(StoreError):
                async with self._redis.pubsub() as channel:
                    await self._ask(channel.subscribe(f"d:release:{self.server}"))
                    while True:
                        message = await self._ask(
                            channel.get_message(ignore_subscribe_messages=True, timeout=BEAT)
                        )
                        if message is not None:
                            task = asyncio.create_task(self._let_go(message["data"]), name="let go")
                            self._letting_go.add(task)
                            task.add_done_callback(self._letting_go.discard)
            await asyncio.sleep(_LOOK_AGAIN)

    async def _let_go(self, wanted: bytes) -> None:
        player, conversation = msgspec.msgpack.decode(wanted, type=tuple[str, str])
        key = ConversationKey(player, conversation)
        await self._release(key)
        with contextlib.suppress(StoreError):  # whoever wants it waits no longer than PATIENCE
            await self.disclaim(key)
