"""The files of scenarios: what they may say, and what a mistake in one is answered by."""

from __future__ import annotations

import pytest

from dialogue_server.domain.persona import Action, Persona, World
from dialogue_server.domain.scenarios.scenario import Minimum, Scenario, Suite, decode
from dialogue_server.domain.staging import Trigger

MIRA = Persona(
    "mira", "Mira", "A smith.", moods=["calm", "wary"], actions=[Action("pour", "Pours.")]
)
PERSONAS = {"mira": MIRA, "borin": Persona("borin", "Borin", "A smith, too.")}
WORLD = World("Vale", "A valley.", triggers=[Trigger("dusk", asked=["sun"])])
FILE = "scenarios/mine.toml"
HEAD = 'npcs = ["mira", "borin"]\n'


def read(text: str) -> Suite:
    suite, errors = decode(FILE, text.encode(), WORLD, PERSONAS)
    assert errors == []
    assert suite is not None
    return suite


def only(text: str) -> Scenario:
    (scenario,) = read(text).scenarios
    return scenario


def told(text: str) -> list[str]:
    suite, errors = decode(FILE, text.encode(), WORLD, PERSONAS)
    assert suite is None
    return [error.detail.removeprefix(f"{FILE}: ") for error in errors]


def test_steps_are_one_conversation_named_after_the_file() -> None:
    scenario = only(
        HEAD + 'scene = "inn"\nstate = { a = 1 }\n[[step]]\nsay = "Hm?"\nto = "borin"\n'
    )
    assert (scenario.name, scenario.npcs, scenario.scene) == ("mine", ("mira", "borin"), "inn")
    assert scenario.patches == ({"a": 1},)
    assert [(planned.line, planned.step.verb) for planned in scenario.steps] == [(4, "say")]


def test_each_question_is_a_conversation_of_its_own_under_a_name_of_its_own() -> None:
    suite = read(
        "state = { a = 1 }\n"
        '[[question]]\nnpc = "mira"\nsay = "Hm?"\nstate = { b = 2 }\n'
        '[[question]]\nnpc = "mira"\nsay = "Hm?"\n'
        '[[question]]\nnpc = "borin"\nsay = "Eh?"\nname = "deaf"\n'
    )
    assert [each.name for each in suite.scenarios] == ["mira: Hm?", "mira: Hm? (2)", "deaf"]
    assert [each.line for each in suite.scenarios] == [2, 6, 9]
    assert suite.scenarios[0].patches == ({"a": 1}, {"b": 2})
    assert suite.scenarios[2].npcs == ("borin",)


def test_one_text_stands_for_a_list_of_one_and_a_group_of_one() -> None:
    (planned,) = only(
        HEAD + '[[step]]\nsay = "x"\ncontains = "ore"\nnever = "AI"\nmood = "calm"\n'
    ).steps
    assert planned.step.contains == [["ore"]]
    assert (planned.step.never, planned.step.mood) == (["AI"], ["calm"])
    (planned,) = only(HEAD + '[[step]]\nsay = "x"\ncontains = ["ore", ["wet", "damp"]]\n').steps
    assert planned.step.contains == [["ore"], ["wet", "damp"]]


def test_what_is_expected_of_every_line_adds_up_or_gives_way() -> None:
    first, state, last = only(
        HEAD + '[every_line]\nnever = "AI"\nmax_sentences = 3\nno_leak = false\n'
        '[[step]]\nsay = "x"\nnever = "ore"\nmax_sentences = 1\nno_leak = true\n'
        '[[step]]\nstate = { a = 1 }\n[[step]]\nsay = "y"\n'
    ).steps
    assert (first.step.never, first.step.max_sentences) == (["AI", "ore"], 1)
    assert first.step.no_leak is True
    assert (last.step.never, last.step.max_sentences) == (["AI"], 3)
    assert last.step.no_leak is False
    assert state.step.never == []


def test_the_share_that_must_be_right_is_the_files() -> None:
    suite = read(HEAD + '[minimum]\nmodel = 75\n[[step]]\nsay = "x"\n')
    assert suite.minimum == Minimum(100, 75)


