"""Reading the settings: precedence, paths, and errors that name place and mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dialogue_server.errors import SettingsError
from dialogue_server.settings import Settings
from dialogue_server.settings_sources import load


def world(folder: Path, text: str) -> Path:
    (folder / "dialogue.toml").write_text(text, encoding="utf-8")
    return folder


def refusal(**sources: Any) -> str:
    sources.setdefault("environ", {})
    with pytest.raises(SettingsError) as caught:
        load(**sources)
    return caught.value.detail


def test_without_sources_the_defaults_are_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    loaded = load(environ={})
    assert loaded.settings == Settings()
    assert loaded.origins == {}
    assert loaded.file is None


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path):
    folder = world(tmp_path, "[server]\nport = 1\nhost = 'a'\nlog_level = 'error'\n")
    loaded = load(
        folder=folder,
        environ={"DIALOGUE_SERVER_PORT": "2", "DIALOGUE_SERVER_HOST": "b"},
        flags={"server.port": "3"},
    )
    server = loaded.settings.server
    assert (server.port, server.host, server.log_level) == (3, "b", "error")
    assert loaded.origins["server.port"] == "--port"
    assert loaded.origins["server.host"] == "DIALOGUE_SERVER_HOST"
    assert loaded.origins["server.log_level"] == f"{folder / 'dialogue.toml'}: server.log_level"
    assert loaded.file == folder / "dialogue.toml"


def test_paths_in_the_file_start_at_its_folder(tmp_path: Path):
    folder = world(
        tmp_path,
        "[store]\npath = 'save/talk.db'\n[model]\nkey_file = 'key.txt'\n"
        "[local]\nmodel = 'models/tiny.gguf'\n",
    )
    settings = load(folder=folder, environ={}).settings
    assert settings.store.path == str(folder / "save/talk.db")
    assert settings.model.key_file == str(folder / "key.txt")
    assert settings.local.model == str(folder / "models/tiny.gguf")


def test_paths_in_the_environment_start_at_the_current_folder(tmp_path: Path):
    settings = load(folder=tmp_path, environ={"DIALOGUE_STORE_PATH": "talk.db"}).settings
    assert settings.store.path == "talk.db"


def test_the_store_is_in_the_worlds_folder_unless_it_is_said_otherwise(tmp_path: Path):
    assert load(folder=tmp_path, environ={}).settings.store.path == str(tmp_path / "dialogue.db")
    assert load(
        folder=world(tmp_path, "store.path = 'memory'"), environ={}
    ).settings.store.path == ("memory")


def test_a_models_name_is_not_taken_for_a_path(tmp_path: Path):
    for name in ("smollm2", "smollm2.gguf"):
        folder = world(tmp_path, f"local.model = '{name}'")
        assert load(folder=folder, environ={}).settings.local.model == name
    (tmp_path / "smollm2.gguf").touch()
    assert load(folder=folder, environ={}).settings.local.model == str(tmp_path / "smollm2.gguf")


def test_the_file_is_found_in_the_folder_of_the_environment(tmp_path: Path):
    world(tmp_path, "server.port = 7")
    loaded = load(environ={"DIALOGUE_CONTENT_FOLDER": str(tmp_path)})
    assert loaded.settings.server.port == 7


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_another_file_can_be_named(tmp_path: Path, how: str):
    file = tmp_path / "other.toml"
    file.write_text("[content]\nfolder = 'village'\n", encoding="utf-8")
    loaded = (
        load(config=file, environ={})
        if how == "flag"
        else load(environ={"DIALOGUE_CONFIG": str(file)})
    )
    assert loaded.settings.content.folder == str(tmp_path / "village")
    assert loaded.settings.store.path == str(tmp_path / "village" / "dialogue.db")


def test_an_empty_variable_counts_as_unset():
    assert load(environ={"DIALOGUE_SERVER_PORT": ""}).settings.server.port == 8765


def test_a_byte_order_mark_before_the_file_is_no_matter(tmp_path: Path):
    (tmp_path / "dialogue.toml").write_bytes(b"\xef\xbb\xbf[server]\nport = 5\n")
    assert load(folder=tmp_path, environ={}).settings.server.port == 5


def test_an_unset_temperature_can_be_set():
    assert load(environ={}).settings.model.temperature is None
    environ = {"DIALOGUE_MODEL_TEMPERATURE": "0.5"}
    assert load(environ=environ).settings.model.temperature == 0.5


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[sever]\nport = 1", "unknown section [sever], did you mean server?"),
        ("[zzz]\n", "unknown section [zzz]; there are: server, access, content"),
        ("[server]\nprot = 1", "unknown setting server.prot, did you mean port?"),
        ("server = 3", "server: expected a table, written [server]"),
        ("[server]\nport = 'x'", "server.port: expected an integer from 0 to 65535, found 'x'"),
        ("[server]\nport = '1'", "server.port: expected an integer from 0 to 65535, found '1'"),
        ("[server]\nport = 70000", "server.port: expected an integer from 0 to 65535, found 70000"),
        ("[server]\nlog_level = 'wanring'", "'wanring', did you mean warning?"),
        ("[server\n", "is not valid TOML"),
        ("[model]\napi_key = 'sk-1'", "name that with model.key_env"),
        ("[access]\nsecret = 'sk-1'", "name that with access.key_env"),
    ],
)
def test_a_wrong_file_is_named_with_its_key_and_the_mend(tmp_path: Path, text: str, says: str):
    detail = refusal(folder=world(tmp_path, text))
    assert detail.startswith(str(tmp_path / "dialogue.toml"))
    assert says in detail


def test_a_key_in_the_file_is_not_repeated_in_the_error(tmp_path: Path):
    assert "sk-1" not in refusal(folder=world(tmp_path, "[model]\nkey = 'sk-1'"))


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path):
    (tmp_path / "dialogue.toml").write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text" in refusal(folder=tmp_path)


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path):
    missing = tmp_path / "none.toml"
    assert refusal(config=missing) == f"--config: there is no file {missing}"
    assert refusal(environ={"DIALOGUE_CONFIG": str(missing)}) == (
        f"DIALOGUE_CONFIG: there is no file {missing}"
    )


def test_a_wrong_variable_is_named():
    assert refusal(environ={"DIALOGUE_SERVER_PORT": "x"}) == (
        "DIALOGUE_SERVER_PORT: expected an integer from 0 to 65535, found 'x'"
    )
    assert "did you mean DIALOGUE_SERVER_PORT?" in refusal(environ={"DIALOGUE_SEVER_PORT": "1"})


def test_a_wrong_flag_is_named():
    assert refusal(flags={"server.port": "x"}).startswith("--port: expected an integer")


def test_a_long_wrong_value_is_shortened():
    detail = refusal(environ={"DIALOGUE_SERVER_PORT": "9" * 500 + "x"})
    assert len(detail) < 200


def test_the_variable_that_holds_the_key_is_not_taken_for_a_setting(tmp_path: Path):
    load(environ={"DIALOGUE_KEY": "sk-1"}, flags={"model.key_env": "DIALOGUE_KEY"})
    both = {"DIALOGUE_KEYS": "sk-1", "DIALOGUE_ACCESS_KEY_ENV": "DIALOGUE_KEYS"}
    load(environ={"DIALOGUE_KEY": "sk-1", **both}, flags={"model.key_env": "DIALOGUE_KEY"})
    load(folder=world(tmp_path, "model.key_env = 'DIALOGUE_K'"), environ={"DIALOGUE_K": "sk-1"})
    assert "sk-1" not in refusal(environ={"DIALOGUE_KEY": "sk-1"})


def test_the_variables_that_kubernetes_writes_for_a_service_are_passed_over():
    loaded = load(
        environ={
            "DIALOGUE_SERVER_PORT": "tcp://10.0.0.1:8765",
            "DIALOGUE_SERVER_SERVICE_HOST": "10.0.0.1",
            "DIALOGUE_SERVER_SERVICE_PORT": "8765",
            "DIALOGUE_SERVER_PORT_8765_TCP_ADDR": "10.0.0.1",
        }
    )
    assert loaded.settings.server.port == 8765
