"""The UPM package as the compiler sees it: one assembly for each asmdef, as Unity would build it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolchain import ROOT, Assembly

PACKAGE = ROOT / "unity_client"
HERE = Path(__file__).resolve().parent
TMP_DEFINE = "DIALOGUE_TMP"


@dataclass(frozen=True)
class Variant:
    """One set of the defines that Unity would give."""

    name: str
    defines: tuple[str, ...]

    @property
    def tmp(self) -> bool:
        return TMP_DEFINE in self.defines

    @property
    def editor(self) -> bool:
        return "UNITY_EDITOR" in self.defines


def variants() -> list[Variant]:
    platforms = {
        "player": ("ENABLE_IL2CPP", "UNITY_STANDALONE"),
        "editor": ("UNITY_EDITOR", "UNITY_STANDALONE", "UNITY_INCLUDE_TESTS"),
        "webgl": ("ENABLE_IL2CPP", "UNITY_WEBGL"),
        "webgl in the editor": ("UNITY_EDITOR", "UNITY_WEBGL"),
    }
    return [
        Variant(f"{name}, TextMeshPro {'on' if tmp else 'off'}", defines + (TMP_DEFINE,) * tmp)
        for name, defines in platforms.items()
        for tmp in (False, True)
    ]


def asmdefs() -> dict[str, tuple[Path, dict[str, Any]]]:
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


def replaced(assemblies: list[Assembly], source: Path) -> list[Assembly]:
    """The same assemblies with this file for the one of its name; references follow."""
    done: dict[str, Assembly] = {}
    for assembly in assemblies:
        sources = tuple(source if s.name == source.name else s for s in assembly.sources)
        references = tuple(
            done[r.name] if isinstance(r, Assembly) else r for r in assembly.references
        )
        if sources != assembly.sources:  # it stands between two frames of the stub player
            references += tuple(a for a in done.values() if a.name == "UnityEngine")
        done[assembly.name] = dataclasses.replace(
            assembly, sources=sources, references=tuple(dict.fromkeys(references))
        )
    return list(done.values())


def stubs(variant: Variant) -> list[Assembly]:
    files = HERE / "stubs"
    engine = Assembly(
        "UnityEngine",
        (files / "UnityEngine.cs", files / "StubPlayer.cs"),
        options=("-nowarn:0649",),  # set in the inspector only
    )
    built = [engine]
    if variant.tmp:
        built.append(Assembly("Unity.TextMeshPro", (files / "TMPro.cs",), (engine,)))
    if variant.editor:
        built.append(Assembly("UnityEditor", (files / "UnityEditor.cs",), (engine,)))
    return built


def assemblies(variant: Variant, *, tests: bool = False) -> list[Assembly]:
    """What Unity would compile of the package, in order, stubs first."""
    built = {assembly.name: assembly for assembly in stubs(variant)}
    waiting = {
        name: content
        for name, content in asmdefs().items()
        if (content[1]["includePlatforms"] != ["Editor"] or variant.editor)
        and (tests or not content[1]["defineConstraints"])
    }
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
            references = tuple(built[reference] for reference in names)
            built[name] = Assembly(
                name,
                sources(folder),
                references,
                variant.defines,
                # Fields that only Unity's serializer sets.
                options=("-nowarn:0649",),
            )
    return list(built.values())
