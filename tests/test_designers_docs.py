"""The designers' pages: every example decodes.

A block of TOML begins with a comment that names its file: `# personas/mira.toml` is a whole file,
`# in personas/mira.toml` a part of one.
"""

from __future__ import annotations

import re
import tomllib
import typing
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from dialogue_server.domain import content_files
from dialogue_server.domain.lint import lint
from dialogue_server.domain.persona import LoreBook, Persona, World
from dialogue_server.domain.sources import Sources
from dialogue_server.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
FOR_DESIGNERS = [
    page
    for page in PAGES
    if page.stem in ("personas", "lore", "scenes", "guards", "languages", "memory")
]
FILES: dict[type[Struct], str] = {
    Persona: 'id = "{stem}"\nname = "A"\ndescription = "B."\n',
    World: 'name = "A"\ndescription = "B."\n',
    LoreBook: "",
}
_BLOCK = re.compile(r"^```toml\n(.*?)^```", re.M | re.S)
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
        for match in _BLOCK.finditer(text)
    ]


def decoded(example: Example) -> Struct:
    """What the block says, as the server reads it."""
    head = _HEAD.match(example.text)
    assert head, (
        f"{example}: begin the block with its file, # personas/mira.toml or # in world.toml"
    )
    part, file = bool(head[1]), head[2]
    text = example.text
    if file == "dialogue.toml":
        return msgspec.convert(tomllib.loads(text), Settings)
    kind: type[Struct] = Persona if file.startswith("personas/") else LoreBook
    if re.fullmatch(r"world(\.\w+)?\.toml", file):
        kind = World
    if part:
        given = tomllib.loads(text)
        lines = FILES[kind].format(stem=Path(file).stem.partition(".")[0]).splitlines()
        text = "\n".join([line for line in lines if line.split()[0] not in given] + [text])
        if kind is LoreBook and "entries" not in given:
            text = f"entries = []\n{text}"
    # A part may have tags of moods and actions that another part declares.
    if part and kind is Persona:
        text = _declared(text)
    if kind is Persona:
        return content_files.decode_persona(file, text.encode())
    if kind is World:
        return content_files.decode_world(file, text.encode())
    return content_files.decode_lore(file, text.encode())


def _declared(text: str) -> str:
    moods = set(re.findall(r"\[mood: ([a-z]+)", text))
    moods |= set(re.findall(r'^mood = "(\w+)"', text, re.M))
    if moods and "moods = " not in text:
        listed = ", ".join(f'"{mood}"' for mood in sorted(moods))
        return f"moods = [{listed}]\n{text}"
    return text


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
        head = _HEAD.match(example.text)
        assert head
        if head[1]:
            continue
        match decoded(example):
            case Persona() as persona if persona.speech_style:
                personas[persona.id] = persona
                texts[head[2]] = example.text
            case World() as world:
                texts[head[2]] = example.text
    findings = lint(world, personas, texts)
    # Its fallback lines stand in another example.
    told = [each for each in findings if each.severity != "note" and each.rule != "no-fallback"]
    assert told == []
    assert Sources(texts).line("personas/mira.toml", "name") == 3
