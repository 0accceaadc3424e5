from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.persona import Action as ActionSpec
from dialogue_server.domain.persona import Parameter, Persona
from dialogue_server.domain.tags import (
    MAX_PAUSE_MS,
    MAX_TAG,
    Action,
    Mood,
    Pause,
    Piece,
    Rejected,
    TagParser,
    Text,
)

MIRA = Persona(
    id="mira",
    name="Mira",
    description="A smith.",
    moods=["calm", "Very Angry", "glad"],
    actions=[
        ActionSpec(
            name="give_item",
            description="Hands something over.",
            parameters={
                "item": Parameter(),
                "count": Parameter(type="integer", required=False),
                "price": Parameter(type="number", required=False),
                "free": Parameter(type="boolean", required=False),
                "side": Parameter(values=["left", "Right"], required=False),
                "size": Parameter(type="integer", values=[1, 2], required=False),
            },
        ),
        ActionSpec(name="leave", description="Walks off."),
    ],
)
BARE = Persona(id="bo", name="Bo", description="A boy.")


def run(chunks: list[str], persona: Persona = MIRA) -> tuple[str, list[Piece]]:
    parser = TagParser(persona)
    pieces = [piece for chunk in chunks for piece in parser.feed(chunk)] + parser.flush()
    text = "".join(piece.text for piece in pieces if isinstance(piece, Text))
    assert len(text) == parser.length
    return text, [piece for piece in pieces if not isinstance(piece, Text)]


@pytest.mark.parametrize(
    ("text", "shown", "cues"),
    [
        ("Hello.", "Hello.", []),
        ("Hello [mood: glad] there", "Hello there", [Mood(5, "glad")]),
        ("Hello[mood: glad] there", "Hello there", [Mood(5, "glad")]),
        ("Hello [mood: glad]there", "Hello there", [Mood(5, "glad")]),
        ("Hello[mood: glad]there", "Hellothere", [Mood(5, "glad")]),
        ("  [mood: glad] Hello ", "Hello", [Mood(0, "glad")]),
        ("Hello [mood: glad].", "Hello.", [Mood(5, "glad")]),
        ("Hello [mood: glad] [pause: 5] you", "Hello you", [Mood(5, "glad"), Pause(5, 5)]),
        ("A [mood: glad]\n\nB", "A\n\nB", [Mood(1, "glad")]),
        ("A\n[mood: glad] B", "A\nB", [Mood(1, "glad")]),
        ("A [mood: glad] \n[pause: 5] B", "A \nB", [Mood(1, "glad"), Pause(1, 5)]),
        ("é😀[mood: glad]x", "é😀x", [Mood(2, "glad")]),
        ("[ MOOD :glad ]x", "x", [Mood(0, "glad")]),
        ("[mood=very angry]x", "x", [Mood(0, "Very Angry")]),
        ('[mood: "glad"]x', "x", [Mood(0, "glad")]),
        ("[mood: glad 80]x", "x", [Mood(0, "glad", 80)]),
        ("[mood: very angry, 150%]x", "x", [Mood(0, "Very Angry", 100)]),
        ('[mood: "glad" intensity="5"]x', "x", [Mood(0, "glad", 5)]),
        ("[mood:\nglad]x", "x", [Mood(0, "glad")]),
        ("[pause: 500]x", "x", [Pause(0, 500)]),
        ("[pause: 250 ms]x", "x", [Pause(0, 250)]),
        ("[pause: 1.5s]x", "x", [Pause(0, 1500)]),
        ("[pause: 0]x", "x", []),
        ("[pause: 999999999]x", "x", [Pause(0, MAX_PAUSE_MS)]),
        ("[action: leave]x", "x", [Action(0, "leave", {})]),
        ("[action: LEAVE,]x", "x", [Action(0, "leave", {})]),
        (
            'a [action: give_item item="old ] \\"key\\"" count=2, PRICE: 1.5 free=Yes]',
            "a",
            [
                Action(
                    1,
                    "give_item",
                    {"item": 'old ] "key"', "count": 2, "price": 1.5, "free": True},
                )
            ],
        ),
        (
            "[action: give_item item='old key' side=RIGHT size=2 free=0]",
            "",
            [
                Action(
                    0, "give_item", {"item": "old key", "side": "Right", "size": 2, "free": False}
                )
            ],
        ),
        # Ordinary text
        ("[sighs] Well", "[sighs] Well", []),
        ("[moody: x] a", "[moody: x] a", []),
        ("[mood glad] a", "[mood glad] a", []),
        ("a[0] [", "a[0] [", []),
        ("a [  ", "a [", []),
        ("[[mood: glad]]", "[]", [Mood(1, "glad")]),
        # Half typed at the end
        ("Hello [mood: an", "Hello", []),
        ("Hello [mo", "Hello", []),
        ("Hello [Mood ", "Hello", []),
        ('Hello [action: give_item item="a', "Hello", []),
        # A quotation mark that is never closed
        ('[mood: "glad] Hello', "Hello", [Mood(0, "glad")]),
        ('[mood: "glad] Hello [mood: ca', "Hello", [Mood(0, "glad")]),
    ],
)
def test_tags_become_cues_and_the_rest_is_text(text: str, shown: str, cues: list[Piece]) -> None:
    assert run([text]) == (shown, cues)
    assert run(list(text)) == (shown, cues)


