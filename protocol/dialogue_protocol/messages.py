"""Every message of the wire, version 1.

In msgpack a message is an array led by its one-byte type; in JSON it is an object with
`"type"` (codec.py derives the second form from the first, so there is one definition).
Nested Structs are maps in both.

Evolution (spec.md, "Evolution"): fields are only appended, always with a default; a field's
type never changes; unknown trailing fields and unknown message types are ignored.

Messages of type 16 and up, in either direction, are *sequenced*: the n-th one since the
session began has sequence number n. The number is not sent; both ends count (as in XEP-0198),
which is what keeps the envelope of a delta within 12 bytes.

The limits in the types are checked where a message is decoded, not where it is made.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, field

VERSION = 1
SUBPROTOCOL_MSGPACK = "dialogue.v1.msgpack"
SUBPROTOCOL_JSON = "dialogue.v1.json"
FIRST_SEQUENCED_TYPE = 16
MAX_DELTA_CHARS = 16_000
"""The most code points in one delta: 64,000 bytes of UTF-8 at worst, so that its WebSocket
frame keeps the four-byte header. A server splits what is longer."""

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""Any integer of the wire: what every language, JavaScript's doubles included, holds exactly."""
Id = Annotated[str, Meta(min_length=1, max_length=64)]
"""A name that one end made up and the other repeats; lengths are in code points."""
Label = Annotated[str, Meta(max_length=64)]
Locale = Annotated[str, Meta(max_length=35)]
"""A BCP 47 language tag, such as "pt-BR"; "" for the server's default."""
Capabilities = Annotated[list[Label], Meta(max_length=64)]


# ---------------------------------------------------------------- nested values


class Resume(Struct, frozen=True):
    """Where a client wants to go on: the session, its epoch, the last sequence number it has."""

    session: Id
    epoch: Id
    seq: Count


