"""What is otherwise between a recorded session and the same one today."""

from __future__ import annotations

from dialogue_protocol.messages import (
    Cue,
    Delta,
    Error,
    Inspect,
    Open,
    Opened,
    Player,
    Say,
    ServerMessage,
    State,
    StateOk,
    Suggest,
    Suggestions,
    Trigger,
    Turn,
    TurnEnd,
)
from dialogue_protocol.messages import NpcInfo as Npc

from dialogue_server.domain.prompt import Message, Part, Prompt
from dialogue_server.domain.recordings.recording import (
    Asked,
    Entry,
    Head,
    Recording,
    What,
    parts_of,
)
from dialogue_server.domain.recordings.rerun import (
    Bounds,
    Compared,
    Said,
    SourceChange,
    compare,
    counts,
    exceeded,
    failures,
    lacking,
    rows,
    source_changes,
)


def asked(turn: int, text: str, *parts: tuple[str, str]) -> Asked:
    return Asked(turn=turn, messages=[Message("system", text)], parts=list(parts))


def answer(turn: int, text: str, npc: str = "mira", **end: int) -> list[ServerMessage]:
    return [
        Turn(turn, f"n{turn}", "c", npc, f"{turn}"),
        Delta(turn, text),
        TurnEnd(turn, "complete", len(text), **end),
    ]


def session(*whats: What) -> Recording:
    """A session with one open, then these; requests are those of a client."""
    opening = (Open("c", ["mira"], Player("p")), Opened("c", [Npc("mira", "Mira")], "Come in."))
    clients = (Open, Say, State, Suggest, Inspect)
    return Recording(
        Head(),
        tuple(
            Entry(float(at), what, client=isinstance(what, clients))
            for at, what in enumerate((*opening, *whats))
        ),
    )


def test_nothing_is_otherwise_between_a_session_and_itself() -> None:
    told = session(Say("c", "1", "The mine?"), asked(1, "You are Mira."), *answer(1, "Wet."))
    greeting, line = compare("f", told, told)
    assert (greeting.what, line.what) == ((), ())
    assert (greeting.place, greeting.now.text, line.asked) == (1, "Come in.", "> The mine?")
    assert line.likeness == 1.0


def test_what_was_said_and_done_is_compared_by_its_kind() -> None:
    say = Say("c", "1", "The mine?")
    start, end = Turn(1, "n", "c", "mira", "1"), TurnEnd(1, "complete", 4)
    before = session(
        say, start, Cue(1, 0, "mood", "calm", {"intensity": 60}), Delta(1, "Wet."), end
    )
    now = session(
        say,
        Turn(1, "n", "c", "borin", "1"),
        Cue(1, 0, "mood", "calm", {"intensity": 40}),
        Cue(1, 0, "action", "pour", {"drink": "ale"}),
        Cue(1, 0, "pause", "", {"ms": 9}),
        Delta(1, "Dry."),
        TurnEnd(1, "length", 4),
        Trigger("c", "drunk", "late"),
    )
    _, line = compare("f", before, now)
    assert line.what == ("who", "text", "moods", "actions", "triggers", "end")
    assert line.npc == "mira"
    assert line.now == Said(
        "borin", "Dry.", ("calm 40",), ("pour drink=ale",), ("drunk late",), "length"
    )


def test_errors_suggestions_and_requests_without_words_are_compared_too() -> None:
    state, ok = State("c", 1, {}), StateOk("c", 1)
    look = Inspect("c", 0, "mira", "x")
    before = session(state, ok, look, Suggest("c", "2"), Suggestions("c", "2", ["Why?"]))
    now = session(state, Error("state_conflict", "no", "c"), Suggest("c", "2"),
                  Suggestions("c", "2", ["Why?", "Who?"]))  # fmt: skip
    _, refused, suggested = compare("f", before, now)
    assert (refused.what, refused.now.end, refused.npc) == (("end",), "error state_conflict", "")
    assert (suggested.what, suggested.asked) == (("text",), "~ suggest")


def test_a_request_that_the_server_failed_to_serve_then_is_not_compared_but_counted() -> None:
    say = Say("c", "1", "The mine?")
    before = session(say, Error("store_failed", "The disk is full.", "c", "1"))
    now = session(say, asked(1, "You are Mira."), *answer(1, "Wet."))
    (greeting,) = compare("f", before, now)
    assert greeting.place == 1
    assert (failures(before), failures(now)) == (1, 0)


def test_of_an_answer_that_was_cut_short_only_what_was_seen_counts() -> None:
    say = Say("c", "1", "The mine?")
    head = Turn(1, "n", "c", "mira", "1")
    before = session(say, head, Delta(1, "Under wat"), TurnEnd(1, "interrupted", 5))
    same = session(say, *answer(1, "Under water."))
    other = session(say, *answer(1, "Over it."))
    assert compare("f", before, same)[1].what == ()
    assert compare("f", before, other)[1].what == ("text",)


