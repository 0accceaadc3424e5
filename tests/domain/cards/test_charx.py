from __future__ import annotations

import io
import struct
import warnings
import zipfile

import pytest

from dialogue_server.domain.cards import charx as card_charx
from dialogue_server.domain.cards.charx import read_assets, read_card, write
from dialogue_server.errors import ContentError

CARD = b'{"spec": "chara_card_v3"}'


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        with zipfile.ZipFile(out, "w", method) as archive:
            for name, data in members:
                archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def refused(data: bytes) -> str:
    with pytest.raises(ContentError) as caught:
        read_card("mira.charx", data)
    return caught.value.detail


def test_the_card_and_what_is_beside_it_come_back() -> None:
    data = write(CARD, {"assets/icon/images/main.png": b"\x89PNG"})
    assert read_card("a", data) == CARD
    assert read_assets("a", data) == {"assets/icon/images/main.png": b"\x89PNG"}


def test_the_same_card_gives_the_same_bytes() -> None:
    assert write(CARD, {"b": b"1"}) == write(CARD, {"b": b"1"})


def test_folders_are_no_assets() -> None:
    assert read_assets("a", zipped(("assets/", b""), ("card.json", CARD))) == {}


def test_members_that_are_stored_are_read() -> None:
    assert read_card("a", zipped(("card.json", CARD), method=zipfile.ZIP_STORED)) == CARD


@pytest.mark.parametrize(
    "name",
    ["../evil.toml", "a/../../evil", "/etc/evil", "\\evil", "a\\..\\..\\b", "C:\\evil", "c:x"],
)
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    assert "leads out of the zip's own folder" in refused(zipped(("card.json", CARD), (name, b"x")))


def test_a_name_with_a_nul_is_refused() -> None:
    data = zipped(("card.json", CARD), ("evilX.png", b"x")).replace(b"evilX", b"evil\0")
    assert r"evil\x00.png leads out" in refused(data)


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    said = refused(zipped(("card.json", CARD), ("bomb.png", bytes(20_000_000))))
    assert "a zip bomb, which is not opened" in said
    assert "bomb.png" in said


def test_a_card_that_is_a_bomb_is_refused() -> None:
    assert "zip bomb" in refused(zipped(("card.json", b" " * 20_000_000)))


def test_a_size_that_is_lied_about_unpacks_no_further() -> None:
    """The directory says three bytes: three are read, and their checksum does not fit."""
    data = bytearray(zipped(("card.json", CARD * 50)))
    entry = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, entry + 24, 3)
    assert "cannot be unpacked" in refused(bytes(data))


def test_many_members_that_are_large_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_charx, "MAX_UNPACKED", 1000)
    assert "unpacks to more than" in refused(zipped(("card.json", CARD), ("a", bytes(2000))))


def test_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_charx, "MAX_MEMBERS", 2)
    data = zipped(("card.json", CARD), ("a", b""), ("b", b""))
    assert "more than 2 files" in refused(data)


def test_a_huge_card_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_charx, "MAX_CARD_BYTES", 10)
    assert "a card has at most 10" in refused(zipped(("card.json", CARD)))


def test_a_name_that_is_there_twice_is_refused() -> None:
    assert "twice" in refused(zipped(("card.json", CARD), ("card.json", b"{}")))


def test_an_encrypted_card_is_refused() -> None:
    data = bytearray(zipped(("card.json", CARD)))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refused(bytes(data))


def test_an_unknown_packing_is_refused() -> None:
    data = bytearray(zipped(("card.json", CARD)))
    struct.pack_into("<H", data, data.rindex(b"PK\x01\x02") + 10, 77)
    assert "cannot be unpacked" in refused(bytes(data))


def test_a_zip_without_a_card_is_refused() -> None:
    assert "there is no card.json" in refused(zipped(("cards/card.json", CARD)))


def test_what_is_cut_off_is_refused() -> None:
    data = zipped(("card.json", CARD))
    assert "cut off or damaged" in refused(data[:-30])
    assert "cut off or damaged" in refused(b"PK\x03\x04")


def test_a_damaged_card_is_refused() -> None:
    data = bytearray(zipped(("card.json", CARD), method=zipfile.ZIP_STORED))
    data[data.index(CARD) + 3] ^= 0xFF
    assert "cannot be unpacked" in refused(bytes(data))


def test_a_members_name_cannot_speak_to_the_terminal() -> None:
    said = refused(zipped(("card.json", CARD), ("\x1b[31m", b""), ("\x1b[31m", b"")))
    assert "\x1b" not in said
