"""docs/security.md claims nothing that no test shows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def names(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_that_is_named_exists() -> None:
    missing = [
        f"{file}::{name}"
        for file, name in _TEST.findall(PAGE)
        if not (ROOT / file).exists() or name not in names(ROOT / file)
    ]
    assert not missing, missing


def test_every_threat_has_a_test_and_every_part_says_what_does_not_hold() -> None:
    for part in PAGE.split("\n## ")[1:]:
        title = part.partition("\n")[0]
        rows = [line for line in part.splitlines() if line.startswith("| ")][1:]
        for row in rows:
            assert _TEST.search(row), f"{title}: {row}"
        assert not rows or "Does not hold:" in part, title
