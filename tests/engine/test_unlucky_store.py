"""Whatever of the store fails, before it was done or after, and whatever the game does meanwhile:
each request has one end, nothing is lost and nothing is there twice."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any, cast

import pytest
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import (
    Advance,
    Cue,
    Delta,
    Error,
    Event,
    Interrupt,
    Load,
    Open,
    Opened,
    Ping,
    Player,
    Pong,
    Regenerate,
    Save,
    Saved,
    Say,
    Script,
    Turn,
    TurnEnd,
)

from dialogue_server.backends.base import Finished, ModelRequest, Show, Usage
from dialogue_server.domain.conversation import ConversationKey
from dialogue_server.engine.context import EngineLimits
from dialogue_server.errors import StoreError
from dialogue_server.stores.base import Store
from dialogue_server.stores.memory import MemoryStore
from dialogue_server.stores.sqlite import SQLiteStore
from tests.fakes.steered import SteeredBackend
from tests.harness import Client, serving

KEY = ConversationKey("ann", "c")
LIMITS = EngineLimits(messages_per_second=0, lines_per_minute=0)
OPEN = Open("c", ["mira"], Player("ann", "Ann"))
STEPS = 40


class Unlucky:
    """A real store of which everything fails by chance, and takes its time."""

    def __init__(self, inner: Store, chance: random.Random) -> None:
        self.inner = inner
        self.often = 0.0
        self._chance = chance

    def __getattr__(self, name: str) -> Any:
        work = getattr(self.inner, name)
        if name in ("start", "aclose"):
            return work

        async def unlucky(*arguments: Any) -> Any:
            for _ in range(self._chance.choice([0, 0, 0, 20])):
                await asyncio.sleep(0)
            if self._chance.random() < self.often:
                raise StoreError("before")
            done = await work(*arguments)
            if self._chance.random() < self.often:
                raise StoreError("after")
            return done

        return unlucky


class Counting(SteeredBackend):
    """A model that answers soon, and never the same."""

    said = 0

    async def stream(self, request: ModelRequest, show: Show) -> Finished | None:
        self.said += 1
        for word in (f"Answer {self.said}", " is", " this."):
            show(word)
            await asyncio.sleep(0)
        return Finished("stop", Usage())


def waits_for_nobody(message: Any) -> bool:
    """Whether a request is only noted: it is in force as soon as it is stored."""
    match message:
        case Event():
            return message.react == "never"
        case Script():
            return not message.npc
        case _:
            return False


class Game:
    """A player's game, which knows what it was told and expects the NPC to know the same."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.told: list[str] = []
        """What was said, as far as a `turn_end` or a `noted` has acknowledged it."""
        self.instead: list[list[str]] = []
        """What may be found in its place by whoever opens the conversation anew."""
        self.failed: list[Any] = []
        self.ended: dict[str, tuple[Any, set[str]]] = {}
        """Of each line: the request, and the turns that answer it."""
        self.saved: dict[str, list[str]] = {}
        self.newest: Turn | None = None
        self.lines = 0

    async def open(self, url: str) -> None:
        """By a new connection, as often as it takes."""
        self.client = await Client.connect(url)
        self.newest = None
        while not isinstance((await self.ask(OPEN))[0], Opened):
            pass

    async def ask(self, message: Any) -> list[Any]:
        """Everything that answers a message, but a turn's text."""
        await self.client.send(message)
        return await self.heard()

    async def heard(self) -> list[Any]:
        """What comes, but a turn's text, until all is quiet."""
        await self.client.send(Ping())
        heard: list[Any] = []
        pong = False
        while not pong or (heard and isinstance(heard[-1], Turn)):
            told = await self.client.next()
            pong = pong or isinstance(told, Pong)
            if not isinstance(told, Pong | Delta | Cue):
                heard.append(told)
        return heard

    def line(self) -> str:
        self.lines += 1
        return f"l{self.lines}"

    async def reconnect(self, url: str) -> None:
        """Come back by another connection while the old one's request is handled."""
        old, message = self.client, self.new()
        await old.send(message)
        for _ in range(self.chance.randrange(80)):
            await asyncio.sleep(0)
        await self.open(url)
        new, self.client = self.client, old
        self.settle(message, await self.heard())
        self.client, self.newest = new, None

    async def request(self, message: Any) -> None:
        """Something with a line id."""
        self.settle(message, await self.ask(message))

    def settle(self, message: Any, heard: list[Any]) -> None:
        """One end, and nobody remembers what was refused."""
        line, known = message.line, self.ended.get(message.line)
        if isinstance(heard[0], Turn):
            turn, end = heard
            assert (turn.line, end.turn) == (line, turn.turn)
        else:
            (end,) = heard
            assert end.line == line
        if isinstance(end, Error):
            assert end.code in (ErrorCode.STORE_FAILED, ErrorCode.UNKNOWN_CONVERSATION)
            if known is None and not isinstance(message, Regenerate) and message not in self.failed:
                self.failed.append(message)
            if waits_for_nobody(message):
                self.instead.append([*self.told, message.text])
            return
        if message in self.failed:
            self.failed.remove(message)
        if not isinstance(end, TurnEnd):
            self.ended[line] = (message, set())
            if message.text not in self.told:  # perhaps again, where the game has gone back
                self.told.append(message.text)
                self.newest, self.instead = None, []
            return
        if known is not None:
            assert turn.id in known[1]
            return
        self.ended[line] = (message, {turn.id})
        before = list(self.told)
        text = getattr(message, "text", "")
        if isinstance(message, Regenerate):
            del self.told[-1]
            for _, turns in self.ended.values():
                if message.id in turns:
                    turns.add(turn.id)
        elif text and not isinstance(message, Script):
            self.told.append(text)
        self.newest = None if isinstance(message, Script) else turn
        said = [each for each in self.client.received if isinstance(each, Delta)]
        self.told.append("".join(each.text for each in said if each.turn == turn.turn))
        unstored = end.code == ErrorCode.STORE_FAILED
        self.instead = [before, *self.instead] if unstored else []

    async def cut(self, turn: int) -> None:
        """The player has not seen the end of the newest answer."""
        text = self.told[-1]
        uncut = [[*told] for told in (self.told, *self.instead)]
        for told in (self.told, *self.instead, *self.saved.values()):
            told[:] = [text[:-1] if each == text else each for each in told]
        if await self.ask(Interrupt(turn, len(text) - 1)):
            self.instead += uncut
        self.newest = None

    def new(self) -> Any:
        text = f"Line {self.lines}."
        line = self.line()
        return self.chance.choice(
            [
                *[Say("c", line, text)] * 2,
                Event("c", line, text, "never"),
                Event("c", line, text, "must"),
                Script("c", line, text),
                Script("c", line, text, "mira"),
                Advance("c", line),
            ]
        )


