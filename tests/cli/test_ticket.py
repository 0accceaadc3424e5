"""`dialogue-server ticket`: what it prints lets a client in."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import jwt
import pytest

from dialogue_server.cli import run
from dialogue_server.server.admission import Admission
from dialogue_server.settings import Access


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("KEYS", raising=False)
    return tmp_path


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["ticket", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_what_is_printed_is_admitted_as_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(capsys, "--make-key", "keys.json")[0] == 0
    code, out, err = outcome(
        capsys,
        *("--access-key-file", "keys.json", "--player", "ann", "--npc", "mira", "--npc", "borin"),
        *("--scene", "tavern", "--right", "player", "--right", "designer", "--budget", "gold"),
    )
    assert code == 0
    identity = Admission(Access(key_file="keys.json"), {}).identify(out.strip(), local=False)
    assert identity.player == "ann"
    assert identity.npcs == {"mira", "borin"}
    assert identity.scenes == {"tavern"}
    assert identity.rights == {"player", "designer"}
    assert identity.budget == "gold"
    assert err.startswith("For ann (player, designer), mira, borin, until ")


def test_the_settings_of_the_world_name_the_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Path("village")
    world.mkdir()
    outcome(capsys, "--make-key", "village/keys.json")
    (world / "dialogue.toml").write_text(
        '[access]\nkey_file = "keys.json"\naudience = "village"\n', "utf-8"
    )
    code, out, _ = outcome(capsys, "village", "--player", "ann")
    assert code == 0
    assert jwt.decode(out.strip(), options={"verify_signature": False})["aud"] == "village"
    (world / "dialogue.toml").write_text('[access]\nkey_env = "KEYS"\n', "utf-8")
    assert outcome(capsys, "village", "--player", "ann")[0] == 2
    monkeypatch.setenv("KEYS", "x" * 32)
    assert outcome(capsys, "village", "--player", "ann")[0] == 0


def test_a_key_is_added_to_those_that_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    outcome(capsys, "--make-key", "keys.json")
    ticket = outcome(capsys, "--access-key-file", "keys.json", "--player", "ann")[1].strip()
    code, out, _ = outcome(capsys, "--make-key", "keys.json")
    assert code == 0
    assert "take their keys out of the file" in " ".join(out.split())
    keys = json.loads(Path("keys.json").read_text("utf-8"))["keys"]
    assert len({key["kid"] for key in keys}) == 2
    newer = outcome(capsys, "--access-key-file", "keys.json", "--player", "ann")[1].strip()
    assert jwt.get_unverified_header(newer)["kid"] == keys[1]["kid"]
    judge = Admission(Access(key_file="keys.json"), {})
    for each in (ticket, newer):
        assert judge.identify(each, local=False).player == "ann"
    assert [path.name for path in Path().iterdir()] == ["keys.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such modes")
def test_a_key_is_for_its_owner_only(capsys: pytest.CaptureFixture[str]) -> None:
    outcome(capsys, "--make-key", "keys.json")
    assert Path("keys.json").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such modes")
def test_whoever_could_read_the_keys_still_can_when_one_is_added(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = Path("keys.json")
    outcome(capsys, "--make-key", "keys.json")
    file.chmod(0o440)
    if os.geteuid() == 0:
        os.chown(file, 10001, 10002)
    before = file.stat()
    assert outcome(capsys, "--make-key", "keys.json")[0] == 0
    after = file.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


def test_a_secret_is_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    shown = "".join(map(str, outcome(capsys, "--make-key", "keys.json")))
    shown += "".join(map(str, outcome(capsys, "--access-key-file", "keys.json", "--player", "a")))
    assert json.loads(Path("keys.json").read_text("utf-8"))["keys"][0]["k"] not in shown


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "Say whose ticket it is: --player ID"),
        (("--player", "ann"), "`dialogue-server ticket --make-key keys.json` makes one"),
        (("--player", "ann", "--for", "soon"), "--for: a number and a unit"),
        (("--player", "ann", "--access-key-file", "no.json"), "no.json cannot be read"),
        (("--make-key", "text.txt"), "text.txt: holds no keys"),
        (("--make-key", "one.json"), "is no JSON Web Key Set, where a key could be added"),
    ],
)
def test_what_cannot_be_done_is_said(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], problem: str
) -> None:
    Path("text.txt").write_text("short", "utf-8")
    Path("one.json").write_text("a plain secret of thirty-two characters", "utf-8")
    code, out, err = outcome(capsys, *arguments)
    assert (code, out) == (2, "")
    assert problem in err


def test_a_designer_of_any_player_needs_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    outcome(capsys, "--make-key", "keys.json")
    code, _, err = outcome(capsys, "--access-key-file", "keys.json", "--right", "operator")
    assert code == 0
    assert err.startswith("For any player (operator)")
