from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain import graphemes
from dialogue_server.domain.graphemes import MAX_CLUSTER, GraphemeBuffer, clusters, split

TRICKY = [
    "a",
    " ",
    "\r",
    "\n",
    "é",
    "e\u0301",
    "\u0301",
    "\u200d",
    "👩",
    "👧",
    "🏽",
    "🇩",
    "🇪",
    "\ufe0f",
]
TRICKY += [
    "한",
    "\u1112",
    "\u1161",
    "\u11ab",
    "क",
    "\u094d",
    "ष",
    "\u0600",
    "س",
    "字",
    "\uff9e",
    "か",
]

texts = st.lists(st.sampled_from(TRICKY) | st.characters(exclude_categories=["Cs"])).map("".join)


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(edges)]


@given(texts, st.lists(st.integers(0, 1000), max_size=12))
def test_any_split_loses_nothing_and_splits_no_cluster(text: str, cuts: list[int]) -> None:
    buffer = GraphemeBuffer()
    shown = [buffer.feed(piece) for piece in pieces_of(text, cuts)] + [buffer.flush()]
    assert text == "".join(shown)
    edges = set(itertools.accumulate(map(len, clusters(text)), initial=0))
    assert set(itertools.accumulate(map(len, shown))) <= edges


def test_only_the_last_cluster_is_held_back() -> None:
    buffer = GraphemeBuffer()
    assert buffer.feed("Hello") == "Hell"
    assert buffer.feed(" 👩") == "o "
    assert buffer.feed("\u200d") == ""
    assert buffer.feed("👧!") == "👩\u200d👧"
    assert buffer.flush() == "!"
    assert buffer.flush() == ""


def test_crlf_is_one_cluster() -> None:
    buffer = GraphemeBuffer()
    assert buffer.feed("a\r") == "a"
    assert buffer.feed("\n") == ""
    assert buffer.feed("b") == "\r\n"


def test_no_text_changes_nothing() -> None:
    buffer = GraphemeBuffer()
    buffer.feed("a")
    assert buffer.feed("") == ""
    assert buffer.flush() == "a"


def test_an_endless_cluster_is_let_go_in_pieces() -> None:
    buffer = GraphemeBuffer()
    text = "a" + "\u0301" * (3 * MAX_CLUSTER)
    shown = "".join(buffer.feed(char) for char in text)
    assert len(text) - len(shown) <= MAX_CLUSTER
    assert shown + buffer.flush() == text


@pytest.mark.parametrize("other", ["a", "é", "я", "字", "か", "한", "—"])
def test_the_short_way_takes_only_characters_that_never_join(other: str) -> None:
    for code in range(0x10000):
        char = chr(code)
        if graphemes._SIMPLE.fullmatch(char) and char:
            assert len(clusters(char + other)) == 2, hex(code)
            assert len(clusters(other + char)) == 2, hex(code)


@given(texts, st.integers(4, 40))
def test_long_text_is_cut_between_clusters(text: str, size: int) -> None:
    parts = split(text, size)
    assert text == "".join(parts)
    assert all(0 < len(part) <= size for part in parts)
    edges = set(itertools.accumulate(map(len, clusters(text)), initial=0))
    longest = max(map(len, clusters(text)), default=0)
    if longest < size and "\U0001f1e9" not in text:
        assert set(itertools.accumulate(map(len, parts))) <= edges


def test_a_cluster_longer_than_a_part_is_cut_all_the_same() -> None:
    assert split("a" + "\u0301" * 9, 4) == ["a\u0301\u0301\u0301", *["\u0301" * 4, "\u0301" * 2]]
