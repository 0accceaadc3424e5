"""What Unity's package manager and compiler ask of the package, checked without them."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import metas
import package
import pytest
from package import PACKAGE
from toolchain import ROOT, Assembly, Toolchain

MANIFEST: dict[str, Any] = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
FILES = [path for path in sorted(PACKAGE.rglob("*")) if path.is_file()]
GUID = re.compile(r"^guid: ([0-9a-f]{32})$", re.MULTILINE)

GAMES_REFER_TO = {
    "DialogueClient": "ffd4a3940cb35ffe672e900316ec7a20",
    "DialogueNpc": "4f642f2f9d42299b88b9aebe147141ff",
    "DialogueText": "8646a9c0e2b5381d090969dfde4edb6d",
    "DialogueSettings": "345074e52aa30d86b11d012dabaaa2c6",
    "DialogueServer.Protocol": "ff472ea4177fa1d5f66688a1798f0382",
    "DialogueServer.Transport": "e690dbddbccf48f600c34c47bd52cb02",
    "DialogueServer.Unity": "4497dc7bd7a154cdb2ee6e4c5bd154a5",
}


def test_the_manifest_says_what_the_package_manager_asks_for() -> None:
    assert re.fullmatch(r"[a-z0-9.-]+", MANIFEST["name"])
    assert len(MANIFEST["name"]) < 50
    assert re.fullmatch(r"\d{4}\.\d", MANIFEST["unity"])
    assert MANIFEST["license"] == "MIT"
    for key in ("displayName", "description", "author", "keywords"):
        assert MANIFEST[key], key
    assert MANIFEST["dependencies"] == {}


def test_the_version_is_the_server_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", version)
    assert MANIFEST["version"] == version


def test_the_changelog_begins_with_this_version() -> None:
    text = (PACKAGE / "CHANGELOG.md").read_text(encoding="utf-8")
    (first, *_) = re.findall(r"^## (\S+)", text, re.MULTILINE)
    assert first == MANIFEST["version"]


def test_the_license_is_the_project_s() -> None:
    assert _words(PACKAGE / "LICENSE.md") == _words(ROOT / "LICENSE")


def test_the_documentation_is_where_the_package_manager_looks() -> None:
    (manual,) = (PACKAGE / "Documentation~").glob("*.md")
    assert manual.name == "index.md"
    for folder, text in ((PACKAGE, PACKAGE / "README.md"), (manual.parent, manual)):
        for link in re.findall(r"\]\(([^)#]+)\)", text.read_text(encoding="utf-8")):
            assert link.startswith("http") or (folder / link).exists(), link


def test_every_sample_is_in_the_manifest_and_has_a_script_and_an_asmdef() -> None:
    listed = {sample["path"] for sample in MANIFEST["samples"]}
    found = {f"Samples~/{path.name}" for path in package.SAMPLES.iterdir()}
    assert found == listed
    for sample in MANIFEST["samples"]:
        assert sample["displayName"]
        assert sample["description"]
        kinds = [path.suffix for path in (PACKAGE / sample["path"]).iterdir()]
        assert kinds.count(".asmdef") == 1
        assert ".cs" in kinds


def test_every_file_and_folder_has_a_meta_file_with_a_guid_of_its_own() -> None:
    guids = {}
    for path in metas.assets():
        text = metas.meta_path(path).read_text(encoding="utf-8")
        (guid,) = GUID.findall(text)
        assert guid not in guids, f"{path} and {guids[guid]} have the same GUID"
        guids[guid] = path
        # Whoever refers to a file does so by its GUID: it stays what it was when the file came.
        assert text.split("\n", 2)[2] == metas.meta(path).split("\n", 2)[2], path


def test_no_meta_file_is_left_of_a_file_that_is_gone() -> None:
    for path in FILES:
        assert path.suffix != ".meta" or path.with_suffix("").exists(), path


def test_guids_are_those_that_games_refer_to() -> None:
    """A GUID never changes, even if the file moves: a game's scenes and asmdefs name it."""
    found = {
        path.stem: GUID.findall(metas.meta_path(path).read_text(encoding="utf-8"))[0]
        for path in metas.assets()
    }
    assert {name: found[name] for name in GAMES_REFER_TO} == GAMES_REFER_TO


def test_scripts_have_the_name_of_the_component_in_them() -> None:
    """Else Unity cannot add the component, nor find it in a scene."""
    for path in FILES:
        if path.suffix == ".cs":
            for name in re.findall(
                r"class (\w+) : (?:MonoBehaviour|ScriptableObject)", path.read_text("utf-8")
            ):
                assert name == path.stem, path


@pytest.mark.parametrize("name", sorted(package.asmdefs()))
def test_an_asmdef_is_named_like_its_file_and_refers_to_what_there_is(name: str) -> None:
    folder, content = package.asmdefs()[name]
    assert (folder / f"{name}.asmdef").exists()
    foreign = {"Unity.TextMeshPro", "UnityEngine.UI", "Unity.InputSystem"}
    runners = {"UnityEngine.TestRunner", "UnityEditor.TestRunner"}
    assert set(content["references"]) <= set(package.asmdefs()) | foreign | runners
    assert not content["allowUnsafeCode"]
    assert (content["includePlatforms"] == ["Editor"]) == (folder.name in ("Editor", "Tests"))


