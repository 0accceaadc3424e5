from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.content_files import (
    check_lore,
    check_persona,
    check_world,
    decode_lore,
    decode_persona,
    decode_world,
)
from dialogue_server.domain.persona import Entry, Fact, KnownBy, LoreBook
from dialogue_server.domain.staging import Scene
from dialogue_server.errors import ContentError

FILE = "personas/mira.toml"
HEAD = 'id = "mira"\nname = "Mira"\ndescription = "The smith."\n'
WORLD = 'name = "Ashford"\ndescription = "A village."\n'


def told(source: str | bytes, file: str = FILE) -> list[str]:
    """Everything that is wrong with a persona, as "place: problem"."""
    data = source if isinstance(source, bytes) else source.encode()
    errors = check_persona(file, data)
    assert all(error.file == file for error in errors)
    return [error.detail.removeprefix(f"{file}: ") for error in errors]


def test_a_whole_persona_is_decoded() -> None:
    persona = decode_persona(
        FILE,
        (
            "\ufeff"
            + HEAD
            + """
mood = "calm"
moods = ["calm", "angry"]
sees = ["quest.*"]
knowledge = ["The mine is flooded.", { text = "B", when = "quest.mine == 'x'", keys = ["ore"] }]
fallback = ["Hm."]

[model]
temperature = 1
max_tokens = 80

[[sections]]
text = "Angry."
when = "quest.done"

[[examples]]
player = "Hello."
npc = "Hm."

[[actions]]
name = "give_item"
description = "Gives."
when = "open"
[actions.parameters]
item = { values = ["a", "b"] }
count = { type = "integer", values = [1, 2], required = false }
price = { type = "number", values = [1, 2.5] }
sure = { type = "boolean" }

[[lines]]
text = "Flooded."
keys = ["mine"]
mood = "angry"
"""
        ).encode(),
    )
    assert persona.knowledge == [
        Fact("The mine is flooded."),
        Fact("B", "quest.mine == 'x'", ["ore"]),
    ]
    assert persona.model.temperature == 1.0
    assert list(persona.actions[0].parameters) == ["item", "count", "price", "sure"]
    assert told(HEAD) == []


def test_the_file_may_have_a_path_of_either_system() -> None:
    assert told(HEAD, "personas\\mira.toml") == []
    assert told(HEAD, "mira.toml") == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", "the file is empty; it needs at least id, name, description"),
        (" \n", "the file is empty; it needs at least id, name, description"),
        (b"id = 1\n\xff\xfe", "line 2: byte 0xff at position 7 is not UTF-8; save the file as UTF-8"),
        ("id = mira", "line 1, column 6: not TOML: invalid value; put texts into straight quotation marks: key = \"text\""),
        ("id = “mira”", "line 1, column 6: not TOML: invalid value; put texts into straight quotation marks: key = \"text\""),
        ("id: mira", "line 1, column 3: not TOML: expected '=' after a key in a key/value pair; TOML writes key = value, not key: value"),
        ('id = "a\nb"', "line 1, column 8: not TOML: illegal character '\\n'; the quotation mark that ends a text is missing, or the text goes over several lines and needs \"\"\"three quotation marks\"\"\""),
        ("[guards]\ncharacter = True", "line 2, column 13: not TOML: invalid value; write true or false, in small letters and without quotation marks"),
        ('moods = [\n"dry"\n"wet"\n]', "line 3, column 1: not TOML: unclosed array; a comma is missing between two entries of the list, or the ] at its end"),
        ('id = "my "own" one"', "line 1, column 11: not TOML: expected newline or end of document after a statement; write \\\" for a quotation mark inside a text"),
        ('[[lines]]\ntext = "a"\n[lines]\n', "line 3, column 7: not TOML: cannot declare ('lines',) twice; each entry of a list begins with [[two brackets]], and a [table] stands here once"),
        ('id = "a"\nid = "b"', "line 2 (the end of the file): not TOML: cannot overwrite a value; this key stands here twice: keep one, or begin the next entry with its [[header]]"),
        (HEAD + '[[lines]]\ntext = "A."\nkeys = ["a"]\naliases = ["x"]', "line 7, lines[0].aliases: unknown key; known are text, keys, when, mood. A key belongs to the [header] above it: aliases must stand above the first one"),
        ('id = "C:\\x"', "line 1, column 11: not TOML: unescaped '\\' in a string; write \\\\ for a backslash, or use single quotation marks"),
        ('id = "a', "line 1 (the end of the file): not TOML: unterminated string"),
        ('id = "a"\nid = "b"', "line 2 (the end of the file): not TOML: cannot overwrite a value"),
        ('name = "M"', "the key id is missing"),
        (HEAD + "nam = 1", "line 4, nam: unknown key; did you mean name?"),
        (HEAD + "zzz = 1", "line 4, zzz: unknown key; known are id, name, description,"),
        (HEAD + "greeting = 3", "line 4, greeting: must be a text, is a whole number"),
        (HEAD + "greeting = 2020-01-01", "line 4, greeting: must be a text, is a date"),
        (HEAD + 'moods = "calm"', 'line 4, moods: must be a list, is a text: write ["calm"]'),
        (HEAD + f'moods = "{"x" * 50}"', "line 4, moods: must be a list, is a text: put it into [brackets]"),
        (HEAD + "moods = [1]", "line 4, moods[0]: must be a text, is a whole number"),
        (HEAD + "moods = { a = 1 }", "line 4, moods: must be a list, is a table"),
        (HEAD + "knowledge = [3]", "line 4, knowledge[0]: must be a table or a text, is a whole number"),
        (HEAD + 'knowledge = "x"', 'line 4, knowledge: must be a list, is a text: write ["x"]'),
        (HEAD + 'knowledge = [\n"a",\n{ txt = "b" }]', "line 6, knowledge[1].txt: unknown key; did you mean text?"),
        (HEAD + "model = 3", "line 4, model: must be a table, is a whole number"),
        (HEAD + '[model]\nseed = "x"', "line 5, model.seed: must be a whole number, is a text"),
        (HEAD + '[model]\nmin_p = "x"', "line 5, model.min_p: must be a number, is a text"),
        (HEAD + '[[actions]]\nname = "a"', "line 4, actions[0]: the key description is missing"),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\n[actions.parameters]\nk = 1', "line 8, actions[0].parameters.k: must be a table, is a whole number"),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\nparameters = 1', "line 7, actions[0].parameters: must be a table, is a whole number"),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\n[actions.parameters.k]\ntype = "strin"', 'line 8, actions[0].parameters.k.type: must be one of string, integer, number, boolean, is "strin"; did you mean string?'),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\n[actions.parameters.k]\ntype = 3', "line 8, actions[0].parameters.k.type: must be one of string, integer, number, boolean, is 3"),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\n[actions.parameters.k]\nvalues = [[]]', "line 8, actions[0].parameters.k.values[0]: must be a text or a whole number or a number, is a list"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_mend(source: str | bytes, expected: str) -> None:
    found = told(source)
    assert found[0].startswith(expected)
    with pytest.raises(ContentError) as caught:
        decode_persona(FILE, source if isinstance(source, bytes) else source.encode())
    assert caught.value.detail == f"{FILE}: {found[0]}"


