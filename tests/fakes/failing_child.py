"""Stands in for the embedded model's child, and fails in the way that its `model` says."""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    config = json.loads(sys.stdin.buffer.readline())
    how, _, what = config["model"].partition(":")
    if how == "exit":
        os._exit(int(what))
    if how == "signal":
        os.kill(os.getpid(), int(what))
    kind, _, said = what.partition(":")
    print(said, file=sys.stderr, flush=True)
    print(json.dumps({"type": "failed", "kind": kind, "detail": said}), flush=True)


if __name__ == "__main__":
    main()
