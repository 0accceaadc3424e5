"""The embedded model in its child process: killed, stopped, orphaned, mistaken for a model."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from dialogue_server.backends.base import Bill, Finished, ModelRequest, Sampling
from dialogue_server.backends.local import LocalBackend
from dialogue_server.backends.weights import Found
from dialogue_server.domain.prompt import Message
from dialogue_server.errors import BackendError
from tests.embedded import embedded_weights
from tests.pulling import pulled

MESSAGES = (Message("system", "You are Mira."), Message("user", "Tell me of the sea."))
LONG = ModelRequest(MESSAGES, max_tokens=450, sampling=Sampling(temperature=2.0, min_p=0.0, seed=1))
SHORT = ModelRequest(MESSAGES, max_tokens=6)
posix = pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")


@pytest.fixture
async def backend() -> AsyncIterator[LocalBackend]:
    backend = LocalBackend(embedded_weights(), threads=1, context=512)
    await backend.start()
    yield backend
    await backend.aclose()


async def ended(pid: int) -> None:
    """Wait until a process is gone."""
    async with asyncio.timeout(10):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie":
            await asyncio.sleep(0.02)


@posix
async def test_a_child_killed_in_mid_stream_fails_the_turn_and_is_started_again(
    backend: LocalBackend,
) -> None:
    first = backend.pid
    stream = pulled(backend, LONG)
    assert isinstance(await anext(stream), str)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(BackendError, match="being started again"):
        async for _ in stream:
            pass
    items = [item async for item in pulled(backend, SHORT)]
    assert isinstance(items[-1], Finished)
    assert backend.pid not in (0, first)


async def test_stopping_in_mid_generation_ends_the_child_at_once(backend: LocalBackend) -> None:
    stream = pulled(backend, LONG)
    await anext(stream)
    pid, began = backend.pid, time.monotonic()
    await backend.aclose()
    await ended(pid)
    assert time.monotonic() - began < 5
    with pytest.raises(BackendError):
        async for _ in stream:
            pass


async def test_a_stranger_on_this_machine_cannot_use_the_model(backend: LocalBackend) -> None:
    (listening,) = [
        connection
        for connection in psutil.Process(backend.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening.laddr.ip == "127.0.0.1"
    reader, writer = await asyncio.open_connection("127.0.0.1", listening.laddr.port)
    body = b'{"messages":[{"role":"user","content":"Hi"}],"max_tokens":1}'
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
        % (len(body), body)
    )
    assert b" 401 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


PARENT = """
import asyncio, sys
from pathlib import Path
from dialogue_server.backends.local import LocalBackend
from dialogue_server.backends.weights import find

async def main():
    backend = LocalBackend(find(sys.argv[1]), threads=1, context=512)
    await backend.start()
    print(backend.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@posix
async def test_a_killed_server_leaves_no_orphan() -> None:
    path = embedded_weights().path
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(await asyncio.to_thread(parent.stdout.readline))
    assert psutil.pid_exists(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    await ended(child)


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>Not found</html>", b"GGUF" + b"\x00" * 64],
    ids=["empty", "page", "truncated"],
)
async def test_a_file_that_is_no_model_is_refused_with_a_sentence(
    tmp_path: Path, data: bytes
) -> None:
    embedded_weights()
    file = tmp_path / "model.gguf"
    file.write_bytes(data)
    backend = LocalBackend(Found(file, None), threads=1, context=512)
    with pytest.raises(BackendError) as caught:
        await backend.start()
    assert "model.gguf" in caught.value.detail
    await backend.aclose()


async def test_an_authored_line_is_said_as_written(backend: LocalBackend) -> None:
    line = "[mood: cross] Noted. [pause: 200] The door opens outward."
    prompt = Message("user", "You fool!\nFact: Noted. The door opens outward.")
    bill = Bill()
    request = ModelRequest((MESSAGES[0], prompt), authored=line, bill=bill)
    assert [item async for item in pulled(backend, request)] == [line, Finished()]
    assert bill.is_free, "no model was asked, so no token was spent"
