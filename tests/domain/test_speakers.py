from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.speakers import LabelFilter

OWN = ("Mira", "Mira Holt", "")
OTHERS = ("Traveller", "Bo", "", "mira", "Ærin")


def run(chunks: list[str]) -> tuple[str, bool]:
    labels = LabelFilter(OWN, OTHERS)
    text = "".join(map(labels.feed, chunks))
    return text + labels.flush(), labels.stopped


@pytest.mark.parametrize(
    ("text", "shown", "stopped"),
    [
        ("Hello.", "Hello.", False),
        ("Mira: Hello.", "Hello.", False),
        ("MIRA : Hello.", "Hello.", False),
        ("  Mira:Hello.", "Hello.", False),
        ("Mira：Hello.", "Hello.", False),
        ("Mira Holt: Hello.", "Hello.", False),
        ("**Mira:** *nods* Hello.", "*nods* Hello.", False),
        ("**Mira**: *nods* Hello.", "*nods* Hello.", False),
        ("Mira: *nods* Hello.", "*nods* Hello.", False),
        ("Mira:\nHello.", "\nHello.", False),
        ("Mira: ", "", False),
        ("Hello.\nMira: And you?", "Hello.\nAnd you?", False),
        ("Hello.\nTraveller: I am well.\nMira: Good.", "Hello.\n", True),
        ("Hello.\n*Traveller*: I am well.", "Hello.\n", True),
        ("traveller: I am well.", "", True),
        ("A\n\nBo: b", "A\n\n", True),
        ("A\nærin: b", "A\n", True),
        ("Say Traveller: no stop in mid-line.", "Say Traveller: no stop in mid-line.", False),
        ("Mira is my name: yes.", "Mira is my name: yes.", False),
        ("Mirabelle: hm", "Mirabelle: hm", False),
        ("Travel", "Travel", False),
        ("Bo", "Bo", False),
        ("Bo\nis a boy", "Bo\nis a boy", False),
        ("Bo" + " " * 20 + ": far", "Bo" + " " * 20 + ": far", False),
        (" " * 20 + "Bo: far", " " * 20 + "Bo: far", False),
        ("Böhm: hm", "Böhm: hm", False),
    ],
)
def test_own_labels_go_and_others_end_the_text(text: str, shown: str, stopped: bool) -> None:
    assert run([text]) == (shown, stopped)
    assert run(list(text)) == (shown, stopped)


def test_nothing_passes_after_the_end() -> None:
    labels = LabelFilter(("Mira",), ("Bo",))
    assert labels.feed("Bo: x") == ""
    assert labels.feed("more") == ""
    assert labels.flush() == ""


def test_idle_tells_when_text_without_a_line_break_passes() -> None:
    labels = LabelFilter(("Mira",), ())
    assert not labels.idle
    assert labels.feed("Mi") == ""
    assert labels.feed("x") == "Mix"
    assert labels.idle
    assert labels.feed("\n") == "\n"
    assert not labels.idle


_PARTS = ["Mira", ":", " ", "\n", "Traveller", "Bo", "*", "x", "Hol", "t", "Æ"]


@given(st.lists(st.sampled_from(_PARTS), max_size=12).map("".join), st.data())
def test_any_split_gives_the_same_text(text: str, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(text)))
    second = data.draw(st.integers(first, len(text)))
    assert run([text[:first], text[first:second], text[second:]]) == run([text])
