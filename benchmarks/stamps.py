"""Tokens that say when they were sent.

A token is a space and eight base-36 digits: the microseconds of a clock that all processes of
one machine share (`time.perf_counter_ns` is CLOCK_MONOTONIC, mach_absolute_time or
QueryPerformanceCounter; each counts from the machine's start, not the process's). All tokens
have one length, so a reader can tell where one ends however the text was cut on its way.
"""

from __future__ import annotations

import time

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
TOKEN_CHARS = 9
_PAIRS = [a + b for a in DIGITS for b in DIGITS]
_WRAP = 36**8


def now_us() -> int:
    """Microseconds of the shared clock, within eight base-36 digits (32 days)."""
    return time.perf_counter_ns() // 1000 % _WRAP


def stamp(us: int) -> str:
    """The token for a time."""
    high, low = divmod(us, 36**4)
    a, b = divmod(high, 1296)
    c, d = divmod(low, 1296)
    return f" {_PAIRS[a]}{_PAIRS[b]}{_PAIRS[c]}{_PAIRS[d]}"


def read(token: str) -> int:
    """The time that a token says."""
    return int(token, 36)
