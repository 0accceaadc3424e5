"""Requests as each service takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from dialogue_server.backends.base import ModelRequest, Sampling
from dialogue_server.backends.profiles import PROFILES, Profile, build_body, flatten, resolve
from dialogue_server.domain.prompt import Message, Role

PLAIN = Profile("plain")
NATIVE = Profile("native", native_roles=True, speaker_names=True, alternate=False)
ALL = (
    Message("system", "You are Mira."),
    Message("user_system", "A tired knight.", "Aldo"),
    Message("group", "The forge at night.", "Forge"),
    Message("sample_message_user", "Busy?"),
    Message("sample_message_ai", "Always.", "Mira"),
    Message("system", "Be brief."),
    Message("user", "Hello?", "Aldo"),
)


def test_special_roles_are_folded_into_one_system_message() -> None:
    assert flatten(ALL, PLAIN) == [
        {
            "role": "system",
            "content": "You are Mira.\n\nThe player, Aldo: A tired knight.\n\n"
            "The scene, Forge: The forge at night.\n\nBe brief.\n\n"
            "Examples of how the character talks:\nPlayer: Busy?\nMira: Always.",
        },
        {"role": "user", "content": "Hello?"},
    ]


def test_native_roles_are_left_with_one_system_message_first() -> None:
    assert flatten(ALL, NATIVE) == [
        {"role": "system", "content": "You are Mira.\n\nBe brief."},
        {"role": "user_system", "content": "A tired knight.", "name": "Aldo"},
        {"role": "group", "content": "The forge at night.", "name": "Forge"},
        {"role": "sample_message_user", "content": "Busy?"},
        {"role": "sample_message_ai", "content": "Always.", "name": "Mira"},
        {"role": "user", "content": "Hello?", "name": "Aldo"},
    ]


def test_unnamed_special_messages_need_no_name() -> None:
    messages = (Message("user_system", "A knight."), Message("group", "The forge."))
    (system,) = flatten(messages, PLAIN)
    assert system["content"] == "The player: A knight.\n\nThe scene: The forge."


def test_speakers_are_named_in_the_text_only_where_a_role_has_several() -> None:
    turns = (
        Message("user", "Hello?", "Aldo"),
        Message("assistant", "Hm.", "Mira"),
        Message("assistant", "Who's there?", "Old\nTom"),
    )
    plain = structs.replace(PLAIN, alternate=False)
    assert flatten(turns, plain) == [
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": "Mira: Hm."},
        {"role": "assistant", "content": "Old Tom: Who's there?"},
    ]


def test_turns_alternate_and_the_user_begins() -> None:
    turns = (Message("assistant", "Hm."), Message("assistant", "Yes?"), Message("user", "Hi."))
    assert flatten(turns, PLAIN) == [
        {"role": "user", "content": "(The conversation begins.)"},
        {"role": "assistant", "content": "Hm.\nYes?"},
        {"role": "user", "content": "Hi."},
    ]


def test_a_model_without_a_system_role_reads_it_with_the_first_line() -> None:
    bare = structs.replace(PLAIN, system_role=False)
    messages = (Message("system", "You are Mira."), Message("user", "Hi."))
    assert flatten(messages, bare) == [{"role": "user", "content": "You are Mira.\n\nHi."}]
    assert flatten(messages[:1], bare) == [{"role": "user", "content": "You are Mira."}]


ROLES: list[Role] = [
    "system", "user", "assistant", "user_system", "group", "sample_message_user",
    "sample_message_ai",
]  # fmt: skip


@given(st.lists(st.builds(Message, st.sampled_from(ROLES), st.text(), st.text())))
def test_a_flattened_prompt_is_one_system_message_and_alternating_turns(
    messages: list[Message],
) -> None:
    flat = flatten(tuple(messages), PLAIN)
    roles = [message["role"] for message in flat]
    assert set(roles) <= {"system", "user", "assistant"}
    assert "system" not in roles[1:]
    turns = [role for role in roles if role != "system"]
    assert turns == ["user" if i % 2 == 0 else "assistant" for i in range(len(turns))]
    everything = "\n".join(message["content"] for message in flat)
    assert all(message.content in everything for message in messages)


REQUEST = ModelRequest(
    (Message("user", "Hi."),),
    max_tokens=60,
    sampling=Sampling(temperature=0.8, top_p=0.9, min_p=0.05, repeat_penalty=1.1, seed=7),
    stop=("\n", "a", "b", "c", "d"),
    session="s" * 300,
    user="p",
)


def sent(name: str, model: str = "m") -> dict[str, object]:
    body = build_body(REQUEST, resolve(PROFILES[name], model))
    del body["messages"]
    return body


def test_each_service_gets_the_parameters_it_lists_under_its_own_names() -> None:
    common = {"model": "m", "stream": True, "temperature": 0.8, "top_p": 0.9, "seed": 7}
    stops = {"stop": ["\n", "a", "b", "c"]}
    usage = {"stream_options": {"include_usage": True}}
    cache = {"cache_prompt": True}
    assert sent("ollama") == common | stops | usage | {"max_tokens": 60}
    assert sent("llamacpp") == common | stops | usage | cache | {
        "max_tokens": 60, "min_p": 0.05, "repeat_penalty": 1.1,
    }  # fmt: skip
    assert sent("vllm") == common | stops | usage | {
        "max_tokens": 60, "min_p": 0.05, "repetition_penalty": 1.1,
    }  # fmt: skip
    assert sent("openai") == common | stops | usage | {"max_completion_tokens": 60, "user": "p"}
    assert sent("openrouter") == common | stops | usage | {
        "max_tokens": 60, "user": "p", "session_id": "s" * 256,
    }  # fmt: skip
    assert sent("minimax", "M2-her") == {
        "model": "M2-her", "stream": True, "temperature": 0.8, "top_p": 0.9,
        "max_completion_tokens": 60,
    }  # fmt: skip


def test_unset_sampling_is_the_profiles() -> None:
    body = build_body(ModelRequest((Message("user", "Hi."),)), resolve(PROFILES["minimax"]))
    assert (body["temperature"], body["top_p"]) == (1.0, 0.95)
    body = build_body(ModelRequest((Message("user", "Hi."),)), PLAIN)
    assert {"messages", "stream", "max_tokens"} == body.keys()


def test_m2_her_is_known_wherever_it_is_served() -> None:
    for profile in (resolve(PROFILES["openrouter"]), resolve(PROFILES["minimax"])):
        assert (profile.context_tokens, profile.max_output_tokens) == (65_536, 2048)
        assert (profile.input_price, profile.output_price) == (0.30, 1.20)
        assert not profile.cancel_stops_billing
        assert not profile.native_roles
    assert resolve(PROFILES["openrouter"], "another/model").context_tokens != 65_536


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_profile_is_whole(profile: Profile) -> None:
    assert PROFILES[profile.name] is profile
    assert profile.key_env or not profile.key_required
    assert profile.base_url == profile.base_url.rstrip("/")
    assert set(profile.names) <= profile.parameters
