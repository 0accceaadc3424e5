"""A real server on a real port, and a plain client to talk to it: for tests of any layer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dialogue_protocol.codec import MSGPACK, Codec, Frame
from dialogue_protocol.messages import (
    ClientMessage,
    Cue,
    Delta,
    Error,
    Hello,
    Open,
    Opened,
    Player,
    Resume,
    Say,
    ServerMessage,
    Turn,
    TurnEnd,
    Welcome,
)

from dialogue_server.backends.base import ModelBackend
from dialogue_server.domain.persona import Action, Entry, Line, Parameter, Persona, World
from dialogue_server.domain.staging import Scene
from dialogue_server.engine.context import EngineContext, EngineLimits
from dialogue_server.engine.observer import Record
from dialogue_server.engine.registry import Registry
from dialogue_server.engine.spending import Spending
from dialogue_server.server.addresses import Addresses
from dialogue_server.server.admission import Admission
from dialogue_server.server.client_socket import ClientSocket
from dialogue_server.server.websocket import Listener
from dialogue_server.stores.base import Store
from dialogue_server.stores.memory import MemoryStore
from dialogue_server.stores.redis import RedisStore
from dialogue_server.stores.redis_directory import RedisDirectory

M = TypeVar("M")
PATIENCE = 10.0
"""Seconds after which a test that waits for a message fails."""

WORLD = World(
    name="Testholm",
    description="A village by a mine.",
    lore=[Entry("The mine is flooded.", when="quest.mine != 'drained'"), Entry("The mine is dry.")],
    scenes={"tavern": Scene("A low room with one lamp.")},
    state={"quest": {"mine": "flooded"}},
)
MIRA = Persona(
    id="mira",
    name="Mira",
    description="Keeps the tavern.",
    moods=["calm", "wary"],
    mood="calm",
    actions=[
        Action("pour", "Pours a drink.", {"drink": Parameter(values=["ale", "water"])}),
    ],
    greeting="[mood: wary]Come in, mind the step.",
    fallback=["Give me a moment, the kettle calls."],
    lines=[Line("The mine? Under water, all of it.", keys=["mine"], mood="wary")],
)
BORIN = Persona(
    id="borin",
    name="Borin",
    description="A smith.",
    fallback=["Can't hear you over the hammer."],
)


@dataclass
class Served:
    """What a test may look at while the server runs."""

    url: str
    context: EngineContext
    registry: Registry
    records: list[Record] = field(default_factory=list)

    def seen(self, kind: type[M]) -> list[M]:
        return [record for record in self.records if isinstance(record, kind)]


@asynccontextmanager
async def serving(
    backend: ModelBackend,
    *,
    store: Store | None = None,
    personas: tuple[Persona, ...] = (MIRA, BORIN),
    world: World = WORLD,
    limits: EngineLimits | None = None,
    write_bytes: int = 256 * 1024,
    handshake_seconds: float = 5.0,
    ping_interval: float = 20.0,
    ping_timeout: float = 20.0,
    close_seconds: float = 5.0,
    grace: float = 0.1,
    admission: Admission | None = None,
    addresses: Addresses | None = None,
    origins: str = "",
    tls: ssl.SSLContext | None = None,
    metrics: Callable[[], bytes] | None = None,
    page: bool = False,
    shared: bool = False,
    spending: Spending | None = None,
) -> AsyncIterator[Served]:
    """A server on a free port of the loopback, with everything real but the model. `shared`: it
    is one of several, over its store, a Redis."""
    records: list[Record] = []
    store = store or MemoryStore()
    await store.start()
    await backend.start()
    context = EngineContext(
        world=world,
        personas={persona.id: persona for persona in personas},
        backend=backend,
        store=store,
        observe=records.append,
        limits=limits or EngineLimits(),
        server="test",
        spending=spending,
    )
    registry = Registry(context)
    listener = Listener(
        context,
        registry,
        host="127.0.0.1",
        port=0,
        write_bytes=write_bytes,
        handshake_seconds=handshake_seconds,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        close_seconds=close_seconds,
        admission=admission,
        addresses=addresses,
        origins=origins,
        tls=tls,
        metrics=metrics,
        page=page,
    )
    url = f"ws://127.0.0.1:{await listener.start()}"
    if shared:
        assert isinstance(store, RedisStore)
        context.directory = RedisDirectory(store)
        await context.directory.start(url, registry.release)
    try:
        yield Served(url, context, registry, records)
    finally:
        await registry.drain(grace)
        await listener.stop()
        if context.directory is not None:
            await context.directory.aclose()
        await backend.aclose()
        await store.aclose()


class Client:
    """Sends messages and reads answers, one at a time; keeps everything it received."""

    def __init__(self, socket: ClientSocket, codec: Codec) -> None:
        self.socket = socket
        self.codec = codec
        self.received: list[ServerMessage] = []
        self.frames: list[Frame] = []
        self.welcome: Welcome | None = None
        self.sequenced = 0
        self._frames = aiter(socket)

    @classmethod
    async def connect(
        cls, url: str, codec: Codec = MSGPACK, *, hello: Hello | None = None
    ) -> Client:
        client = cls(await ClientSocket.connect(url, codec), codec)
        await client.send(hello or Hello(client="test"))
        client.welcome = await client.expect(Welcome)
        return client

    async def resume(self, url: str, seq: int | None = None) -> Client:
        """A new client that goes on where this one was."""
        assert self.welcome is not None
        position = self.sequenced if seq is None else seq
        client = await Client.connect(
            url,
            self.codec,
            hello=Hello(
                client="test", resume=Resume(self.welcome.session, self.welcome.epoch, position)
            ),
        )
        client.sequenced = position
        return client

    async def send(self, message: ClientMessage) -> None:
        await self.socket.send(self.codec.encode(message))

    async def next(self) -> ServerMessage:
        async with asyncio.timeout(PATIENCE):
            frame = await anext(self._frames)
        message = self.codec.decode_server(frame)
        self.frames.append(frame)
        self.received.append(message)  # type: ignore[arg-type]
        if message.__struct_config__.tag >= 16:  # type: ignore[union-attr, operator]
            self.sequenced += 1
        return message  # type: ignore[return-value]

    async def expect(self, kind: type[M], when: Callable[[M], bool] = lambda _: True) -> M:
        """The next message of a kind; what comes before it is kept in `received`."""
        while True:
            message = await self.next()
            if isinstance(message, kind) and when(message):
                return message
            if isinstance(message, Error) and kind is not Error:
                raise AssertionError(f"an error came instead: {message}")

    async def open(
        self, conversation: str = "c", npcs: tuple[str, ...] = ("mira",), **more: Any
    ) -> Opened:
        player = more.pop("player", Player("ann", "Ann"))
        await self.send(Open(conversation, list(npcs), player, **more))
        return await self.expect(Opened)

    async def say(
        self, text: str, conversation: str = "c", line: str = "1", to: str = ""
    ) -> Answer:
        """Say a line and collect the turn that answers it."""
        await self.send(Say(conversation, line, text, to))
        return await self.answer()

    async def answer(self) -> Answer:
        turn = await self.expect(Turn)
        return await self.rest_of(Answer(turn))

    async def rest_of(self, answer: Answer) -> Answer:
        while answer.end is None:
            message = await self.next()
            if isinstance(message, Delta | Cue | TurnEnd) and message.turn == answer.turn.turn:
                answer.add(message)
        return answer

    async def close_code(self) -> int:
        """Read until the socket closes; the code it was closed with."""
        async with asyncio.timeout(PATIENCE):
            async for frame in self._frames:
                self.received.append(self.codec.decode_server(frame))  # type: ignore[arg-type]
        return self.socket.close_code

    async def leave(self) -> None:
        await self.socket.close()


@dataclass
class Answer:
    """A turn as a client saw it."""

    turn: Turn
    text: str = ""
    deltas: list[str] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    end: TurnEnd | None = None

    def add(self, message: Delta | Cue | TurnEnd) -> None:
        match message:
            case Delta():
                self.deltas.append(message.text)
                self.text += message.text
            case Cue():
                self.cues.append(message)
            case TurnEnd():
                self.end = message

    @property
    def ended(self) -> TurnEnd:
        assert self.end is not None
        return self.end
