"""In which language a designer's text is: a cheap look for lint, sure or silent.

Scripts tell some languages; among those of the Latin script, the small words that each sentence
has. It is no detector for answers in play: it knows few languages, and says nothing of a text
that is short or mixed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_TAG = re.compile(r"\[[^\[\]]*\]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_FEWEST_WORDS = 4
_FEWEST_HITS = 2
_SCRIPTS = {
    "CJK": "Chinese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CYRILLIC": "in Cyrillic script",
    "GREEK": "Greek",
    "ARABIC": "in Arabic script",
    "HEBREW": "Hebrew",
    "THAI": "Thai",
    "DEVANAGARI": "in Devanagari script",
}
# Words of two languages count for both, and so for neither.
_SMALL_WORDS = {
    "English": "the and of you is that it was for with have this not but what there they when your "
    "i'm it's don't you're my he she we are from who i to a in on at be me him her his if can will "
    "would do did an or no one so up out",
    "German": "der das und ist nicht ich du sie wir ein eine mit auf für auch dem den noch was "
    "aber hier wie nur kein haben wenn mein dein",
    "French": "le les des est pas je vous nous une et que qui dans pour avec sur il elle mais "
    "c'est n'est suis votre mon au du",
    "Spanish": "el los las es y que una por con para pero está yo usted muy del al mi su hay "
    "aquí como lo nada",
    "Italian": "il gli che è non una per con sono di mi ma questo della anche qui hai ho cosa lo "
    "nel molto",
    "Portuguese": "o os não que uma por com para mas está eu você muito do da em meu seu aqui são",
    "Dutch": "het een en niet ik je van dat is voor met zijn maar hier ook wij deze geen wat naar",
    "Polish": "i nie jest się to na że ja ty jak ale tak tu po dla tylko mój co czy od",
}
_LISTS = {name: frozenset(listed.split()) for name, listed in _SMALL_WORDS.items()}


def language(text: str) -> str:
    """The language by its English name, as far as it is clear; else ""."""
    text = _TAG.sub(" ", text)
    letters = Counter(
        _SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0], "")
        for letter in text
        if letter.isalpha()
    )
    if not letters:
        return ""
    script, count = letters.most_common(1)[0]
    if letters["Japanese"] and letters["Japanese"] + letters["Chinese"] > letters[""]:
        return "Japanese"  # it writes most words in Chinese characters
    if script:
        return script if count >= _FEWEST_WORDS else ""
    found = [word.casefold().replace("’", "'") for word in _WORD.findall(text)]
    if len(found) < _FEWEST_WORDS:
        return ""
    hits = {name: sum(word in listed for word in found) for name, listed in _LISTS.items()}
    (best, most), (_, second) = sorted(hits.items(), key=lambda item: -item[1])[:2]
    return best if most >= _FEWEST_HITS and most > second + 1 else ""
