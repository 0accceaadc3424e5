"""Inputs that are nearly right: pieces of good ones, cut, spliced, repeated and damaged."""

from __future__ import annotations

import random

_INTERESTING = (
    *(b"\x00", b"\xff", b"\x80", b"\xc1", b"\xd9\xff", b"\xdb\xff\xff\xff\xff", b"\xdd\x7f\xff\xff"),
    *(b"\r\n", b"\r", b"\n\n", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\xf0\x9f\x91"),
    *(b"[", b"]", b"{", b"}", b'"', b"'''", b"\\u0000", b"\\ud800", b"null", b"1e999", b"-1", b"NaN"),
    *(b"9007199254740993", b"18446744073709551616", b"data: ", b"event: error\n", b"[DONE]", b"="),
    *(b"[mood: ", b"[action: pour ", b"[pause: 9]", b"<think>", b"</think>", b"<|im_end|>", b"Bob:"),
    *("\U0001f469\u200d\U0001f469".encode(), "e\u0301".encode(), "\u202e".encode()),
)  # fmt: skip
_LARGEST = 1 << 16


def mutate(seeds: list[bytes], dice: random.Random) -> bytes:
    """One input."""
    data = bytearray(dice.choice(seeds))
    for _ in range(min(12, int(dice.expovariate(0.5)))):
        at = dice.randrange(len(data) + 1)
        to = min(len(data), at + int(dice.expovariate(0.1)) + 1)
        match dice.randrange(8):
            case 0:
                data[at:to] = b""
            case 1:
                data[at:at] = dice.choice(_INTERESTING)
            case 2:
                data[at:to] = dice.choice(_INTERESTING)
            case 3:
                data[at:at] = dice.randbytes(dice.randrange(1, 5))
            case 4 if at < len(data):
                data[at] ^= 1 << dice.randrange(8)
            case 5:
                other = dice.choice(seeds)
                cut = dice.randrange(len(other) + 1)
                data[at:] = other[cut:]
            case 6:
                data[at:at] = data[at:to] * dice.choice((1, 2, 10))
            case 7 if dice.random() < 0.02:
                data[at:at] = dice.choice(_INTERESTING) * dice.choice((100, 3000))
            case _:
                pass
    return bytes(data[:_LARGEST])


def pieces(data: bytes, dice: random.Random) -> list[bytes]:
    """The same bytes as they might arrive."""
    cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.choice((1, 2, 5))))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
