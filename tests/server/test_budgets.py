"""The budgets of the settings, in a whole server over an API that is one only by its bytes."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dialogue_protocol.codes import EndReason, ErrorCode
from dialogue_protocol.messages import Interrupt, Say, Turn, TurnEnd
from msgspec import structs

from dialogue_server.domain.budget import Budget
from dialogue_server.errors import SettingsError
from dialogue_server.instrumentation.logging import Log
from dialogue_server.server.app import App
from dialogue_server.server.budgets import ledger_of, start_spending
from dialogue_server.server.models import choose_backend, prompt_profile
from dialogue_server.settings import MEMORY, Settings
from dialogue_server.settings_limits import BudgetSettings
from dialogue_server.stores.memory import MemoryStore
from dialogue_server.stores.memory_ledger import MemoryLedger
from dialogue_server.stores.redis import RedisStore
from dialogue_server.stores.redis_ledger import RedisLedger
from dialogue_server.stores.sqlite import SQLiteStore
from dialogue_server.stores.sqlite_ledger import SQLiteLedger
from tests.fakes.upstream import FakeUpstream, Script, Stall
from tests.fakes.upstream_cases import DONE, delta, finish, open_stream, stream
from tests.harness import Client

STARTER = Path(__file__).parents[2] / "dialogue_server" / "starter"


def answer(model: str, _body: dict[str, Any], _before: int) -> Script:
    """What the API's models do: tell their usage, their cost, neither, or never end."""
    told = {"prompt_tokens": 1000, "completion_tokens": 100}
    match model:
        case "told":
            return stream(delta("Well met."), finish(usage=told), DONE)
        case "priced":
            return stream(delta("Well met."), finish(usage={**told, "cost": 0.5}), DONE)
        case "silent":
            return stream(delta("Well met."), finish(), DONE)
        case _:
            return open_stream(delta("Well met, "), Stall())


class Running:
    """A server and what it logs."""

    def __init__(self, app: App, log: io.StringIO) -> None:
        self.app = app
        self._log = log

    def turns(self) -> list[dict[str, Any]]:
        lines = map(json.loads, self._log.getvalue().splitlines())
        return [line for line in lines if line["event"] == "turn.finished"]

    def metric(self, sample: str) -> float:
        lines = self.app.metrics.text().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(sample))


@contextlib.asynccontextmanager
async def running(tmp_path: Path, model: dict[str, Any], **budgets: Any) -> AsyncIterator[Running]:
    world = Path(shutil.copytree(STARTER, tmp_path / "world", dirs_exist_ok=True))
    base = Settings()
    settings = structs.replace(
        base,
        server=structs.replace(base.server, port=0),
        content=structs.replace(base.content, folder=str(world)),
        model=structs.replace(base.model, **{"backend": "openai-compatible", **model}),
        store=structs.replace(base.store, path=MEMORY),
        budgets=BudgetSettings(**budgets),
    )
    log = io.StringIO()
    app = App(settings, Log("json", stream=log))
    await app.start()
    try:
        yield Running(app, log)
    finally:
        await app.stop()


PRICES = {"input_price": 1.0, "output_price": 10.0}


@pytest.mark.parametrize(
    ("model", "tokens", "dollars"),
    [("told", 1100, 0.002), ("priced", 1100, 0.5), ("silent", None, None)],
)
async def test_a_turns_cost_is_in_the_log_and_in_the_metrics(
    tmp_path: Path, model: str, tokens: int | None, dollars: float | None
) -> None:
    async with FakeUpstream(answer) as upstream:
        wanted = {"base_url": upstream.base_url, "name": model, **PRICES}
        async with running(tmp_path, wanted, all_tokens=10**6) as served:
            client = await Client.connect(served.app.url)
            await client.open(npcs=("pell",))
            end = (await client.say("Hello?")).ended
            await client.leave()
        (turn,) = served.turns()
        if tokens is None:
            assert end.input_tokens == 0  # the wire tells what the model says and nothing else
            assert 100 < turn["counted_tokens"] < 4000
            assert 0.0001 < turn["dollars"] < 0.01
        else:
            assert turn["counted_tokens"] == tokens
            assert turn["dollars"] == pytest.approx(dollars)
        assert turn["model"] == f"openai-compatible:{model}"
        assert served.metric("dialogue_cost_dollars_total") == pytest.approx(turn["dollars"])
        assert served.metric("dialogue_counted_tokens_total") == turn["counted_tokens"]


