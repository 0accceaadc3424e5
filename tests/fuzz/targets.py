"""What is fuzzed: each target takes bytes, and raises where it breaks its promise.

A refusal that the module documents is right; any other exception is a finding, and so is a
result that depends on how the bytes were split, or that does not survive a round trip.
"""

from __future__ import annotations

import base64
import contextlib
import json
import random
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from dialogue_protocol.client_connection import ClientConnection
from dialogue_protocol.codec import JSON, MSGPACK, Codec, DecodeError, Unknown
from dialogue_protocol.connection import HandshakeError, ProtocolError, ServerConnection
from dialogue_protocol.messages import Limits, Welcome
from msgspec import structs

from dialogue_server.backends.openai_chunks import Answer
from dialogue_server.backends.profiles import PROFILES
from dialogue_server.backends.sse import EventTooLarge, SSEParser
from dialogue_server.domain import archive, authored_texts, po, spreadsheet
from dialogue_server.domain.cards import card as cards
from dialogue_server.domain.cards import charx as card_charx
from dialogue_server.domain.cards import png as card_png
from dialogue_server.domain.content_files import decode_lore, decode_persona, decode_world
from dialogue_server.domain.recordings import page as recording_page
from dialogue_server.domain.recordings import recording, rerun
from dialogue_server.domain.state import check_state, merge_patch
from dialogue_server.domain.stream import Rejected, Text, TextStream
from dialogue_server.errors import BackendError, ContentError, DialogueError, SettingsError
from dialogue_server.server.admission import Admission, Claims, issue, read_keys
from dialogue_server.settings import Access
from tests.fakes.upstream_cases import CASES
from tests.harness import MIRA

from .mutation import pieces

ROOT = Path(__file__).parents[2]
Target = Callable[[bytes, random.Random], None]
_LIMITS = Limits(64_000, 2000, 65_536, 16, 16)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# ---------------------------------------------------------------- the wire


def decoding(codec: Codec, *, client: bool) -> Target:
    decode = codec.decode_client if client else codec.decode_server

    def target(data: bytes, _: random.Random) -> None:
        frame = _text(data) if codec.text else data
        try:
            message = decode(frame, 64_000)
        except DecodeError as error:
            assert error.detail
            assert len(error.detail) < 2000
            return
        if not isinstance(message, Unknown):
            assert decode(codec.encode(message), 1 << 20) == message

    return target


def server_session(data: bytes, dice: random.Random) -> None:
    """A session that gets garbage counts it and lives on."""
    session = ServerConnection("s", "e", _LIMITS, MSGPACK, buffer_bytes=2000)
    session.welcome()
    before = 0
    for frame in pieces(data, dice):
        try:
            session.receive(frame)
        except DecodeError:
            pass
        except ProtocolError:
            return
        assert before <= session.received <= before + 1
        before = session.received


def client_session(data: bytes, dice: random.Random) -> None:
    client = ClientConnection("fuzz")
    client.hello()
    client.receive(MSGPACK.encode(Welcome("s", "e", 0, _LIMITS)))
    client.recover()
    for frame in pieces(data, dice):
        before = client.seq
        try:
            client.receive(frame)
        except DecodeError:
            pass
        except ProtocolError:
            return
        assert before <= client.seq <= before + 1


# ---------------------------------------------------------------- the model's stream


def _events(data: list[bytes], limit: int) -> tuple[list[Any], bool]:
    parser, events = SSEParser(limit), []
    try:
        for piece in data:
            events += parser.feed(piece)
        return events + parser.end(), False
    except EventTooLarge:
        return events, True


def sse(data: bytes, dice: random.Random) -> None:
    limit = dice.choice((40, 1 << 20))
    whole = _events([data], limit)
    assert _events(pieces(data, dice), limit) == whole


def chunks(data: bytes, dice: random.Random) -> None:
    profile = PROFILES[dice.choice(sorted(PROFILES))]

    def read(parts: list[bytes]) -> tuple[str, str]:
        answer = Answer(profile, "text/event-stream", 1 << 16)
        text = ""
        for part in parts:
            text += answer.feed(part)
            if answer.over:
                break
        else:
            text += answer.end()
        try:
            if answer.failure is not None:
                raise answer.failure
            return text, repr(answer.finish())
        except BackendError as error:
            return text, str(error.code)

    assert read(pieces(data, dice)) == read([data])


