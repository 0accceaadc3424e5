"""A whole server stopped while the embedded model speaks: at once, in order, nothing lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dialogue_protocol.codes import CloseCode
from dialogue_protocol.messages import Delta, Say

from tests.embedded import embedded_weights
from tests.harness import Client

WORLD = 'name = "Testholm"\ndescription = "A village by the sea."\n'
"""Without guards, which would hold such talk until a sentence ends."""
ENDLESS = """
id = "mira"
name = "Mira"
description = "Tells long stories of the sea."
[model]
temperature = 2.0
min_p = 0.0
max_tokens = 400
"""


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
async def test_a_server_told_to_stop_in_mid_generation_exits_0_at_once(tmp_path: Path) -> None:
    weights = embedded_weights().path
    world = tmp_path / "world"
    (world / "personas").mkdir(parents=True)
    (world / "world.toml").write_text(WORLD, encoding="utf-8")
    (world / "personas" / "mira.toml").write_text(ENDLESS, encoding="utf-8")
    server = subprocess.Popen(
        [
            *(sys.executable, "-X", "dev", "-m", "dialogue_server", "serve", str(world)),
            *("--backend", "local", "--local-model", str(weights), "--port", "0"),
            *("--model-layout", "standard", "--server-shutdown-grace", "0.2"),
            *("--log-format", "json"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONASYNCIODEBUG": "1"},
    )
    assert server.stderr is not None
    url = ""
    seen = []
    for line in server.stderr:
        seen.append(line)
        if '"server.ready"' in line:
            url = "ws://" + line.split("ws://")[1].split('"')[0]
            break
    assert url, "".join(seen)
    client = await Client.connect(url)
    await client.open(npcs=("mira",))
    await client.send(Say("c", "1", "Tell me everything about the sea."))
    await client.expect(Delta)
    began = time.monotonic()
    server.send_signal(signal.SIGTERM)
    log, code = await asyncio.gather(asyncio.to_thread(server.stderr.read), client.close_code())
    assert server.wait(10) == 0, log
    assert code == CloseCode.GOING_AWAY
    server.stderr.close()
    assert time.monotonic() - began < 5
    for sign in ("was destroyed", "never retrieved", "Traceback", "ResourceWarning"):
        assert sign not in log
    with sqlite3.connect(world / "dialogue.db") as db:
        ((reason, text),) = db.execute(
            "SELECT reason, text FROM nodes WHERE line = '1' AND kind = 'npc'"
        )
    db.close()
    assert (reason, bool(text)) == ("truncated", True)
    await client.leave()
