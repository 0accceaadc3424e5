"""The designers' pages: every example decodes, and no key of their files is left untold.

A block of TOML begins with a comment that names its file: `# personas/mira.toml` is a whole file,
`# in personas/mira.toml` a part of one: of the starter world's file of that name, if it has one, with
the parts before it on the page.
"""

from __future__ import annotations

import json
import re
import tomllib
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from dialogue_server.domain import content_files
from dialogue_server.domain.lint.findings import lint
from dialogue_server.domain.persona import LoreBook, Persona, World
from dialogue_server.domain.scenarios import scenario
from dialogue_server.domain.sources import Sources
from dialogue_server.domain.translations import translate_book, translate_persona
from dialogue_server.settings import Settings
from dialogue_server.stores import content

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
FOR_DESIGNERS = [
    page
    for page in PAGES
    if page.stem in ("personas", "lore", "scenes", "guards", "languages", "memory")
]
FILES: dict[type[Struct], dict[str, Any]] = {
    Persona: {"name": "A", "description": "B."},
    World: {"name": "A", "description": "B."},
    LoreBook: {"entries": []},
}
"""What each kind of file needs at least."""
FOLDER = Path(content.__file__).parents[1] / "starter"
STARTER = content.load(FOLDER)
BLOCK = re.compile(r"^```toml\n(.*?)^```", re.M | re.S)
_HEAD = re.compile(r"# (in )?(\S+\.toml)\b")


class Example(typing.NamedTuple):
    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def examples(pages: list[Path]) -> list[Example]:
    return [
        Example(page, text.count("\n", 0, match.start()) + 1, match[1])
        for page in pages
        for text in (page.read_text(encoding="utf-8"),)
        for match in BLOCK.finditer(text)
    ]


def head(example: Example) -> tuple[bool, str]:
    """Whether the block is a part of a file, and of which."""
    match = _HEAD.match(example.text)
    assert match, (
        f"{example}: begin the block with its file, # personas/mira.toml, or # in world.toml"
    )
    return bool(match[1]), match[2]


def kind_of(file: str) -> type[Struct] | None:
    if re.fullmatch(r"world(\.[\w-]+)?\.toml", file):
        return World
    return {"personas": Persona, "lore": LoreBook}.get(file.partition("/")[0])


def decoded(example: Example) -> Struct:
    """What the block says, as the server reads it."""
    part, file = head(example)
    data = example.text.encode()
    if file == "dialogue.toml":
        return msgspec.convert(tomllib.loads(example.text), Settings)
    if file.startswith("scenarios/"):
        suite, errors = scenario.decode(file, data, STARTER.world, STARTER.personas)
        assert suite, errors
        assert not errors
        return suite
    kind = kind_of(file)
    assert kind, f"{example}: there is no such kind of file"
    stem, _, tag = Path(file).stem.partition(".")
    translate = {Persona: translate_persona, LoreBook: translate_book}.get(kind)
    if translate and tag and not part:
        first = f"{Path(file).parent}/{stem}.toml"
        (*_, source) = (e.text for e in examples([example.page]) if head(e) == (False, first))
        translation, errors = translate(file, data, first, source.encode())
        assert translation, errors
        assert not errors
        return translation
    if part:
        raw = FILES[kind] | ({"id": stem} if kind is Persona else {})
        if (FOLDER / file).is_file():
            raw = tomllib.loads((FOLDER / file).read_text(encoding="utf-8"))
        for other in examples([example.page]):
            if other.line <= example.line and head(other) == (True, file):
                raw = merged(raw, tomllib.loads(other.text))
        data = "\n".join(
            f"{json.dumps(key)} = {inline(value)}" for key, value in raw.items()
        ).encode()
    if kind is Persona:
        return content_files.decode_persona(file, data)
    if kind is World:
        return content_files.decode_world(file, data)
    return content_files.decode_lore(file, data)


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables in each other, lists of words joined; of anything else, the later."""
    result = {**below, **above}
    for key in below.keys() & above.keys():
        old, new = below[key], above[key]
        if isinstance(old, dict) and isinstance(new, dict):
            result[key] = merged(old, new)
        elif isinstance(old, list) and all(isinstance(item, str) for item in [*old, *new]):
            result[key] = list(dict.fromkeys([*old, *new]))
    return result


def inline(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("example", examples(FOR_DESIGNERS), ids=str)
def test_every_example_for_designers_is_read_without_a_mistake(example: Example) -> None:
    decoded(example)


@pytest.mark.parametrize(
    "example", [e for e in examples(PAGES) if e.page not in FOR_DESIGNERS], ids=str
)
def test_every_other_example_is_toml(example: Example) -> None:
    raw = tomllib.loads(example.text)
    if "id" in raw:
        content_files.decode_persona(f"personas/{raw['id']}.toml", example.text.encode())


def test_the_whole_files_of_the_pages_make_a_world_without_a_warning() -> None:
    world, personas, texts = World("", ""), {}, {}
    for example in examples(FOR_DESIGNERS):
        part, file = head(example)
        if part or example.page.stem != "personas":
            continue
        match decoded(example):
            case Persona() as persona if persona.speech_style and file.count(".") == 1:
                personas[persona.id] = persona
                texts[file] = example.text
            case World() as world:
                texts[file] = example.text
    findings = lint(world, personas, texts)
    # Its fallback lines stand in another example.
    told = [each for each in findings if each.severity != "note" and each.rule != "no-fallback"]
    assert told == []
    assert Sources(texts).line("personas/mira.toml", "name") == 3


@pytest.mark.parametrize(("page", "blocks"), [("README.md", 1), ("docs/personas.md", 3)])
def test_the_first_npc_that_a_reader_writes_has_no_warning_in_the_starter_world(
    page: str, blocks: int
) -> None:
    text = "".join(example.text for example in examples([ROOT / page])[:blocks])
    mira = content_files.decode_persona("personas/mira.toml", text.encode())
    found = lint(STARTER.world, {**STARTER.personas, "mira": mira}, {"personas/mira.toml": text})
    assert [each for each in found if each.severity != "note"] == []
