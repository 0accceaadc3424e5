"""Fetches a Chromium for the page's tests, unless the system has one: `make test` calls this."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.page.browser import system_browser


def main() -> int:
    """The exit code: 0 if there is a browser now."""
    if system_browser():
        return 0
    print("Fetching Chromium for the tests of the designers' page ...", flush=True)
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
