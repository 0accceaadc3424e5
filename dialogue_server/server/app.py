"""The composition root: settings become objects; start, main loop, shutdown, readable in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from .. import __version__
from ..backends.base import ModelBackend, Sampling
from ..backends.routing import AttemptFailed
from ..backends.scripted import ScriptedBackend
from ..domain.language import normalized
from ..engine.context import EngineContext, EngineLimits
from ..engine.housekeeping import collect_branches
from ..engine.languages import prepare_detector
from ..engine.observer import Observer, Record, tell_all
from ..engine.registry import Registry
from ..errors import BackendError, SettingsError
from ..instrumentation.logging import Log
from ..instrumentation.metrics import Metrics
from ..instrumentation.recorder import Recorder
from ..instrumentation.tracing import Tracing
from ..settings import MEMORY, Settings
from ..stores import content
from ..stores.base import Store
from ..stores.memory import MemoryStore
from ..stores.redis import RedisStore
from ..stores.redis_directory import RedisDirectory
from ..stores.sqlite import SQLiteStore
from ..stores.sqlite_lock import held
from .addresses import Addresses
from .admission import Admission, is_local
from .budgets import start_spending
from .desk import Folder
from .joining import obstacles, own_address
from .models import choose_backend, compared_backends, summary_mode
from .recordings import RecordingsFolder
from .siblings import Siblings
from .tls import refused, tls_context
from .websocket import Listener


class App:
    """A whole server. `start`, then `run` or wait for something else, then `stop`."""

    def __init__(self, settings: Settings, log: Log | None = None) -> None:
        self.settings = settings
        self.log = log or Log(settings.server.log_format, settings.server.log_level)
        self.metrics = Metrics()
        self.url = ""
        self.access = ""
        self.context: EngineContext
        self._stack = contextlib.AsyncExitStack()
        self._cheaper: ModelBackend | None = None
        self._observers: list[Observer] = [self.log, self.metrics]
        self._stopping = asyncio.Event()
        self._registry: Registry | None = None

    async def start(self) -> None:
        """Load the content, start store and model, listen. Raises a DialogueError that says
        what to do; whatever had been started is stopped then."""
        settings = self.settings
        try:
            if settings.content.language and not normalized(settings.content.language):
                raise SettingsError(
                    f"content.language: {settings.content.language!r} is no language tag, such as "
                    "de or pt-BR."
                )
            world = self._load_content()
            if settings.server.traces == "on":
                traces = Tracing(f"dialogue-server {__version__}")
                self._stack.push_async_callback(traces.aclose)
                self._observers.append(traces)
            store = _store(settings)
            self._stack.push_async_callback(store.aclose)
            await store.start()
            backend = await self._start_backend()
            self.context = EngineContext(
                world=world.world,
                personas=world.personas,
                backend=backend,
                models=await self._start_compared(),
                store=store,
                observe=self._observe,
                limits=engine_limits(settings),
                sampling=Sampling(temperature=settings.model.temperature),
                server=f"dialogue-server {__version__}",
                language=settings.content.language,
            )
            missing = await prepare_detector(self.context)
            if missing:
                self.log.warning("content.note", note=missing)
            self.context.spending = await start_spending(settings.budgets, store, self._cheaper)
            await self._start_recording()
            self._start_watching(world)
            self._start_collecting()
            await self._listen()
        except BaseException:
            await self._stack.aclose()
            raise
        self.log.info(
            "server.ready",
            url=self.url,
            npcs=sorted(world.personas),
            model=backend.name,
            access=self.access,
        )

    async def run(self) -> None:
        """Serve until `request_stop`."""
        await self._stopping.wait()
        self.log.info("server.stopping", grace=self.settings.server.shutdown_grace)

    def request_stop(self) -> None:
        """Let `run` return; asked again, `stop` waits for no turn any more."""
        if self._stopping.is_set() and self._registry is not None:
            self._registry.hurry()
        self._stopping.set()

    async def stop(self) -> None:
        """Drain, close, release; after calling this, nothing else may be called."""
        await self._stack.aclose()
        self.log.info("server.stopped")

    def _load_content(self) -> content.Content:
        folder = Path(self.settings.content.folder)
        loaded = content.load(folder)
        for error in loaded.errors:
            self.log.warning(
                "content.invalid", file=error.file, place=error.place, problem=error.problem
            )
        if not loaded.personas:
            raise SettingsError(
                f"{folder}: has no persona that could be loaded. `dialogue-server init DIR` makes "
                "a world to start from; content.folder names the one to serve."
            )
        return loaded

    async def _start_recording(self) -> None:
        record = self.settings.record
        if record.folder:
            recorder = Recorder(
                Path(record.folder),
                observe=self._observe,
                server=self.context.server,
                backend=self.context.backend.name,
                cover_players=record.players == "covered",
                file_megabytes=record.file_megabytes,
                total_megabytes=record.total_megabytes,
            )
            await recorder.start()
            self._stack.push_async_callback(recorder.aclose)
            self.context.tap = recorder.begin
            self.context.tap_asked = self.settings.record.when == "asked"
            self.context.shelf = RecordingsFolder(Path(record.folder), self.context)
            self.log.info("record.on", folder=record.folder, players=record.players)

    def _start_watching(self, loaded: content.Content) -> None:
        folder = Folder(Path(self.settings.content.folder), loaded, self.context)
        self.context.desk = folder
        if self.settings.content.watch == "on":
            self._keep_running(folder.watch(), "watch content")

    def _keep_running(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Until the server stops."""
        task = asyncio.create_task(work, name=name)
        self._stack.push_async_callback(asyncio.wait, [task])
        self._stack.callback(task.cancel)

    async def _start_backend(self) -> ModelBackend:
        choice = choose_backend(self.settings, listen=self._note_attempt)
        for note in choice.notes:
            self.log.warning("model.note", note=note)
        self._stack.push_async_callback(choice.backend.aclose)
        try:
            await choice.backend.start()
        except BackendError as error:
            if self.settings.model.backend != "auto":
                raise
            # Nobody asked for this model by name: better authored voices than none.
            self.log.warning(
                "model.note",
                note="the NPCs speak their authored lines, since the model that was found "
                f"cannot start: {error.detail}",
            )
            return ScriptedBackend()
        self._cheaper = choice.cheaper
        return choice.backend

    def _observe(self, record: Record) -> None:
        tell_all(self._observers, record)

    async def _start_compared(self) -> dict[str, ModelBackend]:
        """For the designers' page. One that cannot start is left out, loudly."""
        if self.settings.server.page == "off":
            return {}
        started = {}
        for name, backend in compared_backends(self.settings).items():
            self._stack.push_async_callback(backend.aclose)
            try:
                await backend.start()
                started[name] = backend
            except BackendError as error:
                self.log.warning("model.note", note=f"model.compare: {name}: {error.detail}")
        return started

    def _note_attempt(self, failed: AttemptFailed) -> None:
        self.metrics.attempt_failed(failed.backend, failed.code)
        self.log.warning(
            "model.attempt_failed",
            backend=failed.backend,
            attempt=failed.attempt,
            code=failed.code,
            detail=failed.detail,
        )

    def _start_collecting(self) -> None:
        keep_days = self.settings.store.keep_days
        if keep_days:
            self._keep_running(collect_branches(self.context, keep_days), "collect branches")

    def _watch(self, registry: Registry) -> None:
        watch, context = self.metrics.watch, self.context
        watch("sessions", "Sessions, those included whose client is away.", lambda: registry.count)
        watch("sessions_attached", "Sessions that have a socket.", lambda: registry.attached)
        watch("conversations", "Open conversations.", lambda: len(context.conversations))
        watch("turns_queued", "Turns that wait for a place.", lambda: context.places.waiting)
        watch("replay_bytes", "Memory kept for resumes.", lambda: registry.replay_bytes)
        watch("draining", "1 while the server shuts down.", lambda: context.draining)

    async def _listen(self) -> None:
        settings = self.settings
        tls = tls_context(settings.server)
        if tls is not None:
            certificate = Path(settings.server.tls_certificate)
            problem = refused(tls, certificate)
            if problem:
                note = f"{certificate.name}: clients refuse it: {problem}; renew it"
                self.log.warning("server.certificate", note=note)
        admission = Admission(
            settings.access,
            os.environ,
            warn=lambda problem: self.log.warning("access.keys_unusable", problem=problem),
        )
        registry = self._registry = Registry(self.context)
        self._watch(registry)
        siblings = None
        if settings.server.worker:
            siblings = Siblings(Path(settings.server.worker), self.metrics.text)
            await siblings.start()
            self._stack.push_async_callback(siblings.aclose)
        listener = Listener(
            self.context,
            registry,
            host=settings.server.host,
            port=settings.server.port,
            write_bytes=settings.limits.write_bytes,
            handshake_seconds=settings.limits.handshake,
            ping_interval=settings.limits.ping_interval,
            ping_timeout=settings.limits.ping_timeout,
            admission=admission,
            addresses=Addresses(settings.access.proxies, settings.limits.connections_per_address),
            origins=settings.access.origins,
            tls=tls,
            page=settings.server.page == "on",
            reuse_port=settings.server.reuse_port == "on",
            metrics=siblings.metrics if siblings else self.metrics.text,
        )
        port = await listener.start()
        await self._join(listener, registry, tls)
        self._stack.push_async_callback(listener.stop)
        self._stack.push_async_callback(registry.drain, settings.server.shutdown_grace)
        host = settings.server.host
        self.access = admission.rule
        if host != "localhost" and not is_local(host, {}) and not admission.takes_tickets:
            self.log.warning(
                "access.closed",
                note=f"listens on {host}, and without keys takes only clients of this machine; "
                "`dialogue-server ticket --make-key FILE` makes keys for access.key_file",
            )
        self.url = f"{'wss' if tls else 'ws'}://{f'[{host}]' if ':' in host else host}:{port}"

    async def _join(
        self, listener: Listener, registry: Registry, tls: ssl.SSLContext | None
    ) -> None:
        """The other servers of a shared store."""
        store = self.context.store
        if isinstance(store, RedisStore):
            directory = self.context.directory = RedisDirectory(store)
            self._stack.push_async_callback(directory.aclose)
            address = own_address(self.settings.server, listener)
            for event, note in obstacles(self.settings, address, tls):
                self.log.warning(event, note=note)
            await directory.start(address, registry.release)


