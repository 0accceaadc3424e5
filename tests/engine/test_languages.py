"""Which language an NPC answers in, and its own texts in it, over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from dialogue_protocol.codec import JSON, MSGPACK, Codec
from dialogue_protocol.messages import Hello, Say, State

from dialogue_server.domain import language_detector
from dialogue_server.domain.language_detector import Detector
from dialogue_server.domain.persona import Entry, Guards, KnownBy, LoreBook, Persona
from dialogue_server.engine.languages import prepare_detector
from dialogue_server.engine.observer import GuardHit
from tests.domain.test_language_detector import SAID
from tests.fakes.steered import SteeredBackend
from tests.harness import MIRA, WORLD, Client, Served, serving

GERMAN = msgspec.structs.replace(
    MIRA,
    greeting="Komm herein.",
    fallback=["Der Kessel ruft."],
    lines=[],
    description="Die Wirtin.",
)
AUSTRIAN = msgspec.structs.replace(GERMAN, greeting="Servus.")
SPOKEN = msgspec.structs.replace(MIRA, translations={"de": GERMAN, "de-at": AUSTRIAN})
FRENCH = msgspec.structs.replace(SPOKEN, language="fr")
GERMAN_WORLD = msgspec.structs.replace(WORLD, lore=[Entry("Die Mine ist nass."), Entry("Gold.")])
WORLDS = msgspec.structs.replace(WORLD, translations={"de": GERMAN_WORLD}, terms=["Testholm"])


async def serve(
    persona: Persona = SPOKEN, language: str = "", detector: Detector | None = None
) -> AsyncIterator[tuple[Served, SteeredBackend]]:
    model = SteeredBackend()
    async with serving(model, personas=(persona,), world=WORLDS) as served:
        served.context.language = language
        served.context.detector = detector
        yield served, model


@pytest.mark.parametrize(
    ("persona", "server", "hello", "opened", "said", "asked"),
    [
        (SPOKEN, "", "", "", "", ""),
        (SPOKEN, "de", "", "", "", "German"),
        (FRENCH, "de", "", "", "", "French"),
        (FRENCH, "de", "it", "", "", "Italian"),
        (FRENCH, "de", "it", "es", "", "Spanish"),
        (FRENCH, "de", "it", "es", "pt-BR", "Portuguese (pt-br)"),
    ],
)
async def test_the_most_particular_wish_decides(
    persona: Persona, server: str, hello: str, opened: str, said: str, asked: str
) -> None:
    async for served, model in serve(persona, server):
        client = await Client.connect(served.url, hello=Hello(client="t", locale=hello))
        await client.open(locale=opened)
        await client.send(Say("c", "1", "Well?", locale=said))
        call = await model.call()
        last = call.request.messages[-1].content
        assert (f"[Answer in {asked}.]" in last) if asked else ("[Answer in" not in last)
        call.finish()
        await client.answer()
        await client.leave()


@pytest.mark.parametrize(
    ("locale", "greeting"),
    [
        ("de", "Komm herein."),
        ("de-AT", "Servus."),
        ("de-CH", "Komm herein."),
        ("fr", "Come in, mind the step."),
        ("", "Come in, mind the step."),
    ],
)
async def test_greeting_prompt_and_authored_lines_are_in_the_language_of_the_talk(
    locale: str, greeting: str
) -> None:
    async for served, model in serve():
        client = await Client.connect(served.url)
        opened = await client.open(locale=locale)
        assert opened.greeting == greeting
        await client.send(Say("c", "1", "Hello?"))
        call = await model.call()
        prompt = str(call.request.messages)
        german = locale.startswith("de")
        assert ("Die Wirtin." in prompt) == ("Die Mine ist nass." in prompt) == german
        call.finish()  # with nothing: the authored line is spoken
        answer = await client.answer()
        assert (answer.text == "Der Kessel ruft.") == german
        await client.leave()


async def test_what_a_book_hides_is_hidden_in_both_languages_of_a_talk() -> None:
    secret, geheim = "The heir sleeps above the stable.", "Der Erbe schläft über dem Stall."
    known_by = KnownBy(["pell"])
    german = LoreBook([Entry(geheim)], known_by=known_by)
    book = LoreBook([Entry(secret)], known_by=known_by, translations={"de": german})
    model = SteeredBackend()
    world = msgspec.structs.replace(WORLDS, books={"inn": book})
    async with serving(model, personas=(SPOKEN,), world=world) as served:
        client = await Client.connect(served.url)
        await client.open(locale="de")
        told = {"rumour": secret, "gerede": geheim, "tide": "low"}
        await client.send(State("c", 1, snapshot=told))
        await client.send(Say("c", "1", "Hallo?"))
        call = await model.call()
        prompt = str(call.request.messages)
        assert "low" in prompt
        assert "stable" not in prompt
        assert "Stall" not in prompt
        call.finish()
        await client.answer()
        await client.leave()


async def test_one_line_may_ask_for_another_language() -> None:
    async for served, model in serve():
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hallo?", locale="de"))
        call = await model.call()
        assert "Die Wirtin." in call.request.messages[0].content
        call.finish()
        assert (await client.answer()).text == "Der Kessel ruft."
        await client.leave()


async def test_an_answer_in_another_language_is_asked_for_anew() -> None:
    detector, problem = language_detector.load()
    assert detector is not None, problem
    guards = Guards(language=True)
    german = msgspec.structs.replace(GERMAN, guards=guards)
    guarded = msgspec.structs.replace(MIRA, guards=guards, translations={"de": german})
    async for served, model in serve(guarded, "de", detector):
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Well?"))
        for text in ("The road is dry now, and it stays dry for four hours.", SAID["de"]):
            call = await model.call()
            call.say(text)
            call.finish()
        assert "answer in German only" in call.request.messages[-1].content
        answer = await client.answer()
        assert answer.text == SAID["de"]
        (hit,) = served.seen(GuardHit)
        assert (hit.guard, hit.rule) == ("language", "en instead of de")
        await client.leave()


TEXTS = [
    *(SAID[tag] for tag in ("ar", "he", "fa", "hi", "th", "ja", "ko", "zh", "vi")),
    "می‌خواهم \u200fبدانم\u200e 3.5 \u2067אבג\u2069!",
    "e\u0301 a\u0308\u0323 क्षि ক্ষ กำ้ 각 ",
    "👩‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ❤️ 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f.",
]


@pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=["msgpack", "json"])
@pytest.mark.parametrize(
    "guards", [Guards(), Guards(character=True, hold="first"), Guards(character=True)]
)
@pytest.mark.parametrize("text", TEXTS)
async def test_text_of_every_script_arrives_unbroken(
    text: str, guards: Guards, codec: Codec
) -> None:
    """Both ways, character by character from the model: the deltas never split a cluster."""
    from dialogue_server.domain.graphemes import clusters

    persona = msgspec.structs.replace(SPOKEN, guards=guards)
    async for served, model in serve(persona):
        client = await Client.connect(served.url, codec)
        await client.open()
        await client.send(Say("c", "1", text))
        call = await model.call()
        heard = call.request.messages[-1].content
        assert all(char in heard for char in text if char.isalnum())
        call.say(*text)
        call.finish()
        answer = await client.answer()
        assert answer.text == text.strip()
        assert answer.ended.length == len(answer.text)
        assert [c for delta in answer.deltas for c in clusters(delta)] == clusters(answer.text)
        await client.leave()


async def test_the_detector_is_loaded_where_a_guard_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async for served, _ in serve():
        assert await prepare_detector(served.context) == ""
        assert served.context.detector is None
        guarded = msgspec.structs.replace(MIRA, guards=Guards(language=True))
        served.context.personas = {"mira": guarded}
        assert await prepare_detector(served.context) == ""
        assert served.context.detector is not None
        served.context.detector = None
        monkeypatch.setattr(language_detector, "load", lambda: (None, "install it"))
        assert await prepare_detector(served.context) == "install it"