def test_the_protocol_needs_no_engine() -> None:
    _, content = package.asmdefs()["DialogueServer.Protocol"]
    assert content["noEngineReferences"]
    assert content["references"] == []


def test_no_file_has_outgrown_one_idea() -> None:
    written = [path for path in FILES if path.suffix == ".cs" and ".gen." not in path.name]
    long = {str(path): len(path.read_text("utf-8").splitlines()) for path in written}
    assert {name: lines for name, lines in long.items() if lines > 450} == {}


def test_no_file_is_bound_to_one_system() -> None:
    for path in FILES:
        content = path.read_bytes()
        assert b"\r" not in content, path
        assert not content.startswith(b"\xef\xbb\xbf"), path
        if path.suffix == ".cs":
            assert content.decode("ascii"), path


def test_nothing_is_there_that_IL2CPP_cannot_compile_or_strips() -> None:
    forbidden = re.compile(
        r"\b(dynamic|DynamicMethod|Emit|Activator|GetMethod|GetField|GetProperty|MakeGenericType"
        r"|Assembly\.Load|Expression\.)\b"
    )
    for path in FILES:
        if path.suffix == ".cs" and path.is_relative_to(PACKAGE / "Runtime"):
            code = re.sub(r"//.*|\"[^\"]*\"", "", path.read_text(encoding="utf-8"))
            assert not forbidden.search(code), path


@pytest.mark.timeout(120)
def test_it_compiles_without_a_warning_for_every_platform_and_project(
    tools: Toolchain, tmp_path: Path
) -> None:
    """Warnings are errors. The package's tests, editor scripts and samples are compiled wherever
    Unity would do so."""
    unique = _Unique(tmp_path)
    names = {
        variant.name: [unique.place(a) for a in package.assemblies(variant, tools.nunit)]
        for variant in package.variants()
    }
    assert len(names) == 8
    assert not tools.compile_all(tools.runtimes["core"], unique.builds)
    compiled = {
        name: {path.stem for path in paths if path.exists()} for name, paths in names.items()
    }
    bare, full = compiled["without packages, player"], compiled["Unity 6, editor"]
    assert not {name for name in bare if "Samples" in name}
    assert full >= set(package.asmdefs())


@pytest.mark.timeout(60)
def test_it_uses_nothing_but_net_standard_2_1(tools: Toolchain, tmp_path: Path) -> None:
    """Every type of the system that the compiled package refers to is one that netstandard.dll
    2.1 lists. (That .NET Core and Mono have the members too, the other tests show.)"""
    core = tools.runtimes["core"]
    built = package.assemblies(package.variant("player"))
    folder = package.HERE / "netstandard"
    probe = Assembly("Foreign", (folder / "Foreign.cs",), executable=True)
    later = Assembly("Later", (folder / "Later.cs",))
    assert not tools.compile(core, [*built, probe, later], tmp_path)
    (standard,) = (path for path in core.references if path.name == "netstandard.dll")

    def foreign(*names: str) -> tuple[int, list[str]]:
        paths = [str(tmp_path / f"{name}.dll") for name in names]
        done = tools.run(core, tmp_path / probe.file_name, str(standard), *paths)
        assert not done.stderr
        counted, *missing = done.stdout.splitlines()
        return int(counted.split()[0]), missing

    names = [a.name for a in built if a.name in package.asmdefs()]
    count, missing = foreign(*names)
    assert count > 60
    assert not missing
    assert "System.Text.Json.JsonSerializer (System.Text.Json), in Later.dll" in foreign("Later")[1]


class _Unique:
    """Compiles an assembly once, however many variants have the same one: the same sources, the
    same references, and the same of those defines that the sources ask for."""

    def __init__(self, folder: Path) -> None:
        self.builds: dict[Path, list[Assembly]] = {}
        self._folder = folder
        self._done: dict[Assembly, Path] = {}

    def place(self, assembly: Assembly) -> Path:
        text = "\n".join(path.read_text(encoding="utf-8") for path in assembly.sources)
        asked = set(
            re.findall(r"\w+", "\n".join(re.findall(r"^#(?:el)?if(.*)", text, re.MULTILINE)))
        )
        alone = dataclasses.replace(
            assembly,
            defines=tuple(name for name in assembly.defines if name in asked),
            references=tuple(
                self.place(r) if isinstance(r, Assembly) else r for r in assembly.references
            ),
        )
        if alone not in self._done:
            folder = self._folder / str(len(self._done))
            self.builds[folder] = [alone]
            self._done[alone] = folder / alone.file_name
        return self._done[alone]


def _words(path: Path) -> list[str]:
    return re.findall(r"\w+", path.read_text(encoding="utf-8"))
