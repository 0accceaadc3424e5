from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.toml_places import Places

SOURCE = '''\
id = "mira"          # line 1
model.name = "x"
"odd key" = 1
description = """
id = not this one
name = "nor this"
"""
text = \'\'\'one\'\'\'
knowledge = [        # a comment with [brackets]
  "a [text] {here}",

  { text = "b", when = "c" },
  { text = "d",
    when = "e" },
]
moods = ["calm",
  "angry"]
not a key
[model]              # line 19
seed = 1

[[actions]]
name = "a"
[actions.parameters.item]
type = "string"
[[actions]]
name = "b"
[actions.parameters]
count = { type = "integer" }
[state.quest]
mine = "dry"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("id", 1),
        ("model.name", 2),
        ("odd key", 3),
        ("description", 4),
        ("text", 8),
        ("knowledge", 9),
        ("knowledge[0]", 10),
        ("knowledge[1].when", 12),
        ("knowledge[2].text", 13),
        ("knowledge[7]", 9),
        ("moods[0]", 16),
        ("moods[1]", 16),
        ("model.seed", 20),
        ("model.absent", 19),
        ("actions[0].name", 23),
        ("actions[0].parameters.item.type", 25),
        ("actions[0].when", 22),
        ("actions[1].name", 27),
        ("actions[1].parameters.count.values[3]", 29),
        ("state.quest.mine", 31),
        ("name", 0),
        ("", 0),
    ],
)
def test_a_path_is_found_on_its_line_or_its_parents(path: str, line: int) -> None:
    assert Places(SOURCE).line(path) == line


def test_the_place_is_told_as_line_and_key() -> None:
    places = Places(SOURCE)
    assert places.describe("model.seed") == "line 20, model.seed"
    assert places.describe("absent") == "absent"
    assert places.describe("") == ""


_LINES = ["[a]", "[[a]]", "[a.b]", "[[a.b]]", "x = [", "]", '"t",', "{ y = 1 },", 'x = """', '"""']
_LINES += ["x = 1", "a.b = '''", "'''", "# [", "[", "x = {", "}", "= 1", '"q" = 2', "x = '"]


@given(st.lists(st.sampled_from(_LINES)).map("\n".join))
def test_no_source_makes_it_fail(source: str) -> None:
    places = Places(source)
    assert 0 <= places.line("a[0].b[0].x") <= source.count("\n") + 1
