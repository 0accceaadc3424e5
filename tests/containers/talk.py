"""Keys, a model and a player for the servers that Docker runs."""

from __future__ import annotations

import time
from pathlib import Path

from dialogue_protocol.messages import Hello, Resume

from dialogue_server.server.admission import Claims, issue, read_keys
from tests.end_to_end.chaos_upstream import answer_to
from tests.harness import Client

from .docker import ROOT, docker

MODEL = "http://model:9000/v1"
"""The model's address in the network of its containers."""
MODEL_COMMAND = (
    *("-m", "tests.end_to_end.chaos_upstream"),
    *("--log", "/dev/null", "--host", "0.0.0.0", "--port", "9000"),
)
MODEL_MOUNT = f"{ROOT}:/source:ro"
MODEL_PATH = "/source:/source/protocol"
LONG = next(
    marker
    for marker in (f"#{number}#" for number in range(1000))
    if (answer := answer_to(marker)).fate == "well"
    and answer.pause == 0.02
    and len(answer.chunks) > 60
)
"""A line whose answer takes more than a second."""


def make_keys(file: Path) -> None:
    """As deploy/README.md has it, by the image's own command."""
    here = file.parent
    user = str(here.stat().st_uid)
    ours = ("run", "--rm", "--user", user, "-v", f"{here}:/here", "dialogue-server")
    docker(*ours, "ticket", "--make-key", f"/here/{file.name}")


def ticket(keys: Path) -> str:
    """A player's."""
    own = read_keys(keys.read_text("utf-8"), "keys.json")
    return issue(own, Claims(time.time() + 600, "dialogue-server", "ann"))


async def come_in(url: str, token: str, after: Client | None = None) -> Client:
    """A player at a server's door; `after`, who goes on where that one was."""
    position = None
    if after is not None:
        assert after.welcome is not None
        await after.leave()
        position = Resume(after.welcome.session, after.welcome.epoch, after.sequenced)
    client = await Client.connect(url, hello=Hello(client="test", token=token, resume=position))
    if after is not None and client.welcome is not None and client.welcome.resumed:
        client.sequenced = after.sequenced
    return client
