"""What a client's request comes to: a node to remember, and who of the cast speaks then."""

from __future__ import annotations

from typing import Any

import msgspec
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    ActionResult,
    Advance,
    Event,
    Regenerate,
    Say,
    Script,
)
from msgspec import Struct

from ..domain import reactions, turn_taking
from ..domain.conversation import Node, line_of
from ..domain.persona import Persona
from ..domain.prompt import Kind
from ..errors import RequestError
from .talk import Talk

MAX_DATA_BYTES = 4096
"""The details of an event or a result, as JSON."""
TurnRequest = Say | Regenerate | Event | Script | Advance | ActionResult
"""What a turn may answer."""


class Asked(Struct, frozen=True):
    """A request, understood. `node` is remembered before anybody speaks; `persona` speaks then
    (None: nobody), to `text`, or, as `script`, says `text` as it is."""

    persona: Persona | None
    text: str
    kind: Kind = "say"
    locale: str = ""
    node: Node | None = None
    script: bool = False


def understand(talk: Talk, message: TurnRequest) -> Asked:
    """What a request comes to in a conversation as it stands. A RequestError says what is wrong
    with it. `regenerate` moves the conversation back to before the old answer."""
    match message:
        case Say():
            text = checked(talk, "say", message.text)
            persona = _addressed(talk, message, text)
            return Asked(persona, text, "say", message.locale, _said(talk, message, persona, text))
        case Event():
            text = checked(talk, "event", message.text)
            reacting = _reacting(talk, message, text)
            return Asked(reacting, text, "event", "", _happened(talk, message, reacting, text))
        case ActionResult():
            return _result(talk, message)
        case Script(npc=""):
            text = checked(talk, "script", message.text)
            return Asked(None, text, "say", "", _said(talk, message, None, text))
        case Script():
            text = checked(talk, "script", message.text)
            return Asked(talk.member("script.npc", message.npc), text, script=True)
        case Advance():
            if message.npc:
                persona = talk.member("advance.npc", message.npc)
            else:
                persona = turn_taking.next_speaker(talk.cast, talk.nodes)
            return Asked(persona, "", "advance", message.locale)
        case _:
            raise AssertionError(message)


def asked_again(talk: Talk, node: Node) -> Asked:
    """A node that was remembered and never answered, since the server died in between, or that
    is to be answered anew."""
    npc = str(node.meta.get("to", ""))
    persona = talk.member("line", npc) if npc else None
    if persona is None and "to" not in node.meta:
        persona = turn_taking.addressed(talk.cast_in(), node.text, talk.nodes)
    kind: Kind = "event" if node.kind == "event" else "say"
    return Asked(persona, node.text, kind, str(node.meta.get("locale", "")), node)


def waits(node: Node) -> bool:
    """Whether a client's request, the newest of a path, still waits to be answered: it is said when
    it is, and then only once."""
    return node.kind != "npc" and node.meta.get("to") != "" and bool(line_of(node))


def checked(talk: Talk, field: str, given: str) -> str:
    """The text of a request without what surrounds it; a RequestError if it cannot be said."""
    text = given.strip()
    limit = talk.context.limits.line_chars
    if not text:
        raise RequestError(ErrorCode.EMPTY_LINE, f"{field}.text: the line is empty.")
    if len(text) > limit:
        raise RequestError(
            ErrorCode.LINE_TOO_LONG,
            f"{field}.text: {len(text)} code points; the server takes {limit} (limits.line_chars).",
        )
    return text


def _addressed(talk: Talk, message: Say, text: str) -> Persona:
    if message.to:
        return talk.member("say.to", message.to)
    locale = message.locale or talk.locale
    return turn_taking.addressed(talk.cast_in(locale), text, talk.nodes, locale)


def _reacting(talk: Talk, message: Event, text: str) -> Persona | None:
    _check_react("event", message.react)
    named = talk.member("event.npc", message.npc) if message.npc else None
    if message.react == "never":
        return None
    cast = [one for one in talk.cast_in() if named is None or one.id == named.id]
    found = reactions.who_reacts(cast, message.name, text, talk.state)
    if message.react == "must":
        return found or named or turn_taking.next_speaker(talk.cast, talk.nodes)
    return found


def _check_react(field: str, react: str) -> None:
    if react not in reactions.REACTIONS:
        raise RequestError(
            ErrorCode.BAD_MESSAGE, f"{field}.react: expected may, never or must, got {react!r}."
        )


def _said(talk: Talk, message: Say | Script, persona: Persona | None, text: str) -> Node:
    meta = {"locale": message.locale} if isinstance(message, Say) and message.locale else {}
    return _node(talk, message, "player", talk.player.name, text, persona, **meta)


def _happened(
    talk: Talk,
    message: Event | ActionResult,
    persona: Persona | None,
    text: str,
    **meta: Any,
) -> Node:
    if isinstance(message, Event) and message.name:
        meta["event"] = message.name
    if message.data:
        _check_data(message)
        meta["data"] = message.data
    return _node(talk, message, "event", "", text, persona, **meta)


def _check_data(message: Event | ActionResult) -> None:
    """It is kept with the line for ever, and read with it again and again."""
    size = len(msgspec.json.encode(message.data))
    if size > MAX_DATA_BYTES:
        field = "event" if isinstance(message, Event) else "action_result"
        raise RequestError(
            ErrorCode.BAD_MESSAGE,
            f"{field}.data: {size} bytes as JSON; the server takes {MAX_DATA_BYTES}.",
        )


def _node(
    talk: Talk,
    message: Say | Script | Event | ActionResult,
    kind: Any,
    speaker: str,
    text: str,
    persona: Persona | None,
    **meta: Any,
) -> Node:
    context = talk.context
    return Node(
        id=context.new_id(),
        parent=talk.nodes[-1].id if talk.nodes else "",
        kind=kind,
        speaker=speaker,
        text=text,
        at=context.now(),
        line=message.line,
        meta={
            "heard": talk.heard,
            "to": persona.id if persona else "",
            **meta,
        },
    )


def _result(talk: Talk, message: ActionResult) -> Asked:
    _check_react("action_result", message.react)
    done = checked(talk, "action_result", message.text) if message.text.strip() else ""
    turn = next((node for node in talk.nodes if node.id == message.id), None)
    if turn is None:
        raise RequestError(
            ErrorCode.UNKNOWN_TURN,
            f"action_result.id: the branch in force of {talk.name!r} has no turn {message.id!r}.",
        )
    told = [message.id, message.action]
    cue = next((cue for cue in turn.meta.get("cues", []) if cue[4:] == [message.action]), None)
    others = (each for each in talk.nodes if line_of(each) != message.line)
    if cue is None or any(node.meta.get("result") == told for node in others):
        why = "waits for no result" if cue is None else "has its result already"
        raise RequestError(
            ErrorCode.UNKNOWN_ACTION,
            f"action_result.action: action {message.action} of that turn {why}.",
        )
    persona = talk.persona(turn.speaker)
    text = reactions.result_text(persona.name, cue[2], cue[3], accepted=message.accepted, text=done)
    there = message.react != "never" and persona.id in talk.heard
    speaks = persona if there else None
    node = _happened(talk, message, speaks, text, result=told)
    return Asked(speaks, text, "event", "", node)
