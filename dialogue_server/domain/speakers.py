"""Who speaks: labels such as `Mira:` at the start of a line of a model's text.

The NPC's own label is removed; the label of another speaker, the player above all, means that
the model goes on with a part that is not its own, and ends the text.
"""

from __future__ import annotations

_MARKS = "*_"
_SPACE = " \t"
_MAX_DECORATION = 8
"""Spaces and asterisks around a label beyond which a line is ordinary text."""


class LabelFilter:
    """Removes labels from streamed text. `stopped` turns true at another speaker's label."""

    def __init__(self, own: tuple[str, ...], others: tuple[str, ...]) -> None:
        own_folded = {name.casefold() for name in own}
        self._names = tuple(
            dict.fromkeys(
                [(name.casefold(), len(name), True) for name in own if name]
                + [
                    (name.casefold(), len(name), False)
                    for name in others
                    if name and name.casefold() not in own_folded
                ]
            )
        )
        self._head = ""
        self._at_start = True
        self.stopped = False

    @property
    def idle(self) -> bool:
        """Whether text without a line break would pass unchanged."""
        return not self._at_start

    def feed(self, text: str) -> str:
        """Take text; return what is not a label. After the last feed, call `flush`."""
        out = []
        while text and not self.stopped:
            if self._at_start:
                self._head += text
                text = self._decide()
                if self._at_start:
                    break
            line, newline, text = text.partition("\n")
            out.append(line + newline)
            self._at_start = bool(newline)
        return "".join(out)

    def flush(self) -> str:
        """Return what was held back: the text is over. A bare label at the end goes."""
        head, self._head = self._head, ""
        return "" if self.stopped or _after_label(head, self._names) is not None else head

    def _decide(self) -> str:
        """Look at the head of a line: return the text to go on with once that is known."""
        head, newline, rest = self._head.partition("\n")
        found = _after_label(head, self._names)
        if found is None:
            if not newline and _may_be_label(head, self._names):
                return ""
        else:
            own, end = found
            if not own:
                self.stopped = True
                self._head = ""
                return ""
            if end is None:
                if not newline:
                    return ""
                end = len(head)
            head = head[end:]
        self._head = ""
        self._at_start = False
        return head + newline + rest


def _split(head: str) -> tuple[str, bool, int]:
    """The head without what decorates its start, whether there was a mark, and the offset."""
    body = head.lstrip(_SPACE + _MARKS)
    offset = len(head) - len(body)
    return body, any(mark in head[:offset] for mark in _MARKS), offset


def _after_label(
    head: str, names: tuple[tuple[str, int, bool], ...]
) -> tuple[bool, int | None] | None:
    """(own, offset behind the label) if `head` begins with one; the offset is None while what
    follows is not there yet. None if there is no whole label."""
    body, marked, offset = _split(head)
    if offset > _MAX_DECORATION:
        return None
    for name, size, own in names:
        if body[:size].casefold() != name:
            continue
        tail = body[size:].lstrip(_SPACE + _MARKS)
        between = len(body) - size - len(tail)
        if not tail or tail[0] not in ":：" or between > _MAX_DECORATION:
            continue
        rest = tail[1:]
        if marked:
            rest = rest.lstrip(_MARKS)
        rest = rest.lstrip(_SPACE)
        return own, len(head) - len(rest) if rest else None
    return None


def _may_be_label(head: str, names: tuple[tuple[str, int, bool], ...]) -> bool:
    """Whether more text can make a label of `head`."""
    body, _, offset = _split(head)
    if offset > _MAX_DECORATION:
        return False
    folded = body.casefold()
    for name, size, _own in names:
        if len(body) < size:
            if name.startswith(folded):
                return True
        elif body[:size].casefold() == name:
            tail = body[size:]
            if len(tail) <= _MAX_DECORATION and not tail.strip(_SPACE + _MARKS):
                return True
    return False
