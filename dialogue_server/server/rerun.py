"""A recording made again on today's content: the real engine, one tap."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

from dialogue_protocol.messages import Hello
from msgspec import structs

from ..backends.base import ModelBackend
from ..backends.recorded import RecordedBackend
from ..domain.recordings.recording import Head, Recording
from ..domain.tokens import Calibration
from ..engine.context import EngineContext
from ..engine.open_conversations import OpenConversations
from ..engine.rerunning import rerun
from ..instrumentation.recorder import SessionRecording
from ..stores.base import Store


async def play_again(
    context: EngineContext,
    recording: Recording,
    store: Store,
    backend: ModelBackend | None = None,
) -> Recording:
    """The session of today. `context` gives content, limits and sampling, and nothing of it
    changes; `store`, which has been started, what was said in sessions before; `backend`, which
    has, too, answers, or without one what the model said in the recording. Raises a TimeoutError
    or ConnectionError if the engine does not answer."""
    said = RecordedBackend(
        recording,
        layout=context.backend.layout,
        context_tokens=context.backend.context_tokens,
    )
    voice = backend or said
    taps: list[SessionRecording] = []

    def listen(session: str, hello: Hello) -> SessionRecording:
        head = Head(started=recording.head.started, session=session, client=hello.client)
        tap = SessionRecording(head, "", time.monotonic(), time.monotonic, voice.name, cover=False)
        taps.append(tap)
        return tap

    numbers = itertools.count()
    prefix = recording.head.session[:32] or "again"
    again = replace(
        context,
        backend=voice,
        store=store,
        observe=lambda _: None,
        # What a player said in an hour is said at once; only the model takes its time.
        limits=structs.replace(
            context.limits,
            messages_per_second=0,
            lines_per_minute=0,
            filler_seconds=0,
            summaries="never",
        ),
        now=lambda: recording.head.started,
        new_id=lambda: f"{prefix}-{next(numbers)}",
        conversations=OpenConversations(),
        summing=set(),
        desk=None,
        shelf=None,
        watchers={},
        tap=listen,
        taps={},
        directory=None,
        spending=None,  # the recorded players' budgets have nothing to do with it
        calibration=Calibration(),
        draining=False,
    )
    await rerun(again, recording, said.turn_to)
    (tap,) = taps
    return Recording(tap.head, tuple(tap.take()))
