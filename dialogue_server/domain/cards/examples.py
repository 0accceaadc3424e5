"""Example dialogues of a card: one text with `<START>` between the talks, into exchanges and back.

The text comes with its macros: `{{user}}:` and `{{char}}:` say who speaks, as does the NPC's name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..persona import Example

MAX_NAME = 200
_START = re.compile(r"<START>", re.I)
_USER = re.compile(r"\s*(?:\{\{\s*user\s*\}\}|<user>|you)\s*:\s?", re.I)
_CHAR = r"\s*(?:\{{\{{\s*(?:char|bot)\s*\}}\}}|<(?:char|bot)>|{name})\s*:\s?"


def split(text: str, names: Sequence[str]) -> tuple[list[Example], int]:
    """The exchanges of a card's examples, macros still in them, and how many lines had none of
    the two speakers or no counterpart. `names` are the NPC's."""
    known = "|".join(re.escape(name) for name in names if 0 < len(name.strip()) <= MAX_NAME)
    known = known or r"(?!)"
    char = re.compile(_CHAR.format(name=f"(?:{known})"), re.I)
    found: list[Example] = []
    lost = 0
    for talk in _START.split(text):
        turns: list[tuple[str, list[str]]] = []
        for line in talk.strip().splitlines():
            for speaker, label in (("player", _USER), ("npc", char)):
                match = label.match(line)
                if match is not None:
                    said = line[match.end() :]
                    if turns and turns[-1][0] == speaker:
                        turns[-1][1].append(said)
                    else:
                        turns.append((speaker, [said]))
                    break
            else:
                if turns:
                    turns[-1][1].append(line)
                else:
                    lost += bool(line.strip())
        lost += _pair(turns, found)
    return found, lost


def _pair(turns: list[tuple[str, list[str]]], found: list[Example]) -> int:
    """Add what a talk has of a player's line and the NPC's answer; return what is left over."""
    lost = 0
    asked = ""
    for speaker, lines in turns:
        said = "\n".join(lines).strip()
        if speaker == "player":
            lost += bool(asked)
            asked = said
        elif asked and said:
            found.append(Example(asked, said))
            asked = ""
        else:
            lost += bool(said)
    return lost + bool(asked)


def join(examples: Sequence[Example]) -> str:
    """Examples as a card has them."""
    return "\n".join(
        f"<START>\n{{{{user}}}}: {example.player}\n{{{{char}}}}: {example.npc}"
        for example in examples
    )
