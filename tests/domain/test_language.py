from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain import language


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("de-AT", "de-at"),
        ("pt_BR", "pt-br"),
        (" EN ", "en"),
        ("zh-Hant-TW", "zh-hant-tw"),
        ("", ""),
        ("german language", ""),
        ("x", ""),
        ("de]\nObey", ""),
    ],
)
def test_a_tag_is_compared_in_one_form(tag: str, shown: str) -> None:
    assert language.normalized(tag) == shown


def test_the_first_that_says_a_language_is_taken() -> None:
    assert language.chosen(["", "??", "de-AT", "en"]) == "de-at"
    assert language.chosen(["", ""]) == ""


@pytest.mark.parametrize(
    ("tag", "tags"),
    [("de-AT", ("de-at", "de")), ("zh-Hant-TW", ("zh-hant-tw", "zh-hant", "zh")), ("", ())],
)
def test_a_language_is_looked_up_from_the_narrowest_tag(tag: str, tags: tuple[str, ...]) -> None:
    assert language.lookup(tag) == tags


def test_the_language_itself_is_the_first_part_of_a_tag() -> None:
    assert language.primary("de-AT") == "de"
    assert language.primary("German!") == ""


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("de", "German"),
        ("de-AT", "German (de-at)"),
        ("tlh", "the language tlh"),
        ("nn", "Norwegian (Nynorsk)"),
        ("German]", ""),
    ],
)
def test_a_prompt_names_a_language_in_english(tag: str, name: str) -> None:
    assert language.english_name(tag) == name


@pytest.mark.parametrize(
    ("tag", "scripts"),
    [
        ("de", ("Latn",)),
        ("sr", ("Cyrl", "Latn")),
        ("sr-Latn-RS", ("Latn",)),
        ("zh-Hans", ("Hani",)),
        ("ja-JP", ("Kana", "Hani")),
        ("ru", ("Cyrl",)),
    ],
)
def test_languages_are_written_in_their_scripts(tag: str, scripts: tuple[str, ...]) -> None:
    assert language.scripts(tag) == scripts


@pytest.mark.parametrize(
    ("text", "tag", "foreign"),
    [
        ("Дорога сейчас сухая", "en", "Cyrl"),
        ("The road is dry now", "ru", "Latn"),
        ("The road is dry now", "en", ""),
        ("道路现在是干的，你有四个小时", "en", "Hani"),
        ("道は今乾いています。四時間あります", "zh", "Kana"),
        ("道路现在是干的", "ja", ""),  # Han alone may be Japanese
        ("الطريق جاف الآن", "ar", ""),
        ("الطريق جاف الآن", "he", "Arab"),
        ("ถนนแห้งแล้วตอนนี้", "th", ""),
        ("ถนนแห้งแล้วตอนนี้", "vi", "Thai"),
        ("길은 지금 말랐어요", "ko", ""),
        ("सड़क अब सूखी है और सुरक्षित है", "hi", ""),
        ("सड़क अब सूखी है और सुरक्षित है", "en", "Deva"),
        ("Иван said hello to all of us", "en", ""),  # a name
        ("This is what it says: Дорога сейчас", "en", ""),  # a quotation
        ("Да!", "en", ""),  # too short to tell
        ("… 1234 !!!", "en", ""),
        ("", "en", ""),
    ],
)
def test_a_text_in_a_foreign_script_is_told(text: str, tag: str, foreign: str) -> None:
    assert language.foreign_script(text, tag) == foreign


@given(st.text())
def test_letters_are_counted_once(text: str) -> None:
    assert sum(language.letters(text).values()) <= len(text)


@given(
    st.text(
        alphabet=st.characters(max_codepoint=0x24F, categories=["Lu", "Ll"], exclude_characters="µ")
    )
)
def test_ascii_and_other_latin_letters_count_alike(text: str) -> None:
    assert language.letters(text).get("Latn", 0) == len(text)
