"""What a designer wrote and a model will not make much of: too little, too much, twice, or in two
languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from dialogue_protocol.messages import Player

from .. import authored
from ..assembly import assemble
from ..guards.rules import Cast, Watch
from ..guards.settings import Settled, settled
from ..lore import may_know, placed_entries
from ..persona import Persona, World
from ..prompt import PromptInput
from ..relevance import words
from ..tokens import estimate
from .subject import Found, Subject, persona_file
from .text_language import language

FEWEST_TOKENS = 20
"""Of description, personality and speech_style together: below it, an NPC is anybody."""
MOST_TOKENS = 1_500
"""Of what an NPC brings into every prompt: above it, little room is left for the talk."""
MOST_ESSENCE = 60
"""Tokens of the one sentence for a tiny model."""
_INDEFINITE = {
    **dict.fromkeys(("something", "anything", "item", "items", "object", "objects"), "item"),
    **dict.fromkeys(("thing", "things"), "item"),
    **dict.fromkeys(("someone", "somebody", "anyone", "anybody"), "whom"),
    "somewhere": "place",
    "amount": "amount",
}
"""Words of an action's description that leave open what is meant, and the parameter to say it."""
_MACHINE = re.compile(
    r"\b(?:servers?|api|timeouts?|offline|connection (?:lost|failed|error))\b", re.I
)
_TAG = re.compile(r"(\[\s*(mood|action|pause)\b[^\[\]]*\])", re.I)
_SOUND_TAG = re.compile(r"\[\s*(?:mood|action|pause)\s*[:=][^\[\]]*\]", re.I)
_LIKE_A_TAG = re.compile(r"\[[^\[]{0,30}|[({*]\s*(?:mood|action|pause)\s*[:=][^\[]{0,20}", re.I)
_IN_CHARACTER = Settled(character=True)


def poor_texts(subject: Subject) -> Iterator[Found]:
    """All of it, in no order."""
    for persona in subject.personas.values():
        yield from _size(subject.world, persona)
        yield from _advice(persona)
        yield from _actions(persona)
        yield from _unsent(persona)
        yield from _no_tags(persona)
        yield from _twice(subject.world, persona)
        yield from _languages(persona)
        yield from _guarded(subject.world, persona)


def _size(world: World, persona: Persona) -> Iterator[Found]:
    file = persona_file(persona)
    told = " ".join((persona.description, persona.personality, persona.speech_style))
    if (size := estimate(told.strip())) < FEWEST_TOKENS:
        problem = (
            f"says only {size} tokens of who {persona.name} is, and a model fills the gap with "
            "anybody: say what the NPC wants, what it hides, and how it talks (speech_style)"
        )
        yield Found(f"{file}:description", "warning", "vague", problem)
    given = PromptInput(world, persona, Player("_check"), "…", 10**6)
    made = assemble(given, "standard")
    parts = [part for part in made.parts if part.source.startswith(f"{file}:")]
    if (size := sum(part.tokens for part in parts)) > MOST_TOKENS:
        largest = Counter[str]()
        for part in parts:
            largest[part.source.partition(":")[2].partition("[")[0]] += part.tokens
        key, most = largest.most_common(1)[0]
        problem = (
            f"brings {size} tokens into every prompt, over {MOST_TOKENS}; {key} alone has {most}. "
            "Shorten it, or move what is not always needed into lore/, with keys"
        )
        yield Found(f"{file}:{key}", "warning", "overlong", problem)
    if (size := estimate(persona.essence)) > MOST_ESSENCE:
        problem = f"has {size} tokens; a tiny model follows one sentence, about {MOST_ESSENCE}"
        yield Found(f"{file}:essence", "note", "overlong", problem)
    elif not persona.essence and (size := estimate(persona.description)) > MOST_ESSENCE:
        problem = (
            f"has {size} tokens, too many for a tiny model: say who {persona.name} is in one "
            "sentence, as `essence`"
        )
        yield Found(f"{file}:description", "note", "no-essence", problem)


def _advice(persona: Persona) -> Iterator[Found]:
    file = persona_file(persona)
    if not persona.fallback:
        problem = (
            "has no fallback: when the model fails, the turn fails. Write two or three lines "
            f"that {persona.name} says when it did not catch what was said"
        )
        yield Found(file, "warning", "no-fallback", problem)
    if not persona.speech_style:
        problem = f"has no speech_style: {persona.name} will talk as the model does"
        yield Found(file, "note", "no-speech-style", problem)
    if not persona.examples:
        problem = "has no examples; one to three teach a model more than any description"
        yield Found(file, "note", "no-examples", problem)
    watch = Watch(_IN_CHARACTER, Cast(persona.name, ""))
    for key, text in _without_player(persona):
        if _MACHINE.search(text) or watch.hit(authored.plain(text)):
            problem = f"speaks of machines, and {persona.name} knows nothing of them: reword it"
            yield Found(f"{file}:{key}", "warning", "out-of-character", problem)


