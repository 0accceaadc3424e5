from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.sentences import SentenceLimit, SentenceStarts


def run(text: str, limit: int) -> tuple[str, bool]:
    sentences = SentenceLimit(limit)
    return sentences.feed(text), sentences.stopped


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("One. Two. Three.", 2, "One. Two."),
        ("One? Two! Three.", 1, "One?"),
        ("One.", 1, "One."),
        ("One... two. Three.", 1, "One... two."),
        ("One… Two.", 1, "One…"),
        ('"One." "Two."', 1, '"One."'),
        ("*One!* Two.", 1, "*One!*"),
        ("One?! Two.", 1, "One?!"),
        ("He said: (one.) Two.", 1, "He said: (one.)"),
        ("Dr. Smith and Mrs. Bo. Two.", 1, "Dr. Smith and Mrs. Bo."),
        ("Ask J. Smith. Two.", 1, "Ask J. Smith."),
        ("It is I. Two.", 1, "It is I."),
        ("Take e.g. Salt. Two.", 1, "Take e.g. Salt."),
        ("Costs 3.50 silver. Two.", 1, "Costs 3.50 silver."),
        ("1. Salt and iron. Two.", 1, "1. Salt and iron."),
        ("One\nTwo.", 1, "One"),
        ("One.\ntwo.", 1, "One."),
        ("一。二。", 1, "一。"),
        ("「一。」二。", 1, "「一。」"),
        ("一！？二。", 1, "一！？"),
        ("一。 two.", 1, "一。"),
        ("No end at all", 1, "No end at all"),
        ("a.b Two", 1, "a.b Two"),
    ],
)
def test_text_is_cut_after_the_last_sentence_allowed(text: str, limit: int, shown: str) -> None:
    assert run(text, limit) == (shown, shown != text)


def test_nothing_is_cut_before_the_next_sentence_begins() -> None:
    sentences = SentenceLimit(1)
    assert sentences.feed("One.") == "One."
    assert not sentences.stopped
    assert sentences.feed(" Two") == ""
    assert sentences.stopped


_WORDS = ["One", "two", ".", "!", "…", '"', "。", "Dr", "3", "I", "」"]


_SPACES = st.sampled_from(["", " ", "\n"])


@given(
    st.lists(st.sampled_from(_WORDS), max_size=10),
    st.lists(_SPACES, min_size=10, max_size=10),
    st.integers(1, 3),
)
def test_any_split_before_white_space_gives_the_same_text(
    words: list[str], spaces: list[str], limit: int
) -> None:
    chunks = [space + word for word, space in zip(words, spaces, strict=False)]
    sentences = SentenceLimit(limit)
    shown = ""
    for chunk in chunks:
        shown += sentences.feed(chunk)
        if sentences.stopped:
            break
    assert run("".join(chunks), limit) == (shown, sentences.stopped)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two? Three", ["One.", " Two?", " Three"]),
        ("هل أنت بخير؟ نعم. حسنا", ["هل أنت بخير؟", " نعم.", " حسنا"]),
        ("नमस्ते। आप कैसे हैं? ठीक", ["नमस्ते।", " आप कैसे हैं?", " ठीक"]),
        ("行く。来る。", ["行く。", "来る。"]),
        ("行く。\u0301来る。", ["行く。\u0301", "来る。"]),  # a mark belongs to what it stands on
        ("A\n\nB", ["A", "\n\nB"]),
        ("", [""]),
    ],
)
def test_sentences_begin_where_a_reader_says_so(text: str, sentences: list[str]) -> None:
    at = [0, *SentenceStarts().feed(text), len(text)]
    found = [text[a:b] for a, b in itertools.pairwise(at)]
    assert [part.strip() for part in found] == [part.strip() for part in sentences]


@given(st.text(alphabet="aB.!? \n。D3r\"'I", max_size=40), st.lists(st.integers(0, 40)))
def test_any_split_finds_the_same_beginnings(text: str, cuts: list[int]) -> None:
    scanner, found, at = SentenceStarts(), [], 0
    for end in [*sorted(cuts), len(text)]:
        found += [at + start for start in scanner.feed(text[at:end])] if end > at else []
        at = max(at, end)
    assert tuple(found) == SentenceStarts().feed(text)


@given(st.text(alphabet="aB.!? \n。D3r\"'I)", max_size=60))
def test_a_sentence_has_an_end_mark_or_a_line_break_before_it(text: str) -> None:
    for start in SentenceStarts().feed(text):
        assert set(text[:start]) & set(".!?。\n")


def test_a_long_text_without_an_end_is_not_kept_whole() -> None:
    scanner = SentenceStarts()
    for _ in range(100):
        assert scanner.feed("no end at all ") == ()
    assert scanner.feed("Mr. Bo. Two") == (8,)
    assert len(scanner._tail) < 100
