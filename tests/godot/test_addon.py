"""What people install: complete, clean, and working in a project of its own."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.godot.engine import CHECKOUT, PROJECT, TROUBLE, Engine
from tests.godot.server_process import ServerProcess

ADDON = PROJECT / "addons" / "dialogue_client"
TAKEN = {
    *("DialogueLabel", "DialogueLine", "DialogueManager", "DialogueResource", "DialogueResponse"),
    *("DialogueResponsesMenu", "DialogueManagerParser", "DialogueProcessor", "DialogueSettings"),
    *("DialogueStateContext", "DialogueMarker2D", "DialogueMarker3D", "DialogueCache"),
    *("DialogueActionable2D", "DialogueActionable3D", "DialogueManagerExampleBalloon"),
}
"""What the addon Dialogue Manager names its classes, in any of its versions for Godot 4."""
SCRIPTS = sorted(path for path in PROJECT.rglob("*.gd") if ".godot" not in path.parts)


def test_the_dock_works_with_the_real_server(engine: Engine, server: ServerProcess) -> None:
    engine.suites("dock", url=server.url).assert_passed(at_least=2)


def test_the_editor_loads_the_plugin_without_a_complaint(engine: Engine) -> None:
    run = engine.run("--editor", "--quit-after", "30", seconds=60)
    assert run.code == 0
    assert not [line for line in run.lines if TROUBLE.search(line)], run.text


def test_the_zip_is_complete_and_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "addon.zip")
    assert archive.read_bytes() == make_zip(tmp_path / "again.zip").read_bytes()
    with zipfile.ZipFile(archive) as packed:
        names = {Path(name).name for name in packed.namelist()}
    assert {"README.md", "LICENSE", "plugin.cfg", "plugin.gd"} <= names


def make_zip(archive: Path) -> Path:
    """The addon as people download it; test_guide.py installs it into a project."""
    command = [sys.executable, str(PROJECT / "make_zip.py"), str(archive)]
    subprocess.run(command, check=True, capture_output=True)
    return archive


def test_every_script_and_icon_has_its_companion_file() -> None:
    missing = [p for p in SCRIPTS if not p.with_name(p.name + ".uid").exists()]
    missing += [p for p in ADDON.rglob("*.svg") if not p.with_name(p.name + ".import").exists()]
    assert not missing, "open the project in the editor once, and commit what it makes"


def test_no_class_has_a_name_that_a_well_known_addon_has_taken() -> None:
    """Two classes of one name are an error in Godot, and neither addon would work."""
    ours = {
        match[1]
        for path in ADDON.rglob("*.gd")
        if (match := re.search(r"^class_name (\w+)", path.read_text("utf-8"), re.MULTILINE))
    }
    assert "DialogueSpeechLabel" in ours
    assert not ours & TAKEN
    assert not [name for name in ours if not name.startswith("Dialogue")]


def test_every_public_member_of_the_addon_has_a_comment() -> None:
    public = re.compile(r"^(?:static )?(?:func|signal|var|@export.* var|const|enum) ([a-z]\w*)")
    bare = []
    for path in sorted(ADDON.glob("*.gd")):
        lines = [
            line
            for line in path.read_text(encoding="utf-8").splitlines()
            if not line.startswith("@warning_ignore")
        ]
        for before, line in itertools.pairwise(["", *lines]):
            match = public.match(line)
            if match and not before.startswith("##"):
                bare.append(f"{path.name}: {match[1]}")
    assert not bare


WARNINGS = (
    *("unassigned_variable", "unassigned_variable_op_assign", "unused_variable"),
    *("unused_local_constant", "unused_private_class_variable", "unused_parameter"),
    *("unused_signal", "shadowed_variable", "shadowed_variable_base_class"),
    *("shadowed_global_identifier", "unreachable_code", "unreachable_pattern"),
    *("standalone_expression", "standalone_ternary", "incompatible_ternary"),
    *("untyped_declaration", "unsafe_property_access", "unsafe_method_access"),
    *("unsafe_call_argument", "unsafe_void_return", "static_called_on_instance", "missing_tool"),
    *("redundant_static_unload", "redundant_await", "assert_always_true", "assert_always_false"),
    *("integer_division", "narrowing_conversion", "int_as_enum_without_cast"),
    *("int_as_enum_without_match", "enum_variable_without_default", "empty_file"),
    *("deprecated_keyword", "confusable_identifier", "confusable_local_declaration"),
    *("confusable_local_usage", "confusable_capture_reassignment", "inference_on_variant"),
    *("native_method_override", "get_node_default_without_onready", "onready_with_export"),
)
"""The engine's warnings, but for those that forbid casts, inferred types and unused results."""


def test_no_script_of_the_addon_gives_a_warning(engine: Engine, tmp_path: Path) -> None:
    with zipfile.ZipFile(make_zip(tmp_path / "addon.zip")) as packed:
        packed.extractall(tmp_path / "game")
    settings = [f"gdscript/warnings/{name}=2" for name in WARNINGS]
    settings += ['gdscript/warnings/directory_rules={"res://addons": 1}']
    settings += ["gdscript/warnings/exclude_addons=false"]
    project = "config_version=5\n\n[debug]\n\n" + "\n".join(settings) + "\n"
    (tmp_path / "game" / "project.godot").write_text(project, encoding="utf-8")
    run = engine.run("--editor", "--import", seconds=120, project=tmp_path / "game")
    assert not [line for line in run.lines if TROUBLE.search(line)], run.text


def test_gdscript_is_formatted_and_lints_clean() -> None:
    pytest.importorskip("gdtoolkit", reason="gdtoolkit is not installed (dev extra)")
    paths = [str(path) for path in SCRIPTS]
    for tool in ("formatter", "linter"):
        command = [sys.executable, "-m", f"gdtoolkit.{tool}"]
        command += ["--check"] if tool == "formatter" else []
        result = subprocess.run(
            [*command, *paths], cwd=PROJECT, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr


def test_no_script_of_the_addon_uses_what_came_after_godot_4_2() -> None:
    """Such an engine cannot be had everywhere; that its words are not used can be seen."""
    newer = re.compile(
        r"\bDictionary\[|\bis not\b|@abstract|@export_(?:custom|storage|tool_button)"
        r"|@warning_ignore_(?:start|restore)|\.\.\.\w|preload\(\"uid:|OS\.add_logger|Array\[Array\["
    )
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in sorted(ADDON.rglob("*.gd"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if newer.search(re.sub(r'"[^"]*"', '""', line).partition("#")[0])
    ]
    assert not found


def test_nothing_in_the_addon_is_in_the_way_of_a_web_export() -> None:
    forbidden = re.compile(
        r"\b(Thread|Mutex|Semaphore|WorkerThreadPool|TCPServer|UDPServer|StreamPeerTCP|HTTPClient"
        r"|OS\.(?:execute|create_process|delay_\w+)|load_threaded\w+|JavaScriptBridge)\b"
    )
    users = [p.name for p in ADDON.rglob("*.gd") if forbidden.search(p.read_text("utf-8"))]
    assert not users
    assert not list(ADDON.rglob("*.gdextension"))


def test_the_readme_of_the_addon_names_no_file_that_is_not_there() -> None:
    text = (ADDON / "README.md").read_text(encoding="utf-8")
    assert (CHECKOUT / "docs" / "godot.md").exists() and "docs/godot.md" in text
    for name in re.findall(r"`(Dialogue\w+)`", text):
        assert [p for p in ADDON.glob("*.gd") if f"class_name {name}\n" in p.read_text("utf-8")]
