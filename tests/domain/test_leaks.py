"""Whether a gate that leaks is caught, and a tight one is not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dialogue_server.domain import leaks
from dialogue_server.domain.leaks import LeakReport, check_leaks
from dialogue_server.domain.persona import (
    Action,
    Entry,
    Example,
    Fact,
    KnownBy,
    Line,
    LoreBook,
    Persona,
    Section,
    World,
)
from dialogue_server.domain.staging import Happening, Relation, Scene, Stage, Suggestion

SECRET = "The heir of the old king sleeps above the stable."
TOLD = "Well, the heir of the old king, they say, is near."
LIT = "The lamp burns over the causeway again tonight."
WORLD = World(
    "W",
    "A world by the sea.",
    lore=[Entry(LIT, when="lamp == 'lit'"), Entry("Everyone here eats eel.")],
    books={"inn": LoreBook([Entry(SECRET, keys=["heir"])], known_by=KnownBy(["pell"]))},
    scenes={"inn": Scene("The common room.")},
    state={"lamp": "dark"},
)
PELL = Persona("pell", "Pell", "An innkeeper.", greeting="Come in.", fallback=["Hm."])
TOVE = Persona(
    "tove",
    "Tove",
    "A smith.",
    knowledge=[Fact("The new glass is packed in yellow straw.", when="lamp == 'dark'")],
    sections=[Section("She is glad that the lamp burns.", when="lamp == 'lit'")],
    fillers=["Hm …"],
    actions=[Action("point", "Points.", when="lamp == 'lit'")],
)
INN = "lore/inn.toml:entries[0]"


def check(tove: Persona = TOVE, world: World = WORLD) -> LeakReport:
    return check_leaks(world, {"pell": PELL, "tove": tove})


def found(report: LeakReport) -> set[tuple[str, str, str, str]]:
    return {(leak.npc, leak.secret, leak.where, leak.how) for leak in report.leaks}


def test_a_tight_world_has_no_leak_and_the_report_says_what_was_tried() -> None:
    report = check()
    assert report.leaks == report.unproven == ()
    assert (report.gates, report.states, report.complete) == (4, 5, True)
    assert report.prompts > 50


@pytest.mark.parametrize(
    ("key", "tove", "how"),
    [
        ("description", replace(TOVE, description=TOLD), "standard"),
        ("essence", replace(TOVE, essence=TOLD), "compact"),
        ("greeting", replace(TOVE, greeting=f"[pause: 9] {TOLD}"), "spoken"),
        ("fallback[1]", replace(TOVE, fallback=["Hm.", TOLD]), "spoken"),
        ("fillers[0]", replace(TOVE, fillers=[TOLD]), "spoken"),
        ("lines[0]", replace(TOVE, lines=[Line(TOLD, ["heir"])]), "spoken"),
        ("examples[0]", replace(TOVE, examples=[Example("Heir?", TOLD)]), "left out"),
        ("knowledge[0]", replace(TOVE, knowledge=[Fact(TOLD)]), "left out"),
        ("sections[0]", replace(TOVE, sections=[Section(TOLD, "lamp == 'lit'")]), "left out"),
    ],
)
def test_a_persona_that_tells_what_it_may_not_know_is_caught(
    key: str, tove: Persona, how: str
) -> None:
    report = check(tove)
    assert ("tove", INN, f"personas/tove.toml:{key}", how) in found(report)
    assert {leak.secret for leak in report.leaks} == {INN}
    assert report.leaks[0].words == "the heir of the old"


@pytest.mark.parametrize(
    ("world", "where"),
    [
        (replace(WORLD, description=TOLD), "world.toml:description"),
        (replace(WORLD, scenes={"inn": Scene(TOLD)}), "world.toml:scenes.inn.description"),
        (replace(WORLD, essence=TOLD), "world.toml:essence"),
    ],
)
def test_a_world_that_tells_a_secret_is_caught(world: World, where: str) -> None:
    told = found(check(world=world))
    assert {(npc, secret, place) for npc, secret, place, _ in told} == {("tove", INN, where)}


@pytest.mark.parametrize(
    ("tove", "where", "how"),
    [
        (replace(TOVE, fallback=[f"I say: {LIT}"]), "fallback[0]", "spoken"),
        (replace(TOVE, personality=f"Says: {LIT}"), "personality", "standard"),
        (replace(TOVE, examples=[Example("Lamp?", LIT)]), "examples[0]", "standard"),
        (replace(TOVE, lines=[Line(LIT, ["lamp"])]), "lines[0]", "spoken"),
    ],
)
def test_a_persona_that_tells_what_is_not_so_now_is_caught_with_the_state(
    tove: Persona, where: str, how: str
) -> None:
    report = check(tove)
    expected = ("tove", "world.toml:lore[0]", f"personas/tove.toml:{where}", how)
    assert expected in found(report)
    assert report.leaks[0].state == ('lamp = "dark"',)


def test_what_stands_under_a_condition_of_its_own_that_holds_is_no_leak() -> None:
    lines = [Line(LIT, ["lamp"], when="lamp != 'dark'")]
    knowledge = [Fact(LIT, when="lamp != 'lit'")]
    assert check(replace(TOVE, lines=lines, knowledge=knowledge)).leaks == ()


def test_a_condition_opens_no_door_to_what_others_keep() -> None:
    lines = [Line(TOLD, ["heir"], when="lamp == 'lit'")]
    assert check(replace(TOVE, lines=lines)).leaks[0].secret == INN


def test_a_gate_that_opens_in_the_wrong_layout_would_be_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The check finds what an assembly that ignores the gates lets through."""
    assemble = leaks.assemble

    def careless(given, layout):  # type: ignore[no-untyped-def]
        books = {"inn": replace(WORLD.books["inn"], known_by=None)}
        return assemble(replace(given, world=replace(WORLD, books=books)), layout)

    monkeypatch.setattr(leaks, "assemble", careless)
    told = found(check())
    assert ("tove", INN, INN, "standard") in told
    assert {npc for npc, *_ in told} == {"tove"}


