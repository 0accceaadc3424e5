"""What an upstream's refusal means: pure functions from status, headers and body to a
BackendError, and to a profile that no longer asks for what was refused.

The error's sentence is ours. An upstream's own message is only matched against: it may repeat
the player's words, the prompt or a key, and the sentence goes to the game's developer. Its short
codes ("insufficient_quota") are passed on.
"""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from dialogue_protocol.codes import ErrorCode
from msgspec import Struct, structs

from ..errors import BackendError
from .profiles import Parameter, Profile

MAX_RETRY_AFTER = 120.0
"""Seconds; a wait that an upstream asks for and that is longer is not worth waiting for."""


class Upstream(Struct, frozen=True):
    """What an upstream said of a failure. `status` is HTTP's, or the one in the body; 0 for
    none. `codes` are its short identifiers; `message` is for matching, never for showing."""

    status: int = 0
    codes: tuple[str, ...] = ()
    message: str = ""
    minimax: int = 0
    moderated: bool = False
    retry_after: float = 0.0


def parse_retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds to wait before a retry, 0 for no advice (RFC 9110, 10.2.3).

    `retry-after-ms` first, then `retry-after` as (fractional) seconds, then as an HTTP date
    against `now`, the Unix time. What lies in the past, or makes no sense, is no advice. Keys of
    `headers` are lower case or the mapping ignores case.
    """
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / scale
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds > 0:
            return seconds
    try:
        seconds = email.utils.parsedate_to_datetime(headers["retry-after"]).timestamp() - now
    except (KeyError, ValueError, OverflowError):
        return 0.0
    return max(seconds, 0.0)


def read_response(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Upstream:
    """A refusal by HTTP status."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded = body[:4096].decode("utf-8", "replace")
    upstream = read_body(decoded)
    return structs.replace(
        upstream,
        # The response's own status is the surer one; a 200 never comes here.
        status=status,
        retry_after=parse_retry_after(headers, now) or upstream.retry_after,
    )


def read_body(body: Any) -> Upstream:
    """A refusal in a body, in any of the shapes that are about; anything else says nothing."""
    if isinstance(body, list) and body:
        body = body[0]  # Google wraps its error in a list
    if isinstance(body, str):
        return Upstream(message=body)
    if not isinstance(body, dict):
        return Upstream()
    base = body.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return Upstream(minimax=_int(base["status_code"]))
    error = body.get("error") or body
    if isinstance(error, str):
        return Upstream(message=error, codes=_identifiers(body.get("code"), body.get("type")))
    if not isinstance(error, dict):
        return Upstream()
    metadata, availability = _dict(error.get("metadata")), _dict(error.get("availability"))
    message = error.get("message") or error.get("detail") or ""
    if not isinstance(message, str):
        message = str(message)
    trailing = re.search(r"\((\d{4})\)\s*$", message)  # MiniMax: "unknown error, 999 (1000)"
    code = error.get("code")
    numbers = (_int(code), _int(error.get("http_code")), _int(error.get("status_code")))
    return Upstream(
        status=next((number for number in numbers if 400 <= number < 600), 0),
        codes=_identifiers(
            code, error.get("type"), error.get("error_type"), metadata.get("error_type")
        ),
        message=message[:4096],
        minimax=int(trailing[1]) if trailing else 0,
        moderated="reasons" in metadata or "flagged_input" in metadata,
        retry_after=_seconds(availability.get("retry_after")),
    )