@pytest.mark.parametrize("seed", range(30))
async def test_nothing_is_lost_and_nothing_is_there_twice(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    store = Unlucky(SQLiteStore(tmp_path / "t.db") if seed % 4 == 0 else MemoryStore(), chance)
    async with serving(Counting(), store=cast("Store", store), limits=LIMITS) as served:
        game = Game(chance)
        await game.open(served.url)
        game.told = [node.text for node in served.context.conversations[KEY].talk.nodes]
        for _ in range(STEPS):
            store.often = chance.choice([0.0, 0.3])
            rare = ["repeat", "anew", "cut", "save", "load", "open", "reconnect"]
            step = chance.choice([*["new"] * 6, *["again"] * 3, *rare])
            match step:
                case "again" if game.failed:
                    await game.request(chance.choice(game.failed))
                case "repeat" if game.ended:
                    message, _ = chance.choice(list(game.ended.values()))
                    await game.request(message)
                case "anew" if game.newest is not None:
                    await game.request(Regenerate("c", game.newest.id, game.line()))
                case "cut" if game.newest is not None:
                    await game.cut(game.newest.turn)
                case "save":
                    (told,) = await game.ask(Save("c"))
                    if isinstance(told, Saved):
                        game.saved[told.checkpoint] = list(game.told)
                case "load" if game.saved:
                    checkpoint = chance.choice(list(game.saved))
                    (told,) = await game.ask(Load("c", checkpoint))
                    if isinstance(told, Opened):
                        game.told, game.instead = list(game.saved[checkpoint]), []
                        game.newest = None
                    else:
                        game.instead.append(game.saved[checkpoint])
                case "open" | "reconnect":
                    await (game.open if step == "open" else game.reconnect)(served.url)
                    found = [n.text for n in served.context.conversations[KEY].talk.nodes]
                    assert found in [game.told, *game.instead]
                    if len(found) < len(game.told):  # the newest answer was not stored
                        game.ended.popitem()
                    game.told, game.instead = found, []
                case _:
                    await game.request(game.new())
            talk = served.context.conversations[KEY].talk
            assert [node.text for node in talk.nodes] == game.told, step
            if not talk.outbox:
                assert await store.inner.path(KEY, talk.nodes[-1].id) == tuple(talk.nodes), step
        store.often = 0.0
        for message in list(game.failed):
            await game.request(message)
        assert len(set(game.told)) == len(game.told)
        archive = await store.export(KEY)
        ids = [node.id for node in archive.nodes]
        assert len(set(ids)) == len(ids)
        assert {node.parent for node in archive.nodes} <= {"", *ids}
        await game.open(served.url)
        found = [n.text for n in served.context.conversations[KEY].talk.nodes]
        assert found in [game.told, *game.instead]