def test_every_kind_of_step_is_read() -> None:
    steps = only(
        HEAD
        + '[[step]]\nsay = "x"\naction = "pour"\nreason = "complete"\nlanguage = "en-GB"\ntrigger = "dusk"\nby = "mira"\n'
        + "[[step]]\nstate = {}\n"
        + '[[step]]\nevent = "A bell."\nreact = "must"\nname = "bell"\ndata = { n = 3 }\n'
        + '[[step]]\nscript = "Well."\nnpc = "mira"\n'
        + "[[step]]\nadvance = true\n"
        + '[[step]]\nresult = "pour"\naccepted = false\ntext = "No ale."\n'
        + "[[step]]\nregenerate = true\n"
        + '[[step]]\nsave = "a"\n[[step]]\nload = "a"\n'
    ).steps
    verbs = [planned.step.verb for planned in steps]
    assert verbs == (
        ["say", "state", "event", "script", "advance", "result", "regenerate", "save", "load"]
    )


STEP = HEAD + "[[step]]\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('player = "Ann"', "neither a [[step]] nor a [[question]]"),
        ('[[step]]\nsay = "x"', "line 1, step[0]: who takes part?"),
        ('npcs = ["mirra"]\n[[step]]\nsay = "x"', "no NPC 'mirra'; did you mean mira?"),
        (STEP + 'to = "mira"', "line 2, step[0]: must do exactly one of: say, state"),
        (STEP + 'say = "x"\nadvance = true', "line 2, step[0]: must do exactly one of"),
        (STEP + 'say = "x"\nto = "miro"', "line 4, step[0].to: 'miro' takes no part; did you"),
        (STEP + 'load = "a"', "line 3, step[0].load: nothing was saved as 'a' before"),
        (STEP + 'result = "sing"', "line 3, step[0].result: nobody here has an action 'sing'"),
        (STEP + 'save = "a"\nnever = "x"', "line 2, step[0]: nobody answers 'save'"),
        (STEP + 'say = "x"\nmatches = "("', "line 4, step[0].matches[0]: is not a regular"),
        (STEP + 'say = "x"\ncontains = " "', "line 4, step[0].contains[0]: is empty"),
        (STEP + 'say = "x"\ncontains = [[]]', "line 4, step[0].contains[0]: is empty"),
        (STEP + 'say = "x"\nmood = "clam"', "nobody here has the mood 'clam'; did you mean calm?"),
        (STEP + 'say = "x"\naction = "sing"', "line 4, step[0].action: nobody here has an action"),
        (STEP + 'say = "x"\nnever_action = "sing"', "step[0].never_action: nobody here has"),
        (STEP + 'say = "x"\nargs = { a = 1 }', "step[0].args: are the parameters of an action"),
        (STEP + 'say = "x"\ntrigger = "dawn"', "step[0].trigger: there is no trigger in this"),
        (STEP + 'say = "x"\nnever_trigger = "dawn"', "step[0].never_trigger: there is no"),
        (STEP + 'say = "x"\nby = "tom"', "step[0].by: there is no NPC in this talk 'tom'"),
        (STEP + 'say = "x"\nreason = "over"', "step[0].reason: there is no reason 'over'"),
        (STEP + 'say = "x"\nlanguage = "xx"', "step[0].language: there is no language 'xx'"),
        (STEP + 'say = "x"\ncontain = "y"', "line 4, step[0].contain: unknown key; did you mean"),
        (STEP + 'say = 3', "line 3, step[0].say: must be a text"),
        ('[[question]]\nnpc = "mira"\nsay = " "', "line 3, question[0].say: is empty"),
        ('[[question]]\nnpc = "tom"\nsay = "x"', "line 2, question[0].npc: there is no NPC 'tom'"),
        (HEAD + 'every_line = { mood = "x" }\n[[step]]\nsay = "x"', "line 2, every_line.mood: nob"),
        ("step = 3", "step: must be a list"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_mend(text: str, says: str) -> None:
    assert any(says in problem for problem in told(text)), told(text)