async def serve(
    settings: Settings, ready: Callable[[App], None] | None = None, log: Log | None = None
) -> None:
    """Run a server until SIGINT or SIGTERM (Ctrl-C on Windows). `ready` is called once it
    listens. A StoreError if another server has the same SQLite file."""
    app, store = App(settings, log), settings.store.path
    own = contextlib.nullcontext() if store == MEMORY or "://" in store else held(Path(store))
    # From the start: a signal while it starts stops it too.
    with own, signals(app.request_stop):
        await app.start()
        try:
            if ready is not None:
                ready(app)
            await app.run()
        finally:
            await app.stop()


def _store(settings: Settings) -> Store:
    if settings.store.path == MEMORY:
        return MemoryStore()
    if "://" in settings.store.path:
        return RedisStore(settings.store.path)
    return SQLiteStore(Path(settings.store.path))


def engine_limits(settings: Settings) -> EngineLimits:
    """The engine's bounds as the settings say them."""
    limits = settings.limits
    return EngineLimits(
        message_bytes=limits.message_bytes,
        line_chars=limits.line_chars,
        state_bytes=limits.state_bytes,
        state_depth=limits.state_depth,
        conversations=limits.conversations,
        sessions=limits.sessions,
        sessions_per_player=limits.connections_per_player,
        turns=limits.turns,
        turns_per_player=limits.turns_per_player,
        queue=limits.queue,
        queue_seconds=limits.queue_seconds,
        messages_per_second=limits.messages_per_second,
        lines_per_minute=limits.lines_per_minute,
        replay_bytes=limits.replay_bytes,
        detach_seconds=limits.detach_grace,
        filler_seconds=settings.model.filler_after,
        suggestion_seconds=settings.model.suggestion_timeout,
        summaries=summary_mode(settings),
        summary_seconds=settings.model.summary_timeout,
        turn_seconds=settings.model.turn_timeout + 5,  # the backend's own limit rings first
        prompt_tokens=limits.prompt_tokens,
        answer_tokens=settings.model.max_tokens,
    )


@contextlib.contextmanager
def signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM stop the server. Windows has no loop signal handlers: there the
    standard one is set, and wakes the loop."""
    loop = asyncio.get_running_loop()
    wanted = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in wanted:
            loop.add_signal_handler(number, stop)
    except (NotImplementedError, RuntimeError):
        old = {}
        with contextlib.suppress(ValueError):  # not the main thread: the caller stops us
            for number in wanted:
                old[number] = signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
        return
    try:
        yield
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)
