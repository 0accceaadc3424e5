from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.cards import lorebooks
from dialogue_server.domain.cards.lorebooks import BookEntry, read, split_decorators, words_of
from dialogue_server.errors import ContentError


def entry(**raw: Any) -> BookEntry:
    (found,) = read("a", {"entries": [{"content": "Text.", **raw}]}).entries
    return found


def test_a_v2_book_is_read_in_the_order_of_the_prompt() -> None:
    book = read(
        "a",
        {
            "name": "Harbour",
            "scan_depth": 50,
            "token_budget": 500,
            "recursive_scanning": False,
            "extensions": {},
            "entries": [
                {"keys": ["b"], "content": "Second.", "insertion_order": 20, "priority": 3},
                {"keys": ["a"], "content": "First.", "insertion_order": 10, "name": "A"},
            ],
        },
    )
    assert (book.name, book.scan_depth, book.token_budget) == ("Harbour", 50, 500)
    assert [(each.index, each.content) for each in book.entries] == [(1, "First."), (0, "Second.")]
    assert book.entries[1].priority == 3
    assert all(not each.recursive and each.scan_depth == 50 for each in book.entries)


def test_a_book_on_its_own_is_read() -> None:
    book = read("a", {"spec": "lorebook_v3", "data": {"name": "N", "entries": [{"content": "C"}]}})
    assert (book.name, len(book.entries)) == ("N", 1)


def test_a_book_without_extensions_ids_and_positions_is_read() -> None:
    """As they come from a database, whose keys are passed over."""
    raw = {"_id": "65f", "photoURL": "x", "entries": [{"keys": ["a"], "content": "C"}]}
    (found,) = read("a", raw).entries
    assert found == BookEntry(0, "C", ("a",))


def test_a_book_without_entries_is_empty() -> None:
    assert read("a", {}).entries == ()


def test_world_info_is_read() -> None:
    raw = {
        "entries": {
            "7": {
                "uid": 7,
                "key": ["dragon", "wyrm"],
                "keysecondary": ["gold"],
                "comment": "The dragon",
                "content": "It sleeps.",
                "selective": True,
                "selectiveLogic": 3,
                "order": 100,
                "position": 4,
                "depth": 4,
                "role": 0,
                "disable": False,
                "constant": False,
                "probability": 50,
                "useProbability": True,
                "preventRecursion": True,
                "excludeRecursion": True,
                "scanDepth": 6,
                "caseSensitive": True,
                "matchWholeWords": False,
                "sticky": 3,
                "group": "beasts",
            },
            "8": {"key": [], "content": "Off.", "disable": True, "order": 1, "selective": True},
        }
    }
    off, dragon = read("a", raw).entries
    assert (off.index, off.enabled, off.secondary_keys) == ("8", False, ())
    assert dragon == BookEntry(
        index="7",
        content="It sleeps.",
        keys=("dragon", "wyrm"),
        secondary_keys=("gold",),
        logic="all",
        name="The dragon",
        case_sensitive=True,
        order=100,
        scan_depth=6,
        chance=50,
        recursive=False,
        unused=(
            "a place in the prompt",
            "not being called up by other entries",
            "keys that match parts of words",
            "staying for some turns",
            "a group of which one comes in",
        ),
    )


def test_what_sillytavern_keeps_in_extensions_is_read() -> None:
    found = entry(
        keys=["a"],
        secondary_keys=["b"],
        selective=True,
        position="after_char",
        extensions={
            "selectiveLogic": 2,
            "scan_depth": 0,
            "prevent_recursion": True,
            "probability": 0,
            "useProbability": True,
            "case_sensitive": None,
        },
    )
    assert (found.logic, found.scan_depth, found.recursive, found.chance) == (
        "not_any",
        0,
        False,
        0,
    )
    assert found.unused == ()


@pytest.mark.parametrize(
    ("number", "logic"), [(0, "any"), (1, "not_all"), (2, "not_any"), (3, "all"), (9, "any")]
)
def test_the_four_logics(number: int, logic: str) -> None:
    assert entry(selectiveLogic=number).logic == logic


