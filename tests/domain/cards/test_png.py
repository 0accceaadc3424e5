from __future__ import annotations

import base64
import json
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.cards import png as card_png
from dialogue_server.domain.cards.png import MAX_CARD_BYTES, SIGNATURE, blank, read, write
from dialogue_server.errors import ContentError

CARD = json.dumps({"spec": "chara_card_v2", "data": {"name": "Mira"}}).encode()


def chunk(kind: bytes, body: bytes = b"", checksum: int | None = None) -> bytes:
    if checksum is None:
        checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def text(keyword: str, card: bytes = CARD) -> bytes:
    return chunk(b"tEXt", keyword.encode() + b"\0" + base64.b64encode(card))


def picture(*before: bytes, after: tuple[bytes, ...] = ()) -> bytes:
    """A real picture of two by two dots, with chunks before and after its data."""
    header = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes(6)) * 2
    return b"".join(
        (
            SIGNATURE,
            chunk(b"IHDR", header),
            *before,
            chunk(b"IDAT", zlib.compress(rows)),
            *after,
            chunk(b"IEND"),
        )
    )


def refused(data: bytes) -> str:
    with pytest.raises(ContentError) as caught:
        read("mira.png", data)
    assert caught.value.file == "mira.png"
    return caught.value.detail


def test_a_card_is_read_from_its_chunk() -> None:
    assert read("a", picture(text("chara"))) == ({"chara": CARD}, [])


def test_the_chunk_may_stand_after_the_pictures_data() -> None:
    assert read("a", picture(after=(text("chara"),)))[0] == {"chara": CARD}


@pytest.mark.parametrize("keyword", ["Chara", "CHARA", "ccv3", "CCv3"])
def test_keywords_are_compared_without_case(keyword: str) -> None:
    assert read("a", picture(text(keyword)))[0] == {keyword.lower(): CARD}


def test_both_copies_of_a_card_are_found() -> None:
    assert read("a", picture(text("chara"), text("ccv3")))[0] == {"chara": CARD, "ccv3": CARD}


def test_of_several_chunks_the_first_counts_and_it_is_said_once() -> None:
    cards, remarks = read("a", picture(text("chara"), text("chara", b"{}"), text("chara")))
    assert cards == {"chara": CARD}
    assert len(remarks) == 1
    assert "several chunks" in remarks[0]


def test_base64_may_lack_its_padding_and_have_line_breaks() -> None:
    body = base64.b64encode(CARD).rstrip(b"=")
    body = body[:20] + b"\r\n " + body[20:]
    assert read("a", picture(chunk(b"tEXt", b"chara\0" + body)))[0] == {"chara": CARD}


def test_a_broken_copy_is_made_up_for_by_the_other() -> None:
    broken = chunk(b"tEXt", b"ccv3\0%%%%")
    cards, remarks = read("a", picture(broken, text("chara")))
    assert cards == {"chara": CARD}
    assert "ccv3 is broken" in remarks[0]


def test_a_broken_chunk_is_made_up_for_by_a_whole_one_of_its_name() -> None:
    assert read("a", picture(chunk(b"tEXt", b"chara\0%%%%"), text("chara"))) == (
        {"chara": CARD},
        [],
    )


def test_assets_in_the_picture_are_told() -> None:
    _, remarks = read("a", picture(text("ccv3"), text("chara-ext-asset_:1")))
    assert remarks == ["1 further files in the picture are not used; they stay in it"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"GIF89a", "not a PNG file"),
        (picture(), "no card in it"),
        (picture(chunk(b"tEXt", b"Software\0x")), "no card in it"),
        (picture(text("chara"))[:-6], "cut off"),
        (picture(text("chara"))[:60], "the file ends before"),
        (SIGNATURE + struct.pack(">I4s", 5, b"I\0\0\0") + bytes(9), "not a PNG chunk"),
        (picture(chunk(b"tEXt", b"chara\0" + base64.b64encode(CARD), 1)), "checksum"),
        (picture(chunk(b"tEXt", b"chara\0{json}")), "not base64"),
        (picture(chunk(b"tEXt", b"chara\0abcde")), "not base64"),
        (picture(chunk(b"zTXt", b"chara\0\0x")), "cards stand in tEXt chunks"),
        (picture(chunk(b"iTXt", b"ccv3\0x"), chunk(b"zTXt", b"chara\0x")), "iTXt chunk ccv3"),
    ],
)
def test_a_hostile_or_damaged_picture_is_refused_with_a_sentence(data: bytes, said: str) -> None:
    assert said in refused(data)


def test_a_chunk_that_claims_to_be_huge_is_refused_before_anything_is_read() -> None:
    data = SIGNATURE + struct.pack(">I4s", 0xFFFFFFFF, b"tEXt") + b"chara\0" + bytes(40)
    assert "4294967295 bytes" in refused(data)


def test_a_huge_card_is_refused() -> None:
    body = b"chara\0" + b"A" * (MAX_CARD_BYTES * 4 // 3 + 8)
    assert "a card has at most" in refused(picture(chunk(b"tEXt", body)))


def test_a_picture_of_nothing_but_chunks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_png, "MAX_CHUNKS", 3)
    assert "more than 3 chunks" in refused(picture(text("chara"), text("ccv3")))


def test_writing_replaces_the_cards_and_nothing_else() -> None:
    other = chunk(b"tEXt", b"Software\0x")
    animation = chunk(b"acTL", struct.pack(">II", 1, 0))
    before = picture(animation, other, text("Chara"), after=(text("ccv3"), chunk(b"zTXt", b"k\0")))
    after = write("a", before, {"chara": b"{}", "ccv3": CARD})
    assert read("a", after)[0] == {"chara": b"{}", "ccv3": CARD}
    expected = picture(
        animation, other, text("chara", b"{}"), text("ccv3"), after=(chunk(b"zTXt", b"k\0"),)
    )
    assert after == expected


def test_a_picture_without_data_gets_the_card_before_its_end() -> None:
    empty = SIGNATURE + chunk(b"IEND")
    assert write("a", empty, {"chara": CARD}) == SIGNATURE + text("chara") + chunk(b"IEND")


def test_the_blank_picture_is_a_whole_png() -> None:
    kinds = {each.kind: each for each in card_png.chunks("a", blank(3, 2))}
    assert list(kinds) == [b"IHDR", b"IDAT", b"IEND"]
    assert all(each.intact for each in kinds.values())
    assert len(zlib.decompress(kinds[b"IDAT"].data)) == 2 * (1 + 3 * 3)


@given(st.binary(max_size=300))
def test_whatever_is_written_is_read_again(card: bytes) -> None:
    assert read("a", write("a", picture(), {"chara": card}))[0] == {"chara": card}


@given(st.data())
def test_damage_anywhere_is_refused_or_harmless(data: st.DataObject) -> None:
    whole = bytearray(picture(text("chara")))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    for damaged in (bytes(whole), bytes(cut)):
        try:
            cards, _ = read("a", damaged)
        except ContentError as error:
            assert error.problem
        else:
            assert cards == {"chara": CARD}
