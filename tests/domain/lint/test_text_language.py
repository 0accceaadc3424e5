"""A language is named where it is clear, and nothing is said where it is not."""

from __future__ import annotations

import pytest

from dialogue_server.domain.lint.text_language import language


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("English", "Rule two: never turn your back on the sea."),
        ("English", "Bonjour, friend, the soup is hot and that’s all there is."),
        ("German", "Das ist nicht dein Haus, und ich kenne dich nicht."),
        ("French", "Je ne suis pas d'ici, mais je vous écoute."),
        ("Spanish", "No lo sé, pero aquí no hay nada para usted."),
        ("Italian", "Non lo so, ma qui non c'è niente per te."),
        ("Portuguese", "Eu não sei, mas aqui não há nada para você."),
        ("Dutch", "Ik weet het niet, maar hier is niets voor je."),
        ("Polish", "Nie wiem, ale tu nie ma nic dla ciebie."),
        ("in Cyrillic script", "Я не знаю, что тебе сказать."),
        ("Chinese", "我不知道你在说什么。"),
        ("Japanese", "私は何も知りません。"),
        ("Japanese", "東京駅前旅館へ行く"),
        ("Korean", "난 몰라요 정말로"),
        ("in Arabic script", "لا أعرف شيئا"),
        ("", ""),
        ("", "…12!"),
        ("", "Halt!"),
        ("", "Да"),
        ("", "[action: give_item item=the_and_of_you] Kettles, eleven."),
        ("", "Eels, boots, tin cups, nineteen houses"),
    ],
)
def test_a_text_is_in_its_language_or_in_none_that_is_clear(expected: str, text: str) -> None:
    assert language(text) == expected
