from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.cards.macros import MAX_ROUNDS, SPOKEN, Macros


def expand(text: str, char: str = "Mira") -> str:
    return Macros(char).expand(text, "description")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{char}} and {{CHAR}} and <BOT> and <char> and {{ Bot }}", "Mira and Mira and Mira and Mira and Mira"),
        ("She met {{user}} and <USER>.", "She met the player and the player."),
        ("{{user}} came. {{user}}'s hat.\n{{user}}!", "The player came. The player's hat.\nThe player!"),
        ('"{{user}}," she said', '"The player," she said'),
        ("a {{// a note}}b{{comment: c}}{{//}}", "a b"),
        ("{{original}}x{{trim}}{{noop}}{{newline}}y", "x\ny"),
        ("{{reverse:ábc}}", "cbá"),
        ("{{reverse::abc}}", "cba"),
        ("{{hidden_key:dragon}}x", "x"),
        ("{{random:{{char}}}}", "Mira"),
        ("{{pick:a\\,b}}", "a,b"),
        ("{{roll:1}} {{roll:d1}} {{roll: D1}}", "1 1 1"),
        ("{{roll:0}}{{roll:x}}{{getvar::x}}{{time}}", ""),
        ("{{ not a macro }} {{}} {{1}} {x} {{a b}}", "{{ not a macro }} {{}} {{1}} {x} {{a b}}"),
        ("{% for x in y %}{{ 7 * 7 }}", "{% for x in y %}{{ 7 * 7 }}"),
        ("{{char", "{{char"),
    ],
)  # fmt: skip
def test_macros_are_replaced(text: str, expected: str) -> None:
    assert expand(text) == expected


def test_what_the_npc_says_names_the_player_otherwise() -> None:
    assert Macros("Mira").expand("{{user}}!", "first_mes", SPOKEN) == "traveller!"


@pytest.mark.parametrize(
    "text",
    ["{{random:red,blue,green}}", "{{random::red::blue::green}}", "{{pick::red,blue,green}}"],
)
def test_a_choice_is_one_of_the_options_and_stays_the_same(text: str) -> None:
    assert expand(text) in ("red", "blue", "green")
    assert expand(text) == expand(text)


def test_choices_differ_from_place_to_place() -> None:
    found = expand(" ".join(["{{random:0,1,2,3,4,5,6,7,8,9}}"] * 40)).split()
    assert len(set(found)) > 4


def test_dice_stay_within_their_sides() -> None:
    found = expand(" ".join(["{{roll:6}}"] * 60)).split()
    assert set(found) == {"1", "2", "3", "4", "5", "6"}


def test_a_name_cannot_bring_macros_in() -> None:
    assert expand("{{char}}", char="{{user}}") == "user"


def test_nesting_is_bounded() -> None:
    text = "{{reverse:" * 40 + "x" + "}}" * 40
    assert expand(text) == "{{reverse:" * (40 - MAX_ROUNDS) + "x" + "}}" * (40 - MAX_ROUNDS)


def test_what_was_replaced_is_told_once_with_its_places() -> None:
    macros = Macros("Mira")
    for place in ("scenario", "description"):
        macros.expand("{{user}} {{random:a,b}} {{hidden_key:k}} {{time}}", place)
    player, chosen, hidden, unknown = macros.remarks()
    assert '"the player", and "traveller"' in player
    assert "(description, scenario)" in player
    assert "decided once and for all" in chosen
    assert "{{hidden_key}} was taken out" in hidden
    assert unknown == "macros that are not known here were taken out: {{time}} (scenario)"


def test_many_unknown_macros_are_told_in_short() -> None:
    macros = Macros("Mira")
    macros.expand("".join(f"{{{{m{number}}}}}" for number in range(12)), "lore")
    assert macros.remarks()[0].endswith("{{m7}} and 4 more (lore)")


def test_nothing_is_told_of_plain_text() -> None:
    macros = Macros("Mira")
    assert macros.expand("{{char}} waits.", "description") == "Mira waits."
    assert macros.remarks() == []


@given(st.text(alphabet="{}:,\\/ acharuse\n<>randompick0"))
def test_any_text_is_expanded_and_what_is_left_stays_so(text: str) -> None:
    once = expand(text)
    assert once == expand(text)
    assert "{{char}}" not in once
