"""Names in a line: as they are written, inflected, and in scripts without spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.naming import find_name
from dialogue_server.domain.persona import Persona


def npc(name: str, *aliases: str) -> Persona:
    return Persona("x", name, "Somebody.", aliases=list(aliases))


@pytest.mark.parametrize(
    ("name", "text", "position"),
    [
        ("Mira", "Mira, come here!", "called"),
        ("Mira", "What do you think, Mira?", "called"),
        ("Mira", "hello mira", "called"),
        ("Mira", "MIRA!", "called"),
        ("Mira", "I saw Mira yesterday.", "named"),
        ("Mira", "Thank you Mira for this", "named"),
        ("Mira", "What about Mira?", "spoken_of"),
        ("Mira", "Is this Mira's hammer?", "spoken_of"),
        ("Mira", "Borin and Mira went out.", "spoken_of"),
        ("Old Marta", "Well, Old Marta?", "called"),
        ("Mira'li", "Mira'li!", "called"),
        ("Тове", "Тове, где лампа?", "called"),
        ("ミラ", "ミラ、どこ？", "called"),
        ("美蘭", "昨天美蘭在哪裡", "named"),
        ("José", "Jose\u0301, ven.", "called"),
    ],
)
def test_a_name_is_found_with_how_it_stands_there(name: str, text: str, position: str) -> None:
    found = find_name(npc(name), text)
    assert found is not None
    assert found.position == position


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Wen", "When does the tide come?"),
        ("Wen", "I went there. Went you?"),
        ("Mira", "It was a mirage, an admirable one."),
        ("Mira", "There is mire on my boots."),
        ("Mina", "Mine is better."),
        ("Pell", "It cast a spell."),
        ("Old Marta", "Is he old?"),
        ("ミラ", "ミラーを見た"),
        ("Мира", "Мы хотим мира."[:-6] + "света"),
        ("Мира", "Вот миру и конец"),
        ("Bo", "Bohemia"),
        ("…", "… well"),
        ("Mira", ""),
    ],
)
def test_another_word_is_not_a_name(name: str, text: str) -> None:
    assert find_name(npc(name), text) is None


@pytest.mark.parametrize(
    ("name", "text", "locale"),
    [
        ("Мира", "Скажи Мире, что я ушёл", ""),
        ("Борин", "Я видел Борина", ""),
        ("Mira", "Miro, pomóż mi!", ""),
        ("Mira", "Kerro Miralle terveisiä", "fi"),
        ("Mira", "Das ist Miras Hammer", "de"),
        ("Mira", "Miras Hammer", ""),
        ("Tove", "Widzę Tove'a", "pl"),
        ("미라", "미라야, 안녕", ""),
        ("מירה", "תגיד למירה שלום", ""),
        ("Bo", "Bos Hund", "de"),
    ],
)
def test_a_name_may_have_an_ending_where_languages_have_them(
    name: str, text: str, locale: str
) -> None:
    assert find_name(npc(name), text, locale=locale) is not None


def test_an_ending_needs_a_language_that_has_them() -> None:
    assert find_name(npc("Mira"), "Miralle", locale="en-GB") is None
    assert find_name(npc("Mira"), "Miralle", locale="") is None
    assert find_name(npc("Mira"), "miralle", locale="fi") is None
    assert find_name(npc("Bo"), "Bolla", locale="fi") is None


def test_an_alias_or_one_word_of_a_name_will_do_unless_another_has_it_too() -> None:
    marta, tom = npc("Old Marta", "granny"), npc("Tom the Old", "the")
    assert find_name(marta, "Granny, look!") is not None
    assert find_name(marta, "Marta, look!", [tom]) is not None
    assert find_name(marta, "Old one, look!", [tom]) is None
    assert find_name(marta, "Old one, look!") is not None
    assert find_name(tom, "The tide!", [marta]) is not None  # an alias is an alias


def test_the_strongest_place_counts_then_the_first() -> None:
    found = find_name(npc("Mira"), "About Mira: where is Mira today? Mira?")
    assert found is not None
    assert (found.position, found.at) == ("called", 33)
    twice = find_name(npc("美蘭"), "見美蘭和美蘭嗎")
    assert twice is not None
    assert (twice.position, twice.at) == ("named", 1)


@given(st.text(max_size=12), st.text(max_size=60), st.sampled_from(["", "en", "de", "x y"]))
def test_no_name_and_no_line_breaks_the_search(name: str, text: str, locale: str) -> None:
    for line in (text, f"{text} {name}, {text}"):
        found = find_name(npc(name, f"{name} {name}"), line, [npc(name)], locale=locale)
        assert found is None or 0 <= found.at < len(line)
