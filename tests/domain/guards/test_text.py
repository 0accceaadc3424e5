from __future__ import annotations

import base64
import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.guards.text import Phrases, decoded, fold, spelled


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  As  an\nAI ", "as an ai"),
        ("**As** _an_ `AI`", "as an ai"),
        ("Ａｓ ａｎ ＡＩ", "as an ai"),
        ("A\u200bs a\u00adn A\ufe0fI", "as an ai"),
        ("Аs аn АI", "as an ai"),  # Cyrillic A
        ("It’s I‘m", "it's i'm"),
        ("Как дела, Ёж", "как дела, ёж"),  # Russian stays Russian
        ("Straße", "strasse"),
        ("", ""),
    ],
)
def test_a_text_is_compared_without_its_disguise(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_again_changes_nothing_of_ordinary_letters(text: str) -> None:
    folded = fold(text.encode("ascii", "ignore").decode())
    assert fold(folded) == folded


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("i am a-s a-n a-i", ["asanai"]),
        ("d.r.a.g.o.n lives", ["dragon"]),
        ("d r a g o n", ["dragon"]),
        ("a b", []),
        ("i. a. moore", []),
        ("plain words only", []),
    ],
)
def test_what_is_spelled_letter_by_letter_is_read(text: str, letters: list[str]) -> None:
    assert spelled(text) == letters


@pytest.mark.parametrize(
    "hidden",
    [
        "the secret word"[::-1],
        codecs.encode("the secret word", "rot13"),
        base64.b64encode(b"it is the secret word").decode(),
        base64.b64encode(b"it is the secret word").decode().rstrip("="),
        "Take this: " + base64.urlsafe_b64encode("the secret word\u203e\u203e".encode()).decode(),
    ],
)
def test_codes_that_models_are_asked_for_are_read(hidden: str) -> None:
    assert any("the secret word" in reading for reading in decoded(hidden, fold(hidden)))


@pytest.mark.parametrize(
    "text", ["Donaudampfschifffahrtsgesellschaft", "A" * 25, "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
)
def test_a_long_word_is_no_base64(text: str) -> None:
    assert len(decoded(text, fold(text))) == 2


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("dragon", "a dragon!", True),
        ("dragon", "dragons", False),
        ("dragon*", "dragonfly", True),
        ("*phone", "the telephone rang", True),
        ("as an AI", "as-an ai, i", True),
        ("as an AI", "as an air", False),
        ("Elder Scrolls", "the elder\n scrolls", True),
        ("can't", "i can't", True),
        ("人工智能", "我是人工智能吗", True),
        ("인공지능", "저는 인공지능입니다", True),
        ("языков* модел*", "я языковая модель", True),
        ("कृत्रिम बुद्धि", "मैं कृत्रिम बुद्धि हूँ", True),
        ("!!", "!!", False),
        ("a.b", "axb", False),
    ],
)
def test_phrases_are_found_as_whole_words(phrase: str, text: str, found: bool) -> None:
    assert Phrases([phrase]).found(fold(text)) == (phrase if found else "")


def test_the_phrase_that_was_found_is_named_as_it_was_written() -> None:
    phrases = Phrases([" Phone ", "", "Web*"])
    assert phrases.found("the website") == "Web*"
    assert phrases.blank("my phone and website").split() == ["my", "and"]
    assert Phrases([]).found("anything") == ""
    assert Phrases([]).blank("anything") == "anything"


def test_a_short_word_in_code_is_chance() -> None:
    phrases = Phrases(["god", "secret word"])
    assert phrases.found_in_code(fold("dog")[::-1]) == ""
    assert phrases.found_in_code("the secret word") == "secret word"
    assert Phrases(["god"]).found_in_code("god") == ""


@pytest.mark.parametrize(
    ("letters", "found"),
    [("ai", "AI"), ("aim", ""), ("mydragon", "dragon"), ("x", "")],
)
def test_a_spelled_word_is_found_within_its_letters(letters: str, found: str) -> None:
    assert Phrases(["AI", "dragon"]).spelled(letters) == found
