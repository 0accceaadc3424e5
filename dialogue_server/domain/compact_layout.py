"""The prompt for a tiny model: little, and all of one form.

A model of some hundred million parameters follows no instructions; it continues patterns. So
the prompt is a pattern: a sentence on who speaks, a few exchanges in which what the answer says
stands beside the question, and then the player's line with the one text that fits it best: a
fact or an authored line with an action, else another authored line, else a fallback line.
relevance.py decides which; the model only has to say it in the NPC's manner. An authored line is
said as it was written, with its mood and its actions: such a model could only spoil it
(`is_authored`).

The numbers below are part of the layout: the engine and the embedded model's backend ask with
them. They were measured on the starter world (`make evaluate`); a repeat penalty
above 1 spoils the pattern, since the answer has to repeat the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from . import authored, prompt_lines, untrusted
from . import state as game_state
from .conditions import holds
from .conversation import Node
from .hidden import Hidden, hidden_from, withheld
from .lore import known_facts
from .memory.recall import Memory, recall, room_for_memories
from .memory.topics import meeting_words
from .persona import Example, Fact
from .prompt import Dropped, Message, Part, Prompt, PromptInput
from .relevance import RELEVANT, Candidate, scores
from .tokens import MESSAGE_TOKENS, estimate

MAX_TOKENS = 48
STOP = ("\n",)
MAX_SENTENCES = 2
TEMPERATURE = 0.2
MIN_P = 0.1
REPEAT_PENALTY = 1.0

HISTORY_NODES = 2
"""Of the talk so far, the newest exchange: more of it makes a tiny model repeat itself."""
LORE_WEIGHT = 0.9
SECTION_WEIGHT = 0.5
STATE_WEIGHT = 0.4
MEMORY_WEIGHT = 0.7
ACTION_WEIGHT = 1.05
"""How readily a text is taken beside the NPC's own knowledge, which is written to be said."""
_ACTION = "[action:"


def build(prompt_input: PromptInput) -> Prompt:
    """Lay out a prompt. What exceeds the budget is left out, history first, then examples; the
    system message and the player's line always stay. See assembly.assemble."""
    persona = prompt_input.persona
    file = f"personas/{persona.id}.toml"
    dropped: list[Dropped] = []
    names = prompt_lines.names(prompt_input)
    hidden = hidden_from(prompt_input)
    heard = []
    for node in prompt_input.history:
        why = withheld(node, persona, hidden)
        if why:
            dropped.append(_drop(_part("history", node.text), why))
        else:
            heard.append(node)
    if prompt_input.kind == "advance":
        prompt_input = _answering_the_last(replace(prompt_input, history=tuple(heard)))
        heard = [*prompt_input.history]
    hint = _hint(prompt_input, file, hidden, heard, dropped)
    line = untrusted.line(prompt_input.text, names)
    ask = [hint] if hint else []
    ask.append(Part("player", line, estimate(line) + MESSAGE_TOKENS))
    parts = list(_essence(prompt_input, file))
    system = " ".join(part.text for part in parts)
    spent = sum(part.tokens for part in (*parts, *ask))

    examples: list[Message] = []
    for index, example in enumerate(persona.examples):
        part = _part(f"{file}:examples[{index}]", f"{_question(example)}\n{example.npc}", 2)
        tells = hidden.told_by(part.text)
        if tells:
            dropped.append(_drop(part, f"tells {tells}"))
            continue
        if spent + part.tokens > prompt_input.budget:
            dropped.append(_drop(part, "budget"))
            continue
        spent += part.tokens
        parts.append(part)
        examples += [Message("user", _question(example)), Message("assistant", example.npc)]

    spoken = [_said(node, persona.id, names) for node in heard]
    kept = fitting = _fitting(spoken, prompt_input.budget - spent)
    # A greeting answers nothing: two answers in a row would break the pattern.
    while kept and spoken[-kept].role == "assistant":
        kept -= 1
    wanted = range(len(spoken) - HISTORY_NODES, len(spoken) - fitting)
    for at, message in enumerate(spoken[: len(spoken) - kept]):
        why = "budget" if at in wanted else "not relevant"
        dropped.append(_drop(_part("history", message.content), why))
    history = spoken[len(spoken) - kept :]
    remembered = [_part("history", message.content) for message in history]
    parts += [*remembered, *ask]
    asked = Message("user", _asked(line, hint.text if hint else ""))
    messages = (Message("system", system), *examples, *history, asked)
    tokens = spent + sum(part.tokens for part in remembered)
    return Prompt(messages, tuple(parts), tuple(dropped), tokens)


def _answering_the_last(given: PromptInput) -> PromptInput:
    """An NPC that goes on by itself speaks to what was said last, as to a line."""
    *before, last = given.history or (None,)
    if last is None or last.speaker == given.persona.id:
        return replace(given, text="…")
    return replace(given, text=last.text, history=tuple(filter(None, before)))


def is_authored(messages: tuple[Message, ...], text: str) -> bool:
    """Whether a prompt of this layout asks to say `text`, an authored one with its tags."""
    plain = " ".join(authored.plain(text).split())
    return bool(plain and messages) and messages[-1].content.endswith(f"\nFact: {plain}")


