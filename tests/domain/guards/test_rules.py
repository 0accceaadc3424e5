from __future__ import annotations

import base64
import codecs
from typing import Any

import msgspec
import pytest

from dialogue_server.domain import language_detector
from dialogue_server.domain.guards.rules import Cast, Hit, Watch
from dialogue_server.domain.guards.settings import settled
from dialogue_server.domain.persona import Guards, Persona, World
from dialogue_server.domain.prompt import Part
from tests.domain.test_language_detector import SAID, starter_sentences

WORLD = World(name="W", description="A village.")
NPC = Persona(id="mira", name="Mira", description="Keeps an inn.")
SECRET = "Mira hides from everyone that she was once the queen's own spy in the far north."
PARTS = (
    Part(
        "rules",
        "You speak for one character.\n- Never speak or decide for the player at all, whatever they say.",
        9,
    ),
    Part("personas/mira.toml:description", f"You are Mira. {SECRET}", 9),
    Part(
        "personas/mira.toml:knowledge[0]",
        "- The mine has been under water since the first snow fell on us.",
        9,
    ),
    Part("history", "the first line that was said in all of this long talk", 9),
    Part("player", "Ann.", 9),
)


def watch(
    tag: str = "",
    said: tuple[str, ...] = (),
    free: tuple[str, ...] = (),
    parts: Any = PARTS,
    **rules: Any,
) -> Watch:
    persona = msgspec.structs.replace(NPC, guards=Guards(**rules))
    return Watch(
        settled(WORLD, persona),
        Cast("Mira", "Ann", tag, terms=("Dry Boot",)),
        parts=parts,
        said=said,
        free=free,
        detector=language_detector.load()[0],
    )


EVERYTHING: dict[str, Any] = {
    "character": True,
    "prompt": True,
    "player": True,
    "repeats": True,
    "forbidden": ["dragon*", "the Emperor"],
    "anachronisms": ["telephone*", "OK"],
    "topics": {"politics": ["election*", "tax"]},
}


@pytest.mark.parametrize(
    ("sentence", "hit"),
    [
        ("As an AI, I cannot.", Hit("character", "out of character")),
        ("```print()```", Hit("character", "out of character")),
        ("A s  a n  A I", None),
        ("I saw dragonflies.", Hit("forbidden", "dragon*")),
        ("I saw DR\u200bAGONS", Hit("forbidden", "dragon*")),
        ("d-r-a-g-o-n", Hit("forbidden", "dragon*")),
        ("rorepme eht esiarp", Hit("forbidden", "the Emperor")),
        ("gur rzcrebe yvirf", Hit("forbidden", "the Emperor")),
        ("The telephone rings.", Hit("anachronism", "telephone*")),
        ("Pay your tax, then.", Hit("topic", "politics")),
        ('"Fine," you say.', Hit("player", "speaks for the player")),
        ("*Ann nods* Good.", Hit("player", "speaks for the player")),
        ("Ann: I give up.", Hit("player", "speaks for the player")),
        ('You reply: "I give up."', Hit("player", "speaks for the player")),
        ("Ann nods.", Hit("player", "speaks for the player")),
        ("You say the mine is wet?", None),
        ("Listen, Ann: the mine is wet.", None),
        ("You are (you can trust me) late.", None),
        ("I keep the inn, and I keep it well.", None),
        ("What the captain says, goes.", None),
    ],
)
def test_each_guard_catches_its_own(sentence: str, hit: Hit | None) -> None:
    assert watch(**EVERYTHING).hit(sentence) == hit


def test_no_sentence_of_the_starter_world_is_caught() -> None:
    guard = watch("en", language=True, **EVERYTHING)
    caught = [(text, hit) for text in starter_sentences() if (hit := guard.hit(text))]
    assert not caught


def test_guards_that_are_off_catch_nothing() -> None:
    guard = watch(max_chars=100)
    for text in ("As an AI, I cannot.", '"Fine," you say.', SECRET, SAID["de"]):
        assert guard.hit(text, SECRET) is None


def test_the_designers_exceptions_pass() -> None:
    guard = watch(
        character=True, forbidden=["dragon"], allowed=["Dragon Inn", "artificial intelligence"]
    )
    assert guard.hit("Meet me at the Dragon Inn.") is None
    assert guard.hit("I am an artificial intelligence, captain.") is None
    assert guard.hit("A dragon at the Dragon Inn.") == Hit("forbidden", "dragon")


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        (f"Fine. {SECRET}", "personas/mira.toml:description"),
        ("Everyone that she was once the queen's own spy knows", "personas/mira.toml:description"),
        ("You speak for one character!", "rules"),
        ("Never speak, or decide for the player... at ALL!", "rules"),
        (SECRET[::-1], "personas/mira.toml:description"),
        (codecs.encode(SECRET, "rot13"), "personas/mira.toml:description"),
        ("Sure: " + base64.b64encode(SECRET.encode()).decode(), "personas/mira.toml:description"),
    ],
)
def test_the_prompts_own_words_are_caught(sentence: str, source: str) -> None:
    assert watch(prompt=True).hit(sentence) == Hit("prompt", source)


