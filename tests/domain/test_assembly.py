from __future__ import annotations

from dialogue_protocol.messages import Player

from dialogue_server.domain import compact_layout, standard_layout
from dialogue_server.domain.assembly import assemble
from dialogue_server.domain.persona import Entry, Persona, World
from dialogue_server.domain.prompt import PromptInput

GIVEN = PromptInput(
    world=World("Ashford", "A village.", lore=[Entry("The mine is flooded.", keys=["mine"])]),
    persona=Persona(id="mira", name="Mira", description="The smith."),
    player=Player("p1"),
    text="Is the mine open?",
    budget=1000,
)


def test_each_layout_builds_its_own_prompt() -> None:
    assert assemble(GIVEN, "standard") == standard_layout.build(GIVEN)
    assert assemble(GIVEN, "compact") == compact_layout.build(GIVEN)


def test_assembly_is_pure() -> None:
    assert assemble(GIVEN, "standard") == assemble(GIVEN, "standard")


def test_the_compact_layout_is_the_shorter() -> None:
    assert assemble(GIVEN, "compact").tokens < assemble(GIVEN, "standard").tokens
