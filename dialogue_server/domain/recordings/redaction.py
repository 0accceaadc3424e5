"""Players' names and ids, covered in a recording.

A name is covered letter by letter, so that offsets and lengths stay right, also where it came in
several deltas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from dialogue_protocol.messages import Delta, Open, Player
from msgspec import Struct, convert, structs, to_builtins

from .recording import Entry, Streamed, What

COVER = "█"
_SHORTEST = 2
"""A name of one letter would cover far too much."""


class Redactor:
    """Takes a session's entries in order."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._names: re.Pattern[str] | None = None
        self._known: set[str] = set()

    def redact(self, entries: Sequence[Entry]) -> list[Entry]:
        """The same entries, names and ids covered."""
        for entry in entries:
            if isinstance(entry.what, Open):
                self._learn(entry.what.player)
        if self._names is None:
            return list(entries)
        texts = {
            id(entry): text
            for kind in (Delta, Streamed)
            for entry, text in self._streams([e for e in entries if type(e.what) is kind])
        }
        return [
            structs.replace(
                entry,
                what=(
                    structs.replace(entry.what, text=texts[id(entry)])
                    if id(entry) in texts
                    else self._whole(entry.what)
                ),
            )
            for entry in entries
        ]

    def _learn(self, player: Player) -> None:
        self._ids.setdefault(player.id, f"player-{len(self._ids) + 1}")
        for name in (player.name, player.id):
            if len(name.strip()) >= _SHORTEST:
                self._known.add(name.strip())
        if self._known:
            longest_first = sorted(self._known, key=len, reverse=True)
            names = "|".join(map(re.escape, longest_first))
            self._names = re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE)

    def _streams(self, entries: Iterable[Entry]) -> Iterable[tuple[Entry, str]]:
        """The texts of deltas, covered as if each turn's were one."""
        turns: dict[int, list[Entry]] = {}
        for entry in entries:
            turns.setdefault(entry.what.turn, []).append(entry)  # type: ignore[union-attr]
        for group in turns.values():
            texts = [entry.what.text for entry in group]  # type: ignore[union-attr]
            covered, at = self._cover("".join(texts)), 0
            for entry, text in zip(group, texts, strict=True):
                yield entry, covered[at : at + len(text)]
                at += len(text)

    def _whole(self, what: What) -> What:
        if isinstance(what, Open):
            what = structs.replace(
                what, player=structs.replace(what.player, id=self._ids[what.player.id])
            )
        return _rebuilt(what, self._values(to_builtins(_fields(what))))

    def _values(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._cover(value)
        if isinstance(value, dict):
            return {key: self._values(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._values(item) for item in value]
        return value

    def _cover(self, text: str) -> str:
        assert self._names is not None
        return self._names.sub(lambda found: COVER * len(found[0]), text)


def _fields(what: Struct) -> dict[str, Any]:
    return structs.asdict(what)


def _rebuilt(what: What, fields: dict[str, Any]) -> What:
    kind = type(what)
    hints = {field.name: field.type for field in structs.fields(kind)}
    made = {name: convert(value, hints[name], strict=False) for name, value in fields.items()}
    return kind(**made)
