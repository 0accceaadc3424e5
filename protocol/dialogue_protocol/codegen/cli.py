"""Writes the generated files of the clients, or checks that they are fresh.

    python -m dialogue_protocol.codegen write
    python -m dialogue_protocol.codegen check     (exits 1 and names each stale file)

Run it in the repository's root after a change of messages.py or codes.py.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import csharp, csharp_vectors, gdscript
from .ir import Description, describe

Generator = Callable[[Description], str]
"""The whole text of one generated file, made from the description alone."""

TARGETS: dict[str, Generator] = {
    "godot_client/addons/dialogue_client/protocol/messages.gen.gd": gdscript.generate,
    "unity_client/Runtime/Protocol/Messages.gen.cs": csharp.generate,
    "tests/unity/nunit/MessagesAsJson.gen.cs": csharp_vectors.generate,
}
"""The generated files, relative to the repository's root, and who makes each."""


def stale(root: Path) -> dict[Path, str]:
    """The generated files that are missing or differ, with the text that each should have."""
    description = describe()
    texts = {root / name: generate(description) for name, generate in TARGETS.items()}
    return {path: text for path, text in texts.items() if _read(path) != text}


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dialogue_protocol.codegen",
        description="Write the clients' message classes from the protocol's definition.",
    )
    parser.add_argument(
        "command", choices=["write", "check"], help="write the files, or say which are stale"
    )
    parser.add_argument(
        "--root", type=Path, default=Path(), help="the repository's root (default: here)"
    )
    options = parser.parse_args(arguments)
    if not (options.root / "protocol" / "dialogue_protocol").is_dir():
        parser.error(f"{options.root.resolve()} is not the repository's root; say --root DIR")
    files = stale(options.root)
    for path, text in files.items():
        if options.command == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            sys.stdout.write(f"written: {path}\n")
        else:
            sys.stderr.write(
                f"stale: {path}; run `python -m dialogue_protocol.codegen write` and commit it\n"
            )
    return 1 if files and options.command == "check" else 0
