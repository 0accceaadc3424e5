"""Authored texts as a PO file (GNU gettext), which translators' tools read and write.

`msgctxt` is the text's file and key, so that equal texts in two places are two messages. What is
fuzzy, or obsolete, is not translated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ..errors import ContentError
from .authored_texts import AuthoredText

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "a": "\a", "b": "\b",
              "f": "\f", "v": "\v"}  # fmt: skip
_KEYWORD = re.compile(r'(msgctxt|msgid|msgstr|msgid_plural|msgstr\[\d+\])\s*(".*")$')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def encode(texts: Sequence[AuthoredText], language: str = "") -> str:
    """The file. `language` is that of the translations, "" for a template."""
    lines = [
        "# Texts of NPCs. Leave tags such as [mood: calm] as they are.",
        'msgid ""',
        'msgstr ""',
        *(_quoted(f"{line}\n") for line in _header(language)),
    ]
    for each in texts:
        lines.append("")
        if each.speaker:
            lines.append(f"#. {_one_line(each.speaker)}")
        if each.context:
            lines.append(f"#. {_one_line(each.context)}")
        lines.append(f"#: {each.file}:{each.line}" if each.line else f"#: {each.file}")
        lines += _message("msgctxt", each.id)
        lines += _message("msgid", each.text)
        lines += _message("msgstr", each.translation)
    return "\n".join(lines) + "\n"


def _header(language: str) -> Iterator[str]:
    yield "MIME-Version: 1.0"
    yield "Content-Type: text/plain; charset=UTF-8"
    yield "Content-Transfer-Encoding: 8bit"
    yield f"Language: {language.replace('-', '_')}"


def _message(keyword: str, text: str) -> list[str]:
    """One line, or, for a text of several, one for each of them."""
    parts = text.splitlines(keepends=True) if "\n" in text else [text]
    if len(parts) == 1:
        return [f"{keyword} {_quoted(text)}"]
    return [f'{keyword} ""', *map(_quoted, parts)]


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(c, c) for c in text) + '"'


def _one_line(text: str) -> str:
    return " ".join(text.split())


class _Entry:
    def __init__(self) -> None:
        self.flags = ""
        self.fields: dict[str, str] = {}
        self.line = 0


def decode(file: str, source: str) -> tuple[str, list[AuthoredText]]:
    """The language ("" for none) and the messages of a file. A ContentError names the line."""
    language, found = "", []
    for entry in _entries(file, source.removeprefix("\ufeff")):
        where = f"line {entry.line}"
        if entry.fields.keys() - {"msgctxt", "msgid", "msgstr"}:
            raise ContentError(file, where, "has plural forms; texts of NPCs have none")
        missing = {"msgid", "msgstr"} - entry.fields.keys()
        if missing:
            raise ContentError(file, where, f"the message lacks its {sorted(missing)[0]}")
        context, text = entry.fields.get("msgctxt"), entry.fields["msgid"]
        if context is None and not text:
            told = re.search(r"^Language:\s*(\S+)", entry.fields["msgstr"], re.MULTILINE)
            language = told[1].replace("_", "-") if told else ""
            continue
        name, colon, key = (context or "").partition(":")
        if not colon:
            problem = "msgctxt must be the text's file and key, as `texts export` writes it"
            raise ContentError(file, where, problem)
        translation = "" if "fuzzy" in entry.flags else entry.fields["msgstr"]
        found.append(AuthoredText(name, key, text, translation=translation))
    return language, found


def _entries(file: str, source: str) -> Iterator[_Entry]:
    entry, field = _Entry(), ""
    for number, line in enumerate(_lines(source), 1):
        text = line.strip()
        if text.startswith("#~"):
            continue
        keyword = _KEYWORD.match(text)
        begins = text.startswith("#") or (keyword is not None and keyword[1] in _FIRST)
        if "msgstr" in entry.fields and (begins or not text):
            yield entry
            entry, field = _Entry(), ""
        if text.startswith("#,"):
            entry.flags += text
        elif keyword is not None:
            field = keyword[1]
            if field in entry.fields:
                raise ContentError(file, f"line {number}", f"a second {field} of one message")
            entry.line = entry.line or number
            entry.fields[field] = _unquoted(file, number, keyword[2])
        elif text.startswith('"') and field:
            entry.fields[field] += _unquoted(file, number, text)
        elif text and not text.startswith("#"):
            raise ContentError(file, f"line {number}", "is no line of a PO file")
    if entry.fields:
        yield entry


_FIRST = ("msgctxt", "msgid")


def _lines(source: str) -> Iterable[str]:
    return source.replace("\r\n", "\n").split("\n")


def _unquoted(file: str, number: int, text: str) -> str:
    match = _QUOTED.fullmatch(text)
    if match is None:
        raise ContentError(file, f"line {number}", "its quotation marks do not match")
    return _ESCAPED.sub(lambda found: _UNESCAPES.get(found[1], found[0]), match[1])
