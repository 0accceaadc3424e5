"""Where a Chromium is: the system's, or the one that Playwright has fetched."""

from __future__ import annotations

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")


def system_browser() -> str | None:
    """The path of a Chromium that the system has; None if it has none."""
    return next(filter(None, map(shutil.which, NAMES)), None)
