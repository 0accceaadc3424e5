"""The fault zoo: every quirk and failure of model APIs that we know of, by name, and what a
backend must make of each.

A case's script is what the fake upstream sends; `text` and `end` are what must come out: the
joined deltas, then a `Finished` or a `BackendError` of that code.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

from dialogue_protocol.codes import ErrorCode
from msgspec import Struct

from dialogue_server.backends.base import Finished, Usage
from dialogue_server.backends.clocks import Timeouts

from .upstream import Close, Pause, Repeat, Reset, Script, Stall, Step

HURRIED = Timeouts(connect=5, first_token=0.3, gap=0.3, turn=5)
PATIENT = Timeouts(connect=10, first_token=10, gap=10, turn=30)
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 9, "completion_tokens": 4}
USED = Usage(9, 4)


class Case(Struct, frozen=True):
    """One behaviour. `script` may depend on the body and on how often it was asked before."""

    name: str
    script: Script | Callable[[dict[str, Any], int], Script]
    text: str = "Hello there."
    end: Finished | ErrorCode = Finished()
    detail: str = ""
    retry_after: float = 0.0
    profile: str = "openai-compatible"
    timeouts: Timeouts = PATIENT
    requests: int = 1


# ---------------------------------------------------------------- bytes


def sse(obj: object) -> bytes:
    return b"data: " + json.dumps(obj, ensure_ascii=False).encode() + b"\n\n"


def delta(text: str | None, **more: Any) -> bytes:
    return sse({"id": "x", "choices": [{"index": 0, "delta": {"content": text, **more}}]})


def finish(reason: str | None = "stop", **more: Any) -> bytes:
    return sse({"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], **more})


def head(status: str = "200 OK", *lines: str, kind: str = "text/event-stream") -> bytes:
    fields = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", *lines)
    return ("\r\n".join(fields) + "\r\n\r\n").encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = "Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"


def stream(*parts: Step, lines: tuple[str, ...] = (), kind: str = "text/event-stream") -> Script:
    """200, chunked, each part a chunk."""
    body = (chunk(part) if isinstance(part, bytes) else part for part in parts)
    return (head("200 OK", CHUNKED, *lines, kind=kind), *body, LAST)


def open_stream(*parts: Step) -> Script:
    """The same without the last chunk: the parts say how it goes on."""
    return stream(*parts)[:-1]


def until_close(*parts: Step, lines: tuple[str, ...] = ()) -> Script:
    """200, and the body ends when the connection does."""
    return (head("200 OK", "Connection: close", *lines), *parts, Close())


def refusal(status: str, body: object, *lines: str) -> Script:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (head(status, f"Content-Length: {len(data)}", *lines, kind="application/json") + data,)


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


HELLO = (delta("Hello "), delta("there."))
GOOD = (*HELLO, finish(), DONE)
WHOLE = b"".join(GOOD)


def then_good(*first: Script) -> Callable[[dict[str, Any], int], Script]:
    return lambda _, before: first[before] if before < len(first) else stream(*GOOD)


def if_special_roles(script: Script) -> Callable[[dict[str, Any], int], Script]:
    def choose(body: dict[str, Any], _: int) -> Script:
        roles = {message["role"] for message in body["messages"]}
        return stream(*GOOD) if roles <= {"system", "user", "assistant"} else script

    return choose


def if_field(name: str, script: Script) -> Callable[[dict[str, Any], int], Script]:
    return lambda body, _: script if name in body else stream(*GOOD)


def in_pieces(data: bytes, size: int) -> tuple[Step, ...]:
    """The data in pieces that arrive one by one."""
    pieces = (data[i : i + size] for i in range(0, len(data), size))
    return tuple(step for piece in pieces for step in (piece, Pause(0.001)))


def lines_of(data: bytes, ending: bytes) -> bytes:
    return data.replace(b"\n", ending)


_CONTENT = "é\u2028\u0085漢字 👩‍👩‍👧‍👦"
_M2_WHOLE = {
    "id": "02f",
    "choices": [
        {
            "finish_reason": "stop",
            "index": 0,
            "message": {"content": "Hello there.", "role": "assistant"},
        }
    ],
    "object": "chat.completion",
    "usage": {"total_tokens": 73, **USAGE},
    "input_sensitive": False,
    "base_resp": {"status_code": 0, "status_msg": ""},
}
_PLAIN_JSON = json.dumps(
    {
        "choices": [{"message": {"role": "assistant", "content": "Hello there."},
                     "finish_reason": "stop"}],
        "usage": USAGE,
    }
).encode()  # fmt: skip

# ---------------------------------------------------------------- what must work

QUIRKS = (
    Case("plain", stream(*GOOD)),
    Case("all_in_one_read", stream(WHOLE)),
    Case("content_length", (head("200 OK", f"Content-Length: {len(WHOLE)}") + WHOLE,)),
    Case("connection_close", until_close(*GOOD)),
    Case("crlf", stream(lines_of(WHOLE, b"\r\n"))),
    Case("crlf_split", stream(*(lines_of(part, b"\r\n") for part in GOOD))),
    Case("cr_only", stream(lines_of(WHOLE, b"\r"))),
    Case("byte_order_mark", stream(b"\xef\xbb\xbf" + WHOLE)),
    Case("byte_order_mark_split", stream(b"\xef", Pause(), b"\xbb", Pause(), b"\xbf" + WHOLE)),
    Case("no_space_after_colon", stream(WHOLE.replace(b"data: ", b"data:"))),
    Case("several_data_lines", stream(WHOLE.replace(b', "choices"', b',\ndata: "choices"'))),
    Case("comments", stream(b": OPENROUTER PROCESSING\n\n", *HELLO, b": ping\n\n", finish(), DONE)),
    Case("ids_names_and_retry", stream(b"id: 1\nretry: 5\nevent: message\n" + WHOLE)),
    Case(
        "split_utf8",
        stream(*in_pieces(delta(_CONTENT), 7), finish(), DONE),
        text=_CONTENT,
    ),
    Case("drip", stream(*(WHOLE[i : i + 1] for i in range(len(WHOLE))))),
    Case("raw_line_separators", stream(delta("a\u2028b\u0085c\u000bd"), finish(), DONE), text="a\u2028b\u0085c\u000bd"),
    Case("huge_chunk", stream(delta("x" * 200_000), finish(), DONE), text="x" * 200_000),
    Case("many_chunks_at_once", stream(b"".join(delta("ab ") for _ in range(500)) + finish() + DONE), text="ab " * 500),
    Case("lone_surrogate", stream(b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n', finish(), DONE), text="a\ufffd"),
    Case("not_utf8", stream(b'data: {"choices":[{"delta":{"content":"a\xff"}}]}\n\n', finish(), DONE), text="a\ufffd"),
    Case("wrong_charset", stream(delta("Grüße"), finish(), DONE, kind="text/event-stream; charset=latin-1"), text="Grüße"),
    Case("wrong_content_type", stream(*GOOD, kind="text/plain")),
    Case("gzip", (head("200 OK", CHUNKED, "Content-Encoding: gzip"), chunk(gzip.compress(WHOLE)), LAST)),
    Case("gzip_split", stream(*in_pieces(gzip.compress(WHOLE), 5), lines=("Content-Encoding: gzip",))),
    Case("deflate", stream(zlib.compress(WHOLE), lines=("Content-Encoding: deflate",))),
    Case("slow_headers", (Pause(0.05), head("200 OK", CHUNKED)[:20], Pause(0.05), head("200 OK", CHUNKED)[20:], *(chunk(part) for part in GOOD), LAST)),
    Case("json_instead_of_sse", (head("200 OK", f"Content-Length: {len(_PLAIN_JSON)}", kind="application/json") + _PLAIN_JSON,), end=Finished(usage=USED)),
    Case("json_instead_of_sse_split", stream(_PLAIN_JSON[:30], Pause(), _PLAIN_JSON[30:], kind="application/json"), end=Finished(usage=USED)),
    Case("slow_but_well", stream(delta("Hello "), Pause(0.05), delta("there."), Pause(0.05), finish(), DONE)),
    Case("leading_blank_lines", stream(b"\r\n", Pause(), b"\n", WHOLE)),
    # How it ends
    Case("no_done", stream(*HELLO, finish())),
    Case("done_without_finish_reason", stream(*HELLO, DONE)),
    Case("done_without_newline", until_close(*HELLO, b"data: [DONE]")),
    Case("done_without_blank_line", until_close(*HELLO, finish(), b"data: [DONE]\n")),
    Case("reset_after_finish", open_stream(*HELLO, finish(), Pause(), Reset())),
    Case("reset_after_done", open_stream(*GOOD, Pause(), Reset())),
    Case("never_ends_after_finish", open_stream(*HELLO, finish(usage=USAGE), Stall()), end=Finished(usage=USED)),
    Case("never_ends_after_done", open_stream(*GOOD, Stall())),
    Case("comments_for_ever_after_finish", open_stream(*HELLO, finish(usage=USAGE), Repeat(chunk(b": ping\n\n"))), end=Finished(usage=USED)),
    Case("error_after_finish", stream(*HELLO, finish(), sse(error("late")), DONE)),
    Case("error_event_after_finish", stream(*HELLO, finish(), b"error: late\n\ndata: {oops}\n\n", DONE)),
    Case("length", stream(*HELLO, finish("length"), DONE), end=Finished("length")),
    Case("max_tokens_reason", stream(*HELLO, finish("MAX_TOKENS"), DONE), end=Finished("length")),
    Case("content_filter_after_text", stream(*HELLO, finish("content_filter"), DONE), end=Finished("content_filter")),
    Case("unknown_finish_reason", stream(*HELLO, finish("eos_token"), DONE)),
    # Chunks
    Case("first_content_null", stream(delta(None, role="assistant"), *GOOD)),
    Case("role_in_every_delta", stream(delta("Hello ", role=""), delta("there.", role="assistant"), finish(), DONE)),
    Case("content_of_another_type", stream(sse({"choices": [{"delta": {"content": ["no"]}}]}), *GOOD)),
    Case("finish_reason_of_another_type", stream(sse({"choices": [{"delta": {"content": "Hello "}, "finish_reason": 0}]}), delta("there."), finish(), DONE)),
    Case("choices_null_or_missing", stream(sse({"choices": None}), sse({"id": "x"}), sse({"choices": [{}]}), sse({"choices": [{"delta": None}]}), *GOOD)),
    Case("unknown_keys", stream(sse({"choices": [], "prompt_filter_results": [{"a": 1}], "x": {"y": []}}), *GOOD)),
    Case("error_null", stream(sse({"error": None, "choices": [{"delta": {"content": "Hello there."}}]}), finish(), DONE)),
    Case("usage_chunk_without_choices", stream(*HELLO, finish(), sse({"choices": [], "usage": {**USAGE, "prompt_tokens_details": {"cached_tokens": 7}, "cost": 0.5}}), DONE), end=Finished(usage=Usage(9, 4, 7, 0.5))),
    Case("usage_null_on_every_chunk", stream(sse({"usage": None, "choices": [{"delta": {"content": "Hello there."}, "finish_reason": None}]}), finish(usage=USAGE), DONE), end=Finished(usage=USED)),
    Case("usage_with_repeated_finish_reason", stream(*HELLO, finish(), finish(usage=USAGE), DONE), end=Finished(usage=USED)),
    Case("usage_of_odd_types", stream(*HELLO, finish(usage={"prompt_tokens": "9", "completion_tokens": 4.0}), DONE), end=Finished(usage=USED)),
    Case("usage_nonsense", stream(*HELLO, finish(usage=[1]), DONE)),
    Case("deepseek_cache_hits", stream(*HELLO, finish(usage={**USAGE, "prompt_cache_hit_tokens": 5}), DONE), end=Finished(usage=Usage(9, 4, 5))),
    # MiniMax
    Case("minimax_last_frame_repeats_all", stream(*HELLO, sse(_M2_WHOLE)), end=Finished(usage=USED)),
    Case("minimax_only_the_last_frame", stream(sse(_M2_WHOLE)), end=Finished(usage=USED)),
    Case("minimax_sensitive_but_not_refused", stream(*HELLO, sse({**_M2_WHOLE, "output_sensitive": True, "output_sensitive_type": 1})), end=Finished(usage=USED)),
    # Reasoning
    Case("reasoning_content", stream(sse({"choices": [{"delta": {"reasoning_content": "Hm."}}]}), *GOOD)),
    Case("reasoning", stream(sse({"choices": [{"delta": {"reasoning": "Hm.", "content": ""}}]}), *GOOD)),
    Case("think_tags", stream(delta("<think>Hm.</think>\n\n"), *GOOD)),
    Case("think_tags_split", stream(delta("<th"), Pause(), delta("ink>H"), delta("m.</thi"), Pause(), delta("nk> "), *GOOD)),
    Case("a_tag_that_is_none", stream(delta("a <thin"), Pause(), delta("g> <"), finish(), DONE), text="a <thing> <"),
    # What was refused is not asked for again
    Case("roles_refused", if_special_roles(refusal("400 Bad Request", error("Invalid role: user_system"))), profile="minimax-native", requests=2),
    Case("roles_refused_by_500", if_special_roles(refusal("500 Oops", {"type": "error", "error": {"type": "server_error", "message": "unknown error, 999 (1000)", "http_code": "500"}})), profile="minimax-native", requests=2),
    Case("system_role_refused", lambda body, _: refusal("400 Bad Request", error("System role not supported")) if body["messages"][0]["role"] == "system" else stream(*GOOD), requests=2),
    Case("roles_must_alternate", then_good(refusal("400 Bad Request", error("Conversation roles must alternate user/assistant"))), profile="openrouter", requests=2),
    Case("stream_options_refused", if_field("stream_options", refusal("400 Bad Request", error("Unknown field: stream_options"))), profile="vllm", requests=2),
    Case("max_tokens_refused", if_field("max_tokens", refusal("400 Bad Request", error("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", code="unsupported_parameter"))), requests=2),
    Case("temperature_refused", if_field("temperature", refusal("400 Bad Request", error("Unsupported value: 'temperature' does not support 0.7"))), requests=2),
)  # fmt: skip

# ---------------------------------------------------------------- what must fail, and how

_429 = error("Slow down", code="rate_limit_exceeded")


def _limited(name: str, *lines: str, wait: float = 0.0) -> Case:
    return Case(
        name,
        refusal("429 Too Many Requests", _429, *lines),
        "",
        ErrorCode.MODEL_RATE_LIMITED,
        "HTTP 429",
        wait,
    )


def _status(name: str, status: str, body: object, end: ErrorCode, detail: str = "") -> Case:
    return Case(name, refusal(status, body), "", end, detail or f"HTTP {status[:3]}")


FAILURES = (
    # Refused before the stream
    _limited("429"),
    _limited("429_seconds", "Retry-After: 7", wait=7),
    _limited("429_fraction", "Retry-After: 1.5", wait=1.5),
    _limited("429_milliseconds", "Retry-After: 9", "Retry-After-Ms: 1500", wait=1.5),
    _limited("429_date", "Retry-After: Thu, 01 Jan 1970 00:17:10 GMT", wait=30),
    _limited("429_past_date", "Retry-After: Thu, 01 Jan 1970 00:00:10 GMT"),
    _limited("429_negative", "Retry-After: -5"),
    _limited("429_zero", "Retry-After: 0"),
    _limited("429_nonsense", "Retry-After: soon"),
    _limited("429_not_a_number", "Retry-After: nan"),
    _limited("429_very_long", "Retry-After: 86400", wait=86400),
    _status("429_no_quota", "429 Too Many Requests", error("You exceeded your quota", code="insufficient_quota"), ErrorCode.MODEL_NO_CREDIT, "insufficient_quota"),
    _status("401", "401 Unauthorized", error("Incorrect API key provided: sk-x", code="invalid_api_key"), ErrorCode.MODEL_UNAUTHORIZED, "OPENAI_COMPATIBLE_API_KEY"),
    _status("402", "402 Payment Required", error("Insufficient credits", code=402), ErrorCode.MODEL_NO_CREDIT),
    _status("403_key", "403 Forbidden", error("Key disabled", code=403), ErrorCode.MODEL_UNAUTHORIZED),
    _status("403_moderation", "403 Forbidden", error("Flagged", code=403, metadata={"reasons": ["violence"], "flagged_input": "the player's words"}), ErrorCode.MODEL_REFUSED),
    _status("404_model", "404 Not Found", error("The model `x` does not exist", code="model_not_found"), ErrorCode.MODEL_BAD_REQUEST, "model's name"),
    _status("404_path", "404 Not Found", b"404 page not found", ErrorCode.MODEL_BAD_REQUEST, "base_url"),
    _status("405", "405 Method Not Allowed", b"", ErrorCode.MODEL_BAD_REQUEST, "base_url"),
    _status("408", "408 Request Timeout", b"", ErrorCode.MODEL_TIMEOUT),
    _status("409", "409 Conflict", b"", ErrorCode.MODEL_FAILED),
    _status("413", "413 Payload Too Large", b"", ErrorCode.MODEL_CONTEXT_OVERFLOW),
    _status("422_fastapi", "422 Unprocessable Entity", {"detail": [{"loc": ["body"], "msg": "no"}]}, ErrorCode.MODEL_BAD_REQUEST),
    _status("400", "400 Bad Request", error("no"), ErrorCode.MODEL_BAD_REQUEST),
    _status("418", "418 I'm a teapot", b"", ErrorCode.MODEL_BAD_REQUEST),
    _status("500", "500 Internal Server Error", b"<html>oops</html>", ErrorCode.MODEL_FAILED),
    _status("502", "502 Bad Gateway", b"", ErrorCode.MODEL_FAILED),
    _status("503_loading", "503 Service Unavailable", error("Loading model", code=503, type="unavailable_error"), ErrorCode.MODEL_UNREACHABLE, "loading"),
    _status("504", "504 Gateway Timeout", b"", ErrorCode.MODEL_TIMEOUT),
    _status("524", "524 Timeout", b"", ErrorCode.MODEL_TIMEOUT),
    _status("529", "529 Overloaded", b"", ErrorCode.MODEL_RATE_LIMITED),
    _status("google_error_list", "400 Bad Request", [error("no", code=400, status="INVALID_ARGUMENT")], ErrorCode.MODEL_BAD_REQUEST),
    _status("error_is_a_string", "404 Not Found", {"error": "model 'x' not found, try pulling it first"}, ErrorCode.MODEL_BAD_REQUEST, "model's name"),
    _status("error_is_deep", "400 Bad Request", b"[" * 100_000, ErrorCode.MODEL_BAD_REQUEST),
    _status("overflow_llamacpp", "400 Bad Request", error("the request exceeds the available context size", code=400, type="exceed_context_size_error", n_prompt_tokens=9, n_ctx=4), ErrorCode.MODEL_CONTEXT_OVERFLOW, "exceed_context_size_error"),
    _status("overflow_openai", "400 Bad Request", error("This model's maximum context length is 4 tokens", code="context_length_exceeded"), ErrorCode.MODEL_CONTEXT_OVERFLOW),
    _status("overflow_vllm", "400 Bad Request", {"object": "error", "message": "This model's maximum context length is 4096 tokens. Please reduce the length of the messages.", "type": "BadRequestError", "code": 400}, ErrorCode.MODEL_CONTEXT_OVERFLOW),
    _status("overflow_minimax", "400 Bad Request", {"type": "error", "error": {"type": "bad_request_error", "message": "invalid params, context window exceeds limit (1039)", "http_code": "400"}}, ErrorCode.MODEL_CONTEXT_OVERFLOW, "1039"),
    _status("moderation_azure", "400 Bad Request", error("filtered", code="content_filter"), ErrorCode.MODEL_REFUSED),
    Case("redirect", (head("307 Temporary Redirect", "Location: http://127.0.0.1:1/", "Content-Length: 0"),), "", ErrorCode.MODEL_BAD_REQUEST, "not followed"),
    Case("error_body_never_ends", (head("402 Payment Required", "Content-Length: 999"), Stall()), "", ErrorCode.MODEL_NO_CREDIT),
    Case("error_body_cut", (head("402 Payment Required", "Content-Length: 999"), Reset()), "", ErrorCode.MODEL_NO_CREDIT),
    # Refused inside status 200
    Case("error_in_stream_llamacpp", stream(sse(error("the request exceeds the available context size", code=400, type="exceed_context_size_error")), DONE), "", ErrorCode.MODEL_CONTEXT_OVERFLOW),
    Case("error_line_llamacpp", stream(delta("Hello "), b'error: {"code":500,"message":"boom","type":"server_error"}\n\n', DONE), "Hello ", ErrorCode.MODEL_FAILED, "server_error"),
    Case("error_line_not_json", stream(b"error: boom\n\n", DONE), "", ErrorCode.MODEL_FAILED),
    Case("event_error_azure", stream(delta("Hello "), b'event: error\ndata: {"type":"error","error":{"code":"server_error","message":"x"}}\n\n'), "Hello ", ErrorCode.MODEL_FAILED, "server_error"),
    Case("error_json_with_200", refusal("200 OK", error("boom", type="server_error")), "", ErrorCode.MODEL_FAILED, "server_error"),
    Case("error_json_as_event_stream", stream(json.dumps(error("No models loaded")).encode()), "", ErrorCode.MODEL_FAILED),
    Case("error_string_in_stream", stream(sse({"error": "context length exceeded"})), "", ErrorCode.MODEL_CONTEXT_OVERFLOW),
    Case("error_object_vllm", stream(sse({"object": "error", "message": "boom", "type": "InternalServerError", "code": 500}), DONE), "", ErrorCode.MODEL_FAILED, "InternalServerError"),
    Case("error_mid_stream_openrouter", stream(delta("Hello "), sse({"id": "gen-abc", "object": "chat.completion.chunk", "error": {"code": 429, "message": "Rate limit exceeded", "metadata": {"error_type": "rate_limit_exceeded"}}, "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]})), "Hello ", ErrorCode.MODEL_RATE_LIMITED, "rate_limit_exceeded"),
    Case("error_code_as_string", stream(sse({"error": {"code": "402", "message": "x"}})), "", ErrorCode.MODEL_NO_CREDIT),
    Case("error_without_code", stream(sse({"error": {"error_type": "provider_overloaded", "message": "", "availability": {"retryable": True, "retry_after": 3}}})), "", ErrorCode.MODEL_RATE_LIMITED, "provider_overloaded", 3),
    Case("finish_reason_error", stream(delta("Hello "), finish("error"), DONE), "Hello ", ErrorCode.MODEL_FAILED, "'error'"),
    Case("minimax_output_sensitive", stream(delta("Hello "), sse({"type": "error", "error": {"type": "unprocessable_entity_error", "message": "output new_sensitive (1027)", "http_code": "422"}, "request_id": "x"})), "Hello ", ErrorCode.MODEL_REFUSED, "1027"),
    Case("minimax_input_sensitive", stream(sse({"id": "06f", "choices": None, "model": "M2-her", "usage": {"total_tokens": 0}, "input_sensitive": True, "input_sensitive_type": 1, "base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}})), "", ErrorCode.MODEL_REFUSED, "1026"),
    Case("minimax_rate", refusal("200 OK", {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}), "", ErrorCode.MODEL_RATE_LIMITED, "1002"),
    Case("minimax_no_balance", refusal("200 OK", {"base_resp": {"status_code": 1008, "status_msg": "x"}}), "", ErrorCode.MODEL_NO_CREDIT, "1008"),
    Case("minimax_unknown_code", refusal("200 OK", {"base_resp": {"status_code": 9999, "status_msg": "x"}}), "", ErrorCode.MODEL_FAILED, "9999"),
    # Empty
    Case("nothing_said", stream(delta(""), finish(), DONE), "", ErrorCode.MODEL_EMPTY, "context"),
    Case("only_blanks", stream(delta(" \n"), finish(), DONE), "", ErrorCode.MODEL_EMPTY),
    Case("only_reasoning", stream(sse({"choices": [{"delta": {"reasoning_content": "Hm."}}]}), finish("length"), DONE), "", ErrorCode.MODEL_EMPTY, "reasoning"),
    Case("only_thinking", stream(delta("<think>Hm, let me"), finish("length"), DONE), "", ErrorCode.MODEL_EMPTY, "reasoning"),
    Case("all_filtered", stream(finish("content_filter"), DONE), "", ErrorCode.MODEL_REFUSED, "filtered"),
    # Cut off
    Case("eof_is_not_success", stream(*HELLO), "Hello there.", ErrorCode.MODEL_FAILED, "cut off"),
    Case("empty_chunk_then_eof", stream(delta("Hello "), sse({"choices": [{"delta": {}, "finish_reason": None}]})), "Hello ", ErrorCode.MODEL_FAILED, "cut off"),
    Case("eof_inside_an_event", until_close(delta("Hello "), delta("there.")[:30]), "Hello ", ErrorCode.MODEL_FAILED, "cut off"),
    Case("close_without_last_chunk", open_stream(delta("Hello "), Close()), "Hello ", ErrorCode.MODEL_FAILED, "cut"),
    Case("reset_after_text", open_stream(delta("Hello "), Pause(0.05), Reset()), "Hello ", ErrorCode.MODEL_FAILED, "cut"),
    Case("reset_of_an_unframed_body", (head("200 OK", "Connection: close"), delta("Hello "), Pause(0.05), Reset()), "Hello ", ErrorCode.MODEL_FAILED, "cut"),
    Case("reset_before_headers", (Reset(),), "", ErrorCode.MODEL_UNREACHABLE),
    Case("close_before_headers", (Close(),), "", ErrorCode.MODEL_UNREACHABLE, "closed the connection"),
    Case("empty_body", stream(), "", ErrorCode.MODEL_FAILED, "cut off"),
    # Slow
    Case("silent", (Stall(),), "", ErrorCode.MODEL_TIMEOUT, "first token", timeouts=HURRIED),
    Case("silent_after_headers", open_stream(Stall()), "", ErrorCode.MODEL_TIMEOUT, "first token", timeouts=HURRIED),
    Case("only_comments", open_stream(Repeat(chunk(b": ping\n\n"))), "", ErrorCode.MODEL_TIMEOUT, "first token", timeouts=HURRIED),
    Case("reasons_for_ever", open_stream(Repeat(chunk(sse({"choices": [{"delta": {"reasoning": "x"}}]})))), "", ErrorCode.MODEL_TIMEOUT, "first token", timeouts=HURRIED),
    Case("stall_after_text", open_stream(delta("Hello "), Stall()), "Hello ", ErrorCode.MODEL_TIMEOUT, "next token", timeouts=HURRIED),
    Case("comments_after_text", open_stream(delta("Hello "), Repeat(chunk(b": ping\n\n"))), "Hello ", ErrorCode.MODEL_TIMEOUT, "next token", timeouts=HURRIED),
    Case("never_ends", open_stream(delta("Hello "), Repeat(chunk(delta(None)), 0.01)), "Hello ", ErrorCode.MODEL_TIMEOUT, "whole answer", timeouts=Timeouts(first_token=5, gap=5, turn=0.4)),
    # Not what it should be
    Case("html", stream(b"<html>Sign in to the Wi-Fi</html>", kind="text/html"), "", ErrorCode.MODEL_FAILED, "text/html"),
    Case("ndjson_ollama", stream(b'{"message":{"content":"a"},"done":false}\n{"done":true}\n', kind="application/x-ndjson"), "", ErrorCode.MODEL_FAILED, "base_url"),
    Case("json_of_something_else", refusal("200 OK", {"status": "ok"}), "", ErrorCode.MODEL_FAILED, "base_url"),
    Case("not_json", stream(delta("Hello "), b"data: {oops}\n\n"), "Hello ", ErrorCode.MODEL_FAILED, "not JSON"),
    Case("deep_chunk", stream(delta("Hello "), b'data: {"x":' + b"[" * 100_000 + b"\n\n"), "Hello ", ErrorCode.MODEL_FAILED, "not JSON"),
    Case("endless_line", open_stream(delta("Hello "), b"data: " + b"x" * (2 << 20), Stall()), "Hello ", ErrorCode.MODEL_FAILED, "larger than"),
    Case("endless_json", open_stream(b"{" + b" " * (2 << 20), Stall()), "", ErrorCode.MODEL_FAILED, "base_url"),
    Case("brotli", stream(b"\x0b\x02\x80", lines=("Content-Encoding: br",)), "", ErrorCode.MODEL_FAILED, "decompress"),
    Case("broken_gzip", stream(b"no gzip", lines=("Content-Encoding: gzip",)), "", ErrorCode.MODEL_FAILED, "decompress"),
    Case("not_http", (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", Close()), "", ErrorCode.MODEL_FAILED, "HTTP"),
    Case("broken_chunking", (head("200 OK", CHUNKED), b"zz\r\nhello\r\n", Close()), "", ErrorCode.MODEL_FAILED),
)  # fmt: skip

CASES = {case.name: case for case in (*QUIRKS, *FAILURES)}


def script_of(model: str, body: dict[str, Any], before: int) -> Script:
    """The script that a model's name stands for; an unknown name is refused as a model would be."""
    case = CASES.get(model)
    if case is None:
        return refusal("404 Not Found", error(f"The model `{model}` does not exist"))
    return case.script if isinstance(case.script, tuple) else case.script(body, before)
