"""The benchmark runs and gives figures of the right shape. Nothing here judges a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import litellm
from benchmarks.__main__ import main
from benchmarks.load import Job, Meter
from benchmarks.load_sse import SseStream
from benchmarks.scaling import main as scaling
from benchmarks.stamps import STAMP_CHARS, TOKEN_CHARS, age, now_us, stamp
from tests.services.install_services import find


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
        for target in ("bare forwarder", "server", "server, guards, recording"):
            figures = result[part][target]
            assert figures["tokens"] == 4 * result[part]["setup"]["tokens_per_stream"]
            assert figures["wire_bytes_per_token"]["median"] > TOKEN_CHARS
            assert figures["sse_bytes_per_token"]["median"] > 250
            assert figures["memory_bytes"]["min"] > 10_000_000
            assert figures["latency_p50_us"]["median"] <= figures["latency_p99_us"]["median"]
        assert result[part]["ratio"]["min"] >= 0
    assert set(result["idle_bytes_per_connection"]) == {"bare forwarder", "server"}
    table = capsys.readouterr().out
    assert "CPU / bare forwarder's" in table
    assert "memory per idle connection" in table


@pytest.mark.slow
def test_scaling_gives_a_row_for_each_number_of_streams_and_workers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "figures.json"
    small = [
        "--rate",
        "20",
        "--tokens-per-second",
        "60",
        "--tokens",
        "10",
        "--repeat",
        "1",
        "--unpaced",
        "30",
    ]
    small += ["--turns", "3", "--lengths", "5", "15"]
    services = [] if find("redis-server") else ["--no-workers"]
    assert scaling(["--streams", "3", "6", *small, *services, "--json", str(file)]) == 0
    result = json.loads(file.read_text())
    rows = [(row["streams"], row["rate"]) for row in result["streams"]]
    assert rows == [(3, 20), (6, 20), (3, 20), (6, 10)]
    assert all(row["server"]["memory_bytes"] > 10_000_000 for row in result["streams"])
    assert [row["name"] for row in result["turns"]] == ["bare forwarder", "server"]
    if not services:
        assert [row["workers"] for row in result["workers"]] == ["1", "2"]
        assert all(0 < row["largest_share"] <= 1 for row in result["workers"])
        assert " x one" in capsys.readouterr().out


async def test_a_stream_of_events_is_read_however_it_is_cut():
    """What an OpenAI-compatible proxy sends, byte by byte."""
    meter = Meter()
    stream = SseStream(Job("sse", 1, 1, tokens=2), 0, meter)
    texts = [stamp(now_us()), stamp(now_us())]
    events = [b'{"choices":[{"delta":{"role":"assistant"}}]}', b'{"choices":[]}']
    events[1:1] = [b'{"choices":[{"delta":{"content":"%s"}}]}' % text.encode() for text in texts]
    body = b"".join(b"%x\r\ndata: %s\n\n\r\n" % (len(event) + 8, event) for event in events)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for byte in head + body + b"e\r\ndata: [DONE]\n\n\r\n":
        stream.data_received(bytes((byte,)))
    assert stream.done.done()
    assert (meter.frames, len(meter.latencies), meter.failures) == (2, 2, [])


def test_without_litellm_the_mend_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(litellm, "FOLDER", tmp_path)
    with pytest.raises(SystemExit, match=r"python -m benchmarks\.litellm"):
        litellm.command(tmp_path, 1, 2)
    assert litellm.version() == ""