def _essence(given: PromptInput, file: str) -> Iterator[Part]:
    """World first: its NPCs then share the beginning of the prompt."""
    room = MESSAGE_TOKENS
    for source, of in (("world.toml", given.world), (file, given.persona)):
        key = "essence" if of.essence else "description"
        text = " ".join((of.essence or of.description).split())
        if text:
            yield Part(f"{source}:{key}", text, estimate(text) + room)
            room = 1


def _hint(
    given: PromptInput, file: str, hidden: Hidden, heard: list[Node], dropped: list[Dropped]
) -> Part | None:
    """The one text to say; every other one goes into `dropped`."""
    known = known_facts(given)
    dropped += known.dropped
    choices = [
        *_facts(given.persona.knowledge, f"{file}:knowledge"),
        *(
            (fact.source, "", Candidate(fact.text, fact.keys, LORE_WEIGHT))
            for fact in (*known.shared, *known.own, *known.now)
        ),
        *(
            (f"{file}:sections[{at}]", section.when, Candidate(section.text, (), SECTION_WEIGHT))
            for at, section in enumerate(given.persona.sections)
        ),
        *(
            ("state", "", Candidate(fact, (), STATE_WEIGHT))
            for fact in game_state.facts(given.state, given.persona.sees)
        ),
    ]
    open_choices = [
        (memory.source, Candidate(_remembered(memory), keys, MEMORY_WEIGHT))
        for memory in _memories(given, heard)
        for keys in (meeting_words(given.text, memory.said),)
    ]
    for source, when, candidate in choices:
        tells = hidden.told_by(candidate.text)
        if not holds(when, given.state):
            dropped.append(_drop(_part(source, candidate.text), "condition"))
        elif tells:
            dropped.append(_drop(_part(source, candidate.text), f"tells {tells}"))
        else:
            open_choices.append((source, candidate))
    said = [node.text for node in given.history if node.speaker == given.persona.id][-4:]
    line = authored.choose(given.persona, given.state, given.text, said=said)
    if line is not None and _ACTION in line.text and not hidden.told_by(line.text):
        words = authored.plain(line.text)
        deed = Candidate(words, tuple(line.keys), ACTION_WEIGHT)  # no fact can do it
        open_choices.append((f"{file}:lines", deed))
    found = scores(given.text, [candidate for _, candidate in open_choices])
    best = max(range(len(found)), key=found.__getitem__, default=-1)
    if best >= 0 and found[best] < RELEVANT:
        best = -1
    for at, (source, candidate) in enumerate(open_choices):
        if at != best:
            dropped.append(_drop(_part(source, candidate.text), "not relevant"))
    if best >= 0:
        source, candidate = open_choices[best]
        return _part(source, candidate.text)
    text = authored.plain(authored.authored_text(given.persona, given.state, given.text, said=said))
    part = _part(f"{file}:lines", text)
    tells = hidden.told_by(text)
    if tells:
        dropped.append(_drop(part, f"tells {tells}"))
    return part if text and not tells else None


def _memories(given: PromptInput, heard: list[Node]) -> list[Memory]:
    """Facts and promises of before; a line that is neither says too little to be an answer."""
    recalled = recall(
        given.rememberer,
        given.memory,
        heard,
        given.text,
        start=max(0, len(heard) - HISTORY_NODES),
        room=room_for_memories(given.world.memory_rules, given.budget, given.budget),
    )
    return [memory for memory in recalled.chosen if memory.kind == "fact"]


def _remembered(memory: Memory) -> str:
    """As the NPC would say it: a tiny model says what it is given."""
    return f'You told me: "{memory.said}"' if not memory.by else memory.text


def _facts(facts: list[Fact], source: str) -> list[tuple[str, str, Candidate]]:
    return [
        (f"{source}[{at}]", fact.when, Candidate(fact.text, tuple(fact.keys)))
        for at, fact in enumerate(facts)
    ]


def _question(example: Example) -> str:
    return _asked(example.player, example.fact)


def _asked(line: str, hint: str) -> str:
    """The form of every question. The hint stands last, where a small model sees it best."""
    return f"{line}\nFact: {' '.join(hint.split())}" if hint else line


def _said(node: Node, npc: str, names: tuple[str, ...]) -> Message:
    """What was said. To the NPC, another's line is one that it answers, as the player's are."""
    if node.speaker == npc:
        return Message("assistant", " ".join(untrusted.speech(node.text).split()))
    return Message("user", untrusted.line(node.text, names))


def _fitting(spoken: list[Message], room: int) -> int:
    """How many of the newest messages fit."""
    kept = 0
    for message in reversed(spoken[-HISTORY_NODES:]):
        room -= estimate(message.content) + MESSAGE_TOKENS
        if room < 0:
            break
        kept += 1
    return kept


def _part(source: str, text: str, messages: int = 1) -> Part:
    return Part(source, text, estimate(text) + MESSAGE_TOKENS * messages)


def _drop(part: Part, why: str) -> Dropped:
    return Dropped(part.source, part.text, part.tokens, why)
