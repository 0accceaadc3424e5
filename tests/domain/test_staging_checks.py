"""What is wrong with tone rules, scenes, triggers and suggestions, by file and key."""

from __future__ import annotations

import pytest

from dialogue_server.domain.content_files import check_persona, check_world

NPC = 'id = "mira"\nname = "Mira"\ndescription = "A smith."\nmoods = ["calm", "cross"]\n'
WORLD = 'name = "W"\ndescription = "D"\n'


def persona(source: str) -> list[str]:
    return [str(error) for error in check_persona("personas/mira.toml", (NPC + source).encode())]


def world(source: str) -> list[str]:
    return [str(error) for error in check_world("world.toml", (WORLD + source).encode())]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("mood_intensity = 101", "line 5, mood_intensity: must be between 0 and 100, is 101"),
        ("mood_decay = -1", "line 5, mood_decay: must be between 0 and 100, is -1"),
        ("talkativeness = 2.5", "line 5, talkativeness: must be between 0 and 1, is 2.5"),
        ('aliases = ["smith", "…"]', "line 5, aliases[1]: has no letter, so nobody can call it so"),
        (
            '[mood_texts]\nangry = "x"',
            "line 6, mood_texts.angry: angry is not in moods; known are calm, cross",
        ),
        (
            '[[tone]]\nmood = "angry"\nkeys = ["x"]\nchange = 5',
            "line 6, tone[0].mood: angry is not in moods; known are calm, cross",
        ),
        (
            '[[tone]]\nmood = "cross"\nwhen = "a ="\nchange = 5',
            "line 7, tone[0].when: not a condition: ",
        ),
        (
            '[[tone]]\nmood = "cross"\nkeys = ["*"]\nchange = 5',
            "line 7, tone[0].keys[0]: is empty",
        ),
        (
            '[[tone]]\nmood = "cross"\nkeys = ["x"]\nchange = 500',
            "line 8, tone[0].change: must be between -100 and 100, is 500",
        ),
        (
            '[[tone]]\nmood = "cross"\nkeys = ["x"]\nat_least = -5',
            "line 8, tone[0].at_least: must be between 0 and 100, is -5",
        ),
        (
            '[[tone]]\nmood = "cross"\nkeys = ["x"]',
            "line 5, tone[0]: changes nothing: give it change, such as 30, or at_least",
        ),
        (
            '[[tone]]\nmood = "cross"\nchange = 5',
            "line 5, tone[0]: applies to every line: give it keys or when, or use mood_intensity",
        ),
        ('[relationships]\nbo = ""', "line 6, relationships.bo[0].text: is empty"),
        (
            '[[relationships.bo]]\ntext = "x"\nwhen = "("',
            "relationships.bo[0].when: not a condition: ",
        ),
        ('suggestions = [" "]', "line 5, suggestions[0].text: is empty"),
        (
            'suggestions = [{ text = "x", when = "a ==", keys = [" "] }]',
            "line 5, suggestions[0].when: not a condition: ",
        ),
        (
            '[[triggers]]\nname = "t"\nmood = "angry"',
            "line 7, triggers[0].mood: angry is not in moods; known are calm, cross",
        ),
    ],
)
def test_what_is_wrong_with_a_persona_is_said_with_its_place(source: str, problem: str) -> None:
    assert problem in "\n".join(persona(source))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('[scenes]\ninn = " "', "line 4, scenes.inn.description: is empty"),
        (
            '[scenes.inn]\ndescription = "x"\nhappened = ["", { text = "y", when = "(" }]',
            "line 5, scenes.inn.happened[0].text: is empty",
        ),
        (
            '[scenes.inn]\ndescription = "x"\n[[scenes.inn.stages]]\nname = "a b"',
            "line 6, scenes.inn.stages[0].name: must be a word of letters, digits, _ and -, such "
            "as lamp_lit",
        ),
        (
            '[scenes.inn]\ndescription = "x"\n[[scenes.inn.stages]]\nname = "a"\n'
            '[[scenes.inn.stages]]\nname = "a"',
            "line 8, scenes.inn.stages[1].name: a is there twice",
        ),
        (
            '[scenes.inn]\ndescription = "x"\n[[scenes.inn.stages]]\nname = "a"\nwhen = "b"',
            "line 7, scenes.inn.stages[0].when: has no effect: a scene begins with its first stage",
        ),
        (
            '[scenes.inn]\ndescription = "x"\n[[scenes.inn.triggers]]\nname = "t"',
            "line 5, scenes.inn.triggers[0]: has no condition: give it one of when, stage, ",
        ),
        (
            '[[triggers]]\nname = "t"\nsaid = [""]\nasked = ["*"]',
            "line 5, triggers[0].said[0]: is empty",
        ),
        (
            '[[triggers]]\nname = "t"\nat_least = 101',
            "line 5, triggers[0].at_least: must be between 0 and 100, is 101",
        ),
        (
            '[[triggers]]\nname = "t"\nturns = -1',
            "line 5, triggers[0].turns: must be between 0 and 10000, is -1",
        ),
        (
            '[[triggers]]\nname = "t"\nturns = 1\ncooldown = 0',
            "line 6, triggers[0].cooldown: must be between 1 and 10000, is 0",
        ),
        (
            '[[triggers]]\nname = "t"\nwhen = "a ="',
            "line 5, triggers[0].when: not a condition: ",
        ),
    ],
)
def test_what_is_wrong_with_a_world_is_said_with_its_place(source: str, problem: str) -> None:
    assert f"world.toml: {problem}" in "\n".join(world(source))


def test_sound_files_have_no_problem() -> None:
    assert not persona(
        'mood = "calm"\naliases = ["smith"]\nsuggestions = ["Hello."]\n'
        '[mood_texts]\ncalm = "Hums."\n[relationships]\nbo = "A fool."\n'
        '[[tone]]\nmood = "cross"\nwhen = "rain"\nat_least = 20\n'
        '[[triggers]]\nname = "t"\nmood = "cross"\nat_least = 50\ncooldown = 3\n'
        '[[triggers]]\nname = "u"\nnpc = "bo"\nmood = "merry"\n'
    )
    assert not world(
        '[scenes]\nshore = "Mud."\n[scenes.inn]\ndescription = "x"\nhappened = ["y"]\n'
        '[[scenes.inn.stages]]\nname = "a"\n[[scenes.inn.stages]]\nname = "b"\nwhen = "rain"\n'
        '[[triggers]]\nname = "t"\nmood = "merry"\n'
    )


def test_a_mood_of_nobody_is_named_without_a_list() -> None:
    bare = b'id = "bo"\nname = "Bo"\ndescription = "x"\n[mood_texts]\ncross = "x"\n'
    (error,) = check_persona("personas/bo.toml", bare)
    assert str(error).endswith("cross is not in moods")
