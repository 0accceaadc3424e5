"""Stored conversations to be read."""

from __future__ import annotations

import csv
import io

from dialogue_server.domain.conversation import Archive, ConversationKey, Node
from dialogue_server.domain.transcripts import branch, page, table

CUES = [[0, "mood", "wary", {"intensity": 60}], [6, "action", "pour", {"drink": "ale"}, 1],
        [6, "pause", "", {"ms": 9}]]  # fmt: skip
NODES = (
    Node("a", "", "player", "Ann", "=1+1", 0.0),
    Node("old", "a", "npc", "mira", "Never said.", 1.0, reason="complete"),
    Node("b", "a", "npc", "mira", "Under water.", 60.0, reason="complete", meta={"cues": CUES}),
    Node("c", "b", "event", "", "A <bell> rings.", 86_400.0),
    Node("d", "c", "npc", "mira", "Hm", 86_460.0, reason="interrupted"),
)
ARCHIVE = Archive(ConversationKey("ann", "inn"), "d", 0, {}, NODES)


def test_only_the_branch_in_force_is_told() -> None:
    assert [node.id for node in branch(ARCHIVE)] == ["a", "b", "c", "d"]
    loop = Archive(ARCHIVE.key, "x", 0, {}, (Node("x", "x", "event", "", "?", 0.0),))
    assert len(branch(loop)) == 1
    assert branch(Archive(ARCHIVE.key, "", 0, {}, ())) == ()


def test_a_table_has_a_row_a_line_and_no_formula() -> None:
    rows = list(csv.reader(io.StringIO(table(ARCHIVE).removeprefix("\ufeff"), newline="")))
    assert rows == [
        ["id", "speaker", "text", "context"],
        ["a", "Ann", "'=1+1", "player"],
        ["b", "mira", "Under water.", "npc; wary 60; *pour drink=ale*"],
        ["c", "", "A <bell> rings.", "event"],
        ["d", "mira", "Hm", "npc; interrupted"],
    ]


def test_a_page_shows_the_talk_with_its_cues_in_their_places() -> None:
    text = page(ARCHIVE, {"mira": "Mira"})
    assert "<i class=mood>wary 60</i> Under  <i class=action>*pour drink=ale*</i> water." in text
    assert "<b>Mira</b> Hm <i class=note>interrupted</i>" in text
    assert "A &lt;bell&gt; rings." in text
    assert "<h2>1970-01-01</h2>" in text
    assert "<h2>1970-01-02</h2>" in text
    assert "4 lines with ann; 1 more on branches that were left" in text
    whole = Archive(ARCHIVE.key, "a", 0, {}, NODES[:1])
    assert "1 lines with ann<" in page(whole, {})
