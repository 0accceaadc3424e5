"""Packs the addon as the asset library and GitHub releases expect it.

    python godot_client/make_zip.py [FILE]      (default: dist/dialogue_client_godot.zip)

Unpacked in a project, the file gives addons/dialogue_client. The same sources give the same
bytes: names are sorted, and the times are fixed.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
ADDON = PROJECT / "addons" / "dialogue_client"


def main() -> None:
    """Write the file and say where it is."""
    default = PROJECT.parent / "dist" / "dialogue_client_godot.zip"
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in ADDON.rglob("*") if path.is_file()):
            name = path.relative_to(PROJECT).as_posix()
            entry = zipfile.ZipInfo(name, date_time=(2000, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