def test_a_file_nested_without_end_is_refused() -> None:
    assert "nest" in told("a = " + "[" * 3000)[0]


def test_all_mistakes_of_a_file_are_told_in_its_order() -> None:
    source = 'nam = "M"\nid = 3\n[model]\nseed = "x"\ntop = 1\n'
    assert [line.split(":")[0] for line in told(source)] == [
        "the key name is missing",
        "the key description is missing",
        "line 1, nam",
        "line 2, id",
        "line 4, model.seed",
        "line 5, model.top",
    ]


def told_of_world(source: str) -> list[str]:
    return [error.detail for error in check_world("world.toml", source.encode())]


def test_a_world_is_decoded() -> None:
    source = WORLD + 'lore = ["A."]\n[scenes]\ninn = "The inn."\n[state]\na = [1, 2.5, true, "x"]\n'
    world = decode_world("world.toml", source.encode())
    assert (world.lore, world.scenes) == ([Entry("A.")], {"inn": Scene("The inn.")})
    assert world.state == {"a": [1, 2.5, True, "x"]}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", "world.toml: the file is empty; it needs at least name, description"),
        (WORLD + "lor = 1", "world.toml: line 3, lor: unknown key; did you mean lore?"),
        (WORLD + "scenes = { inn = 1 }", "world.toml: line 3, scenes.inn: must be a table or a text, is a whole number"),
        (WORLD + "state = 1", "world.toml: line 3, state: must be a table, is a whole number"),
        (WORLD + "lore = [3]", "world.toml: line 3, lore[0]: must be a table or a text, is a whole number"),
        (WORLD + "lore_rules = { budgte = 3 }", "world.toml: line 3, lore_rules.budgte: unknown key; did you mean budget?"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_world_is_named(source: str, expected: str) -> None:
    assert told_of_world(source)[0].startswith(expected)
    with pytest.raises(ContentError):
        decode_world("world.toml", source.encode())


BOOK = """
name = "The guild"
known_by = { factions = ["guild"] }
entries = [
  "A.",
  { text = "B.", known_by = ["pell"], keys = ["b"], logic = "not_all", scan_depth = 2 },
]
"""


def test_a_book_of_lore_is_decoded() -> None:
    entry = Entry("B.", "", ["b"], logic="not_all", known_by=KnownBy(["pell"]), scan_depth=2)
    expected = LoreBook([Entry("A."), entry], "The guild", KnownBy(factions=["guild"]))
    assert decode_lore("lore/guild.toml", BOOK.encode()) == expected
    assert check_lore("lore/guild.toml", BOOK.encode()) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", "the file is empty; it needs at least entries"),
        ("name = 'x'", "the key entries is missing"),
        ("[[entries]]\ntext = 'a'\nknown_by = 'pell'", "line 3, entries[0].known_by: must be a table or a list of NPCs, is a text: write [\"pell\"]"),
        ("[[entries]]\ntext = 'a'\nknown_by = [3]", "line 3, entries[0].known_by.npcs[0]: must be a text, is a whole number"),
        ("[[entries]]\ntext = 'a'\nknown_by = { npc = ['pell'] }", "line 3, entries[0].known_by.npc: unknown key; did you mean npcs?"),
        ("[[entries]]\ntext = 'a'\nscan_depth = 'x'", "line 3, entries[0].scan_depth: must be a whole number, is a text"),
        ("[[entries]]\ntext = 'a'\nlogic = 'an'", "line 3, entries[0].logic: must be one of any, all, not_any, not_all, is \"an\"; did you mean any?"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_book_is_named(source: str, expected: str) -> None:
    with pytest.raises(ContentError) as caught:
        decode_lore("lore/x.toml", source.encode())
    assert caught.value.detail.startswith(f"lore/x.toml: {expected}")


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    assert check_persona(FILE, data)
    assert check_world("world.toml", data)
    assert check_lore("lore/x.toml", data)
