"""Cards inside pictures: the text chunks of a PNG or APNG file, bytes in and bytes out.

A card is base64 of UTF-8 JSON in a `tEXt` chunk with the keyword `chara` (V2) or `ccv3` (V3).
The picture itself is never decoded: chunks are walked, checked and put back as they were. See
https://www.w3.org/TR/png-3/ for chunks, Character Card V3 "Embedding Methods" for the keywords.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Iterator

from msgspec import Struct

from ...errors import ContentError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CARD_BYTES = 16_000_000
"""Bytes of JSON in a card. The largest lorebooks are a few million."""
MAX_CHUNKS = 100_000
KEYWORDS = ("ccv3", "chara")
"""Where a card may stand, the better one first. Compared without regard to case."""
ASSET_PREFIX = "chara-ext-asset_"

_CHUNK_TYPE = re.compile(rb"[A-Za-z]{4}")
_WHITE = re.compile(rb"[\s\x00]+")
_MAX_BASE64 = MAX_CARD_BYTES * 4 // 3 + 4


class Chunk(Struct, frozen=True):
    """A chunk as it stands in the file. `intact` is whether its checksum fits."""

    kind: bytes
    data: bytes
    intact: bool


def chunks(file: str, data: bytes) -> Iterator[Chunk]:
    """The chunks of a PNG, IEND the last. Raises ContentError where the file is cut or broken."""
    if not data.startswith(SIGNATURE):
        raise ContentError(file, "", "not a PNG file")
    position = len(SIGNATURE)
    for number in range(1, MAX_CHUNKS + 1):
        place = f"chunk {number}"
        if position + 12 > len(data):
            raise ContentError(file, place, "the picture is cut off; fetch the file once more")
        length, kind = struct.unpack_from(">I4s", data, position)
        if not _CHUNK_TYPE.fullmatch(kind):
            raise ContentError(file, place, "not a PNG chunk; the file is damaged")
        end = position + 8 + length
        if end + 4 > len(data):
            problem = (
                f"the chunk {kind.decode()} says that it has {length} bytes, but the file ends "
                "before; it is cut off or damaged"
            )
            raise ContentError(file, place, problem)
        body = data[position + 8 : end]
        (checksum,) = struct.unpack_from(">I", data, end)
        yield Chunk(kind, body, checksum == zlib.crc32(body, zlib.crc32(kind)))
        if kind == b"IEND":
            return
        position = end + 4
    raise ContentError(file, "", f"more than {MAX_CHUNKS} chunks; that is no picture")


def read(file: str, data: bytes) -> tuple[dict[str, bytes], list[str]]:
    """The cards of a picture: keyword → JSON bytes, and remarks on what was odd.

    A picture may hold the same card twice, as `ccv3` and, for older programs, as `chara`. If one
    of the two is broken the other serves; if all are, the error tells of the first.
    """
    found: dict[str, bytes] = {}
    errors: dict[str, ContentError] = {}
    remarks: list[str] = []
    elsewhere = ""
    assets = 0
    for chunk in chunks(file, data):
        if chunk.kind not in (b"tEXt", b"zTXt", b"iTXt"):
            continue
        name, _, body = chunk.data.partition(b"\0")
        keyword = name.decode("latin-1").lower()
        assets += keyword.startswith(ASSET_PREFIX)
        if keyword not in KEYWORDS:
            continue
        if chunk.kind != b"tEXt":
            elsewhere = elsewhere or f"{chunk.kind.decode()} chunk {keyword}"
        elif keyword in found:
            remarks.append(f"the picture has several chunks {keyword}; the first one is used")
        else:
            try:
                found[keyword] = _decoded(file, keyword, body, chunk.intact)
            except ContentError as error:
                errors.setdefault(keyword, error)
    if not found:
        if errors:
            raise next(iter(errors.values()))
        if elsewhere:
            problem = "cards stand in tEXt chunks; export the card anew in the program it is from"
            raise ContentError(file, elsewhere, problem)
        problem = (
            "the picture has no card in it (no tEXt chunk chara or ccv3); programs that edit or "
            "send pictures remove it, so get the original file"
        )
        raise ContentError(file, "", problem)
    remarks += [
        f"the chunk {keyword} is broken ({error.problem}), so the other one was used"
        for keyword, error in errors.items()
        if keyword not in found
    ]
    if assets:
        remarks.append(f"{assets} further files in the picture are not used; they stay in it")
    return found, list(dict.fromkeys(remarks))


def write(file: str, picture: bytes, cards: dict[str, bytes]) -> bytes:
    """The picture with `cards` (keyword → JSON bytes) in it, in place of those it had."""
    out = [SIGNATURE]
    waiting = [
        _chunk(b"tEXt", keyword.encode() + b"\0" + base64.b64encode(card))
        for keyword, card in cards.items()
    ]
    for chunk in chunks(file, picture):
        if chunk.kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword = chunk.data.partition(b"\0")[0].decode("latin-1").lower()
            if keyword in KEYWORDS:
                continue
        if chunk.kind in (b"IDAT", b"IEND"):
            # Before the picture's data: some programs read no further.
            out += waiting
            waiting = []
        out.append(_chunk(chunk.kind, chunk.data))
    return b"".join(out)


def blank(width: int = 400, height: int = 600) -> bytes:
    """A picture for a card that has none: plain slate grey."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    row = b"\0" + bytes((70, 78, 90)) * width
    return SIGNATURE + b"".join(
        (
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(row * height, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _decoded(file: str, keyword: str, body: bytes, intact: bool) -> bytes:
    place = f"chunk {keyword}"
    if not intact:
        problem = "its checksum does not fit: the file was damaged on its way; fetch it once more"
        raise ContentError(file, place, problem)
    if len(body) > _MAX_BASE64:
        problem = f"{len(body)} bytes; a card has at most {MAX_CARD_BYTES}"
        raise ContentError(file, place, problem)
    text = _WHITE.sub(b"", body)
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        problem = "not base64; the card was written by a broken program or damaged since"
        raise ContentError(file, place, problem) from None


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)
