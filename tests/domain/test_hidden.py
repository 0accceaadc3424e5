"""How a text is found that tells what an NPC may not know."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from dialogue_protocol.messages import Player
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dialogue_server.domain.assembly import assemble
from dialogue_server.domain.conversation import Node
from dialogue_server.domain.hidden import Hidden, hidden_from, runs, withheld
from dialogue_server.domain.persona import (
    Action,
    Entry,
    Example,
    Fact,
    KnownBy,
    Line,
    Parameter,
    Persona,
    Section,
    World,
)
from dialogue_server.domain.prompt import Prompt, PromptInput
from dialogue_server.domain.staging import Happening, Relation, Scene, Stage

SECRET = "The heir of the old king sleeps above the stable."
TOLD = "You know, the heir of the old King -- sleeps above Pell's kitchen!"
WORLD = World(
    "W", "A world.", lore=[Entry(SECRET, known_by=KnownBy(["pell"])), Entry("The king is old.")]
)
TOVE = Persona("tove", "Tove", "A smith.")
SOURCE = "world.toml:lore[0]"


def ask(persona: Persona = TOVE, text: str = "Who is the heir?", **more: Any) -> PromptInput:
    values: dict[str, Any] = {"world": WORLD, "budget": 4000, **more}
    return PromptInput(persona=persona, player=Player("p1"), text=text, **values)


def build(layout: Any, persona: Persona = TOVE, **more: Any) -> Prompt:
    return assemble(ask(persona, **more), layout)


def said(prompt: Prompt) -> str:
    return "\n".join(message.content for message in prompt.messages)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", False),
        ("Too short", False),
        ("It is up to me to be so.", False),
        ("Edmund is it.", False),
        ("Edmund hides here.", True),
        ("It is up to the innkeeper to be there", False),
        ("It is for the innkeeper to ring", True),
        ("王位的继承人睡在马厩上面", True),
    ],
)
def test_only_what_says_something_can_be_recognised(text: str, found: bool) -> None:
    assert bool(runs(text)) is found


def test_five_words_in_a_row_tell_and_four_do_not() -> None:
    hidden = Hidden([("a", SECRET)])
    assert hidden.told_by("So THE HEIR, of the -- old") == "a"
    assert hidden.told_by("the heir of the young old") == ""
    assert hidden.told_by("The heir of the.") == ""
    assert hidden.finding("the heir of the old king") == ("a", "the heir of the old")
    assert hidden.sources == {"a"}


def test_a_short_secret_is_found_whole() -> None:
    hidden = Hidden([("a", "Edmund hides here."), ("b", SECRET)])
    assert hidden.told_by("I think Edmund hides here, friend.") == "a"
    assert hidden.told_by("Edmund hides.") == ""


def test_what_may_be_known_is_no_secret() -> None:
    hidden = Hidden([("a", SECRET)], [SECRET])
    assert not hidden
    assert hidden.finding(SECRET) is None
    assert Hidden([("a", SECRET)], ["The heir of the old king"])


def test_what_is_hidden_depends_on_the_npc() -> None:
    assert hidden_from(ask()).told_by(SECRET) == SOURCE
    assert not hidden_from(ask(replace(TOVE, id="pell")))


@pytest.mark.parametrize("layout", ["standard", "compact"])
@pytest.mark.parametrize("kind", ["say", "event", "advance"])
def test_no_kind_of_turn_tells_a_secret_on_any_way_at_once(layout: Any, kind: Any) -> None:
    """By the scene, the mood, those who are there, an action's choices, the past, the state."""
    inn = Scene(SECRET, happened=[Happening(SECRET)], stages=[Stage("a", SECRET)])
    tove = replace(
        TOVE,
        actions=[
            Action("go", "Goes.", {"to": Parameter(among="places")}),
            Action("say", SECRET, when="places"),
        ],
        relationships={whom: [Relation(SECRET)] for whom in ("player", "pell")},
        fallback=[SECRET],
    )
    history = (
        Node("1", "", "event", "", SECRET, 0.0),
        Node("2", "1", "npc", "pell", SECRET, 0.0),
        Node("3", "2", "npc", "pell", SECRET, 0.0, meta={"heard": ["pell"]}),
    )
    prompt = build(
        layout,
        tove,
        text="" if kind == "advance" else "What of the heir?",
        kind=kind,
        world=replace(WORLD, scenes={"inn": inn}, terms=[SECRET]),
        scene="inn",
        stage="a",
        mood=SECRET,
        state={"places": [SECRET], "rumour": SECRET},
        cast=(tove, Persona("pell", "Pell", "An innkeeper.")),
        history=history,
    )
    assert "stable" not in said(prompt)


