"""What the bytes of an answer mean, without a network (the fault zoo covers the rest)."""

from __future__ import annotations

import itertools
import json

from dialogue_protocol.codes import ErrorCode
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.backends.base import Finished, Usage
from dialogue_server.backends.openai_chunks import Answer
from dialogue_server.backends.profiles import PROFILES, Profile, resolve
from dialogue_server.errors import BackendError
from tests.fakes.upstream_cases import DONE, WHOLE, delta, finish, sse

PLAIN = Profile("plain")


def outcome(*chunks: bytes, profile: Profile = PLAIN) -> tuple[str, Finished | ErrorCode]:
    answer = Answer(profile, "text/event-stream", 4096)
    text = ""
    for chunk in chunks:
        if not answer.over:
            text += answer.feed(chunk)
    text += answer.end()
    try:
        return text, answer.finish()
    except BackendError as error:
        return text, error.code


def test_the_price_is_the_profiles_where_the_service_tells_none() -> None:
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 500_000}
    _, end = outcome(delta("Hi."), finish(usage=usage), DONE, profile=resolve(PROFILES["minimax"]))
    assert Finished("stop", Usage(1_000_000, 500_000, 0, 0.90)) == end


def test_nothing_after_the_end_is_read() -> None:
    answer = Answer(PLAIN)
    assert answer.feed(WHOLE + delta("more")) == "Hello there."
    assert answer.over
    assert answer.end() == ""


def test_text_that_might_become_a_tag_is_given_at_the_end() -> None:
    assert outcome(delta("a <"), DONE) == ("a <", Finished())
    assert outcome(delta("a <"), finish()) == ("a <", Finished())


def test_an_event_over_the_limit_at_the_very_end_is_an_error() -> None:
    almost = b"data: " + b"x" * 3000 + b"\n" + b"data: " + b"x" * 3000
    assert outcome(delta("Hi."), almost) == ("Hi.", ErrorCode.MODEL_FAILED)


def test_blanks_and_nothing_else() -> None:
    assert outcome() == ("", ErrorCode.MODEL_FAILED)
    assert outcome(b"\r\n") == ("", ErrorCode.MODEL_FAILED)
    assert outcome(b"\n" * 5000, WHOLE)[0] == "Hello there."


def test_a_plain_body_without_a_finish_reason_is_an_answer_all_the_same() -> None:
    body = {"choices": [{"message": {"content": "Hello."}}]}
    assert outcome(json.dumps(body).encode()) == ("Hello.", Finished())


STREAMS = st.lists(
    st.sampled_from(
        [delta("Hello "), delta("<think>"), delta("hm</think>"), delta("漢\u2028"), delta(None),
         delta(" "), finish(), finish("length"), finish("error"), DONE, b": ping\n\n", b"\r\n",
         sse({"error": {"code": 429}}), sse({"choices": None, "usage": {"prompt_tokens": 1}}),
         sse({"choices": [{"message": {"content": "Hello."}, "finish_reason": "stop"}]}),
         b"data: {oops}\n\n", b'error: {"code":500}\n', b"data: {\"ch", b'{"error":"x"}',
         b"\xef\xbb\xbf", b"data: " + b"x" * 5000]
    ),
    max_size=8,
)  # fmt: skip


@given(STREAMS, st.lists(st.integers(0, 2000), max_size=8))
def test_any_split_gives_the_same_text_and_end(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    split = [stream[a:b] for a, b in itertools.pairwise(bounds) if a < b]
    assert outcome(stream) == outcome(*split)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_give_an_end(first: bytes, second: bytes) -> None:
    outcome(first, second)
    outcome(b"data: " + first + b"\n\n", second)