class Player(Struct, frozen=True):
    """The person who speaks. `persona` is a sentence or two on who they are in the game."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    name: Label = "Traveller"
    persona: Annotated[str, Meta(max_length=1000)] = ""


class NpcInfo(Struct, frozen=True):
    """What a game may show of an NPC before it speaks."""

    id: str
    name: str
    mood: str = ""
    moods: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    intensity: Count = 0


class SpokenLine(Struct, frozen=True):
    """One line of a transcript. `kind` is player, npc or event; `id` is a turn's stored id (kind
    npc); `line` the client's id that it answers or has; `reason` how the turn ended; `mood` the
    last one of the turn, and `intensity` its strength, 0 to 100."""

    id: str
    kind: str
    speaker: str
    text: str
    line: str = ""
    reason: str = ""
    mood: str = ""
    intensity: Count = 0


class PromptMessage(Struct, frozen=True):
    """One message of a prompt, as the model gets it."""

    role: str
    content: str
    name: str = ""


class PromptPart(Struct, frozen=True):
    """A stretch of a prompt and where it comes from, such as
    "personas/mira.toml:knowledge[2]"; `why` says why it was left out, "" if it is in."""

    source: str
    text: str
    tokens: Count
    why: str = ""


class ContentProblem(Struct, frozen=True):
    """Something wrong in a designer's file. `severity` is error or warning; `line` counts from 1,
    0 for the whole file; `place` is the key."""

    file: str
    problem: str
    line: Count = 0
    place: str = ""
    severity: str = "error"


class RecordingInfo(Struct, frozen=True):
    """A recorded session: the name of its (first) file, which begins with its time in UTC, and
    the bytes of all its files."""

    name: str
    size: Count


class ChangedAnswer(Struct, frozen=True):
    """An answer of a recording that is otherwise today. `place` counts the recording's requests
    from 1; `what` is otherwise: prompt, history, who, text, moods, actions, triggers, end;
    `before` and `now` are a line each; `sources` are the prompt's parts that changed, `prompt`
    the lines of its difference."""

    place: Count
    npc: str
    asked: str
    what: list[str]
    before: str
    now: str
    sources: list[str] = field(default_factory=list)
    prompt: list[str] = field(default_factory=list)


class Limits(Struct, frozen=True):
    """What the server accepts, so that a client can refuse early. Sizes in bytes unless said."""

    message_bytes: Count
    line_chars: Count
    state_bytes: Count
    state_depth: Count
    conversations: Count


# ---------------------------------------------------------------- client to server


class Hello(Struct, frozen=True, array_like=True, tag=0):
    """The first message of every socket. `resume` asks to go on with an earlier session."""

    version: Count = VERSION
    client: Annotated[str, Meta(max_length=128)] = ""
    token: Annotated[str, Meta(max_length=4096)] = ""
    locale: Locale = ""
    capabilities: Capabilities = field(default_factory=list)
    resume: Resume | None = None


class Ack(Struct, frozen=True, array_like=True, tag=1):
    """The client has processed everything up to `seq`; the server may forget it."""

    seq: Count


class Ping(Struct, frozen=True, array_like=True, tag=2):
    """Answered by a pong with the same number."""

    nonce: Count = 0


class Open(Struct, frozen=True, array_like=True, tag=16):
    """Start, or return to, a conversation of this player with some NPCs.

    `conversation` is the client's own name for it, at most 64 characters; the same player and
    name bring the history back. `checkpoint`, of an earlier `saved`, brings back that moment
    instead of the newest. `model`, one of `content_info.models`, answers in place of the
    server's; it needs the right "designer". Answered by `opened`.
    """

    conversation: Id
    npcs: Annotated[list[Id], Meta(min_length=1, max_length=64)]
    player: Player
    scene: Label = ""
    locale: Locale = ""
    checkpoint: Label = ""
    model: Annotated[str, Meta(max_length=128)] = ""


class State(Struct, frozen=True, array_like=True, tag=17):
    """The game's state: a whole `snapshot`, or a JSON Merge Patch (RFC 7396) on the one before.

    `revision` is the client's own counter. A patch must carry the revision that follows the
    server's (current + 1); a snapshot may carry any. Answered by `state_ok`, or by an error
    `state_conflict`, after which the client sends a snapshot.
    """

    conversation: Id
    revision: Count
    snapshot: dict[str, Any] | None = None
    patch: dict[str, Any] | None = None


class Say(Struct, frozen=True, array_like=True, tag=18):
    """The player's line. `line` is an id the client makes up (at most 64 characters, unique in
    the conversation); `to` is the NPC addressed, if any. Answered by one turn, or one error."""

    conversation: Id
    line: Id
    text: str
    to: Label = ""
    locale: Locale = ""


class Interrupt(Struct, frozen=True, array_like=True, tag=19):
    """Stop a turn. Only the first `seen` code points of its text enter the NPC's memory."""

    turn: Count
    seen: Count


class Close(Struct, frozen=True, array_like=True, tag=20):
    """The client leaves the conversation; a running turn is cancelled. Answered by `closed`."""

    conversation: Id


class Regenerate(Struct, frozen=True, array_like=True, tag=21):
    """Answer a line anew. `id` is the stored one of a turn (`turn.id`); the new one becomes its
    sibling, and the talk goes on from it. `line` is an id for this request, as in `say`.
    Answered by one turn, or one error."""

    conversation: Id
    id: Id
    line: Id


class Save(Struct, frozen=True, array_like=True, tag=22):
    """Mark this moment of the conversation, for the game's save slot. Answered by `saved`."""

    conversation: Id


class Load(Struct, frozen=True, array_like=True, tag=23):
    """Return to a marked moment: history, memory and state are as they were. A running turn is
    stopped; what was said since stays stored, on a branch of its own. Answered by `opened`."""

    conversation: Id
    checkpoint: Id


class History(Struct, frozen=True, array_like=True, tag=24):
    """Ask what was said: the newest `last` lines of the branch in force, or of the branch that
    ends in the turn of the stored id `until`. Answered by `transcript`."""

    conversation: Id
    last: Count = 50
    until: Label = ""


