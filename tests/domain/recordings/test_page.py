"""A recorded session as one page."""

from __future__ import annotations

from html.parser import HTMLParser

from dialogue_protocol.messages import (
    ClientMessage,
    Close,
    Cue,
    Delta,
    Error,
    Event,
    Noted,
    NpcInfo,
    Open,
    Opened,
    Player,
    Save,
    Saved,
    Say,
    ServerMessage,
    Trigger,
    Turn,
    TurnEnd,
)

from dialogue_server.domain.prompt import Message
from dialogue_server.domain.recordings.page import page
from dialogue_server.domain.recordings.recording import Asked, Entry, Head, Recording

OPEN = Open("c", ["mira"], Player("ann", "Ann"))
SAY = Say("c", "1", "<b>Hm?</b>")
VOID = {"meta", "link", "br"}


class Reader(HTMLParser):
    """What a browser would make of it: text, tags, and whether all that is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(*messages: ClientMessage | ServerMessage | Asked) -> Reader:
    entries = tuple(
        Entry(100.0 * at, what, client=isinstance(what, Open | Say | Event | Save | Close))
        for at, what in enumerate(messages)
    )
    head = Head(session="s1", client="<game>", server="test")
    return Reader(page(Recording(head, entries), "the & talk"))


def test_a_talk_is_shown_with_moods_actions_timing_and_prompt() -> None:
    found = shown(
        OPEN,
        Opened("c", [NpcInfo("mira", "Mira")], "Come <in>."),
        SAY,
        Turn(1, "n1", "c", "mira", "1"),
        Asked(turn=1, backend="local", messages=[Message("system", "You are <Mira>.")]),
        Cue(1, 0, "mood", "wary", {"intensity": 60}),
        Delta(1, "Under "),
        Cue(1, 6, "action", "pour", {"drink": "ale"}),
        Cue(1, 6, "pause", "", {"ms": 3}),
        Delta(1, "water & mud."),
        TurnEnd(1, "complete", 12, 300, 700, 9, 4),
    )
    for text in (
        "the & talk", "session s1 · <game> · test · 1 turns · first word 400 ms (median)",
        "Ann meets mira", "Come <in>.", "<b>Hm?</b>", "wary 60", "pour drink=ale",
        "Under ", "water & mud.", "first word 300 ms, all 700 ms, 9 tokens in, 4 out",
        "You are <Mira>.", "the prompt, for local",
    ):  # fmt: skip
        assert text in found.text
    waits = [tag for tag in found.tags if tag[1].get("class") == "wait"]
    assert waits[0][1]["style"] == "left:20.00%;width:40.00%"
    assert waits[0][1]["href"] == "#t0"


def test_what_went_wrong_is_shown_too() -> None:
    found = shown(
        OPEN,
        Opened("c", []),
        SAY,
        Turn(1, "n1", "c", "the-smith", "1"),
        TurnEnd(1, "failed", 0, code="model_failed", detail="it broke"),
        Say("c", "2", "Again?"),
        Error("busy", "Wait <a bit>.", "c", "2"),
        Event("c", "3", "A bell."),
        Noted("c", "3"),
        Trigger("c", "dusk"),
        Say("c", "4", "Well?"),
        Turn(2, "n2", "c", "the-smith", "4"),
    )
    for text in ("failed, first word 0 ms, all 0 ms, model_failed: it broke", "busy: Wait <a bit>.",
                 "nobody answers", "trigger dusk", "unfinished"):  # fmt: skip
        assert text in found.text
    assert "median" not in found.text


def test_nothing_is_fetched_and_nothing_runs() -> None:
    found = shown(OPEN, Opened("c", []), Save("c"), Saved("c", "x"), Close("c"))
    assert {tag for tag, _ in found.tags}.isdisjoint({"script", "link", "img", "iframe"})
    assert not any("src" in attributes for _, attributes in found.tags)


def test_an_empty_recording_is_a_page_too() -> None:
    assert "0 turns" in Reader(page(Recording(Head(), ()), "empty")).text
