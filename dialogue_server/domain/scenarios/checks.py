"""Is an answer as the scenario expects it? Deterministic checks, no second model.

The checks are strict about form, and know of the content only what the scenario says: an answer
that contains its key words and still says something silly passes, so read the transcript too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from dialogue_protocol.codes import EndReason
from msgspec import Struct

from .. import leaks
from ..language import NAMES, english_name
from ..language_detector import Detector, wrong_language
from ..lore import placed_entries
from ..persona import Persona, World
from ..sentences import SentenceLimit
from .scenario import Step

_LOOP_WORDS = 4
"""So many words in a row may not come twice."""
_ANSWERED = (EndReason.COMPLETE, EndReason.LENGTH)


class Did(Struct, frozen=True):
    """A cue of an answer: a mood, an action or a pause, at a code point of its text."""

    offset: int
    kind: str
    name: str
    args: dict[str, Any]


class Heard(Struct, frozen=True, kw_only=True):
    """An answer as the game got it. Times in milliseconds from the line; `mood` and its
    `intensity` are the NPC's after it; `triggers` are those that fired since the line."""

    npc: str = ""
    name: str = ""
    text: str = ""
    mood: str = ""
    intensity: int = 0
    did: tuple[Did, ...] = ()
    triggers: tuple[str, ...] = ()
    reason: str = ""
    problem: str = ""
    """The error's code and sentence, where the turn had one or there was no turn."""
    first_ms: int = 0
    total_ms: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def silent(self) -> bool:
        """Whether nobody answered."""
        return not self.npc


def problems(
    step: Step, heard: Heard, speakers: Collection[str], detector: Detector | None = None
) -> tuple[str, ...]:
    """What is not as expected; nothing if all is well. `speakers` are the names of all who could
    be speaking, whose labels must not stand in an answer. Without a `detector`, languages are told
    apart by their scripts only."""
    found = tuple(_triggers(step, heard))
    if heard.problem and heard.silent:
        return (heard.problem, *found)
    if heard.silent:
        return ("expected an answer; nobody answered", *found) if _must_answer(step) else found
    if step.nobody:
        found = (f"expected that nobody answers; {heard.npc} did", *found)
    return (
        *_turn(step, heard),
        *_text(step, heard, speakers, detector),
        *_cues(step, heard),
        *found,
    )


def _must_answer(step: Step) -> bool:
    """Whether silence is wrong. An NPC may always pass over an event that it need not react to,
    and nobody answers what the author has the player say."""
    if step.nobody is not None:
        return not step.nobody
    if step.verb in ("event", "result"):
        return step.react == "must" or bool(step.by)
    return step.verb != "script" or bool(step.npc)


def leak(
    world: World,
    persona: Persona,
    state: Mapping[str, object],
    text: str,
    known: Collection[str] = (),
) -> str:
    """What the text tells that the NPC may not know, or that is not so in this state; "" for
    nothing. What one of the texts of `known` (the player's lines) told first is no secret."""
    placed = tuple(placed_entries(world))
    for hidden in leaks.hidden_now(world, persona, placed, state):
        found = hidden.finding(text)
        if found is not None and not any(hidden.told_by(line) == found[0] for line in known):
            return f"tells what it must not: {found[0]} (“{found[1]}”)"
    return ""


def _turn(step: Step, heard: Heard) -> Iterator[str]:
    if step.by and heard.npc != step.by:
        yield f"expected {step.by} to answer; {heard.npc} did"
    why = f" ({heard.problem})" if heard.problem else ""
    if step.reason:
        if heard.reason not in step.reason:
            yield f"expected the turn to end as {_either(step.reason)}; it is {heard.reason}{why}"
    elif heard.reason not in _ANSWERED:
        yield f"the turn ended as {heard.reason}{why}"
    if step.max_ms is not None and heard.total_ms > step.max_ms:
        yield f"took {heard.total_ms} ms; at most {step.max_ms} expected"
    if step.max_first_ms is not None and heard.first_ms > step.max_first_ms:
        yield f"first word after {heard.first_ms} ms; at most {step.max_first_ms} expected"