def text_stream(data: bytes, dice: random.Random) -> None:
    text = data.decode("utf-8", "replace")
    limit = dice.choice((None, None, 2))

    def read(parts: list[str]) -> tuple[str, list[tuple[Any, ...]]]:
        stream = TextStream(MIRA, speakers=("Ann", "Bob"), stop=("\nAnn:",), max_sentences=limit)
        found = [piece for part in parts for piece in stream.feed(part)] + stream.finish()
        shown, cues = "", []
        for piece in found:
            if isinstance(piece, Text):
                shown += piece.text
            elif not isinstance(piece, Rejected):
                assert piece.offset >= len(shown)
                cues.append((type(piece).__name__, *msgspec.structs.astuple(piece)))
        assert shown == stream.text
        assert len(shown) == stream.length
        return shown, cues

    cut = dice.randrange(len(text) + 1)
    assert read([text[:cut], text[cut:]]) == read([text])
    if len(text) < 400:
        assert read(list(text)) == read([text])


# ---------------------------------------------------------------- the game's and designers' data


def patches(data: bytes, _: random.Random) -> None:
    first, _, second = data.partition(b"\x1e")
    try:
        target, patch = msgspec.json.decode(first), msgspec.json.decode(second)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    before = json.dumps(target)
    result = merge_patch(target, patch)
    assert json.dumps(target) == before
    assert merge_patch(result, patch) == result
    try:
        check_state(result, max_bytes=4000, max_depth=16)
    except DialogueError as error:
        assert len(error.detail) < 1000
    else:
        msgspec.msgpack.encode(result)


def content(data: bytes, dice: random.Random) -> None:
    decode = dice.choice((decode_persona, decode_world, decode_lore))
    try:
        decode("x.toml", data)
    except ContentError as error:
        assert error.problem


def card(data: bytes, _: random.Random) -> None:
    try:
        cards.import_file("x.png", data)
    except ContentError as error:
        assert error.problem


# ---------------------------------------------------------------- where mutation begins


def _vectors(side: str, form: str) -> list[bytes]:
    seeds = []
    for path in sorted((ROOT / "protocol" / "vectors").glob("*.json")):
        for entry in json.loads(path.read_text(encoding="utf-8")):
            frame = entry.get(form)
            if frame is not None and entry.get("sender") == side and len(frame) < 8000:
                seeds.append(bytes.fromhex(frame) if form == "msgpack" else frame.encode())
    return seeds


def _streams() -> list[bytes]:
    seeds = []
    for case in CASES.values():
        if isinstance(case.script, tuple):
            body = b"".join(step for step in case.script if isinstance(step, bytes))
            if len(body) < 4000:
                seeds.append(body.partition(b"\r\n\r\n")[2])
    return seeds


_SPOKEN = [
    b"[mood: wary]The mine is flooded. [pause: 400] Dr. Moss knows. [action: pour drink=ale]",
    b"<think>Hm.</think>\n\nMira: Well met!\nAnn: no more",
    "Gr\u00fc\u00dfe \U0001f469\u200d\U0001f469\u200d\U0001f467, e\u0301! [emote: nod] <|im_end|> x".encode(),
    b"*nods* [mood:calm] [pour drink=\"ale\"] [action: pour, drink='water'] (wary) </s>",
]
_PATCHES = [
    b'{"a": {"b": 1, "c": [1, 2]}}\x1e{"a": {"b": null, "d": {"e": "x"}}}',
    b'[1]\x1e{"a": {"b": null}}',
    b'{"a": "\\u00e9", "n": 1e300}\x1e{"a": {"b": {"c": {"d": 1}}}}',
]
_CONTENT = [
    path.read_bytes() for path in sorted((ROOT / "dialogue_server" / "starter").rglob("*.toml"))
]
_CARD = json.dumps(
    {
        "spec": "chara_card_v3",
        "spec_version": "3.0",
        "data": {
            "name": "Ann",
            "description": "{{char}} keeps the inn. {{random::a,b}}",
            "first_mes": "Well met, {{user}}.",
            "mes_example": "<START>\n{{user}}: Hello?\n{{char}}: Good day.",
            "character_book": {"entries": [{"keys": ["mine"], "content": "Flooded."}]},
            "assets": [{"type": "icon", "uri": "embeded://a.png", "name": "main", "ext": "png"}],
        },
    }
).encode()
_CARDS = [
    _CARD,
    card_png.write("x.png", card_png.blank(2, 2), {"ccv3": _CARD, "chara": _CARD}),
    card_charx.write(_CARD, {"assets/a.png": card_png.blank(2, 2)}),
]


