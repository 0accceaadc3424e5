"""A recorded session beside the same session played today: what is otherwise, answer by answer."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, median

from dialogue_protocol.messages import (
    ActionResult,
    Advance,
    ClientMessage,
    Close,
    Cue,
    Delta,
    Error,
    Event,
    Load,
    Open,
    Opened,
    Regenerate,
    Save,
    Say,
    Script,
    State,
    Suggest,
    Suggestions,
    Trigger,
    Turn,
    TurnEnd,
)
from msgspec import Struct, structs

from .exchanges import Exchange, asked_line, exchanges
from .recording import Asked, Recording

WHAT = ("prompt", "history", "who", "text", "moods", "actions", "triggers", "end")
"""What may be otherwise: the prompt by what designers and the server's code put into it; the
prompt by nothing but what was said before; who answers; what is said, with which moods, actions
and triggers; how the answer ends."""
ANSWER = ("who", "text", "moods", "actions", "triggers", "end")
"""What of it a player may notice."""
PLAYED = (
    Open, State, Say, Event, Script, Advance, ActionResult, Regenerate, Suggest, Save, Load, Close
)  # fmt: skip
"""The requests that are made again; those of a designer's page are not."""
FAILURES = ("store_failed", "internal", "shutting_down", "busy", "rate_limited")
"""The codes of requests that the server could not serve then: that is no matter of content."""
_SAID_BEFORE = ("history", "memory")
_CONTEXT = 1
_INDEX = re.compile(r"\[\d+\]")


class Said(Struct, frozen=True):
    """An answer. Moods and actions are written out; `first_ms` is 0 where nothing was said."""

    npc: str = ""
    text: str = ""
    moods: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    end: str = ""
    first_ms: int = 0
    total_ms: int = 0


class SourceChange(Struct, frozen=True):
    """A source of a prompt whose text is new, gone or changed."""

    source: str
    how: str


class Compared(Struct, frozen=True):
    """One request, and what answered it then and now. `place` counts the file's requests from 1;
    `prompt` is the difference of the two prompts, as lines."""

    file: str
    place: int
    asked: str
    before: Said
    now: Said
    sources: tuple[SourceChange, ...] = ()
    prompt: tuple[str, ...] = ()

    @property
    def npc(self) -> str:
        """Whose answer it is, or was."""
        return self.before.npc or self.now.npc

    @property
    def what(self) -> tuple[str, ...]:
        """What is otherwise, of WHAT."""
        b, n = self.before, self.now
        found = set()
        if self.prompt or self.sources:
            later = self.sources and all(c.source.startswith(_SAID_BEFORE) for c in self.sources)
            found.add("history" if later else "prompt")
        for name, was, is_now in (
            ("who", b.npc, n.npc),
            ("text", b.text, n.text),
            ("moods", b.moods, n.moods),
            ("actions", b.actions, n.actions),
            ("triggers", b.triggers, n.triggers),
            ("end", b.end, n.end),
        ):
            if was != is_now:
                found.add(name)
        return tuple(name for name in WHAT if name in found)

    @property
    def likeness(self) -> float:
        """How alike the two texts are, from 0 to 1."""
        return difflib.SequenceMatcher(None, self.before.text, self.now.text, False).ratio()


def compare(file: str, before: Recording, now: Recording, *, timed: bool = True) -> list[Compared]:
    """Each answer of a recording beside that of the session in which its requests were made
    again, in their order. What neither answered is left out. `timed`: whether the times of both
    are those of a model."""
    then, today = _played(before), _played(now)
    asked_then, asked_now = _asked(before), _asked(now)
    found = []
    for place, (old, new) in enumerate(zip(then, today, strict=False), 1):
        was, is_now = said(old, timed=timed), said(new, timed=timed)
        if was == is_now == Said() or _history(old) != _history(new):
            continue  # nothing was said; or a greeting depends on what is not in the recording
        if _failed(old):
            continue  # today's answer has nothing to stand beside
        if was.end == "interrupted":  # the player saw no more of it
            is_now = structs.replace(
                is_now,
                text=is_now.text[: len(was.text)],
                moods=is_now.moods[: len(was.moods)],
                actions=is_now.actions[: len(was.actions)],
                end=was.end,
            )
        one, two = asked_then.get(_turn(old)), asked_now.get(_turn(new))
        compared = Compared(
            file,
            place,
            asked_line(old.request) or _kind(old.request),
            was,
            is_now,
            source_changes(one, two),
            prompt_difference(one, two),
        )
        found.append(compared)
    return found


