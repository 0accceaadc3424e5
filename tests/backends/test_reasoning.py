"""Reasoning is taken out of a text, however it is split."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.backends.reasoning import ThinkFilter


def shown(*chunks: str) -> str:
    think = ThinkFilter()
    return "".join([think.feed(chunk) for chunk in chunks] + [think.end()])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello.", "Hello."),
        ("<think>Hm.</think>Hello.", "Hello."),
        ("<thinking>Hm.</thinking>Hello.", "Hello."),
        ("Hello <think>Hm.</think>there.", "Hello there."),
        ("<think>a</think>b<think>c</think>d", "bd"),
        ("<think>never closed", ""),
        ("<think>cut </thi", ""),
        ("a < b <thin", "a < b <thin"),
        ("a <thing>", "a <thing>"),
        ("<<think>x</think>y", "<y"),
        ("closed only</think>", "closed only</think>"),
    ],
)
def test_a_text_without_its_thoughts(text: str, expected: str) -> None:
    assert expected == shown(text) == shown(*text)


def test_plain_text_is_passed_on_at_once() -> None:
    think = ThinkFilter()
    assert think.feed("a <") == "a "
    assert think.feed("b") == "<b"
    assert not think.thought


@given(
    st.lists(
        st.sampled_from(["<think>", "</think>", "<thinking>", "</thinking>", "<", "th", "a", ">"])
    ),
    st.lists(st.integers(0, 80), max_size=6),
)
def test_any_split_shows_the_same(pieces: list[str], cuts: list[int]) -> None:
    text = "".join(pieces)
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    whole = shown(text)
    split = shown(*(text[a:b] for a, b in itertools.pairwise(bounds)))
    assert whole == split == shown(*text)
    assert not re.search("<think(ing)?>", whole)
