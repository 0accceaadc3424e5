"""Where a conversation takes place: who is there, which stage it is at, what is told of it.

The stage stands in the `meta` of the node with which it was reached (`STAGE`), so it is a fold
over the path: a save slot brings it back, and each branch has its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from .conditions import holds
from .conversation import Node
from .persona import Persona, World
from .prompt import PromptInput
from .staging import Scene, Stage

STAGE = "stage"
"""The key of `Node.meta` with the scene's name -> the stage that was reached there."""


class Told(Struct, frozen=True):
    """A text on the scene, and where it comes from. Without `when` it holds in the whole
    conversation."""

    source: str
    text: str
    when: str = ""


def cast_ids(world: World, scene: str, npcs: Sequence[str]) -> list[str]:
    """Who takes part: whom the client named, then the scene's own cast and its narrator."""
    place = world.scenes.get(scene)
    more = [] if place is None else [*place.cast, place.narrator]
    return list(dict.fromkeys([*npcs, *filter(None, more)]))


def recorded_stage(world: World, scene: str, nodes: Sequence[Node]) -> str:
    """The stage that a path (oldest first) has brought a scene to, else its first; "" for a scene
    without stages."""
    place = world.scenes.get(scene)
    if place is None or not place.stages:
        return ""
    reached = next((name for node in reversed(nodes) if (name := reached_in(node, scene))), "")
    return reached if stage_named(place, reached) else place.stages[0].name


def stage_of(world: World, scene: str, nodes: Sequence[Node], state: Mapping[str, Any]) -> str:
    """The name of the stage that a scene is at after a path, in a state: the recorded one, or a
    later one whose condition holds."""
    name = recorded_stage(world, scene, nodes)
    place = world.scenes.get(scene)
    found = None if place is None else stage_named(place, name)
    if place is None or found is None:
        return name
    for later in place.stages[found[0] + 1 :]:
        if later.when and holds(later.when, state):
            name = later.name
    return name


def reached_in(node: Node, scene: str) -> str:
    """The stage that a node's turn brought a scene to; "" if it did not move."""
    return str(node.meta.get(STAGE, {}).get(scene, ""))


def stage_named(scene: Scene, name: str) -> tuple[int, Stage] | None:
    """A stage with its place in the list; None if there is none of this name."""
    return next(((at, stage) for at, stage in enumerate(scene.stages) if stage.name == name), None)


# ---------------------------------------------------------------- what a prompt tells of it


def around(given: PromptInput) -> Iterator[Told]:
    """What everybody in the scene can see: the place, who is there, what happened, the stage.
    The stage's text counts as under a condition, since it gives way to the next."""
    place = given.world.scenes.get(given.scene)
    source = f"world.toml:scenes.{given.scene}"
    if place is not None:
        yield Told(f"{source}.description", place.description)
    others = [
        persona.name
        for persona in given.cast
        if persona.id != given.persona.id and not persona.narrator
    ]
    if others:
        yield Told("cast", f"Also here: {', '.join(others)}.")
    if place is None:
        return
    for at, happened in enumerate(place.happened):
        yield Told(f"{source}.happened[{at}]", happened.text, happened.when)
    found = stage_named(place, given.stage)
    if found is not None and found[1].text:
        yield Told(f"{source}.stages[{found[0]}]", found[1].text, "true")


def relations(given: PromptInput) -> Iterator[Told]:
    """What the NPC thinks of those who are there: of the player, of each by id, of factions that
    one of them belongs to."""
    present: dict[str, str] = {"player": "The player"}
    for other in given.cast:
        if other.id != given.persona.id:
            for key in (other.id, *other.factions):
                present.setdefault(key, other.name if key == other.id else key)
    for key, told in given.persona.relationships.items():
        if key not in present:
            continue
        for at, relation in enumerate(told):
            source = f"personas/{given.persona.id}.toml:relationships.{key}[{at}]"
            yield Told(source, f"{present[key]}: {relation.text}", relation.when)


def speaker_name(cast: Sequence[Persona], npc: str) -> str:
    """The display name of whoever said a line; the id itself for one who has left."""
    return next((persona.name for persona in cast if persona.id == npc), npc)
