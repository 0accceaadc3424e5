"""The benchmark of a long talk gives figures of the right shape. Nothing here judges a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dialogue_protocol.messages import TurnEnd

from benchmarks import long_talk
from tests.embedded import embedded_weights


def test_the_figures_are_medians_around_the_marks() -> None:
    ends = [
        TurnEnd(turn, "complete", 9, first_token_ms=turn, input_tokens=200)
        for turn in range(1, 101)
    ]
    first = {turn: TurnEnd(1, "complete", 9, first_token_ms=7) for turn in range(100)}
    result = long_talk.figures(ends, first)
    assert {mark: at["first_token_ms"] for mark, at in result["at"].items()} == {
        1: 4.5,
        25: 24.5,
        50: 49.5,
        100: 96.5,
    }
    assert (result["turns"], result["whole"], result["longest_prompt"]) == (100, 100, 200)
    assert result["at"][100]["new_talk_first_token_ms"] == 7
    assert list(long_talk.figures(ends[:1], first)["at"]) == [1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_short_talk_is_measured_and_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embedded_weights()
    file = tmp_path / "figures.json"
    assert long_talk.main(["--turns", "4", "--json", str(file)]) == 0
    result = json.loads(file.read_text())
    assert result["whole"] == result["turns"] == 4
    assert all(value > 0 for at in result["at"].values() for value in at.values())
    assert "a talk of 4 turns with the embedded model: 4 answered" in capsys.readouterr().out
