from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dialogue_server.domain import toml_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\\n\r\t\x00\x7f'))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", '"plain"'),
        ('say "hi" \\ \t', '"say \\"hi\\" \\\\ \\t"'),
        ("bell\x07", '"bell\\u0007"'),
        ("two\nlines", '"""\ntwo\nlines"""'),
        ('a "b"\n""" c"', '"""\na "b"\n\\"\\"" c\\""""'),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5"),
        (["a", "b"], '["a", "b"]'),
        (["a" * 60, "b" * 60], '[\n  "' + "a" * 60 + '",\n  "' + "b" * 60 + '",\n]'),
        ([], "[]"),
    ],
)
def test_values_look_as_a_person_would_write_them(value: object, expected: str) -> None:
    assert toml_text.value(value) == expected  # type: ignore[arg-type]


def test_a_comment_stays_one_whatever_stands_in_it() -> None:
    assert toml_text.comment("a\nb") == "# a\n# b"
    assert (
        toml_text.comment(["x", "", "y\nid = 1", "\x00\r\u2028z"])
        == "# x\n#\n# y\n# id = 1\n#    z"
    )


@given(TEXTS)
@example('"""')
@example('\n"')
@example("\r\n")
def test_every_text_comes_back(value: str) -> None:
    assert tomllib.loads(f"key = {toml_text.text(value)}\nend = 1") == {"key": value, "end": 1}


@given(st.lists(TEXTS))
def test_every_list_comes_back(value: list[str]) -> None:
    assert tomllib.loads(f"key = {toml_text.value(value)}") == {"key": value}


@given(st.text())
def test_a_comment_says_nothing(value: str) -> None:
    assert tomllib.loads(toml_text.comment(value) + "\nend = 1") == {"end": 1}


def test_half_an_emoji_becomes_a_replacement_character() -> None:
    assert toml_text.text("\ud83d") == '"\ufffd"'
    assert toml_text.value(["\ud83d"]) == '["\ufffd"]'
