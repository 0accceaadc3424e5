"""The command that writes the generated files, or says that they are stale."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from dialogue_protocol.codegen import cli

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "protocol" / "dialogue_protocol").mkdir(parents=True)
    return tmp_path


def test_the_generated_files_of_this_repository_are_fresh() -> None:
    assert cli.main(["check", "--root", str(CHECKOUT)]) == 0


def test_check_names_each_missing_or_stale_file_and_write_mends_them(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", "--root", str(root)]) == 1
    assert capsys.readouterr().err.count("stale: ") == len(cli.TARGETS)
    assert cli.main(["write", "--root", str(root)]) == 0
    assert capsys.readouterr().out.count("written: ") == len(cli.TARGETS)
    assert cli.main(["check", "--root", str(root)]) == 0
    first = root / next(iter(cli.TARGETS))
    first.write_text(first.read_text(encoding="utf-8") + "\n# by hand\n", encoding="utf-8")
    assert cli.main(["check", "--root", str(root)]) == 1
    assert cli.main(["write", "--root", str(root)]) == 0
    assert "# by hand" not in first.read_text(encoding="utf-8")


def test_another_folder_is_refused_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["check", "--root", str(tmp_path)])
    assert "say --root DIR" in capsys.readouterr().err


def test_the_package_runs_as_a_program(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["codegen", "write", "--root", str(root)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("dialogue_protocol.codegen", run_name="__main__")
    assert ended.value.code == 0
