"""Secrets that a test plants, and a search for them in whatever came out."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

SHORTEST = 8
"""Characters of a part of a secret that give it away."""


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it is, and as something on its way may write it."""
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    yield raw.hex().encode()
    for offset in range(3):  # inside of a longer text, at any place
        inner = base64.b64encode(b"x" * offset + raw)[4 if offset else 0 : -4]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def found(secrets: dict[str, str], place: str, data: bytes | str) -> list[str]:
    """Which secrets stand in the data, with what is around them."""
    text = data.encode() if isinstance(data, str) else data
    wrong = []
    for name, secret in secrets.items():
        assert len(secret) >= SHORTEST, name
        for form in forms(secret):
            at = text.find(form)
            if at >= 0:
                around = text[max(0, at - 120) : at + 40]
                wrong.append(f"{name} in {place}: …{around!r}…")
                break
    return wrong


def found_in_folder(secrets: dict[str, str], folder: Path) -> list[str]:
    """The same for every file below a folder."""
    wrong = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            wrong += found(secrets, str(file), file.read_bytes())
    return wrong
