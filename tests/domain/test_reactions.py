"""Who speaks up at an event, and how the result of an action is told."""

from __future__ import annotations

from dialogue_server.domain.persona import Action, Persona, Reaction
from dialogue_server.domain.reactions import awaits, result_text, who_reacts

MIRA = Persona(
    "mira",
    "Mira",
    "Keeps the tavern.",
    reacts=[
        Reaction(name="bell"),
        Reaction(keys=["thunder"], when="quest.mine == 'flooded'"),
        Reaction(name="fire", keys=["smoke"]),
    ],
    actions=[Action("pour", "Pours.", awaits=True), Action("nod", "Nods.")],
)
BORIN = Persona("borin", "Borin", "A smith.", reacts=[Reaction(name="bell")], talkativeness=0.9)
CAST = [MIRA, BORIN]
FLOODED = {"quest": {"mine": "flooded"}}


def reacts(name: str, text: str, state: dict[str, object] | None = None) -> str:
    found = who_reacts(CAST, name, text, state or {})
    return found.id if found else ""


def test_the_most_talkative_of_those_with_a_rule_reacts() -> None:
    assert reacts("bell", "Three strokes.") == "borin"


def test_all_that_a_rule_says_must_fit() -> None:
    assert reacts("", "Thunder rolls.", FLOODED) == "mira"
    assert reacts("", "Thunder rolls.") == ""
    assert reacts("fire", "Smoke rises.") == "mira"
    assert reacts("fire", "It is warm.") == ""


def test_else_whom_the_text_names() -> None:
    assert reacts("", "Somebody calls for Borin.") == "borin"
    assert reacts("", "A leaf falls.") == ""


def test_a_result_is_told_in_a_line() -> None:
    told = result_text("Mira", "pour", {"drink": "ale", "cups": 2}, accepted=True, text=" Warm. ")
    assert told == "Mira tries to pour (drink: ale, cups: 2): done. Warm."
    refused = result_text("Mira", "nod", {}, accepted=False, text="")
    assert refused == "Mira tries to nod: it does not happen."


def test_only_an_action_that_says_so_waits_for_its_result() -> None:
    assert awaits(MIRA, "pour")
    assert not awaits(MIRA, "nod")
    assert not awaits(MIRA, "fly")
