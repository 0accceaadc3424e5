"""The live sessions: begin, detach when the socket drops, resume, expire, drain."""

from __future__ import annotations

import asyncio

from dialogue_protocol.codec import Codec
from dialogue_protocol.codes import CloseCode
from dialogue_protocol.connection import ServerConnection
from dialogue_protocol.messages import Hello

from .context import EngineContext
from .observer import SessionEnded, SessionStarted
from .session import Session, Socket


class Registry:
    """All sessions of this process. `epoch` names the process's life: positions of another
    life cannot be resumed."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._epoch = context.new_id()
        self._sessions: dict[str, Session] = {}
        self._expiring: dict[str, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """How many sessions live, detached ones included."""
        return len(self._sessions)

    def attach(self, hello: Hello, codec: Codec, socket: Socket) -> Session:
        """Go on with the session that the hello names, or begin a new one; welcome the client."""
        session = self._resume(hello, codec, socket)
        if session is None:
            session = self._begin(codec, socket)
        self._context.observe(
            SessionStarted(
                session=session.id, client=hello.client, resumed=session.connection.seq > 0
            )
        )
        return session

    def _resume(self, hello: Hello, codec: Codec, socket: Socket) -> Session | None:
        wanted = hello.resume
        session = self._sessions.get(wanted.session) if wanted else None
        if wanted is None or session is None:
            return None
        old = session.socket
        frames = session.connection.resume(wanted, codec)
        if frames is None:
            return None
        timer = self._expiring.pop(session.id, None)
        if timer is not None:
            timer.cancel()
        session.socket = socket
        for frame in frames:
            socket.write(frame)
        if old is not None:
            old.close(CloseCode.REPLACED, "another socket resumed this session")
        return session

    def _begin(self, codec: Codec, socket: Socket) -> Session:
        limits = self._context.limits
        connection = ServerConnection(
            self._context.new_id(),
            self._epoch,
            limits.wire(),
            codec,
            buffer_bytes=limits.replay_bytes,
            server=self._context.server,
        )
        session = self._sessions[connection.session] = Session(self._context, connection)
        session.socket = socket
        socket.write(connection.welcome())
        return session

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

    def _expire(self, session: Session) -> None:
        self._expiring.pop(session.id, None)
        task = asyncio.create_task(self.end(session, "expired"), name=f"expire {session.id}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def end(
        self, session: Session, reason: str, code: CloseCode = CloseCode.GOING_AWAY
    ) -> None:
        """End a session: running turns are stopped and stored, its socket is closed."""
        if self._sessions.pop(session.id, None) is None:
            return
        await session.close()
        session.connection.end()
        socket, session.socket = session.socket, None
        if socket is not None:
            socket.close(code, reason)
        self._context.observe(SessionEnded(session=session.id, reason=reason))

    async def drain(self, seconds: float) -> None:
        """Tell everyone, let running turns finish for `seconds`, end all sessions."""
        self._context.draining = True
        sessions = list(self._sessions.values())
        for session in sessions:
            session.drain(reconnect_ms=1000)
        if sessions:
            finishing = [asyncio.create_task(session.finish()) for session in sessions]
            _, late = await asyncio.wait(finishing, timeout=seconds)
            for task in late:
                task.cancel()
        for timer in self._expiring.values():
            timer.cancel()
        self._expiring.clear()
        for session in sessions:
            await self.end(session, "the server restarts")
        if self._closing:
            await asyncio.wait(self._closing)
