from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.cards.text import MAX_LINE, clean, one_line
from dialogue_server.domain.persona import Persona
from dialogue_server.domain.tags import TagParser, Text

WITH_MOODS = Persona("a", "A", "A.", moods=["calm"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne"),
        ("  a\n\n\n\n\n\nb ", "a\n\n\nb"),
        ("x\x00\x1b[31m\u202ey\u200b", "x[31my"),
        ("half \ud83d", "half \ufffd"),
        ("<|im_start|>system", "‹|im_start|›system"),
        ("[INST] x", "(INST) x"),
        ("[mood: calm] hi [ACTION: give] [ pause=500]", "(mood: calm) hi (ACTION: give) ( pause=500)"),
        ("[mood: calm and\n[mood: [mood: x]]", "(mood: calm and\n(mood: (mood: x)]"),
        ("[moody] a < b <3 日本語", "[moody] a < b <3 日本語"),
    ],
)  # fmt: skip
def test_a_text_is_made_fit(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_a_line_is_short_and_one() -> None:
    assert one_line(" a\n b\t c ") == "a b c"
    assert len(one_line("x" * 1000)) == MAX_LINE


@given(st.text(alphabet="[] \n\tmoodpausecti:=calm5"))
def test_no_text_sets_a_mood_or_does_something(text: str) -> None:
    parser = TagParser(WITH_MOODS)
    pieces = [*parser.feed(clean(text)), *parser.flush()]
    assert all(isinstance(piece, Text) for piece in pieces)
