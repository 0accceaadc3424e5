"""Open conversations are found by key and by player."""

from __future__ import annotations

from typing import Any

import pytest

from dialogue_server.domain.conversation import ConversationKey
from dialogue_server.engine.open_conversations import OpenConversations

ROAD, INN = ConversationKey("ann", "road"), ConversationKey("ann", "inn")
OTHER = ConversationKey("bob", "road")


def test_a_players_conversations_are_found_whatever_was_opened_closed_and_taken_over() -> None:
    held = OpenConversations()
    road, again, inn, other = (object() for _ in range(4))
    values: dict[ConversationKey, Any] = {ROAD: road, INN: inn, OTHER: other}
    held.update(values)
    assert list(held.of("ann")) == [road, inn]
    assert list(held.of("bob")) == [other]

    held[ROAD] = again  # type: ignore[assignment]
    assert list(held.of("ann")) == [again, inn]
    assert len(held) == 3

    del held[INN]
    assert held.pop(ROAD, None) is again
    assert held.pop(ROAD, None) is None
    assert list(held.of("ann")) == []
    assert list(held.of("nobody")) == []
    with pytest.raises(KeyError):
        del held[ROAD]
    assert dict(held) == {OTHER: other}


def test_nothing_is_kept_of_a_player_who_has_left() -> None:
    held = OpenConversations()
    for number in range(10):
        held[ConversationKey(f"player {number}", "road")] = object()  # type: ignore[assignment]
    held.clear()
    assert vars(held)["_of"] == {}
