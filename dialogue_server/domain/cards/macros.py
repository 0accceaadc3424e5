"""Macros of Character Cards, `{{char}}` and the like, replaced by a fixed table.

No template engine: what is known is replaced, what looks like a macro and is not known goes, and
everything else stays text. A persona is one text for all players, so what depends on the moment
is settled once: the player is "the player", and `{{random}}`, `{{pick}}` and `{{roll}}` choose
by the text around them, the same on every import.
"""

from __future__ import annotations

import hashlib
import re

from ..graphemes import clusters

MAX_ROUNDS = 16
"""How deep macros may stand in macros."""
DESCRIBED, SPOKEN = "the player", "traveller"
"""What `{{user}}` becomes in texts about the NPC, and in what it says."""

_MACRO = re.compile(r"\{\{([^{}]*)\}\}")
_NAME = re.compile(r"//|[A-Za-z_]\w*")
_ANGLE = re.compile(r"<(char|bot|user)>", re.I)
_COMMA = re.compile(r"(?<!\\),")
_SENTENCE_END = re.compile(r"(?:^|[.!?…\n][\"'”’*)]*\s*|[\"“*(]\s*)$")
_DICE = re.compile(r"d?(\d{1,6})", re.I)


class Macros:
    """Replaces macros in the texts of one card, and remembers what there is to report."""

    def __init__(self, char: str) -> None:
        self._char = char.replace("{", "").replace("}", "")
        self._chosen: set[str] = set()
        self._unknown: dict[str, str] = {}
        self._player: set[str] = set()
        self._hidden: set[str] = set()

    def expand(self, text: str, place: str, user: str = DESCRIBED) -> str:
        """The text without macros; `place` names it in reports."""
        text = self._angles(text, place, user)
        for _ in range(MAX_ROUNDS):
            replaced = self._round(text, place, user)
            if replaced == text:
                break
            text = replaced
        return text

    def remarks(self) -> list[str]:
        """What a designer should know of the replacements."""
        remarks = []
        if self._player:
            remarks.append(
                f'{{{{user}}}} became "{DESCRIBED}", and "{SPOKEN}" in what the NPC says '
                f"({_listed(self._player)}): a persona is one text for all players"
            )
        if self._chosen:
            remarks.append(
                f"{{{{random}}}}, {{{{pick}}}} and {{{{roll}}}} were decided once and for all "
                f"({_listed(self._chosen)})"
            )
        if self._hidden:
            remarks.append(f"{{{{hidden_key}}}} was taken out ({_listed(self._hidden)})")
        if self._unknown:
            names = [f"{{{{{name}}}}}" for name in list(self._unknown)[:8]]
            more = f" and {len(self._unknown) - 8} more" if len(self._unknown) > 8 else ""
            remarks.append(
                f"macros that are not known here were taken out: {', '.join(names)}{more} "
                f"({_listed(set(self._unknown.values()))})"
            )
        return remarks

    def _angles(self, text: str, place: str, user: str) -> str:
        def replaced(match: re.Match[str]) -> str:
            if match[1].lower() == "user":
                return self._user(match, place, user)
            return self._char

        return _ANGLE.sub(replaced, text)

    def _round(self, text: str, place: str, user: str) -> str:
        def replaced(match: re.Match[str]) -> str:
            body = match[1].strip()
            head = _NAME.match(body)
            if head is None:
                return match[0]
            name, rest = head[0].lower(), body[head.end() :].lstrip()
            if name in ("//", "comment"):
                return ""
            separator = "::" if rest.startswith("::") else ":" if rest.startswith(":") else ""
            if rest and not separator:
                return match[0]
            rest = rest.removeprefix(separator).strip()
            return self._value(match, name, rest, separator, place, user)

        return _MACRO.sub(replaced, text)

    def _value(
        self, match: re.Match[str], name: str, rest: str, separator: str, place: str, user: str
    ) -> str:
        match name:
            case "char" | "bot":
                return self._char
            case "user":
                return self._user(match, place, user)
            case "original" | "trim" | "noop":
                return ""
            case "newline":
                return "\n"
            case "hidden_key":
                self._hidden.add(place)
                return ""
            case "reverse":
                return "".join(reversed(clusters(rest)))
            case "random" | "pick":
                self._chosen.add(place)
                options = _options(rest, separator)
                return options[_chance(match) % len(options)]
            case "roll":
                dice = _DICE.fullmatch(rest)
                if dice is not None and int(dice[1]):
                    self._chosen.add(place)
                    return str(_chance(match) % int(dice[1]) + 1)
        self._unknown.setdefault(name[:40], place)
        return ""

    def _user(self, match: re.Match[str], place: str, user: str) -> str:
        self._player.add(place)
        starts = user == DESCRIBED and _SENTENCE_END.search(
            match.string, max(0, match.start() - 8), match.start()
        )
        return user[:1].upper() + user[1:] if starts else user


def _options(rest: str, separator: str) -> list[str]:
    """`A,B` with `\\,` for a comma; after `::`, SillyTavern's `A::B` as well."""
    if separator == "::" and "::" in rest:
        return [option.strip() for option in rest.split("::")]
    return [option.replace("\\,", ",").strip() for option in _COMMA.split(rest)]


def _chance(match: re.Match[str]) -> int:
    """A number that stays the same while the macro and the text around it do."""
    start, end = match.span()
    around = match.string[max(0, start - 40) : end + 40]
    seed = f"{start}\0{around}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(seed, digest_size=8).digest(), "big")


def _listed(places: set[str]) -> str:
    return ", ".join(sorted(places))
