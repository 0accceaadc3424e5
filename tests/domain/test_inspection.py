"""What an inspection shows is what a model gets, with the place of every word of it."""

from __future__ import annotations

import pytest
from dialogue_protocol.messages import Player

from dialogue_server.domain.assembly import assemble
from dialogue_server.domain.inspection import Layout, Place, Sources, inspect
from dialogue_server.domain.persona import Fact, Persona, World
from dialogue_server.domain.prompt import Message, PromptInput

MIRA = Persona(
    "mira", "Mira", "Keeps the inn.", knowledge=[Fact("The mine is wet."), Fact("No.", when="x")]
)
GIVEN = PromptInput(World("W", "A world."), MIRA, Player("p", "Ann"), "The mine?", 2000)


@pytest.mark.parametrize("layout", ["standard", "compact"])
def test_it_is_the_prompt_of_the_layout_with_all_its_parts(layout: Layout) -> None:
    prompt, seen = assemble(GIVEN, layout), inspect(GIVEN, layout)
    assert (seen.messages, seen.parts, seen.dropped, seen.tokens) == (
        prompt.messages,
        prompt.parts,
        prompt.dropped,
        prompt.tokens,
    )
    assert (seen.npc, seen.layout, seen.budget) == ("mira", layout, 2000)


def test_the_messages_are_folded_as_the_model_gets_them() -> None:
    def fold(messages: tuple[Message, ...]) -> tuple[Message, ...]:
        return (Message("system", " / ".join(message.role for message in messages)),)

    assert inspect(GIVEN, "standard", fold).messages == (
        Message("system", "system / user_system / user"),
    )


def test_a_source_is_found_in_its_file_or_named_as_it_is() -> None:
    sources = Sources({"personas/mira.toml": 'id = "mira"\n\n[[knowledge]]\ntext = "Wet."\n'})
    source = "personas/mira.toml:knowledge[0]"
    assert sources.place(source) == Place("personas/mira.toml", 3, "knowledge[0]")
    assert str(sources.place(source)) == "personas/mira.toml:3 knowledge[0]"
    assert str(sources.place("world.toml:lore[0]")) == "world.toml lore[0]"
    assert str(sources.place("rules")) == "rules"
    assert sources.line("personas/mira.toml", "id") == 1
    assert sources.line("nowhere.toml", "id") == 0
