"""What a session's owner may open."""

from __future__ import annotations

import pytest
from dialogue_protocol.codes import ErrorCode
from dialogue_protocol.messages import Open, Player

from dialogue_server.engine.identity import DESIGNER, LOCAL, OPERATOR, PLAYER, Identity
from dialogue_server.errors import RequestError

ANN = Identity(player="ann")
IN_TAVERN = Identity(player="ann", npcs=frozenset({"mira"}), scenes=frozenset({"tavern"}))


def opening(npcs: str = "mira", player: str = "ann", scene: str = "") -> Open:
    return Open("c", npcs.split(), Player(player), scene=scene)


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        (LOCAL, opening(player="anybody")),
        (ANN, opening("mira borin", scene="anywhere")),
        (IN_TAVERN, opening(scene="tavern")),
        (Identity(player="ann", scenes=frozenset({""})), opening()),
    ],
)
def test_what_a_ticket_names_or_leaves_open_may_be_opened(
    identity: Identity, message: Open
) -> None:
    identity.check_open(message)


@pytest.mark.parametrize(
    ("identity", "message", "field"),
    [
        (ANN, opening(player="bob"), "open.player.id: .* send its own id .ann."),
        (IN_TAVERN, opening("mira borin", scene="tavern"), "open.npcs: .*'borin'"),
        (IN_TAVERN, opening(scene="mine"), "open.scene: .* in the scene 'mine'"),
        (IN_TAVERN, opening(), "open.scene: .* without a scene"),
        (Identity(rights=frozenset({DESIGNER, OPERATOR})), opening(), "the right `player`"),
    ],
)
def test_anything_else_is_forbidden_with_the_field_that_is_wrong(
    identity: Identity, message: Open, field: str
) -> None:
    with pytest.raises(RequestError, match=field) as caught:
        identity.check_open(message)
    assert caught.value.code is ErrorCode.FORBIDDEN


def test_no_right_implies_another() -> None:
    for right in (PLAYER, OPERATOR):
        assert Identity(rights=frozenset({right})).granted(["designer"]) == []
    assert Identity(rights=frozenset({DESIGNER})).granted(["x", "designer", "designer"]) == [
        "designer"
    ]
    assert LOCAL.granted([]) == []


def test_a_session_goes_on_for_the_same_player_with_the_same_rights() -> None:
    assert ANN.is_same(IN_TAVERN)
    assert not ANN.is_same(Identity(player="bob"))
    assert not ANN.is_same(Identity(player="ann", rights=frozenset({PLAYER, DESIGNER})))
