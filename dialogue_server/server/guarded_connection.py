"""A WebSocket of the listener that no flood of small frames can make costly for others.

The library answers pings, and takes a message's fragments, before a session sees anything, so the
session's own limits do not reach them. Measured without this guard: a client that poured empty
pings held the event loop for half a second at a time, and one that never read the pongs
had the server keep them all.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from dialogue_protocol.codes import CloseCode
from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State

from ..engine.rate import Bucket

SLICE = 4096
"""Bytes that are parsed in one go: at most 700 frames, a few milliseconds."""
SMALL_FRAMES = 4
"""Control frames and fragments that may come for each message that may come
(limits.messages_per_second)."""
_LARGEST_BACKLOG = 1 << 20
_MESSAGE_BEGINS = (Opcode.TEXT, Opcode.BINARY)


class GuardedConnection(ServerConnection):
    """`messages_per_second` bounds control frames and fragments, SMALL_FRAMES times as many;
    `write_bytes` what may wait for a client that does not read, pongs included."""

    def __init__(
        self, *args: Any, messages_per_second: float, write_bytes: int, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        rate = SMALL_FRAMES * messages_per_second
        self._small_frames = Bucket(rate, 5 * rate)
        self._most_waiting = write_bytes
        self._backlog = b""
        self._cut: asyncio.TimerHandle | None = None

    def write(self, message: bytes | str) -> int:
        """Put a message on its way without waiting; nothing once the connection is closing or
        broken. Returns how many bytes wait for the client.

        The per-token path: one frame (RFC 6455, 5.2) in one write, as the library's `broadcast`
        does it, at a quarter of its cost.
        """
        transport = self.transport
        if self.protocol.state is State.OPEN and not transport.is_closing():
            text = type(message) is str
            payload = message.encode() if text else message  # type: ignore[union-attr]
            first, size = 0x81 if text else 0x82, len(payload)
            if size < 126:
                head = bytes((first, size))
            elif size < 1 << 16:
                head = struct.pack("!BBH", first, 126, size)
            else:
                head = struct.pack("!BBQ", first, 127, size)
            transport.write(head + payload)  # type: ignore[operator]
        return transport.get_write_buffer_size()

    def data_received(self, data: bytes) -> None:
        """Parse what came: a slice now, the rest after whatever else the loop has to do."""
        if self._backlog:  # the queue of messages may resume a reading that we have paused
            self._backlog += data
            self.transport.pause_reading()
            if len(self._backlog) > _LARGEST_BACKLOG:
                self.transport.abort()
        elif len(data) > SLICE:
            self._backlog = data[SLICE:]
            self._parse(data[:SLICE])
            self.transport.pause_reading()
            self.loop.call_soon(self._go_on)
        else:
            self._parse(data)

    def _go_on(self) -> None:
        data, self._backlog = self._backlog[:SLICE], self._backlog[SLICE:]
        if self.transport.is_closing() or self.protocol.state is State.CLOSED:
            self._backlog = b""
            return
        self._parse(data)
        if self._backlog:
            self.loop.call_soon(self._go_on)
        elif not self.recv_messages.paused:
            self.transport.resume_reading()

    def _parse(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.transport.get_write_buffer_size() > self._most_waiting:
            self.transport.abort()
        elif self._cut is None and self.protocol.close_expected():
            # The library waits for a client that closes its side; not for ever, says 7.1.1.
            wait = self.close_timeout or 0
            self._cut = self.loop.call_later(wait, self.transport.abort)

    def process_event(self, event: Frame | Request | Any) -> None:
        """Count what the session does not see."""
        super().process_event(event)
        if isinstance(event, Frame) and event.opcode not in _MESSAGE_BEGINS:
            self._small_frames.take(self.loop.time(), debt=True)
            if self._small_frames.broken and self.protocol.state is State.OPEN:
                self.protocol.fail(CloseCode.FLOODING, "far too many pings or fragments")
                self.send_data()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, whoever has wished it."""
        self._backlog = b""
        if self._cut is not None:
            self._cut.cancel()
        super().connection_lost(exc)
