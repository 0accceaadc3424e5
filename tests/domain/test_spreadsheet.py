"""Texts in spreadsheets."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.authored_texts import AuthoredText
from dialogue_server.domain.spreadsheet import cell, decode_texts, encode, encode_texts, uncell
from dialogue_server.errors import ContentError

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.mark.parametrize("first", RISKY)
def test_no_cell_is_a_formula(first: str) -> None:
    attack = f"{first}HYPERLINK(\"http://x\";\"y\")"  # fmt: skip
    assert cell(attack) == f"'{attack}"
    assert uncell(cell(attack)) == attack
    assert f"\"'{first}" in encode(["a"], [[attack]])


@given(st.text(alphabet=st.characters(blacklist_characters="\0")))
def test_what_went_into_a_cell_comes_out_and_is_no_formula(text: str) -> None:
    guarded = cell(text)
    assert not guarded.startswith(RISKY)
    assert uncell(guarded) == text


def test_a_word_that_begins_with_an_apostrophe_stays_as_it_is() -> None:
    assert cell("'t is koud") == "'t is koud"
    assert uncell("'t is koud") == "'t is koud"
    assert cell("\0") == "\ufffd"


@given(st.lists(st.tuples(*[st.text(st.characters(blacklist_characters="\0"), min_size=1)] * 2)))
def test_authored_texts_come_back_with_their_translations(pairs: list[tuple[str, str]]) -> None:
    texts = [AuthoredText("f.toml", f"k[{n}]", a, translation=b) for n, (a, b) in enumerate(pairs)]
    assert decode_texts("x.csv", encode_texts(texts)) == texts


def test_columns_may_be_moved_and_a_semicolon_may_stand_between_them() -> None:
    source = "Translation;note;ID;Text\r\nJa.;x;f.toml:a;Yes.\r\n;;;\r\n"
    assert decode_texts("x.csv", source) == [AuthoredText("f.toml", "a", "Yes.", translation="Ja.")]
    assert decode_texts("x.csv", "id,text,translation\nf.toml:a\n") == [
        AuthoredText("f.toml", "a", "")
    ]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "is no CSV"),
        ('id,text,translation\n"a', "is no CSV"),
        ("id,text\n", "line 1: has no column translation"),
        ("id,text,translation\nx,y,z\n", "row 2: id: 'x' is not the file and key of a text"),
    ],
)
def test_what_is_wrong_is_told_with_its_row(source: str, problem: str) -> None:
    with pytest.raises(ContentError) as caught:
        decode_texts("x.csv", source)
    assert problem in caught.value.detail


def test_it_is_what_pythons_own_reader_reads() -> None:
    text = encode(["id", "text"], [["a", 'He said "no",\nthen left.']])
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert rows == [["id", "text"], ["a", 'He said "no",\nthen left.']]
