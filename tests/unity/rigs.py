"""What the C# tests talk to: a model, a world, and the real server, also with tickets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from toolchain import ROOT

CUES = (
    "[mood: cross] No. [pause: 200] Well, take it, a <b>key</b> \U0001f511. "
    '[action: give_item item="key"]'
)
SLOW_WORDS = 60


class ModelHandler(BaseHTTPRequestHandler):
    """An OpenAI-compatible model whose answer depends on the player's last line."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        line = str(body["messages"][-1]["content"])
        words, delay = answer(line, json.dumps(body))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for word in words:
                self._event({"choices": [{"index": 0, "delta": {"content": word}}]})
                time.sleep(delay)
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            pass  # the server has let go of the answer
        self.close_connection = True

    def _event(self, chunk: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def answer(line: str, prompt: str) -> tuple[list[str], float]:
    if "slowly" in line:
        return [f"word{number} " for number in range(SLOW_WORDS)], 0.02
    if "cues" in line:
        return [CUES[index : index + 5] for index in range(0, len(CUES), 5)], 0.001
    if "the door" in line:
        return ["After ", "you.[action: ", "open_door]"], 0.0
    if "is stuck" in line:
        return ["[mood: cross ", "80]Then ", "push ", "it!"], 0.0
    if "A gull" in line:
        return ["A ", "gull!"], 0.0
    if "weather" in line:
        return (["It ", "rains."] if "thunderstorm" in prompt else ["I ", "cannot ", "tell."]), 0.0
    return ["Well ", "met, ", "friend."], 0.002


@contextmanager
def model() -> Iterator[str]:
    """The base URL of a model that answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), ModelHandler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write_world(folder: Path) -> None:
    (folder / "personas").mkdir(parents=True)
    (folder / "world.toml").write_text(
        'name = "Test Town"\ndescription = "A town for tests."\n', encoding="utf-8"
    )
    (folder / "dialogue.toml").write_text("[limits]\nconversations = 64\n", encoding="utf-8")
    for number in range(50):
        name = "mira" if number == 0 else f"npc{number}"
        (folder / "personas" / f"{name}.toml").write_text(
            f'id = "{name}"\nname = "{name.capitalize()}"\n'
            'description = "Somebody who talks in tests."\n'
            'moods = ["calm", "cross"]\nmood = "calm"\n'
            + ('greeting = "Well met."\n' if number == 0 else "")
            + 'fallback = ["I have no words."]\n'
            '[[actions]]\nname = "give_item"\ndescription = "Hands something over."\n'
            '[actions.parameters.item]\ndescription = "What."\n'
            '[[actions]]\nname = "open_door"\ndescription = "Opens the door."\nawaits = true\n'
            '[[triggers]]\nname = "gull_seen"\nevent = "gull"\nargs = { feathers = 3 }\n'
            '[[suggestions]]\ntext = "What is behind the door?"\n',
            encoding="utf-8",
        )


def serve_command(world: Path, model_url: str) -> list[str]:
    return [
        *(sys.executable, "-m", "dialogue_server", "serve", str(world)),
        *("--backend", "llamacpp", "--base-url", model_url, "--log-format", "json"),
    ]


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    paths = [str(ROOT), str(ROOT / "protocol"), kept.get("PYTHONPATH", "")]
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


@contextmanager
def server(command: list[str], log: Path) -> Iterator[str]:
    """The URL of a real server process."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", "0"], stdout=output, stderr=output, env=environment()
        )
        try:
            yield _ready(process, log)
        finally:
            process.terminate()
            process.wait(20)


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        for line in log.read_text(encoding="utf-8").splitlines():
            if '"server.ready"' in line:
                return str(json.loads(line)["url"])
        time.sleep(0.02)
    raise AssertionError(f"the server did not start:\n{log.read_text(encoding='utf-8')}")


def village(folder: Path) -> list[str]:
    """What docs/unity.md begins with; without a model, so that it says the same everywhere."""
    program = [sys.executable, "-m", "dialogue_server"]
    subprocess.run(
        [*program, "init", str(folder)], check=True, capture_output=True, env=environment()
    )
    return [*program, "serve", str(folder), "--backend", "scripted", "--log-format", "json"]


def with_tickets(folder: Path, command: list[str]) -> tuple[list[str], list[str]]:
    """The command with a server that demands a ticket, and the one that prints such a ticket."""
    keys = str(folder / "keys.json")
    program = [sys.executable, "-m", "dialogue_server", "ticket"]
    subprocess.run(
        [*program, "--make-key", keys], check=True, capture_output=True, env=environment()
    )
    serve = [*command, "--access-key-file", keys]
    return serve, [*program, command[4], "--access-key-file", keys, "--player", "ann"]
