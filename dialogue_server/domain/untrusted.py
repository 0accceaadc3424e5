"""What a player or a game's state says, made harmless as part of a prompt.

Whatever comes in, what goes out is one line of visible text that holds no special token of a
chat template, no square bracket (only the game's own lines and tags have those), no Markdown
that structures a prompt, no label that makes it another speaker's, no control character, no
reversal of the reading direction and no hidden text. What remains of the attack is words, said
by the person who said them. Ordinary text in every script stays as it is: joiners inside
Persian, Indic and emoji sequences, right-to-left text and its marks, combining marks.
"""

from __future__ import annotations

import re
from typing import Any

MAX_VALUE = 300
"""Characters of one value of the state that enter a prompt."""
MAX_NAME = 64

_ROLES = (
    "system|assistant|user|human|developer|instructions?|response|ai|bot|model|tool|narrator|"
    "game ?master|gm|dm|admin"
)
_ASCII_SAFE = re.compile(r"[ A-Za-z0-9.,;!?'()_-]*")

_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2060-\u206f\u202a-\u202e"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
# Hidden text in tag characters; they are legitimate only in the flags that begin with U+1F3F4.
_TAG_CHARACTERS = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f)|[\U000e0000-\U000e0fff]"
)
# Joiners and zero-width spaces, legitimate between two characters beyond ASCII.
_JOINER = re.compile(
    "(?<=[^\x00-\x7f\\s\u200b-\u200d])([\u200b-\u200d])[\u200b-\u200d]*"
    "(?=[^\x00-\x7f\\s\u200b-\u200d])|[\u200b-\u200d]+"
)
_SELECTORS = re.compile("([\ufe00-\ufe0f])[\ufe00-\ufe0f]+")
_STACK = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u20d0-\u20f0]{4})[\u0300-\u036f\u0483-\u0489\u20d0-\u20f0]+"
)

_OPEN_ANGLE = re.compile(r"(?<![<＜﹤])[<＜﹤]+(?:(?=[^\s\d=\-<＜﹤])|(?=0x))")
_CLOSE_ANGLE = re.compile(r"(?<![\s=\-])[>＞﹥]+")
_BRACKETS = str.maketrans("[]［］", "()（）")
_FENCE = re.compile(r"`{3,}|~{3,}")
_HASHES = re.compile(r"#{2,}")
_RULE = re.compile(r"[-=_*]{3,}")
_LINE_MARKUP = re.compile(r"(?:^|(?<=\n))[ \t]*(?:(?:#+(?=\s|$)|>+|\|+)[ \t]*)+")
_ROLE_LABEL = re.compile(
    rf"(?:^|(?<=[\s*_(\"'“]))({_ROLES})([*_]{{0,3}}\s*)[:：](?=[\s*_]|$)", re.I
)
_SPACES = re.compile(r"\s{2,}|[\t\n]")
_NOT_IN_NAME = re.compile(r"[^\w .'’\-\u200c\u200d]+")
_NOT_IN_KEY = re.compile(r"[^\w-]+")


def line(text: str, speakers: tuple[str, ...] = ()) -> str:
    """One harmless line. `speakers` are names whose label (`Mira:`) must not stand in it at
    the start of a line."""
    if _ASCII_SAFE.fullmatch(text) and "  " not in text and _RULE.search(text) is None:
        return text.strip()  # nothing in it that anything below would touch
    text = _visible(_BREAKS.sub("\n", text))
    text = _LINE_MARKUP.sub("", text)
    for speaker in filter(None, speakers):
        label = re.compile(
            rf"(^|\n)([ \t*_\"'(]{{0,16}}{re.escape(speaker)}[*_)]{{0,4}}[ \t]*)[:：]", re.I
        )
        text = label.sub(r"\1\2,", text)
    text = _HASHES.sub("#", _FENCE.sub("'", text))
    text = _RULE.sub(_shorter_rule, text)
    text = _special(text).translate(_BRACKETS)
    text = _SPACES.sub(" ", text).strip()
    # Once more, since what was removed may have joined what stood apart.
    return _ROLE_LABEL.sub(r"\1\2,", _LINE_MARKUP.sub("", text)).strip()


def speech(text: str) -> str:
    """What an NPC said earlier, as an assistant's message: lines and tags stay, special tokens
    and hidden characters go."""
    return _special(_visible(text)).strip()


def value(item: Any, limit: int = MAX_VALUE) -> str:
    """A value of the state on one line, at most `limit` characters."""
    text = _plain(item)
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def name(text: str, fallback: str = "Traveller") -> str:
    """A name: letters, digits, spaces and a little punctuation, at most MAX_NAME characters."""
    text = _NOT_IN_NAME.sub(" ", line(text))
    text = _SPACES.sub(" ", text.replace("_", " ")).strip(" .-'’")[:MAX_NAME].strip()
    if re.fullmatch(_ROLES, text, re.I):
        return f"{text} (player)"
    return text or fallback


def key(text: str) -> str:
    """One segment of a state's path."""
    return _NOT_IN_KEY.sub("_", line(text))[:MAX_NAME] or "_"


def _visible(text: str) -> str:
    """Without characters that are not seen, but tell a model or a terminal something."""
    if text.isascii():
        return _CONTROL.sub("", text)
    text = _SURROGATE.sub("\ufffd", text)
    text = _CONTROL.sub("", text)
    text = _TAG_CHARACTERS.sub(r"\1", text)
    text = _JOINER.sub(r"\1", text)
    text = _SELECTORS.sub(r"\1", text)
    return _STACK.sub(r"\1", text)


def _special(text: str) -> str:
    """Without the angle brackets of special tokens; `<3`, `a < b` and `->` stay."""
    if "<" not in text and "＜" not in text and "﹤" not in text:
        return _INSTRUCTION.sub(r"(\1)", text)
    opened = _OPEN_ANGLE.sub(lambda match: "‹" * len(match[0]), text)
    if opened != text:
        opened = _CLOSE_ANGLE.sub(lambda match: "›" * len(match[0]), opened)
    return _INSTRUCTION.sub(r"(\1)", opened)


_INSTRUCTION = re.compile(r"\[(/?[A-Z][A-Z_]{2,})\]")
"""Mistral's control tokens: [INST], [/INST], [SYSTEM_PROMPT], [TOOL_CALLS] ..."""


def _shorter_rule(match: re.Match[str]) -> str:
    """`---` would be a rule or the end of front matter; `***` and `___` are fill-in blanks."""
    return match[0][:2]


def _plain(item: Any) -> str:
    if item is True:
        return "yes"
    if item is False:
        return "no"
    if item is None:
        return "none"
    if isinstance(item, str):
        return line(item[: 4 * MAX_VALUE])
    if isinstance(item, dict):
        # As on the paths of a state: what begins with _ is told to no model.
        seen = [(str(k), v) for k, v in item.items() if not str(k).startswith("_")]
        pairs = [f"{key(k)} {_plain(v)}" for k, v in seen[:50]]
        return ", ".join(pairs)
    if isinstance(item, list | tuple):
        return ", ".join([_plain(part) for part in item[:50]])
    return line(str(item))