def test_probability_counts_only_if_it_is_used() -> None:
    assert entry(probability=10, useProbability=False).chance == 100
    assert entry(probability=10).chance == 10


def test_secondary_keys_may_be_one_text_and_count_only_if_selective() -> None:
    assert entry(secondary_keys="a, b,,a", selective=True).secondary_keys == ("a", "b")
    assert entry(secondary_keys=["a"], selective=False).secondary_keys == ()
    assert entry(secondary_keys=["a"]).secondary_keys == ()
    assert entry(secondary_keys=["a"], selective=True, use_regex=True).secondary_keys == ()


def test_keys_may_be_numbers_and_nothing_else() -> None:
    assert words_of([1, " a ", {}, None, ""]) == ("1", "a")
    assert words_of({}) == ()


def test_a_key_between_slashes_is_a_pattern() -> None:
    assert entry(keys=["/a+/i"]).regex
    assert entry(keys=["a"], use_regex=True).regex
    assert not entry(keys=["and/or", "//"]).regex


def test_odd_values_are_as_if_they_were_not_there() -> None:
    found = entry(
        keys=3,
        enabled="yes",
        insertion_order="1",
        priority=True,
        scan_depth=-1,
        name=4,
        extensions=[],
    )
    assert found == BookEntry(0, "Text.")


def test_numbers_are_bounded() -> None:
    assert entry(insertion_order=10**30).order == 1e9


def test_broken_entries_are_counted_and_the_others_read() -> None:
    book = read("a", {"entries": [3, {"content": []}, {"content": None}, {"content": "C"}]})
    assert [each.content for each in book.entries] == ["", "C"]
    assert book.remarks == ("lore: 2 entries are no objects with a text; left out",)


@pytest.mark.parametrize("entries", ["text", 3, True])
def test_entries_of_another_kind_are_refused(entries: Any) -> None:
    with pytest.raises(ContentError, match="must be a list or an object"):
        read("a", {"entries": entries})


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lorebooks, "MAX_ENTRIES", 1)
    with pytest.raises(ContentError, match="must be at most 1; split"):
        read("a", {"entries": [{}, {}]})


@pytest.mark.parametrize(
    ("content", "used", "others", "text"),
    [
        ("Plain.", {}, (), "Plain."),
        ("@@depth 4\n@@activate\n\nText.\nMore.", {"activate": ""}, ("depth",), "Text.\nMore."),
        ("@@scan_depth 3\n@@scan_depth 9\nT", {"scan_depth": "3"}, (), "T"),
        ("@@Additional_Keys a, b\n@@exclude_keys c\nT", {"additional_keys": "a, b", "exclude_keys": "c"}, (), "T"),
        ("@@risu_only 4\n@@@agn_only 4\n@@@scan_depth 2\n@@@scan_depth 5\nT", {"scan_depth": "2"}, ("risu_only", "agn_only"), "T"),
        ("@@scan_depth 1\n@@@activate\nT", {"scan_depth": "1"}, (), "T"),
        ("@@scan_depth many\n@@@scan_depth 7\nT", {"scan_depth": "7"}, ("scan_depth",), "T"),
        ("@@exclude_keys\nT", {}, ("exclude_keys",), "T"),
        ("T\n@@@activate\n@@ x", {}, (), "T\n@@ x"),
        ("@@depth 1\nT\n@@@activate", {}, ("depth",), "T"),
        ("mail me @@home", {}, (), "mail me @@home"),
    ],
)  # fmt: skip
def test_decorators_are_taken_out(
    content: str, used: dict[str, str], others: tuple[str, ...], text: str
) -> None:
    assert split_decorators(content) == (used, others, text)


def test_decorators_reach_the_entry() -> None:
    found = entry(content="@@scan_depth 3\n@@position personality\nT", scan_depth=8)
    assert (found.scan_depth, found.decorators) == (3, {"scan_depth": "3"})
    assert found.unused == ("@@position",)
    assert found.content == "T"


@given(st.text(alphabet="@activesndphk_ 3\n,"))
def test_no_decorator_is_left_in_a_text(content: str) -> None:
    used, _, text = split_decorators(content)
    assert set(used) <= lorebooks.USED
    assert split_decorators(text) == ({}, (), text)
