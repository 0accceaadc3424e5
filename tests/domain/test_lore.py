"""Which lore an NPC is given."""

from __future__ import annotations

from typing import Any

import pytest
from dialogue_protocol.messages import Player
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dialogue_server.domain import lore
from dialogue_server.domain.assembly import assemble
from dialogue_server.domain.conversation import Node
from dialogue_server.domain.lore import known_facts, mentions
from dialogue_server.domain.persona import Entry, KnownBy, LoreBook, LoreRules, Persona, World
from dialogue_server.domain.prompt import PromptInput

PELL = Persona("pell", "Pell", "An innkeeper.", factions=["guild"], places=["inn"])


def world(*entries: Entry, rules: LoreRules | None = None, **books: LoreBook) -> World:
    return World("W", "A world.", lore=list(entries), lore_rules=rules or LoreRules(), books=books)


def ask(
    here: World,
    text: str = "Hello.",
    *,
    persona: Persona = PELL,
    history: tuple[str, ...] = (),
    **state: Any,
) -> PromptInput:
    nodes = tuple(Node(str(at), "", "player", "P", said, 0.0) for at, said in enumerate(history))
    return PromptInput(
        world=here,
        persona=persona,
        player=Player("p1"),
        text=text,
        budget=4000,
        history=nodes,
        state=state,
    )


def given_texts(given_input: PromptInput) -> list[str]:
    known = known_facts(given_input)
    return [fact.text for fact in (*known.shared, *known.own, *known.now)]


def whys(given_input: PromptInput) -> dict[str, str]:
    return {part.text: part.why for part in known_facts(given_input).dropped}


# ---------------------------------------------------------------- who


@pytest.mark.parametrize(
    ("who", "knows"),
    [
        (None, True),
        (KnownBy(npcs=["pell"]), True),
        (KnownBy(npcs=["tove"], factions=["guild"]), True),
        (KnownBy(places=["mill", "inn"]), True),
        (KnownBy(npcs=["tove"]), False),
        (KnownBy(npcs=["guild"], factions=["inn"], places=["pell"]), False),
    ],
)
def test_an_npc_knows_by_its_id_its_factions_and_its_places(
    who: KnownBy | None, knows: bool
) -> None:
    here = world(Entry("A.", known_by=who))
    assert given_texts(ask(here)) == (["A."] if knows else [])
    assert whys(ask(here)) == ({} if knows else {"A.": "not known"})


def test_the_gate_of_a_book_holds_besides_that_of_its_entries() -> None:
    book = LoreBook(
        [Entry("A."), Entry("B.", known_by=KnownBy(npcs=["tove"]))],
        known_by=KnownBy(factions=["guild"]),
        when="war",
    )
    assert given_texts(ask(world(g=book), war=True)) == ["A."]
    assert given_texts(ask(world(g=book))) == []
    assert whys(ask(world(g=book))) == {"A.": "condition", "B.": "not known"}
    tove = Persona("tove", "Tove", "A smith.")
    assert given_texts(ask(world(g=book), persona=tove, war=True)) == []


def test_what_few_know_stands_apart_from_what_everybody_knows() -> None:
    here = world(Entry("Own.", known_by=KnownBy(["pell"])), Entry("All."), Entry("Now.", "war"))
    known = known_facts(ask(here, war=1))
    assert [fact.text for fact in known.shared] == ["All."]
    assert [fact.text for fact in known.own] == ["Own."]
    assert [fact.text for fact in known.now] == ["Now."]


def test_every_fact_names_its_file_and_key() -> None:
    here = world(Entry("A."), Entry("B."), z=LoreBook([Entry("D.")]), a=LoreBook([Entry("C.")]))
    assert [(placed.source, placed.entry.text) for placed in lore.placed_entries(here)] == [
        ("world.toml:lore[0]", "A."),
        ("world.toml:lore[1]", "B."),
        ("lore/a.toml:entries[0]", "C."),
        ("lore/z.toml:entries[0]", "D."),
    ]


# ---------------------------------------------------------------- when


