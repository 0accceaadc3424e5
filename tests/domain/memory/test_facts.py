"""What in a line is worth remembering."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.memory.facts import (
    MAX_CHARS,
    Fact,
    fact,
    facts,
    is_question,
    pieces,
    sentences,
)


def test_a_line_is_taken_sentence_by_sentence() -> None:
    assert sentences("Cold out. “My name is Ann.” Is there stew?\nAh! 東へ行く。西も。") == [
        "Cold out.",
        "“My name is Ann.",
        "Is there stew?",
        "Ah!",
        "東へ行く。",
        "西も。",
    ]


def test_what_points_back_stays_with_what_it_points_at() -> None:
    line = "Long road today. My brother is Olin. He hates turnips. Is there stew?"
    assert list(pieces(line)) == [
        "Long road today.",
        "My brother is Olin. He hates turnips.",
        "Is there stew?",
    ]


def test_what_goes_on_about_something_of_the_speakers_stays_with_it() -> None:
    assert list(pieces("The hound is mine. Rex never bites. Pour me another.")) == [
        "The hound is mine. Rex never bites.",
        "Pour me another.",
    ]


def test_a_question_that_the_speaker_answers_leads_up_to_it() -> None:
    assert list(pieces("The limp? A mule did that.")) == ["The limp? A mule did that."]
    assert len(list(pieces("Do you know what happened to my knee? A mule kicked it."))) == 1
    asked = "Do you know when the mill will work again? I have seven sacks of barley in the barn."
    assert len(list(pieces(asked))) == 2


def test_an_overlong_sentence_is_cut_and_many_short_ones_are_parted() -> None:
    (only,) = pieces("x" * 1000)
    assert len(only) == MAX_CHARS
    assert only.endswith("…")
    parts = list(pieces(" ".join(["My dog is big."] + ["He is big." for _ in range(60)])))
    assert len(parts) > 2
    assert all(len(part) <= MAX_CHARS for part in parts)


def test_an_empty_line_has_no_pieces() -> None:
    assert list(pieces("")) == list(pieces(" \n ")) == []


@given(st.text(max_size=400))
def test_any_text_comes_apart_in_bounded_pieces(text: str) -> None:
    for piece in pieces(text):
        assert 0 < len(piece) <= MAX_CHARS
        assert 0.0 <= fact(piece).importance <= 1.0


def test_questions_are_told_from_statements_in_any_script() -> None:
    assert is_question("Really?”")
    assert is_question("本当？")
    assert is_question("حقا؟")
    assert not is_question("Really.")


def test_facts_keep_their_words_and_their_order() -> None:
    found = facts("Since you ask. My name is Ann. I'm afraid of bells. Do you like stew?")
    assert [one.text for one in found] == ["My name is Ann.", "I'm afraid of bells."]
    assert [one.kinds for one in found] == [("name",), ("fear",)]


def test_of_an_npc_only_promises_debts_and_secrets_count() -> None:
    assert facts("I love stew. I promise you the lamp.", by_npc=True)[0].kinds == ("promise",)
    assert fact("I love stew.", True) == Fact("I love stew.", (), 0.0)


def test_what_belongs_to_the_moment_matters_less_unless_it_is_promised() -> None:
    assert fact("I want a bath today.").importance < fact("I want a farm.").importance / 2
    assert fact("I promise to pay tomorrow.").importance >= 0.9


def test_a_fact_that_names_somebody_matters_more() -> None:
    assert fact("I found it near Dunmarrow.").importance > fact("I found it near here.").importance
    assert fact("My name is Ann Oakley.").importance == 1.0


def test_an_aside_about_oneself_matters_a_little() -> None:
    assert fact("I walked along the wall.") == Fact("I walked along the wall.", (), 0.2)


def test_typographic_apostrophes_are_apostrophes() -> None:
    assert fact("I’m allergic to nuts.").kinds == fact("I'm allergic to nuts.").kinds
