"""A recorded session as an answering machine: a client's message in, the recorded answers out.

A line is looked for among the recorded ones of its conversation that have not been used, then
among all: exactly as it was, then without regard to capitals, punctuation and spaces, then by its
position (how far that may go is a setting). A miss raises; nothing is ever made up but what
follows from the client's own message (a state accepted, a conversation closed).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    ActionResult,
    Advance,
    ClientMessage,
    Close,
    Closed,
    Event,
    Open,
    Request,
    Save,
    Saved,
    Say,
    Script,
    ServerMessage,
    State,
    StateOk,
    Turn,
)
from msgspec import structs

from ...errors import RequestError
from .exchanges import Exchange, Timed, conversation_of

Match = Literal["exact", "normalised", "position"]
MATCHES = get_args(Match)


class Replay:
    """Answers one client's session. `match` is how far a line may be from the recorded one."""

    def __init__(self, recorded: Sequence[Exchange], match: Match = "normalised") -> None:
        self._recorded = recorded
        self._match = match
        self._used: dict[int, int] = {}
        """How often each exchange was used, by its place in the recording."""
        self._talks: dict[str, str] = {}
        """The client's names of conversations to the recorded ones."""
        self._known: dict[tuple[str, str], tuple[int, int]] = {}
        """Which exchange answered a line of the client, and as its how manieth use."""
        self._turn = 0

    def answer(self, message: ClientMessage) -> list[Timed]:
        """What to send, and when: milliseconds from the message. Raises a RequestError that names
        the nearest recorded line."""
        if isinstance(message, Open):
            self._talks[message.conversation] = self._talk_of(message)
        if isinstance(message, Request):
            known = self._known.get((message.conversation, message.line))
            if known is not None:  # said again, after a reconnect
                return [(0.0, answer) for _, answer in self._for_this_client(*known, message)]
        place = self._find(message)
        if place is None:
            made = _follows(message)
            if made is None:
                raise RequestError(ErrorCode.MODEL_BAD_REQUEST, self._miss(message))
            return [(0.0, made)]
        times = self._used[place] = self._used.get(place, 0) + 1
        if isinstance(message, Request):
            self._known[message.conversation, message.line] = (place, times)
        return list(self._for_this_client(place, times, message))

    # ------------------------------------------------------------ finding

    def _talk_of(self, message: Open) -> str:
        """The recorded conversation that an open means: of its name, else with its cast."""
        opens = [e.request for e in self._recorded if isinstance(e.request, Open)]
        for fits in (
            lambda o: (o.conversation, o.npcs) == (message.conversation, message.npcs),
            lambda o: o.npcs == message.npcs,
            lambda o: o.conversation == message.conversation,
        ):
            found: Open | None = next(filter(fits, opens), None)
            if found is not None:
                return found.conversation
        return message.conversation

    def _find(self, message: ClientMessage) -> int | None:
        if isinstance(message, State):
            return None  # any state is accepted; its revision is the client's own
        mine = self._candidates(message)
        fresh = [place for place in mine if not self._used.get(place)]
        wanted = _text(message)
        for form in (str, _normalised)[: 1 + (self._match != "exact")]:
            for places in (fresh, reversed(mine)):  # used ones again, the newest first
                for place in places:
                    if form(_text(self._recorded[place].request)) == form(wanted):
                        return place
        return fresh[0] if fresh and self._match == "position" else None

    def _candidates(self, message: ClientMessage) -> list[int]:
        """The recorded requests of the same kind in the same conversation that were answered."""
        name = conversation_of(message)
        talk = self._talks.get(name, name)
        return [
            place
            for place, exchange in enumerate(self._recorded)
            if type(exchange.request) is type(message)
            and exchange.conversation == talk
            and exchange.answers
        ]

    def _miss(self, message: ClientMessage) -> str:
        kind, wanted = type(message).__name__.lower(), _text(message)
        texts = [_text(self._recorded[place].request) for place in self._candidates(message)]
        if not texts:
            name = conversation_of(message)
            where = f" of {self._talks.get(name, name)!r}" if name else ""
            return f"replay: the recording has no {kind}{where}."
        near = difflib.get_close_matches(wanted, texts, 1, 0.0)[0]
        difference = "\n".join(difflib.ndiff([near], [wanted]))
        return (
            f"replay: no {kind} was recorded as {wanted!r} (matched {self._match}); the nearest "
            f"recorded one is {near!r}.\n{difference}"
        )

    # ------------------------------------------------------------ telling

    def _for_this_client(self, place: int, times: int, message: ClientMessage) -> Iterator[Timed]:
        """The recorded answers under the client's own names and in this session's numbers."""
        turns: dict[int, int] = {}
        for delay, answer in self._recorded[place].answers:
            changes: dict[str, Any] = {}
            if conversation_of(answer):
                changes["conversation"] = conversation_of(message)
            if getattr(answer, "line", "") and isinstance(message, Request):
                changes["line"] = message.line
            if isinstance(answer, Turn):
                self._turn += 1
                turns[answer.turn] = self._turn
                if times > 1:  # a stored id is of one turn only
                    changes["id"] = f"{answer.id[:60]}-{times}"
            turn = getattr(answer, "turn", 0)
            if turn in turns:
                changes["turn"] = turns[turn]
            yield delay, structs.replace(answer, **changes) if changes else answer


def _follows(message: ClientMessage) -> ServerMessage | None:
    """What needs no recording to be answered."""
    match message:
        case State():
            return StateOk(message.conversation, message.revision)
        case Close():
            return Closed(message.conversation)
        case Save():
            return Saved(message.conversation, f"replay of {message.conversation}"[:64])
        case _:
            return None


def _text(message: ClientMessage) -> str:
    """What tells a request from others of its kind."""
    match message:
        case Say():
            return f"{message.text}{f'  (to {message.to})' if message.to else ''}"
        case Event() | Script():
            return f"{message.text}{f'  ({message.npc})' if message.npc else ''}"
        case Advance():
            return message.npc
        case ActionResult():
            return f"{message.action} {'done' if message.accepted else 'refused'} {message.text}"
        case Open():
            return " ".join(message.npcs)
        case _:
            return ""


def _normalised(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
