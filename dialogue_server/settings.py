"""Every setting of the server: one Struct, from which file keys, environment variables,
command-line flags and docs/settings.md come.

A setting is a field with a default and one line of help. `[server] port` in `dialogue.toml` is
`DIALOGUE_SERVER_PORT` in the environment and `--server-port` on the command line; later
sources win in that order (settings_sources.py reads them, settings_table.py lists them). A key
is not a setting: it stays in the environment or in a file of its own, and settings say only where.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct, field

from .settings_limits import BudgetSettings, LimitSettings
from .settings_option import Section, option

MEMORY = "memory"
"""The `store.path` that keeps conversations in the process only."""


class Server(Section, frozen=True, kw_only=True):
    """Where the server listens, and what it writes about itself."""

    host: Annotated[str, option("The address to listen on; 0.0.0.0 for all.", flag="--host")] = (
        "127.0.0.1"
    )
    port: Annotated[
        int, option("The port to listen on; 0 for any free one.", flag="--port", ge=0, le=65535)
    ] = 8765
    log_format: Annotated[
        Literal["auto", "json", "console"],
        option("How log lines look; auto: console in a terminal, else json.", flag="--log-format"),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        option("The least important log lines that are written.", flag="--log-level"),
    ] = "info"
    workers: Annotated[
        int,
        option(
            "How many processes serve the port; more than one share a Redis (store.path). Not on "
            "Windows.",
            flag="--workers",
            ge=1,
            le=256,
        ),
    ] = 1
    reuse_port: Annotated[
        Literal["off", "on"],
        option("Whether other processes may serve the same port; workers do."),
    ] = "off"
    worker: Annotated[
        str,
        option("The socket by which this worker tells others its metrics; `--workers` sets it."),
    ] = ""
    address: Annotated[
        str,
        option(
            "Where other servers that share the store reach this one (ws://HOST:PORT); empty: by "
            "its port on this machine's address. Of workers each has a port of its own, which "
            "takes the place of PORT."
        ),
    ] = ""
    traces: Annotated[
        Literal["off", "on"],
        option(
            "Whether turns are sent as OpenTelemetry traces, by OTLP over HTTP to where "
            "OTEL_EXPORTER_OTLP_ENDPOINT says; needs the extra `traces`."
        ),
    ] = "off"
    page: Annotated[
        Literal["off", "on"],
        option("Whether the designers' page is served, at /dev/; `dialogue-server dev` does."),
    ] = "off"
    shutdown_grace: Annotated[
        float,
        option("How long running turns may finish when the server stops.", unit="seconds", ge=0),
    ] = 10.0
    tls_certificate: Annotated[
        str,
        option(
            "A PEM file with the certificate and those above it: then the server speaks wss:// "
            "and https://, and nothing else.",
            path=True,
        ),
    ] = ""
    tls_key: Annotated[
        str,
        option(
            "The PEM file with the certificate's private key, without a password; empty where "
            "it is in the same file.",
            path=True,
        ),
    ] = ""


class Access(Section, frozen=True, kw_only=True):
    """Who may connect (docs/operating.md, "Tickets")."""

    key_file: Annotated[
        str,
        option(
            "A file with the keys that tickets are checked with: a JSON Web Key Set, a PEM with "
            "an Ed25519 key, or one secret. It is read again when it changes.",
            flag="--access-key-file",
            path=True,
        ),
    ] = ""
    key_env: Annotated[
        str, option("The environment variable with the same content, in place of key_file.")
    ] = ""
    audience: Annotated[
        str, option("The `aud` of tickets for this server; others are refused.")
    ] = "dialogue-server"
    anonymous: Annotated[
        Literal["auto", "designer", "player", "never"],
        option(
            "What a client of this machine may do without a ticket: designer (talk, look "
            "behind the talk, read /metrics), player (talk), never (connect at all). auto: "
            "designer while there are no keys, else never. Clients of other machines always need "
            "a ticket."
        ),
    ] = "auto"
    proxies: Annotated[
        str,
        option(
            "The addresses or networks (10.0.0.7, 10.1.0.0/16) of the proxies, and of the other "
            "servers over one store, with commas between: what they say of their clients' "
            "addresses (X-Forwarded-For) is believed. This machine needs no entry."
        ),
    ] = ""
    origins: Annotated[
        str,
        option(
            "The web sites whose pages may connect, with commas between, such as "
            '"https://play.example.org"; * for any. Pages of this machine and programs that are '
            "no browser need no entry."
        ),
    ] = ""


class Content(Section, frozen=True, kw_only=True):
    """Where the designers' files are."""

    folder: Annotated[
        str,
        option("The world's folder (world.toml, personas/); also the commands' DIR.", path=True),
    ] = "."
    language: Annotated[
        str,
        option(
            'What NPCs speak where neither the game nor the persona says, as a tag such as "de" or '
            '"pt-BR"; without it, the language of the player\'s line.'
        ),
    ] = ""
    watch: Annotated[
        Literal["on", "off"],
        option(
            "Whether changed files are read at once; a broken one keeps its last good version in "
            "force."
        ),
    ] = "on"


