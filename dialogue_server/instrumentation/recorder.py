"""Writes sessions to files as they go (domain/recordings/recording.py says how).

While a session talks, its entries wait in memory; once a second those of all sessions are encoded
and appended, in a thread. A kill loses what came since, and leaves whole lines. Files are bounded
one by one and in all: a long session goes on in a further part, and the oldest files are deleted.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from dialogue_protocol.messages import (
    Ack,
    ClientMessage,
    Hello,
    Ping,
    Pong,
    ReadRecording,
    RecordingList,
    Recordings,
    RecordingText,
    Rerun,
    RerunReport,
    ServerMessage,
    Turn,
    TurnEnd,
)
from msgspec import structs

from ..backends.base import Finished, ModelRequest, Show, Usage
from ..domain.prompt import Prompt
from ..domain.recordings.recording import (
    Answered,
    Asked,
    Ended,
    Entry,
    Head,
    Streamed,
    What,
    encode,
    encode_head,
    parts_of,
)
from ..domain.recordings.redaction import COVER, Redactor
from ..engine.observer import Failure, Observer
from ..errors import BackendError, SettingsError

SUFFIX = ".jsonl"
FLUSH_SECONDS = 1.0
_MEGABYTE = 1_000_000
_KEPT_PROMPTS = 32
"""More than turns can run at once in a session."""
_UNKEPT = frozenset(
    (Ack, Ping, Pong, Recordings, ReadRecording, Rerun, RecordingList, RecordingText, RerunReport)
)
"""What says nothing of the talk; and what reads recordings, which would grow by being read."""


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
        self._sizes: dict[str, int] = {}
        """All files of the folder, and what they take."""
        self._total = 0
        self._order = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the folder. Raises a SettingsError if nothing can be written there."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            probe = self._folder / ".writable"
            probe.touch()
            probe.unlink()
            files = sorted(self._folder.glob(f"*{SUFFIX}"))
            self._sizes = {path.name: path.stat().st_size for path in files}
            self._total = sum(self._sizes.values())
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
        # A session's name begins with its server's, where there are several.
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(started))}-{session[-8:]}"
        recording = SessionRecording(
            head, name, began, self._monotonic, self._backend, cover=self._cover_players
        )
        recording.client(structs.replace(hello, token=COVER if hello.token else ""))
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
        async with self._order:
            ended = [recording for recording in self._sessions if recording.ended]
            batches = [(recording, recording.take()) for recording in self._sessions]
            try:
                failed = await asyncio.to_thread(self._write, batches)
            except RuntimeError:  # there is no thread to be had
                failed = [(recording, traceback.format_exc()) for recording, _ in batches]
            for recording, error in failed:
                self._observe(Failure(where="recorder", error=error))
                recording.stop()
                ended.append(recording)
            self._sessions = [each for each in self._sessions if each not in ended]

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            # Not to be cancelled in the middle of a file.
            await asyncio.shield(asyncio.ensure_future(self.flush()))

    def _write(
        self, batches: list[tuple[SessionRecording, list[Entry]]]
    ) -> list[tuple[SessionRecording, str]]:
        """In a thread: encode and append; what failed, and how."""
        failed = []
        for recording, entries in batches:
            try:
                data = encode(recording.covered(entries))
                if data:
                    self._append(recording, data)
            except Exception:
                failed.append((recording, traceback.format_exc()))
        return failed

    def _append(self, recording: SessionRecording, data: bytes) -> None:
        """To the file of the part in hand, or to a new one."""
        if recording.size and recording.size + len(data) > self._file_bytes:
            recording.next_part()
        with (self._folder / recording.file).open("ab", buffering=0) as file:
            if not file.tell():  # or it has been deleted meanwhile
                data = encode_head(recording.head) + data
            file.write(data)
            recording.size = file.tell()
        self._total += recording.size - self._sizes.get(recording.file, 0)
        self._sizes[recording.file] = recording.size
        if self._total > self._total_bytes:
            self._make_room()

    def _make_room(self) -> None:
        """Delete the oldest files until the newest fit, those that are being written aside."""
        writing = {recording.name for recording in self._sessions}
        gone, total = [], self._total
        for name, size in self._sizes.items():  # as they began; there may be tens of thousands
            if total <= self._total_bytes:
                break
            if name.partition(".")[0] not in writing:
                gone.append(name)
                total -= size
        for name in gone:
            (self._folder / name).unlink(missing_ok=True)
            del self._sizes[name]
        self._total = total


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
        self._kept: list[Entry] = []
        self._redactor = Redactor() if cover else None
        self._stopped = False
        self._prompts: dict[int, tuple[str, list[tuple[str, str]]]] = {}
        """Layout and parts of the prompts that are about to be asked, by turn."""

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
        if type(message) not in _UNKEPT:
            self._keep(message, client=True)

    def server(self, message: ServerMessage) -> None:
        """A message is on its way. The per-token path."""
        if type(message) not in _UNKEPT:
            self._keep(message)

    def prompt(self, turn: int, layout: str, prompt: Prompt) -> None:
        """What the next call of `model` for this turn asks."""
        parts = parts_of(prompt)
        if self._redactor is not None:  # a name could be guessed from a digest
            parts = [(source, "") for source, _ in parts]
        self._prompts[turn] = (layout, parts)
        while len(self._prompts) > _KEPT_PROMPTS:
            del self._prompts[next(iter(self._prompts))]

    def model(self, turn: int, node: str, npc: str, request: ModelRequest, show: Show) -> Show:
        """The same texts, kept on their way."""
        layout, parts = self._prompts.get(turn, ("", []))
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
                layout=layout,
                parts=parts,
            )
        )

        def kept(text: str) -> bool:
            self._keep(Streamed(turn, text))
            return show(text)

        return kept

    def answered(self, turn: int, outcome: Finished | BackendError | None) -> None:
        """How the model's answer ended; nothing is kept of one that was stopped."""
        if isinstance(outcome, Finished):
            self._keep(_answered(turn, outcome.reason, outcome.usage))
        elif outcome is not None:
            self._keep(Answered(turn=turn, code=outcome.code, detail=outcome.detail))

    def end(self, reason: str) -> None:
        """The session is over."""
        self._keep(Ended(reason))
        self.ended = True

    def take(self) -> list[Entry]:
        """What has come since. Where names are covered, a turn waits for its end, since its text
        may hold half a name so far."""
        kept, self._kept = self._kept, []
        if self._redactor is not None and not self.ended:
            whole = _whole_turns(kept)
            kept, self._kept = kept[:whole], kept[whole:]
        return kept

    def covered(self, entries: list[Entry]) -> list[Entry]:
        """What of it may be kept."""
        return entries if self._redactor is None else self._redactor.redact(entries)

    def _keep(self, what: What, *, client: bool = False) -> None:
        if not self._stopped:
            at = 1000 * (self._monotonic() - self._began)
            self._kept.append(Entry(at, what, client))


def _whole_turns(kept: list[Entry]) -> int:
    """How many of the entries come before any turn that is not over."""
    running, whole = 0, 0
    for number, entry in enumerate(kept, 1):
        running += (type(entry.what) is Turn) - (type(entry.what) is TurnEnd)
        if running <= 0:
            whole = number
    return whole


def _answered(turn: int, reason: str, usage: Usage) -> Answered:
    return Answered(
        turn=turn,
        reason=reason,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
    )
