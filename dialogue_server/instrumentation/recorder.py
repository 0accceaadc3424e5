"""Writes sessions to files as they go (domain/recording.py says how).

While a session talks, its entries wait in memory; a few times a second they are encoded and
appended. A kill loses what came since, and leaves whole lines. Files are bounded one by one and
in all: a long session goes on in a further part, and the oldest files are deleted.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from dialogue_protocol.messages import (
    Ack,
    ClientMessage,
    Hello,
    Ping,
    Pong,
    ServerMessage,
    Turn,
    TurnEnd,
)
from msgspec import Struct, structs

from ..backends.base import Delta, Finished, ModelRequest, Usage
from ..domain.recording import Answered, Asked, Ended, Entry, Head, Streamed, encode, encode_head
from ..domain.redaction import Redactor
from ..engine.observer import Failure, Observer
from ..errors import BackendError, SettingsError

SUFFIX = ".jsonl"
FLUSH_SECONDS = 0.25
_MEGABYTE = 1_000_000
_TRANSPORT = (Ack, Ping, Pong)
"""What says nothing of the talk."""


class Recorder:
    """Records every session that begins. `start`, then `begin` for each (an engine's tap), and
    `aclose` at the end, which writes what is left."""

    def __init__(
        self,
        folder: Path,
        *,
        observe: Observer,
        server: str = "",
        backend: str = "",
        cover_players: bool = False,
        file_megabytes: float = 64.0,
        total_megabytes: float = 1024.0,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._observe = observe
        self._server = server
        self._backend = backend
        self._cover_players = cover_players
        self._file_bytes = int(file_megabytes * _MEGABYTE)
        self._total_bytes = int(total_megabytes * _MEGABYTE)
        self._now = now
        self._monotonic = monotonic
        self._sessions: list[SessionRecording] = []
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the folder. Raises a SettingsError if nothing can be written there."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            probe = self._folder / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise SettingsError(
                f"record.folder: {self._folder} cannot be written to ({error.strerror}); name "
                "another, or mend its permissions."
            ) from error
        self._task = asyncio.create_task(self._write_on(), name="recorder")

    def begin(self, session: str, hello: Hello) -> SessionRecording:
        """Listen to a new session."""
        began = self._monotonic()
        started = self._now()
        head = Head(started=started, session=session, server=self._server, client=hello.client)
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(started))}-{session[:8]}"
        recording = SessionRecording(
            head, name, began, self._monotonic, self._backend, cover=self._cover_players
        )
        recording.client(hello)
        self._sessions.append(recording)
        return recording

    async def aclose(self) -> None:
        """Write what is left. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await self.flush()

    async def flush(self) -> None:
        """Write what has come so far. A disk that fails is told, and ends the recording of what
        it failed on; talking goes on."""
        for recording in tuple(self._sessions):
            last = recording.ended
            try:
                data = recording.take(all_of_it=last)
                if data:
                    await asyncio.to_thread(self._append, recording, data)
            except Exception:
                self._observe(Failure(where="recorder", error=traceback.format_exc()))
                recording.stop()
                last = True
            if last:
                self._sessions.remove(recording)

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            # Not to be cancelled in the middle of a file.
            await asyncio.shield(asyncio.ensure_future(self.flush()))

    def _append(self, recording: SessionRecording, data: bytes) -> None:
        """In a thread: to the file of the part in hand, or to a new one."""
        if recording.size and recording.size + len(data) > self._file_bytes:
            recording.next_part()
        if not recording.size:
            self._make_room(keep=recording.name)
            data = encode_head(recording.head) + data
        with (self._folder / recording.file).open("ab", buffering=0) as file:
            file.write(data)
        recording.size += len(data)

    def _make_room(self, keep: str) -> None:
        """Delete the oldest files until the newest fit, those that are being written aside."""
        open_ = {keep, *(recording.name for recording in self._sessions)}
        files = sorted(self._folder.glob(f"*{SUFFIX}"))
        sizes = {path: path.stat().st_size for path in files}
        total = sum(sizes.values())
        for path in files:
            if total <= self._total_bytes:
                return
            if path.name.partition(".")[0] not in open_:
                path.unlink(missing_ok=True)
                total -= sizes[path]


class SessionRecording:
    """An engine's tap that keeps what it hears until it is taken."""

    def __init__(
        self,
        head: Head,
        name: str,
        began: float,
        monotonic: Callable[[], float],
        backend: str,
        *,
        cover: bool,
    ) -> None:
        self.head = head
        self.name = name
        self.size = 0
        self.ended = False
        self._began = began
        self._monotonic = monotonic
        self._backend = backend
        self._kept: list[tuple[float, Struct, bool]] = []
        self._redactor = Redactor(players=cover)
        self._cover = cover
        self._stopped = False

    @property
    def file(self) -> str:
        """The name of the part that is written."""
        part = f".part{self.head.part:03}" if self.head.part > 1 else ""
        return f"{self.name}{part}{SUFFIX}"  # in the order of the names, too

    def next_part(self) -> None:
        """Go on in a new file."""
        self.head = structs.replace(self.head, part=self.head.part + 1)
        self.size = 0

    def stop(self) -> None:
        """Keep nothing any more."""
        self._stopped = True
        self._kept.clear()

    def client(self, message: ClientMessage) -> None:
        """The client's message has come."""
        if not isinstance(message, _TRANSPORT):
            self._keep(message, client=True)

    def server(self, message: ServerMessage) -> None:
        """A message is on its way. The per-token path."""
        if not self._stopped:
            self._kept.append((self._monotonic(), message, False))

    async def model(
        self,
        turn: int,
        node: str,
        npc: str,
        request: ModelRequest,
        answer: AsyncGenerator[Delta | Finished, None],
    ) -> AsyncGenerator[Delta | Finished, None]:
        """The same items, kept on their way."""
        self._keep(
            Asked(
                turn=turn,
                id=node,
                npc=npc,
                backend=self._backend,
                model=request.model,
                messages=list(request.messages),
                max_tokens=request.max_tokens,
                sampling={
                    key: value
                    for key, value in structs.asdict(request.sampling).items()
                    if value is not None
                },
                stop=list(request.stop),
            )
        )
        try:
            async for item in answer:
                if type(item) is Finished:
                    self._keep(_answered(turn, item.reason, item.usage))
                elif not self._stopped:
                    self._kept.append((self._monotonic(), Streamed(turn, item.text), False))  # type: ignore[union-attr]
                yield item
        except BackendError as error:
            self._keep(Answered(turn=turn, code=error.code, detail=error.detail))
            raise
        finally:
            await answer.aclose()

    def end(self, reason: str) -> None:
        """The session is over."""
        self._keep(Ended(reason))
        self.ended = True

    def take(self, *, all_of_it: bool) -> bytes:
        """What has come since, as lines. A turn whose text may hold half a name waits for its
        end, unless all is wanted."""
        kept, self._kept = self._kept, []
        if self._cover and not all_of_it:
            whole = self._whole_turns(kept)
            self._kept = kept[whole:] + self._kept
            kept = kept[:whole]
        entries = [
            Entry(1000 * (at - self._began), what, client)  # type: ignore[arg-type]
            for at, what, client in kept
            if not isinstance(what, _TRANSPORT)
        ]
        return encode(self._redactor.redact(entries))

    def _whole_turns(self, kept: list[tuple[float, Struct, bool]]) -> int:
        """How many of the entries come before any turn that is not over."""
        running, whole = 0, 0
        for number, (_, what, _client) in enumerate(kept, 1):
            running += (type(what) is Turn) - (type(what) is TurnEnd)
            if running <= 0:
                whole = number
        return whole

    def _keep(self, what: Struct, *, client: bool = False) -> None:
        if not self._stopped:
            self._kept.append((self._monotonic(), what, client))


def _answered(turn: int, reason: str, usage: Usage) -> Answered:
    return Answered(
        turn=turn,
        reason=reason,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
    )
