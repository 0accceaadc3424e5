"""Every setting of the server: one Struct, from which file keys, environment variables,
command-line flags and docs/settings.md come.

A setting is a field with a default and one line of help. `[server] port` in `dialogue.toml` is
`DIALOGUE_SERVER_PORT` in the environment and `--server-port` on the command line; later
sources win in that order (settings_sources.py reads them, settings_table.py lists them). A key
is not a setting: it stays in the environment or in a file of its own, and settings say only where.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

MEMORY = "memory"
"""The `store.path` that keeps conversations in the process only."""


def _option(
    description: str,
    *,
    unit: str = "",
    flag: str = "",
    path: bool = False,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
) -> Meta:
    extra = {"unit": unit, "flag": flag, "path": path}
    build: Any = Meta  # its overloads forbid ge beside gt, even where one is None
    meta: Meta = build(description=description, extra=extra, ge=ge, gt=gt, le=le)
    return meta


class Section(Struct, frozen=True, kw_only=True):
    """A table of the settings file."""


class Server(Section, frozen=True, kw_only=True):
    """Where the server listens, and what it writes about itself."""

    host: Annotated[str, _option("The address to listen on; 0.0.0.0 for all.", flag="--host")] = (
        "127.0.0.1"
    )
    port: Annotated[
        int, _option("The port to listen on; 0 for any free one.", flag="--port", ge=0, le=65535)
    ] = 8765
    log_format: Annotated[
        Literal["auto", "json", "console"],
        _option("How log lines look; auto: console in a terminal, else json.", flag="--log-format"),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _option("The least important log lines that are written.", flag="--log-level"),
    ] = "info"
    workers: Annotated[
        int,
        _option(
            "How many processes serve the port; more than one share a Redis (store.path). Not on "
            "Windows.",
            flag="--workers",
            ge=1,
            le=256,
        ),
    ] = 1
    reuse_port: Annotated[
        Literal["off", "on"],
        _option("Whether other processes may serve the same port; workers do."),
    ] = "off"
    address: Annotated[
        str,
        _option(
            "Where other servers that share the store reach this one (ws://HOST:PORT); empty: by "
            "its port on this machine's address."
        ),
    ] = ""
    page: Annotated[
        Literal["off", "on"],
        _option("Whether the designers' page is served, at /dev/; `dialogue-server dev` does."),
    ] = "off"
    shutdown_grace: Annotated[
        float,
        _option("How long running turns may finish when the server stops.", unit="seconds", ge=0),
    ] = 10.0
    tls_certificate: Annotated[
        str,
        _option(
            "A PEM file with the certificate and those above it: then the server speaks wss:// "
            "and https://, and nothing else.",
            path=True,
        ),
    ] = ""
    tls_key: Annotated[
        str,
        _option(
            "The PEM file with the certificate's private key, without a password; empty where "
            "it is in the same file.",
            path=True,
        ),
    ] = ""


class Access(Section, frozen=True, kw_only=True):
    """Who may connect (docs/operating.md, "Tickets")."""

    key_file: Annotated[
        str,
        _option(
            "A file with the keys that tickets are checked with: a JSON Web Key Set, a PEM with "
            "an Ed25519 key, or one secret. It is read again when it changes.",
            flag="--access-key-file",
            path=True,
        ),
    ] = ""
    key_env: Annotated[
        str, _option("The environment variable with the same content, in place of key_file.")
    ] = ""
    audience: Annotated[
        str, _option("The `aud` of tickets for this server; others are refused.")
    ] = "dialogue-server"
    anonymous: Annotated[
        Literal["auto", "designer", "player", "never"],
        _option(
            "What a client of this machine may do without a ticket: designer (talk, look "
            "behind the talk, read /metrics), player (talk), never (connect at all). auto: "
            "designer while there are no keys, else never. Clients of other machines always need "
            "a ticket."
        ),
    ] = "auto"
    origins: Annotated[
        str,
        _option(
            "The web sites whose pages may connect, with commas between, such as "
            '"https://play.example.org"; * for any. Pages of this machine and programs that are '
            "no browser need no entry."
        ),
    ] = ""


class Content(Section, frozen=True, kw_only=True):
    """Where the designers' files are."""

    folder: Annotated[
        str,
        _option("The world's folder (world.toml, personas/); also the commands' DIR.", path=True),
    ] = "."
    language: Annotated[
        str,
        _option(
            'What NPCs speak where neither the game nor the persona says, as a tag such as "de" or '
            '"pt-BR"; without it, the language of the player\'s line.'
        ),
    ] = ""
    watch: Annotated[
        Literal["on", "off"],
        _option(
            "Whether changed files are read at once; a broken one keeps its last good version in "
            "force."
        ),
    ] = "on"


