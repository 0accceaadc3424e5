"""Sees to a Chromium for the page's tests: `make test` calls this.

The system's own serves, whatever its name. Where there is none, Debian's is installed if we may
(as root, in a container or on a CI machine), else Playwright fetches one of its own.
"""

from __future__ import annotations

import os
import shutil
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
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", "chromium"]
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "-qq", "update"], install):
            subprocess.run(command, check=False, env=quiet, stdout=subprocess.DEVNULL)
        if system_browser():
            return 0
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
