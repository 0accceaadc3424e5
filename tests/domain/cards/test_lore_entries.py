from __future__ import annotations

from typing import Any

import pytest

from dialogue_server.domain.cards import lorebooks
from dialogue_server.domain.cards.lore_entries import (
    export_entries,
    import_book,
    without_decorators,
)
from dialogue_server.domain.cards.macros import Macros
from dialogue_server.domain.persona import Entry, KnownBy, LoreBook


def imported(*entries: dict[str, Any], **book: Any) -> tuple[LoreBook, list[int | str], list[str]]:
    raw = {"entries": [{"content": "Text.", "keys": ["k"], **entry} for entry in entries], **book}
    return import_book(lorebooks.read("a", raw), Macros("Mira"))


def one(**entry: Any) -> tuple[Entry, list[str]]:
    book, _, remarks = imported(entry)
    (found,) = book.entries
    return found, remarks


def left_out(**entry: Any) -> str:
    book, indices, remarks = imported(entry)
    assert (book.entries, indices) == ([], [])
    (remark,) = remarks
    return remark


def test_an_entry_becomes_text_keys_and_a_name() -> None:
    found, remarks = one(
        keys=["{{char}}", "forge", "forge"],
        content="{{char}} has a forge. [mood: angry]",
        comment="The\nforge",
        insertion_order=10,
    )
    assert found == Entry("Mira has a forge. (mood: angry)", "", ["Mira", "forge"], "The forge")
    assert remarks == []


def test_an_import_has_no_conditions() -> None:
    found, _ = one(when="player.gold > 3", condition="x", known_by=["mira"])
    assert (found.when, found.known_by) == ("", None)


def test_a_cards_book_is_known_to_its_npc_only() -> None:
    book, _, _ = import_book(lorebooks.read("a", {"name": "B"}), Macros("Mira"), "mira")
    assert book == LoreBook([], "B", KnownBy(["mira"]))


def test_an_entry_that_is_always_in_has_no_need_of_keys() -> None:
    assert one(keys=[], constant=True)[0] == Entry("Text.")
    assert one(constant=True)[0] == Entry("Text.", "", ["k"], always=True)
    assert one(keys=[], content="@@activate\nText.")[0] == Entry("Text.")


def test_priority_is_that_of_the_book_or_its_order_if_they_differ() -> None:
    book, indices, _ = imported({"insertion_order": 5}, {"insertion_order": 2, "priority": 9})
    assert [entry.priority for entry in book.entries] == [9, 5]
    assert indices == [1, 0]
    same, _, _ = imported({"insertion_order": 5}, {"insertion_order": 5})
    assert [entry.priority for entry in same.entries] == [0, 0]


def test_what_may_go_first_has_the_lowest_priority() -> None:
    book, _, _ = imported({"insertion_order": 1}, {"content": "@@ignore_on_max_context\nT"})
    assert min(book.entries, key=lambda entry: entry.priority).text == "T"


def test_scan_depth_and_recursion_are_carried_over() -> None:
    found, _ = one(scan_depth=10**6, extensions={"prevent_recursion": True})
    assert (found.scan_depth, found.recursive) == (1000, False)


@pytest.mark.parametrize(
    ("entry", "keys", "logic"),
    [
        ({"secondary_keys": ["a"], "selective": True, "selectiveLogic": 1}, ["a"], "not_all"),
        ({"content": "@@additional_keys a,b\nT"}, ["a", "b"], "any"),
        ({"content": "@@exclude_keys a,\x00\nT"}, ["a"], "not_any"),
    ],
)
def test_secondary_keys_come_from_the_entry_or_its_decorators(
    entry: dict[str, Any], keys: list[str], logic: str
) -> None:
    found, remarks = one(**entry)
    assert (found.secondary_keys, found.logic, remarks) == (keys, logic, [])


def test_there_is_room_for_one_list_of_secondary_keys() -> None:
    found, remarks = one(
        content="@@exclude_keys b\nT", secondary_keys="a", selective=True, name="N"
    )
    assert (found.secondary_keys, found.logic) == (["a"], "any")
    assert remarks == ["lore: only the first of several lists of secondary keys was kept (N)"]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["/smith|forge/i"], ["smith", "forge"]),
        (["/\\b(?:gold coin|silver)s?\\b/"], ["gold coin", "silver"]),
        (["/^king$/", "queens?"], ["king", "queen"]),
        (["(a|b)"], ["a", "b"]),
    ],
)
def test_plain_patterns_become_words(keys: list[str], words: list[str]) -> None:
    found, remarks = one(keys=keys, use_regex=True)
    assert (found.keys, remarks) == (words, [])


def test_other_patterns_are_never_run() -> None:
    found, remarks = one(keys=["/(a+)+$/", "/smith/"])
    assert found.keys == ["smith"]
    assert "is a pattern, which is not run here" in remarks[0]
    book, _, remarks = imported({"keys": ["/(a+)+$/"]}, {"keys": ["["], "use_regex": True})
    assert book.entries == []
    assert len(remarks) == 2