class ModelSettings(Section, frozen=True, kw_only=True):
    """The model that speaks for the NPCs."""

    backend: Annotated[
        str,
        _option(
            "auto, local (the embedded model), scripted (the authored lines, no model), or an "
            "API's profile, such as openrouter, ollama, llamacpp, vllm, openai or minimax. auto: "
            "the API whose key or address is set, else the embedded model, else the authored "
            "lines.",
            flag="--backend",
        ),
    ] = "auto"
    fallback: Annotated[
        str,
        _option(
            "Who is asked, in this order, when the backend fails before its first word: names as "
            "above, a model after a colon where it matters, commas between "
            '("ollama:llama3.1, local"). After the last come the authored lines.'
        ),
    ] = ""
    compare: Annotated[
        str,
        _option(
            "Other models that the designers' page may ask, for comparison; written like fallback."
        ),
    ] = ""
    base_url: Annotated[
        str, _option("The API's address, up to /v1; empty for the profile's.", flag="--base-url")
    ] = ""
    name: Annotated[
        str, _option("The model to ask for; empty for the profile's.", flag="--model")
    ] = ""
    key_env: Annotated[
        str, _option("The environment variable with the API's key; empty for the profile's.")
    ] = ""
    key_file: Annotated[
        str, _option("A file with the API's key and nothing else, in place of key_env.", path=True)
    ] = ""
    max_tokens: Annotated[int, _option("The longest answer.", unit="tokens", ge=1)] = 300
    temperature: (
        Annotated[
            float, _option("How freely the model draws; unset for the profile's.", ge=0, le=2)
        ]
        | None
    ) = None
    context: Annotated[
        int,
        _option(
            "What fits the model, prompt and answer; 0 for the profile's.", unit="tokens", ge=0
        ),
    ] = 0
    layout: Annotated[
        Literal["auto", "standard", "compact"],
        _option("How prompts are laid out; compact suits tiny models, auto lets it choose."),
    ] = "auto"
    roles: Annotated[
        Literal["auto", "native", "folded"],
        _option(
            "native: the player, the scene and the examples go into roles of their own, which "
            "M2-her documents (refused once, they are folded from then on); folded: into the "
            "system message; auto: as the profile says, which is folded."
        ),
    ] = "auto"
    connect_timeout: Annotated[
        float, _option("How long a connection to the API may take.", unit="seconds", gt=0)
    ] = 5.0
    first_token_timeout: Annotated[
        float, _option("How long the first token may take.", unit="seconds", gt=0)
    ] = 30.0
    suggestion_timeout: Annotated[
        float,
        _option(
            "How long the model may take over suggestions for the player before those of the "
            "personas are given.",
            unit="seconds",
            gt=0,
        ),
    ] = 8.0
    summaries: Annotated[
        Literal["auto", "beside", "alone", "never"],
        _option(
            "Whether the model sums up old talk in the background: beside turns, or alone, only "
            "while none runs; auto: alone for a model on this machine, beside for any other."
        ),
    ] = "auto"
    summary_timeout: Annotated[
        float, _option("How long a summary may take.", unit="seconds", gt=0)
    ] = 60.0
    filler_after: Annotated[
        float,
        _option(
            "How late the first word may be before an NPC with `fillers` makes a sound; 0: never.",
            unit="seconds",
            ge=0,
        ),
    ] = 1.5
    gap_timeout: Annotated[
        float, _option("How long the stream may pause between tokens.", unit="seconds", gt=0)
    ] = 15.0
    turn_timeout: Annotated[
        float, _option("How long a whole answer may take.", unit="seconds", gt=0)
    ] = 120.0


class Local(Section, frozen=True, kw_only=True):
    """The embedded model."""

    model: Annotated[
        str,
        _option(
            "A name of `dialogue-server model list`, or a GGUF file; empty for the default.",
            flag="--local-model",
            path=True,
        ),
    ] = ""
    threads: Annotated[
        int, _option("Threads to compute with; 0 for all cores but one.", unit="threads", ge=0)
    ] = 0
    parallel: Annotated[
        int, _option("Answers computed side by side; others wait.", unit="answers", ge=1, le=64)
    ] = 2
    context: Annotated[
        int, _option("What fits each answer, prompt included.", unit="tokens", ge=256)
    ] = 2048


