"""The UPM package as the compiler sees it: one assembly for each asmdef, as Unity would build it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolchain import ROOT, Assembly

PACKAGE = ROOT / "unity_client"
SAMPLES = PACKAGE / "Samples~"
HERE = Path(__file__).resolve().parent
TESTS = "UNITY_INCLUDE_TESTS"
# Fields that only Unity's serializer sets.
INSPECTOR = ("-nowarn:0649",)


@dataclass(frozen=True)
class Project:
    """A project that our package is installed into: the packages that it has, and what Unity's
    version and settings define."""

    name: str
    packages: dict[str, str]
    defines: tuple[str, ...]


@dataclass(frozen=True)
class Variant:
    """A project, built for a platform."""

    platform: str
    project: Project
    defines: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.project.name}, {self.platform}"

    @property
    def editor(self) -> bool:
        return "UNITY_EDITOR" in self.defines


PROJECTS = [
    Project("without packages", {}, ("ENABLE_LEGACY_INPUT_MANAGER",)),
    Project(
        "Unity 2021.3",
        {"com.unity.ugui": "1.0.0", "com.unity.textmeshpro": "3.0.6"},
        ("ENABLE_LEGACY_INPUT_MANAGER",),
    ),
    Project(
        "Unity 6",  # TextMeshPro is a part of ugui 2
        {"com.unity.ugui": "2.0.0", "com.unity.inputsystem": "1.11.2"},
        ("ENABLE_INPUT_SYSTEM", "UNITY_2021_3_OR_NEWER", "UNITY_2022_2_OR_NEWER"),
    ),
]
PLATFORMS = {
    "player": ("ENABLE_IL2CPP", "UNITY_STANDALONE"),
    "editor": ("UNITY_EDITOR", "UNITY_STANDALONE", TESTS),
    "webgl": ("ENABLE_IL2CPP", "UNITY_WEBGL"),
    "webgl in the editor": ("UNITY_EDITOR", "UNITY_WEBGL"),
}


def variants() -> list[Variant]:
    """Players and editors of every project, and both kinds of WebGL in the last."""
    return [
        Variant(platform, project, defines + project.defines)
        for project in PROJECTS
        for platform, defines in PLATFORMS.items()
        if platform in ("player", "editor") or project is PROJECTS[-1]
    ]


def variant(platform: str) -> Variant:
    """The one that tests are run in: with everything that the package can use."""
    return next(v for v in reversed(variants()) if v.platform == platform)


def asmdefs() -> dict[str, tuple[Path, dict[str, Any]]]:
    """Every asmdef of the package, the samples' among them, by the assembly's name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.asmdef")):
        content = json.loads(path.read_text(encoding="utf-8"))
        found[content["name"]] = (path.parent, content)
    return found


def sources(folder: Path) -> tuple[Path, ...]:
    """The C# files that belong to an asmdef: not those below another one."""
    nested = {path.parent for path in folder.rglob("*.asmdef")} - {folder}
    return tuple(
        path
        for path in sorted(folder.rglob("*.cs"))
        if not any(other in path.parents for other in nested)
    )


def version_defines(content: dict[str, Any], packages: dict[str, str]) -> tuple[str, ...]:
    """What an asmdef defines for itself, by the packages that there are."""

    def holds(rule: dict[str, str]) -> bool:
        installed = packages.get(rule["name"])
        return installed is not None and _number(installed) >= _number(rule["expression"])

    return tuple(rule["define"] for rule in content["versionDefines"] if holds(rule))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")) if version else ()


def replaced(assemblies: list[Assembly], source: Path) -> list[Assembly]:
    """The same assemblies with this file for the one of its name; references follow."""
    done: dict[str, Assembly] = {}
    for assembly in assemblies:
        sources = tuple(source if s.name == source.name else s for s in assembly.sources)
        references = tuple(
            done[r.name] if isinstance(r, Assembly) else r for r in assembly.references
        )
        done[assembly.name] = dataclasses.replace(assembly, sources=sources, references=references)
    return list(done.values())


def stubs(variant: Variant) -> list[Assembly]:
    """Unity itself, and the packages of the project."""
    files, packages = HERE / "stubs", variant.project.packages
    names = ("UnityEngine.cs", "UnityScreen.cs", "StubPlayer.cs")
    engine = Assembly("UnityEngine", tuple(files / name for name in names), options=INSPECTOR)
    built = [engine]
    ui = Assembly("UnityEngine.UI", (files / "UnityUi.cs",), (engine,))
    ugui = packages.get("com.unity.ugui", "")
    if ugui:
        built.append(ui)
    if "com.unity.textmeshpro" in packages or ugui >= "2":
        built.append(Assembly("Unity.TextMeshPro", (files / "TMPro.cs",), (engine, ui)))
    if "com.unity.inputsystem" in packages:
        built.append(Assembly("Unity.InputSystem", (files / "InputSystem.cs",), (engine, ui)))
    if variant.editor:
        built.append(Assembly("UnityEditor", (files / "UnityEditor.cs",), (engine,)))
    return built


def assemblies(variant: Variant, nunit: Path | None = None) -> list[Assembly]:
    """What Unity would compile of the package, in order, stubs first; its tests if there is an
    NUnit to compile them with."""
    built = {assembly.name: assembly for assembly in stubs(variant)}
    waiting, own = {}, {}
    for name, (folder, content) in asmdefs().items():
        own[name] = variant.defines + version_defines(content, variant.project.packages)
        editors = content["includePlatforms"] == ["Editor"]
        wanted = not editors or variant.editor
        if TESTS in content["defineConstraints"]:
            wanted = wanted and nunit is not None
        if wanted and set(content["defineConstraints"]) <= set(own[name]):
            waiting[name] = (folder, content)
    while waiting:
        ready = [
            name
            for name, (_, content) in waiting.items()
            if not any(reference in waiting for reference in content["references"])
        ]
        assert ready, f"asmdefs refer to each other in a circle: {sorted(waiting)}"
        for name in ready:
            folder, content = waiting.pop(name)
            names = [reference for reference in content["references"] if reference in built]
            if not content["noEngineReferences"]:
                names.append("UnityEngine")
                names += ["UnityEditor"] if content["includePlatforms"] == ["Editor"] else []
            references: list[Assembly | Path] = [built[reference] for reference in names]
            if "nunit.framework.dll" in content["precompiledReferences"]:
                assert nunit is not None
                references.append(nunit)
            built[name] = Assembly(
                name, sources(folder), tuple(references), own[name], options=INSPECTOR
            )
    return list(built.values())
