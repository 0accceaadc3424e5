"""The world that is measured: every feature that a turn can have is in it."""

from __future__ import annotations

from pathlib import Path

NPC = "bench"

_WORLD = """
name = "Benchmark"
description = "A village on a river, with a mine that has been flooded since spring."
lore = [
  "The river is called the Wend.",
  { text = "Nobody goes near the mine.", keys = ["mine"] },
]

[state.quest]
mine = "flooded"

[[triggers]]
name = "asked_of_the_mine"
asked = ["mine"]
args = { journal = "Somebody should look at the mine." }

[[triggers]]
name = "drained"
when = "quest.mine == 'drained'"
"""
_PERSONA = f"""
id = "{NPC}"
name = "Bench"
description = "A blacksmith who answers whatever is asked."
moods = ["calm", "angry"]
mood = "calm"
mood_decay = 10
greeting = "Well?"
fallback = ["Not now."]

[[knowledge]]
text = "The mine is flooded."

[[tone]]
mood = "angry"
keys = ["mine"]
change = 30

[[actions]]
name = "wave"
description = "Wave a hand."
"""
_WORDS = ", ".join(f'"word{number}"' for number in range(60))
# The measured tokens are no words, so a guard that looks for code or cipher would find some.
_GUARDS = f"""
[guards]
prompt = true
player = true
repeats = true
forbidden = [{_WORDS}]
anachronisms = ["telephone*", "computer*", "internet", "okay"]
"""


def write_world(folder: Path, *, guards: bool) -> None:
    """Moods that move, actions, lore, state, triggers and memory; and guards."""
    (folder / "personas").mkdir(parents=True)
    world = _WORLD + (_GUARDS if guards else "")
    (folder / "world.toml").write_text(world, encoding="utf-8")
    (folder / "personas" / f"{NPC}.toml").write_text(_PERSONA, encoding="utf-8")