def test_a_constant_with_patterns_is_not_constant() -> None:
    """V3: `constant` is ignored if `use_regex` is true."""
    assert "no keys" in left_out(keys=[], constant=True, use_regex=True)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"content": "@@depth 3\n"}, "there is no text in it"),
        ({"enabled": False}, "it is switched off"),
        ({"disable": True}, "it is switched off"),
        ({"probability": 0}, "its probability is 0"),
        ({"content": "@@dont_activate\nT"}, "it says @@dont_activate"),
        ({"keys": []}, "it has no keys"),
    ],
)
def test_what_would_never_have_come_in_is_left_out_and_told(
    entry: dict[str, Any], why: str
) -> None:
    assert why in left_out(**entry)


def test_activate_outdoes_dont_activate() -> None:
    assert one(content="@@dont_activate\n@@activate\nT")[0].always


def test_what_cannot_be_had_is_told_once_for_all_entries() -> None:
    _, _, remarks = imported(
        *[{"name": f"Entry of the name {'x' * 40}{n}", "position": 4} for n in range(7)],
        {"probability": 30, "case_sensitive": True},
        token_budget=300,
    )
    place, chance, case, budget = remarks
    assert place.startswith("lore: cannot be had here: a place in the prompt (Entry of the name x")
    assert place.endswith(" and 2 more)")
    assert "not by chance (entry 7)" in chance
    assert "upper and lower case alike" in case
    assert "a budget of 300 tokens" in budget


# ---------------------------------------------------------------- the way back


def exported(
    raw: dict[str, Any], *changes: tuple[int, Entry | None], more: tuple[Entry, ...] = ()
) -> tuple[list[Any], list[str]]:
    """Import a book, replace entries or take them out, and export it."""
    book, indices, _ = import_book(lorebooks.read("a", raw), Macros("Mira"))
    current: list[Entry | None] = [*book.entries]
    for at, entry in changes:
        current[at] = entry
    kept = [entry for entry in current if entry is not None]
    base = list(zip(indices, book.entries, strict=True))
    return export_entries([*kept, *more], base, raw)


FORGE = {
    "keys": ["forge"],
    "content": "@@depth 4\n@@position personality\n{{char}}'s forge.",
    "insertion_order": 4,
    "id": 77,
    "unknown": {"a": 1},
    "extensions": {"selectiveLogic": 0, "scan_depth": None, "prevent_recursion": False, "x": 1},
}
OFF = {"keys": ["off"], "content": "Off.", "enabled": False, "insertion_order": 1}
RAW: dict[str, Any] = {"entries": [FORGE, OFF, "broken"]}


def test_what_was_not_changed_stays_to_the_letter() -> None:
    assert exported(RAW) == (RAW["entries"], [])


def test_the_entries_of_world_info_become_a_list() -> None:
    assert exported({"entries": {"7": FORGE}}) == ([FORGE], [])


def test_a_changed_entry_keeps_what_is_not_ours() -> None:
    changed = Entry(
        "Mira's forge.", "", ["forge", "fire"], "Forge", True, ["a"], "all", None, 5, 3, False
    )
    (forge, *others), _ = exported(RAW, (0, changed))
    assert others == [OFF, "broken"]
    assert forge == {
        **FORGE,
        "keys": ["forge", "fire"],
        "content": "@@depth 4\n@@position personality\nMira's forge.",
        "extensions": {"selectiveLogic": 3, "scan_depth": 3, "prevent_recursion": True, "x": 1},
        "enabled": True,
        "use_regex": False,
        "constant": True,
        "selective": True,
        "secondary_keys": ["a"],
        "name": "Forge",
        "priority": 5,
    }


def test_a_new_entry_is_added_and_an_entry_taken_out_goes() -> None:
    entries, _ = exported(RAW, (0, None), more=(Entry("The king is dead."),))
    assert entries[:2] == [OFF, "broken"]
    assert entries[2] == {
        "keys": [],
        "content": "The king is dead.",
        "extensions": {},
        "enabled": True,
        "insertion_order": 4,
        "use_regex": False,
        "constant": True,
        "selective": False,
        "secondary_keys": [],
        "id": 4,
    }


def test_an_entry_is_known_by_its_name_when_its_text_changed() -> None:
    raw = {"entries": [{"keys": ["a"], "content": "Old.", "name": "N", "mine": 1}]}
    ((entry,), _) = exported(raw, (0, Entry("New.", "", ["a"], "N")))
    assert (entry["content"], entry["mine"]) == ("New.", 1)


def test_what_is_hidden_or_depends_on_the_state_never_leaves() -> None:
    secret = Entry("The king is a wolf.", "quest.done", name="Wolf")
    whispered = Entry("The queen knows.", known_by=KnownBy(["queen"]))
    entries, (remark,) = exported(RAW, more=(secret, whispered))
    assert entries == RAW["entries"]
    assert remark.startswith("lore: left out, since cards have no conditions")
    assert "(Wolf, The queen knows.)" in remark


def test_entries_of_an_odd_kind_count_as_none() -> None:
    assert export_entries([], [], {"entries": 3}) == ([], [])
    old: dict[str, Any] = {"keys": ["a"], "content": "T", "extensions": 3}
    (entry,), _ = exported({"entries": [old]}, (0, Entry("T", "", ["b"])))
    assert entry["extensions"] == {}


def test_a_v2_copy_has_no_decorators() -> None:
    assert without_decorators([FORGE, "broken", {"content": 3}]) == [
        {**FORGE, "content": "{{char}}'s forge."},
        "broken",
        {"content": 3},
    ]
