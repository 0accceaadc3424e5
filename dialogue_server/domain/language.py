"""Language tags (BCP 47), the scripts that languages are written in, and whether a text can be
in a language at all.

A language is found by RFC 4647's lookup: de-AT, then de. The script of a text is counted letter
by letter; which language it is in, a detector must say (language_detector.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,5}")

_LANGUAGES = """
af Afrikaans, ar Arabic, az Azerbaijani, be Belarusian, bg Bulgarian, bn Bengali, bs Bosnian,
ca Catalan, cs Czech, cy Welsh, da Danish, de German, el Greek, en English, eo Esperanto,
es Spanish, et Estonian, eu Basque, fa Persian, fi Finnish, fr French, ga Irish, gl Galician,
gu Gujarati, he Hebrew, hi Hindi, hr Croatian, hu Hungarian, hy Armenian, id Indonesian,
is Icelandic, it Italian, ja Japanese, ka Georgian, kk Kazakh, km Khmer, kn Kannada, ko Korean,
la Latin, lo Lao, lt Lithuanian, lv Latvian, mk Macedonian, ml Malayalam, mn Mongolian,
mr Marathi, ms Malay, my Burmese, nb Norwegian, ne Nepali, nl Dutch, nn Norwegian (Nynorsk),
no Norwegian, pa Punjabi, pl Polish, pt Portuguese, ro Romanian, ru Russian, si Sinhala,
sk Slovak, sl Slovenian, sq Albanian, sr Serbian, sv Swedish, sw Swahili, ta Tamil, te Telugu,
th Thai, tl Filipino, tr Turkish, uk Ukrainian, ur Urdu, uz Uzbek, vi Vietnamese, zh Chinese,
zu Zulu
"""
NAMES: dict[str, str] = {}
for _entry in _LANGUAGES.split(","):
    _code, _, _name = _entry.strip().partition(" ")
    NAMES[_code] = _name
"""English names, as a prompt gives them to a model."""

_RANGES = {
    "Latn": "A-Za-zªºÀ-ÖØ-öø-\u02af\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a",
    "Grek": "\u0370-\u03ff\u1f00-\u1fff",
    "Cyrl": "\u0400-\u052f\u1c80-\u1c8f",
    "Armn": "\u0531-\u0587",
    "Hebr": "\u05d0-\u05f2",
    "Arab": "\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\u08a0-\u08c9\ufb50-\ufefc",
    "Deva": "\u0904-\u0939\u0958-\u0961\u0972-\u097f",
    "Beng": "\u0985-\u09b9\u09dc-\u09e1",
    "Guru": "\u0a05-\u0a39\u0a59-\u0a5e",
    "Gujr": "\u0a85-\u0ab9",
    "Taml": "\u0b85-\u0bb9",
    "Telu": "\u0c05-\u0c39",
    "Knda": "\u0c85-\u0cb9",
    "Mlym": "\u0d05-\u0d3a",
    "Sinh": "\u0d85-\u0dc6",
    "Thai": "\u0e01-\u0e2e",
    "Laoo": "\u0e81-\u0eae",
    "Mymr": "\u1000-\u102a",
    "Geor": "\u10a0-\u10ff\u1c90-\u1cbf",
    "Hang": "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3",
    "Ethi": "\u1200-\u135a",
    "Khmr": "\u1780-\u17b3",
    "Kana": "\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d",
    "Hani": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f",
}
_LETTERS = {script: re.compile(f"[{chars}]") for script, chars in _RANGES.items()}
_SCRIPTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["ar", "fa", "ur", "ckb", "ps", "sd", "ug"], ("Arab",)),
    **dict.fromkeys(["be", "bg", "kk", "ky", "mk", "mn", "ru", "tg", "tt", "uk"], ("Cyrl",)),
    **dict.fromkeys(["hi", "mr", "ne", "sa"], ("Deva",)),
    **dict.fromkeys(["sr", "uz", "az"], ("Cyrl", "Latn")),
    **dict.fromkeys(["zh", "yue", "wuu"], ("Hani",)),
    **{"am": ("Ethi",), "bn": ("Beng",), "el": ("Grek",), "gu": ("Gujr",), "he": ("Hebr",)},
    **{"hy": ("Armn",), "ja": ("Kana", "Hani"), "ka": ("Geor",), "km": ("Khmr",)},
    **{"kn": ("Knda",), "ko": ("Hang", "Hani"), "lo": ("Laoo",), "ml": ("Mlym",)},
    **{"my": ("Mymr",), "pa": ("Guru", "Arab"), "si": ("Sinh",), "ta": ("Taml",)},
    **{"te": ("Telu",), "th": ("Thai",), "yi": ("Hebr",)},
}
"""Languages that are not written in Latin letters alone. Of the rest, Latin is expected."""
_SUBTAGS: dict[str, tuple[str, ...]] = {
    **{"hans": ("Hani",), "hant": ("Hani",), "jpan": ("Kana", "Hani"), "kore": ("Hang", "Hani")},
    **{script.lower(): (script,) for script in _RANGES},
}

FEW_LETTERS = 8
"""A text of fewer letters of one script tells nothing: a name, an exclamation."""


def normalized(tag: str) -> str:
    """A tag in lower case with hyphens ("de-at"), "" for what is none."""
    tag = tag.strip().replace("_", "-").lower()
    return tag if _TAG.fullmatch(tag) else ""


def chosen(tags: Iterable[str]) -> str:
    """The first tag that is one: the line's, the conversation's, … as the caller orders them."""
    return next(filter(None, map(normalized, tags)), "")


def lookup(tag: str) -> tuple[str, ...]:
    """The tags to look for, the narrowest first: de-at, de."""
    parts = normalized(tag).split("-")
    return tuple("-".join(parts[:size]) for size in range(len(parts), 0, -1) if parts[0])


def primary(tag: str) -> str:
    """The language itself: "de" of "de-AT"."""
    return normalized(tag).partition("-")[0]


def english_name(tag: str) -> str:
    """A language's name for a prompt: "German", "German (de-at)" for a narrower tag, "" for no
    tag."""
    tag = normalized(tag)
    if not tag:
        return ""
    language, _, rest = tag.partition("-")
    name = NAMES.get(language)
    if name is None:
        return f"the language {tag}"
    return f"{name} ({tag})" if rest else name


def scripts(tag: str) -> tuple[str, ...]:
    """The scripts that a language is written in, as ISO 15924 codes."""
    language, *subtags = normalized(tag).split("-")
    for subtag in subtags:
        if subtag in _SUBTAGS:
            return _SUBTAGS[subtag]
    return _SCRIPTS.get(language, ("Latn",))


def letters(text: str) -> dict[str, int]:
    """How many letters of each script a text has."""
    if text.isascii():
        count = sum(map(str.isalpha, text))
        return {"Latn": count} if count else {}
    counts = {script: len(found.findall(text)) for script, found in _LETTERS.items()}
    return {script: count for script, count in counts.items() if count}


def foreign_script(text: str, tag: str) -> str:
    """The script that most of a text is in, if the language is not written in it; else "".

    A few words in another script are names or quotations; a text that has enough of its own
    script passes whatever stands beside it.
    """
    own = scripts(tag)
    counts = letters(text)
    most = max(counts, key=counts.__getitem__, default="")
    if not most or most in own or counts[most] < FEW_LETTERS:
        return ""
    # Japanese has Chinese characters among its kana, and Chinese has no kana.
    weight = 1 if most == "Kana" else 2
    return most if weight * sum(counts.get(script, 0) for script in own) < counts[most] else ""
