from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from dialogue_server.domain import language_detector
from dialogue_server.domain.authored import plain
from dialogue_server.domain.language_detector import Detector, wrong_language
from dialogue_server.domain.sentences import SentenceStarts
from dialogue_server.stores import content

STARTER = Path(content.__file__).parents[1] / "starter"
SAID = {
    "en": "The causeway is dry now. It stays dry for four hours.",
    "de": "Der Damm ist jetzt trocken, vier Stunden lang bleibt er es.",
    "fr": "La chaussée est sèche, tu as quatre heures devant toi.",
    "es": "El camino está seco ahora, tienes cuatro horas para cruzar.",
    "it": "La strada è asciutta adesso, hai quattro ore.",
    "pt": "A estrada está seca agora, você tem quatro horas.",
    "nl": "De dijk is nu droog, je hebt vier uur de tijd.",
    "pl": "Grobla jest teraz sucha, masz cztery godziny.",
    "sv": "Vägen är torr nu, du har fyra timmar på dig.",
    "da": "Vejen er tør nu, du har fire timer.",
    "cs": "Cesta je teď suchá, máš čtyři hodiny.",
    "fi": "Tie on nyt kuiva, sinulla on neljä tuntia.",
    "tr": "Yol şimdi kuru, dört saatin var.",
    "hu": "Az út most száraz, négy órád van.",
    "ro": "Drumul este uscat acum, ai patru ore.",
    "id": "Jalannya sekarang kering, kamu punya empat jam.",
    "vi": "Con đường bây giờ khô, bạn có bốn giờ.",
    "ru": "Дорога сейчас сухая, у тебя четыре часа.",
    "uk": "Дорога зараз суха, у тебе чотири години.",
    "ar": "الطريق جاف الآن، لديك أربع ساعات.",
    "he": "הדרך יבשה עכשיו, יש לך ארבע שעות.",
    "fa": "جاده الان خشک است، چهار ساعت وقت داری.",
    "hi": "सड़क अब सूखी है, तुम्हारे पास चार घंटे हैं।",
    "th": "ถนนแห้งแล้วตอนนี้ คุณมีเวลาสี่ชั่วโมง",
    "ja": "道は今乾いています。四時間あります。",
    "ko": "길은 지금 말랐어요. 네 시간 남았어요.",
    "zh": "路现在是干的，你有四个小时。",
}


@pytest.fixture(scope="module")
def detector() -> Detector:
    found, problem = language_detector.load()
    assert found is not None, problem
    return found


@pytest.mark.parametrize("tag", SAID)
def test_no_language_is_taken_for_another(tag: str, detector: Detector) -> None:
    assert wrong_language(SAID[tag], tag, detector) == ""


@pytest.mark.parametrize(
    "tag", ["de", "fr", "es", "it", "pt", "nl", "pl", "sv", "cs", "fi", "tr", "hu"]
)
def test_a_sentence_of_another_language_is_told(tag: str, detector: Detector) -> None:
    assert wrong_language(SAID[tag], "en", detector) == tag
    assert wrong_language(SAID["en"], tag, detector) == "en"


@pytest.mark.parametrize(
    "text",
    [
        "Hm. Eleven, twelve, thirteen.",
        "Ja, ja.",
        "Mon ami!",
        "C'est la vie, as they say in Harrow.",
        "Tove. Pell. Jory. Wen. Abel Rusk.",
        "Ha! Ha ha ha ha ha ha ha ha ha!",
        "…",
        "3, 4, 5, 6, 7, 8",
    ],
)
def test_what_is_short_or_mixed_gives_no_alarm(text: str, detector: Detector) -> None:
    assert wrong_language(text, "en", detector) == ""


def test_no_sentence_of_the_starter_world_gives_an_alarm(detector: Detector) -> None:
    alarms = [
        (sentence, found)
        for sentence in starter_sentences()
        if (found := wrong_language(sentence, "en", detector))
    ]
    assert not alarms


def starter_sentences() -> Iterator[str]:
    for persona in content.load(STARTER).personas.values():
        texts = [*persona.fallback, *(line.text for line in persona.lines)]
        texts += [fact.text for fact in persona.knowledge]
        for text in map(plain, texts):
            at = [0, *SentenceStarts().feed(text), len(text)]
            yield from (text[a:b] for a, b in pairwise(at))


def test_near_kin_are_not_told_apart(detector: Detector) -> None:
    assert wrong_language(SAID["da"], "nb", detector) == ""
    assert wrong_language(SAID["pt"], "es", detector) == ""


def test_of_a_language_it_does_not_know_it_says_nothing(detector: Detector) -> None:
    assert wrong_language(SAID["en"], "tlh", detector) == ""


def test_without_the_library_the_script_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    language_detector._detector.cache_clear()
    found, problem = language_detector.load()
    assert found is None
    assert "dialogue-server[languages]" in problem
    assert wrong_language(SAID["ru"], "en", None) == "Cyrl"
    assert wrong_language(SAID["de"], "en", None) == ""


DIALECT = [
    ("en", "Grimbold Ironfist of Khaz-Modan greets thee, traveler, and bids thee welcome."),
    ("en", "Ye cannae pass, laddie, no' wi'out the laird's leave."),
    ("en", "Arr, me hearties! Hoist the mainsail an' scupper the bilge rats!"),
    ("en", "Dinna fash yersel', lass, I ken the road weel enough."),
    ("en", "Zug zug! Me smash puny hoomans. Me take shiny."),
    ("en", "Buongiorno, signore! You want ze best pizza in ze whole city, no?"),
    ("en", "Ze Baron, he is not at home, monsieur. You must come back tomorrow."),
    ("en", "Uhhh... ummm... hmmm. Well. Er. Not sure, mate."),
    ("en", "Two loaves, five eggs, a pound of butter, three onions, salt."),
    ("de", "Grüß Gott, der Herr! A Maß Bier gfällig? I bring's glei."),
    ("de", "Moin moin, wat wullt du denn hier, mien Jung?"),
    ("de", "Habe die Ehre, gnä' Frau, was darf's denn sein?"),
]


@pytest.mark.parametrize(("tag", "text"), DIALECT)
def test_dialects_accents_and_invented_words_give_no_alarm(
    tag: str, text: str, detector: Detector
) -> None:
    assert wrong_language(text, tag, detector) == ""