class Event(Struct, frozen=True, array_like=True, tag=25):
    """Something happened in the world that the cast of a conversation perceives: `text` says it
    in a sentence. `react` is never, may or must: whether an NPC (`npc`, or one that the server
    chooses) says something about it. `name` and `data` are for triggers. `line` is an id for
    this request, as in `say`. Answered by one turn, or `noted`, or one error."""

    conversation: Id
    line: Id
    text: str
    react: Label = "may"
    npc: Label = ""
    name: Label = ""
    data: dict[str, Any] = field(default_factory=dict)


class Script(Struct, frozen=True, array_like=True, tag=26):
    """A line that the game's author wrote: spoken by `npc` exactly as it is, without a model,
    and remembered like any other; tags in it become cues. With "" for `npc` the player says it.
    Answered by one turn (an NPC's), or `noted` (the player's), or one error."""

    conversation: Id
    line: Id
    text: str
    npc: Label = ""


class Advance(Struct, frozen=True, array_like=True, tag=27):
    """Let the talk go on without the player: `npc`, or whoever is next, says something to the
    others. Answered by one turn, or one error."""

    conversation: Id
    line: Id
    npc: Label = ""
    locale: Locale = ""


class ActionResult(Struct, frozen=True, array_like=True, tag=28):
    """What became of an action that waits for it (`cue.action`): whether the game did it, and
    `text`, what really happened or why not. `id` is the stored one of its turn (`turn.id`).
    `react` as in `event`. Answered by one turn, or `noted`, or one error."""

    conversation: Id
    line: Id
    id: Id
    action: Count
    accepted: bool
    text: str = ""
    react: Label = "may"
    data: dict[str, Any] = field(default_factory=dict)


class Suggest(Struct, frozen=True, array_like=True, tag=29):
    """Ask for at most `count` lines that the player might say now. Answered by `suggestions`, or
    one error."""

    conversation: Id
    line: Id
    count: Count = 3
    locale: Locale = ""


class Inspect(Struct, frozen=True, array_like=True, tag=30):
    """Ask for a prompt and its account: that of a recent turn of this session, or, with 0 for
    `turn`, the one that `text` said to `npc` now would make. Needs the right "designer".
    Answered by `inspected` or `error`."""

    conversation: Id
    turn: Count = 0
    npc: Label = ""
    text: str = ""


class Npcs(Struct, frozen=True, array_like=True, tag=31):
    """Ask which NPCs there are. Needs the right "designer". Answered by `npc_list` or `error`."""

    locale: Locale = ""


class Content(Struct, frozen=True, array_like=True, tag=32):
    """Ask for an account of the designers' files; with `watch`, again whenever they change.
    Needs the right "designer". Answered by `content_info` or `error`."""

    watch: bool = False


class Source(Struct, frozen=True, array_like=True, tag=33):
    """Ask for a designer's file and where a key stands in it. Needs the right "designer".
    Answered by `source_text` or `error`."""

    file: Annotated[str, Meta(min_length=1, max_length=256)]
    key: Annotated[str, Meta(max_length=256)] = ""


class Recordings(Struct, frozen=True, array_like=True, tag=34):
    """Ask which sessions this server has recorded: the newest `last`. Needs the right "designer".
    Answered by `recording_list` or `error`."""

    last: Count = 100


class ReadRecording(Struct, frozen=True, array_like=True, tag=35):
    """Ask for a piece of a recording, from `offset` on: 0, or the `next` of the piece before.
    Needs the right "designer". Answered by `recording_text` or `error`."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    offset: Count = 0


class Rerun(Struct, frozen=True, array_like=True, tag=36):
    """Say a recording again to today's content. Nobody is asked, the recorded answers are given
    again; or, with `ask`, `model` is asked, one of `content_info.models` or "" for the server's.
    Needs the right "designer". Answered by `rerun_report` or `error`, when it is done."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    ask: bool = False
    model: Annotated[str, Meta(max_length=128)] = ""


