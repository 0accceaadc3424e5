"""The settings that bound what clients may ask for and what models may cost (settings.py)."""

from __future__ import annotations

from typing import Annotated

from .settings_option import Section, option


class LimitSettings(Section, frozen=True, kw_only=True):
    """What a client may ask for, and how much the server holds for it."""

    message_bytes: Annotated[
        int, option("The largest message from a client.", unit="bytes", ge=1024)
    ] = 262144
    line_chars: Annotated[
        int, option("The longest line of a player.", unit="code points", ge=1)
    ] = 1000
    state_bytes: Annotated[int, option("The largest game state, as JSON.", unit="bytes", ge=2)] = (
        32768
    )
    state_depth: Annotated[int, option("The deepest game state.", unit="levels", ge=1, le=64)] = 16
    conversations: Annotated[
        int, option("Open conversations of one connection.", unit="conversations", ge=1)
    ] = 16
    sessions: Annotated[
        int,
        option(
            "Sessions held at a time, those that wait for their client to come back included; "
            "0 for no limit. A new one takes the place of the one that has waited longest; where "
            "none waits, it is refused.",
            unit="sessions",
            ge=0,
        ),
    ] = 10_000
    connections_per_address: Annotated[
        int,
        option(
            "Connections of one address (of IPv6, one /64 network); 0 for no limit. This machine "
            "and access.proxies are not counted.",
            unit="connections",
            ge=0,
        ),
    ] = 100
    connections_per_player: Annotated[
        int,
        option(
            "Sessions of one player whom a ticket names; 0 for no limit. One that waits for its "
            "client makes room.",
            unit="connections",
            ge=0,
        ),
    ] = 8
    turns: Annotated[
        int,
        option(
            "Turns at a time; further ones wait for a place, players in turn. 0 for no limit.",
            unit="turns",
            ge=0,
        ),
    ] = 1000
    turns_per_player: Annotated[
        int, option("Turns of one player at a time; 0 for no limit.", unit="turns", ge=0)
    ] = 4
    queue: Annotated[
        int,
        option(
            "Turns that may wait for a place, a quarter of them one player's; further lines are "
            "refused. 0 for no limit.",
            unit="turns",
            ge=0,
        ),
    ] = 1000
    queue_seconds: Annotated[
        float,
        option(
            "How long a turn may wait for a place before the NPC says an authored line.",
            unit="seconds",
            gt=0,
        ),
    ] = 30.0
    replay_bytes: Annotated[
        int,
        option("What is kept of a session's messages until it acknowledges.", unit="bytes", ge=0),
    ] = 262144
    write_bytes: Annotated[
        int,
        option("What may wait for a slow reader before it is dropped.", unit="bytes", ge=1024),
    ] = 262144
    detach_grace: Annotated[
        float, option("How long a session outlives its connection.", unit="seconds", ge=0)
    ] = 60.0
    handshake: Annotated[
        float, option("How long a client may take to say hello.", unit="seconds", gt=0)
    ] = 10.0
    messages_per_second: Annotated[
        float,
        option(
            "What a session, and all of one player together, may send in the long run, five "
            "seconds' worth at once; `open`, `load`, `save` and `history` count four times, any "
            "message once more for each 8 KiB; 0 for no limit.",
            unit="messages",
            ge=0,
        ),
    ] = 50.0
    lines_per_minute: Annotated[
        float,
        option(
            "How many lines of a session, and of all of one player together, are answered, a "
            "minute's worth at once; 0 for no limit.",
            unit="lines",
            ge=0,
        ),
    ] = 120.0
    ping_interval: Annotated[
        float, option("How often a connection is tried by a ping.", unit="seconds", gt=0)
    ] = 20.0
    ping_timeout: Annotated[
        float,
        option(
            "How long a pong may take before the connection counts as lost.", unit="seconds", gt=0
        ),
    ] = 20.0
    prompt_tokens: Annotated[
        int,
        option("The longest prompt; the model's context bounds it too.", unit="tokens", ge=256),
    ] = 4000


class BudgetSettings(Section, frozen=True, kw_only=True):
    """What models may cost in a day, from midnight to midnight UTC (docs/operating.md)."""

    player_tokens: Annotated[
        int,
        option(
            "What the turns of one player may cost, read and written; 0: any.",
            unit="tokens a day",
            ge=0,
        ),
    ] = 0
    player_dollars: Annotated[
        float, option("What the turns of one player may cost; 0: any.", unit="dollars a day", ge=0)
    ] = 0.0
    npc_tokens: Annotated[
        int,
        option(
            "What the turns of one NPC may cost, read and written; 0: any.",
            unit="tokens a day",
            ge=0,
        ),
    ] = 0
    npc_dollars: Annotated[
        float, option("What the turns of one NPC may cost; 0: any.", unit="dollars a day", ge=0)
    ] = 0.0
    conversation_tokens: Annotated[
        int,
        option(
            "What one conversation may cost, read and written; 0: any.",
            unit="tokens a day",
            ge=0,
        ),
    ] = 0
    conversation_dollars: Annotated[
        float, option("What one conversation may cost; 0: any.", unit="dollars a day", ge=0)
    ] = 0.0
    all_tokens: Annotated[
        int,
        option(
            "What all turns together may cost, read and written; 0: any.", unit="tokens a day", ge=0
        ),
    ] = 0
    all_dollars: Annotated[
        float, option("What all turns together may cost; 0: any.", unit="dollars a day", ge=0)
    ] = 0.0
    classes: Annotated[
        str,
        option(
            "Other limits for tickets with a claim `budget`, such as "
            '"free: player_tokens 20000; paid: player_tokens 0, player_dollars 0.5". What a class '
            "does not name holds as above."
        ),
    ] = ""
    soft_percent: Annotated[
        float,
        option(
            "From which part of a limit on the next two are in force.", unit="percent", gt=0, le=100
        ),
    ] = 80.0
    soft_model: Annotated[
        str,
        option(
            "The cheaper model that answers then, an entry of model.fallback; empty: the same one."
        ),
    ] = ""
    soft_max_tokens: Annotated[
        int, option("The longest answer then; 0: as long as ever.", unit="tokens", ge=0)
    ] = 150
