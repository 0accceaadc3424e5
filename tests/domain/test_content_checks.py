from __future__ import annotations

import pytest

from dialogue_server.domain.content_checks import nearest, shown
from dialogue_server.domain.content_files import check_lore, check_persona, check_world

FILE = "personas/mira.toml"
HEAD = 'id = "mira"\nname = "Mira"\ndescription = "The smith."\n'
WORLD = 'name = "Ashford"\ndescription = "A village."\n'


def told(source: str) -> list[str]:
    found = check_persona(FILE, source.encode())
    return [error.detail.removeprefix(f"{FILE}: ") for error in found]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (HEAD + "[model]\nmax_tokens = 0", "line 5, model.max_tokens: must be between 1 and 100000, is 0"),
        (HEAD + "[model]\ntop_p = 1.5", "line 5, model.top_p: must be between 0 and 1, is 1.5"),
        (HEAD + '[[actions]]\nname = "a b"\ndescription = "x"', "line 5, actions[0].name: must be a word of letters, digits, _ and -, such as give_item"),
        (HEAD + '[[actions]]\nname = "a"\ndescription = ""', "line 6, actions[0].description: is empty"),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\n' * 2, "line 8, actions[1].name: the action a is there twice"),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\nwhen = "b = c"', "line 7, actions[0].when: not a condition: = is not understood here; to compare, write == instead of ="),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\n[actions.parameters."k l"]', 'line 7, actions[0].parameters.k l: a parameter\'s name must be a word'),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\n[actions.parameters.k]\nvalues = ["a", 1]', "line 8, actions[0].parameters.k.values[1]: 1 is not of the type string"),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\n[actions.parameters.k]\nvalues = ["a"]\namong = "b"', "line 9, actions[0].parameters.k.among: stands beside `values`; one of them says what is allowed"),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\n[actions.parameters.k]\namong = "quest._who"', "line 8, actions[0].parameters.k.among: quest._who is told to no model, since a name in it begins with _"),
        (HEAD + '[[actions]]\nname = "a"\ndescription = "x"\n[actions.parameters.k]\ntype = "boolean"\namong = "b"', "line 9, actions[0].parameters.k.among: is for texts and integers, which name things"),
        ('id = "Mira"\n' + HEAD[12:], "line 1, id: must be lower-case letters, digits, _ and -, at most 64"),
        ('id = "mia"\n' + HEAD[12:], "line 1, id: must equal the file's name: write id = \"mira\", or rename the file"),
        (HEAD.replace("The smith.", " "), "line 3, description: is empty"),
        (HEAD.replace("Mira", "Mira: x"), "line 2, name: must be one line without a colon"),
        (HEAD + 'mood = "glad"\nmoods = ["sad"]', "line 4, mood: glad is not in moods; known are sad"),
        (HEAD + 'mood = "gald"\nmoods = ["glad"]', "line 4, mood: gald is not in moods; did you mean glad?"),
        (HEAD + 'mood = "glad"', "line 4, mood: glad is not in moods"),
        (HEAD + 'moods = ["a", "A"]', "line 4, moods[1]: A is there twice"),
        (HEAD + 'moods = ["a]"]', "line 4, moods[0]: must be a word or two, without brackets and quotation marks"),
        (HEAD + 'knowledge = [""]', "line 4, knowledge[0].text: is empty"),
        (HEAD + 'knowledge = [{ text = "a", when = "x(" }]', "line 4, knowledge[0].when: not a condition"),
        (HEAD + '[[sections]]\ntext = "a"\nwhen = ""', "line 6, sections[0].when: is empty; text that always holds belongs to description"),
        (HEAD + '[[sections]]\ntext = "a"\nwhen = "x y"', "line 6, sections[0].when: not a condition: y is not understood here"),
        (HEAD + '[[examples]]\nplayer = "a"\nnpc = ""', "line 6, examples[0].npc: is empty"),
        (HEAD + 'fallback = ["a", ""]', "line 4, fallback[1]: is empty"),
        (HEAD + '[[lines]]\ntext = ""', "line 5, lines[0].text: is empty"),
        (HEAD + '[[lines]]\ntext = "a"\nmood = "x"', "line 6, lines[0].mood: x is not in moods"),
        (HEAD + '[[lines]]\ntext = "a"\nwhen = "x y"', "line 6, lines[0].when: not a condition"),
        (HEAD + 'greeting = "[mood: sad] Hi."', "line 4, greeting: the tag [mood: sad] would not be sent: not one of the moods: the persona has none"),
        (HEAD + 'fallback = ["Hm.", "[pause: x] Hm."]', "line 4, fallback[1]: the tag [pause: x] would not be sent: not a number of milliseconds, such as 500"),
        (HEAD + '[[lines]]\ntext = "A. [action: fly]"', "line 5, lines[0].text: the tag [action: fly] would not be sent: not one of the actions: the persona has none"),
        (HEAD + 'language = "german!"', "line 4, language: 'german!' is no language tag"),
        (HEAD + '[guards]\nforbidden = ["?"]', "line 5, guards.forbidden[0]: has no letter to look for"),
        (HEAD + '[translations.de]\nid = "a"\nname = "a"\ndescription = "a"', "translations: is not written here; a translation is a file"),
        (HEAD + '[[examples]]\nplayer = "a"\nnpc = "[mood: sad] b"', "line 6, examples[0].npc: the tag [mood: sad] would not be sent"),
    ],
)  # fmt: skip
def test_what_a_persona_cannot_mean_is_named_with_its_mend(source: str, expected: str) -> None:
    assert told(source)[0].startswith(expected)


