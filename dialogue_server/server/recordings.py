"""The folder of recorded sessions: read whole, in pieces for a tool, and said again to today."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    ChangedAnswer,
    RecordingInfo,
    RecordingList,
    RecordingText,
    Rerun,
    RerunReport,
)

from ..backends.base import ModelBackend
from ..domain.recordings.recording import Recording, decode, join
from ..domain.recordings.rerun import Compared, compare
from ..domain.recordings.rerun_report import notes, said_line
from ..engine.context import EngineContext
from ..errors import RequestError, SettingsError
from ..instrumentation.recorder import SUFFIX
from ..stores.memory import MemoryStore
from .rerun import play_again

_LISTED = 1000
_PIECE = 64 * 1024
_MOST = 32 * 1024 * 1024
"""Bytes of a recording that is said again on a server where others play."""
_SHOWN, _LINES = 100, 60


def read(file: Path) -> Recording:
    """A recording with its further parts. A SettingsError for a part that is not the first."""
    first = decode(file.name, file.read_bytes())
    if first.head.part != 1:
        name = file.name.partition(".")[0] + file.suffix
        raise SettingsError(f"{file.name} is part {first.head.part} of a session; name {name}")
    return join([first, *(decode(part.name, part.read_bytes()) for part in _further(file))])


def first_files(folder: Path) -> list[Path]:
    """The recordings of a folder by name, which begins with the time: of each its first file."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if ".part" not in path.name)


def _further(file: Path) -> list[Path]:
    return sorted(file.parent.glob(f"{file.stem}.part*{file.suffix}"))


class RecordingsFolder:
    """The port of that name (engine/desk.py), for the recordings of a running server."""

    def __init__(self, folder: Path, context: EngineContext) -> None:
        self._folder = folder
        self._context = context

    async def listing(self, last: int) -> RecordingList:
        """Which there are, the newest first."""
        return RecordingList(True, await asyncio.to_thread(self._infos, min(last, _LISTED)))

    def _infos(self, last: int) -> list[RecordingInfo]:
        newest = first_files(self._folder)[::-1][:last]
        return [RecordingInfo(file.name, _size([file, *_further(file)])) for file in newest]

    async def piece(self, name: str, offset: int) -> RecordingText:
        """Whole lines of one, from an offset on."""
        return await asyncio.to_thread(self._piece, name, offset)

    def _piece(self, name: str, offset: int) -> RecordingText:
        parts = self._parts("read_recording.name", name)
        start = 0
        for part in parts:
            size = part.stat().st_size
            if offset < start + size:
                with part.open("rb") as file:
                    file.seek(offset - start)
                    data = file.read(_PIECE)
                    data += b"" if data.endswith(b"\n") else file.readline()
                end = offset + len(data)
                text = data.decode("utf-8", "replace")
                return RecordingText(name, offset, text, end if end < _size(parts) else 0)
            start += size
        return RecordingText(name, offset, "")

    async def rerun(self, message: Rerun) -> RerunReport:
        """Say one again to today's content, and compare."""
        name, backend = message.name, self._backend(message)
        recording = await asyncio.to_thread(self._whole, name)
        store = MemoryStore()
        await store.start()
        try:
            today = await play_again(self._context, recording, store, backend)
        finally:
            await store.aclose()
        asked = backend is not None
        compared = await asyncio.to_thread(compare, name, recording, today, timed=asked)
        changed = [each for each in compared if each.what]
        voice = backend.name if backend is not None else ""
        return RerunReport(
            name,
            len(compared),
            len(changed),
            [_told(each) for each in changed[:_SHOWN]],
            notes([(name, recording, today)], voice),
        )

    def _backend(self, message: Rerun) -> ModelBackend | None:
        if not message.ask:
            return None
        if not message.model:
            return self._context.backend
        found = self._context.models.get(message.model)
        if found is None:
            known = ", ".join(self._context.models) or "none"
            raise RequestError(
                ErrorCode.BAD_MESSAGE,
                f"rerun.model: there is no {message.model!r}; there are: {known}.",
            )
        return found

    def _whole(self, name: str) -> Recording:
        parts = self._parts("rerun.name", name)
        if _size(parts) > _MOST:
            raise RequestError(
                ErrorCode.TOO_LARGE,
                f"{name} is too long to be said again here; use `dialogue-server replay {name} "
                "--against DIR`.",
            )
        return read(parts[0])

    def _parts(self, field: str, name: str) -> list[Path]:
        """The files of a name that is in the list: nothing else is a name, so none leads out of
        the folder."""
        for file in first_files(self._folder):
            if file.name == name:
                return [file, *_further(file)]
        raise RequestError(ErrorCode.FORBIDDEN, f"{field}: {name!r} is none of the recordings.")


def _size(parts: Sequence[Path]) -> int:
    return sum(part.stat().st_size for part in parts)


def _told(each: Compared) -> ChangedAnswer:
    return ChangedAnswer(
        place=each.place,
        npc=each.npc,
        asked=each.asked,
        what=list(each.what),
        before=said_line(each.before),
        now=said_line(each.now),
        sources=[f"{change.source} {change.how}" for change in each.sources],
        prompt=list(each.prompt[:_LINES]),
    )
