"""What each API and model can do, as data; and how to ask it: pure functions from a request to
the body of a chat completion.

A profile says what a *service* takes; its `models` say where one model differs. `resolve` joins
the two, `flatten` brings the messages into a form that the model takes, `build_body` writes the
body. `adapt` (openai_errors.py) turns a capability off that a service has just refused.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field, structs

from ..domain.prompt import Message
from .base import ModelRequest

Parameter = Literal[
    "temperature", "top_p", "min_p", "repeat_penalty", "seed", "stop", "session", "user"
]

_COMMON: frozenset[Parameter] = frozenset({"temperature", "top_p", "seed", "stop"})
_EXTENDED: frozenset[Parameter] = _COMMON | {"min_p", "repeat_penalty"}


class ModelEntry(Struct, frozen=True):
    """Where one model differs from its service; None for what does not."""

    parameters: frozenset[Parameter] | None = None
    native_roles: bool | None = None
    cancel_stops_billing: bool | None = None
    input_price: float | None = None
    output_price: float | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    max_tokens_field: str | None = None
    temperature: float | None = None
    top_p: float | None = None


class Profile(Struct, frozen=True):
    """What a service takes. Prices in US dollars per million tokens, 0 where unknown."""

    name: str
    base_url: str = ""
    path: str = "/chat/completions"
    model: str = ""
    """The model that is asked for by default; "" lets the server choose."""
    key_env: str = ""
    """The environment variable that usually holds the key; "" where there is none."""
    key_required: bool = False
    parameters: frozenset[Parameter] = _COMMON
    names: dict[str, str] = field(default_factory=dict)
    """What the service calls a parameter, where that differs from our name."""
    max_stops: int = 4
    max_tokens_field: str = "max_tokens"
    max_output_tokens: int = 0
    """The most that may be asked for; 0 for no limit."""
    context_tokens: int = 8192
    temperature: float | None = None
    top_p: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """Further fields of every body."""
    headers: dict[str, str] = field(default_factory=dict)
    stream_usage: bool = False
    """Whether `stream_options.include_usage` asks for the usage chunk."""
    native_roles: bool = False
    """Whether user_system, group and sample_message_* are taken as they are. Off by default:
    M2-her documents them, and was seen to answer 500 to them."""
    system_role: bool = True
    speaker_names: bool = False
    """Whether `name` on a message reaches the model as it should."""
    alternate: bool = True
    """Whether user and assistant must take turns, the user first: many chat templates insist."""
    cancel_stops_billing: bool = True
    """False: an interrupted turn is charged to its end, so a budget must count it whole."""
    input_price: float = 0.0
    output_price: float = 0.0
    layout: Literal["standard", "compact"] = "standard"
    keepalive: bool = True
    """Whether a connection may serve a second request."""
    warm: bool = False
    """Whether reading a prompt ahead of the first line pays: it does where it is free."""
    models: dict[str, ModelEntry] = field(default_factory=dict)


def resolve(profile: Profile, model: str = "") -> Profile:
    """The profile of one model: the service's with the model's entry over it."""
    model = model or profile.model
    entry = profile.models.get(model)
    changes: dict[str, Any] = {} if entry is None else structs.asdict(entry)
    changes = {key: value for key, value in changes.items() if value is not None}
    return structs.replace(profile, model=model, **changes)


# ---------------------------------------------------------------- messages

_SAMPLES = {"sample_message_user": "Player", "sample_message_ai": "Character"}


def flatten(messages: tuple[Message, ...], profile: Profile) -> list[dict[str, str]]:
    """The messages as the profile takes them.

    One system message at most, and first (two were refused by MiniMax's models); the special
    roles folded into it unless they are native; speakers named in the text where `name` does
    not reach the model and one role has several; user and assistant alternating where a chat
    template may insist.
    """
    system, special, turns = _sort(messages, native=profile.native_roles)
    spoken = _speakers(turns, profile)
    if profile.alternate:
        spoken = _alternate(spoken)
    head = [{"role": "system", "content": system}] if system else []
    if system and not profile.system_role:
        head = []
        first = next((turn for turn in spoken if turn["role"] == "user"), None)
        if first is not None:
            spoken[spoken.index(first)] = {**first, "content": f"{system}\n\n{first['content']}"}
        else:
            spoken.insert(0, {"role": "user", "content": system})
    return head + special + spoken


def _sort(
    messages: tuple[Message, ...], *, native: bool
) -> tuple[str, list[dict[str, str]], list[Message]]:
    """Split into the system text, the special messages (if native) and the turns."""
    system: list[str] = []
    special: list[dict[str, str]] = []
    samples: list[str] = []
    turns: list[Message] = []
    for message in messages:
        role = message.role
        if role == "system":
            system.append(message.content)
        elif role in ("user", "assistant"):
            turns.append(message)
        elif native:
            special.append(_wire(role, message.content, message.name))
        elif role == "user_system":
            who = f", {_one_line(message.name)}" if message.name else ""
            system.append(f"The player{who}: {message.content}")
        elif role == "group":
            where = f", {_one_line(message.name)}" if message.name else ""
            system.append(f"The scene{where}: {message.content}")
        else:
            samples.append(f"{_one_line(message.name) or _SAMPLES[role]}: {message.content}")
    if samples:
        system.append("Examples of how the character talks:\n" + "\n".join(samples))
    return "\n\n".join(part for part in system if part), special, turns


def _speakers(turns: list[Message], profile: Profile) -> list[dict[str, str]]:
    if profile.speaker_names:
        return [_wire(turn.role, turn.content, turn.name) for turn in turns]
    several = {
        role
        for role in ("user", "assistant")
        if len({turn.name for turn in turns if turn.role == role}) > 1
    }
    return [
        _wire(
            turn.role,
            f"{_one_line(turn.name)}: {turn.content}"
            if turn.name and turn.role in several
            else turn.content,
        )
        for turn in turns
    ]


def _alternate(turns: list[dict[str, str]]) -> list[dict[str, str]]:
    merged: list[dict[str, str]] = []
    for turn in turns:
        if merged and merged[-1]["role"] == turn["role"]:
            before = merged[-1]
            merged[-1] = {**before, "content": f"{before['content']}\n{turn['content']}"}
        else:
            merged.append(turn)
    if merged and merged[0]["role"] == "assistant":
        merged.insert(0, {"role": "user", "content": "(The conversation begins.)"})
    return merged


def _wire(role: str, content: str, name: str = "") -> dict[str, str]:
    if name:
        return {"role": role, "content": content, "name": name}
    return {"role": role, "content": content}


def _one_line(name: str) -> str:
    return " ".join(name.split())


# ---------------------------------------------------------------- the body


def build_body(request: ModelRequest, profile: Profile) -> dict[str, Any]:
    """The body of a streaming chat completion. `profile` is one model's, from `resolve`.

    Only what the profile lists is sent: services answer 400 to a parameter they do not know.
    `max_tokens` is always set, since an interrupted turn may be billed to its end.
    """
    limit = profile.max_output_tokens
    body: dict[str, Any] = {
        "messages": flatten(request.messages, profile),
        "stream": True,
        profile.max_tokens_field: min(request.max_tokens, limit) if limit else request.max_tokens,
        **profile.extra,
    }
    if profile.model:
        body["model"] = profile.model
    if profile.stream_usage:
        body["stream_options"] = {"include_usage": True}
    sampling = request.sampling
    values: dict[Parameter, Any] = {
        "temperature": _first(sampling.temperature, profile.temperature),
        "top_p": _first(sampling.top_p, profile.top_p),
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repeat_penalty,
        "seed": sampling.seed,
        "stop": list(request.stop[: profile.max_stops]) or None,
        "session": request.session[:256] or None,
        "user": request.user or None,
    }
    for name, value in values.items():
        if value is not None and name in profile.parameters:
            body[profile.names.get(name, name)] = value
    return body


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


# ---------------------------------------------------------------- the services

_M2_HER = ModelEntry(
    parameters=frozenset({"temperature", "top_p", "session", "user"}),
    cancel_stops_billing=False,
    input_price=0.30,
    output_price=1.20,
    context_tokens=65_536,
    max_output_tokens=2048,
    temperature=1.0,
    top_p=0.95,
)

_PROFILES = (
    Profile(
        name="openrouter",
        base_url="https://openrouter.ai/api/v1",
        model="minimax/minimax-m2-her",
        key_env="OPENROUTER_API_KEY",
        key_required=True,
        parameters=_COMMON | {"session", "user"},
        names={"session": "session_id"},
        context_tokens=32_768,
        headers={"X-OpenRouter-Title": "dialogue-server"},
        stream_usage=True,
        alternate=False,
        # It depends on who serves the model, so count on the worse.
        cancel_stops_billing=False,
        models={"minimax/minimax-m2-her": _M2_HER},
    ),
    Profile(
        name="minimax",
        base_url="https://api.minimax.io/v1",
        path="/text/chatcompletion_v2",
        model="M2-her",
        key_env="MINIMAX_API_KEY",
        key_required=True,
        parameters=frozenset({"temperature", "top_p"}),
        max_tokens_field="max_completion_tokens",
        speaker_names=True,
        alternate=False,
        cancel_stops_billing=False,
        context_tokens=32_768,
        models={"M2-her": structs.replace(_M2_HER, parameters=frozenset({"temperature", "top_p"}))},
    ),
    Profile(
        name="openai",
        base_url="https://api.openai.com/v1",
        key_env="OPENAI_API_KEY",
        key_required=True,
        parameters=_COMMON | {"user"},
        max_tokens_field="max_completion_tokens",
        context_tokens=128_000,
        stream_usage=True,
        alternate=False,
    ),
    Profile(
        name="ollama",
        base_url="http://127.0.0.1:11434/v1",
        # Its default; a longer prompt is cut without a word.
        context_tokens=4096,
        stream_usage=True,
        warm=True,
    ),
    Profile(
        name="llamacpp",
        base_url="http://127.0.0.1:8080/v1",
        key_env="LLAMA_API_KEY",
        parameters=_EXTENDED,
        stream_usage=True,
        extra={"cache_prompt": True},
        warm=True,
    ),
    Profile(
        name="vllm",
        base_url="http://127.0.0.1:8000/v1",
        key_env="VLLM_API_KEY",
        parameters=_EXTENDED,
        names={"repeat_penalty": "repetition_penalty"},
        stream_usage=True,
        warm=True,
    ),
    Profile(name="lmstudio", base_url="http://127.0.0.1:1234/v1", stream_usage=True, warm=True),
    Profile(
        name="koboldcpp",
        base_url="http://127.0.0.1:5001/v1",
        parameters=_EXTENDED,
        names={"repeat_penalty": "rep_pen"},
        warm=True,
    ),
    Profile(name="openai-compatible", key_env="OPENAI_COMPATIBLE_API_KEY"),
    Profile(
        name="local",
        model="local",
        parameters=_EXTENDED,
        context_tokens=2048,
        extra={"cache_prompt": True},
        stream_usage=True,
        layout="compact",
        keepalive=False,
        warm=True,
    ),
)

PROFILES: dict[str, Profile] = {profile.name: profile for profile in _PROFILES}
"""Every profile by its name."""
