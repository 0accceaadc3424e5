"""What a recording leaves out."""

from __future__ import annotations

from dialogue_protocol.messages import Delta, Hello, Open, Player, Say, State, TurnEnd

from dialogue_server.domain.prompt import Message
from dialogue_server.domain.recordings.recording import Asked, Ended, Entry, Streamed, What
from dialogue_server.domain.recordings.redaction import Redactor

OPEN = Open("c", ["mira"], Player("user-77", "Ann Lee", "Ann Lee, a smith"))


def redacted(*whats: What) -> list[What]:
    entries = [Entry(float(at), what) for at, what in enumerate(whats)]
    found = Redactor().redact(entries)
    assert [entry.at for entry in found] == [entry.at for entry in entries]
    return [entry.what for entry in found]


def test_before_any_player_is_known_nothing_is_covered() -> None:
    assert redacted(Hello(client="Ann Lee")) == [Hello(client="Ann Lee")]


def test_names_and_ids_of_players_are_covered_wherever_they_stand() -> None:
    asked = Asked(turn=1, messages=[Message("user", "ann lee: Hm?")], sampling={"seed": 1})
    state = State("c", 1, {"hero": "Ann Lee", "days": [3, True, {"Ann Lee": None}]})
    assert redacted(OPEN, Say("c", "1", "I am Ann Lee."), asked, state, Ended("Ann Lee left")) == [
        Open("c", ["mira"], Player("player-1", "███████", "███████, a smith")),
        Say("c", "1", "I am ███████."),
        Asked(turn=1, messages=[Message("user", "███████: Hm?")], sampling={"seed": 1}),
        State("c", 1, {"hero": "███████", "days": [3, True, {"Ann Lee": None}]}),
        Ended("███████ left"),
    ]


def test_a_name_in_several_deltas_is_covered_and_lengths_stay() -> None:
    assert redacted(
        OPEN,
        Streamed(1, "Oh, A"),
        Delta(1, "Oh, A"),
        Streamed(2, "nn Lee"),
        Delta(2, "nn Lee"),
        Streamed(1, "nn Le"),
        Delta(1, "nn Le"),
        Streamed(1, "e!"),
        Delta(1, "e!"),
        TurnEnd(1, "complete", 12),
    ) == [
        Open("c", ["mira"], Player("player-1", "███████", "███████, a smith")),
        Streamed(1, "Oh, █"),
        Delta(1, "Oh, █"),
        Streamed(2, "nn Lee"),
        Delta(2, "nn Lee"),
        Streamed(1, "█████"),
        Delta(1, "█████"),
        Streamed(1, "█!"),
        Delta(1, "█!"),
        TurnEnd(1, "complete", 12),
    ]


def test_a_name_is_a_word_of_its_own_and_of_more_than_one_letter() -> None:
    short = Open("c", ["mira"], Player("x", "Al"))
    assert redacted(short, Say("c", "1", "Al, also x."))[1] == Say("c", "1", "██, also x.")
    letter = Open("c", ["mira"], Player("x", "A"))
    assert redacted(letter, Say("c", "1", "A x."))[1] == Say("c", "1", "A x.")


def test_players_are_told_apart() -> None:
    other = Open("d", ["mira"], Player("user-78", "Bo"))
    found = redacted(OPEN, other, OPEN)
    assert [what.player.id for what in found if isinstance(what, Open)] == [
        "player-1",
        "player-2",
        "player-1",
    ]