def _without_player(persona: Persona) -> Iterator[tuple[str, str]]:
    """What is said whatever the player said, with its key."""
    yield "greeting", persona.greeting
    for key in ("fallback", "fillers"):
        for at, text in enumerate(getattr(persona, key)):
            yield f"{key}[{at}]", text


def _spoken(persona: Persona) -> Iterator[tuple[str, str]]:
    """All that the NPC says in its file, with its key."""
    yield from _without_player(persona)
    for at, line in enumerate(persona.lines):
        yield f"lines[{at}].text", line.text
    for at, example in enumerate(persona.examples):
        yield f"examples[{at}].npc", example.npc


def _guarded(world: World, persona: Persona) -> Iterator[Found]:
    """What the NPC says in its file and its own guards forbid it to say."""
    guards = settled(world, persona)
    phrases = Settled(
        character=guards.character,
        forbidden=guards.forbidden,
        anachronisms=guards.anachronisms,
        topics=guards.topics,
        allowed=guards.allowed,
    )
    if not phrases:
        return
    watch = Watch(phrases, Cast(persona.name, "", terms=tuple(world.terms)))
    for key, text in _spoken(persona):
        if hit := watch.hit(authored.plain(text)):
            problem = (
                f"says what the NPC's own guards forbid ({hit.guard}: {hit.rule}): reword it, or "
                "put the phrase into guards.allowed"
            )
            yield Found(f"{persona_file(persona)}:{key}", "warning", "guarded", problem)


def _unsent(persona: Persona) -> Iterator[Found]:
    """Tags where none is sent: a greeting comes with its mood alone, a filler with nothing."""
    texts = [("greeting", persona.greeting, "moods")]
    texts += [(f"fillers[{at}]", text, "words") for at, text in enumerate(persona.fillers)]
    for key, text, sent in texts:
        for tag, kind in _TAG.findall(text):
            if sent == "words" or kind.lower() != "mood":
                problem = (
                    f"the tag {tag} is left out here: of a {key.partition('[')[0].rstrip('s')}, "
                    f"only the {sent} reach the game"
                )
                yield Found(f"{persona_file(persona)}:{key}", "warning", "unsent-tag", problem)


def _no_tags(persona: Persona) -> Iterator[Found]:
    """What was meant as a tag and is none: a player reads it, or loses all that follows it."""
    for key, text in _spoken(persona):
        if match := _LIKE_A_TAG.search(_SOUND_TAG.sub("", text)):
            problem = (
                f"“{match[0].strip()}” is no tag, and would be read by players: write it as "
                "[mood: angry], [pause: 500] or [action: name], or take the brackets out"
            )
            yield Found(f"{persona_file(persona)}:{key}", "warning", "no-tag", problem)


def _actions(persona: Persona) -> Iterator[Found]:
    for at, action in enumerate(persona.actions):
        word = next((word for word in words(action.description) if word in _INDEFINITE), "")
        if word and not action.parameters:
            problem = (
                f"speaks of “{word}” and has no parameter to say which: add one with its `values` "
                f"([actions.parameters.{_INDEFINITE[word]}]), or name it"
            )
            yield Found(
                f"{persona_file(persona)}:actions[{at}]", "warning", "no-parameter", problem
            )


def _twice(world: World, persona: Persona) -> Iterator[Found]:
    """Facts that stand in one prompt twice."""
    seen: dict[tuple[str, ...], str] = {}
    for placed in placed_entries(world):
        if placed.always and not placed.whens and may_know(persona, placed):
            seen.setdefault(tuple(words(placed.entry.text)), placed.source)
    for at, fact in enumerate(persona.knowledge):
        if fact.when:
            continue
        source = f"{persona_file(persona)}:knowledge[{at}]"
        before = seen.setdefault(tuple(words(fact.text)), source)
        if before != source:
            yield Found(source, "warning", "said-twice", f"says what {before} says; take one out")
    lines: dict[tuple[str, ...], int] = {}
    for at, line in enumerate(persona.lines):
        first = lines.setdefault((*words(line.text), line.when), at)
        if first != at and line.keys:
            problem = f"says what lines[{first}] says; join their keys"
            yield Found(f"{persona_file(persona)}:lines[{at}]", "warning", "said-twice", problem)


def _languages(persona: Persona) -> Iterator[Found]:
    """Spoken texts of another language than most: a model goes on in either."""
    found = [(key, tongue) for key, text in _spoken(persona) if (tongue := language(text))]
    if not found:
        return
    usual = Counter(tongue for _, tongue in found).most_common(1)[0][0]
    file = persona_file(persona)
    for key, tongue in found:
        if tongue != usual:
            problem = (
                f"is {tongue}, and the NPC's other lines are {usual}: a model goes on in either. "
                "Write them in one language"
            )
            yield Found(f"{file}:{key}", "warning", "two-languages", problem)
    described = language(f"{persona.description} {persona.personality}")
    if described and described != usual:
        problem = (
            f"is {described}, and the NPC speaks {usual}; write both in {usual}, since a tiny "
            "model goes on in the language it reads"
        )
        yield Found(f"{file}:description", "warning", "two-languages", problem)
