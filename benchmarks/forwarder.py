"""The bare forwarder: what any server built of httpx-aiohttp and websockets has to pay.

No sessions, no personas, no tags, no history: a line comes in, a streaming request goes out,
and each `delta.content` is sent as a text frame of its own; an empty frame ends the turn. It is
written as leanly as these libraries allow (bytes split by hand, a typed decoder), since a
slow yardstick would flatter the server.

`python -m benchmarks.forwarder UPSTREAM_PORT` prints {"port": ...} and runs until its standard
input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys

import httpx
import msgspec
import websockets.asyncio.server
import websockets.exceptions
from httpx_aiohttp import AiohttpTransport


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []


_decode = msgspec.json.Decoder(_Chunk).decode


async def main(upstream_port: int) -> None:
    url = f"http://127.0.0.1:{upstream_port}/v1/chat/completions"
    # None would silently mean 100 connections with this transport.
    limits = httpx.Limits(max_connections=4096, max_keepalive_connections=4096)
    client = httpx.AsyncClient(transport=AiohttpTransport(limits=limits), timeout=60)

    async def serve(socket: websockets.asyncio.server.ServerConnection) -> None:
        with contextlib.suppress(websockets.exceptions.ConnectionClosed):
            await turns(socket)

    async def turns(socket: websockets.asyncio.server.ServerConnection) -> None:
        async for line in socket:
            body = {"stream": True, "messages": [{"role": "user", "content": line}]}
            async with client.stream("POST", url, json=body) as response:
                rest = b""
                async for data in response.aiter_bytes():
                    *events, rest = (rest + data).split(b"\n\n")
                    for event in events:
                        if event == b"data: [DONE]":
                            continue
                        for choice in _decode(event[6:]).choices:
                            if choice.delta is not None and choice.delta.content:
                                await socket.send(choice.delta.content)
            await socket.send("")

    async with (
        client,
        websockets.asyncio.server.serve(
            serve, "127.0.0.1", 0, compression=None, backlog=1024
        ) as server,
    ):
        port = next(iter(server.sockets)).getsockname()[1]
        print(json.dumps({"port": port}), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
