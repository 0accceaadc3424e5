"""Where a key stands in a TOML source: for errors only, so it may fall short but never fail.

`tomllib` keeps no positions. This reads headers and the keys at the start of lines, skips
multi-line texts, and for what stands inside a value answers with the line of its key.
"""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_ITEM = re.compile(r"""\s*(?:"|'|\{|\[)""")
_BARE_LIST = re.compile(r"\s*\[\s*(?:#.*)?$")
_PARENT = re.compile(r"(.*?)(?:\.[^.\[\]]+|\[\d+\])$")


class Places:
    """Line numbers of key paths such as `actions[0].parameters.item`."""

    def __init__(self, source: str) -> None:
        self._lines: dict[str, int] = {}
        self._read(source)

    def line(self, path: str) -> int:
        """The line of `path`, or of the nearest thing around it; 0 if there is none."""
        while path:
            if path in self._lines:
                return self._lines[path]
            match = _PARENT.match(path)
            path = match[1] if match else ""
        return 0

    def describe(self, path: str) -> str:
        """`line 12, actions[0].name`, for a ContentError."""
        line = self.line(path)
        return ", ".join(filter(None, (f"line {line}" if line else "", path)))

    def _read(self, source: str) -> None:
        counts: dict[str, int] = {}
        table = ""
        quote = ""
        item_of, items, depth = "", 0, 0
        for number, text in enumerate(source.splitlines(), 1):
            if quote:
                if text.count(quote) % 2:
                    quote = ""
                continue
            if depth > 0:
                if depth == 1 and item_of and _ITEM.match(text):
                    self._lines.setdefault(f"{item_of}[{items}]", number)
                    items += 1
                depth += _opened(text)
                continue
            header = _HEADER.match(text)
            if header is not None:
                name = _plain(header[2])
                table = self._resolve(name, counts, header[1] == "[[")
                self._lines.setdefault(table, number)
                continue
            key = _KEY.match(text)
            if key is None:
                continue
            path = f"{table}.{_plain(key[1])}" if table else _plain(key[1])
            self._lines.setdefault(path, number)
            rest = text[key.end() :]
            for mark in ('"""', "'''"):
                if rest.count(mark) % 2:
                    quote = mark
            if not quote:
                # Items are told apart only if each begins a line of its own.
                item_of = path if _BARE_LIST.match(rest) else ""
                items, depth = 0, max(0, _opened(rest))

    def _resolve(self, name: str, counts: dict[str, int], array: bool) -> str:
        """The path of a header: each array of tables on its way gets the newest index."""
        path = ""
        parts = name.split(".")
        for i, part in enumerate(parts):
            path = f"{path}.{part}" if path else part
            last = i == len(parts) - 1
            if last and array:
                counts[path] = counts.get(path, -1) + 1
                self._lines.setdefault(path, 0)
            if path in counts:
                path = f"{path}[{counts[path]}]"
        return path


_TEXTS = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'|#.*""")


def _opened(text: str) -> int:
    """How many brackets and braces a line leaves open."""
    bare = _TEXTS.sub("", text)
    return bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")


def _plain(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
