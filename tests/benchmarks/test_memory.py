"""The benchmark of memory, in short: what was planted long ago reaches the prompt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.memory import MIRA, NPC, TALK, TURNS, WORLD, dialogue, holds, main, shares
from dialogue_server.domain.standard_layout import RULES


def test_a_dialogue_has_every_fact_once_and_is_the_same_again() -> None:
    nodes, questions = dialogue(TALK.held_out, seed=3)
    assert (nodes, questions) == dialogue(TALK.held_out, seed=3)
    assert len(nodes) == 2 * TURNS
    assert all(node.meta["heard"] == [NPC] for node in nodes)
    assert len(questions) == len(TALK.held_out)
    for question in questions:
        assert sum(holds(node.text, question.wanted) for node in nodes) == 1
        assert not holds(question.line, question.wanted)


def test_no_small_talk_holds_what_is_to_be_found() -> None:
    values = {value for fact in (*TALK.tuned, *TALK.held_out) for value in fact.values}
    others = " ".join(
        (*TALK.small_talk, *TALK.replies, *TALK.before, *TALK.after, *TALK.places, RULES)
    )
    described = f"{WORLD.description} {MIRA.description} {MIRA.personality} {MIRA.speech_style}"
    assert not {value for value in values if holds(f"{others} {described}", value)}


def test_facts_that_were_not_tuned_on_are_found_where_truncation_loses_them() -> None:
    figures = shares(TALK.held_out, seeds=(1, 2, 3))
    assert figures["2000"]["memory"] >= 0.95
    assert figures["4000"]["memory"] >= 0.95
    assert figures["1000"]["memory"] >= 0.6
    assert figures["2000"]["truncation"] < 0.2


def test_the_command_prints_every_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    assert main(["--seeds", "1", "--json", str(file)]) == 0
    result = json.loads(file.read_text())
    assert set(result["shares"]) == {"tuned, 20 facts", "held out, 20 facts", "both, 40 facts"}
    assert result["cost"]["lines"] == 1000
    assert "truncation" in capsys.readouterr().out
    assert main(["--seeds", "1", "--missed"]) == 0
