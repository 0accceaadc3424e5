"""Writes the .meta file of each file of the Unity package that has none: run it after adding one.

    python tests/unity/metas.py

Unity ignores a file of an installed package without one. The GUID follows from the path at which
a file was added; a file that moves takes its .meta file along, so that references to it stay.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "unity_client"
NAME = "com.dialogue-server.client"

_IMPORTER = """\
{importer}:
  externalObjects: {{}}
  userData:
  assetBundleName:
  assetBundleVariant:
"""
_MONO = """\
MonoImporter:
  externalObjects: {}
  serializedVersion: 2
  defaultReferences: []
  executionOrder: 0
  icon: {instanceID: 0}
  userData:
  assetBundleName:
  assetBundleVariant:
"""
_WEBGL_PLUGIN = """\
PluginImporter:
  externalObjects: {}
  serializedVersion: 2
  iconMap: {}
  executionOrder: {}
  defineConstraints: []
  isPreloaded: 0
  isOverridable: 0
  isExplicitlyReferenced: 0
  validateReferences: 1
  platformData:
  - first:
      Any:
    second:
      enabled: 0
      settings: {}
  - first:
      Editor: Editor
    second:
      enabled: 0
      settings:
        DefaultValueInitialized: true
  - first:
      WebGL: WebGL
    second:
      enabled: 1
      settings: {}
  userData:
  assetBundleName:
  assetBundleVariant:
"""


def assets() -> Iterator[Path]:
    """Everything that Unity imports: no .meta files, nothing hidden, nothing below a name with ~."""
    for path in sorted(PACKAGE.rglob("*")):
        parts = path.relative_to(PACKAGE).parts
        if path.suffix != ".meta" and not any(p.startswith(".") or p.endswith("~") for p in parts):
            yield path


def meta_path(path: Path) -> Path:
    return path.with_name(path.name + ".meta")


def meta(path: Path) -> str:
    key = f"{NAME}/{path.relative_to(PACKAGE).as_posix()}"
    guid = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
    head = f"fileFormatVersion: 2\nguid: {guid}\n"
    if path.is_dir():
        return head + "folderAsset: yes\n" + _IMPORTER.format(importer="DefaultImporter")
    match path.suffix:
        case ".cs":
            return head + _MONO
        case ".asmdef":
            return head + _IMPORTER.format(importer="AssemblyDefinitionImporter")
        case ".jslib":
            return head + _WEBGL_PLUGIN
        case ".md" | ".txt":
            return head + _IMPORTER.format(importer="TextScriptImporter")
        case ".json" if path.name == "package.json":
            return head + _IMPORTER.format(importer="PackageManifestImporter")
        case _:
            raise ValueError(f"{path}: say which importer a {path.suffix} file has")


def main() -> int:
    for path in assets():
        if not meta_path(path).exists():
            meta_path(path).write_text(meta(path), encoding="utf-8", newline="\n")
            print(f"written: {meta_path(path)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
