"""The live sessions: begin, detach when the socket drops, resume, expire, drain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from dialogue_protocol.codec import Codec
from dialogue_protocol.codes import CloseCode, ErrorCode
from dialogue_protocol.connection import HandshakeError, ServerConnection
from dialogue_protocol.messages import Hello

from ..domain.conversation import ConversationKey
from .context import EngineContext
from .identity import LOCAL, RECORD, Identity
from .observer import SessionEnded, SessionStarted
from .session import Session, Socket

RETRY_AFTER = 30.0
"""Seconds that a client is told to wait where there is no room for its session."""
MakeSession = Callable[[EngineContext, ServerConnection, Identity], Session]


class Registry:
    """All sessions of this process. `epoch` names the process's life: positions of another
    life cannot be resumed. `make` makes the sessions."""

    def __init__(self, context: EngineContext, make: MakeSession = Session) -> None:
        self._context = context
        self._make = make
        self._epoch = context.new_id()
        self._sessions: dict[str, Session] = {}
        self._players: dict[str, set[str]] = {}
        """The sessions of each player whom a ticket names."""
        self._expiring: dict[str, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()

    @property
    def count(self) -> int:
        """How many sessions live, detached ones included."""
        return len(self._sessions)

    @property
    def attached(self) -> int:
        """How many of them have a socket."""
        return len(self._sessions) - len(self._expiring)

    @property
    def replay_bytes(self) -> int:
        """Bytes of memory that are kept for resumes."""
        return sum(session.connection.buffered for session in self._sessions.values())

    def attach(
        self, hello: Hello, codec: Codec, socket: Socket, identity: Identity = LOCAL
    ) -> Session:
        """Go on with the session that the hello names, or begin a new one; welcome the client.
        A HandshakeError for a ticket that has expired, for want of room, and while the server
        drains: then nothing new begins."""
        session = self._resume(hello, codec, socket, identity)
        resumed = session is not None
        if session is None:
            self._check_new(identity)
            self._make_room_of(identity.player)
            self._make_room()
            session = self._begin(hello, codec, socket, identity)
        self._context.observe(
            SessionStarted(session=session.id, client=hello.client, resumed=resumed)
        )
        return session

    def _resume(
        self, hello: Hello, codec: Codec, socket: Socket, identity: Identity
    ) -> Session | None:
        wanted = hello.resume
        session = self._sessions.get(wanted.session) if wanted else None
        if wanted is None or session is None or not session.identity.is_same(identity):
            return None
        if identity != session.identity and identity.has_expired(self._context.now()):
            return None  # the very ticket that the session has may go on beyond its time
        old = session.socket
        frames = session.connection.resume(wanted, codec)
        if frames is None:
            return None
        self._keep(session)
        session.socket = socket
        session.identity = identity
        for frame in frames:
            socket.write(frame)
        if old is not None:
            old.close(CloseCode.REPLACED, "another socket resumed this session")
        return session

    def _check_new(self, identity: Identity) -> None:
        if self._context.draining:
            raise HandshakeError(
                CloseCode.GOING_AWAY, ErrorCode.SHUTTING_DOWN, "The server restarts; come back."
            )
        now = self._context.now()
        if identity.has_expired(now):
            ago = now - identity.expires
            raise HandshakeError(
                CloseCode.UNAUTHORIZED,
                ErrorCode.UNAUTHORIZED,
                f"hello.token: the ticket expired {ago:.0f} s ago; get a new one.",
            )

    def _make_room(self) -> None:
        """At the limit, give up the session whose client has been away longest."""
        limit = self._context.limits.sessions
        if not limit or len(self._sessions) < limit:
            return
        longest = next(iter(self._expiring), None)
        if longest is None:
            raise HandshakeError(
                CloseCode.SESSION_LIMIT,
                ErrorCode.TOO_MANY_SESSIONS,
                f"The server holds {limit} sessions (limits.sessions); come back later.",
                retry_after=RETRY_AFTER,
            )
        self._give_up(longest)

    def _make_room_of(self, player: str) -> None:
        """At the limit of one player, give up its session that has been away longest."""
        limit, own = self._context.limits.sessions_per_player, self._players.get(player, ())
        if not limit or len(own) < limit:
            return
        longest = next((session for session in self._expiring if session in own), None)
        if longest is None:
            raise HandshakeError(
                CloseCode.SESSION_LIMIT,
                ErrorCode.TOO_MANY_SESSIONS,
                f"{limit} connections of this player are open (limits.connections_per_player); "
                "close one.",
                retry_after=RETRY_AFTER,
            )
        self._give_up(longest)

    def _give_up(self, session: str) -> None:
        self._expire(self._sessions[session], "its place was needed (limits.sessions)")

    def _begin(self, hello: Hello, codec: Codec, socket: Socket, identity: Identity) -> Session:
        limits = self._context.limits
        name, directory = self._context.new_id(), self._context.directory
        granted = identity.granted(hello.capabilities)
        if self._context.tap is None and RECORD in granted:
            granted.remove(RECORD)
        connection = ServerConnection(
            name if directory is None else f"{directory.server}-{name}",
            self._epoch,
            limits.wire(),
            codec,
            buffer_bytes=limits.replay_bytes,
            server=self._context.server,
            capabilities=granted,
        )
        session = self._make(self._context, connection, identity)
        self._sessions[connection.session] = session
        if identity.player:
            self._players.setdefault(identity.player, set()).add(session.id)
        session.socket = socket
        session.locale = hello.locale
        if self._context.tap is not None and (not self._context.tap_asked or RECORD in granted):
            session.tap = self._context.taps[session.id] = self._context.tap(session.id, hello)
        socket.write(connection.welcome())
        return session

    def knows(self, session: str) -> bool:
        """Whether a session lives here."""
        return session in self._sessions

    async def release(self, key: ConversationKey) -> None:
        """Close a conversation that another server wants (engine/directory.py), also one that is
        opened here meanwhile. Until it is stored, whoever opens it here has to wait for it."""
        held = self._context.conversations
        while (conversation := held.get(key)) is not None:
            await conversation.close()
            if held.get(key) is conversation:
                del held[key]

    def _soon(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Begin something that nobody waits for; `drain` does."""
        task = asyncio.create_task(work, name=name)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def detach(self, session: Session, socket: Socket) -> None:
        """The socket is gone. The session lives on for the grace period."""
        if session.socket is not socket:
            return  # another socket has taken over
        session.socket = None
        session.connection.detach()
        if self._sessions.get(session.id) is session:
            self._expiring[session.id] = asyncio.get_running_loop().call_later(
                self._context.limits.detach_seconds, self._expire, session
            )

    def _expire(self, session: Session, reason: str = "expired") -> None:
        self._forget(session)  # whoever comes from here on begins anew
        self._soon(self._end(session, reason, CloseCode.GOING_AWAY), f"expire {session.id}")

    async def end(
        self, session: Session, reason: str, code: CloseCode = CloseCode.GOING_AWAY
    ) -> None:
        """End a session: running turns are stopped and stored, its socket is closed."""
        if session.id in self._sessions:
            self._forget(session)
            await self._end(session, reason, code)

    def _keep(self, session: Session) -> None:
        """Let it not expire."""
        timer = self._expiring.pop(session.id, None)
        if timer is not None:
            timer.cancel()

    def _forget(self, session: Session) -> None:
        self._keep(session)
        del self._sessions[session.id]
        player = session.identity.player
        if player:
            self._players[player].discard(session.id)
            if not self._players[player]:
                del self._players[player]

    async def _end(self, session: Session, reason: str, code: CloseCode) -> None:
        await session.close()
        session.connection.end()
        tap = self._context.taps.pop(session.id, None)
        if tap is not None:
            tap.end(reason)
        socket, session.socket = session.socket, None
        if socket is not None:
            socket.close(code, reason)
        self._context.observe(SessionEnded(session=session.id, reason=reason))

    def hurry(self) -> None:
        """End the patience of a `drain`, now or to come."""
        self._hurry.set()

    async def drain(self, seconds: float) -> None:
        """Tell everyone, let running turns finish for `seconds`, end all sessions."""
        self._context.draining = True
        sessions = list(self._sessions.values())
        for session in sessions:
            session.drain(reconnect_ms=1000)
        if sessions:
            waiting = [
                asyncio.create_task(_finish_all(sessions)),
                asyncio.create_task(_until(self._hurry)),
            ]
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
        sessions = list(self._sessions.values())
        await asyncio.gather(*(self.end(each, "the server restarts") for each in sessions))
        if self._closing:
            await asyncio.wait(self._closing)


async def _finish_all(sessions: list[Session]) -> None:
    await asyncio.gather(*(session.finish() for session in sessions))


async def _until(event: asyncio.Event) -> None:
    await event.wait()
