"""The benchmark runs and gives figures of the right shape. Nothing here judges a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.stamps import STAMP_CHARS, TOKEN_CHARS, age, now_us, stamp


def test_a_token_tells_its_age_from_all_but_its_last_character():
    now = now_us()
    token = stamp(now)
    assert len(token) == TOKEN_CHARS
    assert age(token, now + 1234) == 1234
    assert age(token[:STAMP_CHARS], now + 7) == 7


def test_a_small_run_gives_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "figures.json"
    code = main(
        ["--quick", "--streams", "4", "--seconds", "0.5", "--idle", "20", "--json", str(file)]
    )
    assert code == 0
    result = json.loads(file.read_text())
    assert result["paced"]["setup"] == {"streams": 4, "rate": 30.0, "tokens_per_stream": 15}
    for part in ("paced", "unpaced"):
        for target in ("bare forwarder", "server"):
            figures = result[part][target]
            assert figures["tokens"] == 4 * result[part]["setup"]["tokens_per_stream"]
            assert figures["wire_bytes_per_token"]["median"] > TOKEN_CHARS
            assert figures["sse_bytes_per_token"]["median"] > 250
            assert figures["latency_p50_us"]["median"] <= figures["latency_p99_us"]["median"]
        assert result[part]["ratio"]["min"] >= 0
    assert set(result["idle_bytes_per_connection"]) == {"bare forwarder", "server"}
    table = capsys.readouterr().out
    assert "CPU, server / bare forwarder" in table
    assert "memory per idle connection" in table
