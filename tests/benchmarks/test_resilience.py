"""The benchmark of drops and stalls gives figures of the right shape. Nothing here judges a time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.resilience import main


@pytest.mark.skipif(sys.platform == "win32", reason="drops sockets as POSIX does")
def test_a_small_run_gives_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    small = ["--sessions", "20", "--drops", "3", "--readers", "2", "--streams", "4"]
    assert main([*small, "--seconds", "1", "--repeat", "1", "--json", str(file)]) == 0
    result = json.loads(file.read_text())
    assert result["resume"]["missed_messages"] > 10
    assert 0 < result["resume"]["welcome_ms"]["p50"] <= result["resume"]["caught_up_ms"]["p50"]
    assert result["detached"]["sessions"] == 20
    for side in ("alone", "reading", "stalled"):
        assert 0 < result["stalled"][side]["p50_ms"] <= result["stalled"][side]["p99_ms"]
    assert "resume after a drop" in capsys.readouterr().out
