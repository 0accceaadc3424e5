"""What every Store promises; one suite, run on each implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from dialogue_server.domain.conversation import Checkpoint, ConversationKey, Listed, Node, Snapshot
from dialogue_server.errors import StoreError
from dialogue_server.stores.base import Found, Store
from dialogue_server.stores.memory import MemoryStore
from dialogue_server.stores.redis import RedisStore
from dialogue_server.stores.sqlite import SQLiteStore
from tests.services.redis_server import empty, new_redis

KEY = ConversationKey("ann", "tavern")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = new_redis(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.close()


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store: Store
    match request.param:
        case "memory":
            store = MemoryStore()
        case "sqlite":
            store = SQLiteStore(tmp_path / "t.db")
        case _:
            url = request.getfixturevalue("redis_url")
            await empty(url)
            store = RedisStore(url)
    await store.start()
    yield store
    await store.aclose()


def player(node: str, parent: str = "", *, line: str = "", text: str = "Hello?") -> Node:
    return Node(node, parent, "player", "Ann", text, 1.5, line=line)


def npc(node: str, parent: str, *, text: str = "Hm.", line: str = "") -> Node:
    return Node(
        node, parent, "npc", "mira", text, 2.5, line=line, reason="complete", meta={"cues": [[0]]}
    )


async def test_an_unknown_conversation_is_empty(store: Store) -> None:
    assert await store.load(KEY) == Snapshot()


async def test_the_head_path_comes_back_oldest_first_and_whole(store: Store) -> None:
    nodes = [player("a", line="1"), npc("b", "a", line="1"), player("c", "b", text="Süß 🐈‍⬛")]
    for node in nodes:
        assert await store.append(KEY, node) == node
    snapshot = await store.load(KEY)
    assert list(snapshot.nodes) == nodes
    assert snapshot.head == "c"


async def test_a_branch_leaves_the_other_one_out_of_the_path(store: Store) -> None:
    for node in (player("a"), npc("b", "a"), npc("b2", "a", text="Again.")):
        await store.append(KEY, node)
    assert [node.id for node in (await store.load(KEY)).nodes] == ["a", "b2"]


async def test_a_line_is_stored_once_however_often_it_is_appended(store: Store) -> None:
    first = player("a", line="1", text="The first.")
    assert await store.append(KEY, first) == first
    assert await store.append(KEY, player("z", line="1", text="The second.")) == first
    assert [node.id for node in (await store.load(KEY)).nodes] == ["a"]


async def test_a_node_is_stored_once_however_often_it_is_appended(store: Store) -> None:
    """Whoever was not told that it was stored stores it again."""
    nodes = [player("a", line="1"), npc("b", "a", line="1"), npc("c", "b")]
    for node in (*nodes, *nodes[:2]):
        assert await store.append(KEY, node) == node
    assert list((await store.load(KEY)).nodes) == nodes
    archive = await store.export(KEY)
    assert archive is not None
    assert list(archive.nodes) == nodes


async def test_a_line_that_was_said_again_finds_its_answer_there(store: Store) -> None:
    """Its node was never answered where it stands, but under another one, which names no line."""
    ask = await store.append(KEY, player("a", line="1"))
    await store.append(KEY, npc("x", "", line="0"))
    assert await store.find_line(KEY, "1") == Found(ask, None)
    await store.append(KEY, player("a2", "x"))
    answer = await store.append(KEY, npc("b", "a2", line="1"))
    assert await store.find_line(KEY, "1") == Found(ask, answer)


async def test_a_line_appended_at_once_from_many_sides_is_stored_once(store: Store) -> None:
    nodes = await asyncio.gather(*(store.append(KEY, player(f"n{i}", line="1")) for i in range(20)))
    assert len({node.id for node in nodes}) == 1


async def test_the_same_line_id_in_another_conversation_is_another_line(store: Store) -> None:
    other = ConversationKey("ann", "mine")
    await store.append(KEY, player("a", line="1"))
    assert (await store.append(other, player("b", line="1"))).id == "b"


async def test_a_line_finds_its_newest_answer(store: Store) -> None:
    assert await store.find_line(KEY, "1") is None
    ask = await store.append(KEY, player("a", line="1"))
    assert await store.find_line(KEY, "1") == Found(ask, None)
    await store.append(KEY, npc("b", "a"))
    second = await store.append(KEY, npc("b2", "a", text="Again."))
    assert await store.find_line(KEY, "1") == Found(ask, second)


async def test_a_cut_turn_keeps_only_what_was_seen(store: Store) -> None:
    await store.append(KEY, player("a"))
    await store.append(KEY, npc("b", "a", text="The mine is flooded."))
    await store.amend("b", "The mine", "interrupted")
    node = (await store.load(KEY)).nodes[-1]
    assert (node.text, node.reason, node.meta) == ("The mine", "interrupted", {"cues": [[0]]})


async def test_cutting_an_unknown_turn_is_a_store_error(store: Store) -> None:
    with pytest.raises(StoreError, match="no stored turn 'zz'"):
        await store.amend("zz", "", "interrupted")


async def test_what_is_learnt_of_a_node_later_is_merged_into_its_record(store: Store) -> None:
    await store.append(KEY, player("a"))
    await store.append(KEY, npc("b", "a"))
    await store.annotate("b", {"memory": {"mira": {"summary": "One."}}})
    await store.annotate("b", {"memory": {"borin": {"summary": "Two."}}, "none": None})
    node = (await store.load(KEY)).nodes[-1]
    both = {"mira": {"summary": "One."}, "borin": {"summary": "Two."}}
    assert (node.text, node.meta) == ("Hm.", {"cues": [[0]], "memory": both})
    await store.annotate("b", {"memory": {"mira": None}, "cues": None})
    node = (await store.path(KEY, "b"))[-1]
    assert node.meta == {"memory": {"borin": {"summary": "Two."}}}


async def test_annotations_at_once_lose_none(store: Store) -> None:
    await store.append(KEY, player("a"))
    await asyncio.gather(*(store.annotate("a", {"m": {str(i): i}}) for i in range(20)))
    assert (await store.load(KEY)).nodes[0].meta == {"m": {str(i): i for i in range(20)}}


async def test_annotating_an_unknown_node_is_a_store_error(store: Store) -> None:
    with pytest.raises(StoreError, match="no stored turn 'zz' to annotate"):
        await store.annotate("zz", {"a": 1})
    await store.append(KEY, player("a"))  # and the store goes on


async def test_an_annotation_stays_on_its_branch(store: Store) -> None:
    for node in (player("a"), npc("b", "a")):
        await store.append(KEY, node)
    await store.save_checkpoint(KEY, Checkpoint("k", "a", 0, {}, 9.0))
    await store.annotate("b", {"memory": 1})
    assert [node.meta for node in (await store.load(KEY)).nodes] == [
        {},
        {"cues": [[0]], "memory": 1},
    ]
    restored = await store.restore(KEY, "k")
    assert restored is not None
    assert [node.meta for node in restored.nodes] == [{}]


async def test_the_players_other_conversations_are_read_newest_first_and_bounded(
    store: Store,
) -> None:
    for name, at in (("mine", 5.0), ("road", 9.0), ("inn", 7.0)):
        parent = ""
        for number in range(4):
            node = Node(f"{name}{number}", parent, "player", "Ann", "Hm.", at + number / 10)
            await store.append(ConversationKey("ann", name), node)
            parent = node.id
    await store.append(ConversationKey("bob", "road"), player("bob", text="A secret."))
    await store.append(KEY, player("own"))
    await store.save_state(ConversationKey("ann", "silent"), 1, {})
    found = await store.elsewhere(KEY, conversations=2, lines=3)
    assert [[node.id for node in path] for path in found] == [
        ["road1", "road2", "road3"],
        ["inn1", "inn2", "inn3"],
    ]
    whole = await store.elsewhere(ConversationKey("ann", "road"), conversations=9, lines=100)
    assert [path[0].id for path in whole] == ["inn0", "mine0", "own"]
    assert await store.elsewhere(ConversationKey("eve", "road"), conversations=9, lines=9) == ()


@pytest.mark.parametrize(
    "other",
    [
        "ANN",
        "ann ",
        " ann",
        "ann\0",
        "ann\0tavern",
        "ann%",
        "an_",
        "a*",
        "ann' OR 1=1 --",
        "аnn",
        "ann\u0301",
        "",
    ],
)
async def test_no_name_of_a_player_reaches_anothers_conversations(store: Store, other: str) -> None:
    await store.append(KEY, player("a", text="My secret."))
    for name in ("tavern", "mine", "%", "' OR 1=1 --"):
        assert await store.elsewhere(ConversationKey(other, name), conversations=9, lines=9) == ()


async def test_the_other_conversations_are_told_as_they_are_now(store: Store) -> None:
    for node in (player("a"), npc("b", "a"), npc("b2", "a")):
        await store.append(KEY, node)
    other = ConversationKey("ann", "mine")
    assert [n.id for n in (await store.elsewhere(other, 9, 9))[0]] == ["a", "b2"]
    await store.save_checkpoint(KEY, Checkpoint("k", "a", 0, {}, 9.0))
    await store.restore(KEY, "k")
    assert [n.id for n in (await store.elsewhere(other, 9, 9))[0]] == ["a"]


async def test_the_state_is_kept_beside_the_talk(store: Store) -> None:
    await store.save_state(KEY, 3, {"quest": {"mine": "flooded"}, "day": 4})
    await store.append(KEY, player("a"))
    snapshot = await store.load(KEY)
    assert (snapshot.revision, snapshot.state) == (3, {"quest": {"mine": "flooded"}, "day": 4})
    await store.save_state(KEY, 4, {})
    snapshot = await store.load(KEY)
    assert (snapshot.revision, snapshot.state, snapshot.head) == (4, {}, "a")


async def test_players_do_not_see_each_other(store: Store) -> None:
    await store.append(KEY, player("a"))
    assert await store.load(ConversationKey("bob", "tavern")) == Snapshot()


async def test_a_long_talk_comes_back_whole(store: Store) -> None:
    parent = ""
    for number in range(1200):
        await store.append(KEY, player(f"n{number}", parent))
        parent = f"n{number}"
    assert len((await store.load(KEY)).nodes) == 1200


async def test_closing_twice_is_fine(store: Store) -> None:
    await store.aclose()
    await store.aclose()


async def test_an_answer_is_found_by_the_line_of_its_own_request(store: Store) -> None:
    ask = await store.append(KEY, player("a", line="1"))
    await store.append(KEY, npc("b", "a", line="1"))
    again = await store.append(KEY, npc("b2", "a", line="2"))
    assert await store.find_line(KEY, "2") == Found(ask, again)
    assert await store.find_line(ConversationKey("bob", "tavern"), "2") is None


async def test_any_branch_can_be_read_by_its_last_node(store: Store) -> None:
    for node in (player("a"), npc("b", "a"), player("c", "b"), npc("b2", "a", text="Again.")):
        await store.append(KEY, node)
    assert [node.id for node in await store.path(KEY, "c")] == ["a", "b", "c"]
    assert await store.path(KEY, "zz") == ()
    assert await store.path(ConversationKey("bob", "tavern"), "c") == ()


async def test_a_checkpoint_brings_back_history_and_state(store: Store) -> None:
    await store.append(KEY, player("a"))
    await store.save_state(KEY, 3, {"day": 1})
    await store.save_checkpoint(KEY, Checkpoint("k", "a", 3, {"day": 1}, 9.0))
    await store.append(KEY, npc("b", "a"))
    await store.save_state(KEY, 4, {"day": 2})
    restored = await store.restore(KEY, "k")
    assert restored is not None
    assert ([node.id for node in restored.nodes], restored.revision) == (["a"], 3)
    assert (restored.state, restored.saved) == ({"day": 1}, 9.0)
    assert await store.load(KEY) == replace(restored, saved=0.0)
    await store.append(KEY, npc("b2", "a"))
    assert [node.id for node in (await store.load(KEY)).nodes] == ["a", "b2"]
    assert [node.id for node in await store.path(KEY, "b")] == ["a", "b"]


async def test_a_checkpoint_of_another_conversation_is_unknown(store: Store) -> None:
    await store.append(KEY, player("a"))
    await store.save_checkpoint(KEY, Checkpoint("k", "a", 0, {}, 9.0))
    assert await store.restore(KEY, "zz") is None
    other = ConversationKey("bob", "tavern")
    await store.append(other, player("z"))
    assert await store.restore(other, "k") is None
    assert (await store.load(other)).head == "z"


async def test_collecting_removes_only_old_nodes_on_no_path(store: Store) -> None:
    for node in (player("a"), npc("b", "a"), npc("b2", "a"), npc("b3", "a")):
        await store.append(KEY, node)
    await store.save_checkpoint(KEY, Checkpoint("k", "b", 0, {}, 9.0))
    assert await store.collect(before=2.5) == 0
    assert await store.collect(before=2.6) == 1
    assert await store.path(KEY, "b2") == ()
    assert [node.id for node in await store.path(KEY, "b")] == ["a", "b"]
    assert (await store.load(KEY)).head == "b3"


async def test_what_leads_to_a_young_node_is_kept_with_it(store: Store) -> None:
    """Else a branch would lose its beginning, and could be neither read nor exported whole."""
    for node in (player("a"), npc("b", "a"), player("c", "b"), npc("b2", "a")):
        await store.append(KEY, node)
    young = Node("d", "c", "npc", "mira", "Late.", 99.0)
    await store.append(KEY, young)
    await store.append(KEY, npc("b3", "a"))
    assert await store.collect(before=50.0) == 1
    assert [node.id for node in await store.path(KEY, "d")] == ["a", "b", "c", "d"]
    assert await store.path(KEY, "b2") == ()


async def test_a_collected_line_may_be_said_again(store: Store) -> None:
    for node in (player("a"), npc("b", "a"), player("c", "b", line="1"), npc("b2", "a")):
        await store.append(KEY, node)
    assert await store.collect(before=50.0) == 2
    assert await store.find_line(KEY, "1") is None
    again = player("c2", "b2", line="1")
    assert await store.append(KEY, again) == again


async def test_conversations_are_listed_the_newest_first(store: Store) -> None:
    assert await store.conversations() == ()
    other, silent = ConversationKey("bob", "mine"), ConversationKey("ann", "attic")
    for node in (player("a"), npc("b", "a")):
        await store.append(KEY, node)
    await store.append(other, Node("z", "", "player", "Bob", "Well?", 7.0))
    await store.save_state(silent, 1, {"dark": True})
    assert await store.conversations() == (
        Listed(other, 1, 7.0),
        Listed(KEY, 2, 2.5),
        Listed(silent, 0, 0.0),
    )


async def test_an_exported_conversation_comes_back_whole_elsewhere(store: Store) -> None:
    assert await store.export(KEY) is None
    for node in (player("a", line="1"), npc("b", "a", line="1"), npc("b2", "a")):
        await store.append(KEY, node)
    await store.save_state(KEY, 3, {"day": 1})
    await store.save_checkpoint(KEY, Checkpoint("k", "b", 3, {"day": 1}, 9.0))
    archive = await store.export(KEY)
    assert archive is not None
    with pytest.raises(StoreError, match="is here already"):
        await store.restore_archive(archive)
    fresh = MemoryStore() if isinstance(store, MemoryStore) else SQLiteStore(Path(":memory:"))
    await fresh.start()
    await fresh.restore_archive(archive)
    assert await fresh.export(KEY) == archive
    assert await fresh.load(KEY) == await store.load(KEY)
    assert await fresh.restore(KEY, "k") == await store.restore(KEY, "k")
    await fresh.aclose()


async def test_another_line_said_after_an_unanswered_one_is_not_its_answer(store: Store) -> None:
    await store.append(KEY, player("a", line="1"))
    await store.append(KEY, player("b", "a", line="2"))
    assert await store.find_line(KEY, "1") == Found(player("a", line="1"))
    await store.append(KEY, npc("c", "a", line="1"))
    assert await store.find_line(KEY, "1") == Found(player("a", line="1"), npc("c", "a", line="1"))
