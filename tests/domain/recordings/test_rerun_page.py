"""A re-run as a page."""

from __future__ import annotations

from html.parser import HTMLParser

from dialogue_server.domain.recordings.rerun import Compared, Said
from dialogue_server.domain.recordings.rerun_page import page
from tests.domain.recordings.test_rerun_report import LATER, SAME, TEXT


class Whole(HTMLParser):
    """Fails where a tag is closed that is not open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_shows_npcs_sources_and_answers_then_and_now() -> None:
    other = Compared("b.jsonl", 2, "> x", Said("borin", "Hm."), Said("borin", "Ha."))
    text = page([SAME, TEXT, LATER, other], "village", ["No model was asked."])
    assert Whole(text).open == []
    assert "2 of 4 answers are otherwise" in text
    assert "No model was asked." in text
    assert "<th scope=row>world.toml:lore[0]</th><td>1 prompts" in text
    assert "<del> wet.</del>" in text
    assert "<ins> dry.</ins>" in text
    assert "<ins>+dry</ins>" in text
    assert "*pour*" in text
    assert ">length<" in text
    assert text.count("<article>") == 3
    assert text.index('<h2 id="n-borin') < text.index('<h2 id="n-mira')


def test_a_page_without_changes_has_only_the_table() -> None:
    text = page([SAME], "village")
    assert "<article>" not in text
    assert "What changed the prompts" not in text
    assert "<a href" not in text


def test_whatever_players_and_models_say_is_text() -> None:
    before, now = Said("<b>", "x"), Said("<b>", "<script>", triggers=("<i>",))
    text = page([Compared("<f>", 1, "> <u>", before, now)], "<t>")
    for tag in ("<script>", "<f>", "<u>", "<t>", "<i>"):
        assert tag not in text
    assert "trigger &lt;i&gt;" in text
    assert "n-_3cb_3e" in text


def test_what_nobody_answers_is_told() -> None:
    text = page([Compared("f", 1, "~ state {}", Said(), Said(end="error x"))], "t")
    assert "(nobody)" in text
    assert "error x" in text
