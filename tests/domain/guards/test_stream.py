from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.guards.rules import Cast, Watch
from dialogue_server.domain.guards.settings import settled
from dialogue_server.domain.guards.stream import MAX_HELD, GuardedStream
from dialogue_server.domain.persona import Action, Guards, Persona, World
from dialogue_server.domain.stream import TextStream
from dialogue_server.domain.tags import Action as ActionCue
from dialogue_server.domain.tags import Mood, Rejected, Text

WORLD = World(name="W", description="A village.")


def guarded(limit: int | None = None, **rules: Any) -> GuardedStream:
    persona = Persona(
        id="mira",
        name="Mira",
        description="Keeps an inn.",
        moods=["calm", "wary"],
        actions=[Action("wave", "Waves.")],
        guards=Guards(**rules),
    )
    watch = Watch(settled(WORLD, persona), Cast("Mira", "Ann"))
    return GuardedStream(lambda: TextStream(persona, max_sentences=limit), watch)


def run(stream: GuardedStream, *chunks: str) -> tuple[list[str], list[str]]:
    """(the text of each delta, the cues as kind and offset)."""
    texts, cues = [], []
    for pieces in [*map(stream.feed, chunks), stream.finish(), stream.finish()]:
        for piece in pieces:
            if isinstance(piece, Text):
                texts.append(piece.text)
            elif not isinstance(piece, Rejected):
                cues.append(f"{type(piece).__name__}@{piece.offset}")
    return texts, cues


def test_each_sentence_waits_until_it_is_whole() -> None:
    stream = guarded(forbidden=["dragon"])
    assert stream.feed("Come ") == []
    assert stream.feed("in. ") == []
    assert stream.feed("Mi") == [Text("Come in.")]
    assert stream.feed("nd the step.") == []
    assert stream.finish() == [Text(" Mind the step.")]
    assert (stream.text, stream.hit) == ("Come in. Mind the step.", None)
    assert stream.feed("More") == []


def test_a_sentence_that_hits_ends_the_answer_before_it() -> None:
    stream = guarded(forbidden=["dragon"])
    texts, cues = run(stream, "Come in. [action: wave] A dra", "gon sleeps. [mood: wary] No. Yes")
    assert (texts, cues) == (["Come in."], [])
    assert stream.hit is not None
    assert (stream.hit.guard, stream.hit.rule) == ("forbidden", "dragon")
    assert (stream.text, stream.stopped) == ("Come in.", True)
    assert "dragon" in stream.begin_anew()


def test_cues_of_what_passed_go_with_it_in_their_place() -> None:
    stream = guarded(forbidden=["dragon"])
    texts, cues = run(stream, "[mood: calm] Come [action: wave] in. [mood: wary] Mind it.")
    assert "".join(texts) == "Come in. Mind it."
    assert cues == ["Mood@0", "Action@4", "Mood@8"]


def test_with_nothing_passed_the_answer_is_empty() -> None:
    stream = guarded(character=True)
    assert run(stream, "[mood: calm] As an AI, I [action: wave] cannot.") == ([], [])
    assert stream.text == ""
    assert "as one of this world" in stream.begin_anew()
    assert run(stream, "Come in.") == (["Come in."], [])
    assert (stream.hit, stream.hits, stream.stopped) == (None, [], True)


def test_only_the_first_sentence_waits_where_the_designer_says_so() -> None:
    stream = guarded(forbidden=["dragon"], hold="first")
    assert stream.feed("Come in. ") == []
    assert stream.feed("Mi") == [Text("Come in. M")]
    assert stream.feed("nd the dra") == [Text("ind the dr")]
    assert stream.feed("gon. Now") == [] or stream.hit
    assert stream.text == "Come in."


def test_an_action_waits_for_its_sentence_even_where_text_streams() -> None:
    stream = guarded(forbidden=["dragon"], hold="first")
    assert stream.feed("In. Here [mood: wary] you [action: wave] go. ") == [
        Text("In. Her"),
        Mood(8, "wary"),
        Text("e yo"),
    ]
    assert stream.feed("No") == [ActionCue(12, "wave", {}), Text("u go. N")]
    stream = guarded(forbidden=["dragon"], hold="first")
    texts, cues = run(stream, "In. Here ", "you [action: wave] dragon.")
    assert cues == []
    assert stream.text == "In."
    assert "dragon" not in "".join(texts)


def test_the_first_sentence_waits_in_the_first_mode_too() -> None:
    stream = guarded(forbidden=["dragon"], hold="first")
    assert run(stream, "A dra", "gon.") == ([], [])


def test_reports_change_nothing_and_tell_each_guard_once() -> None:
    stream = guarded(forbidden=["dragon"], max_chars=20, max_sentences=1, report_only=True)
    assert stream.feed("A dragon sleeps [action: wave] here. ") != []
    run(stream, "A dragon. A dragon.")
    assert stream.text == "A dragon sleeps here. A dragon. A dragon."
    assert stream.hit is None
    assert sorted(hit.guard for hit in stream.hits) == ["forbidden", "length"]


