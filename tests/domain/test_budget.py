"""What is used up, and what follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.budget import (
    Amount,
    Budget,
    Verdict,
    accounts,
    day_of,
    days_before,
    judge,
    parse_classes,
    until_tomorrow,
)
from dialogue_server.domain.conversation import ConversationKey

NOTHING = (Amount(),) * 4


def spent(**amounts: Amount) -> tuple[Amount, ...]:
    return tuple(amounts.get(scope, Amount()) for scope in ("player", "npc", "conversation", "all"))


def test_amounts_add_and_subtract() -> None:
    assert Amount(1, 2).plus(Amount(10, 20)) == Amount(11, 22)
    assert Amount(11, 22).minus(Amount(10, 20)) == Amount(1, 2)


def test_a_day_begins_at_midnight_utc() -> None:
    midnight = 1_795_478_400.0
    assert day_of(midnight) == "2026-11-24"
    assert day_of(midnight - 0.001) == "2026-11-23"
    assert until_tomorrow(midnight) == 86_400
    assert until_tomorrow(midnight - 60) == 60
    assert days_before("2026-03-01", 1) == "2026-02-28"


def test_without_limits_nothing_is_ever_used_up() -> None:
    huge = (Amount(10**12, 10**15),) * 4
    assert judge(Budget(), huge, 0.8) == Verdict()
    assert not Budget().is_limited
    assert Budget(npc_dollars=0.1).is_limited


@pytest.mark.parametrize(
    ("used", "verdict"),
    [
        (799, Verdict()),
        (800, Verdict("soft", "player_tokens")),
        (999, Verdict("soft", "player_tokens")),
        (1000, Verdict("hard", "player_tokens")),
        (5000, Verdict("hard", "player_tokens")),
    ],
)
def test_a_limit_is_soft_before_it_is_hard(used: int, verdict: Verdict) -> None:
    assert judge(Budget(player_tokens=1000), spent(player=Amount(used)), 0.8) == verdict


@pytest.mark.parametrize(
    ("scope", "limit"),
    [
        (scope, f"{scope}_{kind}")
        for scope in ("player", "npc", "conversation", "all")
        for kind in ("tokens", "dollars")
    ],
)
def test_each_scope_is_bounded_in_tokens_and_in_money(scope: str, limit: str) -> None:
    budget = Budget(**{limit: 2})  # type: ignore[arg-type]
    amount = Amount(2, 0) if limit.endswith("tokens") else Amount(0, 2_000_000)
    assert judge(budget, spent(**{scope: amount}), 0.8) == Verdict("hard", limit)
    others = {each: Amount(10, 10**9) for each in ("player", "npc", "conversation", "all")}
    assert judge(budget, spent(**(others | {scope: Amount()})), 0.8) == Verdict()


def test_the_nearest_soft_limit_is_named_and_a_hard_one_before_any() -> None:
    budget = Budget(player_tokens=100, npc_tokens=100, all_dollars=1)
    used = spent(player=Amount(85), npc=Amount(95))
    assert judge(budget, used, 0.8) == Verdict("soft", "npc_tokens")
    used = spent(player=Amount(85), all=Amount(0, 1_000_000))
    assert judge(budget, used, 0.8) == Verdict("hard", "all_dollars")


@given(st.integers(0, 2000), st.integers(0, 2000), st.floats(0.01, 1))
def test_more_spent_is_never_a_milder_verdict(one: int, more: int, soft: float) -> None:
    order = ["open", "soft", "hard"]
    budget = Budget(player_tokens=1000)
    before = judge(budget, spent(player=Amount(one)), soft)
    after = judge(budget, spent(player=Amount(one + more)), soft)
    assert order.index(before.level) <= order.index(after.level)


names = st.text(min_size=1, max_size=20)


@given(names, names, names, names)
def test_two_conversations_never_share_an_account(a: str, b: str, c: str, d: str) -> None:
    first, second = ConversationKey(a, b), ConversationKey(c, d)
    same = accounts(first, "mira")[2] == accounts(second, "mira")[2]
    assert same == (first == second)


def test_a_turn_is_counted_under_four_accounts() -> None:
    found = accounts(ConversationKey("ann", "tavern"), "mira")
    assert found == ("player:ann", "npc:mira", "conversation:3:ann:tavern", "all:")


def test_classes_change_what_they_name_and_keep_the_rest() -> None:
    ordinary = Budget(player_tokens=1000, all_dollars=5)
    text = " free: player_tokens 20, player_dollars = 0.02 ; paid:player_tokens=0; odd.one-2: ;"
    assert parse_classes(text, ordinary) == {
        "free": Budget(player_tokens=20, player_dollars=0.02, all_dollars=5),
        "paid": Budget(all_dollars=5),
        "odd.one-2": ordinary,
    }
    assert parse_classes("", ordinary) == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("player_tokens 20", "has no name in front; write"),
        (": player_tokens 20", "has no name in front"),
        ("a b: player_tokens 20", "has no name in front"),
        ("a: player_tokens 1; a: player_tokens 2", "stands there twice"),
        ("a: player_token 1", "unknown limit 'player_token'; did you mean player_tokens?"),
        ("a: x 1", "unknown limit 'x'; there are: player_tokens, "),
        ("a: player_tokens", "a: player_tokens: expected a whole number, 0 or more, found ''"),
        ("a: player_tokens 1.5", "expected a whole number"),
        ("a: player_dollars many", "expected a number, 0 or more, found 'many'"),
        ("a: player_dollars -1", "expected a number"),
        ("a: player_dollars nan", "expected a number"),
        ("a: player_dollars inf", "expected a number"),
    ],
)
def test_what_is_wrong_with_a_class_is_said_with_the_mend(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_classes(text, Budget())
    assert problem in str(caught.value)
