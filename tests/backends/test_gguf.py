"""What a wrong model file is told."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from dialogue_server.backends.gguf import check
from dialogue_server.errors import SettingsError


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def gguf(*, version: int = 3, kind: int | None = None, dimensions: int = 2) -> bytes:
    """A small, whole GGUF file: three values, two tensors of 32 bytes."""
    pairs = [
        string("general.architecture") + struct.pack("<I", 8) + string("llama"),
        string("tokens") + struct.pack("<IIQ", 9, 8, 2) + string("a") + string("b"),
        string("scores") + struct.pack("<IIQ", 9, 6, 3) + struct.pack("<3f", 1, 2, 3),
    ]
    if kind is not None:
        pairs.append(string("odd") + struct.pack("<I", kind))
    tensors = b"".join(
        string(name) + struct.pack(f"<I{dimensions}QIQ", dimensions, *[2] * dimensions, 0, offset)
        for name, offset in (("one", 0), ("two", 32))
    )
    head = b"GGUF" + struct.pack("<IQQ", version, 2, len(pairs))
    return head + b"".join(pairs) + tensors + bytes(64)


def write(folder: Path, data: bytes) -> Path:
    path = folder / "m.gguf"
    path.write_bytes(data)
    return path


def test_a_whole_file_passes(tmp_path: Path) -> None:
    check(write(tmp_path, gguf()))


@pytest.mark.parametrize("kept", [4, 30, 60, 150, len(gguf()) - 40])
def test_a_file_that_was_cut_short_is_told(tmp_path: Path, kept: int) -> None:
    with pytest.raises(SettingsError, match=r"^settings_invalid: m\.gguf: is cut short; get it"):
        check(write(tmp_path, gguf()[:kept]))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html>", "is a web page"),
        (b'{"error": "gated"}', "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
        (b"PK\x03\x04", "is an archive"),
        (b"\x93NUMPY", "is no GGUF file"),
        (gguf(version=99), "makes no sense"),
        (gguf(kind=77), "makes no sense"),
        (gguf(dimensions=9), "makes no sense"),
    ],
)
def test_a_file_of_another_kind_is_told_what_it_is(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        check(write(tmp_path, data))


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        check(tmp_path / "m.gguf")
    with pytest.raises(SettingsError, match=r"is a folder|cannot be read"):
        check(tmp_path)