ClientMessage = (
    Hello
    | Ack
    | Ping
    | Open
    | State
    | Say
    | Interrupt
    | Close
    | Regenerate
    | Save
    | Load
    | History
    | Event
    | Script
    | Advance
    | ActionResult
    | Suggest
    | Inspect
    | Npcs
    | Content
    | Source
    | Recordings
    | ReadRecording
    | Rerun
)
Request = Say | Regenerate | Event | Script | Advance | ActionResult | Suggest
"""What has a `line`, the client's id of the request, and is answered once however often it is
sent (spec.md, "Exactly once")."""


# ---------------------------------------------------------------- server to client


class Welcome(Struct, frozen=True, array_like=True, tag=0):
    """The answer to a hello. What follows begins with sequence number `seq + 1`.

    `resumed` is false when a resume was asked for and could not be had: then the session is
    new, and the client opens its conversations again. `received` counts the client's sequenced
    messages that reached the session; the client sends the later ones again.
    """

    session: str
    epoch: str
    seq: Count
    limits: Limits
    server: str = ""
    version: Count = VERSION
    capabilities: list[str] = field(default_factory=list)
    resumed: bool = False
    received: Count = 0


class Pong(Struct, frozen=True, array_like=True, tag=1):
    """The answer to a ping."""

    nonce: Count = 0


class GoAway(Struct, frozen=True, array_like=True, tag=2):
    """The server drains: running turns finish, new lines are refused; reconnect after
    `reconnect_ms` milliseconds and resume."""

    reconnect_ms: Count = 0
    detail: str = ""


class Opened(Struct, frozen=True, array_like=True, tag=16):
    """A conversation is open. `history` counts the turns that the NPCs remember of it; a new
    one (0) has a `greeting`, spoken by the first NPC, possibly empty. `revision` is the
    state's, 0 for none."""

    conversation: str
    npcs: list[NpcInfo]
    greeting: str = ""
    history: Count = 0
    revision: Count = 0


class StateOk(Struct, frozen=True, array_like=True, tag=17):
    """The state of this revision is in force, from the next turn on."""

    conversation: str
    revision: Count


class Turn(Struct, frozen=True, array_like=True, tag=18):
    """A turn begins. `turn` is unique in the session, `id` for ever (a later message names a
    stored turn by it); `line` is the player's line that it answers."""

    turn: Count
    id: str
    conversation: str
    npc: str
    line: str = ""


class Delta(Struct, frozen=True, array_like=True, gc=False, tag=19):
    """More text of a turn. Never splits a grapheme cluster (UAX 29), and has at most
    MAX_DELTA_CHARS code points."""

    turn: Count
    text: str


class Cue(Struct, frozen=True, array_like=True, tag=20):
    """Something to do when the reveal reaches `offset`, counted in code points from the start
    of the turn's text. `kind` is mood (`args.intensity`, 0 to 100), action, pause (`args.ms`) or
    filler (`args.text`, shown until the first delta, no part of the text). `action` is the
    number, from 1 in its turn, of an action that waits for the game's `action_result`; else 0."""

    turn: Count
    offset: Count
    kind: str
    name: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    action: Count = 0


class TurnEnd(Struct, frozen=True, array_like=True, tag=21):
    """A turn is over. `length` is its text's, in code points; times are in milliseconds from
    the player's line; tokens are 0 where the model does not tell. `code` and `detail` say what
    went wrong when `reason` is fallback, truncated, filtered or failed.

    `reason` is an EndReason and `code` an ErrorCode; both are strings here, so that a client
    reads the values of a newer server."""

    turn: Count
    reason: str
    length: Count
    first_token_ms: Count = 0
    total_ms: Count = 0
    input_tokens: Count = 0
    output_tokens: Count = 0
    cached_tokens: Count = 0
    code: str = ""
    detail: str = ""


class Error(Struct, frozen=True, array_like=True, tag=22):
    """A request failed; the session lives on. `detail` says to the developer what to do. What
    it is about: a conversation, a line or a turn, where that is known. `retry_after_ms` is 0
    where the server has no advice."""

    code: str
    detail: str
    conversation: str = ""
    line: str = ""
    turn: Count = 0
    retryable: bool = False
    retry_after_ms: Count = 0