def _identifiers(*values: Any) -> tuple[str, ...]:
    """The values that are short identifiers, and so safe to show."""
    found = dict.fromkeys(
        value
        for value in values
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z_.]{1,47}", value)
    )
    found.pop("error", None)
    return tuple(found)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _int(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def _seconds(value: Any) -> float:
    usable = isinstance(value, int | float) and math.isfinite(value) and value > 0
    return float(value) if usable else 0.0


# ---------------------------------------------------------------- meaning

_MINIMAX: dict[int, tuple[ErrorCode, str]] = {
    1002: (ErrorCode.MODEL_RATE_LIMITED, "limits the rate of requests: slow down"),
    1004: (ErrorCode.MODEL_UNAUTHORIZED, "refused the key: use one of this region's address"),
    1008: (ErrorCode.MODEL_NO_CREDIT, "has no credit left on this account: add some"),
    1026: (ErrorCode.MODEL_REFUSED, "found the prompt too sensitive"),
    1027: (ErrorCode.MODEL_REFUSED, "found its own answer too sensitive"),
    1039: (ErrorCode.MODEL_CONTEXT_OVERFLOW, "says that the prompt has too many tokens"),
    1041: (ErrorCode.MODEL_RATE_LIMITED, "limits the connections: slow down"),
    1042: (ErrorCode.MODEL_BAD_REQUEST, "found invisible characters in the prompt"),
    2013: (ErrorCode.MODEL_BAD_REQUEST, "found the request invalid"),
    2049: (ErrorCode.MODEL_UNAUTHORIZED, "refused the key: use one of this region's address"),
    1000: (ErrorCode.MODEL_FAILED, "failed for an unknown reason"),
    1001: (ErrorCode.MODEL_TIMEOUT, "took too long on its side"),
    1013: (ErrorCode.MODEL_FAILED, "failed inside"),
    1024: (ErrorCode.MODEL_FAILED, "failed inside"),
    1033: (ErrorCode.MODEL_FAILED, "failed inside"),
}

_PATTERNS: tuple[tuple[str, ErrorCode, str], ...] = (
    (
        r"context[_ ](length|size|window)|maximum context|exceed_context|prompt is too long"
        r"|too many tokens|reduce the length|exceeds? the (available |model'?s )?context"
        r"|longer than the (model'?s )?context|n_ctx|n_keep",
        ErrorCode.MODEL_CONTEXT_OVERFLOW,
        "says that the prompt does not fit the model's context: lower the prompt's budget, or "
        "load the model with a larger context",
    ),
    (
        r"insufficient[_ ](quota|credits?|balance|funds)|billing_hard_limit|out of credits",
        ErrorCode.MODEL_NO_CREDIT,
        "has no credit left on this account: add some",
    ),
    (
        r"content[_ ](filter|policy|management)|moderation|responsible_?ai|sensitive|safety",
        ErrorCode.MODEL_REFUSED,
        "refused the prompt for what it says",
    ),
    (
        r"rate[_ ]limit|too many requests|overloaded",
        ErrorCode.MODEL_RATE_LIMITED,
        "limits the rate of requests: slow down",
    ),
    (
        r"invalid[_ ]api[_ ]key|incorrect api key|authentication_error|unauthorized",
        ErrorCode.MODEL_UNAUTHORIZED,
        "refused the key",
    ),
    (
        r"model[_ ]not[_ ]found|no such model|model .{0,80}(not found|does not exist)",
        ErrorCode.MODEL_BAD_REQUEST,
        "does not know the model: check the model's name",
    ),
)
_COMPILED = tuple((re.compile(text, re.I), code, says) for text, code, says in _PATTERNS)

_STATUS: dict[int, tuple[ErrorCode, str]] = {
    400: (ErrorCode.MODEL_BAD_REQUEST, "found the request invalid"),
    401: (ErrorCode.MODEL_UNAUTHORIZED, "refused the key"),
    402: (ErrorCode.MODEL_NO_CREDIT, "has no credit left on this account: add some"),
    403: (ErrorCode.MODEL_UNAUTHORIZED, "forbids this to the key"),
    404: (
        ErrorCode.MODEL_BAD_REQUEST,
        "found nothing there: check the model's name and base_url (it ends in /v1 for most "
        "servers)",
    ),
    405: (ErrorCode.MODEL_BAD_REQUEST, "takes no completion there: check base_url"),
    408: (ErrorCode.MODEL_TIMEOUT, "took too long on its side"),
    409: (ErrorCode.MODEL_FAILED, "had a conflict: retry"),
    413: (ErrorCode.MODEL_CONTEXT_OVERFLOW, "says that the prompt is too large"),
    422: (ErrorCode.MODEL_BAD_REQUEST, "cannot process the request"),
    429: (ErrorCode.MODEL_RATE_LIMITED, "limits the rate of requests: slow down"),
    503: (ErrorCode.MODEL_UNREACHABLE, "is not available now (it may be loading its model)"),
    504: (ErrorCode.MODEL_TIMEOUT, "took too long on its side"),
    524: (ErrorCode.MODEL_TIMEOUT, "took too long on its side"),
    529: (ErrorCode.MODEL_RATE_LIMITED, "is overloaded: slow down"),
}


def backend_error(profile: Profile, upstream: Upstream) -> BackendError:
    """The error of a refusal: what it is, and what to do about it."""
    code, says = _meaning(upstream)
    if code is ErrorCode.MODEL_UNAUTHORIZED and profile.key_env:
        says += f": check the environment variable {profile.key_env}"
    marks = [f"HTTP {upstream.status}"] if upstream.status else []
    marks += [str(upstream.minimax)] if upstream.minimax else []
    marks += upstream.codes
    note = f" ({', '.join(marks)})" if marks else ""
    return BackendError(code, f"{profile.name} {says}{note}", retry_after=upstream.retry_after)


def _meaning(upstream: Upstream) -> tuple[ErrorCode, str]:
    status = upstream.status
    if upstream.minimax in _MINIMAX:
        return _MINIMAX[upstream.minimax]
    if upstream.moderated:
        return ErrorCode.MODEL_REFUSED, "refused the prompt for what it says"
    if status in (402, 408) or (status == 401):
        return _STATUS[status]
    said = " ".join((*upstream.codes, upstream.message))
    for pattern, code, says in _COMPILED:
        # A rate-limit word in a 400, or "safety" in a server's crash, is not what it means.
        if pattern.search(said) and _plausible(code, status):
            return code, says
    if status in _STATUS:
        return _STATUS[status]
    if 300 <= status < 400:
        return (
            ErrorCode.MODEL_BAD_REQUEST,
            "redirects, which is not followed, since the key would go along: set base_url to "
            "the address that it redirects to",
        )
    if 400 <= status < 500:
        return ErrorCode.MODEL_BAD_REQUEST, "refused the request"
    return ErrorCode.MODEL_FAILED, "failed on its side"


def _plausible(code: ErrorCode, status: int) -> bool:
    if status == 0:
        return True
    if code is ErrorCode.MODEL_CONTEXT_OVERFLOW:
        return status in (400, 413, 422, 500)
    if code is ErrorCode.MODEL_REFUSED:
        return status in (400, 403, 422)
    if code is ErrorCode.MODEL_NO_CREDIT:
        return status in (400, 403, 429)
    if code is ErrorCode.MODEL_RATE_LIMITED:
        return status in (403, 503)
    return status in (400, 403, 404, 422)


# ---------------------------------------------------------------- adaptation


def adapt(profile: Profile, upstream: Upstream) -> Profile | None:
    """The profile without the capability that was just refused; None if that is not the matter.

    Each step turns something off, so a caller that retries while this gives a profile ends.
    """
    if upstream.status not in (400, 422, 500):
        return None
    said = upstream.message.lower()
    if profile.native_roles and re.search(r"role|user_system|sample_message|group", said):
        return structs.replace(profile, native_roles=False)
    if profile.native_roles and upstream.status == 500:
        # MiniMax's own answer to the special roles: 500, "unknown error".
        return structs.replace(profile, native_roles=False)
    if not profile.alternate and re.search(r"roles must alternate|alternat\w+ user", said):
        return structs.replace(profile, alternate=True)
    if profile.system_role and re.search(r"system role not supported|system role is not", said):
        return structs.replace(profile, system_role=False)
    if profile.max_tokens_field == "max_tokens" and "max_completion_tokens" in said:
        return structs.replace(profile, max_tokens_field="max_completion_tokens")
    if not re.search(r"unsupported|not supported|unknown|unrecognized|extra|unexpected", said):
        return None
    if profile.stream_usage and "stream_options" in said:
        return structs.replace(profile, stream_usage=False)
    for name in get_args(Parameter):
        if name in profile.parameters and re.search(
            rf"\b{re.escape(profile.names.get(name, name))}\b", said
        ):
            return structs.replace(profile, parameters=profile.parameters - {name})
    return None