def test_a_condition_that_cannot_be_evaluated_closes_the_gate_and_is_told() -> None:
    here = world(Entry("A.", "gold > 5"), Entry("B.", "gold == 'much'"))
    assert given_texts(ask(here, gold="much")) == ["B."]
    assert whys(ask(here, gold="much"))["A."].startswith("condition: gold > 5: ")


# ---------------------------------------------------------------- what about


@pytest.mark.parametrize(
    ("key", "line", "found"),
    [
        ("mine", "Is the MINE open?", True),
        ("mine", "Two mines!", True),
        ("mine", "What about undermining?", False),
        ("old mill", "Tell me about the old mill.", True),
        ("old mill", "A mill, and it is old.", False),
        ("smith*", "The smithy is shut.", True),
        ("smith*", "A blacksmith.", False),
        ("*", "Anything.", False),
        ("!", "Anything!", False),
        ("灯塔", "那灯塔怎么了", True),
        ("灯塔", "那灯怎么了", False),
        ("маяк", "Что с маяк?", True),
    ],
)
def test_a_key_is_words_in_any_form_or_characters_where_nothing_is_spaced(
    key: str, line: str, found: bool
) -> None:
    assert mentions(key, [line]) is found


def test_an_entry_with_keys_waits_until_one_is_spoken_of() -> None:
    here = world(Entry("Deep.", keys=["mine", "pit"]), Entry("Old.", keys=["mine"], always=True))
    assert given_texts(ask(here)) == ["Old."]
    assert whys(ask(here)) == {"Deep.": "not spoken of"}
    assert given_texts(ask(here, "The pit?")) == ["Old.", "Deep."]
    assert [fact.text for fact in known_facts(ask(here, "The pit?")).now] == ["Deep."]


@pytest.mark.parametrize(
    ("logic", "lines"),
    [
        ("any", {"mine king": True, "mine lord": True, "mine king lord": True, "mine": False}),
        ("all", {"mine king": False, "mine king lord": True, "king lord": False}),
        ("not_any", {"mine": True, "mine king": False, "king": False}),
        ("not_all", {"mine": True, "mine king": True, "mine king lord": False}),
    ],
)
def test_secondary_keys_are_asked_by_their_logic(logic: Any, lines: dict[str, bool]) -> None:
    entry = Entry("A.", keys=["mine"], secondary_keys=["king", "lord"], logic=logic)
    for line, comes in lines.items():
        assert bool(given_texts(ask(world(entry), line))) is comes, line


def test_the_newest_lines_are_searched_as_far_as_the_rules_say() -> None:
    history = ("mine", "b", "c")
    entry = Entry("A.", keys=["mine"])
    assert given_texts(ask(world(entry), history=history)) == ["A."]
    shallow = world(entry, rules=LoreRules(scan_depth=3))
    assert given_texts(ask(shallow, history=history)) == []
    deep = world(replace(entry, scan_depth=4), rules=LoreRules(scan_depth=1))
    assert given_texts(ask(deep, history=history)) == ["A."]
    never = world(replace(entry, scan_depth=0))
    assert given_texts(ask(never, "mine")) == []


CHAIN = (
    Entry("The mine has a dragon.", keys=["mine"]),
    Entry("The dragon has a hoard.", keys=["dragon"]),
    Entry("The hoard has a crown.", keys=["hoard"]),
    Entry("The crown is cursed.", keys=["crown"]),
)


@pytest.mark.parametrize("rounds", range(4))
def test_an_entry_calls_up_others_for_as_many_rounds_as_the_rules_say(rounds: int) -> None:
    here = world(*CHAIN, rules=LoreRules(recursion=rounds))
    assert given_texts(ask(here, "The mine?")) == [entry.text for entry in CHAIN[: rounds + 1]]


def test_entries_that_call_each_other_up_come_once() -> None:
    here = world(
        Entry("A b.", keys=["a1"]), Entry("B a1.", keys=["b"]), rules=LoreRules(recursion=9)
    )
    assert given_texts(ask(here, "a1")) == ["A b.", "B a1."]


def test_what_may_not_call_up_others_does_not() -> None:
    here = world(replace(CHAIN[0], recursive=False), CHAIN[1])
    assert given_texts(ask(here, "The mine?")) == [CHAIN[0].text]


