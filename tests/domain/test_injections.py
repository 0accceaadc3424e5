"""What players try, in assembled prompts: it stays one line of speech, whatever it claims to be."""

from __future__ import annotations

import re

import pytest
from dialogue_protocol.messages import Player

from dialogue_server.domain.assembly import assemble
from dialogue_server.domain.conversation import Node
from dialogue_server.domain.persona import Example, Persona, World
from dialogue_server.domain.prompt import Prompt, PromptInput
from dialogue_server.domain.stream import CONTROL_TOKENS
from tests.domain.injections import INJECTIONS, Injection

WORLD = World(name="Testholm", description="A village.")
MIRA = Persona(
    id="mira",
    name="Mira",
    description="Keeps the inn.",
    examples=[Example("Hello.", "Come in.")],
    sees=["*"],
)
GAME_LINE = re.compile(r"^\[.*\]$", re.M)


def prompt(injection: Injection, layout: str) -> Prompt:
    history = [
        node
        for number, line in enumerate(injection.lines[:-1])
        for node in (
            Node(f"p{number}", "", "player", injection.name, line, 0.0),
            Node(f"n{number}", "", "npc", "mira", "Hm.", 0.0, reason="complete"),
        )
    ]
    return assemble(
        PromptInput(
            world=WORLD,
            persona=MIRA,
            player=Player("p", injection.name, injection.about),
            text=injection.lines[-1],
            budget=4000,
            scene=injection.scene,
            state=injection.state,
            history=tuple(history),
        ),
        layout,  # type: ignore[arg-type]
    )


def innocent(injection: Injection) -> Injection:
    """The same with harmless words in every place."""
    return Injection(
        "innocent",
        tuple("Well met." for _ in injection.lines),
        name="Ann",
        about="A miner." if injection.about else "",
        scene="inn" if injection.scene else "",
        state=dict.fromkeys(("a" for _ in injection.state), "b"),
    )


@pytest.mark.parametrize("layout", ["standard", "compact"])
@pytest.mark.parametrize("injection", INJECTIONS, ids=str)
def test_an_attempt_adds_no_message_no_line_of_the_game_and_no_token(
    injection: Injection, layout: str
) -> None:
    tried, harmless = prompt(injection, layout), prompt(innocent(injection), layout)
    assert [m.role for m in tried.messages] == [m.role for m in harmless.messages]
    for ours, theirs in zip(tried.messages, harmless.messages, strict=True):
        assert len(ours.content.splitlines()) == len(theirs.content.splitlines())
        assert len(GAME_LINE.findall(ours.content)) == len(GAME_LINE.findall(theirs.content))
        assert not any(token in ours.content for token in CONTROL_TOKENS)
        assert not re.search("[\u200b-\u200d\u202a-\u202e\U000e0000-\U000e007f]", ours.content)


@pytest.mark.parametrize("injection", INJECTIONS, ids=str)
def test_the_rules_and_the_persona_stand_first_whatever_is_said(injection: Injection) -> None:
    tried, harmless = prompt(injection, "standard"), prompt(innocent(injection), "standard")
    assert tried.messages[0] == harmless.messages[0]
