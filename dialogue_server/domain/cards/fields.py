"""A Character Card's fields, read from its JSON: V1, V2, V3 and what is seen in between.

Reading is lenient where nothing is lost by it (numbers for texts, one text for a list, fields at
the root of a V2 card) and strict where guessing would put the wrong words into a prompt. Nothing
is changed in the object itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from ...errors import ContentError

V1_FIELDS = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
TEXTS = (*V1_FIELDS, "nickname", "system_prompt", "post_history_instructions")
OWN = "dialogue_server"
"""Our place in a card's `extensions`: texts of a persona that cards have no field for."""
_READ = frozenset({OWN, "talkativeness", "depth_prompt", "fav"})
_MILLISECONDS = 100_000_000_000
"""A date beyond the year 5138 was meant in milliseconds."""
_LATEST = 253_402_300_799
Kind = Literal["card", "book"]


class Card(Struct, frozen=True):
    """What of a card matters here. Dates are Unix seconds, 0 for unknown."""

    version: int
    name: str
    description: str
    personality: str
    scenario: str
    first_mes: str
    mes_example: str
    nickname: str = ""
    system_prompt: str = ""
    post_history_instructions: str = ""
    depth_prompt: str = ""
    creator_notes: str = ""
    creator: str = ""
    character_version: str = ""
    alternate_greetings: tuple[str, ...] = ()
    group_only_greetings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    emotions: tuple[str, ...] = ()
    assets: int = 0
    talkativeness: float | None = None
    created: int = 0
    modified: int = 0
    book: dict[str, Any] | None = None
    own: Mapping[str, Any] = {}
    other_extensions: tuple[str, ...] = ()
    """Names of what other programs keep in the card."""
    remarks: tuple[str, ...] = ()


def kind_of(file: str, raw: dict[str, Any]) -> Kind:
    """Whether an object is a card or a lorebook on its own. Raises ContentError for neither."""
    spec = raw.get("spec")
    if spec == "lorebook_v3":
        return "book"
    if isinstance(spec, str) and spec.startswith("chara_card_v"):
        return "card"
    if isinstance(raw.get("data"), dict) or any(field in raw for field in V1_FIELDS[1:]):
        return "card"
    if isinstance(raw.get("entries"), dict | list):
        return "book"
    problem = "neither a Character Card (spec and data) nor a lorebook (entries)"
    raise ContentError(file, "", problem)


def data_of(raw: dict[str, Any]) -> dict[str, Any]:
    """The object that holds a card's fields."""
    data = raw.get("data")
    return data if isinstance(data, dict) else raw


def read(file: str, raw: dict[str, Any]) -> Card:
    """The fields of a card. Raises ContentError where a text is no text."""
    return _Reader(file, raw).card()


