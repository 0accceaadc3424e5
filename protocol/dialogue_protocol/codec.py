"""Frames to messages and back, in both encodings; shared, stateless, safe to call anywhere.

`MSGPACK` is what engines use: binary frames, a message an array led by its type.
`JSON` is for browsers, debugging and curious people: text frames, a message an object with
`"type"`. Both carry the same messages (spec.md, "Encodings").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec
from msgspec import Struct

from .codes import ErrorCode
from .diagnosis import REFUSALS, Fault, diagnose, free_form_fault
from .messages import (
    FIRST_SEQUENCED_TYPE,
    SUBPROTOCOL_JSON,
    SUBPROTOCOL_MSGPACK,
    ClientMessage,
    ServerMessage,
)
from .wire_types import CLIENT_SIDE, SERVER_SIDE, Kind, Side

Frame = bytes | str
"""The payload of one WebSocket message: bytes in a binary frame, str in a text frame."""

MAX_MESSAGE_BYTES = 2**20
"""The default limit of one message: 1 MiB, as in the `websockets` library."""


class Unknown(Struct, frozen=True):
    """A well-formed message of a type that this version does not know: to be ignored, but a
    sequenced one is counted. `type` is a number in msgpack, a name in JSON.

    A name does not tell its number. It counts as sequenced all the same, since later versions
    send an unsequenced message only to a client whose hello names the capability for it.
    """

    type: int | str

    @property
    def sequenced(self) -> bool:
        """Whether the message has a sequence number."""
        return isinstance(self.type, str) or self.type >= FIRST_SEQUENCED_TYPE


class DecodeError(Exception):
    """A frame is not a message. The session lives on; answer with an `error`.

    `code` is bad_message or too_large; `detail` names the field and what was expected.
    `conversation`, `line` and `turn` are the broken message's where they could be read ("" and
    0 otherwise), so that the answer can name what it is about. `type` is the message's JSON
    name, "" where it is unreadable; `sequenced` whether the frame counts as a sequenced one
    (an unreadable frame does).
    """

    def __init__(self, code: ErrorCode, fault: Fault) -> None:
        super().__init__(f"{code}: {fault.detail}")
        self.code = code
        self.detail = fault.detail
        self.conversation = fault.conversation
        self.line = fault.line
        self.turn = fault.turn
        self.type = fault.kind.name if fault.kind else ""
        self.sequenced = fault.kind is None or fault.kind.sequenced


class Codec:
    """One encoding of the protocol; use the instances `MSGPACK` and `JSON`.

    `encode(message)` gives the frame's payload: bytes if `text` is false, else str. It raises
    only for what no peer could have sent: a str with lone surrogates (UnicodeEncodeError), an
    integer beyond 64 bits (OverflowError).
    """

    def __init__(self, subprotocol: str, *, text: bool) -> None:
        self.subprotocol = subprotocol
        self.text = text
        # The encoder's own method, so that the per-token path has no Python frame here.
        # (encode_into a reused buffer measured no faster once the bytes are copied out.)
        self.encode: Callable[[ClientMessage | ServerMessage], Frame] = (
            _encode_json if text else msgspec.msgpack.Encoder().encode
        )
        self._client = _Reader(CLIENT_SIDE, text)
        self._server = _Reader(SERVER_SIDE, text)

    def decode_client(
        self, frame: Frame, max_bytes: int = MAX_MESSAGE_BYTES
    ) -> ClientMessage | Unknown:
        """What a client sent. Raises DecodeError; `Unknown` is to be ignored, but counted."""
        return cast("ClientMessage | Unknown", self._client.read(frame, max_bytes))

    def decode_server(
        self, frame: Frame, max_bytes: int = MAX_MESSAGE_BYTES
    ) -> ServerMessage | Unknown:
        """What a server sent. Raises DecodeError; `Unknown` is to be ignored, but counted."""
        return cast("ServerMessage | Unknown", self._server.read(frame, max_bytes))


class _Reader:
    """The decoder of one direction in one encoding."""

    def __init__(self, side: Side, text: bool) -> None:
        self.side = side
        self.text = text
        self.decoder: msgspec.json.Decoder[Any] | msgspec.msgpack.Decoder[Any] = (
            msgspec.json.Decoder(side.twin_union)
            if text
            else msgspec.msgpack.Decoder(side.message_union)
        )
        self.kinds: dict[type, Kind] = dict(side.by_twin if text else side.by_message)

    def read(self, frame: Any, max_bytes: int) -> Any:
        if isinstance(frame, str) is not self.text:
            raise DecodeError(ErrorCode.BAD_MESSAGE, Fault(_WRONG_FRAME[self.text]))
        if len(frame) > max_bytes or (self.text and _utf8_size(frame) > max_bytes):
            size = _utf8_size(frame) if self.text else len(frame)
            detail = f"the message has {size} bytes; the limit is {max_bytes}"
            raise DecodeError(ErrorCode.TOO_LARGE, Fault(detail))
        try:
            message = self.decoder.decode(frame)
        except REFUSALS as error:
            found = diagnose(self.side, self.text, frame, error)
            if not isinstance(found, Fault):
                return Unknown(found)
            raise DecodeError(ErrorCode.BAD_MESSAGE, found) from None
        kind = self.kinds[type(message)]
        if kind.free_form:
            fault = free_form_fault(kind, message)
            if fault is not None:
                raise DecodeError(ErrorCode.BAD_MESSAGE, fault)
        return kind.message(*msgspec.structs.astuple(message)) if self.text else message


_WRONG_FRAME = {
    False: f"a text frame on {SUBPROTOCOL_MSGPACK}: expected a binary frame",
    True: f"a binary frame on {SUBPROTOCOL_JSON}: expected a text frame",
}

_TWINS = {kind.message: kind.twin for kind in (*CLIENT_SIDE.kinds, *SERVER_SIDE.kinds)}
_encode_twin = msgspec.json.Encoder().encode


def _encode_json(message: ClientMessage | ServerMessage) -> str:
    twin = _TWINS[type(message)]
    return _encode_twin(twin(*msgspec.structs.astuple(message))).decode()


def _utf8_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


MSGPACK = Codec(SUBPROTOCOL_MSGPACK, text=False)
JSON = Codec(SUBPROTOCOL_JSON, text=True)


def codec_for(subprotocol: str) -> Codec | None:
    """The codec of a negotiated WebSocket subprotocol; None for one that is not ours."""
    return {SUBPROTOCOL_MSGPACK: MSGPACK, SUBPROTOCOL_JSON: JSON}.get(subprotocol)
