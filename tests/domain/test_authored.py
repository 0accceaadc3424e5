"""A designer's own lines as answers."""

from __future__ import annotations

from dialogue_server.domain import authored
from dialogue_server.domain.persona import Line, Persona

DARK = Line("It is dark. [action: point_at place=mill]", ["lamp"], "lamp == 'dark'", "cross")
LIT = Line("It burns!", ["lamp"], "lamp == 'lit'")
OTHER = Line("Lamps again?", ["lamp", "oil"])
PERSONA = Persona("mira", "Mira", "A smith.", lines=[DARK, LIT, OTHER], fallback=["Hm.", "What?"])
SILENT = Persona("tom", "Tom", "He does not talk.")


def test_the_line_whose_keys_fit_and_whose_condition_holds_is_chosen() -> None:
    assert authored.choose(PERSONA, {"lamp": "dark"}, "What of the lamp?") == DARK
    assert authored.choose(PERSONA, {"lamp": "lit"}, "What of the lamp?") == LIT
    assert authored.choose(PERSONA, {}, "What of the lamp?") == OTHER


def test_nothing_is_chosen_where_no_key_fits() -> None:
    assert authored.choose(PERSONA, {"lamp": "dark"}, "Is it dark?") is None
    assert authored.choose(SILENT, {}, "Hello?") is None


def test_what_was_just_said_is_not_said_again() -> None:
    said = ["It is dark."]
    assert authored.choose(PERSONA, {"lamp": "dark"}, "The lamp?", said=said) == OTHER


def test_a_line_goes_out_with_its_mood_before_it() -> None:
    expected = "[mood: cross] It is dark. [action: point_at place=mill]"
    assert authored.authored_text(PERSONA, {"lamp": "dark"}, "The lamp?") == expected
    assert authored.authored_text(PERSONA, {"lamp": "lit"}, "The lamp?") == "It burns!"


def test_a_fallback_line_is_said_where_no_line_fits_the_same_for_the_same_text() -> None:
    first = authored.authored_text(PERSONA, {}, "Do you dream?")
    assert first in PERSONA.fallback
    assert first == authored.authored_text(PERSONA, {}, "Do you dream?")
    assert authored.authored_text(PERSONA, {}, "Do you dream?", said=[first]) != first


def test_fallback_lines_go_round_and_pass_over_what_was_said() -> None:
    assert [authored.fallback(PERSONA, n) for n in range(3)] == ["Hm.", "What?", "Hm."]
    assert authored.fallback(PERSONA, 0, said=["Hm."]) == "What?"
    assert authored.fallback(PERSONA, 1, said=["Hm.", "What?"]) == "What?"


def test_a_persona_without_lines_stays_silent() -> None:
    assert authored.authored_text(SILENT, {}, "Hello?") == ""


def test_a_player_reads_no_tags() -> None:
    assert authored.plain("[mood: sad] Well. [pause: 300] Go. [action: nod]") == "Well. Go."
