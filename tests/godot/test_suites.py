"""The addon in the real engine, against the real server."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded import embedded_weights
from tests.godot.cutter import Cutter
from tests.godot.engine import VECTORS, Engine
from tests.godot.server_process import ServerProcess

SMITH = """
id = "smith"
name = "Smith"
description = "Sells shears."
essence = "You are the smith."
moods = ["calm", "cross"]
mood = "calm"
greeting = "Well?"
fallback = ["Hm."]
suggestions = ["Are they sharp?", "Good day."]

[[actions]]
name = "sell_shears"
description = "Hands the shears over for money."
awaits = true
[actions.parameters.price]
description = "In coins."
type = "integer"

[[reacts]]
name = "bell"

[[lines]]
text = "Three coins. [action: sell_shears price=3] Mind the points."
keys = ["sell", "shears"]

[[lines]]
text = "Keep them dry, or they rust."
keys = ["bag"]

[[lines]]
text = "No coin, no shears."
keys = ["purse", "empty"]

[[lines]]
text = "Every evening that bell."
keys = ["bell"]
"""


def test_every_conformance_vector_passes_in_the_engine(engine: Engine) -> None:
    engine.suites("vectors", vectors=str(VECTORS)).assert_passed(at_least=11)


def test_the_transcripts_give_the_same_events_as_in_every_engine(engine: Engine) -> None:
    engine.suites("events", vectors=str(VECTORS)).assert_passed()


def test_the_label_and_the_parts_without_a_server_work(engine: Engine) -> None:
    engine.suites("label", "ending", "opening", "parts", "connection").assert_passed(at_least=50)


def test_npcs_talk_act_and_remember(engine: Engine, server: ServerProcess) -> None:
    add_orator(server.world)
    server.stop()
    server.start()
    run = engine.suites("live", url=server.url)
    run.assert_passed(at_least=14)


def test_a_game_answers_actions_and_tells_what_happens(engine: Engine, world: Path) -> None:
    (world / "personas" / "smith.toml").write_text(SMITH, encoding="utf-8")
    server = ServerProcess(world)
    try:
        server.start()
        engine.suites("requests", url=server.url).assert_passed(at_least=10)
    finally:
        server.stop()


def test_an_interrupt_cuts_the_memory_too(engine: Engine, slow_server: ServerProcess) -> None:
    engine.suites("interrupt", url=slow_server.url).assert_passed(at_least=3)


def test_scenes_that_change_and_players_in_a_hurry_lose_nothing(
    engine: Engine, slow_server: ServerProcess
) -> None:
    engine.suites("leaving", url=slow_server.url).assert_passed(at_least=12)


def test_drops_and_restarts_lose_nothing(engine: Engine, slow_server: ServerProcess) -> None:
    cutter = Cutter(slow_server.port)

    def asked(what: str) -> None:
        if what == "restart":
            slow_server.kill()
        cutter.cut()
        if what == "restart":
            slow_server.start()

    run = engine.suites("drop", url=cutter.url, asked=asked)
    cutter.close()
    run.assert_passed(at_least=3)
    assert cutter.connections >= 5


def test_an_absent_server_is_one_clear_signal(
    engine: Engine, server: ServerProcess, silent: str
) -> None:
    server.stop()
    run = engine.suites("absent", url=server.url, silent=silent, asked=lambda _: server.start())
    run.assert_passed(at_least=3)
    assert len(run.lines) < 12, f"a flood of output:\n{run.text}"


def test_a_server_that_demands_a_ticket_refuses_once_and_clearly(
    engine: Engine, world: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    command_line("ticket", "--make-key", str(keys))
    access = (str(world), "--access-key-file", str(keys), "--player", "ann")
    tickets = {
        "player": command_line("ticket", *access),
        "designer": command_line("ticket", *access, "--right", "player", "--right", "designer"),
    }
    server = ServerProcess(world, DIALOGUE_ACCESS_KEY_FILE=str(keys))
    server.start()
    try:
        run = engine.suites("tickets", url=server.url, **tickets)
    finally:
        server.stop()
    run.assert_passed(at_least=6)
    assert len(run.lines) < 12, f"a flood of output:\n{run.text}"


def test_a_server_that_is_full_is_left_alone_for_as_long_as_it_says(
    engine: Engine, world: Path
) -> None:
    server = ServerProcess(world, DIALOGUE_LIMITS_SESSIONS="1")
    server.start()
    refusals = []
    try:
        run = engine.suites(
            "full",
            url=server.url,
            asked=lambda _: refusals.append(server.log.count("request.refused")),
        )
    finally:
        server.stop()
    run.assert_passed(at_least=1)
    assert refusals == [1]


def command_line(*arguments: str) -> str:
    """What a command of the server prints."""
    command = [sys.executable, "-m", "dialogue_server", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_embedded_model_speaks_in_the_engine(engine: Engine, world: Path) -> None:
    weights = str(embedded_weights().path)
    process = ServerProcess(world, backend=("local", "--local-model", weights))
    try:
        process.start()
        engine.suites("model", url=process.url, seconds=90).assert_passed(at_least=2)
    finally:
        process.stop()


def add_orator(world: Path) -> None:
    """An NPC whose greeting is longer than the engine's default buffer."""
    greeting = "Let me begin at the beginning. " * 2400
    persona = f'id = "orator"\nname = "Orator"\ndescription = "Talks."\ngreeting = "{greeting}"\n'
    (world / "personas" / "orator.toml").write_text(persona, encoding="utf-8")


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of something that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept_all, args=(listener,), daemon=True).start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}"


def _accept_all(listener: socket.socket) -> None:
    kept = []
    while True:
        try:
            kept.append(listener.accept())
        except OSError:
            return
