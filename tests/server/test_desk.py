"""The designers' folder while a server runs, changed by real files."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dialogue_protocol.codec import JSON
from dialogue_protocol.messages import (
    Content,
    ContentInfo,
    Error,
    Hello,
    Inspect,
    Inspected,
    Open,
    Player,
    Source,
    SourceText,
)
from msgspec import structs

from dialogue_server.domain.translations import localized
from dialogue_server.server import desk
from dialogue_server.server.app import App
from dialogue_server.server.desk import keep_good
from dialogue_server.settings import MEMORY, Settings
from dialogue_server.stores import content
from tests.harness import Client

STARTER = Path(__file__).parents[2] / "dialogue_server" / "starter"


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STARTER, tmp_path / "world"))


@pytest.fixture
async def designer(world: Path) -> AsyncIterator[Client]:
    base = Settings()
    settings = structs.replace(
        base,
        server=structs.replace(base.server, port=0),
        content=structs.replace(base.content, folder=str(world)),
        model=structs.replace(base.model, backend="scripted"),
        store=structs.replace(base.store, path=MEMORY),
    )
    app = App(settings)
    await app.start()
    hello = Hello(client="page", capabilities=["designer"])
    client = await Client.connect(app.url, JSON, hello=hello)
    assert client.welcome is not None
    assert client.welcome.capabilities == ["designer"]
    yield client
    await client.leave()
    await app.stop()


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


async def test_a_changed_file_is_in_force_and_told_to_whoever_watches(
    designer: Client, world: Path
) -> None:
    await designer.send(Content(watch=True))
    first = await designer.expect(ContentInfo)
    assert [npc.id for npc in first.npcs] == ["jory", "pell", "tove", "wen"]
    assert first.problems == []
    assert first.hints["quest.lamp"] == ["dark", "glass", "lit"]
    assert first.state["tide"] == "low"
    await designer.open(npcs=("wen",))
    await asyncio.to_thread(
        rewrite, world / "personas" / "wen.toml", 'name = "Wen"', 'name = "Old Wen"'
    )
    second = await designer.expect(ContentInfo)
    assert second.revision == first.revision + 1
    assert "Old Wen" in {npc.name for npc in second.npcs}
    await designer.send(Inspect("c", text="Who are you?", npc="wen"))
    assert "Old Wen" in str((await designer.expect(Inspected)).messages)


async def test_a_look_at_the_files_holds_up_no_player(
    designer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[threading.Thread] = []

    def look(folder: Path, good: content.Content) -> object:
        looked.append(threading.current_thread())
        return real(folder, good)

    real = desk._look
    monkeypatch.setattr(desk, "_look", look)
    for _ in range(2):
        await designer.send(Content())
        await designer.expect(ContentInfo)
    assert len(looked) == 1  # nothing has changed since
    assert looked != [threading.main_thread()]


async def test_a_broken_file_keeps_its_last_good_version_in_force_and_says_so(
    designer: Client, world: Path
) -> None:
    await designer.send(Content(watch=True))
    await designer.expect(ContentInfo)
    await asyncio.to_thread(rewrite, world / "personas" / "wen.toml", "fallback = [", "fallback = ")
    broken = await designer.expect(ContentInfo)
    [problem] = [each for each in broken.problems if each.severity == "error"]
    assert problem.file == "personas/wen.toml"
    assert problem.line > 0
    assert "wen" in {npc.id for npc in broken.npcs}
    await designer.open(npcs=("wen",))
    await designer.say("Who are you?")
    (world / "personas" / "pell.toml").unlink()
    gone = await designer.expect(ContentInfo)
    assert "pell" not in {npc.id for npc in gone.npcs}


async def test_a_file_is_shown_with_the_line_of_a_key_and_no_other_file_is(
    designer: Client, world: Path
) -> None:
    (world / "dialogue.toml").write_text("# secrets may stand here\n", encoding="utf-8")
    await designer.send(Source("personas/wen.toml", "moods"))
    source = await designer.expect(SourceText)
    assert source.text.splitlines()[source.line - 1].startswith("moods =")
    for file in ("dialogue.toml", "../world/world.toml", "/etc/passwd", "personas"):
        await designer.send(Source(file))
        assert (await designer.expect(Error)).code == "forbidden"


async def test_the_prompt_and_the_timings_of_a_turn_can_be_asked_for(designer: Client) -> None:
    await designer.open(npcs=("wen",))
    answer = await designer.say("What does a leech cost?")
    await designer.send(Inspect("c", answer.turn.turn))
    shown = await designer.expect(Inspected)
    assert (shown.npc, shown.layout) == ("wen", "standard")
    assert shown.messages[-1].content.endswith("What does a leech cost?")
    assert {part.source.split(":")[0] for part in shown.parts} >= {"world.toml", "player"}
    assert any(part.why == "condition" for part in shown.dropped)
    moments = ("prompt", "placed", "model_text", "first_token", "total")
    times = [shown.timings[name] for name in moments]
    assert times == sorted(times)
    assert "connected" not in shown.timings  # nobody is asked over a network
    await designer.send(Inspect("c", 99))
    assert (await designer.expect(Error)).code == "unknown_turn"
    await designer.send(Inspect("c"))  # what would be said now, to nothing
    assert (await designer.expect(Inspected)).turn == 0


async def test_a_model_that_is_not_there_is_refused(designer: Client) -> None:
    await designer.send(Open("c", ["wen"], Player("p"), model="other"))
    assert "open.model" in (await designer.expect(Error)).detail


async def test_without_the_right_nothing_is_told(designer: Client) -> None:
    url = designer.socket._connection.remote_address
    plain = await Client.connect(f"ws://{url[0]}:{url[1]}")
    await plain.open(npcs=("wen",))
    for message in (Content(), Source("world.toml"), Inspect("c")):
        await plain.send(message)
        assert (await plain.expect(Error)).code == "forbidden"
    await plain.send(Open("d", ["wen"], Player("p"), model="other"))
    assert (await plain.expect(Error)).code == "forbidden"
    await plain.leave()


def test_each_broken_file_keeps_its_own_last_version(world: Path) -> None:
    (world / "lore").mkdir()
    (world / "lore" / "sea.toml").write_text('[[entries]]\ntext = "The sea is old."\n')
    old = content.load(world)
    assert old.errors == ()
    (world / "lore" / "sea.toml").write_text("[[entries]]\n")
    (world / "world.toml").write_text("name = 1\n")
    new = keep_good(old, content.load(world))
    assert {error.file for error in new.errors} == {"world.toml", "lore/sea.toml"}
    assert new.world == old.world
    (world / "lore" / "sea.toml").unlink()
    assert keep_good(old, content.load(world)).world.books == {}


async def test_npcs_stay_while_their_folder_is_somewhere_else(
    world: Path, designer: Client
) -> None:
    async def told() -> ContentInfo:
        return await designer.expect(ContentInfo)

    await designer.send(Content(watch=True))
    assert len((await told()).npcs) == 4
    (world / "personas").rename(world / "people")
    info = await told()
    assert len(info.npcs) == 4
    assert info.problems[0].problem.startswith("the folder is missing")
    (world / "people").rename(world / "personas")
    while (info := await told()).problems:
        pass
    assert len(info.npcs) == 4


async def test_a_broken_translation_keeps_its_last_good_version(world: Path) -> None:
    (world / "personas" / "pell.de.toml").write_text('greeting = "Setz dich."\n', "utf-8")
    (world / "world.pt-BR.toml").write_text('description = "Uma aldeia."\n', "utf-8")
    good = content.load(world)
    assert good.errors == ()
    (world / "personas" / "pell.de.toml").write_text("greeting = ", "utf-8")
    (world / "world.pt-BR.toml").write_text("description = ", "utf-8")
    kept = keep_good(good, content.load(world))
    assert len(kept.errors) == 2
    assert kept.personas["pell"].translations["de"].greeting == "Setz dich."
    assert kept.world.translations["pt-br"].description == "Uma aldeia."
    (world / "personas" / "pell.de.toml").unlink()
    assert keep_good(kept, content.load(world)).personas["pell"].translations == {}


def test_lore_is_the_newest_in_every_language_whatever_else_is_broken(world: Path) -> None:
    """Else a gate that was shut since would stand open in one language."""
    (world / "lore").mkdir()
    sea, german = world / "lore" / "sea.toml", world / "lore" / "sea.de.toml"
    sea.write_text('entries = ["The sea is old."]\n', "utf-8")
    german.write_text('entries = ["Das Meer ist alt."]\n', "utf-8")
    (world / "world.de.toml").write_text('description = "Ein Dorf."\n', "utf-8")
    good = content.load(world)
    assert good.errors == ()
    (world / "world.de.toml").write_text("description = ", "utf-8")
    sea.write_text('known_by = ["wen"]\nentries = ["The sea is cold."]\n', "utf-8")
    german.write_text("entries = ", "utf-8")
    kept = keep_good(good, content.load(world))
    assert len(kept.errors) == 2
    here = localized(kept.world, "de")
    assert here.description == "Ein Dorf."
    assert here.books["sea"].known_by is not None
    assert localized(kept.world, "fr").books["sea"].entries[0].text == "The sea is cold."
