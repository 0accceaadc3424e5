"""Names that name nobody, names that two share, and files that nothing reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from ..content_checks import nearest
from ..persona import Entry, Fact, KnownBy, Persona
from ..staging import Scene, Trigger
from .subject import Found, Subject, everything, persona_file

PLAYER = "player"
KNOWN_FILES = re.compile(r"world(\.[^./]+)?\.toml|dialogue\.toml")
KNOWN_FOLDERS = ("personas", "lore", "scenarios")
"""Folders of .toml files, one level deep."""
_OTHER_FOLDERS = ("cards",)
_DATA = (".toml", ".json", ".yaml", ".yml")


def unknown_names(subject: Subject) -> Iterator[Found]:
    """Who or what is named and is not there."""
    npcs = set(subject.npcs) | set(subject.personas)
    factions = {name for persona in subject.personas.values() for name in persona.factions}
    places = {name for persona in subject.personas.values() for name in persona.places}
    facts = {
        part.name for _, _, part in everything(subject) if isinstance(part, Fact) and part.name
    }
    for file, path, part in everything(subject):
        named: list[tuple[str, str, set[str], str]] = []
        if isinstance(part, KnownBy):
            named += [(f"npcs[{i}]", npc, npcs, "NPC") for i, npc in enumerate(part.npcs)]
            named += [
                (f"factions[{i}]", name, factions, "faction among the NPCs")
                for i, name in enumerate(part.factions)
            ]
            named += [
                (f"places[{i}]", name, places, "place among the NPCs")
                for i, name in enumerate(part.places)
            ]
        elif isinstance(part, Scene):
            named += [(f"cast[{i}]", npc, npcs, "NPC") for i, npc in enumerate(part.cast)]
            named.append(("narrator", part.narrator, npcs, "NPC"))
        elif isinstance(part, Trigger):
            scenes = set(subject.world.scenes)
            named.append(("npc", part.npc, npcs, "NPC"))
            named.append(("scene", part.scene, scenes, "scene in world.toml"))
            named.append(("revealed", part.revealed, facts, "fact or entry of lore"))
            named += _stages(subject, path, part)
        elif isinstance(part, Persona):
            whom = npcs | factions | {PLAYER}
            named += [
                (f"relationships.{name}", name, whom, "NPC or faction")
                for name in part.relationships
            ]
        for key, name, known, kind in named:
            if name and name not in known:
                hint = nearest(name, sorted(known))
                problem = f"names {name!r}, and there is no such {kind}{hint}"
                source = f"{file}:{path}.{key}" if path else f"{file}:{key}"
                yield Found(source, "warning", "unknown-name", problem)


def _stages(
    subject: Subject, path: str, trigger: Trigger
) -> Iterator[tuple[str, str, set[str], str]]:
    """The stages that a trigger names, where its scene is known."""
    parts = path.split(".")
    own = parts[1] if parts[0] == "scenes" else trigger.scene
    scene = subject.world.scenes.get(own)
    if scene is not None:
        stages = {stage.name for stage in scene.stages}
        yield "stage", trigger.stage, stages, f"stage of the scene {own}"
        yield "to", trigger.to, stages, f"stage of the scene {own}"


def shared_names(subject: Subject) -> Iterator[Found]:
    """NPCs that answer to one name: nobody can say which of them is meant."""
    owners: dict[str, str] = {}
    for persona in subject.personas.values():
        file = persona_file(persona)
        named = [("name", persona.name)]
        named += [(f"aliases[{at}]", alias) for at, alias in enumerate(persona.aliases)]
        for key, name in named:
            owner = owners.setdefault(name.casefold(), persona.id)
            if owner != persona.id:
                problem = f"{owner} is called {name} too; give one of them another name"
                yield Found(f"{file}:{key}", "warning", "shared-name", problem)


def same_entry_names(subject: Subject) -> Iterator[Found]:
    """Entries of different files with one name: what names it means the first."""
    owners: dict[str, str] = {}
    for file, path, part in everything(subject):
        if isinstance(part, Entry) and part.name:
            owner = owners.setdefault(part.name, file)
            if owner != file:
                problem = f"{owner} has an entry of the name {part.name} too; rename one of them"
                yield Found(f"{file}:{path}.name", "warning", "shared-name", problem)


def unused_files(files: Iterable[str], npcs: frozenset[str]) -> Iterator[Found]:
    """Files of a content folder that nothing reads. `files` are relative, with "/"; hidden ones
    and backups are no business of ours."""
    for file in sorted(files):
        path = PurePosixPath(file)
        folder = path.parts[0] if len(path.parts) > 1 else ""
        # Editors that hide endings add one: mira.toml.txt.
        data = path.suffix.lower() in _DATA or path.name.lower().endswith(".toml.txt")
        if KNOWN_FILES.fullmatch(file) or (
            folder in KNOWN_FOLDERS and len(path.parts) == 2 and path.suffix == ".toml"
        ):
            continue
        if folder in _OTHER_FOLDERS:
            if path.stem not in npcs:
                npc = f"personas/{path.stem}.toml"
                problem = f"there is no {npc} for this card: import it anew, or remove it"
                yield Found(file, "warning", "unused-file", problem)
        elif folder in KNOWN_FOLDERS:
            if len(path.parts) > 2 and data:
                problem = f"nothing reads folders below {folder}/: move it up, or remove it"
                yield Found(file, "warning", "unused-file", problem)
            elif len(path.parts) == 2 and data:
                problem = f"nothing reads it: files of {folder}/ end in .toml"
                yield Found(file, "warning", "unused-file", problem)
        elif path.suffix.lower() == ".toml":
            problem = (
                "nothing reads it: NPCs belong into personas/, lore into lore/, and the world "
                "into world.toml"
            )
            yield Found(file, "warning", "unused-file", problem)
