"""`python -m dialogue_protocol.vectors [--check] [DIR]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from .cases import LONG, MESSAGES, render
from .invalid import INVALID, LATER
from .transcripts import TRANSCRIPTS

DIRECTORY = Path(__file__).parents[2] / "vectors"


def files() -> dict[str, str]:
    """Every vector file: its path below the directory, and its text."""
    contents: dict[str, Any] = {
        "messages.json": [render(case) for case in MESSAGES],
        "long.json": [render(case) for case in LONG],
        "invalid.json": INVALID,
        "later.json": LATER,
    }
    for play in TRANSCRIPTS:
        contents[f"transcripts/{play.__name__}.json"] = {
            "name": play.__name__,
            "about": play.__doc__,
            "steps": play().steps,
        }
    return {name: _one_item_a_line(content) for name, content in contents.items()}


def _one_item_a_line(content: Any) -> str:
    """JSON in ASCII, so that no editor normalises it, with one case or step on each line."""
    if isinstance(content, dict):
        *head, (last, items) = content.items()
        opening = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head)
        return f"{{\n{opening} {json.dumps(last)}: {_one_item_a_line(items).rstrip()}\n}}\n"
    lines = ",\n".join(f"  {json.dumps(item)}" for item in content)
    return f"[\n{lines}\n]\n"


def main(arguments: list[str]) -> int:
    """Write or compare; 1 if something differs."""
    parser = argparse.ArgumentParser(prog="python -m dialogue_protocol.vectors")
    parser.add_argument("directory", nargs="?", type=Path, default=DIRECTORY)
    parser.add_argument("--check", action="store_true", help="only say which files are stale")
    options = parser.parse_args(arguments)
    stale = 0
    for name, text in files().items():
        path: Path = options.directory / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if options.check:
            sys.stderr.write(f"{path} is stale: run python -m dialogue_protocol.vectors\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
