"""Every error and close code of the wire, and what a client may do about each.

Errors are data: a code, a sentence for the developer, whether a retry can help. Close
codes carry policy by *range*, so a client can obey a code it has never heard of
(the idea is centrifuge's, see spec.md section "Closing").
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class ErrorCode(StrEnum):
    """The `code` of an `error` message, or of a `turn_end` that fell back (spec.md, "Errors")."""

    # What the client sent
    BAD_MESSAGE = "bad_message"
    TOO_LARGE = "too_large"
    UNKNOWN_NPC = "unknown_npc"
    UNKNOWN_CONVERSATION = "unknown_conversation"
    UNKNOWN_TURN = "unknown_turn"
    UNKNOWN_CHECKPOINT = "unknown_checkpoint"
    UNKNOWN_ACTION = "unknown_action"
    EMPTY_LINE = "empty_line"
    LINE_TOO_LONG = "line_too_long"
    STATE_INVALID = "state_invalid"
    STATE_TOO_LARGE = "state_too_large"
    STATE_CONFLICT = "state_conflict"
    BUSY = "busy"
    TOO_MANY_CONVERSATIONS = "too_many_conversations"
    TOO_MANY_SESSIONS = "too_many_sessions"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    # What the model did
    MODEL_UNREACHABLE = "model_unreachable"
    MODEL_TIMEOUT = "model_timeout"
    MODEL_RATE_LIMITED = "model_rate_limited"
    MODEL_UNAUTHORIZED = "model_unauthorized"
    MODEL_NO_CREDIT = "model_no_credit"
    MODEL_REFUSED = "model_refused"
    MODEL_BAD_REQUEST = "model_bad_request"
    MODEL_CONTEXT_OVERFLOW = "model_context_overflow"
    MODEL_EMPTY = "model_empty"
    MODEL_FAILED = "model_failed"
    GUARDED = "guarded"
    BUDGET_EXHAUSTED = "budget_exhausted"
    # What the server met
    CONTENT_INVALID = "content_invalid"
    SETTINGS_INVALID = "settings_invalid"
    STORE_FAILED = "store_failed"
    SHUTTING_DOWN = "shutting_down"
    INTERNAL = "internal"

    @property
    def retryable(self) -> bool:
        """Whether the same message may succeed later, unchanged."""
        return self in _RETRYABLE


_RETRYABLE = frozenset(
    {
        ErrorCode.BUSY,
        ErrorCode.RATE_LIMITED,
        ErrorCode.TOO_MANY_SESSIONS,
        ErrorCode.MODEL_UNREACHABLE,
        ErrorCode.MODEL_TIMEOUT,
        ErrorCode.MODEL_RATE_LIMITED,
        ErrorCode.MODEL_EMPTY,
        ErrorCode.MODEL_FAILED,
        ErrorCode.STORE_FAILED,
        ErrorCode.SHUTTING_DOWN,
        ErrorCode.INTERNAL,
    }
)


class EndReason(StrEnum):
    """Why a turn ended: the `reason` of `turn_end` (spec.md, "A turn")."""

    COMPLETE = "complete"
    LENGTH = "length"
    INTERRUPTED = "interrupted"
    TRUNCATED = "truncated"
    FILTERED = "filtered"
    FALLBACK = "fallback"
    FAILED = "failed"


class ClosePolicy(StrEnum):
    """What a client does after a close code."""

    RESUME = "resume"
    RECONNECT = "reconnect"
    STOP = "stop"


class CloseCode(IntEnum):
    """WebSocket close codes of this protocol; standard codes keep their meaning (RFC 6455, 7.4).

    4000-4099: reconnect and resume. 4100-4199: reconnect with a fresh hello.
    4200-4299: do not reconnect; a person has to change something.
    """

    GOING_AWAY = 4000
    SLOW_READER = 4001
    HANDSHAKE_TIMEOUT = 4100
    SESSION_LIMIT = 4101
    FLOODING = 4102
    PROTOCOL_ERROR = 4200
    UNAUTHORIZED = 4201
    UNSUPPORTED_VERSION = 4202
    REPLACED = 4203

    @property
    def policy(self) -> ClosePolicy:
        """The policy of this code's range."""
        return close_policy(self)


def close_reason(detail: str) -> str:
    """`detail`, cut to what a close frame can carry: 123 bytes of UTF-8 (RFC 6455, 5.5)."""
    return detail.encode()[:123].decode(errors="ignore")


_STANDARD_STOP = frozenset({1000, 1002, 1003, 1007, 1009, 1010})


def close_policy(code: int) -> ClosePolicy:
    """What a client does after *any* close code, known or not.

    1000 and the codes that name a client's own fault stop it; everything else
    (1001, 1006, 1011 ..., an abrupt drop) means: come back and resume.
    """
    if 4100 <= code < 4200:
        return ClosePolicy.RECONNECT
    if 4200 <= code < 4300 or code in _STANDARD_STOP:
        return ClosePolicy.STOP
    return ClosePolicy.RESUME