def test_text_outside_the_parts_is_searched_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assemble = leaks.assemble

    def careless(given, layout):  # type: ignore[no-untyped-def]
        return replace(assemble(given, layout), parts=())

    monkeypatch.setattr(leaks, "assemble", careless)
    assert ("tove", INN, "messages[0]", "standard") in found(check(replace(TOVE, description=TOLD)))


def test_texts_too_short_to_be_recognised_are_named() -> None:
    lore = [Entry("Edmund.", known_by=KnownBy(["pell"]))]
    report = check(world=replace(WORLD, lore=lore))
    assert report.unproven == ("world.toml:lore[0]",)


def test_a_key_that_is_the_secret_itself_proves_nothing() -> None:
    entry = Entry(SECRET, keys=["the heir of the old king", "heir"], known_by=KnownBy(["pell"]))
    assert check(world=replace(WORLD, lore=[entry])).leaks == ()


def test_a_world_without_gates_needs_no_prompt() -> None:
    report = check_leaks(World("W", "A world."), {"pell": PELL})
    assert (report.gates, report.prompts, report.leaks) == (0, 0, ())


@pytest.mark.parametrize(
    ("key", "tove", "how"),
    [
        ("suggestions[0]", replace(TOVE, suggestions=[Suggestion(TOLD)]), "suggested"),
        ("mood_texts.calm", replace(TOVE, mood_texts={"calm": TOLD}), "standard"),
        (
            "relationships.pell[0]",
            replace(TOVE, relationships={"pell": [Relation(TOLD, "lamp == 'lit'")]}),
            "left out",
        ),
    ],
)
def test_moods_relations_and_suggestions_are_searched_too(
    key: str, tove: Persona, how: str
) -> None:
    assert ("tove", INN, f"personas/tove.toml:{key}", how) in found(check(tove))


def test_a_suggestion_under_a_condition_of_its_own_that_holds_is_no_leak() -> None:
    suggestions = [Suggestion(LIT, when="lamp == 'lit'")]
    assert check(replace(TOVE, suggestions=suggestions)).leaks == ()


def test_every_stage_of_a_scene_is_tried() -> None:
    stages = [Stage("calm"), Stage("late", text=TOLD)]
    world = replace(WORLD, scenes={"inn": Scene("Low.", stages=stages)})
    assert ("tove", INN, "world.toml:scenes.inn.stages[1]", "left out") in found(check(world=world))


def test_relations_and_happenings_under_a_condition_are_gates() -> None:
    happened = [
        Happening("The old ferry sank with all its cattle.", "lamp == 'lit'"),
        Happening("It rained."),
    ]
    world = replace(WORLD, scenes={"inn": Scene("Low.", happened=happened)})
    thought = Relation("Pell has never paid for the copper kettle.", "lamp == 'lit'")
    lines = [
        Line("The old ferry sank with all its cattle, friend.", ["ferry"]),
        Line("Pell has never paid for the copper kettle!", ["kettle"]),
    ]
    tove = replace(TOVE, relationships={"pell": [thought, Relation("A friend.")]}, lines=lines)
    report = check(tove, world)
    spoken = [leak for leak in report.leaks if leak.how == "spoken"]
    assert {(leak.secret, leak.where, leak.state) for leak in spoken} == {
        (
            "world.toml:scenes.inn.happened[0]",
            "personas/tove.toml:lines[0]",
            ('lamp = "dark"',),
        ),
        (
            "personas/tove.toml:relationships.pell[0]",
            "personas/tove.toml:lines[1]",
            ('lamp = "dark"',),
        ),
    }


def test_translations_are_tried_with_the_gates_in_their_language() -> None:
    secret = "Der Erbe des alten Königs schläft über dem Stall."
    book = WORLD.books["inn"]
    german = replace(book, entries=[Entry(secret, keys=["Erbe"])])
    world = replace(WORLD, books={"inn": replace(book, translations={"de": german})})
    tove = replace(TOVE, translations={"de": replace(TOVE, fallback=[f"Man sagt: {secret}"])})
    report = check(tove, world)
    assert ("tove", INN, "personas/tove.toml:fallback[0]", "spoken") in found(report)
    assert {leak.locale for leak in report.leaks} == {"de"}
    assert report.gates == check().gates


def test_a_secret_is_kept_in_its_first_language_where_only_the_lore_is_translated() -> None:
    german = replace(WORLD.books["inn"], entries=[Entry("Der Erbe schläft über dem Stall im Heu.")])
    world = replace(WORLD, books={"inn": replace(WORLD.books["inn"], translations={"de": german})})
    tove = replace(TOVE, examples=[Example("Heir?", TOLD), Example("Tin?", "Tin.")])
    report = check(tove, world)
    refused = ("tove", INN, "personas/tove.toml:examples[0]", "left out")
    assert found(report) == {refused}
    here = check_leaks(world, {"tove": replace(tove, examples=[]), "pell": PELL})
    assert here.leaks == ()
    assert here.prompts > check().prompts
