"""Budgets at work, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dialogue_protocol.codes import EndReason, ErrorCode
from dialogue_protocol.messages import (
    Hello,
    Interrupt,
    Ping,
    Player,
    Pong,
    Say,
    Script,
    Suggest,
    Suggestions,
    Turn,
    TurnEnd,
)

from dialogue_server.backends.base import Usage
from dialogue_server.backends.scripted import Answer, ScriptedBackend
from dialogue_server.domain.budget import Amount, Budget, Entry, accounts, day_of
from dialogue_server.domain.conversation import ConversationKey
from dialogue_server.engine.context import EngineLimits
from dialogue_server.engine.observer import Failure, ModelUsed, TurnFinished
from dialogue_server.engine.spending import Spending
from dialogue_server.errors import BackendError
from dialogue_server.server.admission import Admission, Claims, issue, read_keys
from dialogue_server.settings import Access
from dialogue_server.stores.memory_ledger import MemoryLedger
from dialogue_server.stores.redis import RedisStore
from dialogue_server.stores.redis_ledger import RedisLedger
from dialogue_server.stores.sqlite import SQLiteStore
from dialogue_server.stores.sqlite_ledger import SQLiteLedger
from tests.fakes.steered import SteeredBackend
from tests.harness import MIRA, Client, Served, serving
from tests.services.redis_server import new_redis

SECRET = "a secret of at least thirty-two characters"
ANN = ConversationKey("ann", "c")
COST = Answer("The mine is flooded.", usage=Usage(90, 10, 0, 0.0123456))


def budget(**limits: Any) -> Spending:
    return Spending(MemoryLedger(), Budget(**limits))


async def held(served: Served, key: ConversationKey = ANN, npc: str = "mira") -> tuple[Amount, ...]:
    """What the accounts of a conversation hold, once all turns are settled."""
    spending = served.context.spending
    assert spending is not None
    for conversation in served.context.conversations.values():
        await conversation.answers.finish()
    return await spending.ledger.spent(day_of(served.context.now()), accounts(key, npc))


# ---------------------------------------------------------------- counting


async def test_a_turn_counts_for_its_player_npc_conversation_and_all_as_the_provider_says() -> None:
    async with serving(ScriptedBackend([COST]), spending=budget(player_tokens=10**6)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.say("What of the mine?")
        assert await held(served) == (Amount(100, 12346),) * 4
        assert await held(served, ConversationKey("bob", "d"), "borin") == (
            *(Amount(),) * 3,
            Amount(100, 12346),
        )
        (turn,) = served.seen(TurnFinished)
        assert (turn.counted_tokens, turn.dollars) == (100, 0.0123456)
        assert (turn.model, turn.budget, turn.limit) == ("scripted", "", "")


async def test_a_line_that_is_repeated_never_counts_twice() -> None:
    async with serving(ScriptedBackend([COST]), spending=budget(player_tokens=10**6)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.say("What of the mine?")
        client.socket.abort()
        again = await client.resume(served.url)
        await again.say("What of the mine?")
        other = await Client.connect(served.url)
        await other.open()
        await other.say("What of the mine?")
        assert (await held(served))[0] == Amount(100, 12346)


async def test_while_a_turn_runs_what_it_may_cost_is_reserved() -> None:
    backend = SteeredBackend()
    limits = EngineLimits(prompt_tokens=1000, answer_tokens=50)
    async with serving(backend, limits=limits, spending=budget(all_tokens=10**6)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        spending = served.context.spending
        assert spending is not None
        day = day_of(served.context.now())
        (reserved,) = await spending.ledger.spent(day, ("all:",))
        assert reserved.tokens == 1050
        call.say("Well met.")
        call.finish()
        await client.expect(TurnEnd)
        assert (await held(served))[3].tokens == 110


async def test_an_interrupted_turn_counts_as_far_as_it_came_and_whole_where_billed_on() -> None:
    backend = SteeredBackend()
    async with serving(backend, spending=budget(all_tokens=10**6)) as served:
        client = await Client.connect(served.url)
        await client.open()
        counted = []
        for line, bills_on in (("1", False), ("2", True)):
            await client.send(Say("c", line, "Hello?"))
            call = await backend.call()
            assert call.request.bill is not None
            call.request.bill.bills_on = bills_on
            call.request.bill.output_price = 1.0
            call.say("Well ")
            turn = await client.expect(Turn)
            await client.send(Interrupt(turn.turn, 4))
            await client.expect(TurnEnd)
            before, after = sum(counted), (await held(served))[3].tokens
            counted.append(after - before)
        most = call.request.max_tokens
        assert 1 < counted[0] < counted[1]
        (_, finished) = served.seen(TurnFinished)
        assert finished.dollars == pytest.approx(most / 1e6)


async def test_a_failed_model_and_authored_lines_cost_nothing() -> None:
    script = [Answer(error=BackendError(ErrorCode.MODEL_RATE_LIMITED, "later"))]
    async with serving(ScriptedBackend(script), spending=budget(all_tokens=10**6)) as served:
        client = await Client.connect(served.url)
        await client.open()
        assert (await client.say("Hello?")).ended.reason == EndReason.FALLBACK
        await client.send(Script("c", "s", "Here is your ale.", "mira"))
        await client.expect(TurnEnd)
        assert await held(served) == (Amount(),) * 4


async def test_suggestions_count_too_and_are_authored_when_nothing_is_left() -> None:
    suggested = Answer("1. Who are you?\n2. Where is the mine?", usage=Usage(40, 10))
    spending = budget(all_tokens=10)
    async with serving(ScriptedBackend([suggested]), spending=spending) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "1", 2))
        await client.expect(Suggestions)
        assert (await held(served))[0].tokens == 50
        (used,) = served.seen(ModelUsed)
        assert (used.purpose, used.tokens) == ("suggestions", 50)
        await client.send(Suggest("c", "2", 2))
        await client.expect(Suggestions)
        assert (await held(served))[0].tokens == 50


# ---------------------------------------------------------------- limits


async def test_a_used_up_budget_leaves_authored_lines_and_never_silence() -> None:
    backend = ScriptedBackend([COST])
    async with serving(backend, spending=budget(player_tokens=100)) as served:
        client = await Client.connect(served.url)
        await client.open()
        assert (await client.say("Hello?")).ended.reason == EndReason.COMPLETE
        await held(served)
        answer = await client.say("What of the mine?", line="2")
        assert answer.text == MIRA.lines[0].text
        assert (answer.ended.reason, answer.ended.code) == (
            EndReason.FALLBACK,
            ErrorCode.BUDGET_EXHAUSTED,
        )
        assert "budgets.player_tokens" in answer.ended.detail
        assert "the next day begins in" in answer.ended.detail
        assert (await held(served))[0].tokens == 100
        assert len(backend.requests) == 1
        assert served.seen(TurnFinished)[-1].limit == "hard player_tokens"
        other = await Client.connect(served.url)
        await other.open(player=Player("bob"))
        assert (await other.say("Hello?")).ended.code != ErrorCode.BUDGET_EXHAUSTED


async def test_the_next_day_begins_anew() -> None:
    now = 1_795_478_400.0 - 90
    backend = ScriptedBackend([COST, COST])
    async with serving(backend, spending=budget(npc_dollars=0.01)) as served:
        served.context.now = lambda: now
        client = await Client.connect(served.url)
        await client.open()
        await client.say("Hello?")
        await held(served)
        end = (await client.say("Hello?", line="2")).ended
        assert "begins in 0 h 2 min" in end.detail
        now += 120
        assert (await client.say("Hello?", line="3")).ended.reason == EndReason.COMPLETE


async def test_near_a_limit_the_cheaper_model_answers_and_shortly() -> None:
    dear, cheap = ScriptedBackend([COST]), ScriptedBackend(["Quite so."], layout="compact")
    spending = Spending(MemoryLedger(), Budget(player_tokens=120), cheaper=cheap, soft_tokens=20)
    async with serving(dear, spending=spending) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.say("Hello?")
        await held(served)
        assert (await client.say("And now?", line="2")).text == "Quite so."
        (asked,) = cheap.requests
        assert asked.max_tokens == 20
        assert asked.stop  # laid out for the model that reads it
        assert served.seen(TurnFinished)[-1].limit == "soft player_tokens"
        assert len(dear.requests) == 1


async def test_without_a_cheaper_model_the_same_one_answers_shortly() -> None:
    backend = ScriptedBackend([COST, "Quite so.", "Yes."])
    spending = Spending(MemoryLedger(), Budget(player_tokens=120), soft_tokens=20)
    async with serving(backend, spending=spending) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.say("Hello?")
        await held(served)
        spending.soft_tokens = 0
        await client.say("And now?", line="2")
        assert backend.requests[1].max_tokens == backend.requests[0].max_tokens
        spending.soft_tokens = 20


async def test_a_tickets_class_has_limits_of_its_own() -> None:
    spending = Spending(
        MemoryLedger(), Budget(player_tokens=10**6), {"free": Budget(player_tokens=50)}
    )
    admission = Admission(Access(key_env="KEYS"), {"KEYS": SECRET})
    async with serving(
        ScriptedBackend([COST] * 4), spending=spending, admission=admission
    ) as served:
        codes = []
        for player, name in (("ann", "free"), ("bob", "unknown")):
            claims = Claims(exp=4e9, aud="dialogue-server", sub=player, budget=name)
            hello = Hello(token=issue(read_keys(SECRET, "test"), claims))
            client = await Client.connect(served.url, hello=hello)
            await client.open(player=Player(player))
            for line in ("1", "2"):
                codes.append((await client.say("Hello?", line=line)).ended.code)
                await held(served)
        assert codes == ["", ErrorCode.BUDGET_EXHAUSTED, "", ""]
        assert served.seen(TurnFinished)[1].budget == "free"


async def test_where_the_ledger_fails_the_talk_goes_on_and_operators_are_told(
    tmp_path: Path,
) -> None:
    store = SQLiteStore(tmp_path / "gone.db")
    await store.start()
    await store.aclose()
    spending = Spending(SQLiteLedger(store), Budget(player_tokens=10))
    async with serving(ScriptedBackend([COST]), spending=spending) as served:
        client = await Client.connect(served.url)
        await client.open()
        assert (await client.say("Hello?")).ended.reason == EndReason.COMPLETE
        (failure,) = served.seen(Failure)
        assert failure.where == "budget"


# ---------------------------------------------------------------- restarts and neighbours


async def test_a_budget_survives_a_restart(tmp_path: Path) -> None:
    codes = []
    for life in range(2):
        store = SQLiteStore(tmp_path / "t.db")
        await store.start()
        ledger = SQLiteLedger(store)
        await ledger.start()
        spending = Spending(ledger, Budget(conversation_tokens=100))
        async with serving(ScriptedBackend([COST]), store=store, spending=spending) as served:
            client = await Client.connect(served.url)
            await client.open()
            codes.append((await client.say("Hello?", line=str(life))).ended.code)
    assert codes == ["", ErrorCode.BUDGET_EXHAUSTED]


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    server = new_redis(tmp_path)
    yield server.url
    server.close()


async def test_servers_that_share_a_redis_share_the_budget(redis_url: str) -> None:
    codes = []
    for _ in range(3):
        store = RedisStore(redis_url)
        spending = Spending(RedisLedger(store), Budget(player_tokens=150))
        async with serving(
            ScriptedBackend([COST]), store=store, shared=True, spending=spending
        ) as served:
            client = await Client.connect(served.url)
            await client.open(f"c{len(codes)}")
            answer = await client.say("Hello?", f"c{len(codes)}", line=str(len(codes)))
            codes.append(answer.ended.code)
    assert codes == ["", "", ErrorCode.BUDGET_EXHAUSTED]


async def test_many_turns_at_once_cannot_outrun_a_budget() -> None:
    """What they may cost is reserved before the first of them has cost anything."""
    backend = SteeredBackend()
    limits = EngineLimits(prompt_tokens=900, answer_tokens=100)
    async with serving(backend, limits=limits, spending=budget(all_tokens=3000)) as served:
        clients = [await Client.connect(served.url) for _ in range(6)]
        for number, client in enumerate(clients):
            await client.open(player=Player(f"p{number}"))
        for client in clients:
            await client.send(Say("c", "1", "Hello?"))
        refused = [client.expect(TurnEnd) for client in clients[3:]]
        codes = {end.code for end in await asyncio.gather(*refused)}
        assert codes == {ErrorCode.BUDGET_EXHAUSTED}
        assert backend.calls.qsize() == 3


async def test_a_count_that_cannot_be_told_leaves_the_reservation(tmp_path: Path) -> None:
    server = new_redis(tmp_path)
    ledger = RedisLedger(store := RedisStore(server.url, timeout=0.2))
    backend = SteeredBackend()
    async with serving(backend, spending=Spending(ledger, Budget(all_tokens=10**6))) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Say("c", "1", "Hello?"))
        call = await backend.call()
        server.kill()
        call.say("Well met.")
        call.finish()
        assert (await client.expect(TurnEnd)).reason == EndReason.COMPLETE
        for conversation in served.context.conversations.values():
            await conversation.answers.finish()
        (failure,) = served.seen(Failure)
        assert failure.where == "budget"
        server.start()
        (held,) = await ledger.spent(day_of(served.context.now()), ("all:",))
        assert held.tokens > 1000
    await store.aclose()
    server.close()


async def test_suggestions_of_a_model_that_fails_cost_nothing() -> None:
    script = [Answer(error=BackendError(ErrorCode.MODEL_FAILED, "x"))]
    async with serving(ScriptedBackend(script), spending=budget(all_tokens=10**6)) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "1", 2))
        await client.expect(Suggestions)
        (used,) = served.seen(ModelUsed)
        assert (used.tokens, used.dollars) == (0, 0.0)
        assert (await held(served))[0] == Amount()


async def test_a_request_that_is_given_up_twice_is_settled_all_the_same() -> None:
    """By a newer one, and by the next before the ledger has answered."""

    class Slow(MemoryLedger):
        settling = asyncio.Event()
        may = asyncio.Event()

        async def settle(self, entry: Entry, amount: Amount) -> None:
            self.settling.set()
            await self.may.wait()
            await super().settle(entry, amount)

    ledger, backend = Slow(), SteeredBackend()
    async with serving(backend, spending=Spending(ledger, Budget(all_tokens=10**6))) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "1", 2))
        bill = (await backend.call()).request.bill
        assert bill is not None
        bill.is_free = True
        await client.send(Suggest("c", "2", 2))
        await ledger.settling.wait()
        await client.send(Suggest("c", "3", 0))
        await client.send(Ping(1))
        await client.expect(Pong)
        ledger.may.set()
        for line in ("1", "2", "3"):
            assert (await client.expect(Suggestions)).line == line
        assert await held(served) == (Amount(),) * 4


async def test_suggestions_are_settled_when_their_conversation_is_closed(tmp_path: Path) -> None:
    store, backend = SQLiteStore(tmp_path / "s.db"), SteeredBackend()
    await store.start()
    ledger = SQLiteLedger(store)
    await ledger.start()
    spending = Spending(ledger, Budget(all_tokens=10**6))
    async with serving(backend, store=store, spending=spending) as served:
        client = await Client.connect(served.url)
        await client.open()
        await client.send(Suggest("c", "1", 2))
        call = await backend.call()
        assert call.request.bill is not None
        call.request.bill.is_free = True
        (conversation,) = served.context.conversations.values()
        await conversation.close()
        assert not [t for t in asyncio.all_tasks() if t.get_name() == "suggest: model"]
        day = day_of(served.context.now())
        assert await ledger.spent(day, ("all:",)) == (Amount(),)