class StoreSettings(Section, frozen=True, kw_only=True):
    """Where conversations are kept."""

    path: Annotated[
        str,
        _option(
            "The SQLite file, in the world's folder by default; `memory` forgets at the end; "
            "redis://HOST or rediss://HOST is a Redis or Valkey that several servers share (a "
            "password belongs into the environment: DIALOGUE_STORE_PATH).",
            flag="--store",
            path=True,
        ),
    ] = "dialogue.db"
    keep_days: Annotated[
        float,
        _option(
            "After how many days what was said on a branch that nobody is on any more, and that "
            "no checkpoint needs, is deleted; 0: never. Looked after at the start and every six "
            "hours, and logged (store.collected).",
            unit="days",
            ge=0,
        ),
    ] = 0.0


class RecordSettings(Section, frozen=True, kw_only=True):
    """Sessions written to files (docs/recording.md)."""

    folder: Annotated[
        str,
        _option(
            "Where every session is recorded, messages, prompts and models' answers; empty: "
            "nowhere.",
            flag="--record",
            path=True,
        ),
    ] = ""
    players: Annotated[
        Literal["named", "covered"],
        _option(
            "Whether the names and ids of players stand in recordings, or are covered with "
            "blocks. Tokens never stand there."
        ),
    ] = "named"
    file_megabytes: Annotated[
        float,
        _option("The largest file; a longer session goes on in another.", unit="megabytes", gt=0),
    ] = 64.0
    total_megabytes: Annotated[
        float,
        _option("What all files may take before the oldest are deleted.", unit="megabytes", gt=0),
    ] = 1024.0


class LimitSettings(Section, frozen=True, kw_only=True):
    """What a client may ask for, and how much the server holds for it."""

    message_bytes: Annotated[
        int, _option("The largest message from a client.", unit="bytes", ge=1024)
    ] = 262144
    line_chars: Annotated[
        int, _option("The longest line of a player.", unit="code points", ge=1)
    ] = 1000
    state_bytes: Annotated[int, _option("The largest game state, as JSON.", unit="bytes", ge=2)] = (
        32768
    )
    state_depth: Annotated[int, _option("The deepest game state.", unit="levels", ge=1, le=64)] = 16
    conversations: Annotated[
        int, _option("Open conversations of one connection.", unit="conversations", ge=1)
    ] = 16
    sessions: Annotated[
        int,
        _option(
            "Sessions held at a time, those that wait for their client to come back included; "
            "0 for no limit. A new one takes the place of the one that has waited longest; where "
            "none waits, it is refused.",
            unit="sessions",
            ge=0,
        ),
    ] = 10_000
    replay_bytes: Annotated[
        int,
        _option("What is kept of a session's messages until it acknowledges.", unit="bytes", ge=0),
    ] = 262144
    write_bytes: Annotated[
        int,
        _option("What may wait for a slow reader before it is dropped.", unit="bytes", ge=1024),
    ] = 262144
    detach_grace: Annotated[
        float, _option("How long a session outlives its connection.", unit="seconds", ge=0)
    ] = 60.0
    handshake: Annotated[
        float, _option("How long a client may take to say hello.", unit="seconds", gt=0)
    ] = 10.0
    messages_per_second: Annotated[
        float,
        _option(
            "What a client may send in the long run, five seconds' worth at once; 0 for no limit.",
            unit="messages",
            ge=0,
        ),
    ] = 50.0
    lines_per_minute: Annotated[
        float,
        _option(
            "How many lines of one session are answered, a minute's worth at once; 0 for no limit.",
            unit="lines",
            ge=0,
        ),
    ] = 120.0
    ping_interval: Annotated[
        float, _option("How often a connection is tried by a ping.", unit="seconds", gt=0)
    ] = 20.0
    ping_timeout: Annotated[
        float,
        _option(
            "How long a pong may take before the connection counts as lost.", unit="seconds", gt=0
        ),
    ] = 20.0
    prompt_tokens: Annotated[
        int,
        _option("The longest prompt; the model's context bounds it too.", unit="tokens", ge=256),
    ] = 4000


class Settings(Struct, frozen=True, kw_only=True):
    """All settings. Paths are absolute, or relative to the current folder, once loaded."""

    server: Server = field(default_factory=Server)
    access: Access = field(default_factory=Access)
    content: Content = field(default_factory=Content)
    model: ModelSettings = field(default_factory=ModelSettings)
    local: Local = field(default_factory=Local)
    store: StoreSettings = field(default_factory=StoreSettings)
    record: RecordSettings = field(default_factory=RecordSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
