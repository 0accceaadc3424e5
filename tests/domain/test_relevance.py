"""Which of a designer's texts fits a player's line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.relevance import (
    Candidate,
    best,
    has_unspaced,
    is_function_word,
    scores,
    stem,
    words,
)

MINE = Candidate("The lower gallery of the mine is flooded.", ("ore", "dig"))
KNIFE = Candidate("A hunting knife is twelve silver.", ("buy", "price", "how much"))
AUNT = Candidate("My aunt taught me to forge.")
FACTS = [MINE, KNIFE, AUNT]


@pytest.mark.parametrize(
    ("line", "index"),
    [
        ("Is the mine open?", 0),
        ("Is there any ORE left?", 0),
        ("Why does nobody dig?", 0),
        ("What are your prices?", 1),
        ("How much?", 1),
        ("Two knives, please.", None),
        ("Who taught you?", 2),
        ("Teach me forging!", 2),
        ("What do you think of it?", None),
        ("", None),
    ],
)
def test_the_fact_that_shares_rare_words_is_called_up(line: str, index: int | None) -> None:
    assert index == best(line, FACTS)


def test_nothing_fits_where_there_is_nothing() -> None:
    assert best("Hello", []) is None


def test_a_phrase_stands_in_the_line_as_written() -> None:
    greeting = [Candidate("Well enough.", ("how are you",))]
    assert best("Hey, how are you today?", greeting) == 0
    assert best("Are you the smith, and how?", greeting) is None


def test_only_the_keys_count_where_the_text_is_an_answer() -> None:
    assert best("Is it flooded?", FACTS, own_words=False) is None
    assert best("Is there ore?", FACTS, own_words=False) == 0


def test_a_weight_lets_one_text_give_way_to_another() -> None:
    light, full = Candidate("The mill burns.", (), 0.5), Candidate("The mill turns.")
    assert best("What of the mill?", [light, full]) == 1
    assert best("What of the mill?", [full, light]) == 0


def test_the_first_of_equals_is_taken() -> None:
    assert best("the mill", [Candidate("a mill"), Candidate("one mill")]) == 0


def test_a_key_without_a_word_is_no_key() -> None:
    assert best("...", [Candidate("Dots.", ("...",))]) is None


@pytest.mark.parametrize(
    "family",
    [
        ("lamp", "lamps", "lamp's"),
        ("carry", "carries", "carried", "carrying"),
        ("stop", "stopped", "stopping", "stops"),
        ("bake", "baked", "baking", "bakes"),
        ("break", "broke", "broken", "breaks"),
        ("slow", "slowly"),
        ("glass",),
        ("sing", "sings"),
        ("lose", "lost", "loses"),
        ("call", "called", "calling"),
    ],
)
def test_the_forms_of_a_word_have_one_stem(family: tuple[str, ...]) -> None:
    assert len({stem(word) for word in family}) == 1


@pytest.mark.parametrize("different", [("ring", "r"), ("bus", "bu"), ("glass", "glas")])
def test_short_words_keep_their_shape(different: tuple[str, str]) -> None:
    assert stem(different[0]) != stem(different[1])


def test_scripts_without_spaces_are_compared_by_pairs_of_characters() -> None:
    assert words("鉱山は開いてる") == ["鉱山", "山は", "は開", "開い", "いて", "てる"]
    assert words("abc鉱山def 水") == ["abc", "鉱山", "def", "水"]
    facts = [Candidate("剣は銀貨十二枚だ。"), Candidate("鉱山は水に沈んでいる。")]
    assert best("鉱山はどうなった？", facts) == 1


def test_words_of_other_alphabets_are_words() -> None:
    facts = [Candidate("Нож стоит двенадцать монет."), Candidate("Шахта затоплена.")]
    assert best("Шахта открыта?", facts) == 1
    assert words("L’épée d’or") == ["l'épée", "d'or"]


texts = st.text(max_size=60)
candidates = st.lists(st.builds(Candidate, texts, st.tuples(texts), st.floats(0, 2)), max_size=5)


@given(texts, candidates)
def test_any_text_has_finite_scores_and_the_same_ones_again(
    text: str, found: list[Candidate]
) -> None:
    first = scores(text, found)
    assert len(found) == len(first)
    assert all(0 <= score < 1e6 for score in first)
    assert first == scores(text, found)


def test_scripts_without_spaces_and_words_that_tell_nothing_are_known() -> None:
    assert has_unspaced("die Burg 灯塔") and not has_unspaced("die Burg маяк")
    assert is_function_word("the") and not is_function_word("mine")
