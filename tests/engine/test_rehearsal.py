"""Scenarios played through the real engine."""

from __future__ import annotations

from dialogue_protocol.codes import ErrorCode
from msgspec import structs

from dialogue_server.backends.base import ModelRequest
from dialogue_server.backends.scripted import Answer, Script, ScriptedBackend
from dialogue_server.domain.persona import Action, Entry, KnownBy, Persona, World
from dialogue_server.domain.scenarios.result import Result, transcript
from dialogue_server.domain.scenarios.scenario import Scenario, decode
from dialogue_server.domain.staging import Trigger
from dialogue_server.engine.context import EngineContext, EngineLimits
from dialogue_server.engine.rehearsal import rehearse
from dialogue_server.errors import BackendError
from dialogue_server.stores.memory import MemoryStore
from tests.harness import BORIN, MIRA, WORLD

PERSONAS = {"mira": MIRA, "borin": BORIN}
HEAD = 'npcs = ["mira", "borin"]\n'


def scenarios(
    text: str, world: World = WORLD, personas: dict[str, Persona] = PERSONAS
) -> tuple[Scenario, ...]:
    suite, errors = decode("s/mine.toml", text.encode(), world, personas)
    assert not errors
    assert suite is not None
    return suite.scenarios


async def play(
    text: str,
    script: Script,
    seeds: tuple[int, ...] = (1,),
    world: World = WORLD,
    personas: dict[str, Persona] = PERSONAS,
) -> list[Result]:
    backend, store = ScriptedBackend(script), MemoryStore()
    await backend.start()
    await store.start()
    context = EngineContext(
        world=world,
        personas=personas,
        backend=backend,
        store=store,
        observe=lambda _: None,
        limits=EngineLimits(messages_per_second=0, lines_per_minute=0),
    )
    results = [
        each async for each in rehearse(context, scenarios(text, world, personas), seeds=seeds)
    ]
    await backend.aclose()
    await store.aclose()
    return results


async def one(text: str, script: Script) -> Result:
    (result,) = await play(text, script)
    return result


async def test_a_conversation_is_played_to_its_end_and_told_line_by_line() -> None:
    result = await one(
        HEAD
        + '[[step]]\nsay = "An ale!"\nmood = "calm"\naction = "pour"\nargs = { drink = "ale" }\n'
        '[[step]]\nsay = "And you, smith?"\nto = "borin"\nby = "borin"\n',
        ["[mood: calm]Here. [action: pour drink=ale]Drink.", "Can't hear you."],
    )
    assert result.passed, transcript(result)
    assert transcript(result) == [
        "mira: Come in, mind the step.",
        "> An ale!",
        "mira: (calm) Here. *pour drink=ale* Drink.",
        "> And you, smith?  (to borin)",
        "borin: Can't hear you.",
    ]


async def test_each_scenario_is_played_once_with_every_seed_by_a_player_of_its_own() -> None:
    asked: list[ModelRequest] = []

    def reply(request: ModelRequest) -> str:
        asked.append(request)
        return "It is flooded."

    text = '[[question]]\nnpc = "mira"\nsay = "The mine?"\ncontains = "flooded"\n'
    results = await play(text * 2, reply, seeds=(1, 2))
    assert [(each.seed, each.passed) for each in results] == [
        (1, True),
        (1, True),
        (2, True),
        (2, True),
    ]
    assert [request.sampling.seed for request in asked] == [1, 1, 2, 2]
    assert len({request.user for request in asked}) == 4


async def test_what_is_not_as_expected_is_a_problem_of_that_step_and_the_talk_goes_on() -> None:
    result = await one(
        HEAD
        + '[[step]]\nsay = "The mine?"\ncontains = "dry"\nmood = "calm"\n[[step]]\nsay = "Well?"\n',
        ["Under water.", "Really."],
    )
    first, second = result.outcomes
    assert first.problems == ("lacks dry", "expected the mood calm; it is wary")
    assert second.problems == ()
    assert (result.lines, result.lines_passed) == (2, 1)


async def test_states_are_laid_over_one_another_and_a_load_brings_the_old_one_back() -> None:
    prompts: list[str] = []

    def reply(request: ModelRequest) -> str:
        prompts.append(str(request.messages))
        return "I see."

    result = await one(
        HEAD + 'state = { bell = "rings" }\n[[step]]\nsay = "One?"\n[[step]]\nsave = "before"\n'
        '[[step]]\nstate = { quest = { mine = "drained" } }\n[[step]]\nsay = "Two?"\n'
        '[[step]]\nload = "before"\n[[step]]\nstate = { sky = "red" }\n[[step]]\nsay = "Three?"\n',
        reply,
    )
    assert result.passed, transcript(result)
    assert ["drained" in prompt for prompt in prompts] == [False, True, False]
    assert ["rings" in prompt for prompt in prompts] == [True, True, True]
    assert ["Two?" in prompt for prompt in prompts] == [False, True, False]
    assert "sky" in prompts[2]