class _Reader:
    def __init__(self, file: str, raw: dict[str, Any]) -> None:
        self._file = file
        self._raw = raw
        self._data = data_of(raw)
        self._wrapped = self._data is not raw
        self._remarks: list[str] = []
        extensions = self._data.get("extensions")
        self._extensions = extensions if isinstance(extensions, dict) else {}
        if extensions is not None and not isinstance(extensions, dict):
            self._odd("extensions", "an object")

    def card(self) -> Card:
        version = self._version()
        texts = {field: self._text(field) for field in TEXTS}
        emotions, assets = self._assets()
        own = self._extensions.get(OWN)
        return Card(
            version=version,
            **texts,
            depth_prompt=self._depth_prompt(),
            creator_notes=self._aside("creator_notes"),
            creator=self._aside("creator"),
            character_version=self._aside("character_version"),
            alternate_greetings=self._list("alternate_greetings"),
            group_only_greetings=self._list("group_only_greetings"),
            tags=self._list("tags"),
            emotions=emotions,
            assets=assets,
            talkativeness=self._talkativeness(),
            created=self._date("creation_date"),
            modified=self._date("modification_date"),
            book=self._book(),
            own=own if isinstance(own, dict) else {},
            other_extensions=tuple(name for name in self._extensions if name not in _READ),
            remarks=tuple(self._remarks),
        )

    def _version(self) -> int:
        spec = self._raw.get("spec")
        if not self._wrapped:
            if spec is not None:
                self._remarks.append("the card has no data object; it was read as a V1 card")
            return 1
        stated = _number(self._raw.get("spec_version"))
        known = {"chara_card_v2": 2, "chara_card_v3": 3}.get(str(spec))
        if (stated is not None and stated > 3.0) or (known is None and spec is not None):
            self._remarks.append(
                f"the card follows a newer specification ({_shown(spec)} "
                f"{_shown(self._raw.get('spec_version'))}); what is new in it was not read"
            )
        return known or (2 if spec is None else 3)

    def _value(self, field: str) -> Any:
        """A field; from the root where `data` lacks it, as some programs write it twice."""
        value = self._data.get(field)
        if value is None and field in V1_FIELDS:
            value = self._raw.get(field)
        return value

    def _text(self, field: str) -> str:
        """A text that reaches a prompt or a player."""
        value = self._value(field)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        place = f"data.{field}" if self._wrapped else field
        raise ContentError(self._file, place, f"must be a text, is {_kind(value)}")

    def _aside(self, field: str) -> str:
        """A text that only people read."""
        value = self._data.get(field)
        if value is None or isinstance(value, str):
            return value or ""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self._odd(field, "a text")
        return ""

    def _list(self, field: str) -> tuple[str, ...]:
        value = self._data.get(field)
        if value is None:
            return ()
        if isinstance(value, str):
            value = value.split(",") if field == "tags" else [value]
        if not isinstance(value, list):
            self._odd(field, "a list of texts")
            return ()
        if any(not isinstance(item, str) for item in value):
            self._odd(f"an item of {field}", "a text")
        items = (item.strip() for item in value if isinstance(item, str))
        return tuple(item for item in items if item)

    def _assets(self) -> tuple[tuple[str, ...], int]:
        assets = self._data.get("assets")
        if assets is None:
            return (), 0
        if not isinstance(assets, list):
            self._odd("assets", "a list")
            return (), 0
        found = [asset for asset in assets if isinstance(asset, dict)]
        names = [asset.get("name") for asset in found if asset.get("type") == "emotion"]
        return tuple(name for name in names if isinstance(name, str)), len(found)

    def _depth_prompt(self) -> str:
        note = self._extensions.get("depth_prompt")
        prompt = note.get("prompt") if isinstance(note, dict) else note
        if prompt is None or isinstance(prompt, str):
            return prompt or ""
        self._odd("extensions.depth_prompt", "a text")
        return ""

    def _talkativeness(self) -> float | None:
        value = self._extensions.get("talkativeness", self._raw.get("talkativeness"))
        number = _number(value)
        if number is None:
            if value not in (None, ""):
                self._odd("talkativeness", "a number")
            return None
        return min(max(number, 0.0), 1.0)

    def _date(self, field: str) -> int:
        value = self._data.get(field)
        number = _number(value)
        if number is None:
            if value not in (None, ""):
                self._odd(field, "a number of seconds")
            return 0
        if number > _MILLISECONDS:
            number /= 1000
            self._remarks.append(f"{field} is in milliseconds; it was read so")
        return int(number) if 0 <= number <= _LATEST else 0

    def _book(self) -> dict[str, Any] | None:
        book = self._data.get("character_book")
        if book is None or isinstance(book, dict):
            return book
        self._odd("character_book", "an object")
        return None

    def _odd(self, field: str, wanted: str) -> None:
        self._remarks.append(f"{field} is not {wanted}, so it was passed over")


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", bool: "true or false"}[type(value)]


def _shown(value: Any) -> str:
    return ascii(value)[:40]