def _played(recording: Recording) -> list[Exchange]:
    return [e for e in exchanges(recording) if isinstance(e.request, PLAYED)]


def _asked(recording: Recording) -> dict[int, Asked]:
    """The first prompt of each turn: a guard may have had the model asked anew."""
    found: dict[int, Asked] = {}
    for entry in recording.entries:
        if isinstance(entry.what, Asked):
            found.setdefault(entry.what.turn, entry.what)
    return found


def _history(exchange: Exchange) -> int:
    """How many turns a conversation went on from when it was opened."""
    return next((a.history for _, a in exchange.answers if isinstance(a, Opened)), 0)


def failures(before: Recording) -> int:
    """How many of the requests the server failed to serve then; they are not compared."""
    return sum(map(_failed, _played(before)))


def _failed(exchange: Exchange) -> bool:
    """Whether an error of the server was the only answer."""
    found = [answer for _, answer in exchange.answers]
    return bool(found) and all(isinstance(a, Error) and a.code in FAILURES for a in found)


def lacking(before: Recording, now: Recording) -> dict[str, int]:
    """The conversations that went on from earlier turns which are not there today, and from how
    many."""
    then, today = _first_histories(before), _first_histories(now)
    return {name: turns for name, turns in then.items() if turns > today.get(name, 0)}


def _first_histories(recording: Recording) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in recording.entries:
        if isinstance(entry.what, Opened):
            found.setdefault(entry.what.conversation, entry.what.history)
    return found


def _turn(exchange: Exchange) -> int:
    return next((a.turn for _, a in exchange.answers if isinstance(a, Turn)), 0)


def _kind(request: ClientMessage) -> str:
    return f"~ {type(request).__name__.lower()}"


def said(exchange: Exchange, *, timed: bool = True) -> Said:
    """What an exchange's answers come to, without times unless `timed`."""
    npc = text = end = ""
    moods: list[str] = []
    actions: list[str] = []
    triggers: list[str] = []
    first = total = 0
    for _, answer in exchange.answers:
        match answer:
            case Opened():
                npc = answer.npcs[0].id if answer.npcs and answer.greeting else ""
                text = answer.greeting
            case Turn():
                npc = answer.npc
            case Delta():
                text += answer.text
            case Cue(kind="mood"):
                moods.append(f"{answer.name} {answer.args.get('intensity', '')}".strip())
            case Cue(kind="action"):
                args = "".join(f" {key}={value}" for key, value in answer.args.items())
                actions.append(f"{answer.name}{args}")
            case TurnEnd():
                end = answer.reason
                if timed:
                    first, total = answer.first_token_ms, answer.total_ms
                if end == "interrupted":
                    text = text[: answer.length]
            case Suggestions():
                text = "\n".join(answer.texts)
            case Trigger():
                triggers.append(" ".join(filter(None, (answer.name, answer.stage))))
            case Error():
                end = f"error {answer.code}"
            case _:
                pass
    return Said(npc, text, tuple(moods), tuple(actions), tuple(triggers), end, first, total)


def source_changes(before: Asked | None, now: Asked | None) -> tuple[SourceChange, ...]:
    """The sources whose text is otherwise; nothing where a file does not tell its parts. Where
    the digests are missing, only what is new or gone is seen."""
    if before is None or now is None or not before.parts or not now.parts:
        return ()
    whole = all(digest for _, digest in (*before.parts, *now.parts))
    old = [(source, _key(source, digest, whole)) for source, digest in before.parts]
    new = [(source, _key(source, digest, whole)) for source, digest in now.parts]
    gone, came = _without(old, new), _without(new, old)
    names = {(True, True): "changed", (True, False): "gone", (False, True): "new"}
    return tuple(
        SourceChange(source, names[source in gone, source in came])
        for source in dict.fromkeys(source for source, _ in (*new, *old))
        if source in gone or source in came
    )


