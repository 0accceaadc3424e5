"""docs/godot.md, followed as it is written: a fresh project, its scene, its script, its lines."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from tests.godot.engine import CHECKOUT, TROUBLE, Engine
from tests.godot.server_process import ServerProcess
from tests.godot.test_addon import make_zip

GUIDE = (CHECKOUT / "docs" / "godot.md").read_text(encoding="utf-8")
ADDON = "addons/dialogue_client"
DRIVER = """\
extends Node
## Does what the guide's reader does: types lines, and changes the state.


func _ready() -> void:
	var speech: DialogueSpeechLabel = get_node(^"../Speech")
	speech.letters_per_second = 500.0
	await speech.reveal_finished
	print("SAID ", speech.get_parsed_text())
	for line: String in ["I have a fever, what helps?", "What about the lamp?", ""]:
		if line.is_empty():
			line = "What about the lamp?"
			get_node(^"../DialogueClient").state["quest"]["lamp"] = "lit"
		(get_node(^"../Line") as LineEdit).text_submitted.emit(line)
		await (get_node(^"../Wen") as DialogueNPC).finished
		print("SAID ", speech.get_parsed_text())
	get_tree().quit()
"""


def test_the_guide_ends_in_a_talking_npc(
    engine: Engine, server: ServerProcess, tmp_path: Path
) -> None:
    game = tmp_path / "game"
    with zipfile.ZipFile(make_zip(tmp_path / "addon.zip")) as packed:
        packed.extractall(game)
    (game / "project.godot").write_text(
        "config_version=5\n\n[debug]\n\ngdscript/warnings/untyped_declaration=2\n\n"
        f'[editor_plugins]\n\nenabled=PackedStringArray("res://{ADDON}/plugin.cfg")\n'
    )
    (game / "main.gd").write_text(script_of("## 3. Build a scene"), encoding="utf-8")
    (game / "driver.gd").write_text(DRIVER, encoding="utf-8")
    (game / "main.tscn").write_text(scene_of_the_table(server.url), encoding="utf-8")
    imported = engine.run("--editor", "--import", seconds=60, project=game)
    assert not [line for line in imported.lines if TROUBLE.search(line)], imported.text
    run = engine.run("res://main.tscn", seconds=40, project=game)
    assert run.code == 0, run.text
    assert not [line for line in run.lines if TROUBLE.search(line)], run.text
    greeting, fever, dark, lit = run.beginning("SAID")
    assert greeting and fever
    assert dark != lit
    assert [line for line in run.lines if "willow_bark" in line and "give_item" in line], run.text
    assert run.beginning("Wen is"), run.text


def script_of(heading: str) -> str:
    """The first block of GDScript below a heading."""
    found = re.search(r"```gdscript\n(.*?)```", GUIDE.partition(heading)[2], re.DOTALL)
    assert found
    return found[1]


def scene_of_the_table(url: str) -> str:
    """The scene that the guide's table describes, as the editor would save it."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", GUIDE, re.MULTILINE)
    assert [(name, kind) for name, kind, _ in rows] == [
        ("DialogueClient", "DialogueClient"),
        ("Wen", "DialogueNPC"),
        ("Speech", "DialogueSpeechLabel"),
        ("Line", "LineEdit"),
    ]
    text = "[gd_scene format=3]\n\n"
    for name in ("main.gd", "driver.gd"):
        text += f'[ext_resource type="Script" path="res://{name}" id="{name}"]\n'
    bases = {"DialogueSpeechLabel": "RichTextLabel", "LineEdit": "LineEdit"}
    for kind, file in (
        ("DialogueClient", "dialogue_client"),
        ("DialogueNPC", "dialogue_npc"),
        ("DialogueSpeechLabel", "dialogue_speech_label"),
    ):
        text += f'[ext_resource type="Script" path="res://{ADDON}/{file}.gd" id="{kind}"]\n'
    text += '\n[node name="Main" type="Node"]\nscript = ExtResource("main.gd")\n'
    for name, kind, settings in rows:
        paths = ' node_paths=PackedStringArray("label")' if "`label`" in settings else ""
        text += f'\n[node name="{name}" type="{bases.get(kind, "Node")}" parent="."{paths}]\n'
        if kind != "LineEdit":
            text += f'script = ExtResource("{kind}")\n'
        for key, value in re.findall(r"`(\w+)`: (?:the node )?`(\w+)`", settings):
            text += (
                f'{key} = NodePath("../{value}")\n' if key == "label" else f'{key} = "{value}"\n'
            )
        if kind == "DialogueClient":
            text += f'url = "{url}"\n'
        place = re.search(r"position (\d+), (\d+); size (\d+) × (\d+)", settings)
        if place:
            left, top, width, height = (float(number) for number in place.groups())
            text += f"offset_left = {left}\noffset_top = {top}\n"
            text += f"offset_right = {left + width}\noffset_bottom = {top + height}\n"
    return (
        text + '\n[node name="Driver" type="Node" parent="."]\nscript = ExtResource("driver.gd")\n'
    )