@pytest.mark.parametrize(
    ("rules", "shown"),
    [
        ({"max_sentences": 1}, "One two."),
        ({"max_sentences": 2}, "One two. Three four."),
        ({"max_sentences": 3}, "One two. Three four. Five six."),
        ({"max_chars": 8}, "One two."),
        ({"max_chars": 19}, "One two."),
        ({"max_chars": 20}, "One two. Three four."),
        ({"max_chars": 7}, ""),
    ],
)
def test_a_long_answer_ends_with_a_whole_sentence(rules: dict[str, int], shown: str) -> None:
    stream = guarded(**rules)
    run(stream, "One two. Three four. Five six.")
    assert stream.text == shown
    whole = shown.endswith("six.")
    assert (stream.hit is None) == whole
    if stream.hit:
        assert stream.hit.guard == "length"


def test_an_endless_sentence_is_not_held_for_ever() -> None:
    stream = guarded(forbidden=["dragon"])
    texts, _ = run(stream, *(["word "] * 400))
    assert len(texts) > 2
    assert max(map(len, texts)) <= MAX_HELD + 1
    assert stream.text == " ".join(["word"] * 400)
    stream = guarded(forbidden=["dragon"])
    run(stream, "word " * 200 + "dragon " + "word " * 50)
    assert stream.hit is not None
    assert set(stream.text.split()) == {"word"}
    assert 170 < len(stream.text.split()) <= 200
    stream = guarded(forbidden=["dragon"])
    run(stream, "x" * (MAX_HELD - 3) + " dragon")  # a word over the bound is not cut in two
    assert stream.text == "x" * (MAX_HELD - 3)


def test_what_ends_the_stream_below_ends_it_here() -> None:
    stream = guarded(limit=1, forbidden=["dragon"])
    assert stream.feed("One. Two") == [Text("One.")]
    assert stream.stopped
    assert stream.feed("x") == stream.finish() == []
    stream = guarded(limit=1, forbidden=["one"])
    assert stream.feed("One. Two") == []
    assert stream.hit is not None
    stream = guarded(limit=2, forbidden=["one"])
    assert stream.feed("One. Two. Three") == []
    assert stream.text == ""


_PARTS = ["Come in", ".", " ", "dragon", "A.", "。", "\n", "[mood: calm]", "[action: wave]", "!"]
_PARTS += ["é", "e\u0301", "👩‍👩‍👧", "As an AI", "x" * 90, "no", "[mood: none]"]


@given(
    st.lists(st.sampled_from(_PARTS), max_size=30).map("".join),
    st.lists(st.integers(0, 300), max_size=12),
    st.sampled_from(["every", "first"]),
    st.sampled_from([{}, {"max_chars": 40}, {"max_sentences": 2}]),
)
def test_any_split_gives_the_same_answer(
    text: str, cuts: list[int], hold: str, more: dict[str, int]
) -> None:
    rules: dict[str, Any] = {"forbidden": ["dragon"], "character": True, "hold": hold, **more}
    whole, parts = guarded(**rules), guarded(**rules)
    sent = run(whole, text)
    at = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    sent_too = run(parts, *(text[a:b] for a, b in pairwise(at)))
    assert parts.text == whole.text
    assert parts.hit == whole.hit
    if hold == "every":
        assert "".join(sent_too[0]) == "".join(sent[0]) == whole.text
        assert sent_too[1] == sent[1]
        assert not re.search(r"\bdragon\b", unicodedata.normalize("NFC", whole.text))
    else:
        kept = [
            [c for c in cues if int(c.partition("@")[2]) < len(whole.text)]
            for _, cues in (sent, sent_too)
        ]
        assert kept[0] == kept[1]
        assert "".join(sent_too[0]).startswith(whole.text)


@given(st.lists(st.sampled_from(_PARTS), max_size=30).map("".join))
def test_text_that_passes_is_the_same_as_without_guards(text: str) -> None:
    stream = guarded(forbidden=["zeppelin"])
    texts, cues = run(stream, text)
    plain = guarded(forbidden=["zeppelin"])._stream
    pieces = [*plain.feed(text), *plain.finish()]
    assert "".join(texts) == plain.text
    assert cues == [
        f"{type(piece).__name__}@{piece.offset}"
        for piece in pieces
        if not isinstance(piece, Text | Rejected)
    ]


@given(st.lists(st.sampled_from(_PARTS), max_size=30))
def test_cues_come_before_any_text_beyond_them(chunks: list[str]) -> None:
    for hold in ("every", "first"):
        stream, length = guarded(forbidden=["dragon"], hold=hold), 0
        for pieces in [*map(stream.feed, chunks), stream.finish()]:
            for piece in pieces:
                if isinstance(piece, Text):
                    length += len(piece.text)
                elif not isinstance(piece, Rejected):
                    assert piece.offset >= length
