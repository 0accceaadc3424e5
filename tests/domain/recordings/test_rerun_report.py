"""A re-run's report as text and as JUnit."""

from __future__ import annotations

from xml.etree import ElementTree

from dialogue_protocol.messages import Error, Opened, Say

from dialogue_server.domain.recordings.recording import Asked, Ended, Entry, Head, Recording
from dialogue_server.domain.recordings.rerun import Compared, Said, SourceChange
from dialogue_server.domain.recordings.rerun_report import (
    HEADERS,
    details,
    junit,
    marked,
    notes,
    said_line,
    sources,
    summary,
    table,
)

SAME = Compared("a.jsonl", 1, "> Hi", Said("mira", "Hello."), Said("mira", "Hello."))
TEXT = Compared(
    "a.jsonl",
    2,
    "> The mine?",
    Said("mira", "It is wet.", ("calm 40",), ("pour",), first_ms=100),
    Said("mira", "It is dry.", ("wary 60",), first_ms=120, end="length", total_ms=1500),
    (SourceChange("world.toml:lore[0]", "changed"), SourceChange("history", "changed")),
    ("@@ -1 +1 @@", "-wet", "+dry"),
)
LATER = Compared(
    "b.jsonl", 1, "> And?", Said("mira", "Yes."), Said("mira", "Yes."),
    (SourceChange("history", "changed"),), ("-wet", "+dry"),
)  # fmt: skip


def test_an_answer_is_one_line_with_its_cues() -> None:
    assert said_line(TEXT.before) == "mira: (calm 40) It is wet. *pour*"
    assert said_line(TEXT.now) == "mira: (wary 60) It is dry. [length]"
    assert said_line(Said()) == "nobody answers"
    assert said_line(Said(text="Why?\nWho?")) == "Why? Who?"


def test_what_is_otherwise_is_shown_then_and_now_with_the_sources() -> None:
    assert list(details(TEXT)) == [
        "a.jsonl, request 2: prompt, text, moods, actions, end",
        "> The mine?",
        "- mira: (calm 40) It is wet. *pour*",
        "+ mira: (wary 60) It is dry. [length]",
        "~ world.toml:lore[0] changed",
        "~ history changed",
        "-wet",
        "+dry",
    ]
    assert "-wet" not in list(details(TEXT, prompts=False))
    assert list(details(LATER))[1:] == ["> And?", "  mira: Yes.", "~ history changed"]


def test_triggers_are_shown_where_only_they_differ() -> None:
    each = Compared("a", 1, "> x", Said("mira", "Hm."), Said("mira", "Hm.", triggers=("drunk",)))
    assert list(details(each))[2:] == ["- mira: Hm. triggers none", "+ mira: Hm. triggers drunk"]


def test_a_long_difference_of_prompts_is_cut() -> None:
    each = Compared("a", 1, "> x", Said("m", "A"), Said("m", "A"), (), ("+y",) * 45)
    assert list(details(each))[-1] == "~ 5 more lines of the prompt are otherwise"


def test_the_table_has_a_row_an_npc() -> None:
    (row,) = table([SAME, TEXT, LATER])
    assert dict(zip(HEADERS, row, strict=True)) == {
        "npc": "mira", "answers": "3", "changed": "1", "text": "1", "moods": "1", "actions": "1",
        "prompt": "1", "alike": "90 %", "first word": "100 → 120 ms",
    }  # fmt: skip
    nobody = Compared("a", 1, "~ state {}", Said(), Said(end="error x"))
    assert table([nobody])[0][0] == "(nobody)"
    assert table([nobody])[0][-1] == ""


def test_the_sources_that_change_prompts_are_counted() -> None:
    assert sources([SAME, TEXT, LATER]) == [("world.toml:lore[0]", 1)]
    assert summary([SAME, TEXT, LATER]) == (
        "1 of 3 answers are otherwise, 1 prompts (1 more by what was said before)"
    )
    assert summary([SAME]) == "0 of 1 answers are otherwise, 0 prompts"


def past(turns: int, backend: str = "local", layout: str = "") -> Recording:
    opened = [Opened(f"c{n}", [], history=turns) for n in range(2)]
    whats = [
        *opened,
        Opened("c0", [], history=99),
        Asked(turn=1, backend=backend, layout=layout),
        Ended("over"),
    ]
    return Recording(Head(), tuple(Entry(float(at), what) for at, what in enumerate(whats)))


def test_what_the_server_could_not_serve_then_is_told() -> None:
    full = Error("store_failed", "The disk is full.", "c", "1")
    before = Recording(Head(), (Entry(0.0, Say("c", "1", "Hm?"), client=True), Entry(1.0, full)))
    (told,) = notes([("a.jsonl", before, Recording(Head(), ()))], "local")
    assert told.startswith("1 request the server could not serve then")
    assert notes([("a.jsonl", before, before)] * 2, "local")[0].startswith("2 requests")


def test_what_makes_a_comparison_less_than_it_seems_is_told() -> None:
    same = [("a.jsonl", past(2), past(2))]
    (nobody,) = notes(same, "")
    assert nobody.startswith("No model was asked")
    assert notes(same, "local") == []
    assert notes([("a.jsonl", past(2, ""), past(2))], "x") == []
    (other,) = notes(same, "scripted")
    assert other.startswith("Recorded with local: another model")
    (laid,) = notes([("a", past(0, layout="compact"), past(0, layout="standard"))], "local")
    assert "laid out as compact and are as standard today" in laid
    *named, more = notes([("a.jsonl", past(2), past(0)), ("b.jsonl", past(1), past(0))], "local")
    assert named[0].startswith("a.jsonl: 'c0' went on from 2 earlier turns, which are not in")
    assert (len(named), more) == (3, "So it is with 1 more conversations.")


def test_in_junit_an_answer_fails_if_its_kind_of_change_is_too_frequent() -> None:
    within = ElementTree.fromstring(junit([SAME, TEXT, LATER], {}, "village"))
    assert [suite.attrib["failures"] for suite in within] == ["0", "0"]
    assert len(within.findall(".//system-out")) == 2
    over = ElementTree.fromstring(junit([SAME, TEXT, LATER], {"answers": "too many"}, "village"))
    first, second, bounds = over
    assert (first.attrib["failures"], second.attrib["failures"]) == ("1", "0")
    failure = first[1].find("failure")
    assert failure is not None
    assert "+ mira: (wary 60) It is dry." in str(failure.text)
    assert [case.attrib["name"] for case in bounds] == ["answers"]
    only_moods = ElementTree.fromstring(junit([TEXT], {"moods": "x"}, "v\x00"))
    assert only_moods[0].attrib["failures"] == "1"


def test_words_are_marked_that_are_only_in_one_of_two_texts() -> None:
    assert marked("It is wet.", "It is dry now.") == [
        (" ", "It is"), ("-", " wet."), ("+", " dry now.")
    ]  # fmt: skip
    assert marked("a b", "a") == [(" ", "a"), ("-", " b")]
    assert marked("a", "a b") == [(" ", "a"), ("+", " b")]