@pytest.mark.parametrize("layout", ["standard", "compact"])
@pytest.mark.parametrize("war", [False, True])
def test_a_secret_that_is_public_later_is_a_secret_until_then(layout: Any, war: bool) -> None:
    world = replace(WORLD, lore=[*WORLD.lore, Entry(SECRET, when="war")])
    state = {"war": war, "rumour": SECRET}
    prompt = build(layout, world=world, state=state, text="A rumour of an heir?")
    assert (SECRET in said(prompt)) == war


@pytest.mark.parametrize("layout", ["standard", "compact"])
def test_a_secret_is_hidden_in_the_first_language_too(
    layout: Literal["standard", "compact"],
) -> None:
    """A state, or an example that nobody translated, speaks the language of the first files."""
    asked = ask(replace(TOVE, examples=[Example("Heir?", TOLD), Example("Tin?", "Tin.")]))
    german = replace(asked.world.lore[0], text="Der Erbe schläft über dem Stall im alten Heu.")
    translated = replace(asked.world, lore=[german, *asked.world.lore[1:]])
    told = assemble(replace(asked, world=translated, written=asked.world), layout)
    assert not any(TOLD in message.content for message in told.messages)
    assert hidden_from(replace(asked, world=translated, written=asked.world)).told_by(german.text)


LEAKS = {
    "personality": replace(TOVE, personality=TOLD),
    "speech_style": replace(TOVE, speech_style=TOLD),
    "knowledge[0]": replace(TOVE, knowledge=[Fact(TOLD, keys=["heir"])]),
    "sections[0]": replace(TOVE, sections=[Section(TOLD, when="not war")]),
    "examples[0]": replace(TOVE, examples=[Example("Heir?", TOLD), Example("Tin?", "Tin.")]),
    "lines": replace(TOVE, lines=[Line(TOLD, keys=["heir"])]),
}


@pytest.mark.parametrize("layout", ["standard", "compact"])
@pytest.mark.parametrize("key", LEAKS)
def test_a_persona_that_tells_a_secret_of_another_is_not_asked_to(layout: Any, key: str) -> None:
    prompt = build(layout, LEAKS[key])
    assert "sleeps above" not in said(prompt)
    reasons = {part.why for part in prompt.dropped if part.source == f"personas/tove.toml:{key}"}
    used_by = {"compact": ("personality", "speech_style"), "standard": ("lines",)}
    assert reasons == (set() if key in used_by[layout] else {f"tells {SOURCE}"})


@pytest.mark.parametrize("layout", ["standard", "compact"])
def test_an_example_that_tells_takes_no_other_with_it(layout: Any) -> None:
    assert "Tin?" in said(build(layout, LEAKS["examples[0]"]))


@pytest.mark.parametrize("layout", ["standard", "compact"])
def test_neither_state_nor_scene_nor_history_tell(layout: Any) -> None:
    line = Node("n1", "", "npc", "pell", TOLD, 0.0)
    prompt = build(layout, state={"rumour": TOLD}, scene=TOLD, history=(line,))
    assert "sleeps above" not in said(prompt)
    assert ("history", f"tells {SOURCE}") in {(part.source, part.why) for part in prompt.dropped}


@pytest.mark.parametrize("layout", ["standard", "compact"])
def test_what_an_npc_said_or_heard_or_was_told_by_the_player_stays(layout: Any) -> None:
    for line in (
        Node("n1", "", "npc", "tove", TOLD, 0.0),
        Node("n1", "", "player", "P", TOLD, 0.0),
        Node("n1", "", "npc", "pell", TOLD, 0.0, meta={"heard": ["tove"]}),
    ):
        assert "sleeps above" in said(
            build(layout, history=(Node("n0", "", "player", "P", "Well?", 0.0), line))
        )
    assert "sleeps above" in said(build(layout, text=TOLD))


def test_a_record_of_who_heard_that_is_none_counts_as_nobody() -> None:
    hidden = hidden_from(ask())
    for heard in ("tove", None, [], ["pell"]):
        node = Node("n1", "", "npc", "pell", TOLD, 0.0, meta={"heard": heard})
        assert withheld(node, TOVE, hidden)
    assert not withheld(Node("n1", "", "npc", "pell", "Soup!", 0.0), TOVE, hidden)


@given(before=st.text(max_size=30), after=st.text(max_size=30), start=st.integers(0, 5))
def test_a_run_is_found_in_any_surroundings(before: str, after: str, start: int) -> None:
    words = SECRET.split()[start : start + 5]
    text = f"{before} {' '.join(words)} {after}"
    assert Hidden([("a", SECRET)]).told_by(text) == "a"