@pytest.mark.parametrize(
    ("tag", "kind", "name", "problem"),
    [
        ("[mood: sad]", "mood", "sad", "not one of the moods (calm, very angry, glad)"),
        ("[pause: long]", "pause", "long", "not a number of milliseconds, such as 500"),
        ("[pause: -5]", "pause", "-5", "not a number of milliseconds, such as 500"),
        ("[action: ]", "action", "", "has no name"),
        ("[action: fly]", "action", "fly", "not one of the actions (give_item, leave)"),
        ("[action: give_item]", "action", "give_item", "parameter item is missing"),
        ("[action: leave item=x]", "action", "leave", "unknown parameter item: the persona has none"),
        ('[action: leave "x"]', "action", "leave", 'not of the form key="value": "x"'),
        ("[action: give_item count=two]", "action", "give_item", "parameter count: two is not a whole number"),
        ("[action: give_item count=9999999999999999999]", "action", "give_item", "parameter count: 9999999999999999999 is not a whole number"),
        ("[action: give_item price=x]", "action", "give_item", "parameter price: x is not a number"),
        ("[action: give_item price=nan]", "action", "give_item", "parameter price: nan is not a finite number"),
        ("[action: give_item free=maybe]", "action", "give_item", "parameter free: maybe is neither true nor false"),
        ("[action: give_item side=up]", "action", "give_item", "parameter side: up is not one of left, Right"),
        ("[action: give_item size=3]", "action", "give_item", "parameter size: 3 is not one of 1, 2"),
    ],
)  # fmt: skip
def test_a_tag_that_does_not_fit_the_persona_is_rejected_with_a_reason(
    tag: str, kind: str, name: str, problem: str
) -> None:
    assert run([f"Well {tag} then."]) == ("Well then.", [Rejected(kind, name, problem)])


def test_a_persona_without_moods_has_none_to_show() -> None:
    expected = [Rejected("mood", "glad", "not one of the moods: the persona has none")]
    assert run(["[mood: glad] Hi"], BARE) == ("Hi", expected)


def test_an_action_whose_condition_fails_is_rejected() -> None:
    action = ActionSpec(name="leave", description="", when="door.open")
    persona = Persona(id="a", name="A", description="", actions=[action])
    parser = TagParser(persona, lambda _: False)
    assert parser.feed("[action: leave]") == [
        Rejected("action", "leave", "not available now (door.open)")
    ]


@pytest.mark.parametrize("tag", ["[mood: glad", '[mood: "glad', '[mood: "'])
def test_a_tag_that_is_not_closed_within_the_limit_is_text(tag: str) -> None:
    text = f"{tag}{'x' * MAX_TAG}] and on"
    shown, cues = run([text])
    assert (shown, cues) == (text, [])
    assert run(list(text)) == (shown, cues)


def test_an_unclosed_quotation_mark_gives_way_at_the_limit() -> None:
    text = f'[mood: "glad] {"x" * MAX_TAG}'
    assert run([text]) == ("x" * MAX_TAG, [Mood(0, "glad")])
    assert run(list(text)) == run([text])


def test_text_that_cannot_become_a_tag_is_not_held_back() -> None:
    parser = TagParser(MIRA)
    assert parser.feed("Hm [s") == [Text("Hm"), Text(" ["), Text("s")]
    assert parser.idle


def test_idle_tells_when_text_passes_unchanged() -> None:
    parser = TagParser(MIRA)
    assert not parser.idle  # leading white space would go
    parser.feed("a")
    assert parser.idle
    parser.feed(" ")
    assert not parser.idle
    parser.feed("b[mood: glad]")
    assert not parser.idle
    parser.feed(" ")
    assert not parser.idle
    parser.feed("c[")
    assert not parser.idle


_PARTS = ["[mood: glad]", "[pause: 5]", "[", "]", " ", "\n", "a", "😀", ".", '"', "[mood:", "[act"]
_PARTS += ["[action: leave]", "[mood: sad]", "x" * 60]


@given(st.lists(st.sampled_from(_PARTS), max_size=12).map("".join), st.data())
def test_any_split_gives_the_same_text_and_cues(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edges = [0, *cuts, len(text)]
    chunks = [text[a:b] for a, b in itertools.pairwise(edges)]
    assert run(chunks) == run([text])


def test_an_action_is_only_done_with_what_is_there() -> None:
    persona = Persona(
        "m",
        "M",
        "A guard.",
        actions=[
            ActionSpec("give", "Gives.", {"to": Parameter(among="people")}),
            ActionSpec("open", "Opens.", {"door": Parameter("integer", among="doors")}),
        ],
    )
    there = {"people": ["Ann"], "doors": ["3"]}

    def read(text: str) -> list[Piece]:
        parser = TagParser(persona, there_is=lambda path: there.get(path, []))
        return [*parser.feed(text), *parser.flush()]

    assert read("[action: give to=ann]") == [Action(0, "give", {"to": "Ann"})]
    assert read("[action: open door=3]") == [Action(0, "open", {"door": 3})]
    [rejected] = read("[action: give to=Zoe]")
    assert isinstance(rejected, Rejected)
    assert rejected.problem == "parameter to: Zoe is not there now; people has Ann"
    there["people"] = []
    [rejected] = read("[action: give to=Ann]")
    assert isinstance(rejected, Rejected)
    assert rejected.problem.endswith("people has nothing")
    parser = TagParser(persona)  # no state to ask
    assert parser.feed("[action: give to=Zoe]") == [Action(0, "give", {"to": "Zoe"})]
