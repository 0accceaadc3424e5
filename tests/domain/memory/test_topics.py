"""What a text is about, beyond its own words."""

from __future__ import annotations

import pytest

from dialogue_server.domain.memory.topics import content_roots, meeting_words, root, topics


@pytest.mark.parametrize(
    ("one", "other", "topic"),
    [
        ("What do I do for a living?", "I'm a carpenter by trade.", "work"),
        ("Do I have any siblings?", "My sister would laugh.", "sibling"),
        ("What animal do I keep?", "The geese bite strangers.", "animal"),
        ("What frightens me?", "I'm terrified of moths.", "fear"),
        ("Which instrument do I play?", "I taught myself the lute.", "music"),
        ("To whom am I in debt?", "I owe Garrick forty crowns.", "debt"),
    ],
)
def test_a_question_and_its_answer_meet_in_a_topic(one: str, other: str, topic: str) -> None:
    assert topic in topics(content_roots(one)) & topics(content_roots(other))


def test_words_that_every_line_may_have_tell_nothing() -> None:
    assert content_roots("I'd say you should do that again, please, would you?") == frozenset()


def test_irregular_forms_have_one_root() -> None:
    assert root("swore") == root("sworn") == root("swear")
    assert root("geese") == root("goose")


def test_what_the_thesaurus_does_not_know_is_about_nothing() -> None:
    assert topics(content_roots("Xyzzy plugh 東の門")) == frozenset()
    assert topics(frozenset()) == frozenset()


def test_a_topic_has_more_than_one_word_that_leads_to_it() -> None:
    assert "fear" in topics(frozenset({root("dread")})) & topics(frozenset({root("nightmare")}))


def test_the_words_by_which_a_line_meets_what_was_said_are_told() -> None:
    assert meeting_words("Where did I grow up, friend?", "I grew up in Harrowmere.") == ("grow",)
    assert meeting_words("What animal do I keep?", "My geese bite.") == ("animal",)
    assert meeting_words("What is it?", "My geese bite.") == ()
