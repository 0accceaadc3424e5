"""A sans-I/O parser of event streams, over bytes (WHATWG HTML, 9.2 "Server-sent events").

Bytes, because the text wrappers at hand go wrong: they split lines at U+2028 and U+0085, which
may stand raw inside JSON, and obey a wrong `charset`. The standard says UTF-8 always, and all
that the parser itself needs to see is ASCII, so it leaves decoding to the reader of the data.

It deviates from the standard where model servers do: a last event without a blank line is
dispatched by `end`, and a line `error: {...}` (older llama.cpp) is an event named "error".
`id` and `retry` are of no use here, since a model's answer cannot be resumed.
"""

from __future__ import annotations

from msgspec import Struct

_BOM = b"\xef\xbb\xbf"
DEFAULT_MAX_EVENT_BYTES = 1 << 20


class Event(Struct, frozen=True, gc=False):
    """One event: its data lines joined by LF, not decoded; `name` is "" for a plain message."""

    data: bytes
    name: str = ""


class EventTooLarge(Exception):
    """A line, or the data of one event, is longer than the parser's limit in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"an event of the stream is larger than {limit} bytes")
        self.limit = limit


class SSEParser:
    """Bytes in, events out; how the bytes are split does not matter.

    Call `feed` with whatever arrived and `end` once at the end of the stream. Memory is bounded
    by `max_event_bytes`, which applies to each line and to the data of each event. A stream that
    breaks the limit first gives the events before it: `EventTooLarge` is raised at once if there
    are none, else by the next call.
    """

    __slots__ = ("_after_cr", "_clean", "_data", "_data_size", "_limit", "_name", "_overflow",
                 "_start", "_tail", "_tail_size")  # fmt: skip

    def __init__(self, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._start = True  # a byte order mark may still come
        self._clean = True  # between two events: nothing of the next one has been seen
        self._after_cr = False  # the last byte was a CR, so a LF that follows belongs to it
        self._tail: list[bytes] = []  # an unfinished line, in pieces: joining them once is linear
        self._tail_size = 0
        self._data: list[bytes] = []
        self._data_size = 0
        self._name = ""
        self._overflow = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes."""
        # What nearly every read of a paced stream is: one whole event, in one line.
        if (
            self._clean
            and chunk[-2:] == b"\n\n"
            and chunk[:6] == b"data: "
            and chunk.find(b"\n") == len(chunk) - 2
            and b"\r" not in chunk
            and len(chunk) - 2 <= self._limit
        ):
            self._start = False
            return [Event(chunk[6:-2])]
        return self._feed(chunk)

    def end(self) -> list[Event]:
        """The stream is over. An event that its blank line did not close is dispatched too: the
        caller must expect data that was cut off."""
        if self._overflow:
            raise EventTooLarge(self._limit)
        events: list[Event] = []
        line = b"".join(self._tail)
        self._tail.clear()
        if line:
            self._line(line, events)
        self._line(b"", events)
        return events

    def _feed(self, chunk: bytes) -> list[Event]:
        if self._overflow:
            raise EventTooLarge(self._limit)
        if not chunk:
            return []
        if self._after_cr:
            self._after_cr = False
            if chunk[0] == 0x0A:
                chunk = chunk[1:]
                if not chunk:
                    return []
        if self._start:
            head = b"".join((*self._tail, chunk))
            self._tail.clear()
            self._tail_size = 0
            if len(head) < len(_BOM) and _BOM.startswith(head):
                self._tail.append(head)
                self._clean = False
                return []
            self._start = False
            chunk = head.removeprefix(_BOM)
        return self._split(chunk)

    def _split(self, chunk: bytes) -> list[Event]:
        events: list[Event] = []
        lines = chunk.splitlines()  # on bytes: LF, CR and CRLF only
        ended = chunk[-1:] in (b"\n", b"\r")
        self._after_cr = chunk[-1:] == b"\r"
        rest = b"" if ended or not lines else lines.pop()
        try:
            if lines and self._tail:
                lines[0] = b"".join((*self._tail, lines[0]))
                self._tail.clear()
                self._tail_size = 0
            for line in lines:
                self._line(line, events)
            if rest:
                self._tail.append(rest)
                self._tail_size += len(rest)
                if self._tail_size > self._limit:
                    raise EventTooLarge(self._limit)
        except EventTooLarge:
            self._overflow = True
            if not events:
                raise
        self._clean = not (
            self._tail or self._data or self._name or self._after_cr or self._overflow
        )
        return events

    def _line(self, line: bytes, events: list[Event]) -> None:
        if not line:
            if self._data:
                events.append(Event(b"\n".join(self._data), self._name))
                self._data.clear()
                self._data_size = 0
            self._name = ""
            return
        if len(line) > self._limit:
            raise EventTooLarge(self._limit)
        field, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if field == b"data":
            self._data_size += len(value) + (1 if self._data else 0)
            if self._data_size > self._limit:
                raise EventTooLarge(self._limit)
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field == b"error" and value:
            events.append(Event(value, "error"))
