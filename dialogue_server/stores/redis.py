"""Conversations in Redis (or Valkey), for several servers that share them. Owner of redis-py.

One conversation is a handful of keys with one hash tag, so that they lie in one slot of a
cluster, and every change of it is one script: whole, or not at all. What is durable is up to the
Redis: `appendonly yes` keeps all but the last second, `appendfsync always` everything.

    {d:TAG}:conversation  hash   player, conversation, head, revision, state, version, last, by
    {d:TAG}:nodes         hash   node id -> the node, in msgpack
    {d:TAG}:order         list   node ids as they came, parents before children
    {d:TAG}:lines         hash   a request's line id -> the node that it made
    {d:TAG}:answers       hash   p:PARENT and l:LINE -> the newest NPC's node that answers it
    {d:TAG}:checkpoints   hash   checkpoint id -> the checkpoint, in msgpack
    {d:TAG}:holder        string the server that has it open (redis_directory.py)
    d:node:ID             string the TAG of a node's conversation
    d:player:PLAYER       zset   the player's TAGs by when they last grew
    d:conversations       zset   all TAGs, likewise
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, TypeVar, cast

import msgspec
from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from ..domain.conversation import Archive, Checkpoint, ConversationKey, Listed, Node, Snapshot
from ..domain.state import merge_patch
from ..errors import SettingsError, StoreError, TakenOverError
from ..settings_option import shown
from . import redis_scripts as scripts
from .base import Found, already_there

TIMEOUT = 5.0
"""Seconds that Redis may take to answer, and to be reached."""
ATTEMPTS = 3
CONNECTIONS = 64
"""Connections to Redis, at most."""

T = TypeVar("T")
_encode = msgspec.msgpack.encode
_node = msgspec.msgpack.Decoder(Node).decode
_checkpoint = msgspec.msgpack.Decoder(Checkpoint).decode

_ALL = 2**31


class RedisStore:
    """A Store in a Redis that others may share. `url` is redis://, rediss:// or unix://.
    `client` is for redis_directory.py, which asks by `ask`."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self._shown = shown(url)
        self.client: Redis = _client(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(
                ExponentialWithJitterBackoff(cap=0.5, base=0.05),
                ATTEMPTS,
                # Every script may be sent again (redis_scripts.py).
                supported_errors=(exceptions.ConnectionError, exceptions.TimeoutError),
            ),
            health_check_interval=30,
        )
        script = self.client.register_script
        self._path_script = script(scripts.PATH)
        self._replace_script, self._set_script = script(scripts.REPLACE), script(scripts.SET)
        self._collect_script = script(scripts.COLLECT)
        self.server = ""
        """The server whose changes these are, and are refused where another has a conversation
        (TakenOverError); "" for a command, which asks nobody."""

    async def start(self) -> None:
        """Reach Redis; a StoreError that says what to do if it cannot be."""
        await self.ask(self.client.ping())

    async def load(self, key: ConversationKey) -> Snapshot:
        """The head path and the state."""
        names = _Keys(key)
        found = await self._fields(names, "head", "revision", "state")
        if found is None:
            return Snapshot()
        head, revision, state = found
        return Snapshot(
            await self._path(names, (head or b"").decode()),
            int(revision or 0),
            msgspec.msgpack.decode(state) if state else {},
        )

    async def append(self, key: ConversationKey, node: Node) -> Node:
        """Add a node and make it the head, unless its line is known."""
        names = _Keys(key)
        keys = [names.conversation, names.holder, *names.tree]
        arguments: list[Any] = [
            *(self.server, node.id, _encode(node), node.kind, node.line, node.parent, node.at),
            *(key.player, key.conversation),
        ]
        async with self.client.pipeline(transaction=False) as pipe:  # one journey for all
            # The way from a node to its conversation first: by itself it does no harm.
            pipe.set(f"d:node:{node.id}", names.tag)
            pipe.eval(scripts.APPEND, len(keys), *keys, *arguments)
            self._grow(pipe, key, names, node.at)
            _, packed, *_ = await self.ask(pipe.execute())
        if packed is None:
            raise TakenOverError(key.conversation)
        return _node(packed)

    async def find_line(self, key: ConversationKey, line: str) -> Found | None:
        """What is known of a line id."""
        names = _Keys(key)
        known = await self._hget(names.lines, line)
        if known is not None:
            asked = await self._one(names, known)
            answer = await self._hget(names.answers, f"p:{known}")
            if answer is None:
                answer = await self._hget(names.answers, f"l:{line}")
            return Found(asked, await self._one(names, answer))
        answered = await self._one(names, await self._hget(names.answers, f"l:{line}"))
        return Found(await self._one(names, answered.parent), answered) if answered else None

    async def amend(self, node: str, text: str, reason: str) -> None:
        """Cut a node's text to what was seen."""
        if not await self._change(node, text=text, reason=reason):
            raise StoreError(f"There is no stored turn {node!r} to cut.")

    async def annotate(self, node: str, meta: dict[str, Any]) -> None:
        """Merge into a node's record."""
        if not await self._change(node, meta=meta):
            raise StoreError(f"There is no stored turn {node!r} to annotate.")

    async def elsewhere(
        self, key: ConversationKey, conversations: int, lines: int
    ) -> tuple[tuple[Node, ...], ...]:
        """The player's other conversations."""
        own = _Keys(key).tag.encode()
        wanted = await self.ask(self.client.zrevrange(f"d:player:{key.player}", 0, conversations))
        paths = []
        for tag in [tag for tag in wanted if tag != own][:conversations]:
            names = _Keys(tag.decode())
            head = await self._hget(names.conversation, "head")
            paths.append(await self._path(names, head or "", lines))
        return tuple(filter(None, paths))

    async def path(self, key: ConversationKey, node: str) -> tuple[Node, ...]:
        """The branch that ends in a node."""
        return await self._path(_Keys(key), node)

    async def save_checkpoint(self, key: ConversationKey, checkpoint: Checkpoint) -> None:
        """Keep a moment."""
        names = _Keys(key)
        await self.ask(self.client.hset(names.checkpoints, checkpoint.id, _encode(checkpoint)))

    async def restore(self, key: ConversationKey, checkpoint: str) -> Snapshot | None:
        """Move head and state back."""
        names = _Keys(key)
        packed = await self.ask(self.client.hget(names.checkpoints, checkpoint))
        known = await self._fields(names, "player")
        if packed is None or known is None:
            return None
        found = _checkpoint(packed)
        await self._set(key, head=found.head, revision=found.revision, state=_encode(found.state))
        return msgspec.structs.replace(await self.load(key), saved=found.at)

    async def collect(self, before: float) -> int:
        """Delete old nodes on no path, conversation by conversation: one that grows meanwhile
        waits for the next time."""
        removed = 0
        for tag in await self.ask(self.client.zrange("d:conversations", 0, -1)):
            removed += await self._collect(_Keys(tag.decode()), before)
        return removed

    async def conversations(self) -> tuple[Listed, ...]:
        """All conversations, the newest first."""
        listed = []
        for tag, last in await self.ask(
            self.client.zrevrange("d:conversations", 0, -1, withscores=True)
        ):
            names = _Keys(tag.decode())
            found = await self._fields(names, "player", "conversation")
            if found is not None:
                count = await self.ask(self.client.hlen(names.nodes))
                player, name = ((field or b"").decode() for field in found)
                listed.append(Listed(ConversationKey(player, name), count, last))
        return tuple(listed)

    async def export(self, key: ConversationKey) -> Archive | None:
        """All of a conversation, of one moment."""
        names = _Keys(key)
        async with self.client.pipeline(transaction=True) as pipe:
            pipe.hmget(names.conversation, "player", "head", "revision", "state")
            pipe.lrange(names.order, 0, -1)
            pipe.hgetall(names.nodes)
            pipe.hvals(names.checkpoints)
            fields, order, nodes, checkpoints = await self.ask(pipe.execute())
        player, head, revision, state = fields
        if player is None:
            return None
        return Archive(
            key,
            (head or b"").decode(),
            int(revision or 0),
            msgspec.msgpack.decode(state) if state else {},
            tuple(_node(nodes[name]) for name in order),
            tuple(sorted(map(_checkpoint, checkpoints), key=lambda each: each.at)),
        )

    async def restore_archive(self, archive: Archive) -> None:
        """Store what was exported."""
        names = _Keys(archive.key)
        taken = [names.conversation, *(f"d:node:{node.id}" for node in archive.nodes)]
        if await self.ask(self.client.exists(*taken)):
            raise StoreError(already_there(archive.key))
        for node in archive.nodes:
            await self.append(archive.key, node)
        for checkpoint in archive.checkpoints:
            await self.save_checkpoint(archive.key, checkpoint)
        await self._begin(archive.key)
        await self._set(
            archive.key, head=archive.head, revision=archive.revision, state=_encode(archive.state)
        )

    async def save_state(self, key: ConversationKey, revision: int, state: dict[str, Any]) -> None:
        """Replace the state."""
        await self._begin(key)
        await self._set(key, revision=revision, state=_encode(state))

    async def aclose(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    @staticmethod
    def holder_key(key: ConversationKey) -> str:
        """Where it stands which server has a conversation open (redis_directory.py)."""
        return _Keys(key).holder

    async def ask(self, answer: Awaitable[Any] | Any) -> Any:
        """The answer of Redis, its failures as ours."""
        try:
            return await cast("Awaitable[Any]", answer)
        except exceptions.RedisError as error:
            raise StoreError(f"Redis at {self._shown}: {_explain(error)}") from error
        except OSError as error:
            raise StoreError(f"Redis at {self._shown}: {_explain(error)}") from error

    # ------------------------------------------------------------ the keys

    async def _begin(self, key: ConversationKey) -> None:
        """A conversation may have a state before anything is said in it."""
        await self._set(key, player=key.player, conversation=key.conversation)
        async with self.client.pipeline(transaction=False) as pipe:
            self._grow(pipe, key, _Keys(key), 0.0)
            await self.ask(pipe.execute())

    def _grow(self, pipe: Any, key: ConversationKey, names: _Keys, at: float) -> None:
        """So that lists find it. Never backwards, since two servers may tell of it at once."""
        pipe.zadd("d:conversations", {names.tag: at}, gt=True)
        pipe.zadd(f"d:player:{key.player}", {names.tag: at}, gt=True)

    async def _set(self, key: ConversationKey, **fields: str | int | bytes) -> None:
        names, flat = _Keys(key), [part for pair in fields.items() for part in pair]
        done = await self.ask(
            self._set_script(keys=[names.conversation, names.holder], args=[self.server, *flat])
        )
        if done is None:
            raise TakenOverError(key.conversation)

    async def _change(self, node: str, meta: dict[str, Any] | None = None, **fields: Any) -> bool:
        """Change a node as one step, whoever else changes it; False if there is none."""
        tag = await self.ask(self.client.get(f"d:node:{node}"))
        if tag is None:
            return False
        names = _Keys(tag.decode())
        while True:
            packed = await self.ask(self.client.hget(names.nodes, node))
            if packed is None:
                return False
            old = _node(packed)
            if meta is not None:
                fields["meta"] = merge_patch(old.meta, meta)
            new = _encode(msgspec.structs.replace(old, **fields))
            done = await self.ask(
                self._replace_script(
                    keys=[names.conversation, names.holder, names.nodes],
                    args=[self.server, node, packed, new],
                )
            )
            if done is None:
                name = await self._hget(names.conversation, "conversation")
                raise TakenOverError(name or "")
            if done:
                return True

    async def _collect(self, names: _Keys, before: float) -> int:
        async with self.client.pipeline(transaction=True) as pipe:
            pipe.hmget(names.conversation, "version", "head")
            pipe.lrange(names.order, 0, -1)
            pipe.hgetall(names.nodes)
            pipe.hvals(names.checkpoints)
            (version, head), order, packed, checkpoints = await self.ask(pipe.execute())
        nodes = {name: _node(data) for name, data in packed.items()}
        ends = [(head or b"").decode(), *(_checkpoint(each).head for each in checkpoints)]
        ends += [node.id for node in nodes.values() if node.at >= before]
        kept: set[str] = set()
        while ends:
            node = nodes.get(ends.pop().encode())
            if node is not None and node.id not in kept:
                kept.add(node.id)
                ends.append(node.parent)
        gone = [name.decode() for name in order if name.decode() not in kept]
        if not gone:
            return 0
        staying = [nodes[name] for name in order if name.decode() in kept]
        lines = {node.line: node.id for node in staying if node.kind != "npc" and node.line}
        answers = {f"p:{node.parent}": node.id for node in staying if node.kind == "npc"}
        answers |= {f"l:{n.line}": n.id for n in staying if n.kind == "npc" and n.line}
        done = await self.ask(
            self._collect_script(
                keys=[names.conversation, *names.tree],
                args=[version or b"", _encode(gone), _pairs(lines), _pairs(answers)],
            )
        )
        if not done:
            return 0
        await self.ask(self.client.delete(*(f"d:node:{name}" for name in gone)))
        return len(gone)

    async def _path(self, names: _Keys, node: str, lines: int = _ALL) -> tuple[Node, ...]:
        found = await self.ask(self._path_script(keys=[names.nodes], args=[node, lines]))
        return tuple(_node(packed) for packed in reversed(found))

    async def _one(self, names: _Keys, node: str | None) -> Node | None:
        if not node:
            return None
        packed = await self.ask(self.client.hget(names.nodes, node))
        return _node(packed) if packed else None

    async def _hget(self, key: str, field: str) -> str | None:
        value = await self.ask(self.client.hget(key, field))
        return value.decode() if value is not None else None

    async def _fields(self, names: _Keys, *fields: str) -> Sequence[bytes | None] | None:
        """Fields of a conversation; None if it is unknown."""
        player, *found = await self.ask(self.client.hmget(names.conversation, ["player", *fields]))
        return found if player is not None else None


def _client(url: str, **options: Any) -> Redis:
    try:
        # Above so many, requests wait for each other; the library's own pool fails them at once.
        wait = options["socket_timeout"]
        pool = BlockingConnectionPool.from_url(
            url, max_connections=CONNECTIONS, timeout=wait, **options
        )
        return Redis.from_pool(pool)
    except ValueError:  # its text may hold a part of the password
        raise SettingsError(
            f"store.path: {shown(url)} is no address of a Redis, such as "
            "redis://:PASSWORD@HOST:6379/0; in a password, / ? # @ : and % are written %2F %3F "
            "%23 %40 %3A %25"
        ) from None


class _Keys:
    """The names of a conversation's keys."""

    def __init__(self, of: ConversationKey | str) -> None:
        if isinstance(of, ConversationKey):
            both = f"{len(of.player)}:{of.player}{of.conversation}"
            of = hashlib.blake2b(both.encode(), digest_size=16).hexdigest()
        self.tag = of
        base = f"{{d:{of}}}"
        self.conversation = f"{base}:conversation"
        self.nodes = f"{base}:nodes"
        self.order = f"{base}:order"
        self.lines = f"{base}:lines"
        self.answers = f"{base}:answers"
        self.checkpoints = f"{base}:checkpoints"
        self.holder = f"{base}:holder"
        self.tree = (self.nodes, self.order, self.lines, self.answers)


def _pairs(of: dict[str, str]) -> bytes:
    return _encode([part for pair in of.items() for part in pair])


_AWAY = "it does not answer; see that it runs, that it is not overloaded, and store.path."
_ADVICE: Iterable[tuple[type[Exception], str]] = (
    (exceptions.AuthenticationError, "it refuses the password; see store.path."),
    (exceptions.BusyLoadingError, "it still reads its file; try again in a moment."),
    (exceptions.ReadOnlyError, "it is a replica; store.path must name the primary."),
    (exceptions.OutOfMemoryError, "its memory is full; raise maxmemory, or free some."),
    (exceptions.TimeoutError, _AWAY),
    (exceptions.ConnectionError, _AWAY),
    (OSError, _AWAY),
)


def _explain(error: Exception) -> str:
    advice = next((text for kind, text in _ADVICE if isinstance(error, kind)), "")
    return advice or f"{type(error).__name__}: {error}"
