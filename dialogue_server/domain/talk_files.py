"""A talk written down by hand, or a transcript of one, as the history of a prompt.

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

from ..errors import ContentError
from .conversation import Node
from .persona import Persona

_PLAYER = "player"


def decode_talk(
    file: str, data: bytes, personas: Mapping[str, Persona], player: str
) -> tuple[Node, ...]:
    """The lines, oldest first. `player` is the player's name. Raises a ContentError that names
    the line."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ContentError(file, "", "not UTF-8; save the file as UTF-8") from None
    names = {persona.name.casefold(): id_ for id_, persona in personas.items()}
    names.update((id_.casefold(), id_) for id_ in personas)
    lines = _json(file, text) if text.lstrip()[:1] in ("[", "{") else _plain(file, text)
    nodes: list[Node] = []
    for number, (place, speaker, said) in enumerate(lines, 1):
        npc = names.get(speaker.casefold(), "")
        mine = speaker.casefold() in (_PLAYER, player.casefold())
        if not npc and not mine:
            known = ", ".join([_PLAYER, *personas])
            raise ContentError(file, place, f"nobody is called {speaker!r}; known are {known}")
        nodes.append(
            Node(
                id=str(number),
                parent=str(number - 1) if number > 1 else "",
                kind="player" if mine else "npc",
                speaker=player if mine else npc,
                text=said,
                at=0.0,
            )
        )
    return tuple(nodes)


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
