"""Is this a whole GGUF file? Asked before a model process is started on it.

Reads the header only (GGUF specification, version 3): magic, metadata, the table of tensors. A
file that was cut short ends before its last tensor begins; one that was cut within the last
tensor is left to llama.cpp, which says so too.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from ..errors import SettingsError

_MAGIC = b"GGUF"
_STRING, _ARRAY = 8, 9
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_MAX_DIMENSIONS = 8
_MAX_DEPTH = 4


class _Header:
    """A cursor over the header. Running off its end raises, by struct or by the checks."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.at = 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from(f"<{kind}", self._data, self.at)
        self.at += struct.calcsize(kind)
        return int(value)

    def skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise EOFError

    def skip_value(self, kind: int, depth: int = 0) -> None:
        if kind == _STRING:
            self.skip(self.number("Q"))
        elif kind == _ARRAY and depth < _MAX_DEPTH:
            inner, count = self.number("I"), self.number("Q")
            if inner in _SIZES:
                self.skip(count * _SIZES[inner])
            else:
                for _ in range(count):
                    self.skip_value(inner, depth + 1)
        else:
            self.skip(_SIZES[kind])


def check(path: Path) -> None:
    """Raise a SettingsError that says what is wrong with `path` as a model's file."""
    name = path.name
    try:
        with path.open("rb") as file:
            start = file.read(512)
            if start[:4] != _MAGIC:
                raise SettingsError(f"{name}: {_what_else(start)}")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                whole = _is_whole(_Header(data), len(data))
    except FileNotFoundError:
        raise SettingsError(
            f"{name}: there is no such file; `dialogue-server model list` shows the names that "
            "are known, and a path must lead to a GGUF file"
        ) from None
    except IsADirectoryError:
        raise SettingsError(f"{name}: is a folder; name the GGUF file in it") from None
    except (struct.error, EOFError):
        whole = False
    except (KeyError, ValueError):
        raise SettingsError(
            f"{name}: begins like a GGUF file, but its header makes no sense; get it again"
        ) from None
    except OSError as error:
        raise SettingsError(f"{name}: cannot be read ({error.strerror})") from None
    if not whole:
        raise SettingsError(f"{name}: is cut short; get it again, the download was not finished")


def _is_whole(header: _Header, size: int) -> bool:
    header.skip(4)
    version = header.number("I")
    if version not in (2, 3):
        raise ValueError(version)
    tensors, pairs = header.number("Q"), header.number("Q")
    for _ in range(pairs):
        header.skip_value(_STRING)
        header.skip_value(header.number("I"))
    last = 0
    for _ in range(tensors):
        header.skip_value(_STRING)
        dimensions = header.number("I")
        if dimensions > _MAX_DIMENSIONS:
            raise ValueError(dimensions)
        header.skip(8 * dimensions + 4)
        last = max(last, header.number("Q"))
    return tensors == 0 or header.at + last < size


def _what_else(start: bytes) -> str:
    text = start.lstrip().lower()
    if not start:
        return "is empty; get it again"
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"{")):
        return "is a web page and no model: the link led to a page about the file, not to the file"
    if text.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer and no model: fetch the file itself with `git lfs pull`"
    if start.startswith(b"PK"):
        return "is an archive and no model: unpack it, and name the .gguf file in it"
    return "is no GGUF file, the format that the embedded model needs (its name ends in .gguf)"
