from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.reasoning import ReasoningFilter


def run(chunks: list[str], *, opened: bool = False) -> str:
    reasoning = ReasoningFilter(opened=opened)
    return "".join(map(reasoning.feed, chunks)) + reasoning.flush()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello.", "Hello."),
        ("<think>hm</think>Hello.", "Hello."),
        ("<THINK>hm</Think>Hello.", "Hello."),
        ("<thinking>a<b></thinking>Hello.", "Hello."),
        ("<reasoning>hm</reasoning>Hello.", "Hello."),
        ("[THINK]hm[/THINK]Hello.", "Hello."),
        ("A <think>x</think>B <think>y</think>C", "A B C"),
        ("<think>a </thinking> b</think>Hello.", "Hello."),
        ("<think>never closed", ""),
        ("<think></think>", ""),
        ("Hi </think>there", "Hi there"),
        ("a < b <thin ice> [thin] <", "a < b <thin ice> [thin] <"),
        ("half a tag <thi", "half a tag <thi"),
        ("<think>half a closing tag</thi", ""),
        ("<thin\u212a>the Kelvin sign", "<thin\u212a>the Kelvin sign"),
    ],
)
def test_reasoning_is_removed_wherever_the_text_is_split(text: str, expected: str) -> None:
    assert run([text]) == expected
    assert run(list(text)) == expected


def test_a_template_that_opened_the_block_hides_all_before_the_closing_tag() -> None:
    text = "The player greets me.</think>Hello."
    assert run([text], opened=True) == "Hello."
    assert run(list(text), opened=True) == "Hello."


def test_idle_tells_when_text_passes_unchanged() -> None:
    reasoning = ReasoningFilter()
    assert reasoning.idle
    assert reasoning.feed("a<") == "a"
    assert not reasoning.idle
    assert reasoning.feed("think>") == ""
    assert not reasoning.idle
    assert reasoning.feed("b</think>c") == "c"
    assert reasoning.idle


_PARTS = ["<think>", "</think>", "<", "[", "think", "[THINK]", "[/think]", "a", " ", "İ", "</"]


@given(st.lists(st.sampled_from(_PARTS)).map("".join), st.data())
def test_any_split_gives_the_same_text(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    second = data.draw(st.integers(cut, len(text)))
    assert run([text[:cut], text[cut:second], text[second:]]) == run([text])
