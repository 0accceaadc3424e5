from __future__ import annotations

import pytest
from msgspec import structs

from dialogue_server.domain.guards.settings import Settled, guard_problems, settled
from dialogue_server.domain.persona import Guards, Persona, World

NPC = Persona(id="mira", name="Mira", description="Keeps an inn.")
WORLD = World(name="W", description="A village.")


def of(world: Guards, persona: Guards) -> Settled:
    return settled(structs.replace(WORLD, guards=world), structs.replace(NPC, guards=persona))


def test_without_a_word_no_guard_is_on() -> None:
    found = of(Guards(), Guards())
    assert not found
    assert (found.hold, found.retries, found.report_only) == ("every", 1, False)


def test_the_persona_goes_over_the_world_and_its_lists_are_added() -> None:
    found = of(
        Guards(character=True, forbidden=["a"], topics={"war": ["x"]}, hold="first", retries=2),
        Guards(
            character=False, forbidden=["a", "b"], topics={"war": ["y"], "tax": ["z"]}, retries=0
        ),
    )
    assert not found.character
    assert found.forbidden == ("a", "b")
    assert found.topics == (("war", ("x", "y")), ("tax", ("z",)))
    assert (found.hold, found.retries) == ("first", 0)
    assert found


@pytest.mark.parametrize(
    "guards",
    [
        Guards(character=True),
        Guards(prompt=True),
        Guards(player=True),
        Guards(repeats=True),
        Guards(language=True),
        Guards(forbidden=["a"]),
        Guards(anachronisms=["a"]),
        Guards(topics={"a": ["b"]}),
        Guards(max_sentences=1),
        Guards(max_chars=1),
    ],
)
def test_any_rule_is_something_to_watch_for(guards: Guards) -> None:
    assert of(Guards(), guards)
    assert of(guards, Guards())


@pytest.mark.parametrize(
    ("guards", "place"),
    [
        (Guards(forbidden=["ok", " "]), "guards.forbidden[1]"),
        (Guards(allowed=["*"]), "guards.allowed[0]"),
        (Guards(topics={"war": ["!"]}), "guards.topics.war[0]"),
        (Guards(topics={"war": []}), "guards.topics.war"),
        (Guards(max_sentences=0), "guards.max_sentences"),
        (Guards(max_chars=-1), "guards.max_chars"),
        (Guards(retries=4), "guards.retries"),
    ],
)
def test_what_cannot_be_meant_is_said(guards: Guards, place: str) -> None:
    assert [found for found, _ in guard_problems(guards)] == [place]


def test_ordinary_guards_have_no_problem() -> None:
    assert not list(guard_problems(Guards(forbidden=["dragon*"], max_chars=300, retries=0)))
