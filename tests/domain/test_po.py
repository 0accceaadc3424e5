"""Authored texts as PO files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.authored_texts import AuthoredText
from dialogue_server.domain.po import decode, encode
from dialogue_server.errors import ContentError

GREETING = AuthoredText(
    "personas/mira.toml", "greeting", 'Two "pence".\n\tThree.', 7, "Mira", "mood:\n dry", "Zwei."
)
NAME = AuthoredText("world.toml", "name", "Reach")


def test_a_text_is_a_message_with_its_place_as_context() -> None:
    text = encode([GREETING, NAME], "pt-BR")
    assert '"Language: pt_BR\\n"' in text
    assert text.endswith(
        "\n#. Mira\n#. mood: dry\n#: personas/mira.toml:7\n"
        'msgctxt "personas/mira.toml:greeting"\n'
        'msgid ""\n"Two \\"pence\\".\\n"\n"\\tThree."\nmsgstr "Zwei."\n'
        '\n#: world.toml\nmsgctxt "world.toml:name"\nmsgid "Reach"\nmsgstr ""\n'
    )
    language, (first, second) = decode("x.po", text)
    assert language == "pt-BR"
    assert (first.file, first.key, first.text) == (GREETING.file, "greeting", GREETING.text)
    assert (first.translation, second.translation) == ("Zwei.", "")


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=4))
def test_any_text_comes_back_as_it_was(pairs: list[tuple[str, str]]) -> None:
    texts = [AuthoredText("f.toml", f"k[{n}]", a, translation=b) for n, (a, b) in enumerate(pairs)]
    language, found = decode("x.po", encode(texts))
    assert language == ""
    assert found == texts


def test_what_other_tools_write_is_read() -> None:
    text = (
        '\ufeffmsgid ""\r\nmsgstr "Project-Id-Version: 1\\n"\r\n\r\n# a translator\r\n'
        '#, fuzzy\r\n#| msgid "old"\r\nmsgctxt "f.toml:a"\r\nmsgid "A"\r\nmsgstr "B"\r\n'
        'msgctxt "f.toml:b"\r\nmsgid "C"\r\nmsgstr "D"\r\n'
        '#: f.toml\r\nmsgctxt "f.toml:c"\r\nmsgid "E\\q"\r\nmsgstr ""\r\n"F"\r\n'
        '#~ msgid "gone"\r\n#~ msgstr "weg"\r\n'
    )
    language, found = decode("x.po", text)
    assert language == ""
    assert [(each.key, each.text, each.translation) for each in found] == [
        ("a", "A", ""), ("b", "C", "D"), ("c", "E\\q", "F")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('msgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\n', "line 1: has plural forms"),
        ('\nmsgid "a"\n', "line 2: the message lacks its msgstr"),
        ('msgid "a"\nmsgstr "b"\n', "msgctxt must be the text's file and key"),
        ('msgctxt "x"\nmsgid "a"\nmsgstr "b"\n', "msgctxt must be the text's file and key"),
        ('msgid "a"\nmsgid "b"\n', "line 2: a second msgid of one message"),
        ('msgid "a" b"\n', "line 1: its quotation marks do not match"),
        ("hello\n", "line 1: is no line of a PO file"),
        ('"hello"\n', "line 1: is no line of a PO file"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(ContentError, match=r"x\.po") as caught:
        decode("x.po", text)
    assert problem in caught.value.detail
