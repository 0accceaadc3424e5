from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.cards import charx as card_charx
from dialogue_server.domain.cards import containers as card_containers
from dialogue_server.domain.cards import png as card_png
from dialogue_server.domain.cards.containers import decode_json, encode_json, unpack
from dialogue_server.errors import ContentError

RAW = {"spec": "chara_card_v2", "data": {"name": "Mira"}}
CARD = json.dumps(RAW).encode()


def png(**cards: bytes) -> bytes:
    return card_png.write("a", card_png.blank(2, 2), cards)


def refused(data: bytes) -> str:
    with pytest.raises(ContentError) as caught:
        unpack("mira", data)
    return caught.value.detail


def test_each_container_is_known_by_its_first_bytes() -> None:
    for form, data in {
        "json": b"\xef\xbb\xbf " + CARD,
        "png": png(chara=CARD),
        "charx": card_charx.write(CARD, {}),
    }.items():
        found = unpack("a", data)
        assert (found.format, found.raw, found.remarks) == (form, RAW, ())


def test_ccv3_is_preferred() -> None:
    newer = json.dumps({"spec": "chara_card_v3", "data": {}}).encode()
    assert unpack("a", png(chara=CARD, ccv3=newer)).raw["spec"] == "chara_card_v3"


def test_a_broken_ccv3_gives_way_to_chara() -> None:
    found = unpack("a", png(chara=CARD, ccv3=b"{"))
    assert found.raw == RAW
    assert "chunk ccv3, line 1, column 2 is broken" in found.remarks[0]


def test_if_both_are_broken_the_first_is_told() -> None:
    assert "chunk ccv3" in refused(png(chara=b"[]", ccv3=b"{"))


def test_a_zip_behind_a_jpeg_is_read() -> None:
    found = unpack("a", b"\xff\xd8\xff\xe0 picture" + card_charx.write(CARD, {}))
    assert found.raw == RAW
    assert found.remarks == ("there is a picture before the zip of the CHARX file",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff\xd8\xff\xe0 picture", "JPEG"),
        (b"RIFF....WEBP", "WebP"),
        (b"PK\x03\x04", "zip"),
        (b'{"name": "\xff"}', "the byte at position 10 is not UTF-8"),
        (CARD.decode().encode("utf-16"), "not UTF-8"),
        (b"{'name': 1}", "line 1, column 2: not JSON"),
        (b"[1, 2]", "a card is a JSON object"),
        (b'"text"', "a card is a JSON object"),
        (b'{"a":' * 80 + b"1" + b"}" * 80, "more than 64 levels"),
        (b'{"a":' + b"[" * 100_000, "more than 64 levels"),
        (b'{"a":' + b"9" * 5000 + b"}", "thousands of digits"),
    ],
)
def test_a_hostile_file_is_refused_with_a_sentence(data: bytes, said: str) -> None:
    assert said in refused(data)


def test_a_huge_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_containers, "MAX_CARD_BYTES", 10)
    assert "at most 10" in refused(CARD)


def test_numbers_that_json_does_not_know_become_null() -> None:
    found = decode_json("a", "", b'{"a": NaN, "b": 1e999, "c": 1.5, "d": -Infinity}')
    assert found == {"a": None, "b": None, "c": 1.5, "d": None}


def test_sixty_four_levels_are_allowed() -> None:
    data = b'{"a":' * 64 + b"1" + b"}" * 64
    assert decode_json("a", "", data)


def test_half_an_emoji_is_kept() -> None:
    raw = decode_json("a", "", b'{"name": "Mira \\ud83d"}')
    assert decode_json("a", "", encode_json(raw)) == raw


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(), parts, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_what_is_encoded_is_decoded(raw: dict[str, Any]) -> None:
    assert decode_json("a", "", encode_json(raw)) == raw
