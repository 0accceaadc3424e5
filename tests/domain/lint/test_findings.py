"""Mistakes planted in a sound world are found, each on its line, and no other."""

from __future__ import annotations

from msgspec.structs import replace

from dialogue_server.domain import content_files
from dialogue_server.domain.leaks import Leak, LeakReport, check_leaks
from dialogue_server.domain.lint.findings import Finding, lint, located, of_errors, of_leaks
from dialogue_server.domain.persona import Persona, World
from dialogue_server.errors import ContentError

WORLD = """\
name = "Ashford"
description = "A village by a flooded mine, where nobody locks a door."

[state]
lamp = "dark"

[[lore]]
text = "The heir of the old king sleeps above the stable."
known_by = ["borin"]

[[lore]]
text = "The lamp burns over the causeway again tonight."
when = "lamp == 'lit'"
"""
BORIN = """\
id = "borin"
name = "Borin"
description = "Borin is the smith: loud, generous, and afraid of water, which he hides."
speech_style = "Loud, and in short bursts."
fallback = ["Can't hear you over the hammer."]

[[examples]]
player = "Hello?"
npc = "Louder, and mind the coals."
"""
MIRA = BORIN.replace("orin", "ira").replace("bira", "mira").replace("Bira", "Mira")


def checked(
    mira: str = MIRA, world: str = WORLD, *files: str, spoken: bool = True
) -> list[Finding]:
    texts = {"world.toml": world, "personas/borin.toml": BORIN, "personas/mira.toml": mira}
    return lint(*decoded(mira, world), texts, files or texts, spoken_secrets=spoken)


def decoded(mira: str = MIRA, world: str = WORLD) -> tuple[World, dict[str, Persona]]:
    personas = [
        content_files.decode_persona(f"personas/{name}.toml", text.encode())
        for name, text in (("borin", BORIN), ("mira", mira))
    ]
    return (
        content_files.decode_world("world.toml", world.encode()),
        {persona.id: persona for persona in personas},
    )


def places(findings: list[Finding]) -> list[tuple[str, int, str, str]]:
    return [(each.file, each.line, each.severity, each.rule) for each in findings]


def test_a_sound_world_has_no_finding() -> None:
    assert checked() == []


def test_a_secret_that_an_npc_says_without_a_model_is_an_error_in_its_line() -> None:
    told = '\nfillers = ["Hm.", "The heir of the old king is near."]\n'
    (finding,) = checked(MIRA.replace("\n\n[[ex", f"{told}\n[[ex"))
    assert places([finding]) == [("personas/mira.toml", 6, "error", "leak")]
    assert "“the heir of the old” of world.toml:lore[0]" in finding.problem
    assert checked(MIRA.replace("\n\n[[ex", f"{told}\n[[ex"), spoken=False) == []


def test_a_secret_that_is_suggested_to_the_player_is_an_error() -> None:
    suggested = '\nsuggestions = ["The heir of the old king?"]\n'
    (finding,) = checked(MIRA.replace("\n\n[[ex", f"{suggested}\n[[ex"))
    assert "mira has it suggested to the player" in finding.problem


def test_what_is_not_so_now_is_told_once_with_the_state() -> None:
    line = '\n[[lines]]\ntext = "The lamp burns over the causeway, friend."\nkeys = ["lamp"]\n'
    (finding,) = checked(MIRA + line)
    assert places([finding]) == [("personas/mira.toml", 11, "error", "leak")]
    assert 'where lamp = "dark"' in finding.problem
    assert checked(MIRA + line + "when = \"lamp == 'lit'\"\n") == []


def test_all_kinds_come_together_in_the_order_of_the_files() -> None:
    mira = MIRA.replace("fallback", "# fallback") + '\n[[knowledge]]\ntext = "No."\nwhen = "lmap"\n'
    world = WORLD.replace('known_by = ["borin"]', 'known_by = ["boron"]')
    findings = checked(mira, world, "world.toml", "personas/mira.toml", "borin.toml")
    assert places(findings) == [
        ("borin.toml", 0, "warning", "unused-file"),
        ("personas/mira.toml", 0, "warning", "no-fallback"),
        ("personas/mira.toml", 13, "warning", "unknown-state"),
        ("world.toml", 9, "warning", "unknown-name"),
    ]


def test_a_persona_that_cannot_be_read_is_known_by_its_file() -> None:
    world, personas = decoded(world=WORLD.replace('["borin"]', '["broken"]'))
    texts = {"personas/broken.toml": "?", "personas/mira.de.toml": ""}
    assert lint(world, personas, texts) == []
    assert places(lint(world, personas, {})) == [("world.toml", 0, "warning", "unknown-name")]


def test_the_leak_checks_report_becomes_findings() -> None:
    world, personas = decoded(
        MIRA.replace(
            "Mira is the smith", "She knows: the heir of the old king is near. Mira smiths"
        ),
        WORLD + '\n[[lore]]\ntext = "Mud."\nknown_by = ["borin"]\n',
    )
    report = check_leaks(world, personas)
    texts = {"personas/mira.toml": MIRA, "world.toml": WORLD}
    leak, unproven = located(of_leaks(report), texts)
    assert places([leak]) == [("personas/mira.toml", 3, "error", "leak")]
    assert "mira is told it in the standard layout" in leak.problem
    assert (unproven.key, unproven.severity, unproven.rule) == ("lore[2]", "note", "unproven")


def test_each_way_of_a_leak_is_told_and_that_the_proof_is_not_whole() -> None:
    leak = Leak("mira", "world.toml:lore[0]", "personas/mira.toml:greeting", "spoken", "a b", ())
    out = replace(leak, how="left out", state=("lamp = nothing",))
    given = replace(leak, how="suggested", locale="de")
    again = replace(leak, how="compact", where="personas/mira.toml:lines")
    report = LeakReport((leak, out, again, given), (), gates=1, states=1, prompts=1, complete=False)
    spoken, left_out, suggested, incomplete = of_leaks(report)
    assert "mira says it without a model." in spoken.problem
    assert "mira has it left out of its prompts, where lamp = nothing." in left_out.problem
    assert "mira has it suggested to the player (in the language de)." in suggested.problem
    assert (incomplete.severity, incomplete.rule) == ("note", "incomplete")


def test_what_the_server_refuses_is_an_error_with_its_line() -> None:
    def read(place: str) -> tuple[int, str]:
        (finding,) = of_errors([ContentError("world.toml", place, "is wrong")])
        assert (finding.file, finding.severity, finding.problem) == (
            "world.toml",
            "error",
            "is wrong",
        )
        return finding.line, finding.key

    assert read("line 12, actions[0].name") == (12, "actions[0].name")
    assert read("line 3, column 7") == (3, "")
    assert read("line 3 (the end of the file)") == (3, "")
    assert read("line 3") == (3, "")
    assert read("name") == (0, "name")
    assert read("") == (0, "")
