"""Keeps a model's reasoning out of a streamed text."""

from __future__ import annotations

_OPEN = ("<think>", "<thinking>")
_CLOSE = ("</think>", "</thinking>")


class ThinkFilter:
    """Takes `<think>...</think>` out of a streamed text, however it is split."""

    __slots__ = ("_held", "_inside", "thought")

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self.thought = False

    def feed(self, text: str) -> str:
        """The part of the text so far that may be shown."""
        if not self._held and not self._inside and "<" not in text:
            return text
        text = self._held + text
        self._held = ""
        shown: list[str] = []
        while text:
            start, tag = _find(text, _CLOSE if self._inside else _OPEN)
            if not self._inside:
                shown.append(text[:start])
            text = text[start:]
            if not tag:
                self._held = text
                break
            self._inside = not self._inside
            self.thought = True
            text = text[len(tag) :]
        return "".join(shown)

    def end(self) -> str:
        """What was held back because it might have become a tag."""
        held, self._held = self._held, ""
        return "" if self._inside else held


def _find(text: str, tags: tuple[str, ...]) -> tuple[int, str]:
    """Where the first of `tags` starts, and which; else where a beginning of one starts."""
    at = text.find("<")
    while at != -1:
        for tag in tags:
            if text.startswith(tag, at):
                return at, tag
            if tag.startswith(text[at:]):
                return at, ""
        at = text.find("<", at + 1)
    return len(text), ""
