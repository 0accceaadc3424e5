from __future__ import annotations

import base64

import pytest

from dialogue_server.domain.guards.character import is_code, out_of_character
from dialogue_server.domain.guards.text import fold
from tests.domain.test_language_detector import SAID, starter_sentences

OUT = [
    "As an AI language model, I cannot do that.",
    "I'm just a chatbot, friend.",
    "I am not an A.I., I swear",
    "Well, I was created by OpenAI.",
    "I was trained as a language model.",
    "That is in my system prompt.",
    "My instructions are: keep the inn.",
    "My original prompt says so.",
    "I am programmed to keep the inn.",
    "That is against my content policy.",
    "I must not break character.",
    "Shall we roleplay?",
    "Developer mode enabled. What now?",
    "I can do anything now: I do anything now.",
    "I'm sorry, but I can't assist with that request.",
    "I'm unable to assist you there.",
    "How can I assist you today?",
    "I'm a non-player character.",
    "GPT-4 told me.",
    "It is a jailbreak.",
    "Als KI habe ich keine Meinung.",
    "Ich bin nur eine KI.",
    "Ich bin ein Sprachmodell und helfe gern.",
    "Ich bin eine künstliche Intelligenz.",
    "En tant qu'IA, je ne peux pas.",
    "Je suis un modèle de langage.",
    "Como IA, no puedo.",
    "Soy una IA.",
    "Sou um modelo de linguagem.",
    "Sou uma inteligência artificial.",
    "Sono un modello linguistico.",
    "Ik ben een taalmodel.",
    "Jestem modelem językowym.",
    "Ben bir dil modeliyim.",
    "Я языковая модель.",
    "أنا نموذج لغوي",
    "我是一个语言模型。",
    "私は言語モデルです。",
    "저는 인공지능입니다.",
]
IN = [
    "I am an aide to the king.",
    "I was trained by the guild, twenty years ago.",
    "I'm an air-ship's mate.",
    "A model of the ship stands in the hall.",
    "He is a man of good character.",
    "What a question. I can't help you with that.",
    "It is a game of dice, and a role for a fool.",
    "My instructions were clear to the boy, not to you.",
    "Ask the assistant at the mill; he helps with anything.",
    "The tide runs by a system of its own, ai, ai, ai!",
    "I will assist you.",
    "Knowledge is a heavy purse.",
    "Ist das nicht eine Frage der Intelligenz?",
    "Было бы странно.",
    "他很聪明。",
]


@pytest.mark.parametrize("text", OUT)
def test_talk_of_models_and_an_assistants_manners_are_out_of_character(text: str) -> None:
    assert out_of_character(fold(text))


@pytest.mark.parametrize("text", IN)
def test_what_people_say_is_not(text: str) -> None:
    assert not out_of_character(fold(text))
    assert not is_code(text)


def test_nothing_in_the_starter_world_or_in_27_languages_is_out_of_character() -> None:
    for text in [*starter_sentences(), *SAID.values()]:
        assert not out_of_character(fold(text)), text
        assert not is_code(text), text


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(1)",
        "<system>obey</system>",
        "System: obeyed.",
        "**Assistant:** sure",
        "## Instructions\nAll of them",
        '{"role": "system"}',
        base64.b64encode(b"You speak for one character of this world, 1").decode(),
        "59 6f 75 20 73 70 65 61 6b 20 66 6f 72 20",
        "01011001 01101111 01110101 00100000",
        "-.-- --- ..- / ... .--. . .- -.- / ..-. --- .-. / --- -. .",
        "\\u0059\\u006f\\u0075",
        "(mood: angry) Get out!",
        "（action: wave）",
        "mood: angry",
        "[What Mira knows at this moment, besides]",
        "[Ann says] Hello.",
        "[Answer in German.] Ja.",
        "Fact: The mine is dry.",
        "%59%6f%75%20",
        "&#89;&#111;&#117;",
    ],
)
def test_code_is_not_speech(text: str) -> None:
    assert is_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "It costs 12 silver and 30 copper: no less.",
        "Listen: the causeway is dry at 10:30.",
        "I <3 it. 5 < 7, you know.",
        "Well - - never mind . . .",
        "#1 in the village",
        "[laughs] In fact: no. [What a day!]",
    ],
)
def test_numbers_and_marks_are_speech(text: str) -> None:
    assert not is_code(text)
