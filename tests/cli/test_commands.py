"""The commands without a server: help, usage, settings, init; one clear line for each failure."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from dialogue_server import __version__
from dialogue_server.cli import cli, run
from dialogue_server.settings_table import options, render_reference


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(autouse=True)
def no_settings_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize("name", [None, *cli.commands])
def test_every_command_teaches_with_an_example(
    capsys: pytest.CaptureFixture[str], name: str | None
):
    code, out, err = outcome(capsys, *([name] if name else []), "--help")
    assert (code, err) == (0, "")
    assert out.startswith("Usage: dialogue-server")
    assert "dialogue-server " + (name or "demo") in out.partition("\n")[2]


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]):
    code, out, err = outcome(capsys)
    assert code == 2
    assert "dialogue-server demo" in out + err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]):
    assert outcome(capsys, "--version") == (0, f"dialogue-server, version {__version__}\n", "")


def test_an_unknown_command_is_one_line_and_code_2(capsys: pytest.CaptureFixture[str]):
    code, out, err = outcome(capsys, "srve")
    assert (code, out) == (2, "")
    assert err.startswith("error: No such command 'srve'")
    assert "dialogue-server --help" in err


def test_an_unknown_flag_names_the_commands_help(capsys: pytest.CaptureFixture[str]):
    code, _, err = outcome(capsys, "serve", "--prot", "1")
    assert code == 2
    assert "--prot" in err
    assert "dialogue-server serve --help" in err


def test_every_setting_has_a_flag_that_works(capsys: pytest.CaptureFixture[str]):
    for option in options():
        if option.key == "content.folder":
            continue
        some = "x" if option.kind is str else 1
        given = option.choices[0] if option.choices else str(option.default or some)
        code, out, err = outcome(capsys, "settings", option.flags[-1], given)
        assert code == 0, err
        assert option.flags[0] in out, option.key


def test_the_list_of_settings_says_where_each_value_comes_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "dialogue.toml").write_text("[server]\nport = 9000\n", encoding="utf-8")
    monkeypatch.setenv("DIALOGUE_MODEL_BACKEND", "scripted")
    code, out, _ = outcome(capsys, "settings", str(tmp_path), "--log-level", "error")
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert code == 0
    assert "9000" in lines["server.port"]
    assert "dialogue.toml: server.port" in lines["server.port"]
    assert "DIALOGUE_MODEL_BACKEND" in lines["model.backend"]
    assert "--log-level" in lines["server.log_level"]
    assert "default" in lines["server.host"]
    assert {o.key for o in options()} <= set(lines)


def test_the_reference_is_printed_as_it_stands_in_the_docs(capsys: pytest.CaptureFixture[str]):
    assert outcome(capsys, "settings", "--markdown") == (0, render_reference(), "")


def test_a_wrong_setting_is_one_line_and_code_2(capsys: pytest.CaptureFixture[str]):
    code, out, err = outcome(capsys, "serve", "--port", "many")
    assert (code, out) == (2, "")
    assert err == "error: --port: expected an integer from 0 to 65535, found 'many'\n"


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]):
    code, _, err = outcome(capsys, "--debug", "serve", "--port", "many")
    assert code == 2
    assert "Traceback" in err
    assert err.endswith("found 'many'\n")


def test_a_folder_without_a_world_says_how_to_make_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    code, _, err = outcome(capsys, "serve", str(tmp_path), "--backend", "scripted", "--port", "0")
    assert code == 2
    assert "dialogue-server init" in err
    assert "Traceback" not in err


def test_init_copies_a_world_that_is_valid_toml(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    folder = tmp_path / "village"
    code, out, _ = outcome(capsys, "init", str(folder))
    assert code == 0
    assert f"dialogue-server chat {folder}" in out
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert "world.toml" in names
    assert len([name for name in names if name.startswith("personas/")]) >= 4
    assert not [name for name in names if name.endswith((".py", ".pyc"))]
    for path in folder.rglob("*.toml"):
        tomllib.loads(path.read_text(encoding="utf-8"))


def test_init_says_commands_that_work_for_a_folder_with_a_space(
    capsys: pytest.CaptureFixture[str],
):
    code, out, _ = outcome(capsys, "init", "my village")
    assert code == 0
    assert 'dialogue-server dev "my village"' in out


def test_the_page_is_no_business_of_several_workers(capsys: pytest.CaptureFixture[str]):
    code, out, err = outcome(capsys, "dev", "--workers", "4", "--no-browser")
    assert (code, out) == (2, "")
    assert "leave --workers out here" in err


def test_init_never_overwrites(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "mine.txt").write_text("precious")
    code, _, err = outcome(capsys, "init", str(tmp_path))
    assert code == 2
    assert f"{tmp_path} is not empty" in err
    code, _, err = outcome(capsys, "init", str(tmp_path / "mine.txt"))
    assert code == 2
    assert "is a file" in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_address_of_another_kind_is_refused(capsys: pytest.CaptureFixture[str]):
    code, _, err = outcome(capsys, "chat", "http://127.0.0.1:8765", "--npc", "mira")
    assert code == 2
    assert "ws:// or wss://" in err


def test_a_server_that_is_not_there_is_one_line_and_code_1(capsys: pytest.CaptureFixture[str]):
    code, _, err = outcome(capsys, "chat", "ws://127.0.0.1:9", "--npc", "mira")
    assert code == 1
    assert "is the server running?" in err
    assert len(err.splitlines()) == 1


def test_over_an_address_the_npc_has_to_be_named(capsys: pytest.CaptureFixture[str]):
    code, _, err = outcome(capsys, "chat", "ws://127.0.0.1:9")
    assert code == 2
    assert "--npc" in err
