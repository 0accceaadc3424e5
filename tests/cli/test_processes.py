"""The commands as a person runs them: real processes, a real terminal, the authored voice."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.processes import PATIENCE, environment, in_terminal, run

posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")

STORY = "It was a night without a lamp " * 12 + "and then the tide came in."


@pytest.fixture
def village(tmp_path: Path) -> Path:
    """Two NPCs, one of them long-winded."""
    (tmp_path / "personas").mkdir()
    (tmp_path / "world.toml").write_text(
        'name = "Reach"\ndescription = "A village."\n[state.quest]\nlamp = "dark"\n',
        encoding="utf-8",
    )
    (tmp_path / "personas" / "mira.toml").write_text(
        f"""
id = "mira"
name = "Mira"
description = "Keeps the inn."
greeting = "Mind the step."
moods = ["calm", "wary"]
fallback = ["Hm."]
lines = [
  {{ text = "{STORY}", keys = ["story"] }},
  {{ text = "The lamp is dark.", keys = ["lamp"], when = "quest.lamp == 'dark'", mood = "wary" }},
  {{ text = "The lamp is lit.", keys = ["lamp"], when = "quest.lamp == 'lit'", mood = "calm" }},
]
""",
        encoding="utf-8",
    )
    (tmp_path / "personas" / "borin.toml").write_text(
        'id = "borin"\nname = "Borin"\ndescription = "A smith."\nfallback = ["Can\'t hear you."]\n',
        encoding="utf-8",
    )
    return tmp_path


def chatting(village: Path, *more: str) -> list[str]:
    return ["chat", str(village), "--backend", "scripted", "--npc", "mira", *more]


def test_a_piped_chat_answers_each_line_and_ends(village: Path):
    done = run(*chatting(village), given="What about the lamp?\n/npc borin\nHello?\n")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "Mira: Mind the step." in lines
    assert any(re.fullmatch(r"Mira: (\(wary\) )?The lamp is dark\.", line) for line in lines)
    assert any("Borin:" in line and "hear you" in line for line in lines)
    assert "\x1b" not in done.stdout


def test_a_change_of_state_changes_the_answer(village: Path):
    done = run(
        *chatting(village), given="The lamp?\n/state quest.lamp=lit\nThe lamp?\n/state\n/mood\n"
    )
    assert done.returncode == 0, done.stderr
    before, after = done.stdout.index("The lamp is dark."), done.stdout.index("The lamp is lit.")
    assert before < after
    assert '"lamp": "lit"' in done.stdout
    assert done.stdout.rstrip().endswith("calm")


def test_mistakes_in_a_chat_are_told_and_it_goes_on(village: Path):
    done = run(*chatting(village), given="/npc nobody\n/state x\n/dance\nThe lamp?\n")
    assert done.returncode == 0
    assert "unknown_npc" in done.stderr
    assert "/state KEY=VALUE" in done.stderr
    assert "/dance is not known" in done.stderr
    assert "The lamp is dark." in done.stdout


def test_an_npc_remembers_the_last_chat(village: Path):
    assert run(*chatting(village), given="The lamp?\n").returncode == 0
    done = run(*chatting(village), given="")
    assert "remembers you" in done.stdout
    assert (village / "dialogue.db").exists()


def test_the_authored_voice_says_that_it_is_no_model(village: Path):
    done = run(*chatting(village), given="")
    assert "scripted" in done.stdout


def test_a_chat_with_an_unknown_npc_fails_in_one_line(village: Path):
    done = run("chat", str(village), "--backend", "scripted", "--npc", "nobody")
    assert done.returncode == 1
    assert "unknown_npc" in done.stderr
    assert "Traceback" not in done.stderr


@posix
def test_the_typewriter_shows_a_line_little_by_little(village: Path):
    with in_terminal(*chatting(village, "--speed", "40")) as terminal:
        terminal.read_until("> ")
        terminal.press("A story!\n")
        at = terminal.read_until("It was a ni")
        assert STORY[-20:] not in terminal.shown[at:]
        terminal.press("\n")  # impatience
        terminal.read_until("the tide came in.", start=at)
        terminal.press("\x04")
        assert terminal.exit_code() == 0


@posix
def test_ctrl_c_interrupts_and_tells_how_much_was_heard(village: Path):
    with in_terminal(*chatting(village, "--speed", "60"), columns=2000) as terminal:
        terminal.read_until("> ")
        terminal.press("A story!\n")
        begin = terminal.read_until("Mira: ", start=len(terminal.shown))
        terminal.read_until("without a lamp It", start=begin)
        terminal.press("\x03")
        end = terminal.read_until("(It remembers the first ", start=begin)
        terminal.read_until(" characters.)", start=end)
        heard = int(re.match(r"\d+", terminal.shown[end:]).group())
        line = terminal.shown[begin : terminal.shown.index(" -- (interrupted)", begin)]
        line = line.replace("^C", "")
        assert line == STORY[:heard].rstrip() or line == STORY[:heard]
        assert 30 < heard < len(STORY)
        terminal.read_until("> ", start=end)
        terminal.press("\x03")  # nobody speaks: leave
        assert terminal.exit_code() == 0
    with in_terminal(*chatting(village)) as terminal:
        terminal.read_until("remembers you")
        terminal.press("\x04")
        assert terminal.exit_code() == 0


@posix
def test_words_are_not_broken_at_the_edge_of_the_terminal(village: Path):
    with in_terminal(*chatting(village, "--speed", "0"), columns=40) as terminal:
        terminal.read_until("> ")
        terminal.press("A story!\n")
        end = terminal.read_until("came in.")
        terminal.press("\x04")
        assert terminal.exit_code() == 0
    told = terminal.shown[:end].rpartition("Mira: ")[2]
    assert max(map(len, told.splitlines())) < 40
    assert set(told.split()) == set(STORY.split())


# ---------------------------------------------------------------- serve


@pytest.fixture
def server(village: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A served village, and its address."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "dialogue_server", "serve", str(village)),
            *("--backend", "scripted", "--port", "0", "--log-format", "json"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            record = json.loads(line)
            if record["event"] == "server.ready":
                break
        yield process, record["url"]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_stops_on_a_signal_with_code_0(
    server: tuple[subprocess.Popen[str], str], number: signal.Signals
):
    process, _ = server
    process.send_signal(number)
    _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, log
    assert "Traceback" not in log
    assert json.loads(log.splitlines()[-1])["event"] == "server.stopped"


def test_a_chat_over_an_address(server: tuple[subprocess.Popen[str], str]):
    _, url = server
    done = run("chat", url, "--npc", "mira", given="The lamp?\n")
    assert done.returncode == 0, done.stderr
    assert "The lamp is dark." in done.stdout


def test_a_port_that_is_taken_is_one_line_and_code_2(
    server: tuple[subprocess.Popen[str], str], village: Path
):
    _, url = server
    port = url.rpartition(":")[2]
    store = ("--store", "memory")
    done = run("serve", str(village), "--backend", "scripted", "--port", port, *store)
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_server_of_one_folder_is_one_line_that_says_what_to_do(
    server: tuple[subprocess.Popen[str], str], village: Path
):
    done = run("serve", str(village), "--backend", "scripted", "--port", "0")
    assert done.returncode == 1
    assert f"Another server is using {village / 'dialogue.db'}: stop it, or" in done.stderr
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------- demo


def test_the_demo_plays_its_scene_and_ends_without_a_terminal():
    done = run("demo", "--backend", "scripted", "--speed", "0")
    assert done.returncode == 0, done.stderr
    assert "No model speaks" in done.stdout
    assert done.stdout.count("You: How can I help with the lamp?") == 2
    for name in ("Pell", "Jory"):
        _, before, after = (
            line for line in done.stdout.splitlines() if line.startswith(f"{name}: ")
        )
        assert before != after, "the change of state shows in the answer"
    assert "first token after" in done.stdout
    assert "4 of 4 answered" in done.stdout


@posix
def test_in_a_terminal_the_demo_hands_over_to_the_person():
    with in_terminal("demo", "--backend", "scripted", "--speed", "0") as terminal:
        at = terminal.read_until("Your turn.")
        at = terminal.read_until("Tove: ", start=at)
        terminal.read_until("> ", start=at)
        terminal.press("Hello!\n")
        terminal.read_until("Tove: ", start=at)
        terminal.press("\x04")
        assert terminal.exit_code() == 0
