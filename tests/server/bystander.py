"""Somebody whose turn streams while others misbehave: what came, and how late each word was."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from dialogue_protocol.messages import Delta, Player, Say, Turn

from tests.fakes.steered import SteeredBackend
from tests.harness import Client, Served

PAUSE = 0.005
"""Seconds from word to word."""
LATEST = 0.35
"""Seconds that one word may take. A busy machine needs room; a server that somebody holds does not
come near it for the ninety-five words in a hundred that `USUAL` is about."""
USUAL = 0.1
FEWEST = 40


@asynccontextmanager
async def undisturbed(
    served: Served, backend: SteeredBackend, latest: float = LATEST
) -> AsyncIterator[list[float]]:
    """Streams a turn to a client while the body runs, and at least `FEWEST` words. At the end all
    of its words have come, in time, and the turn ends as it should."""
    client = await Client.connect(served.url)
    await client.open("bystander", player=Player("bystander", "Bob"))
    await client.send(Say("bystander", "1", "Go on."))
    call = await backend.call()
    await client.expect(Turn)
    delays: list[float] = []
    stop = asyncio.Event()

    async def stream() -> None:
        for number in count():
            began = time.perf_counter()
            call.say(f"word{number} ")
            await client.expect(Delta)
            delays.append(time.perf_counter() - began)
            if stop.is_set() and number >= FEWEST:
                return
            await asyncio.sleep(PAUSE)

    streaming = asyncio.create_task(stream())
    try:
        yield delays
    finally:
        stop.set()
        await streaming
    call.say("done.")
    call.finish()
    answer = "".join(m.text for m in client.received if isinstance(m, Delta))
    while not answer.endswith("done."):
        answer += (await client.expect(Delta)).text
    words = answer.split()
    assert words == [f"word{number}" for number in range(len(words) - 1)] + ["done."]
    ordered = sorted(delays)
    assert ordered[len(ordered) * 95 // 100] < USUAL, ordered[-5:]
    assert ordered[-1] < latest, ordered[-5:]
    await client.leave()
