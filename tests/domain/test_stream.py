from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogue_server.domain.graphemes import clusters
from dialogue_server.domain.persona import Action as ActionSpec
from dialogue_server.domain.persona import Parameter, Persona
from dialogue_server.domain.stream import (
    CONTROL_TOKENS,
    Action,
    Mood,
    Pause,
    Piece,
    Rejected,
    Text,
    TextStream,
)

MIRA = Persona(
    id="mira",
    name="Mira",
    description="A smith.",
    moods=["calm", "angry"],
    actions=[
        ActionSpec(
            name="give_item",
            description="Hands something over.",
            parameters={"item": Parameter(), "count": Parameter(type="integer", required=False)},
        ),
        ActionSpec(name="leave", description="Walks off.", when="door == 'open'"),
    ],
)


def run(chunks: list[str], **options: Any) -> tuple[str, list[Piece], bool]:
    options.setdefault("speakers", ("Traveller",))
    stream = TextStream(MIRA, **options)
    pieces: list[Piece] = []
    for chunk in chunks:
        pieces += stream.feed(chunk)
    pieces += stream.finish()
    text = "".join(piece.text for piece in pieces if isinstance(piece, Text))
    assert text == stream.text
    assert len(text) == stream.length
    edges = set(itertools.accumulate(map(len, clusters(text)), initial=0))
    shown = itertools.accumulate(len(piece.text) for piece in pieces if isinstance(piece, Text))
    assert set(shown) <= edges
    cues = [piece for piece in pieces if not isinstance(piece, Text)]
    assert all(0 <= cue.offset <= len(text) for cue in cues if not isinstance(cue, Rejected))
    return text, cues, stream.stopped


@pytest.mark.parametrize(
    ("text", "options", "shown", "cues", "stopped"),
    [
        ("Hello there.", {}, "Hello there.", [], False),
        ("\n Hello there. \n", {}, "Hello there.", [], False),
        ("<think>He greets.</think>\n\nMira: Hello.", {}, "Hello.", [], False),
        ("Hello [mood: angry] you!", {}, "Hello you!", [Mood(5, "angry")], False),
        ("Take it. [pause: 300] [action: give_item item=key]", {}, "Take it.",
         [Pause(8, 300), Action(8, "give_item", {"item": "key"})], False),
        ("[mood: sad] Oh.", {}, "Oh.",
         [Rejected("mood", "sad", "not one of the moods (calm, angry)")], False),
        ("Hello.\nTraveller: Hi.\nMira: Well.", {}, "Hello.", [], True),
        ("Hello.\nTraveller: Hi.", {"speakers": ()}, "Hello.\nTraveller: Hi.", [], False),
        ("Smith: Hello.", {"strip_prefix": ("Smith",)}, "Hello.", [], False),
        ("Hello.###More", {"stop": ("###", "")}, "Hello.", [], True),
        ("Hello.##", {"stop": ("###",)}, "Hello.##", [], False),
        ("abcd", {"stop": ("abcd", "bc")}, "a", [], True),
        ("\nHello.\nMore", {"stop": ("\n",)}, "Hello.", [], True),
        ("Hello.<|im_end|>\n<|im_start|>user", {}, "Hello.", [], True),
        ("Hello [mood: an<|im_end|>", {}, "Hello", [], True),
        ("One. Two. Three.", {"max_sentences": 2}, "One. Two.", [], True),
        ("One. [mood: calm] Two. [mood: angry] Three.", {"max_sentences": 1}, "One.",
         [Mood(4, "calm")], True),
        ("One [mood: calm] two. Three [mood: angry].", {"max_sentences": 1}, "One two.",
         [Mood(3, "calm")], True),
        ("One. Two.", {"max_sentences": 2}, "One. Two.", [], False),
        ("a\x00b\x1b[31mc\x7f\r\nd\te\ud800", {}, "ab[31mc\nd\te", [], False),
        ("x</think>Hello.", {"reasoning_opened": True}, "Hello.", [], False),
        ("", {}, "", [], False),
        (" \n", {}, "", [], False),
        ("👩\u200d👧 e\u0301", {}, "👩\u200d👧 e\u0301", [], False),
    ],
)  # fmt: skip
def test_raw_text_becomes_settled_pieces_wherever_it_is_split(
    text: str, options: dict[str, Any], shown: str, cues: list[Piece], stopped: bool
) -> None:
    assert run([text], **options) == (shown, cues, stopped)
    assert run(list(text), **options) == (shown, cues, stopped)


@pytest.mark.parametrize("token", CONTROL_TOKENS)
def test_a_special_token_that_leaks_ends_the_text(token: str) -> None:
    assert run([*"Hello. ", *token, *"system"]) == ("Hello.", [], True)


def test_the_state_decides_which_actions_are_available() -> None:
    done, leave = Action(0, "leave", {}), "[action: leave]"
    assert run([leave], state={"door": "open"})[1] == [done]
    assert run([leave])[1] == [done]
    refused = [Rejected("action", "leave", "not available now (door == 'open')")]
    assert run([leave], state={})[1] == refused


def test_after_the_end_nothing_more_comes() -> None:
    stream = TextStream(MIRA, stop=("#",))
    assert stream.feed("Hi") == [Text("H")]
    assert stream.feed("# more") == [Text("i")]
    assert stream.stopped
    assert stream.feed("more") == []
    assert stream.finish() == []
    stream = TextStream(MIRA)
    stream.feed("Hello")
    assert stream.finish() == [Text("o")]
    assert stream.feed("more") == []
    assert stream.finish() == []
    assert (stream.text, stream.length, stream.stopped) == ("Hello", 5, False)


def test_a_plain_chunk_is_one_piece_and_only_its_last_cluster_waits() -> None:
    stream = TextStream(MIRA)
    assert stream.feed("Well") == [Text("Wel")]
    assert stream.feed(" met") == [Text("l me")]
    assert stream.feed("") == []
    assert stream.feed("e\u0301") == [Text("t")]
    assert stream.feed("\u0301") == []
    assert stream.feed("[si") == [Text("e\u0301\u0301[s")]


_PARTS = [
    *("Hello", " ", "\n", ".", "Mira:", "Traveller", ":", "**", "<think>", "</think>", "<", "["),
    *("[mood: angry]", "[mood: x]", "[pause: 5]", "]", '[action: give_item item="a', '"', "#"),
    *("##", "<|im_", "end|>", "e\u0301", "👩", "\u200d", "字", "。", "\r", "\u2028", "Two", "!"),
]


@settings(max_examples=400)
@given(
    st.lists(st.sampled_from(_PARTS), max_size=14).map("".join),
    st.lists(st.integers(0, 200), max_size=8),
    st.sampled_from([None, 1, 2]),
)
def test_any_split_gives_the_same_text_and_the_same_cues(
    text: str, cuts: list[int], max_sentences: int | None
) -> None:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    chunks = [text[a:b] for a, b in itertools.pairwise(edges)]
    options = {"stop": ("###", "#!"), "max_sentences": max_sentences}
    assert run(chunks, **options) == run([text], **options)
