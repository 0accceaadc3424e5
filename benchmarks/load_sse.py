"""A stream as an OpenAI-compatible proxy gives it: HTTP, chunks, server-sent events."""

from __future__ import annotations

import asyncio
from typing import cast

import msgspec

from .litellm import MODEL
from .load import Stream


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] = []


_decode = msgspec.json.Decoder(_Event).decode
_DATA, _END, _DONE = b"data: ", b"\n\n", b"[DONE]"


class SseStream(Stream):
    """Asks once, reads the events of one answer. Each event comes in a chunk of its own, so the
    sizes of chunks stand between events and need no reading."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.ready.set_result(None)

    def say(self) -> None:
        self.said = True
        body = msgspec.json.encode(
            {
                "model": MODEL,
                "stream": True,
                "messages": [{"role": "user", "content": "Is the mine open?"}],
            }
        )
        self.transport.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nAuthorization: Bearer none\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer
        buffer += data
        self.meter.wire_bytes += len(data)
        if not self.upgraded:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not buffer.startswith(b"HTTP/1.1 200"):
                self._fail(f"refused: {bytes(buffer[:300])!r}")
                return
            del buffer[: end + 4]
            self.upgraded = True
        position = 0
        while True:
            start = buffer.find(_DATA, position)
            end = buffer.find(_END, start) if start >= 0 else -1
            if end < 0:
                break
            self._event(bytes(buffer[start + len(_DATA) : end]))
            position = end + len(_END)
        del buffer[:position]

    def _event(self, event: bytes) -> None:
        if event == _DONE:
            self.finish()
            return
        for choice in _decode(event).choices:
            if choice.delta is not None and choice.delta.content:
                self.add(choice.delta.content)

    def send(self, payload: bytes, opcode: int = 2) -> None:
        """There is nothing to say but good-bye."""
        self.transport.close()