@pytest.mark.parametrize("backend", ["openai-compatible", "openrouter"])
async def test_an_interrupted_turn_is_counted_whole_where_the_provider_bills_on(
    tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "key")
    async with FakeUpstream(answer) as upstream:
        wanted = {"base_url": upstream.base_url, "name": "endless", "backend": backend, **PRICES}
        async with running(tmp_path, wanted) as served:
            client = await Client.connect(served.app.url)
            await client.open(npcs=("pell",))
            await client.send(Say("c", "1", "Hello?"))
            turn = await client.expect(Turn)
            await upstream.requests(1)
            await client.send(Interrupt(turn.turn, 0))
            await client.expect(TurnEnd)
            await client.leave()
        (told,) = served.turns()
        assert told["reason"] == EndReason.INTERRUPTED
        # Read tokens cost 1, written ones 10 millionths of a dollar.
        written = (1e6 * told["dollars"] - told["counted_tokens"]) / 9
        longest = Settings().model.max_tokens
        assert written == pytest.approx(longest if backend == "openrouter" else 0, abs=5)


async def test_the_cheaper_model_of_the_chain_answers_near_the_limit(tmp_path: Path) -> None:
    async with FakeUpstream(answer) as upstream:
        wanted = {
            "base_url": upstream.base_url,
            "name": "told",
            "fallback": "openai:none, scripted",
        }
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPENAI_API_KEY", "key")
            async with running(
                tmp_path, wanted, player_tokens=1300, soft_model="scripted"
            ) as served:
                client = await Client.connect(served.app.url)
                await client.open(npcs=("pell",))
                for line in ("1", "2", "3"):
                    await client.say("Hello?", line=line)
                await client.leave()
        first, second, third = served.turns()
        assert (first["model"], first["limit"]) == ("openai-compatible:told", "")
        assert (second["model"], second["limit"]) == ("scripted", "soft player_tokens")
        assert third["counted_tokens"] == second["counted_tokens"] == 0
        assert third["limit"] == "soft player_tokens"
        assert served.metric('dialogue_budget_limited_total{level="soft"') == 2
        assert len(upstream.seen) == 1


async def test_a_used_up_budget_is_in_the_log_and_in_the_metrics(tmp_path: Path) -> None:
    async with FakeUpstream(answer) as upstream:
        wanted = {"base_url": upstream.base_url, "name": "told", **PRICES}
        async with running(tmp_path, wanted, npc_dollars=0.001) as served:
            client = await Client.connect(served.app.url)
            await client.open(npcs=("pell",))
            await client.say("Hello?")
            end = (await client.say("And now?", line="2")).ended
            await client.leave()
        assert (end.reason, end.code) == (EndReason.FALLBACK, ErrorCode.BUDGET_EXHAUSTED)
        assert served.turns()[1]["limit"] == "hard npc_dollars"
        assert served.metric("dialogue_budget_limited_total") == 1


# ---------------------------------------------------------------- settings


async def test_without_limits_nothing_is_counted() -> None:
    assert await start_spending(BudgetSettings(), MemoryStore(), None) is None


async def test_a_limit_of_a_class_is_reason_enough_to_count() -> None:
    given = BudgetSettings(classes="free: player_tokens 10", soft_percent=50, npc_tokens=7)
    spending = await start_spending(given, MemoryStore(), None)
    assert spending is not None
    assert spending.budget("free") == Budget(player_tokens=10, npc_tokens=7)
    assert spending.budget("") == spending.budget("other") == Budget(npc_tokens=7)
    assert (spending.soft, spending.soft_tokens) == (0.5, 150)


async def test_a_wrong_class_stops_the_start_and_names_the_setting() -> None:
    given = BudgetSettings(classes="free: player_token 10")
    with pytest.raises(SettingsError, match=r"budgets\.classes: free: unknown limit 'player_token"):
        await start_spending(given, MemoryStore(), None)


async def test_the_ledger_is_kept_where_the_conversations_are(tmp_path: Path) -> None:
    redis = RedisStore("redis://nobody.invalid")
    assert isinstance(ledger_of(MemoryStore()), MemoryLedger)
    assert isinstance(ledger_of(SQLiteStore(tmp_path / "t.db")), SQLiteLedger)
    assert isinstance(ledger_of(redis), RedisLedger)
    await redis.aclose()


def under(**model: Any) -> Settings:
    base = Settings()
    return structs.replace(base, model=structs.replace(base.model, **model))


def test_a_soft_model_that_is_no_fallback_stops_the_start() -> None:
    settings = structs.replace(
        under(backend="ollama", fallback="llamacpp, scripted"),
        budgets=BudgetSettings(soft_model="openai"),
    )
    with pytest.raises(SettingsError, match=r"soft_model: 'openai'.*there are: llamacpp, scripted"):
        choose_backend(settings, {})


def test_the_cheaper_chain_begins_with_the_soft_model() -> None:
    settings = structs.replace(
        under(backend="ollama", fallback="llamacpp, scripted"),
        budgets=BudgetSettings(soft_model="llamacpp"),
    )
    choice = choose_backend(settings, {})
    assert choice.cheaper is not None
    assert choice.cheaper.name.endswith("+scripted")
    assert choice.cheaper.name.startswith("llamacpp")


def test_prices_of_the_settings_go_over_the_profiles() -> None:
    profile = prompt_profile(under(backend="minimax", input_price=7.0), {})
    assert (profile.input_price, profile.output_price) == (7.0, 1.2)
