"""Where in a world's files a source such as "personas/mira.toml:knowledge[2]" stands: for those who
show prompts and findings."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from .toml_places import Places


class Place(Struct, frozen=True):
    """A source taken apart. `line` is 0 and `key` "" for what stands in no file: "rules",
    "player", "state", "history"."""

    file: str
    line: int = 0
    key: str = ""

    def __str__(self) -> str:
        line = f":{self.line}" if self.line else ""
        return f"{self.file}{line} {self.key}".rstrip()


class Sources:
    """The lines of a world's files. `texts` are the files by name, as content.texts reads them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._places: dict[str, Places] = {}

    def place(self, source: str) -> Place:
        """A source with its line."""
        file, _, key = source.partition(":")
        return Place(file, self.line(file, key), key)

    def line(self, file: str, key: str) -> int:
        """The line of a key, or of the nearest thing around it; 0 if it is not known."""
        if file not in self._texts:
            return 0
        if file not in self._places:
            self._places[file] = Places(self._texts[file])
        return self._places[file].line(key)
