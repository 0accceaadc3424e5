"""Which language a text is in. Sole owner of py3langid, which is optional (the extra
`languages`): without it, only the script is checked.

Its model takes a second to load and about 100 MB; `load` does that once, outside the event loop.
A text takes about 40 µs. Its probabilities are calibrated, and what is short or near to two
languages gets a low one: there we keep silent, since a false alarm costs an answer.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from .language import NAMES, foreign_script, letters, primary

SURE = 0.85
"""How likely another language must be …"""
UNLIKELY = 0.03
"""… and the expected one at most, for a false answer to be called one."""
MIN_LETTERS = 20
"""A shorter text gives no alarm, but by its script."""
_MIN_WORDS = 4
_MISSING = (
    "the answers' language is checked by its script alone, since py3langid is not installed: "
    "`pip install 'dialogue-server[languages]'`"
)

_KIN = (
    {"no", "nb", "nn", "da"},
    {"hr", "bs", "sr", "sl", "mk", "bg"},
    {"id", "ms", "jv"},
    {"cs", "sk"},
    {"gl", "pt", "es", "ca"},
    {"nl", "af"},
    {"ru", "be", "uk"},
    {"hi", "mr", "ne"},
    {"zh", "yue", "wuu", "ja"},
    {"az", "tr"},
)
"""Languages that short texts do not tell apart."""


class Detector:
    """Tells a text in another language than the one expected."""

    def __init__(self, identifier: Any) -> None:
        self._identifier = identifier
        self._known = frozenset(identifier.nb_classes)

    def other_than(self, text: str, tag: str) -> str:
        """The language that a text is surely in instead of the expected one, else ""."""
        expected = primary(tag)
        # Of a language that it does not know, it cannot say that a text is not in it.
        if expected not in self._known and not _kin(expected) & self._known:
            return ""
        if sum(letters(text).values()) < MIN_LETTERS or _is_one_phrase(text):
            return ""
        best, likely = self._identifier.classify(text)
        kin = _kin(expected)
        if best in kin or likely < SURE:
            return ""
        own = max(chance for language, chance in self._identifier.rank(text) if language in kin)
        return str(best) if own <= UNLIKELY else ""


def load() -> tuple[Detector | None, str]:
    """The detector, or None and a sentence that says how to get one. Takes a second."""
    try:
        return _detector(), ""
    except ImportError:
        return None, _MISSING


@cache
def _detector() -> Detector:
    from py3langid.langid import (  # type: ignore[import-untyped]  # noqa: PLC0415
        MODEL_FILE,
        LanguageIdentifier,
    )

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # Without the languages that hardly any game speaks, and that take what is odd in others.
    identifier.set_languages(set(NAMES) & set(identifier.labels) - {"eo", "la"})
    return Detector(identifier)


def wrong_language(text: str, tag: str, detector: Detector | None) -> str:
    """The script or the language that a text is surely in instead of the expected one."""
    return foreign_script(text, tag) or ("" if detector is None else detector.other_than(text, tag))


@cache
def _kin(language: str) -> frozenset[str]:
    return frozenset({language}.union(*(group for group in _KIN if language in group)))


def _is_one_phrase(text: str) -> bool:
    """Whether a text has so few words that it may be a name or a saying."""
    return len(text.split()) < _MIN_WORDS and letters(text).keys() <= {"Latn", "Cyrl", "Grek"}