def _text(
    step: Step, heard: Heard, speakers: Collection[str], detector: Detector | None
) -> Iterator[str]:
    text = " ".join(heard.text.split())
    lower = text.casefold()
    for group in step.contains:
        if not any(part.casefold() in lower for part in group):
            yield f"lacks {_either(group)}"
    for words in step.never:
        if _says(text, words):
            yield f"says {words!r}, which it never may"
    for pattern in step.matches:
        if not re.search(pattern, heard.text, re.IGNORECASE):
            yield f"does not match {pattern!r}"
    if step.max_chars is not None and len(heard.text) > step.max_chars:
        yield f"has {len(heard.text)} characters; at most {step.max_chars} expected"
    if step.max_sentences is not None and SentenceLimit(step.max_sentences).feed(text) != text:
        yield f"has more than {step.max_sentences} sentence(s)"
    if step.language:
        other = wrong_language(text, step.language, detector)
        if other:
            yield f"is in {NAMES.get(other, other)}; expected {english_name(step.language)}"
    if step.in_character is not False:
        yield from _character(step.say, text, speakers)


def _cues(step: Step, heard: Heard) -> Iterator[str]:
    if step.mood and heard.mood not in step.mood:
        yield f"expected the mood {_either(step.mood)}; it is {heard.mood or 'none'}"
    low, high = step.min_intensity, step.max_intensity
    if (low is not None and heard.intensity < low) or (high is not None and heard.intensity > high):
        bounds = f"{0 if low is None else low} to {100 if high is None else high}"
        yield f"expected the mood to be {bounds} strong; it is {heard.intensity}"
    actions = [did for did in heard.did if did.kind == "action"]
    if step.action:
        named = [did for did in actions if did.name == step.action]
        if not named:
            done = ", ".join(did.name for did in actions) or "none"
            yield f"expected the action {step.action}; there is {done}"
        elif not any(step.args.items() <= did.args.items() for did in named):
            yield f"expected {step.action} with {_args(step.args)}; it is with " + " / ".join(
                _args(did.args) for did in named
            )
    for name in step.never_action:
        if any(did.name == name for did in actions):
            yield f"does {name}, which it never may"


def _triggers(step: Step, heard: Heard) -> Iterator[str]:
    for name in step.trigger:
        if name not in heard.triggers:
            fired = ", ".join(heard.triggers) or "none"
            yield f"expected the trigger {name}; there is {fired}"
    for name in step.never_trigger:
        if name in heard.triggers:
            yield f"the trigger {name} fired, which it never may"


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)


def _args(args: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in args.items()) or "no parameters"


def _says(text: str, words: str) -> bool:
    """Whether the words stand in the text, not as parts of other words."""
    before = r"(?<!\w)" if _is_spaced(words[:1]) else ""
    after = r"(?!\w)" if _is_spaced(words[-1:]) else ""
    return re.search(f"{before}{re.escape(words)}{after}", text, re.IGNORECASE) is not None


def _is_spaced(letter: str) -> bool:
    """Whether words of this letter's script stand apart: it has cases, or is a digit."""
    return letter.isdecimal() or letter.lower() != letter.upper()


# ---------------------------------------------------------------- in character


def _character(question: str, text: str, speakers: Collection[str]) -> Iterator[str]:
    if not text:
        yield "empty"
        return
    lower = text.casefold()
    if _META.search(lower) is not None:
        yield "speaks of models, prompts or rules"
    if any(re.search(rf"\b{re.escape(name.casefold())}\s*:", lower) for name in speakers):
        yield "speaks for another"
    if _echoes(question, text):
        yield "repeats the question"
    if _loops(lower):
        yield "loops"
    if text[-1].isalnum() or text[-1] in ",;:-(":
        yield "unfinished"


_META = re.compile(
    r"as an ai|\ban ai\b|language model|chatbot|system prompt|instructions|role-?play|"
    r"my character|\(say|\bsay:|\banswer:|\buser:|\bassistant:|\bfact:|[\[\]<>{}#*_]"
)


def _echoes(question: str, answer: str) -> bool:
    """Whether a sentence of the question, of three words or more, comes back as one."""
    asked = {tuple(sentence) for sentence in _sentences(question) if len(sentence) >= 3}
    return any(tuple(sentence) in asked for sentence in _sentences(answer))


def _loops(text: str) -> bool:
    sentences = [tuple(sentence) for sentence in _sentences(text) if len(sentence) > 1]
    if len(set(sentences)) < len(sentences):
        return True
    words = re.findall(r"\w+", text)
    if any(len(set(words[at : at + 3])) == 1 for at in range(len(words) - 2)):
        return True
    runs = [tuple(words[at : at + _LOOP_WORDS]) for at in range(len(words) - _LOOP_WORDS + 1)]
    return len(set(runs)) < len(runs)


def _sentences(text: str) -> list[list[str]]:
    """The words of each sentence, casefolded."""
    parts = re.split(r"[.!?…]+", text.casefold())
    return [words for part in parts if (words := re.findall(r"[\w']+", part))]
