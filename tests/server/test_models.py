"""What prompts are made for, read from the settings without a key."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from dialogue_server.errors import SettingsError
from dialogue_server.server.models import prompt_profile, summary_mode
from dialogue_server.settings import Settings


def under(**model: Any) -> Settings:
    base = Settings()
    return structs.replace(base, model=structs.replace(base.model, **model))


@pytest.mark.parametrize(
    ("settings", "environ", "name", "model", "layout"),
    [
        (under(), {}, "local", "local", "compact"),
        (under(), {"OPENAI_API_KEY": "k"}, "openai", "", "standard"),
        (
            under(base_url="http://x/v1"),
            {"OPENAI_API_KEY": "k"},
            "openai-compatible",
            "",
            "standard",
        ),
        (under(backend="minimax"), {}, "minimax", "M2-her", "standard"),
        (under(backend="scripted"), {}, "local", "local", "compact"),
        (under(backend="local", layout="standard"), {}, "local", "local", "standard"),
        (under(backend="ollama", name="q", layout="compact"), {}, "ollama", "q", "compact"),
    ],
)
def test_the_first_model_of_the_settings_says_how_prompts_are_made(
    settings: Settings, environ: dict[str, str], name: str, model: str, layout: str
) -> None:
    profile = prompt_profile(settings, environ)
    assert (profile.name, profile.model, profile.layout) == (name, model, layout)


def test_the_models_own_entry_and_the_settings_bound_the_context() -> None:
    assert prompt_profile(under(backend="minimax"), {}).context_tokens == 65_536
    assert prompt_profile(under(backend="ollama", context=9000), {}).context_tokens == 9000


def test_the_special_roles_are_native_where_the_settings_say_so() -> None:
    assert not prompt_profile(under(backend="minimax"), {}).native_roles
    assert prompt_profile(under(backend="minimax", roles="native"), {}).native_roles
    assert not prompt_profile(under(backend="minimax", roles="folded"), {}).native_roles


def test_an_unknown_backend_is_told_with_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match=r"there is no 'minmax'.*minimax"):
        prompt_profile(under(backend="minmax"), {})


@pytest.mark.parametrize(
    ("model", "mode"),
    [
        ({"backend": "local"}, "alone"),
        ({"backend": "auto"}, "alone"),
        ({"backend": "scripted"}, "never"),
        ({"backend": "ollama"}, "alone"),
        ({"backend": "ollama", "base_url": "http://gpu.lan:11434/v1"}, "beside"),
        ({"backend": "vllm", "base_url": "http://[::1]:8000/v1"}, "alone"),
        ({"backend": "openrouter"}, "beside"),
        ({"backend": "ollama", "base_url": "http://[bad"}, "beside"),
        ({"backend": "openrouter", "summaries": "alone"}, "alone"),
        ({"backend": "local", "summaries": "never"}, "never"),
    ],
)
def test_old_talk_is_summed_up_where_that_is_in_nobodys_way(
    model: dict[str, str], mode: str
) -> None:
    assert summary_mode(under(**model), {}) == mode
