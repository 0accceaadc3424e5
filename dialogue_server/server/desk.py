"""The designers' folder while the server runs: read again whenever a file changes.

A file that has just been broken keeps its last good version in force; the others change at once,
from each conversation's next turn on. Owner of watchfiles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import watchfiles
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import ContentInfo, ContentProblem, SourceText

from ..domain.lint.findings import Finding, lint, of_errors
from ..domain.persona import LoreBook, Persona, World
from ..domain.state_space import compared_values
from ..domain.toml_places import Places
from ..engine.context import EngineContext
from ..engine.inspecting import npc_info
from ..engine.languages import prepare_detector
from ..engine.observer import ContentRead
from ..errors import RequestError
from ..stores import content

SETTLED_MS = 100
"""How long the folder must be quiet before it is read: editors save in several steps."""


class Folder:
    """The folder of a running server (engine.desk.Desk). `watch` is a task of its own."""

    def __init__(self, folder: Path, loaded: content.Content, context: EngineContext) -> None:
        self._folder = folder
        self._context = context
        self._good = loaded
        self._revision = 1
        self._account: _Account | None = None

    async def info(self) -> ContentInfo:
        """What the files hold now, and what is wrong with them. Looked at only where somebody asks,
        and beside the event loop: a large world takes a moment."""
        while (account := self._account) is None or account.content is not self._good:
            self._account = await asyncio.to_thread(_look, self._folder, self._good)
        world, personas = self._good.world, self._good.personas
        return ContentInfo(
            revision=self._revision,
            world=world.name,
            npcs=[npc_info(personas[npc]) for npc in sorted(personas)],
            scenes=sorted(world.scenes),
            models=list(self._context.models),
            state=world.state,
            hints=account.hints,
            problems=[
                ContentProblem(each.file, each.problem, each.line, each.key, each.severity)
                for each in account.findings
            ],
        )

    async def source(self, file: str, key: str) -> SourceText:
        """A file of the folder, and where a key stands in it. A RequestError if it is none of the
        designers' files."""
        texts = await asyncio.to_thread(content.texts, self._folder)
        if file not in texts:
            raise RequestError(
                ErrorCode.FORBIDDEN, f"source.file: {file!r} is none of the world's files."
            )
        return SourceText(file, texts[file], Places(texts[file]).line(key))

    async def watch(self) -> None:
        """Read the folder again whenever it changes, until cancelled."""
        async for _ in watchfiles.awatch(
            self._folder, watch_filter=_is_content, step=SETTLED_MS, recursive=True
        ):
            await self.read()

    async def read(self) -> None:
        """Read the folder now, and tell whoever watches."""
        loaded = await asyncio.to_thread(content.load, self._folder)
        self._good = keep_good(self._good, loaded)
        self._context.world = self._good.world
        self._context.personas = self._good.personas
        self._revision += 1
        missing = await prepare_detector(self._context)
        problems = [error.detail for error in loaded.errors] + [missing] * bool(missing)
        self._context.observe(
            ContentRead(npcs=tuple(sorted(self._good.personas)), problems=tuple(problems))
        )
        if self._context.watchers:
            info = await self.info()
            for tell in list(self._context.watchers.values()):
                tell(info)


class _Account(msgspec.Struct, frozen=True):
    """What a look at some content has found."""

    content: content.Content
    findings: list[Finding]
    hints: dict[str, Any]


def _look(folder: Path, good: content.Content) -> _Account:
    findings = [
        *of_errors(good.errors),
        *lint(good.world, good.personas, content.texts(folder), spoken_secrets=False),
    ]
    return _Account(good, findings, hints(good.world, good.personas))


def keep_good(old: content.Content, new: content.Content) -> content.Content:
    """The new content, with the old version of each file that is broken now. A file that is gone
    is gone, but a whole folder of NPCs is only somewhere else."""
    broken = {error.file for error in new.errors}
    personas = dict(old.personas if content.PERSONA_FOLDER in broken else new.personas)
    for npc, persona in old.personas.items():
        if f"{content.PERSONA_FOLDER}/{npc}.toml" in broken:
            personas.setdefault(npc, persona)
        elif npc in personas:
            file = f"{content.PERSONA_FOLDER}/{npc}"
            personas[npc] = _spoken(persona, personas[npc], file, broken)
    world = old.world if content.WORLD_FILE in broken else new.world
    books = dict(new.world.books)
    for name, book in old.world.books.items():
        if f"{content.LORE_FOLDER}/{name}.toml" in broken:
            books.setdefault(name, book)
        elif name in books:
            books[name] = _spoken(book, books[name], f"{content.LORE_FOLDER}/{name}", broken)
    world = msgspec.structs.replace(world, books=books)
    if content.WORLD_FILE not in broken:
        world = _spoken(msgspec.structs.replace(old.world, books=books), world, "world", broken)
    return content.Content(world, personas, new.errors)


T = TypeVar("T", Persona, World, LoreBook)


def _spoken(old: T, new: T, stem: str, broken: set[str]) -> T:
    """The new version, with those of its old translations whose files are broken now. A
    translation holds its file's conditions and gates, so it is kept only while those are
    what they were; else the first language stands in for it."""
    if msgspec.structs.replace(old, translations=new.translations) != new:
        return new
    files = {file.casefold() for file in broken}
    kept = {
        tag: translation
        for tag, translation in old.translations.items()
        if f"{stem}.{tag}.toml".casefold() in files
    }
    return msgspec.structs.replace(new, translations={**kept, **new.translations})


def hints(world: World, personas: Mapping[str, Persona]) -> dict[str, Any]:
    """For each path of the state that a condition looks at, the values it is compared with."""
    found = compared_values(_conditions([world, *personas.values()]))
    return {".".join(path): values for path, values in found.items()}


def _conditions(value: Any) -> list[str]:
    """Every `when` in a Struct and whatever it holds."""
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        when = fields.pop("when", "")
        return [when] * bool(when) + _conditions(list(fields.values()))
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [when for item in value for when in _conditions(item)]
    return []


def _is_content(_change: watchfiles.Change, path: str) -> bool:
    name = Path(path).name
    folder = name in (content.PERSONA_FOLDER, content.LORE_FOLDER)  # moved away, or back
    return folder or (path.endswith(".toml") and not content.is_backup(name))
