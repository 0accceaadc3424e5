"""What the terminal shows: words whole at its edge, colours only where they belong."""

from __future__ import annotations

import re

import pytest
from dialogue_protocol.messages import Cue

from dialogue_server.cli.reveal import Reveal
from dialogue_server.cli.terminal import Terminal

LINE = "The lamp at the far end of the causeway has been dark for three nights now."


def spoken(capsys: pytest.CaptureFixture[str], text: str, *cues: Cue, remark: str = "") -> str:
    speech = Terminal().speech("mira", "Mira")
    reveal = Reveal(0)
    reveal.text(text)
    for cue in cues:
        reveal.cue(cue)
    while (item := reveal.due(0.0)) is not None:
        if isinstance(item, str):
            speech.text(item, reveal.upcoming)
        else:
            speech.cue(item)
    speech.end(remark)
    return capsys.readouterr().out


def bare(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of thirty columns."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "30")


def test_in_a_pipe_a_line_stays_one_line_without_colours(capsys: pytest.CaptureFixture[str]):
    assert spoken(capsys, LINE) == f"Mira: {LINE}\n"


@pytest.mark.usefixtures("terminal")
def test_in_a_terminal_words_stay_whole_at_the_edge(capsys: pytest.CaptureFixture[str]):
    out = spoken(capsys, LINE)
    assert "\x1b[" in out
    lines = bare(out).splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) < 30
    assert " ".join(lines) == f"Mira: {LINE}"


@pytest.mark.usefixtures("terminal")
def test_no_color_is_obeyed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3\d", spoken(capsys, LINE))


def test_moods_and_actions_stand_where_they_happen(capsys: pytest.CaptureFixture[str]):
    out = spoken(
        capsys,
        "Here. Go!",
        Cue(1, 0, "mood", "cross"),
        Cue(1, 5, "action", "give_item", {"item": "glass", "count": 2}),
        Cue(1, 6, "pause", "", {"ms": 300}),
    )
    assert out == "Mira: (cross) Here. *give_item item=glass count=2* Go!\n"


def test_a_remark_ends_a_line_that_was_cut(capsys: pytest.CaptureFixture[str]):
    assert spoken(capsys, "I was", remark="-- (interrupted)") == "Mira: I was -- (interrupted)\n"


def test_what_looks_like_markup_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]):
    assert spoken(capsys, "[bold]x[/bold] :smile:") == "Mira: [bold]x[/bold] :smile:\n"


def test_control_characters_of_a_model_do_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
):
    out = spoken(capsys, "a\x1b]0;owned\x07b\x1b[2Jc\rd")
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "\r" not in out


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("colours", [True, False])
def test_what_stands_in_a_strangers_file_is_shown_and_not_obeyed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, colours: bool
):
    if not colours:
        for name in ("FORCE_COLOR", "TERM"):
            monkeypatch.delenv(name)
    vile = "a\x1b[2Jb\x9b2Jc\x1b]0;t\x07\x7f\x08\rd\tö\n\u202ae"
    terminal = Terminal()
    for show in (
        terminal.say,
        terminal.heading,
        terminal.note,
        terminal.warn,
        terminal.error,
        terminal.hint,
        terminal.complain,
        terminal.prompt,
        lambda text: terminal.table(["x"], [[text]]),
        lambda text: terminal.speech("x", text).end(text),
    ):
        show(vile)
        shown = capsys.readouterr()
        text = bare(shown.out + shown.err)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), ascii(text)
        assert r"\x1b[2J" in text.replace("\n", "")
        assert "ö" in text


def test_complaints_go_to_standard_error(capsys: pytest.CaptureFixture[str]):
    terminal = Terminal()
    terminal.error("it broke")
    terminal.warn("careful")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: it broke\ncareful\n"


def test_a_table_in_a_pipe_keeps_its_cells_whole(capsys: pytest.CaptureFixture[str]):
    Terminal().table(("name", "text"), [("a", "word " * 40)])
    out = capsys.readouterr().out
    assert ("word " * 40).strip() in out