class Closed(Struct, frozen=True, array_like=True, tag=23):
    """A conversation is closed."""

    conversation: str


class Saved(Struct, frozen=True, array_like=True, tag=24):
    """The moment is marked; `load` or `open` with this checkpoint returns to it."""

    conversation: str
    checkpoint: str


class Transcript(Struct, frozen=True, array_like=True, tag=25):
    """What was said, oldest first."""

    conversation: str
    lines: list[SpokenLine]


class Noted(Struct, frozen=True, array_like=True, tag=26):
    """A request with this `line` has been remembered, and nobody answers it."""

    conversation: str
    line: str


class Trigger(Struct, frozen=True, array_like=True, tag=27):
    """A condition on the conversation that a designer declared came true. `stage` is the one
    that the scene moved to, "" where it did not move."""

    conversation: str
    name: str
    stage: str = ""
    args: dict[str, Any] = field(default_factory=dict)


class Suggestions(Struct, frozen=True, array_like=True, tag=28):
    """Lines that the player might say, at most as many as were asked for."""

    conversation: str
    line: str
    texts: list[str]


class Inspected(Struct, frozen=True, array_like=True, tag=29):
    """A prompt and its account. `turn` is 0 for one that was never asked. `tokens` is an
    estimate, `budget` its bound; `dropped` are the parts that were left out. `timings` are those
    of a turn that is over, in milliseconds from the request."""

    conversation: str
    turn: Count
    npc: str
    layout: str
    tokens: Count
    budget: Count
    messages: list[PromptMessage]
    parts: list[PromptPart]
    dropped: list[PromptPart]
    timings: dict[str, Any] = field(default_factory=dict)


class NpcList(Struct, frozen=True, array_like=True, tag=30):
    """Every NPC of this server that the client may open, by id."""

    npcs: list[NpcInfo]


class ContentInfo(Struct, frozen=True, array_like=True, tag=31):
    """What the designers' files hold now. `revision` counts the times they were read; `models`
    are what `open.model` may name; `state` is the world's own; `hints` are the values that
    conditions compare each path of the state with; `problems` is what is wrong, a broken file's
    last good version being in force."""

    revision: Count
    world: str
    npcs: list[NpcInfo]
    scenes: list[str]
    models: list[str]
    state: dict[str, Any]
    hints: dict[str, Any]
    problems: list[ContentProblem]


class SourceText(Struct, frozen=True, array_like=True, tag=32):
    """A designer's file as it is now; `line` is where the key stands, from 1, 0 for nowhere."""

    file: str
    text: str
    line: Count = 0


class Queued(Struct, frozen=True, array_like=True, tag=33):
    """A turn waits until the server has room for it; `position` 1 comes next, and is told again
    when it changes. The turn's next message ends the wait."""

    turn: Count
    position: Count


class RecordingList(Struct, frozen=True, array_like=True, tag=34):
    """The recorded sessions, the newest first; `recording` is whether this server records."""

    recording: bool
    files: list[RecordingInfo]


class RecordingText(Struct, frozen=True, array_like=True, tag=35):
    """Whole lines of a recording (docs/recording.md); `next` is where the following piece begins,
    0 if this is the last."""

    name: str
    offset: Count
    text: str
    next: Count = 0


class RerunReport(Struct, frozen=True, array_like=True, tag=36):
    """What came of a re-run: how many answers were compared, how many are otherwise, the first
    hundred of those, and what makes the comparison less than it seems."""

    name: str
    answers: Count
    changed: Count
    first: list[ChangedAnswer]
    notes: list[str] = field(default_factory=list)


ServerMessage = (
    Welcome
    | Pong
    | GoAway
    | Opened
    | StateOk
    | Turn
    | Delta
    | Cue
    | TurnEnd
    | Error
    | Closed
    | Saved
    | Transcript
    | Noted
    | Trigger
    | Suggestions
    | Inspected
    | NpcList
    | ContentInfo
    | SourceText
    | Queued
    | RecordingList
    | RecordingText
    | RerunReport
)
