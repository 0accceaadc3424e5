"""TOML as a person would write it: texts over several lines, lists that stay readable.

Only what the designers' files need: texts, numbers, booleans, lists of them, comments. Whatever
the text, it comes back from a TOML reader unchanged (lone surrogates apart, which UTF-8 lacks).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_ESCAPED = re.compile('[\\\\"\x00-\x1f\x7f]')
# In a text over several lines: quotation marks only where three might come together.
_ESCAPED_LONG = re.compile('\\\\|"(?="|$)|[\x00-\x08\x0b-\x1f\x7f]')
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_WIDTH = 98


def text(value: str) -> str:
    """A text as a TOML value: on one line, or over several if it has line breaks."""
    value = _SURROGATE.sub("\ufffd", value)
    if "\n" not in value:
        return f'"{_ESCAPED.sub(_escape, value)}"'
    return f'"""\n{_ESCAPED_LONG.sub(_escape, value)}"""'


def value(item: str | float | bool | Sequence[str]) -> str:
    """Any value. A list stands on one line if it is short, else an item a line."""
    if isinstance(item, str):
        return text(item)
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int | float):
        return repr(item)
    items = [f'"{_ESCAPED.sub(_escape, _SURROGATE.sub(chr(0xFFFD), part))}"' for part in item]
    line = f"[{', '.join(items)}]"
    if len(line) <= _WIDTH:
        return line
    return "[\n" + "".join(f"  {part},\n" for part in items) + "]"


def comment(lines: str | Iterable[str]) -> str:
    """Lines behind `#`, safe whatever stands in them."""
    if isinstance(lines, str):
        lines = lines.split("\n")
    parts = (part for line in lines for part in _SURROGATE.sub("\ufffd", line).split("\n"))
    return "\n".join(f"# {_CONTROL.sub(' ', part)}".rstrip() for part in parts)


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}"
