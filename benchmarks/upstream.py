"""A model API that streams like OpenRouter: one SSE chunk a token, each its own TCP write.

`python -m benchmarks.upstream` prints {"port": ...} and then obeys lines on standard input:
{"rate": 30, "tokens": 240} sets what later requests get (rate 0: as fast as the reader reads),
{"report": true} prints the bytes of all tokens' chunks since the last report. It ends with its
standard input.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from typing import Any, cast

from .stamps import now_us, stamp

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_COMMON = (
    '"id":"gen-1764000000-QmF1bWhhdXMgU3RyYcOfZQ","provider":"Minimax",'
    '"model":"minimax/minimax-m2-her","object":"chat.completion.chunk","created":1764000000'
)
_BEFORE = (
    "data: {" + _COMMON + ',"choices":[{"index":0,"delta":{"role":"assistant","content":"'
).encode()
_AFTER = b'"},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}\n\n'
_CHUNK_BYTES = len(_BEFORE) + 9 + len(_AFTER)
_FRAME_BEFORE = f"{_CHUNK_BYTES:x}\r\n".encode() + _BEFORE
_FRAME_AFTER = _AFTER + b"\r\n"


def _framed(text: str) -> bytes:
    body = text.encode()
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


def _tail(tokens: int) -> bytes:
    finish = (
        "data: {" + _COMMON + ',"choices":[{"index":0,"delta":{"role":"assistant","content":""},'
        '"finish_reason":"stop","native_finish_reason":"stop","logprobs":null}]}\n\n'
    )
    usage = (
        "data: {" + _COMMON + ',"choices":[],"usage":{"prompt_tokens":700,'
        f'"completion_tokens":{tokens},"total_tokens":{700 + tokens},"cost":0.0003}}}}\n\n'
    )
    return _framed(finish) + _framed(usage) + _framed("data: [DONE]\n\n") + b"0\r\n\r\n"


SENTENCE = 12
"""Tokens from full stop to full stop: what guards look at as a whole."""


class Plan:
    """What a request gets, and what was sent in all."""

    rate = 30.0
    tokens = 240
    sent_tokens = 0
    sent_bytes = 0


class _Request(asyncio.Protocol):
    """One connection: reads a request, streams an answer, reads the next."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.loop = asyncio.get_running_loop()
        self.buffer = b""
        self.timer: asyncio.Handle | None = None
        self.left = 0
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        if self.rate == 0 and self.left:
            self._flood()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
        if len(body) < length:
            return
        self.buffer = body[length:]
        self._answer()

    def _answer(self) -> None:
        self.transport.write(_HEAD)
        self.rate, self.left = self.plan.rate, self.plan.tokens
        self.tail = _tail(self.left)
        if self.rate == 0:
            self._flood()
            return
        # A phase of its own for each stream, or all would send in the same millisecond.
        self.due = self.loop.time() + random.random() / self.rate
        self.timer = self.loop.call_at(self.due, self._tick)

    def _tick(self) -> None:
        self._token()
        if self.left:
            self.due += 1 / self.rate
            self.timer = self.loop.call_at(self.due, self._tick)
        else:
            self.transport.write(self.tail)

    def _flood(self) -> None:
        # A slice at a time, so that one stream does not starve the others.
        for _ in range(min(self.left, 32)):
            self._token()
            if self.paused:
                return
        if self.left:
            self.timer = self.loop.call_soon(self._flood)
        else:
            self.transport.write(self.tail)

    def _token(self) -> None:
        token = stamp(now_us())
        if self.left % SENTENCE == 1:
            token = token[:-1] + "."
        frame = _FRAME_BEFORE + token.encode() + _FRAME_AFTER
        self.transport.write(frame)
        self.left -= 1
        self.plan.sent_tokens += 1
        self.plan.sent_bytes += len(frame)


def _obey(plan: Plan, order: dict[str, Any]) -> None:
    if "rate" in order:
        plan.rate, plan.tokens = float(order["rate"]), int(order["tokens"])
    if "report" in order:
        print(json.dumps({"tokens": plan.sent_tokens, "bytes": plan.sent_bytes}), flush=True)
        plan.sent_tokens = plan.sent_bytes = 0


async def main() -> None:
    plan = Plan()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Request(plan), "127.0.0.1", 0, backlog=1024)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        _obey(plan, json.loads(line))


if __name__ == "__main__":
    asyncio.run(main())