def conversation(data: bytes, _: random.Random) -> None:
    """A file of somebody is refused, or is a conversation that comes back as it was."""
    try:
        found = archive.decode("x", data.splitlines(keepends=True))
    except ContentError as error:
        assert len(error.detail) < 2000
        return
    assert archive.decode("x", archive.encode(found)) == found


_CONVERSATIONS = [(ROOT / "tests/domain/archives/version_1.jsonl").read_bytes()]


_ADMISSION = Admission(Access(key_env="KEYS"), {"KEYS": "k" * 32})
_TICKETS = [
    issue(read_keys("k" * 32, ""), Claims(4e9, "another service", "ann", npcs=["mira"])).encode(),
    b"eyJhbGciOiJub25lIiwia2lkIjoiYSJ9.e30.",
    b"{}",
]


def ticket(data: bytes, dice: random.Random) -> None:
    """A token that we have not signed for this server is refused, whatever it is."""
    text = _text(data).encode("utf-8", "replace").decode()
    for token in (text, b".".join(_b64(piece) for piece in pieces(data, dice)).decode()):
        if not token:
            continue
        try:
            _ADMISSION.identify(token, local=True)
        except HandshakeError as error:
            assert len(error.detail) < 300
        else:
            raise AssertionError("admitted")
    with contextlib.suppress(SettingsError):
        read_keys(text, "x")


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def recorded(data: bytes, _: random.Random) -> None:
    """A recording of somebody is refused, or can be shown, answered from and compared."""
    try:
        found = recording.decode("x", data)
    except ContentError as error:
        assert len(error.detail) < 2000
        return
    assert recording_page.page(found, "x").endswith("</html>\n")
    assert not [each.what for each in rerun.compare("x", found, found) if each.what]


_RECORDINGS = [(ROOT / "tests/domain/recordings/v1.jsonl").read_bytes()]
_WEN = (ROOT / "dialogue_server/starter/personas/wen.toml").read_text("utf-8")
_WEN_TEXTS = [
    structs.replace(each, translation=each.text)
    for each in authored_texts.authored_texts("personas/wen.toml", _WEN)[:12]
]


def translations(data: bytes, _: random.Random) -> None:
    """What comes back from translators is refused, or becomes a file that TOML readers read."""
    text = data.decode("utf-8", "replace")
    for read in (lambda: po.decode("x", text)[1], lambda: spreadsheet.decode_texts("x", text)):
        try:
            found = read()
        except ContentError as error:
            assert len(error.detail) < 2000
            continue
        made = authored_texts.translated_file("personas/wen.toml", _WEN, found)
        tomllib.loads(made.source)


_TRANSLATIONS = [
    po.encode(_WEN_TEXTS, "de").encode(),
    spreadsheet.encode_texts(_WEN_TEXTS).encode(),
]


TARGETS: dict[str, tuple[Target, list[bytes]]] = {
    "msgpack from a client": (decoding(MSGPACK, client=True), _vectors("client", "msgpack")),
    "msgpack from a server": (decoding(MSGPACK, client=False), _vectors("server", "msgpack")),
    "JSON from a client": (decoding(JSON, client=True), _vectors("client", "json")),
    "JSON from a server": (decoding(JSON, client=False), _vectors("server", "json")),
    "a server's session": (server_session, _vectors("client", "msgpack")),
    "a client's session": (client_session, _vectors("server", "msgpack")),
    "event stream": (sse, _streams()),
    "chunks of a model": (chunks, _streams()),
    "text, tags, clusters": (text_stream, _SPOKEN),
    "merge patches": (patches, _PATCHES),
    "content files": (content, _CONTENT),
    "character cards": (card, _CARDS),
    "conversation files": (conversation, _CONVERSATIONS),
    "recordings": (recorded, _RECORDINGS),
    "translations": (translations, _TRANSLATIONS),
    "tickets": (ticket, _TICKETS),
}
