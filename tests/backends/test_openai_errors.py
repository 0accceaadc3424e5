"""Refusals: what they mean, and what is no longer asked for after them."""

from __future__ import annotations

import json

import pytest
from dialogue_protocol.codes import ErrorCode
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from dialogue_server.backends.openai_errors import (
    Upstream,
    adapt,
    backend_error,
    parse_retry_after,
    read_body,
    read_response,
)
from dialogue_server.backends.profiles import PROFILES, Profile

PLAIN = Profile("plain")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:17:10 GMT"}, 30.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "inf"}, 0.0),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after": ""}, 0.0),
        ({"retry-after": "Thu, 99 Foo 99999 00:00:00 GMT"}, 0.0),
    ],
)
def test_retry_after_in_each_form(headers: dict[str, str], seconds: float) -> None:
    assert seconds == parse_retry_after(headers, 1000.0)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (1000, ErrorCode.MODEL_FAILED), (1001, ErrorCode.MODEL_TIMEOUT),
        (1002, ErrorCode.MODEL_RATE_LIMITED), (1004, ErrorCode.MODEL_UNAUTHORIZED),
        (1008, ErrorCode.MODEL_NO_CREDIT), (1013, ErrorCode.MODEL_FAILED),
        (1024, ErrorCode.MODEL_FAILED), (1026, ErrorCode.MODEL_REFUSED),
        (1027, ErrorCode.MODEL_REFUSED), (1033, ErrorCode.MODEL_FAILED),
        (1039, ErrorCode.MODEL_CONTEXT_OVERFLOW), (1041, ErrorCode.MODEL_RATE_LIMITED),
        (1042, ErrorCode.MODEL_BAD_REQUEST), (2013, ErrorCode.MODEL_BAD_REQUEST),
        (4242, ErrorCode.MODEL_FAILED),
    ],
)  # fmt: skip
def test_the_codes_of_minimax(code: int, expected: ErrorCode) -> None:
    body = {"base_resp": {"status_code": code, "status_msg": "x"}}
    error = backend_error(PROFILES["minimax"], read_body(body))
    assert expected is error.code
    assert str(code) in error.detail
    if expected is ErrorCode.MODEL_UNAUTHORIZED:
        assert "MINIMAX_API_KEY" in error.detail


@pytest.mark.parametrize(
    "body", [None, 7, [], [1], {}, {"error": 7}, {"error": None}, {"error": {"message": 7}},
             {"error": {"code": None, "metadata": [], "availability": {"retry_after": "3"}}},
             {"error": {"code": 1e400}}]
)  # fmt: skip
def test_a_body_that_says_nothing_leaves_the_status(body: object) -> None:
    error = backend_error(PLAIN, structs.replace(read_body(body), status=402))
    assert ErrorCode.MODEL_NO_CREDIT is error.code
    assert ErrorCode.MODEL_FAILED is backend_error(PLAIN, read_body(body)).code


def test_words_that_do_not_fit_the_status_are_not_believed() -> None:
    crash = Upstream(500, message="assertion in safety_checker.cpp")
    assert ErrorCode.MODEL_FAILED is backend_error(PLAIN, crash).code
    limited = Upstream(400, message="rate limit must be positive")
    assert ErrorCode.MODEL_BAD_REQUEST is backend_error(PLAIN, limited).code


def test_an_upstreams_own_words_are_not_passed_on() -> None:
    body = {"error": {"message": "You said: the player's words, key sk-123", "code": "a b c"}}
    error = backend_error(PLAIN, read_response(400, {}, json.dumps(body).encode(), 0.0))
    assert error.detail == "plain found the request invalid (HTTP 400)"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["error", "message", "code", "type", "metadata", "availability",
                         "retry_after", "base_resp", "status_code", "detail", "http_code"]),
        inner,
    ),
)  # fmt: skip


@given(JSON, st.integers(300, 599))
def test_any_body_gives_some_error(body: object, status: int) -> None:
    upstream = structs.replace(read_body(body), status=status)
    error = backend_error(PLAIN, upstream)
    assert error.detail.startswith("plain ")
    assert error.retry_after >= 0
    adapt(PLAIN, upstream)


@given(st.binary(max_size=200))
def test_any_bytes_give_some_error(body: bytes) -> None:
    assert backend_error(PLAIN, read_response(500, {}, body, 0.0)).detail


def refused(message: str, status: int = 400) -> Upstream:
    return Upstream(status, message=message)


def test_each_refused_capability_is_turned_off_once() -> None:
    full = structs.replace(
        PROFILES["llamacpp"], native_roles=True, alternate=False, max_tokens_field="max_tokens"
    )
    for message, changes in (
        ("unknown role 'group'", {"native_roles": False}),
        ("Conversation roles must alternate", {"alternate": True}),
        ("System role not supported", {"system_role": False}),
        ("Use 'max_completion_tokens' instead", {"max_tokens_field": "max_completion_tokens"}),
        ("Unrecognized argument: stream_options", {"stream_usage": False}),
        ("Unsupported parameter: min_p", {"parameters": full.parameters - {"min_p"}}),
    ):
        if "native_roles" not in changes:
            full = structs.replace(full, native_roles=False)
        adapted = adapt(full, refused(message))
        assert structs.replace(full, **changes) == adapted
        assert adapted is not None
        assert adapt(adapted, refused(message)) is None


def test_a_500_of_a_model_with_native_roles_is_blamed_on_them() -> None:
    native = structs.replace(PLAIN, native_roles=True)
    assert adapt(native, refused("unknown error, 999 (1000)", 500)) == PLAIN
    assert adapt(native, refused("unknown error", 400)) is None
    assert adapt(PLAIN, refused("unknown error", 500)) is None
    assert adapt(native, refused("no such role", 429)) is None


def test_a_parameter_is_dropped_under_the_name_it_was_sent_by() -> None:
    adapted = adapt(PROFILES["vllm"], refused("Extra inputs: repetition_penalty"))
    assert adapted is not None
    assert "repeat_penalty" not in adapted.parameters
