"""Inline tags in a model's text, and the pieces that a stream of it is made of.

    [mood: angry]    [mood: angry 80]    [pause: 500]    [action: give_item item="old key" count=2]

A tag is recognised wherever the stream is split, in any case and spacing. A bracket that
cannot become one of these three is ordinary text at once. A tag that names a mood or an action
the persona does not declare, or whose parameters do not fit, becomes a `Rejected`; a player
never sees it, nor one that is half typed when the text ends.

White space is settled here too, since it depends on the tags: none at the start and the end of
the text, one run of it where a removed tag had one on both sides, none between a removed tag
and the punctuation after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from .persona import Action as ActionSpec
from .persona import Parameter, Persona

MAX_TAG = 200
"""Characters within which a tag must be closed, else it is ordinary text."""
MAX_PAUSE_MS = 10_000
_SHOWN = 10
"""How many of the things that are there a problem names."""


class Text(Struct, frozen=True, gc=False):
    """More text to show. Never empty."""

    text: str


class Mood(Struct, frozen=True):
    """The NPC's mood changes at `offset`, in code points from the start of the text. `intensity`
    is 0 to 100, None where the tag does not say."""

    offset: int
    name: str
    intensity: int | None = None


class Action(Struct, frozen=True):
    """The NPC does something. `args` have the types that the persona declares."""

    offset: int
    name: str
    args: dict[str, Any]


class Pause(Struct, frozen=True):
    """The reveal waits `ms` milliseconds, at most MAX_PAUSE_MS."""

    offset: int
    ms: int


class Rejected(Struct, frozen=True):
    """A tag that was not sent, and why. `kind` is mood, action or pause."""

    kind: str
    name: str
    problem: str


Piece = Text | Mood | Action | Pause | Rejected

_KINDS = ("mood", "action", "pause")
_OPENING = re.compile(r"\[\s*(mood|action|pause)\s*[:=]", re.I | re.A)
_CLOSED = re.compile(r'\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\]', re.S)
_CLOSED_SIMPLY = re.compile(r"\[[^\]]*\]")
_NAME = re.compile(r"\s*([^\s,=:\"']+)\s*,?\s*")
_ARGUMENT = re.compile(r"""([^\s,=:"']+)\s*[=:]\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,"']+)\s*,?\s*""")
_STRENGTH = re.compile(r"""(.*?)[\s,=:]+["']?([0-9]{1,4})\s*%?["']?""", re.S)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s)?", re.I | re.A)
_UNSPACED = frozenset(".,;:!?…)")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class TagParser:
    """Splits text into pieces. Text pieces are not yet whole grapheme clusters.

    `available` tells whether a declared action may be used now (its `when`), `there_is` what a
    path of the state holds now (`Parameter.among`), None where there is no state to ask.
    """

    def __init__(
        self,
        persona: Persona,
        available: Callable[[ActionSpec], bool] = lambda _: True,
        there_is: Callable[[str], list[str]] | None = None,
    ) -> None:
        self._moods = {mood.casefold(): mood for mood in persona.moods}
        self._actions = {action.name.casefold(): action for action in persona.actions}
        self._available = available
        self._there_is = there_is
        self._held = ""
        self._left = self._right = ""
        self._after_tag = False
        self.length = 0
        """Code points of the text pieces so far."""

    @property
    def idle(self) -> bool:
        """Whether text that has no `[` and ends in no white space would pass unchanged."""
        return self.length > 0 and not (self._held or self._left or self._right or self._after_tag)

    def feed(self, text: str) -> list[Piece]:
        """Take text; return what is settled. After the last feed, call `flush`."""
        pieces: list[Piece] = []
        text = self._held + text
        self._held = ""
        start = 0
        while (bracket := text.find("[", start)) >= 0:
            self._settle(text[start:bracket], pieces)
            candidate = text[bracket : bracket + MAX_TAG]
            opening = _OPENING.match(candidate)
            if opening is None:
                if len(candidate) < MAX_TAG and _may_open(candidate):
                    self._held = candidate
                    return pieces
                self._settle("[", pieces)
                start = bracket + 1
                continue
            closed = _CLOSED.match(candidate)
            if closed is None:
                if len(candidate) < MAX_TAG:
                    self._held = candidate
                    return pieces
                closed = _CLOSED_SIMPLY.match(candidate)
                if closed is None:
                    self._settle("[", pieces)
                    start = bracket + 1
                    continue
            self._tag(opening[1].lower(), candidate[opening.end() : closed.end() - 1], pieces)
            start = bracket + closed.end()
        self._settle(text[start:], pieces)
        return pieces

    def flush(self) -> list[Piece]:
        """Return what is left: the text is over. Trailing white space and a half-typed tag go."""
        pieces: list[Piece] = []
        held, self._held = self._held, ""
        opening = _OPENING.match(held)
        closed = _CLOSED_SIMPLY.match(held)
        if opening is not None and closed is not None:
            # Closed, but for a quotation mark that never was.
            self._tag(opening[1].lower(), held[opening.end() : closed.end() - 1], pieces)
            pieces += self.feed(held[closed.end() :])
            pieces += self.flush()
        elif held[1:].strip() == "":
            self._settle(held, pieces)
        return pieces

    def _settle(self, text: str, pieces: list[Piece]) -> None:
        """Add ordinary text, white space settled."""
        body = text.lstrip()
        space = text[: len(text) - len(body)]
        if space:
            if self._after_tag:
                self._right += space
            else:
                self._left += space
        if not body:
            return
        if self._after_tag and not self._right and body[0] in _UNSPACED:
            before = ""
        else:
            before = max(self._left, self._right, key=_weight)
        stripped = body.rstrip()
        if self.length == 0:
            before = ""
        out = before + stripped
        self._left, self._right, self._after_tag = body[len(stripped) :], "", False
        self.length += len(out)
        pieces.append(Text(out))

    def _tag(self, kind: str, body: str, pieces: list[Piece]) -> None:
        if self._after_tag:
            self._left = max(self._left, self._right, key=_weight)
            self._right = ""
        self._after_tag = True
        body = body.strip()
        if kind == "mood":
            word, intensity = _strength(body)
            mood = self._moods.get(body.strip("\"'").strip().casefold())
            if mood is not None:
                pieces.append(Mood(self.length, mood))
            elif (mood := self._moods.get(word)) is not None:
                pieces.append(Mood(self.length, mood, intensity))
            else:
                pieces.append(Rejected(kind, body, f"not one of the moods{_of(self._moods)}"))
        elif kind == "pause":
            match = _DURATION.fullmatch(body.strip("\"'"))
            if match is None:
                problem = "not a number of milliseconds, such as 500"
                pieces.append(Rejected(kind, body, problem))
                return
            scale = 1000 if (match[2] or "").lower() == "s" else 1
            ms = min(int(float(match[1]) * scale), MAX_PAUSE_MS)
            if ms:
                pieces.append(Pause(self.length, ms))
        else:
            pieces.append(self._action(body))

    def _action(self, body: str) -> Piece:
        named = _NAME.match(body)
        if named is None:
            return Rejected("action", body, "has no name")
        name = named[1]
        action = self._actions.get(name.casefold())
        if action is None:
            return Rejected("action", name, f"not one of the actions{_of(self._actions)}")
        if not self._available(action):
            return Rejected("action", action.name, f"not available now ({action.when})")
        parameters = {key.casefold(): key for key in action.parameters}
        args: dict[str, Any] = {}
        position = named.end()
        while position < len(body):
            match = _ARGUMENT.match(body, position)
            if match is None:
                rest = body[position:]
                return Rejected("action", action.name, f'not of the form key="value": {rest}')
            position = match.end()
            key = parameters.get(match[1].casefold())
            if key is None:
                problem = f"unknown parameter {match[1]}{_of(action.parameters)}"
                return Rejected("action", action.name, problem)
            try:
                value = _convert(_unquoted(match[2]), action.parameters[key])
                args[key] = self._existing(value, action.parameters[key])
            except ValueError as error:
                return Rejected("action", action.name, f"parameter {key}: {error}")
        for key, parameter in action.parameters.items():
            if parameter.required and key not in args:
                return Rejected("action", action.name, f"parameter {key} is missing")
        return Action(self.length, action.name, args)

    def _existing(self, value: Any, parameter: Parameter) -> Any:
        """The value as the state names it; ValueError if there is no such thing now."""
        if not parameter.among or self._there_is is None:
            return value
        there = self._there_is(parameter.among)
        for name in there:
            if name.casefold() == str(value).casefold():
                return name if isinstance(value, str) else value
        known = ", ".join(there[:_SHOWN]) or "nothing"
        raise ValueError(f"{value} is not there now; {parameter.among} has {known}")


def _strength(body: str) -> tuple[str, int | None]:
    """`angry 80` as ("angry", 80)."""
    match = _STRENGTH.fullmatch(body)
    if match is None:
        return body, None
    word = match[1].casefold().removesuffix("intensity").strip("\"', ")
    return word, min(int(match[2]), 100)


def _may_open(text: str) -> bool:
    """Whether `text`, which begins with a bracket, may go on as one of our tags."""
    body = text[1:].lstrip()
    word = body.rstrip().lower()
    if len(word) < len(body):
        return word in _KINDS
    return any(kind.startswith(word) for kind in _KINDS)


def _weight(space: str) -> int:
    """Which of two runs of white space to keep: the one with more line breaks, then any."""
    return 2 * space.count("\n") + bool(space)


def _of(known: dict[str, Any]) -> str:
    return f" ({', '.join(known)})" if known else ": the persona has none"


def _unquoted(raw: str) -> str:
    if raw[0] == '"':
        return re.sub(r"\\(.)", r"\1", raw[1:-1], flags=re.S)
    return raw[1:-1] if raw[0] == "'" else raw


def _convert(raw: str, parameter: Parameter) -> str | int | float | bool:
    """The value of a parameter; raises ValueError with what was expected."""
    value: str | int | float | bool
    if parameter.type == "string":
        value = raw
    elif parameter.type == "integer":
        if not _WHOLE.fullmatch(raw):
            raise ValueError(f"{raw} is not a whole number")
        value = int(raw)
    elif parameter.type == "number":
        try:
            value = float(raw)
        except ValueError:
            raise ValueError(f"{raw} is not a number") from None
        if not -1e300 < value < 1e300:
            raise ValueError(f"{raw} is not a finite number")
    else:
        if raw.lower() not in _BOOLEANS:
            raise ValueError(f"{raw} is neither true nor false")
        return _BOOLEANS[raw.lower()]
    for allowed in parameter.values:
        if value == allowed or (
            isinstance(value, str) and value.casefold() == str(allowed).casefold()
        ):
            return allowed
    if parameter.values:
        allowed_values = ", ".join(map(str, parameter.values))
        raise ValueError(f"{raw} is not one of {allowed_values}")
    return value