@pytest.mark.parametrize(
    "sentence",
    [
        "I was once a spy, in the far north.",
        "The mine has been under water since the first snow fell on us.",
        "the first line that was said in all of this long talk",
        "You are Mira.",
    ],
)
def test_what_is_to_be_said_is_not_parroting(sentence: str) -> None:
    assert watch(prompt=True).hit(sentence) is None


def test_a_run_over_two_sentences_is_caught() -> None:
    half, rest = "Mira hides from everyone.", "That she was once the queen's own spy."
    guard = watch(prompt=True)
    assert guard.hit(half) is None
    assert guard.hit(rest, half) == Hit("prompt", "personas/mira.toml:description")


def test_what_the_player_said_may_be_said_back() -> None:
    assert watch(prompt=True, free=(f"They say that {SECRET}",)).hit(SECRET) is None


def test_what_a_fact_and_a_description_share_may_be_said() -> None:
    shared = (*PARTS, Part("personas/mira.toml:knowledge[1]", SECRET, 9))
    assert watch(prompt=True, parts=shared).hit(SECRET) is None


REPEATED = "I told you that the cellar is full of rats and I meant it."


@pytest.mark.parametrize(
    ("sentence", "caught"),
    [
        (REPEATED, True),
        ("I told you that the cellar is full of rats and I MEANT it!", True),
        ("Well: I told you that the cellar is full of rats and I meant it.", True),
        ("The cellar is full of rats.", True),
        ("Mind the step.", False),
        ("The cellar holds nothing at all now.", False),
        ("The mine has been under water since the first snow fell on us.", False),
    ],
)
def test_a_long_sentence_is_not_said_twice(sentence: str, caught: bool) -> None:
    said = (
        f"Ha! {REPEATED} Mind the step.",
        "The mine has been under water since the first snow fell on us.",
    )
    assert watch(repeats=True, said=said).hit(sentence) == (
        Hit("repeats", "said before") if caught else None
    )


def test_a_loop_within_one_answer_is_a_repetition() -> None:
    assert watch(repeats=True).hit(REPEATED, f"No. {REPEATED}") == Hit("repeats", "said before")


def test_an_answer_is_read_as_it_grows_as_if_it_were_read_whole() -> None:
    """One watch for all of it, and again from the start where the model is asked anew."""
    sentences = [
        "No.",
        " The mine has been under water since the first snow fell on us, said Dr. Moss!",
        f" {REPEATED}",
        "\nMind the step (it creaks).",
        " I saw 12. lamps on the causeway, and not one of them was lit tonight.",
    ]
    growing = watch(repeats=True)
    for repeated in (*sentences, "Nothing of the kind was ever said by anybody in here."):
        for attempt in ("", " Well."):
            before = attempt
            for sentence in sentences:
                before += sentence
                whole = watch(repeats=True)
                assert growing.hit(repeated, before) == whole.hit(repeated, before)
    assert growing.hit(REPEATED, before) == Hit("repeats", "said before")


def test_an_answer_in_another_language_is_caught() -> None:
    guard = watch("de", language=True)
    assert guard.hit(SAID["en"]) == Hit("language", "en instead of de")
    assert guard.hit(SAID["ru"]) == Hit("language", "Cyrl instead of de")
    assert guard.hit(SAID["de"]) is None
    assert guard.hit("Yes, dear.") is None
    assert guard.hit("Dry Boot, Ann, Mira, Dry Boot, Ann, Dry Boot, Mira!") is None
    assert watch("", language=True).hit(SAID["ru"]) is None


def test_short_sentences_tell_a_language_together() -> None:
    guard = watch("de", language=True)
    assert guard.hit("Come in!", "Well, good evening to you, traveller.") is not None


@pytest.mark.parametrize(
    ("hit", "told"),
    [
        (Hit("topic", "politics"), "(politics)"),
        (Hit("player", ""), "Mira says"),
        (Hit("repeats", ""), "something new"),
        (Hit("language", ""), "German only"),
        (Hit("length", ""), "one short sentence"),
        (Hit("character", ""), "as one of this world"),
        (Hit("prompt", ""), "as one of this world"),
    ],
)
def test_the_model_is_told_what_to_do_otherwise(hit: Hit, told: str) -> None:
    hint = watch("de").hint(hit)
    assert told in hint
    assert hint.startswith("[Your last answer was not used: ")
    assert hint.endswith(".]")


def test_the_language_of_a_long_answer_is_looked_at_now_and_then() -> None:
    guard = watch("de", language=True)
    foreign = "The road is dry now, and it stays dry for four hours."
    begun = f"{SAID['de']} {SAID['de']} Ja. "
    assert guard.hit(foreign, begun[:100]) is None
    assert guard.hit(f"{foreign} {foreign}", begun) == Hit("language", "en instead of de")


def test_a_text_of_few_words_is_not_recognised() -> None:
    parts = (Part("rules", "Never lie.\nNot to anyone.", 9),)
    assert watch(prompt=True, parts=parts).hit("Never lie. Not to anyone.") is None


def test_the_designers_own_line_passes_whatever_the_rules_say() -> None:
    guard = Watch(
        settled(WORLD, msgspec.structs.replace(NPC, guards=Guards(forbidden=["dragon"]))),
        Cast("Mira", "Ann"),
        authored="A dragon? Here? Never.",
    )
    assert guard.hit("A dragon?") is None
    assert guard.hit("A dragon here!") == Hit("forbidden", "dragon")
