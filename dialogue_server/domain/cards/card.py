"""Character Cards in and out: bytes to the files of a content folder, and back to bytes.

    import_file   card or lorebook → personas/ID.toml, lore/ID.toml, the original for cards/
    export_file   persona, lore, the original → JSON, PNG or CHARX

The parts: card_containers (JSON, PNG, CHARX), card_fields (V1 to V3), card_macros,
card_examples, lorebooks and card_lore, card_import and card_export, card_source (the TOML).
Nothing here touches a file; nothing of a card is ever run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ...errors import ContentError
from ..persona import LoreBook, Persona
from . import charx as card_charx
from . import containers as card_containers
from . import exporting as card_export
from . import fields as card_fields
from . import importing as card_import
from . import lore_entries as card_lore
from . import lorebooks
from . import png as card_png
from . import source as card_source
from .containers import Format
from .exporting import Source
from .macros import Macros

MAX_SOURCE = 1_000_000
"""Bytes of a file that an import writes, as much as the server reads."""
_ICON = "assets/icon/images/main.png"
_EMBEDDED = ("embeded://", "embedded://")


class ImportedFiles(Struct, frozen=True):
    """What an import writes; an empty text for a file that is not needed. `original` is the
    ending of the file that keeps the card ("json", "png", "charx"), empty for a lorebook."""

    id: str
    name: str
    persona: str
    lore: str
    entries: int
    original: str
    remarks: tuple[str, ...]


class ExportedFile(Struct, frozen=True):
    """A card to write, and what it could not hold."""

    data: bytes
    remarks: tuple[str, ...]


def import_file(file: str, data: bytes, npc: str = "") -> ImportedFiles:
    """The persona and lore of a card, or the lore of a lorebook. `file` is its name, for errors;
    `npc` an id in place of the one made of the name. Raises ContentError."""
    unpacked = card_containers.unpack(file, data)
    if card_fields.kind_of(file, unpacked.raw) == "book":
        return _import_book(file, unpacked.raw, npc, unpacked.remarks)
    card = card_fields.read(file, unpacked.raw)
    imported = card_import.convert(file, card, npc)
    npc = imported.persona.id
    original = f"cards/{npc}.{unpacked.format}"
    lore = imported.lore
    return ImportedFiles(
        id=npc,
        name=imported.persona.name,
        persona=_bounded(file, card_source.persona_source(imported, card, original)),
        lore=_bounded(file, _lore_source(lore, f"the card {original}")) if lore.entries else "",
        entries=len(lore.entries),
        original=unpacked.format,
        remarks=(*unpacked.remarks, *imported.remarks),
    )


def _import_book(file: str, raw: dict[str, Any], npc: str, odd: tuple[str, ...]) -> ImportedFiles:
    macros = Macros("the character")
    lore, _, remarks = card_lore.import_book(lorebooks.read(file, raw), macros)
    if not lore.entries:
        why = f" ({'; '.join(remarks)})" if remarks else ""
        raise ContentError(file, "entries", f"no entry in it can be used{why}")
    stem = file.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
    npc = npc or card_import.id_of(lore.name or stem)
    return ImportedFiles(
        id=npc,
        name=lore.name or stem,
        persona="",
        lore=_bounded(file, _lore_source(lore, "a lorebook")),
        entries=len(lore.entries),
        original="",
        remarks=(*odd, *remarks, *macros.remarks()),
    )


def _lore_source(lore: LoreBook, what: str) -> str:
    return card_source.lore_source(lore, what)


def _bounded(file: str, source: str) -> str:
    size = len(source.encode())
    if size > MAX_SOURCE:
        problem = (
            f"the texts make a file of {size} bytes, and the server reads at most {MAX_SOURCE}; "
            "split the card"
        )
        raise ContentError(file, "", problem)
    return source


def export_file(
    persona: Persona,
    lore: LoreBook | None,
    form: Format,
    *,
    version: int = 3,
    original: bytes = b"",
    picture: bytes = b"",
    now: int = 0,
) -> ExportedFile:
    """A persona as a card. `original` is the file it was imported from, if it was; `picture` a
    PNG to put it into, in place of the original's. Raises ContentError if either is broken."""
    name = f"cards/{persona.id}"
    source = None
    was: Format | None = None
    if original:
        unpacked = card_containers.unpack(name, original)
        was = unpacked.format
        card = card_fields.read(name, unpacked.raw)
        imported = card_import.convert(name, card, persona.id)
        source = Source(unpacked.raw, imported)
    card_v3, remarks = card_export.build(persona, lore, source, now)
    assets = card_charx.read_assets(name, original) if was == "charx" else {}
    if not picture and was == "png":
        picture = original
    if form == "charx":
        assets = dict(assets)
        if picture:
            assets[_ICON] = card_png.write("the picture", picture, {})
            _point_icon(card_v3["data"], "ccdefault:", f"embeded://{_ICON}")
        if version != 3:
            remarks.append("a CHARX file always holds a V3 card")
        encoded = card_charx.write(card_containers.encode_json(card_v3), assets)
        return ExportedFile(encoded, tuple(remarks))
    if form == "png":
        icon = _icon(card_v3["data"], assets)
        if not picture and icon:
            picture = assets.pop(icon)
            _point_icon(card_v3["data"], icon, "ccdefault:")
        cards = _png_cards(card_v3, version, remarks)
        encoded = card_png.write("the picture", picture or card_png.blank(), cards)
    else:
        stated, told = card_export.as_version(card_v3, version)
        remarks += told
        encoded = card_containers.encode_json(stated)
    if assets:
        remarks.append(
            f"{len(assets)} files of the original stay behind; only the format charx holds them"
        )
    return ExportedFile(encoded, tuple(remarks))


def _png_cards(card: dict[str, Any], version: int, remarks: list[str]) -> dict[str, bytes]:
    """The chunks of a picture: a V3 card with a V2 copy for older programs, or one card."""
    if version == 3:
        copy = card_export.backfill(card)
        return {
            "chara": card_containers.encode_json(copy),
            "ccv3": card_containers.encode_json(card),
        }
    stated, told = card_export.as_version(card, version)
    remarks += told
    return {"chara": card_containers.encode_json(stated)}


def _icons(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The card's own pictures, the main one first."""
    assets = data.get("assets")
    found = [
        asset
        for asset in (assets if isinstance(assets, list) else ())
        if isinstance(asset, dict) and asset.get("type") == "icon"
    ]
    return sorted(found, key=lambda asset: asset.get("name") != "main")


def _icon(data: Mapping[str, Any], assets: Mapping[str, bytes]) -> str:
    """The member of a CHARX file that is the card's picture, if it is a PNG."""
    for asset in _icons(data):
        path = _path(asset)
        if assets.get(path, b"").startswith(card_png.SIGNATURE):
            return path
    return ""


def _path(asset: Mapping[str, Any]) -> str:
    uri = str(asset.get("uri"))
    for scheme in _EMBEDDED:
        uri = uri.removeprefix(scheme)
    return uri


def _point_icon(data: dict[str, Any], old: str, new: str) -> None:
    """Let the card's main picture be found at `new`, where it was at `old`."""
    icons = _icons(data)
    for asset in icons:
        if _path(asset) == old:
            asset["uri"] = new
            return
    if not icons:
        main = {"type": "icon", "uri": new, "name": "main", "ext": "png"}
        listed = data.get("assets")
        data["assets"] = [*(listed if isinstance(listed, list) else ()), main]
