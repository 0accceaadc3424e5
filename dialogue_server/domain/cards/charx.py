"""CHARX files: a zip with `card.json` at its root and the card's pictures and sounds beside it.

Nothing is ever written to a disk from here: members are looked at, checked, and copied from one
zip to another. Limits stand before anything is unpacked.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping

from ...errors import ContentError
from .png import MAX_CARD_BYTES

CARD = "card.json"
MAX_MEMBERS = 10_000
MAX_UNPACKED = 500_000_000
"""Bytes of all members together, unpacked."""
MAX_RATIO = 200
"""How often a member may be larger than its packed form. Text reaches 20; a bomb, 1000."""

_DRIVE = re.compile(r"[A-Za-z]:")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def read_card(file: str, data: bytes) -> bytes:
    """The JSON of a CHARX file. Raises ContentError for anything that is odd."""
    with _opened(file, data) as archive:
        return _member(file, archive, CARD)


def read_assets(file: str, data: bytes) -> dict[str, bytes]:
    """All members but the card, by their names."""
    with _opened(file, data) as archive:
        return {
            info.filename: _member(file, archive, info.filename)
            for info in archive.infolist()
            if info.filename != CARD and not info.is_dir()
        }


def write(card: bytes, assets: Mapping[str, bytes]) -> bytes:
    """A CHARX file. The same input gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {CARD: card, **assets}.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return out.getvalue()


def _opened(file: str, data: bytes) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        problem = "not a whole zip file; it is cut off or damaged, fetch it once more"
        raise ContentError(file, "", problem) from None
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise ContentError(file, "", f"more than {MAX_MEMBERS} files in it; that is no card")
    names: set[str] = set()
    for info in members:
        _check_name(file, info)
        shown = _shown(info.filename)
        if info.filename in names:
            raise ContentError(file, shown, "is in the zip twice; which one counts?")
        names.add(info.filename)
        if info.flag_bits & 0x1:
            raise ContentError(file, shown, "is encrypted; export the card without that")
        if info.file_size > MAX_RATIO * max(info.compress_size, 100):
            problem = (
                f"unpacks to {info.file_size} bytes from {info.compress_size}: a zip bomb, which "
                "is not opened"
            )
            raise ContentError(file, shown, problem)
    if sum(info.file_size for info in members) > MAX_UNPACKED:
        problem = f"unpacks to more than {MAX_UNPACKED // 1_000_000} MB, which is not opened"
        raise ContentError(file, "", problem)
    if CARD not in names:
        problem = f"there is no {CARD} in the zip, so it is no CHARX file"
        raise ContentError(file, "", problem)
    return archive


def _check_name(file: str, info: zipfile.ZipInfo) -> None:
    # zipfile has replaced backslashes on Windows, and cut the name at a NUL.
    name = info.orig_filename.replace("\\", "/")
    outside = name.startswith("/") or ".." in name.split("/") or _DRIVE.match(name)
    if outside or "\0" in name or not name:
        shown = _shown(info.orig_filename)
        problem = f"the name {shown} leads out of the zip's own folder; the file is not opened"
        raise ContentError(file, "", problem)


def _member(file: str, archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if name == CARD and info.file_size > MAX_CARD_BYTES:
        problem = f"{info.file_size} bytes; a card has at most {MAX_CARD_BYTES}"
        raise ContentError(file, name, problem)
    try:
        # Never more than the size that was checked, whatever the packed data says.
        with archive.open(info) as member:
            return member.read()
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,  # an offset before the file's begin
    ):
        problem = "cannot be unpacked; the file is damaged, fetch it once more"
        raise ContentError(file, _shown(name), problem) from None


def _shown(name: str) -> str:
    """A member's name for a terminal: nothing in it is obeyed there."""
    return ascii(name)[1:-1][:60]
