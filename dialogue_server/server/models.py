"""Which model speaks: settings and environment become a backend, with a word on why."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct, structs

from ..backends import weights
from ..backends.base import ModelBackend
from ..backends.clocks import Timeouts
from ..backends.local import LocalBackend
from ..backends.openai_http import OpenAIBackend
from ..backends.profiles import PROFILES, ModelEntry, Profile, resolve
from ..backends.routing import AttemptFailed, RoutingBackend
from ..backends.scripted import ScriptedBackend
from ..errors import DialogueError, SettingsError
from ..settings import ModelSettings, Settings

GENERIC = "openai-compatible"
AUTOMATIC = ("openrouter", "minimax", "openai")
"""The services whose key in the environment is reason enough to use them, in this order."""


_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Choice(Struct, frozen=True):
    """A backend that is not started yet. `notes` are for the operator: why it, and what else.
    `cheaper` is the part of its chain that answers once it is time to save; None for all of it."""

    backend: ModelBackend
    notes: tuple[str, ...] = ()
    cheaper: ModelBackend | None = None


def choose_backend(
    settings: Settings,
    environ: Mapping[str, str] = os.environ,
    listen: Callable[[AttemptFailed], None] = lambda _: None,
) -> Choice:
    """The backend that the settings ask for, its fallbacks behind it. `listen` is told of every
    attempt that failed. Raises a SettingsError that says what to change."""
    first = _choose(settings, settings.model.backend, environ)
    if isinstance(first.backend, ScriptedBackend):
        return first
    chain, notes = [first.backend], list(first.notes)
    fallback = _named(settings, settings.model.fallback, environ)
    for further in fallback.values():
        chain.append(further.backend)
        notes += further.notes
    wanted, cheaper = settings.budgets.soft_model, None
    if wanted:
        if wanted not in fallback:
            known = ", ".join(fallback) or "none"
            raise SettingsError(
                f"budgets.soft_model: {wanted!r} is no entry of model.fallback; there are: {known}."
            )
        cheaper = RoutingBackend(chain[1 + list(fallback).index(wanted) :], listen=listen)
    return Choice(RoutingBackend(chain, listen=listen), tuple(notes), cheaper)


def compared_backends(
    settings: Settings, environ: Mapping[str, str] = os.environ
) -> dict[str, ModelBackend]:
    """What designers may have answer in place of the server's model, by the names in
    `model.compare`, and the authored lines. Not started yet. Raises as choose_backend."""
    found = {"scripted": Choice(ScriptedBackend())}
    found |= _named(settings, settings.model.compare, environ)
    return {name: choice.backend for name, choice in found.items()}


def _named(settings: Settings, listed: str, environ: Mapping[str, str]) -> dict[str, Choice]:
    """The backends of a list such as "ollama:llama3.1, local", by its entries."""
    found = {}
    for entry in filter(None, map(str.strip, listed.split(","))):
        name, _, model = entry.partition(":")
        # An address, a model and a key in the settings are meant for the first backend.
        own = ModelSettings(backend=name, name=model, max_tokens=settings.model.max_tokens)
        found[entry] = _choose(structs.replace(settings, model=own), name, environ)
    return found


def prompt_profile(settings: Settings, environ: Mapping[str, str] = os.environ) -> Profile:
    """What prompts are made for under these settings: the profile of the first model, with its
    own entry over it. Asks nobody and needs no key. Raises a SettingsError as choose_backend."""
    wanted = settings.model.backend
    if wanted == "auto":
        with_key = (name for name in AUTOMATIC if environ.get(PROFILES[name].key_env))
        wanted = GENERIC if settings.model.base_url else next(with_key, "local")
    if wanted in ("local", "scripted"):
        local = structs.replace(PROFILES["local"], context_tokens=settings.local.context)
        layout = settings.model.layout
        return local if layout == "auto" else structs.replace(local, layout=layout)
    return resolve(_adjusted(settings, _profile(wanted)), settings.model.name)


def summary_mode(
    settings: Settings, environ: Mapping[str, str] = os.environ
) -> Literal["beside", "alone", "never"]:
    """When the first model sums up old talk: a model on this machine only while no turn needs it.
    Raises a SettingsError as choose_backend."""
    if settings.model.summaries != "auto":
        return settings.model.summaries
    if settings.model.backend == "scripted":
        return "never"
    profile = prompt_profile(settings, environ)
    address = settings.model.base_url or profile.base_url
    with contextlib.suppress(ValueError):  # no address at all: the first turn will tell
        if profile.name == "local" or urlsplit(address).hostname in _THIS_MACHINE:
            return "alone"
    return "beside"


def _choose(settings: Settings, wanted: str, environ: Mapping[str, str]) -> Choice:
    if wanted == "auto":
        return _automatic(settings, environ)
    if wanted == "scripted":
        note = "the NPCs speak their authored lines; no model is asked"
        return Choice(ScriptedBackend(), (note,))
    if wanted == "local":
        return Choice(_local(settings))
    return Choice(_service(settings, _profile(wanted), environ))


def _profile(wanted: str) -> Profile:
    profile = PROFILES.get(wanted)
    if profile is None:
        known = ", ".join(("auto", "local", "scripted", *sorted(set(PROFILES) - {"local"})))
        raise SettingsError(f"model.backend: there is no {wanted!r}; there are: {known}.")
    return profile


def _automatic(settings: Settings, environ: Mapping[str, str]) -> Choice:
    if settings.model.base_url:
        return Choice(_service(settings, PROFILES[GENERIC], environ))
    for name in AUTOMATIC:
        profile = PROFILES[name]
        if environ.get(profile.key_env):
            note = f"{name} is asked, since {profile.key_env} is set; model.backend names another"
            return Choice(_service(settings, profile, environ), (note,))
    try:
        return Choice(_local(settings))
    except DialogueError as error:
        notes = (
            f"the NPCs speak their authored lines, since no model is there: {error.detail}",
            "`dialogue-server model get` fetches the embedded one; OPENROUTER_API_KEY or "
            "model.base_url names a better one",
        )
        return Choice(ScriptedBackend(), notes)


def _local(settings: Settings) -> LocalBackend:
    local = settings.local
    layout = settings.model.layout
    return LocalBackend(
        weights.find(local.model),
        layout="compact" if layout == "auto" else layout,
        threads=local.threads,
        parallel=local.parallel,
        context=local.context,
    )


def _service(settings: Settings, profile: Profile, environ: Mapping[str, str]) -> OpenAIBackend:
    model = settings.model
    if not (model.base_url or profile.base_url):
        raise SettingsError(
            f"model.base_url: {profile.name} needs the address of its API, up to /v1."
        )
    return OpenAIBackend(
        _adjusted(settings, profile),
        base_url=model.base_url,
        model=model.name,
        api_key=_key(settings, profile, environ),
        timeouts=Timeouts(
            connect=model.connect_timeout,
            first_token=model.first_token_timeout,
            gap=model.gap_timeout,
            turn=model.turn_timeout,
        ),
    )


def _adjusted(settings: Settings, profile: Profile) -> Profile:
    """A profile with what the settings say of it."""
    model = settings.model
    changes: dict[str, object] = {}
    if model.context:
        changes["context_tokens"] = model.context
    if model.layout != "auto":
        changes["layout"] = model.layout
    if model.roles != "auto":
        changes["native_roles"] = model.roles == "native"
    if model.key_env:
        changes["key_env"] = model.key_env
    for price in ("input_price", "output_price"):
        if getattr(model, price) is not None:
            changes[price] = getattr(model, price)
    # What the settings say goes over what is known of a single model.
    own = {name: None for name in changes if name in ModelEntry.__struct_fields__}
    changes["models"] = {
        name: structs.replace(entry, **own) for name, entry in profile.models.items()
    }
    return structs.replace(profile, **changes)


def _key(settings: Settings, profile: Profile, environ: Mapping[str, str]) -> str:
    """The key, from a file or the environment; never from the settings themselves."""
    if settings.model.key_file:
        file = Path(settings.model.key_file)
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"model.key_file: {file.name} cannot be read: {error}") from None
    name = settings.model.key_env or profile.key_env
    key = environ.get(name, "") if name else ""
    if not key and (profile.key_required or settings.model.key_env):
        raise SettingsError(
            f"{profile.name} needs a key: set {name} in the environment (or model.key_file to a "
            "file that holds it). Without a key, `--backend local` or `--backend scripted` work."
        )
    return key