def test_a_greeting_of_another_past_is_not_compared() -> None:
    opening = Open("c", ["mira"], Player("p"))
    back = Recording(
        Head(), (Entry(0.0, opening, client=True), Entry(1.0, Opened("c", [], history=2)))
    )
    assert compare("f", back, session()) == []
    assert lacking(back, session()) == {"c": 2}
    assert lacking(session(), back) == {}


def test_times_are_left_out_where_no_model_took_them() -> None:
    told = session(Say("c", "1", "x"), *answer(1, "Wet.", first_token_ms=9, total_ms=12))
    assert compare("f", told, told)[1].now.first_ms == 9
    assert compare("f", told, told, timed=False)[1].now.first_ms == 0


def test_prompts_are_compared_by_their_sources_and_as_lines() -> None:
    say = Say("c", "1", "x")
    before = session(say, asked(1, "A\nB", ("rules", "1"), ("old", "2")), *answer(1, "Wet."))
    now = session(
        say, asked(1, "A\nC", ("rules", "9"), ("new", "3")), asked(1, "again"), *answer(1, "Wet.")
    )
    _, line = compare("f", before, now)
    assert line.what == ("prompt",)
    assert line.sources == (
        SourceChange("rules", "changed"),
        SourceChange("new", "new"),
        SourceChange("old", "gone"),
    )
    assert [text for text in line.prompt if text[0] in "+-"] == ["-B", "+C"]


def test_a_prompt_that_only_remembers_otherwise_is_told_apart() -> None:
    say = Say("c", "1", "x")
    before = session(say, asked(1, "A", ("rules", "1"), ("history", "2")), *answer(1, "Wet."))
    now = session(say, asked(1, "B", ("rules", "1"), ("history", "3")), *answer(1, "Wet."))
    assert compare("f", before, now)[1].what == ("history",)


def test_a_text_that_moved_in_its_list_is_no_change() -> None:
    before = asked(1, "", ("p:knowledge[0]", "a"), ("p:knowledge[1]", "b"))
    now = asked(1, "", ("p:knowledge[0]", "n"), ("p:knowledge[1]", "a"), ("p:knowledge[2]", "b"))
    assert source_changes(before, now) == (SourceChange("p:knowledge[0]", "new"),)


def test_without_digests_only_what_is_new_or_gone_is_seen() -> None:
    covered = asked(1, "", ("rules", ""), ("old", ""))
    assert source_changes(covered, asked(1, "", ("rules", "5"))) == (SourceChange("old", "gone"),)
    assert source_changes(asked(1, ""), covered) == ()
    assert source_changes(None, covered) == ()


def test_parts_are_kept_as_digests_of_their_texts() -> None:
    prompt = Prompt((), (Part("rules", "Be brief.", 3), Part("state", "Be brief.", 3)), (), 6)
    (rules, one), (state, two) = parts_of(prompt)
    assert (rules, state, one == two, len(one)) == ("rules", "state", True, 12)


def compared(npc: str, before: str, now: str, first: tuple[int, int] = (0, 0)) -> Compared:
    was = Said(npc, before, first_ms=first[0])
    return Compared("f", 1, "> x", was, Said(npc, now, first_ms=first[1]))


def test_the_most_changed_npc_comes_first() -> None:
    found = rows([
        compared("same", "One.", "One."),
        compared("half", "One.", "One.", (100, 150)),
        compared("half", "One.", "Two.", (200, 250)),
        compared("all", "One.", "Six."),
    ])  # fmt: skip
    assert [row.npc for row in found] == ["all", "half", "same"]
    assert (found[1].noticed, found[1].changed["text"], found[1].answers) == (0.5, 1, 2)
    assert (found[1].first_before, found[1].first_now) == (150, 200)
    assert found[2].likeness == 1.0


def test_bounds_are_shares_of_all_answers_and_of_the_time() -> None:
    told = [compared("a", "One.", "Two.", (100, 120)), compared("a", "One.", "One.", (100, 120))]
    assert counts(told)["answers"] == 1
    assert exceeded(told, Bounds({"answers": 50, "moods": 0}, 20)) == {}
    over = exceeded(told, Bounds({"answers": 49, "text": 10}, 19))
    assert over["answers"] == "answers: 1 of 2 changed, 50 %; at most 49 % may"
    assert "after 120 ms (median), 100 ms then; at most 19 %" in over["slower"]
    assert set(over) == {"answers", "text", "slower"}
    assert exceeded([], Bounds({"answers": 0})) == {}