def test_what_is_always_in_calls_up_nothing() -> None:
    here = world(Entry("The mine has a dragon."), CHAIN[1])
    assert given_texts(ask(here)) == ["The mine has a dragon."]


def test_what_an_npc_may_not_know_calls_up_nothing_and_is_not_called_up() -> None:
    closed = KnownBy(["tove"])
    first = world(replace(CHAIN[0], known_by=closed), *CHAIN[1:])
    assert given_texts(ask(first, "The mine?")) == []
    second = world(CHAIN[0], replace(CHAIN[1], known_by=closed), *CHAIN[2:])
    assert given_texts(ask(second, "The mine?")) == [CHAIN[0].text]


# ---------------------------------------------------------------- budget


def test_over_budget_the_lowest_priority_goes_and_then_the_later() -> None:
    entries = [Entry(f"Entry {n} of some length.", priority=n == 2) for n in range(4)]
    here = world(*entries, rules=LoreRules(budget=18))
    assert given_texts(ask(here)) == [entries[0].text, entries[2].text]
    assert whys(ask(here)) == {entries[1].text: "lore budget", entries[3].text: "lore budget"}


def test_what_is_called_up_never_pushes_out_what_is_always_in() -> None:
    stable = Entry("Stable, and of some length.")
    urgent = Entry("Urgent, and of some length.", keys=["now"], priority=99)
    here = world(urgent, stable, rules=LoreRules(budget=10))
    assert given_texts(ask(here, "now")) == [stable.text]


# ---------------------------------------------------------------- in prompts

NAMES = st.sampled_from(["pell", "tove", "guild", "inn", "mill"])
LISTS = st.lists(NAMES, max_size=2)
WORDS = st.sampled_from(["mine", "king", "dragon", "lord"])
ENTRIES = st.lists(
    st.builds(
        Entry,
        text=st.lists(WORDS, min_size=1, max_size=3).map(" ".join),
        when=st.sampled_from(["", "war", "not war"]),
        keys=st.lists(WORDS, max_size=2),
        secondary_keys=st.lists(WORDS, max_size=2),
        logic=st.sampled_from(["any", "all", "not_any", "not_all"]),
        always=st.booleans(),
        known_by=st.none() | st.builds(KnownBy, npcs=LISTS, factions=LISTS, places=LISTS),
        priority=st.integers(-2, 2),
    ),
    max_size=6,
)


@given(
    entries=ENTRIES,
    book=ENTRIES,
    who=st.none() | st.builds(KnownBy, npcs=LISTS),
    line=st.lists(WORDS, max_size=3).map(" ".join),
    war=st.booleans(),
    factions=LISTS,
    layout=st.sampled_from(["standard", "compact"]),
)
def test_no_prompt_has_an_entry_whose_gate_is_shut(
    entries: list[Entry],
    book: list[Entry],
    who: KnownBy | None,
    line: str,
    war: bool,
    factions: list[str],
    layout: Any,
) -> None:
    def marked(source: str, given_entries: list[Entry]) -> list[Entry]:
        return [
            replace(entry, text=f"{entry.text} {source}{at}x")
            for at, entry in enumerate(given_entries)
        ]

    persona = replace(PELL, factions=factions)
    here = world(
        *marked("w", entries),
        rules=LoreRules(recursion=3),
        b=LoreBook(marked("b", book), known_by=who),
    )
    prompt = assemble(ask(here, line or "Hi.", persona=persona, war=war), layout)
    said = " ".join(message.content for message in prompt.messages)
    for placed in lore.placed_entries(here):
        open_ = placed.entry.when in ("", "war" if war else "not war")
        if not lore.may_know(persona, placed) or not open_:
            assert placed.entry.text not in said
            assert placed.source not in {part.source for part in prompt.parts}


@given(entries=ENTRIES, lines=st.lists(WORDS, min_size=1, max_size=4))
def test_the_stable_lore_is_the_same_on_every_turn(entries: list[Entry], lines: list[str]) -> None:
    here = world(*entries, rules=LoreRules(budget=20))
    quiet = known_facts(ask(here))
    for war in (True, False):
        busy = known_facts(ask(here, " ".join(lines), history=tuple(lines), war=war))
        assert (busy.shared, busy.own) == (quiet.shared, quiet.own)
