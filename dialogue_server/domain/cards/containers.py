"""What a card comes in: JSON, a PNG or APNG picture, or a CHARX zip. Bytes in, an object out.

Everything here is hostile until shown otherwise: sizes and depth are bounded, nothing is run,
and every refusal is a ContentError that names the place and says what to do.
"""

from __future__ import annotations

import json
import math
from typing import Any, Literal

from msgspec import Struct

from ...errors import ContentError
from . import charx as card_charx
from . import png as card_png
from .png import MAX_CARD_BYTES

MAX_DEPTH = 64
"""Objects and lists within each other; real cards stay below 12."""
Format = Literal["json", "png", "charx"]
_JPEG = b"\xff\xd8\xff"
_WEBP = b"RIFF"
_ZIP = b"PK\x03\x04"


class CardFile(Struct, frozen=True):
    """What was in a file: the container, the JSON object, and remarks on what was odd."""

    format: Format
    raw: dict[str, Any]
    remarks: tuple[str, ...] = ()


def unpack(file: str, data: bytes) -> CardFile:
    """The card in a file. Raises ContentError."""
    if not data.strip():
        raise ContentError(file, "", "the file is empty")
    if data.startswith(card_png.SIGNATURE):
        return _from_png(file, data)
    if data.startswith(_ZIP):
        return CardFile("charx", decode_json(file, "card.json", card_charx.read_card(file, data)))
    if data.startswith(_JPEG):
        return _from_jpeg(file, data)
    if data.startswith(_WEBP):
        raise ContentError(file, "", f"a WebP picture; {_ONLY_PNG}")
    if len(data) > MAX_CARD_BYTES:
        raise ContentError(file, "", f"{len(data)} bytes; a card has at most {MAX_CARD_BYTES}")
    return CardFile("json", decode_json(file, "", data))


_ONLY_PNG = "cards stand in PNG pictures, CHARX and JSON files; save it as one of them"


def _from_png(file: str, data: bytes) -> CardFile:
    cards, remarks = card_png.read(file, data)
    first: ContentError | None = None
    for keyword in card_png.KEYWORDS:
        if keyword not in cards:
            continue
        try:
            raw = decode_json(file, f"chunk {keyword}", cards[keyword])
        except ContentError as error:
            first = first or error
            continue
        if first is not None:
            remarks.append(f"{first.place} is broken ({first.problem}), so the other one was used")
        return CardFile("png", raw, tuple(remarks))
    assert first is not None
    raise first


def _from_jpeg(file: str, data: bytes) -> CardFile:
    """Some programs put a picture before the zip of a CHARX file."""
    if _ZIP not in data:
        raise ContentError(file, "", f"a JPEG picture; {_ONLY_PNG}")
    raw = decode_json(file, "card.json", card_charx.read_card(file, data))
    return CardFile("charx", raw, ("there is a picture before the zip of the CHARX file",))


def decode_json(file: str, place: str, data: bytes) -> dict[str, Any]:
    """A JSON object. Numbers that JSON does not know (NaN, 1e999) become null."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"the byte at position {error.start} is not UTF-8; save the card as UTF-8"
        raise ContentError(file, place, problem) from None
    try:
        value = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        where = f"{place}, {at}" if place else at
        problem = f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        raise ContentError(file, where, problem) from None
    except RecursionError:
        raise ContentError(file, place, _TOO_DEEP) from None
    except ValueError:
        raise ContentError(file, place, "a number with thousands of digits") from None
    if not isinstance(value, dict):
        raise ContentError(file, place, "not a card: a card is a JSON object, {...}")
    if _deeper_than(value, MAX_DEPTH):
        raise ContentError(file, place, _TOO_DEEP)
    return value


_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep; that is no card"


def encode_json(value: dict[str, Any]) -> bytes:
    """The object as UTF-8, for people and programs."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        return (text + "\n").encode()
    except UnicodeEncodeError:  # half an emoji, as JavaScript cuts them
        return (json.dumps(value, indent=2) + "\n").encode()


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            part
            for item in level
            if isinstance(item, dict | list)
            for part in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return any(isinstance(item, dict | list) for item in level)