def test_a_sound_persona_has_no_problem() -> None:
    source = """
moods = ["calm"]
mood = "calm"
greeting = "[mood: calm] Hello. [action: give item=a count=2]"
fallback = ["Hm."]
knowledge = [{ text = "A", when = "b" }]
sections = [{ text = "A", when = "b" }]
examples = [{ player = "A", npc = "[pause: 100] B" }]
lines = [{ text = "A", mood = "calm", when = "b" }]
[model]
temperature = 0.5
[[actions]]
name = "give"
description = "Gives."
[actions.parameters]
item = { values = ["a"] }
count = { type = "integer", values = [1, 2], required = false }
price = { type = "number", values = [1, 2.5], required = false }
"""
    assert told(HEAD + source) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (WORLD + 'lore = [{ text = "" }]', "world.toml: line 3, lore[0].text: is empty"),
        (WORLD + "lore_rules = { budget = 0 }", "world.toml: line 3, lore_rules.budget: must be 1 or more, is 0"),
        (WORLD + "lore_rules = { recursion = -1 }", "world.toml: line 3, lore_rules.recursion: must be 0 or more, is -1"),
        (WORLD + 'books = { a = { entries = [{ text = "A" }] } }', "world.toml: line 3, books: is not written here; each book is a file of its own, lore/NAME.toml"),
        (WORLD + 'clock = "_day"', "world.toml: line 3, clock: _day is told to no model"),
        (WORLD + 'scenes = { inn = "" }', "world.toml: line 3, scenes.inn.description: is empty"),
        (WORLD + "[state]\nday = 2020-01-01", "world.toml: line 4, state.day: 2020-01-01 is not a value of JSON: write it as a text"),
        (WORLD + "[state]\na = [{ b = nan }]", "world.toml: line 4, state.a[0].b: nan is not a value of JSON"),
    ],
)  # fmt: skip
def test_what_a_world_cannot_mean_is_named(source: str, expected: str) -> None:
    assert check_world("world.toml", source.encode())[0].detail.startswith(expected)


def test_a_sound_world_has_no_problem() -> None:
    source = WORLD + 'lore = ["A"]\nscenes = { inn = "B" }\nstate = { a = [1, 2.5, true, "x"] }'
    assert check_world("world.toml", source.encode()) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('known_by = []', "line 1, known_by: names nobody; leave it out if everybody may know this"),
        ('when = "a = b"', "line 1, when: not a condition"),
        ('translations = { de = { entries = [] } }', "line 1, translations: is not written here; a translation is a file of its own"),
        ('entries = [{ text = "" }]', "line 1, entries[0].text: is empty"),
        ('entries = [{ text = "A", when = "x y" }]', "line 1, entries[0].when: not a condition"),
        ('entries = [{ text = "A", known_by = {} }]', "line 1, entries[0].known_by: names nobody"),
        ('entries = [{ text = "A", keys = ["a", "*"] }]', "line 1, entries[0].keys[1]: is empty"),
        ('entries = [{ text = "A", secondary_keys = ["a"] }]', "line 1, entries[0].secondary_keys: has no effect without keys"),
        ('entries = [{ text = "A", scan_depth = -1 }]', "line 1, entries[0].scan_depth: must be 0 or more, is -1"),
        ('entries = [{ text = "A", name = "a" }, { text = "B", name = "a" }]', "line 1, entries[1].name: a is there twice"),
    ],
)  # fmt: skip
def test_what_a_book_cannot_mean_is_named(source: str, expected: str) -> None:
    if not source.startswith("entries"):
        source += "\nentries = []"
    assert check_lore("lore/x.toml", source.encode())[0].detail.startswith(
        f"lore/x.toml: {expected}"
    )


def test_a_sound_book_has_no_problem() -> None:
    source = """
known_by = { places = ["inn"] }
when = "a"
entries = [
  "A",
  { text = "B", keys = ["b"], secondary_keys = ["c"], scan_depth = 0, name = "b" },
  { text = "C", known_by = ["pell"] },
]
"""
    assert check_lore("lore/x.toml", source.encode()) == []


def test_hints_name_the_nearest_word_or_all() -> None:
    assert nearest("Naem", ["id", "name"]) == "; did you mean name?"
    assert nearest("xyz", ["id", "name"]) == "; known are id, name"
    assert nearest("xyz", []) == ""
    assert (shown("a"), shown(3)) == ('"a"', "3")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[guards]\nretries = 9", "line 4, guards.retries: must be 0 to 3, is 9"),
        ('[translations.de]\nname = "a"\ndescription = "a"', "translations: is not written"),
    ],
)
def test_a_worlds_guards_and_translations_are_checked(source: str, expected: str) -> None:
    found = check_world("world.toml", (WORLD + source).encode())
    assert found[0].detail.removeprefix("world.toml: ").startswith(expected)
