"""Single lines of a prompt."""

from __future__ import annotations

from typing import Any

import pytest
from dialogue_protocol.messages import Player

from dialogue_server.domain import prompt_lines
from dialogue_server.domain.conversation import Node
from dialogue_server.domain.persona import Action, Parameter, Persona, World
from dialogue_server.domain.prompt import PromptInput

MIRA = Persona("mira", "Mira", "A smith.")
BORIN = Persona("borin", "Borin", "A smith.")
TELLER = Persona("teller", "The Night", "Tells.", narrator=True)


def given(*cast: Persona, **more: Any) -> PromptInput:
    persona = more.pop("persona", MIRA)
    text = more.pop("text", "Well?")
    return PromptInput(World("", ""), persona, Player("a", "Ann"), text, 100, cast=cast, **more)


@pytest.mark.parametrize(
    ("persona", "cast", "kind", "told"),
    [
        (MIRA, (MIRA,), "say", ("player", "Borin, hm")),
        (
            MIRA,
            (MIRA,),
            "event",
            ("event", "[This happens: Borin, hm]\n[Mira says something about it]"),
        ),
        (
            TELLER,
            (MIRA, TELLER),
            "event",
            ("event", "[This happens: Borin, hm]\n[Tell what comes of it]"),
        ),
        (MIRA, (MIRA, BORIN), "advance", ("advance", "[Mira goes on, and speaks to the others]")),
        (MIRA, (MIRA, TELLER), "advance", ("advance", "[Mira goes on, and says something more]")),
        (TELLER, (MIRA, TELLER), "advance", ("advance", "[Tell what happens now]")),
    ],
)
def test_what_an_npc_speaks_to_is_told_by_its_kind(
    persona: Persona, cast: tuple[Persona, ...], kind: Any, told: tuple[str, str]
) -> None:
    what = given(*cast, persona=persona, kind=kind, text="Borin: hm")
    assert prompt_lines.asked(what, ("Borin",)) == told


def test_each_line_has_its_speaker_and_an_interrupted_one_breaks_off() -> None:
    names = prompt_lines.names(given(MIRA, BORIN))
    assert names == ("Mira", "Ann", "Borin")

    def said(kind: Any, speaker: str, reason: str = "", *cast: Persona) -> tuple[str, str]:
        node = Node("1", "", kind, speaker, "Ann: well …", 0.0, reason=reason)
        return prompt_lines.said(given(*cast), node, names)

    assert said("player", "Ann") == ("user", "Ann, well …")
    assert said("player", "Ann", "", MIRA, BORIN) == ("user", "[Ann says]\nAnn, well …")
    assert said("event", "") == ("user", "[This happens: Ann, well …]")
    assert said("npc", "mira", "interrupted") == ("assistant", "Ann: well—")
    assert said("npc", "borin", "", MIRA, BORIN) == ("user", "[Borin says]\nAnn, well …")
    assert said("npc", "]") == ("user", "[Someone says]\nAnn, well …")


def test_an_action_is_shown_by_its_tag() -> None:
    item = Parameter(description="What.", values=["key", "cup"])
    count = Parameter("integer", required=False)
    action = Action("give", "Gives.", {"item": item, "count": count})
    assert prompt_lines.how_to(action, {}) == (
        "To do something, write its tag where it happens: "
        '[action: give item="key|cup" count=integer] Gives. (item: What.; count may be left out)'
    )
    assert prompt_lines.how_to(Action("nod", "Nods."), {}).endswith("[action: nod] Nods.")


def test_an_action_is_offered_with_what_there_is_now() -> None:
    action = Action("give", "Gives.", {"to": Parameter(among="room.people")})
    state = {"room": {"people": ["Ann", "[Bob]"]}}
    assert '[action: give to="Ann|(Bob)"]' in prompt_lines.how_to(action, state)
    assert prompt_lines.how_to(action, {"room": {"people": []}}) == ""
    assert prompt_lines.changes(action)
    assert prompt_lines.changes(Action("nod", "Nods.", when="day"))
    assert not prompt_lines.changes(Action("nod", "Nods."))
    optional = Action("give", "Gives.", {"to": Parameter(among="room.people", required=False)})
    assert '[action: give to="string"]' in prompt_lines.how_to(optional, {})