class ModelSettings(Section, frozen=True, kw_only=True):
    """The model that speaks for the NPCs."""

    backend: Annotated[
        str,
        option(
            "auto, local (the embedded model), scripted (the authored lines, no model), or an "
            "API's profile, such as openrouter, ollama, llamacpp, vllm, openai or minimax. auto: "
            "the API whose key or address is set, else the embedded model, else the authored "
            "lines.",
            flag="--backend",
        ),
    ] = "auto"
    fallback: Annotated[
        str,
        option(
            "Who is asked, in this order, when the backend fails before its first word: names as "
            "above, a model after a colon where it matters, commas between "
            '("ollama:llama3.1, local"). After the last come the authored lines.'
        ),
    ] = ""
    compare: Annotated[
        str,
        option(
            "Other models that the designers' page may ask, for comparison; written like fallback."
        ),
    ] = ""
    base_url: Annotated[
        str, option("The API's address, up to /v1; empty for the profile's.", flag="--base-url")
    ] = ""
    name: Annotated[
        str, option("The model to ask for; empty for the profile's.", flag="--model")
    ] = ""
    key_env: Annotated[
        str, option("The environment variable with the API's key; empty for the profile's.")
    ] = ""
    key_file: Annotated[
        str, option("A file with the API's key and nothing else, in place of key_env.", path=True)
    ] = ""
    max_tokens: Annotated[int, option("The longest answer.", unit="tokens", ge=1)] = 300
    temperature: (
        Annotated[float, option("How freely the model draws; unset for the profile's.", ge=0, le=2)]
        | None
    ) = None
    context: Annotated[
        int,
        option("What fits the model, prompt and answer; 0 for the profile's.", unit="tokens", ge=0),
    ] = 0
    layout: Annotated[
        Literal["auto", "standard", "compact"],
        option("How prompts are laid out; compact suits tiny models, auto lets it choose."),
    ] = "auto"
    roles: Annotated[
        Literal["auto", "native", "folded"],
        option(
            "native: the player, the scene and the examples go into roles of their own, which "
            "M2-her documents (refused once, they are folded from then on); folded: into the "
            "system message; auto: as the profile says, which is folded."
        ),
    ] = "auto"
    input_price: (
        Annotated[
            float,
            option(
                "What it costs that the model reads, where the API does not say what a request "
                "cost; unset for the profile's price.",
                unit="dollars per million tokens",
                ge=0,
            ),
        ]
        | None
    ) = None
    output_price: (
        Annotated[
            float,
            option(
                "What it costs that the model writes; likewise.",
                unit="dollars per million tokens",
                ge=0,
            ),
        ]
        | None
    ) = None
    connect_timeout: Annotated[
        float, option("How long a connection to the API may take.", unit="seconds", gt=0)
    ] = 5.0
    first_token_timeout: Annotated[
        float, option("How long the first token may take.", unit="seconds", gt=0)
    ] = 30.0
    suggestion_timeout: Annotated[
        float,
        option(
            "How long the model may take over suggestions for the player before those of the "
            "personas are given.",
            unit="seconds",
            gt=0,
        ),
    ] = 8.0
    summaries: Annotated[
        Literal["auto", "beside", "alone", "never"],
        option(
            "Whether the model sums up old talk in the background: beside turns, or alone, only "
            "while none runs; auto: alone for a model on this machine, beside for any other."
        ),
    ] = "auto"
    summary_timeout: Annotated[
        float, option("How long a summary may take.", unit="seconds", gt=0)
    ] = 60.0
    filler_after: Annotated[
        float,
        option(
            "How late the first word may be before an NPC with `fillers` makes a sound; 0: never.",
            unit="seconds",
            ge=0,
        ),
    ] = 1.5
    gap_timeout: Annotated[
        float, option("How long the stream may pause between tokens.", unit="seconds", gt=0)
    ] = 15.0
    turn_timeout: Annotated[
        float, option("How long a whole answer may take.", unit="seconds", gt=0)
    ] = 120.0


class Local(Section, frozen=True, kw_only=True):
    """The embedded model."""

    model: Annotated[
        str,
        option(
            "A name of `dialogue-server model list`, or a GGUF file; empty for the default.",
            flag="--local-model",
            path=True,
        ),
    ] = ""
    threads: Annotated[
        int, option("Threads to compute with; 0 for all cores but one.", unit="threads", ge=0)
    ] = 0
    parallel: Annotated[
        int, option("Answers computed side by side; others wait.", unit="answers", ge=1, le=64)
    ] = 2
    context: Annotated[
        int, option("What fits each answer, prompt included.", unit="tokens", ge=256)
    ] = 2048


class StoreSettings(Section, frozen=True, kw_only=True):
    """Where conversations are kept."""

    path: Annotated[
        str,
        option(
            "The SQLite file, in the world's folder by default; `memory` forgets at the end; "
            "redis://HOST or rediss://HOST is a Redis or Valkey that several servers share (a "
            "password belongs into the environment: DIALOGUE_STORE_PATH).",
            flag="--store",
            path=True,
        ),
    ] = "dialogue.db"
    keep_days: Annotated[
        float,
        option(
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
        option(
            "Where sessions are recorded, messages, prompts and models' answers; empty: nowhere.",
            flag="--record",
            path=True,
        ),
    ] = ""
    when: Annotated[
        Literal["always", "asked"],
        option(
            "Whether every session is recorded, or only those whose client asks for the "
            "capability `record`, with the right of a designer."
        ),
    ] = "always"
    players: Annotated[
        Literal["named", "covered"],
        option(
            "Whether the names and ids of players stand in recordings, or are covered with "
            "blocks. Tokens never stand there."
        ),
    ] = "named"
    file_megabytes: Annotated[
        float,
        option("The largest file; a longer session goes on in another.", unit="megabytes", gt=0),
    ] = 64.0
    total_megabytes: Annotated[
        float,
        option("What all files may take before the oldest are deleted.", unit="megabytes", gt=0),
    ] = 1024.0


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
    budgets: BudgetSettings = field(default_factory=BudgetSettings)
