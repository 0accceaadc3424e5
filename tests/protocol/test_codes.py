from __future__ import annotations

import pytest
from dialogue_protocol.codes import (
    CloseCode,
    ClosePolicy,
    ErrorCode,
    close_policy,
    close_reason,
)


@pytest.mark.parametrize(
    ("code", "policy"),
    [
        (4000, "resume"),
        (4099, "resume"),
        (4100, "reconnect"),
        (4199, "reconnect"),
        (4200, "stop"),
        (4299, "stop"),
        (1000, "stop"),
        (1002, "stop"),
        (1001, "resume"),
        (1006, "resume"),
        (1011, "resume"),
        (4999, "resume"),
    ],
)
def test_any_close_code_known_or_not_has_a_policy(code: int, policy: str) -> None:
    assert close_policy(code) == ClosePolicy(policy)


def test_a_close_code_knows_its_policy() -> None:
    assert CloseCode.GOING_AWAY.policy is ClosePolicy.RESUME
    assert CloseCode.SESSION_LIMIT.policy is ClosePolicy.RECONNECT
    assert CloseCode.REPLACED.policy is ClosePolicy.STOP


def test_a_fault_of_the_client_is_not_retryable_and_a_passing_one_is() -> None:
    assert not ErrorCode.BAD_MESSAGE.retryable
    assert not ErrorCode.MODEL_UNAUTHORIZED.retryable
    assert ErrorCode.BUSY.retryable
    assert ErrorCode.MODEL_TIMEOUT.retryable


@pytest.mark.parametrize("text", ["", "short", "x" * 123, "x" * 124, "é" * 200, "😀" * 40])
def test_a_close_reason_fits_a_close_frame_and_stays_utf8(text: str) -> None:
    reason = close_reason(text)
    assert len(reason.encode()) <= 123
    assert text.startswith(reason)
    assert len(reason.encode()) > 119 or reason == text