_Key = tuple[str, str]


def _key(source: str, digest: str, whole: bool) -> _Key:
    """What makes two parts the same: a text that only moved in its list is no change."""
    return (_INDEX.sub("[]", source), digest) if whole else (source, "")


def _without(parts: Sequence[tuple[str, _Key]], others: Sequence[tuple[str, _Key]]) -> set[str]:
    """The sources of the parts that the others lack."""
    left = Counter(key for _, key in others)
    found = set()
    for source, key in parts:
        left[key] -= 1
        if left[key] < 0:
            found.add(source)
    return found


def prompt_difference(before: Asked | None, now: Asked | None) -> tuple[str, ...]:
    """A unified diff of two prompts; empty where they are equal, or one is missing."""
    if before is None or now is None:
        return ()
    old, new = _prompt_lines(before), _prompt_lines(now)
    lines = difflib.unified_diff(old, new, "then", "now", lineterm="", n=_CONTEXT)
    return tuple(lines)[2:]


def _prompt_lines(asked: Asked) -> list[str]:
    lines: list[str] = []
    for message in asked.messages:
        lines.append(f"— {' '.join(filter(None, (message.role, message.name)))} —")
        lines += message.content.split("\n")
    return lines


# ---------------------------------------------------------------- figures


class Row(Struct, frozen=True):
    """An NPC's answers in all recordings. `changed` counts the answers by what is otherwise;
    `likeness` is the mean of the texts'; times are medians, in milliseconds, 0 for none."""

    npc: str
    answers: int
    changed: Mapping[str, int]
    likeness: float
    first_before: int
    first_now: int

    @property
    def noticed(self) -> float:
        """The share of answers of which a player may notice something."""
        return self.changed["answers"] / self.answers


def rows(compared: Sequence[Compared]) -> list[Row]:
    """A row an NPC, the most changed first."""
    found = [
        _row(npc, [each for each in compared if each.npc == npc])
        for npc in dict.fromkeys(each.npc for each in compared)
    ]
    return sorted(
        found,
        key=lambda r: (-r.noticed, -r.changed["prompt"] / r.answers, r.likeness, r.npc),
    )


def _row(npc: str, own: Sequence[Compared]) -> Row:
    return Row(
        npc,
        len(own),
        counts(own),
        mean(each.likeness for each in own),
        first_word(each.before for each in own),
        first_word(each.now for each in own),
    )


def counts(compared: Iterable[Compared]) -> dict[str, int]:
    """How many answers are otherwise, by what of WHAT; `answers` by anything of ANSWER."""
    found = dict.fromkeys((*WHAT, "answers"), 0)
    for each in compared:
        for name in each.what:
            found[name] += 1
        found["answers"] += any(name in ANSWER for name in each.what)
    return found


def first_word(answers: Iterable[Said]) -> int:
    """The median time to the first word, in milliseconds; 0 where nothing was timed."""
    times = [each.first_ms for each in answers if each.first_ms]
    return round(median(times)) if times else 0


class Bounds(Struct, frozen=True):
    """What may be otherwise: the share in per cent of all answers, by a name of WHAT or
    `answers`; and by how many per cent the first word may come later."""

    changed: Mapping[str, float] = {}
    slower: float | None = None


def exceeded(compared: Sequence[Compared], bounds: Bounds) -> dict[str, str]:
    """Which bounds do not hold, each with a sentence; `slower` for the time."""
    found = {}
    have = counts(compared)
    for name, most in bounds.changed.items():
        got = 100 * have[name] / len(compared) if compared else 0.0
        if got > most:
            found[name] = (
                f"{name}: {have[name]} of {len(compared)} changed, {got:.0f} %; at most {most:g} "
                "% may"
            )
    if bounds.slower is not None:
        was = first_word(each.before for each in compared)
        is_now = first_word(each.now for each in compared)
        if was and is_now > was * (1 + bounds.slower / 100):
            found["slower"] = (
                f"the first word comes after {is_now} ms (median), {was} ms then; at most "
                f"{bounds.slower:g} % later it may"
            )
    return found