async def test_a_model_that_fails_is_a_problem_although_the_player_hears_a_line() -> None:
    error = BackendError(ErrorCode.MODEL_FAILED, "it broke")
    result = await one(HEAD + '[[step]]\nsay = "So?"\n', [Answer(error=error)])
    assert result.outcomes[0].problems == ("the turn ended as fallback (model_failed: it broke)",)


async def test_a_secret_of_others_is_a_leak_unless_the_player_told_it() -> None:
    secret = "The baker hides the golden crown under his oven."
    world = structs.replace(WORLD, lore=[Entry(secret, known_by=KnownBy(["borin"]))])
    ask = '[[question]]\nnpc = "mira"\nsay = "{}"\n'
    results = await play(
        ask.format("News?") + ask.format(f"{secret} True?") + 'no_leak = true\n'
        + ask.format("News again?") + "no_leak = false\n",
        lambda _: secret,
        world=world,
    )  # fmt: skip
    leaked, told, off = [each.outcomes[0].problems for each in results]
    assert any("tells what it must not" in problem for problem in leaked)
    assert not any("tells what it must not" in problem for problem in (*told, *off))


async def test_an_answer_is_given_anew_beside_the_old_one() -> None:
    result = await one(
        HEAD + '[[step]]\nsay = "So?"\n[[step]]\nregenerate = true\ncontains = "other"\n',
        ["One thing.", "The other thing."],
    )
    assert result.passed, transcript(result)


async def test_a_refused_line_is_a_problem_with_the_servers_sentence() -> None:
    result = await one(HEAD + '[[step]]\nregenerate = true\n[[step]]\nsay = "So?"\n', ["Well."])
    refused, fine = result.outcomes
    assert refused.problems[0].startswith("unknown_turn: ")
    assert fine.problems == ()


async def test_a_conversation_that_cannot_begin_or_go_on_says_where_it_stopped() -> None:
    suite = scenarios(HEAD + '[[step]]\nsay = "So?"\n')
    nobody = structs.replace(suite[0], npcs=("nobody",))
    backend, store = ScriptedBackend(["Hm."]), MemoryStore()
    context = EngineContext(
        world=WORLD, personas=PERSONAS, backend=backend, store=store, observe=lambda _: None
    )
    (result,) = [each async for each in rehearse(context, [nobody])]
    assert result.problem.startswith("stopped at line 2: unknown_npc: ")
    assert (result.passed, result.lines_passed) == (False, 0)
    result = await one(HEAD + '[[step]]\nresult = "pour"\n', ["Hm."])
    assert "no answer so far waits for what comes of 'pour'" in result.problem


async def test_events_scripts_and_silence_are_played_too() -> None:
    result = await one(
        HEAD + '[[step]]\nevent = "Thunder rolls."\nreact = "must"\nnpc = "mira"\nby = "mira"\n'
        '[[step]]\nevent = "Rain."\nreact = "never"\nnobody = true\n'
        '[[step]]\nscript = "[mood: calm]The roof will hold."\nnpc = "borin"\ncontains = "hold"\n'
        '[[step]]\nscript = "I hope so."\n'
        '[[step]]\nadvance = true\nnpc = "mira"\ncontains = "door"\n',
        ["What a clap!", "Shut the door, somebody."],
    )
    assert result.passed, (transcript(result), result)
    assert transcript(result)[1:] == [
        "~ event Thunder rolls.",
        "mira: What a clap!",
        "~ event Rain.",
        "- nobody answers",
        "~ script borin: [mood: calm]The roof will hold.",
        "borin: The roof will hold.",
        "~ script player: I hope so.",
        "- nobody answers",
        "~ advance",
        "mira: Shut the door, somebody.",
    ]


async def test_the_result_of_an_action_that_waits_for_one_is_told_and_spoken_of() -> None:
    draw = Action("draw", "Draws an ale.", awaits=True)
    personas = {**PERSONAS, "mira": structs.replace(MIRA, actions=[draw])}
    (result,) = await play(
        HEAD + '[[step]]\nsay = "An ale!"\naction = "draw"\n'
        '[[step]]\nresult = "draw"\naccepted = false\ntext = "The barrel is empty."\ncontains = "None"\n',
        ["[action: draw]At once.", "None left, it seems."],
        personas=personas,
    )
    assert result.passed, (transcript(result), result)
    assert "~ draw refused: The barrel is empty." in transcript(result)


async def test_triggers_are_told_with_the_step_that_set_them_off() -> None:
    world = structs.replace(WORLD, triggers=[Trigger("dug", asked=["mine"])])
    (result,) = await play(
        HEAD + '[[step]]\nsay = "Well?"\nnever_trigger = "dug"\n'
        '[[step]]\nsay = "The mine?"\ntrigger = "dug"\n',
        ["Well.", "Wet."],
        world=world,
    )
    assert result.passed, transcript(result)
    assert transcript(result)[-2:] == ["mira: Wet.", "* trigger dug"]
