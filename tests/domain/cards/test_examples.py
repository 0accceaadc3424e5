from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.cards.examples import join, split
from dialogue_server.domain.persona import Example

NAMES = ("Mira Vale", "Mira")


@pytest.mark.parametrize(
    ("text", "pairs", "lost"),
    [
        ("", [], 0),
        ("<START>\n{{user}}: Hi\n{{char}}: Hm.", [("Hi", "Hm.")], 0),
        ("<start>\n{{User}}:Hi\n{{CHAR}} : Hm.\n<START>\n<USER>: A\n<BOT>: B", [("Hi", "Hm."), ("A", "B")], 0),
        ("You: Hi\nMira: Hm.\nYOU: More\nmira vale: No.", [("Hi", "Hm."), ("More", "No.")], 0),
        ("{{user}}: Hi\nthere\n\n{{char}}: Hm.\n*turns*", [("Hi\nthere", "Hm.\n*turns*")], 0),
        ("{{user}}: A\n{{user}}: B\n{{char}}: C\n{{char}}: D", [("A\nB", "C\nD")], 0),
        ("<START>\n{{char}}: Alone.", [], 1),
        ("<START>\n{{user}}: Alone.", [], 1),
        ("{{user}}: A\n{{char}}:\n{{user}}: B\n{{char}}: C", [("B", "C")], 1),
        ("{{user}}:\n{{char}}: Alone.", [], 1),
        ("She talks a lot.\n\nYes: she does.", [], 2),
    ],
)  # fmt: skip
def test_examples_are_split(text: str, pairs: list[tuple[str, str]], lost: int) -> None:
    assert split(text, NAMES) == ([Example(*pair) for pair in pairs], lost)


def test_without_a_name_only_the_macros_tell_who_speaks() -> None:
    assert split("{{user}}: A\n{{char}}: B\n: C", ("", " ")) == ([Example("A", "B\n: C")], 0)


WORDS = st.text("abc \n?!", min_size=1).map(str.strip).filter(bool)


@given(st.lists(st.builds(Example, WORDS, WORDS)))
def test_what_is_joined_is_split_again(examples: list[Example]) -> None:
    assert split(join(examples), NAMES) == (examples, 0)
