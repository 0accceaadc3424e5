"""What a setting is: a field with a type, a default and one line of help (settings.py)."""

from __future__ import annotations

from typing import Any

from msgspec import Meta, Struct


def option(
    description: str,
    *,
    unit: str = "",
    flag: str = "",
    path: bool = False,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
) -> Meta:
    """The help of a setting, its unit, a short flag, whether it is a path, and its bounds."""
    extra = {"unit": unit, "flag": flag, "path": path}
    build: Any = Meta  # its overloads forbid ge beside gt, even where one is None
    meta: Meta = build(description=description, extra=extra, ge=ge, gt=gt, le=le)
    return meta


class Section(Struct, frozen=True, kw_only=True):
    """A table of the settings file."""


def shown(value: str) -> str:
    """A setting as it may be shown: an address without user, password and query. Whatever stands
    before the last @ is left out: a password whose @ or / is not escaped goes with it."""
    scheme, found, rest = value.partition("://")
    if not found:
        return value
    _, at, place = rest.rpartition("@")
    place, query, _ = place.partition("?")
    if not at and place.startswith(":"):
        place = "***"  # a password that no @ ends
    return f"{scheme}://{'***@' if at else ''}{place}{'?***' if query else ''}"
