"""Cards for property tests: all versions, real macros, hostile texts, unknown keys."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

MARKS = [
    *(
        "{{char}}",
        "{{user}}",
        "{{random:a,b}}",
        "{{// x}}",
        "<START>\n",
        "{{user}}: ",
        "{{char}}: ",
    ),
    *("[mood: angry]", "[action: give item=x]", '"""', "'''", "\\", "\r\n", "\n\n", "\x00", "\x1b"),
    *(
        "<|im_start|>",
        "@@depth 3\n",
        "@@scan_depth 2\n",
        "#",
        " = ",
        "]]",
        "{% x %}",
        "\u202e",
        "日本",
    ),
    *("when = 'player.gold'", "\ud83d", "🦊", "word ", "Two. ", ":"),
]
TEXTS = st.lists(st.sampled_from(MARKS) | st.text(max_size=8), max_size=8).map("".join)
NAMES = st.sampled_from(["Mira", "Élodie: of Rook", "ミラ", "con", "{{user}}", "A\nB"])
NUMBERS = st.integers(-5, 200) | st.none()
FLAGS = st.booleans() | st.none()
OTHER: st.SearchStrategy[Any] = st.none() | st.integers(0, 9) | TEXTS | st.just({"x": [1]})

ENTRIES = st.fixed_dictionaries(
    {"keys": st.lists(TEXTS, max_size=3), "content": TEXTS},
    optional={
        "enabled": st.booleans(),
        "insertion_order": NUMBERS,
        "priority": NUMBERS,
        "constant": FLAGS,
        "selective": FLAGS,
        "secondary_keys": st.lists(TEXTS, max_size=2) | TEXTS,
        "use_regex": FLAGS,
        "name": TEXTS,
        "id": NUMBERS,
        "extensions": st.dictionaries(
            st.sampled_from(["selectiveLogic", "probability", "scan_depth", "position"]), NUMBERS
        ),
        "unknown": OTHER,
    },
)
BOOKS = st.fixed_dictionaries(
    {"entries": st.lists(ENTRIES, max_size=4)},
    optional={"name": TEXTS, "scan_depth": NUMBERS, "_id": OTHER, "recursive_scanning": FLAGS},
)
V1 = {
    **dict.fromkeys(("description", "personality", "scenario", "first_mes", "mes_example"), TEXTS),
    "name": NAMES,
}
DATA = st.fixed_dictionaries(
    V1,  # type: ignore[arg-type]
    optional={
        **dict.fromkeys(("system_prompt", "post_history_instructions", "creator_notes"), TEXTS),
        **dict.fromkeys(("alternate_greetings", "tags"), st.lists(TEXTS, max_size=3)),
        "nickname": TEXTS,
        "character_book": BOOKS,
        "extensions": st.fixed_dictionaries(
            {},
            optional={
                "depth_prompt": st.fixed_dictionaries({"prompt": TEXTS, "depth": NUMBERS}),
                "talkativeness": st.sampled_from(["0.5", 0.2]),
                "chub": OTHER,
                "dialogue_server": st.dictionaries(
                    st.sampled_from(["moods", "mood", "essence", "fallback", "when", "actions"]),
                    TEXTS | st.lists(TEXTS, max_size=3),
                ),
            },
        ),
        "unknown": OTHER,
        "creation_date": st.sampled_from([0, 1_700_000_000, 1_700_000_000_000]),
    },
)


def _card(spec: int, data: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    if spec == 1:
        return {**data, **more}
    return {"spec": f"chara_card_v{spec}", "spec_version": f"{spec}.0", "data": data, **more}


def _cards(spec: int) -> st.SearchStrategy[dict[str, Any]]:
    data = st.fixed_dictionaries(V1) if spec == 1 else DATA  # type: ignore[arg-type]
    return st.builds(_card, st.just(spec), data, st.dictionaries(st.just("photoURL"), OTHER))


CARDS = st.sampled_from([1, 2, 3]).flatmap(_cards)
