"""Tokens that say when they were sent.

A token is a space, seven base-36 digits and an "e": the microseconds of a clock that all
processes of one machine share (`time.perf_counter_ns` is CLOCK_MONOTONIC, mach_absolute_time or
QueryPerformanceCounter; each counts from the machine's start, not the process's). All tokens
have one length, so a reader can tell where one ends however the text was cut on its way.

The last character says nothing: a server that never splits a grapheme cluster holds it back
until it knows what follows, and the reader notes both times, without it and with it.
"""

from __future__ import annotations

import time

# Capitals: before a small letter no sentence would end, and guards would hold several as one.
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
STAMP_CHARS = 8
TOKEN_CHARS = 9
_PAIRS = [a + b for a in DIGITS for b in DIGITS]
_WRAP = 36**7


def now_us() -> int:
    """Microseconds of the shared clock, within seven base-36 digits (21 hours)."""
    return time.perf_counter_ns() // 1000 % _WRAP


def stamp(us: int) -> str:
    """The token for a time."""
    rest, c = divmod(us, 1296)
    rest, b = divmod(rest, 1296)
    first, a = divmod(rest, 1296)
    return f" {DIGITS[first]}{_PAIRS[a]}{_PAIRS[b]}{_PAIRS[c]}e"


def age(token: str, now: int) -> int:
    """Microseconds from a token's sending to `now`. Its first STAMP_CHARS characters suffice."""
    return (now - int(token[1:STAMP_CHARS], 36)) % _WRAP
