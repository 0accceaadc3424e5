"""The commands of a chat that need no server."""

from __future__ import annotations

from typing import Any

import pytest

from dialogue_server.cli.chat_loop import merge, patch_of


@pytest.mark.parametrize(
    ("path", "text", "patch"),
    [
        ("tide", "low", {"tide": "low"}),
        ("quest.lamp", "lit", {"quest": {"lamp": "lit"}}),
        ("gold", "3", {"gold": 3}),
        ("quest.done", "true", {"quest": {"done": True}}),
        ("quest", "null", {"quest": None}),
        ("bag", '["rope"]', {"bag": ["rope"]}),
        ("name", "3 men", {"name": "3 men"}),
        ("name", "", {"name": ""}),
    ],
)
def test_a_value_is_json_where_it_reads_as_json(path: str, text: str, patch: dict[str, Any]):
    assert patch_of(path, text) == patch


def test_later_patches_join_earlier_ones():
    state: dict[str, Any] = {}
    for patch in ({"quest": {"lamp": "dark"}}, {"quest": {"mine": "dry"}}, {"tide": None}):
        merge(state, patch)
    assert state == {"quest": {"lamp": "dark", "mine": "dry"}, "tide": None}


def test_what_was_merged_stays_its_owners():
    patch = {"quest": {"lamp": "dark"}}
    state: dict[str, Any] = {}
    merge(state, patch)
    merge(state, {"quest": {"lamp": "lit"}})
    assert patch == {"quest": {"lamp": "dark"}}
