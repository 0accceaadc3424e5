"""A talk written down by hand, or a transcript of one, line by line.

    player: Is the mine open?
    mira: Flooded, all of it.
      And nobody drains it.

A line begins with who speaks: "player", an NPC's id or its name. Indented lines go on with the
line before; empty lines and those after # count for nothing. JSON is read too: the lines of a
`transcript` message, or the message itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ..errors import ContentError
from .persona import Persona

_PLAYER = "player"


class TalkLine(Struct, frozen=True):
    """Who said what: an NPC's id, "" for the player."""

    npc: str
    text: str


def decode_talk(
    file: str, data: bytes, personas: Mapping[str, Persona], player: str
) -> tuple[TalkLine, ...]:
    """The lines, oldest first. `player` is the player's name. Raises a ContentError that names
    the line."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ContentError(file, "", "not UTF-8; save the file as UTF-8") from None
    names = {persona.name.casefold(): id_ for id_, persona in personas.items()}
    names.update((id_.casefold(), id_) for id_ in personas)
    names.update((name.casefold(), "") for name in (_PLAYER, player))
    said: list[TalkLine] = []
    for place, speaker, line in _json(file, text) if _is_json(text) else _plain(file, text):
        npc = names.get(speaker.casefold())
        if npc is None:
            known = ", ".join([_PLAYER, *personas])
            raise ContentError(file, place, f"nobody is called {speaker!r}; known are {known}")
        said.append(TalkLine(npc, line))
    return tuple(said)


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] in ("[", "{")


def _plain(file: str, text: str) -> Iterator[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        place = f"line {number}"
        if line[0].isspace() and found:
            begun, speaker, said = found[-1]
            found[-1] = (begun, speaker, f"{said}\n{line.strip()}")
            continue
        speaker, colon, said = line.partition(":")
        if not colon or not said.strip():
            raise ContentError(
                file, place, 'write who speaks, a colon and the line: "player: Hello"'
            )
        found.append((place, speaker.strip(), said.strip()))
    yield from found


def _json(file: str, text: str) -> Iterator[tuple[str, str, str]]:
    try:
        raw: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ContentError(file, "", f"not JSON: {error}") from None
    lines = raw.get("lines") if isinstance(raw, dict) else raw
    if not isinstance(lines, list):
        raise ContentError(file, "", 'must be a list of lines, or a transcript with "lines"')
    for number, line in enumerate(lines):
        place = f"[{number}]"
        speaker, said = (
            (line.get("speaker"), line.get("text")) if isinstance(line, dict) else (None, None)
        )
        if not isinstance(speaker, str) or not isinstance(said, str):
            problem = 'needs the texts "speaker" and "text"'
            raise ContentError(file, place, problem)
        yield place, _PLAYER if line.get("kind") == _PLAYER else speaker, said
